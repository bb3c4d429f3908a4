/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * capture - packets of now into a file that tshark and Wireshark read.
 *
 * The daemon keeps the capture; this asks again and again for what its file has more
 * than before, always whole packets, until it ends or somebody interrupts.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

#define EXPRESSION_ROOM 1025
#define WAIT_US         200000

/* As much as the daemon gives, where nothing is said. */
#define PACKETS_MOST 1000000
#define SECONDS_MOST 3600
#define BYTES_MOST   16777216

static volatile sig_atomic_t is_interrupted;

static void
interrupt(int number)
{
	(void)number;
	is_interrupted = 1;
}

/* "30s", "5m", "1h" or a bare number of seconds. */
static int
seconds_of(const struct cli *c, const char *text)
{
	char *end;
	const long n = strtol(text, &end, 10);
	long each = 0;

	if (*end == '\0' || strcmp(end, "s") == 0)
		each = 1;
	else if (strcmp(end, "m") == 0)
		each = 60;
	else if (strcmp(end, "h") == 0)
		each = 3600;
	if (end == text || each == 0 || n < 1 || n > SECONDS_MOST / each)
		cli_usage(c, "'%s' is no time from 1s to 1h", text);
	return (int)(n * each);
}

static int
packets_of(const struct cli *c, const char *text)
{
	char *end;
	const long n = strtol(text, &end, 10);

	if (end == text || *end != '\0' || n < 1 || n > PACKETS_MOST)
		cli_usage(c, "-c takes 1 to %d packets", PACKETS_MOST);
	return (int)n;
}

static void
put_option(json_t *o, const char *key, const char *value)
{
	if (value != NULL)
		json_object_set_new(o, key, json_string(value));
}

/* The words that are left are the expression, as with tcpdump. */
static void
put_expression(struct cli *c, json_t *o)
{
	char text[EXPRESSION_ROOM] = "";
	size_t n = 0;

	for (int i = 0; i < c->argc; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
		                      i > 0 ? " " : "", c->argv[i]);
		if (n >= sizeof(text))
			cli_usage(c, "the expression is too long");
	}
	if (n > 0)
		json_object_set_new(o, "expression", json_string(text));
}

/* Returns the exit code, and the capture's number in *id. */
static int
begin(struct cli *c, json_t *body, double *id)
{
	struct cli_answer a;
	int rc = cli_call(c, "POST", "/api/v1/captures", body, &a);

	if (rc != 0)
		return rc;
	if (a.status != 200 || a.document == NULL) {
		cli_problem(c, &a);
		rc = EXIT_FAILED;
	}
	*id = get_number(a.document, "capture.id");
	cli_answer_free(&a);
	return rc;
}

/* Write what the file has beyond *have. Returns the exit code. */
static int
fetch(struct cli *c, double id, FILE *to, size_t *have)
{
	struct cli_answer a;
	char path[80];
	int rc;

	snprintf(path, sizeof(path), "/api/v1/captures/%.0f/file?from=%zu", id, *have);
	rc = cli_call(c, "GET", path, NULL, &a);
	if (rc != 0)
		return rc;
	if (a.status != 200) {
		cli_problem(c, &a);
		rc = EXIT_FAILED;
	} else if (fwrite(a.text, 1, a.len, to) != a.len || fflush(to) != 0) {
		fprintf(stderr, "tidegate: cannot write: %s\n", strerror(errno));
		rc = EXIT_FAILED;
	} else {
		*have += a.len;
	}
	cli_answer_free(&a);
	return rc;
}

/* How the capture is; NULL when it cannot be asked. */
static json_t *
look(struct cli *c, double id)
{
	struct cli_answer a;
	char path[64];
	json_t *capture;

	snprintf(path, sizeof(path), "/api/v1/captures/%.0f", id);
	if (cli_call(c, "GET", path, NULL, &a) != 0)
		return NULL;
	capture = json_incref((json_t *)get(a.document, "capture"));
	cli_answer_free(&a);
	return capture;
}

