/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * token - who may change something: make, show and take back lines of the tokens file.
 *
 * The one verb that asks no daemon: it works on the file that api.tokens_file names. The
 * daemon reads that file at each use, so what is written here is in force at once. The
 * token itself is shown once and kept nowhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sha256.h"
#include "cli.h"
#include "verbs.h"

#define FILE_DEFAULT "/etc/tidegate/tokens"
#define FILE_MAX     65535 /* the daemon reads no more */
#define NAME_MAX_LEN 63
#define TOKEN_BYTES  32

static int
fail(const char *file, int error)
{
	fprintf(stderr, "tidegate: %s: %s\n", file, strerror(error));
	return EXIT_FAILED;
}

static void
print_and_free(json_t *document)
{
	cli_print_json(document);
	json_decref(document);
}

/* The file's text, "" when there is none; free() it. NULL with errno. */
static char *
read_file(const char *file)
{
	char *text = calloc(1, FILE_MAX + 1);
	FILE *f = fopen(file, "re");
	size_t n;

	if (text == NULL || (f == NULL && errno == ENOENT))
		return text;
	if (f == NULL) {
		free(text);
		return NULL;
	}
	n = fread(text, 1, FILE_MAX, f);
	if (n == FILE_MAX || memchr(text, '\0', n) != NULL) {
		free(text);
		text = NULL;
		errno = EFBIG;
	}
	fclose(f);
	return text;
}

/* The whole file anew, so that a daemon that reads meanwhile sees the old or the new one. */
static int
write_file(const char *file, const char *text, const char *more)
{
	const size_t len = strlen(text);
	char path[4096];
	FILE *f;
	int fd, bad;

	if (snprintf(path, sizeof(path), "%s.new", file) >= (int)sizeof(path))
		return fail(file, ENAMETOOLONG);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (f == NULL)
		return fail(path, errno);
	fputs(text, f);
	if (len > 0 && text[len - 1] != '\n')
		fputc('\n', f);
	fputs(more, f);
	bad = fflush(f) != 0 || ferror(f) || fsync(fd) != 0;
	bad |= fclose(f) != 0;
	if (bad || rename(path, file) != 0) {
		const int error = errno;

		unlink(path);
		return fail(file, error);
	}
	return 0;
}

/* The line of this name in text, with its length; NULL when there is none. */
static const char *
find(const char *text, const char *name, size_t *len)
{
	const size_t n = strlen(name);

	while (*text != '\0') {
		const size_t line = strcspn(text, "\n");

		*len = line + (text[line] == '\n');
		if (strncmp(text, name, n) == 0 && text[n] == ':')
			return text;
		text += *len;
	}
	return NULL;
}

static void
check_name(const struct cli *c, const char *name)
{
	if (name[0] == '\0' || name[0] == '#' || strlen(name) > NAME_MAX_LEN ||
	    strpbrk(name, ":/ \t\r\n") != NULL)
		cli_usage(c,
		          "a name has 1 to %d characters, none of them : or / or a space",
		          NAME_MAX_LEN);
}

static int
make(struct cli *c, const char *file, const char *name, const char *role)
{
	char token[2 * TOKEN_BYTES + 1], digest[SHA256_TEXT], line[256];
	uint8_t random[TOKEN_BYTES];
	char *text;
	size_t len;
	int rc;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return fail("randomness", errno);
	text = read_file(file);
	if (text == NULL)
		return fail(file, errno);
	if (find(text, name, &len) != NULL) {
		fprintf(stderr,
		        "tidegate: %s has a token of '%s' already; take it back first: "
		        "tidegate token del %s\n",
		        file, name, name);
		free(text);
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(token + 2 * i, 3, "%02x", random[i]);
	sha256_text(token, strlen(token), digest);
	snprintf(line, sizeof(line), "%s:%s:%s\n", name, digest, role);
	rc = write_file(file, text, line);
	free(text);
	if (rc != 0)
		return rc;
	if (c->json)
		print_and_free(json_pack("{s:s, s:s, s:s}", "name", name, "role", role,
		                         "token", token));
	else
		puts(token);
	if (!c->json)
		fprintf(stderr,
		        "This is the token of '%s' (%s). It is shown once: %s keeps only "
		        "its hash.\n",
		        name, role, file);
	return 0;
}

static int
take_back(const struct cli *c, const char *file, const char *name)
{
	char *text = read_file(file), *line;
	size_t len;
	int rc;

	if (text == NULL)
		return fail(file, errno);
	line = (char *)find(text, name, &len);
	if (line == NULL) {
		fprintf(stderr, "tidegate: %s has no token of '%s'\n", file, name);
		free(text);
		return EXIT_FAILED;
	}
	memmove(line, line + len, strlen(line + len) + 1);
	rc = write_file(file, text, "");
	free(text);
	if (rc == 0 && c->json)
		print_and_free(
			json_pack("{s:s, s:s}", "name", name, "result", "deleted"));
	else if (rc == 0)
		printf("the token of '%s' is out of force\n", name);
	return rc;
}

/* Names and roles; a hash is nobody's business. */
static int
list(const struct cli *c, const char *file)
{
	char *text = read_file(file), *rest, *line;
	json_t *all = json_array();

	if (text == NULL) {
		json_decref(all);
		return fail(file, errno);
	}
	for (line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *digest = strchr(line, ':'), *role;

		if (line[0] == '#' || digest == NULL)
			continue;
		*digest++ = '\0';
		role = strchr(digest, ':');
		role = role == NULL ? "admin" : role + 1;
		if (!c->json)
			printf("%-20s %s\n", line, role);
		json_array_append_new(
			all, json_pack("{s:s, s:s}", "name", line, "role", role));
	}
	free(text);
	if (c->json)
		print_and_free(json_pack("{s:O}", "tokens", all));
	json_decref(all);
	return 0;
}

int
verb_token(struct cli *c)
{
	const char *role = cli_option(c, "--role");
	const char *file = cli_option(c, "--tokens-file");
	const char *what;

	if (file == NULL)
		file = FILE_DEFAULT;
	cli_want(c, 1, 2);
	what = c->argv[0];
	if (strcmp(what, "ls") == 0 && c->argc == 1)
		return list(c, file);
	if (c->argc < 2)
		cli_usage(c, "whose token?");
	check_name(c, c->argv[1]);
	if (strcmp(what, "del") == 0)
		return take_back(c, file, c->argv[1]);
	if (strcmp(what, "new") != 0)
		cli_usage(c, "'%s' is nothing that can be done with tokens", what);
	if (role == NULL)
		role = "operate";
	if (strcmp(role, "read") != 0 && strcmp(role, "operate") != 0 &&
	    strcmp(role, "admin") != 0)
		cli_usage(c, "--role is read, operate or admin");
	return make(c, file, c->argv[1], role);
}
