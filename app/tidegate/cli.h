/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cli - what all verbs share: options, exit codes, asking and showing.
 *
 * The command knows nothing but the HTTP API: it links neither DPDK nor a room
 * of the daemon. With --json every verb prints the server's own document. For people
 * every text of a document is made harmless before anybody sees it (words.h).
 *
 * Threads one.
 */
#ifndef TIDEGATE_CLI_H
#define TIDEGATE_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define EXIT_FAILED      1
#define EXIT_USAGE       2
#define EXIT_UNREACHABLE 69 /* EX_UNAVAILABLE of sysexits.h */
#define EXIT_BAD_CONF    78 /* EX_CONFIG */

struct cli {
	const char *api; /* NULL: the usual two places, one after the other */
	const char *
		token_file; /* NULL: $TIDEGATE_TOKEN, /etc/tidegate/token, the socket's own */
	bool json;
	bool sends_token; /* also where nothing is changed */
	const char *verb;
	const char *usage;       /* of the verb, for complaints */
	unsigned int timeout_ms; /* of one question; 0: the usual 20 s */
	int argc;                /* what is left of the verb's arguments */
	char **argv;
};

/* --- arguments --- */

/* Take `name` out of the arguments. Returns whether it stood there. */
bool cli_flag(struct cli *c, const char *name);
/* Take `name VALUE` out; NULL when it did not stand there. Ends with a complaint without value. */
const char *cli_option(struct cli *c, const char *name);
/* Complain unless between least and most plain arguments and no options are left. */
void cli_want(struct cli *c, int least, int most);
/* A number of the option `name` between the two, or `absent` without it; else a complaint. */
long cli_number(struct cli *c, const char *name, long least, long most, long absent);
/* Say what is wrong and how it is done, and end with EXIT_USAGE. */
_Noreturn void cli_usage(const struct cli *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* --- asking --- */

struct cli_answer {
	int status;
	json_t *document; /* NULL when the answer was no JSON */
	char *text;       /* as it came, with a NUL behind it */
	size_t len;
};

/*
 * One request; body (or NULL) is taken over. Returns 0, or EXIT_UNREACHABLE
 * after a sentence on standard error. Free the answer with cli_answer_free().
 */
int cli_call(struct cli *c, const char *method, const char *path, json_t *body,
             struct cli_answer *out);
void cli_answer_free(struct cli_answer *a);

/* The same as cli_call() without the sentence. */
int cli_try(struct cli *c, const char *method, const char *path, struct cli_answer *out);

/*
 * The same, which returns 0 or -errno; *where is the place that was asked last. For
 * who tells the cause in its own words.
 */
int cli_ask(struct cli *c, const char *method, const char *path, json_t *body,
            struct cli_answer *out, const char **where);

/* Why nobody answered at `where`, and what to do: one sentence of at most `size` bytes. */
void cli_why(const char *where, int error, char *out, size_t size);

/*
 * The whole of a reading verb: GET, then the document as JSON or through
 * `human`. Returns the exit code.
 */
int cli_show(struct cli *c, const char *path, void (*human)(const json_t *document));

/* The whole of a changing verb. `human` prints one sentence about the answer. */
int cli_change(struct cli *c, const char *method, const char *path, json_t *body,
               void (*human)(const json_t *document));

/* Tell a problem document on standard error, or as JSON on standard output. */
void cli_problem(const struct cli *c, const struct cli_answer *a);

/* One document; only ASCII leaves, so that no terminal obeys it. */
void cli_print_json(const json_t *document);
/* The same on one line, for who prints many. */
void cli_print_json_line(const json_t *document);

/* Encode one part of a path into out of `size`. */
void cli_encode(const char *part, char *out, size_t size);

#endif
