/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "table.h"
#include "words.h"

#define SOCKET_DEFAULT "unix:/run/tidegate/api.sock"
#define URL_DEFAULT    "http://127.0.0.1:9686"
#define TOKEN_DEFAULT  "/etc/tidegate/token"

/* Take n arguments out at i. */
static void
take(struct cli *c, int i, int n)
{
	memmove(&c->argv[i], &c->argv[i + n],
	        (size_t)(c->argc - i - n + 1) * sizeof(*c->argv));
	c->argc -= n;
}

bool
cli_flag(struct cli *c, const char *name)
{
	for (int i = 0; i < c->argc; i++) {
		if (strcmp(c->argv[i], name) == 0) {
			take(c, i, 1);
			return true;
		}
	}
	return false;
}

const char *
cli_option(struct cli *c, const char *name)
{
	const size_t len = strlen(name);

	for (int i = 0; i < c->argc; i++) {
		const char *value = NULL;

		if (strncmp(c->argv[i], name, len) == 0 && c->argv[i][len] == '=') {
			value = c->argv[i] + len + 1;
			take(c, i, 1);
		} else if (strcmp(c->argv[i], name) == 0) {
			value = i + 1 < c->argc ? c->argv[i + 1] : NULL;
			if (value == NULL)
				cli_usage(c, "%s needs a value", name);
			take(c, i, 2);
		}
		if (value != NULL)
			return value;
	}
	return NULL;
}

long
cli_number(struct cli *c, const char *name, long least, long most, long absent)
{
	const char *text = cli_option(c, name);
	char *end;
	long n;

	if (text == NULL)
		return absent;
	n = strtol(text, &end, 10);
	if (end == text || *end != '\0' || n < least || n > most)
		cli_usage(c, "%s takes a number from %ld to %ld, not '%s'", name, least,
		          most, text);
	return n;
}

void
cli_want(struct cli *c, int least, int most)
{
	for (int i = 0; i < c->argc; i++) {
		if (c->argv[i][0] == '-' && c->argv[i][1] != '\0')
			cli_usage(c, "unknown option %s", c->argv[i]);
	}
	if (c->argc < least)
		cli_usage(c, "something is missing");
	if (c->argc > most)
		cli_usage(c, "'%s' is too much", c->argv[most]);
}