static void
tell_end(const struct cli *c, const json_t *capture, bool is_stdout)
{
	const double lost = get_number(capture, "lost");
	const double unasked = get_number(capture, "not_asked");

	if (c->json) {
		FILE *to = is_stdout ? stderr : stdout;

		if (capture == NULL || json_dumpf(capture, to, JSON_INDENT(2)) != 0)
			fputs("{}", to);
		fputc('\n', to);
		return;
	}
	if (capture == NULL)
		return;
	fprintf(stderr, "%.0f packets captured", get_number(capture, "packets"));
	if (lost > 0)
		fprintf(stderr, ", %.0f more matched and found no room", lost);
	if (unasked > 0)
		fprintf(stderr,
		        ", %.0f were not looked at because the worker was busy: name "
		        "--verdict, --service or --reason",
		        unasked);
	fputc('\n', stderr);
}

/* Until it ends or is interrupted; the daemon forgets it in any case. */
static int
carry(struct cli *c, double id, FILE *to)
{
	json_t *capture = NULL;
	size_t have = 0;
	bool is_last = false;
	char path[64];
	int rc = 0;

	while (rc == 0 && !is_last) {
		json_decref(capture);
		capture = look(c, id);
		is_last = is_interrupted || capture == NULL ||
		          strcmp(get_text(capture, "state"), "ended") == 0;
		rc = fetch(c, id, to, &have);
		if (rc == 0 && !is_last)
			usleep(WAIT_US);
	}
	tell_end(c, capture, to == stdout);
	json_decref(capture);
	if (rc != EXIT_UNREACHABLE) {
		struct cli_answer a;

		snprintf(path, sizeof(path), "/api/v1/captures/%.0f", id);
		if (cli_call(c, "DELETE", path, json_object(), &a) == 0)
			cli_answer_free(&a);
	}
	return rc;
}

static void
listen_to_signals(void)
{
	struct sigaction how = { .sa_handler = interrupt };

	sigaction(SIGINT, &how, NULL);
	sigaction(SIGTERM, &how, NULL);
	/* A reader of standard output that went away is told by fwrite(). */
	signal(SIGPIPE, SIG_IGN);
}

int
verb_capture(struct cli *c)
{
	const char *file = cli_option(c, "-w"), *count = cli_option(c, "-c");
	const char *time = cli_option(c, "--for");
	json_t *body = json_object();
	bool is_stdout;
	double id;
	FILE *to;
	int rc;

	put_option(body, "verdict", cli_option(c, "--verdict"));
	put_option(body, "reason", cli_option(c, "--reason"));
	put_option(body, "service", cli_option(c, "--service"));
	cli_want(c, 0, 1000);
	if (file == NULL)
		cli_usage(c, "say where to: -w FILE, or -w - for standard output");
	json_object_set_new(
		body, "packets",
		json_integer(count != NULL ? packets_of(c, count) : PACKETS_MOST));
	json_object_set_new(
		body, "seconds",
		json_integer(time != NULL ? seconds_of(c, time) : SECONDS_MOST));
	json_object_set_new(body, "bytes", json_integer(BYTES_MOST));
	put_expression(c, body);
	is_stdout = strcmp(file, "-") == 0;
	if (is_stdout && isatty(STDOUT_FILENO))
		cli_usage(c, "packets are not for a terminal: write to a file or a pipe");
	listen_to_signals();
	c->sends_token = true;
	/* Before the capture begins, so that a wrong path costs nothing. */
	to = is_stdout ? stdout : fopen(file, "we");
	if (to == NULL) {
		fprintf(stderr, "tidegate: cannot write %s: %s\n", file, strerror(errno));
		json_decref(body);
		return EXIT_FAILED;
	}
	rc = begin(c, body, &id);
	if (rc == 0)
		rc = carry(c, id, to);
	if (!is_stdout && fclose(to) != 0 && rc == 0)
		rc = EXIT_FAILED;
	return rc;
}
