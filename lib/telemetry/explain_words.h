/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * explain_words - what lists, blocks and tags do to an address, in whole sentences.
 *
 * Threads the one that makes the document.
 */
#ifndef TELEMETRY_EXPLAIN_WORDS_H
#define TELEMETRY_EXPLAIN_WORDS_H

#include <stdint.h>

struct explain_line;
struct policies;

struct explain_words {
	char listed[700];   /* lists and timed entries it is on; "" for none */
	char tagged[500];   /* what policies make of its tags */
	uint64_t blocked_s; /* by itself, for so long yet; 0: not blocked */
	uint64_t blocks;    /* which block in a row that is */
};

/* One entry that holds the address. */
struct explain_entry {
	const char *name, *action;
	const char *prefix;                    /* NULL: not known */
	uint64_t remaining_s;                  /* 0: no end */
	uint64_t scale;                        /* of never_block */
	const char *reason;                    /* given by hand; or NULL */
	uint64_t since_unix_ns, until_unix_ns; /* 0: not known, no end */
};

/* Say that the address is on it; what has no room is left out. */
void telemetry_explain_words_list(struct explain_words *w, const struct explain_entry *e);

/* Take note of what a worker says; the same from two workers is said once. */
void telemetry_explain_words_line(struct explain_words *w, const struct policies *p,
                                  const struct explain_line *line);

#endif