void
cli_usage(const struct cli *c, const char *format, ...)
{
	va_list args;

	fputs("tidegate: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	if (c->verb != NULL)
		fprintf(stderr, "\nusage: tidegate %s %s\n", c->verb, c->usage);
	else
		fputs("\nsee: tidegate --help\n", stderr);
	exit(EXIT_USAGE);
}

/*
 * The file of a token nobody named: the operator's own, or else the one that the daemon
 * leaves for root beside its socket.
 */
static FILE *
open_usual_token(const struct cli *c)
{
	const char *where = c->api != NULL ? c->api : SOCKET_DEFAULT;
	FILE *f = fopen(TOKEN_DEFAULT, "re");
	char path[128];

	if (f != NULL || strncmp(where, "unix:", 5) != 0)
		return f;
	if (snprintf(path, sizeof(path), "%s.token", where + 5) >= (int)sizeof(path))
		return NULL;
	return fopen(path, "re");
}

/* The token for writes in `out`, or "" when there is none. */
static void
read_token(const struct cli *c, char *out, size_t size)
{
	const char *file = c->token_file, *token = getenv("TIDEGATE_TOKEN");
	FILE *f;

	out[0] = '\0';
	if (file == NULL && token != NULL) {
		snprintf(out, size, "%s", token);
		return;
	}
	f = file != NULL ? fopen(file, "re") : open_usual_token(c);
	if (f == NULL) {
		if (file != NULL) {
			fprintf(stderr, "tidegate: cannot read %s: %s\n", file,
			        strerror(errno));
			exit(EXIT_FAILED);
		}
		return;
	}
	if (fgets(out, (int)size, f) == NULL)
		out[0] = '\0';
	fclose(f);
	out[strcspn(out, " \r\n\t")] = '\0';
}

/*
 * Ask one place, or the usual two. Returns 0 or -errno of the place that is more
 * telling: a socket that is there, else the address.
 */
static int
ask(struct cli *c, const struct http_request *rq, struct http_answer *out,
    const char **where)
{
	int rc, by_tcp;

	*where = c->api != NULL ? c->api : SOCKET_DEFAULT;
	rc = http_ask(*where, rq, out);
	if (rc == 0 || c->api != NULL || rc == -ETIMEDOUT)
		return rc;
	by_tcp = http_ask(URL_DEFAULT, rq, out);
	if (by_tcp == 0 || rc == -ENOENT) {
		*where = URL_DEFAULT;
		rc = by_tcp;
	}
	return rc;
}

int
cli_ask(struct cli *c, const char *method, const char *path, json_t *body,
        struct cli_answer *out, const char **where)
{
	char token[512] = "";
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	struct http_request rq = { .method = method,
		                   .path = path,
		                   .body = text,
		                   .token = token,
		                   .timeout_ms = c->timeout_ms };
	struct http_answer answer;
	int rc;

	json_decref(body);
	memset(out, 0, sizeof(*out));
	if (c->sends_token || strcmp(method, "GET") != 0)
		read_token(c, token, sizeof(token));
	rc = ask(c, &rq, &answer, where);
	free(text);
	if (rc < 0)
		return rc;
	out->status = answer.status;
	out->text = answer.body;
	out->len = answer.len;
	out->document = json_loadb(answer.body, answer.len, 0, NULL);
	if (!c->json)
		words_clean_document(out->document);
	return 0;
}

int
cli_try(struct cli *c, const char *method, const char *path, struct cli_answer *out)
{
	const char *where;

	return cli_ask(c, method, path, NULL, out, &where) < 0 ? EXIT_UNREACHABLE : 0;
}

void
cli_why(const char *where, int error, char *out, size_t size)
{
	const bool is_unix = strncmp(where, "unix:", 5) == 0;
	const char *path = is_unix ? where + 5 : where;

	if (error == ENOENT && is_unix)
		snprintf(out, size,
		         "there is no socket %s: tidegated does not run, or api.listen "
		         "names another place (say it with --api)",
		         path);
	else if (error == ECONNREFUSED && is_unix)
		snprintf(out, size,
		         "the socket %s is left over from a tidegated that is gone: "
		         "start it again",
		         path);
	else if (error == EACCES || error == EPERM)
		snprintf(out, size,
		         "you may not open %s: ask as root, or as a member of the group "
		         "that it belongs to (`ls -l` tells which)",
		         path);
	else if (error == ETIMEDOUT)
		snprintf(out, size,
		         "somebody listens at %s, but does not answer in time: tidegated "
		         "hangs, or is stopped",
		         path);
	else if (error == ECONNREFUSED)
		snprintf(out, size,
		         "nobody listens at %s: tidegated does not run, or api.listen "
		         "names another place (say it with --api)",
		         path);
	else if (error == EINVAL)
		snprintf(out, size, "%s is neither http://HOST:PORT nor unix:PATH", path);
	else if (error == EPROTO || error == ECONNRESET || error == EPIPE)
		snprintf(out, size, "what answers at %s is no tidegated", path);
	else
		snprintf(out, size, "%s: %s", path, strerror(error));
}

int
cli_call(struct cli *c, const char *method, const char *path, json_t *body,
         struct cli_answer *out)
{
	const char *where;
	char why[512];
	const int rc = cli_ask(c, method, path, body, out, &where);

	if (rc == 0)
		return 0;
	cli_why(where, -rc, why, sizeof(why));
	fprintf(stderr,
	        "tidegate: tidegated does not answer: %s\n"
	        "`tidegate doctor` looks for the cause.\n",
	        why);
	return EXIT_UNREACHABLE;
}

void
cli_answer_free(struct cli_answer *a)
{
	json_decref(a->document);
	free(a->text);
	memset(a, 0, sizeof(*a));
}

void
cli_print_json(const json_t *document)
{
	json_dumpf(document, stdout,
	           JSON_INDENT(2) | JSON_REAL_PRECISION(12) | JSON_ENSURE_ASCII |
	                   JSON_ENCODE_ANY);
	putchar('\n');
}

void
cli_print_json_line(const json_t *document)
{
	json_dumpf(document, stdout,
	           JSON_COMPACT | JSON_REAL_PRECISION(12) | JSON_ENSURE_ASCII |
	                   JSON_ENCODE_ANY);
	putchar('\n');
	fflush(stdout);
}

void
cli_problem(const struct cli *c, const struct cli_answer *a)
{
	const json_t *errors = get(a->document, "errors"), *e;
	size_t i;

	if (c->json && a->document != NULL) {
		cli_print_json(a->document);
		return;
	}
	if (a->document == NULL)
		fprintf(stderr,
		        "tidegate: the answer (%d) is no JSON: is that a tidegated?\n",
		        a->status);
	else
		fprintf(stderr, "tidegate: %s\n", get_text(a->document, "detail"));
	json_array_foreach((json_t *)errors, i, e)
		fprintf(stderr, "%s:%.0f: %s%s%s\n", table_safe(get_text(e, "file")),
	                get_number(e, "line"), table_safe(get_text(e, "path")),
	                get_text(e, "path")[0] != '\0' ? ": " : "",
	                table_safe(get_text(e, "message")));
}

/* Print what came back; returns the exit code. */
static int
finish(const struct cli *c, struct cli_answer *a, void (*human)(const json_t *document))
{
	int rc = 0;

	if (a->status != 200 || a->document == NULL) {
		cli_problem(c, a);
		rc = EXIT_FAILED;
	} else if (c->json) {
		cli_print_json(a->document);
	} else {
		human(a->document);
	}
	cli_answer_free(a);
	return rc;
}

int
cli_show(struct cli *c, const char *path, void (*human)(const json_t *document))
{
	return cli_change(c, "GET", path, NULL, human);
}

int
cli_change(struct cli *c, const char *method, const char *path, json_t *body,
           void (*human)(const json_t *document))
{
	struct cli_answer a;
	const int rc = cli_call(c, method, path, body, &a);

	return rc != 0 ? rc : finish(c, &a, human);
}

void
cli_encode(const char *part, char *out, size_t size)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~";
	size_t n = 0;

	for (; *part != '\0' && n + 4 < size; part++) {
		if (strchr(plain, *part) != NULL)
			out[n++] = *part;
		else
			n += (size_t)snprintf(out + n, size - n, "%%%02X",
			                      (unsigned char)*part);
	}
	out[n] = '\0';
}
