/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * list - prefixes from files: plain lists, CSV with time limits, MaxMind databases.
 *
 * A file is read completely and checked line by line. What it says becomes one sorted
 * content without duplicates; nothing of the file is needed afterwards.
 *
 *     plain  "192.0.2.0/24" or "2001:db8::1", a line each; '#' or ';' begins a remark
 *     csv    "prefix,until[,remark]": until is "2026-12-24T12:00:00Z", seconds of Unix
 *            time, "+3600s" from the moment of reading, or empty: no end
 *     mmdb   every network of a MaxMind database whose country or autonomous system is
 *            among those selected
 *
 * Threads any control-side thread; a content is read-only once it is made.
 */
#ifndef LIST_LIST_H
#define LIST_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prefix/prefix.h"

struct conf_errors;

enum list_format { LIST_PLAIN, LIST_CSV, LIST_MMDB };
enum list_on_error { LIST_REFUSE, LIST_SKIP };

/* Where a list comes from. Texts are the caller's. */
struct list_spec {
	const char *name; /* of the list, for messages */
	const char *path;
	enum list_format format;
	enum list_on_error on_error; /* a broken line refuses the file, or is left out */
	uint64_t most;               /* prefixes; more are refused */
	/* mmdb: ISO 3166 codes ("CN") or "AS64496", ended by NULL; NULL: all networks. */
	const char *const *select;
};

/* One prefix of it. */
struct list_prefix {
	struct prefix prefix;
	uint32_t until_s; /* Unix time when it ends; 0: never */
};

struct list_content {
	size_t count;
	struct list_prefix *prefix; /* sorted by address, then length; no two are equal */
	uint64_t lines;             /* of the file, or networks of the database */
	uint64_t skipped;           /* broken ones left out, which errors name */
	uint64_t ended;             /* left out because their time was over */
	char sha256[65];            /* of the file */
	int64_t file_time_s;        /* its modification, Unix time */
	uint64_t read_unix_ns;      /* when it was read */
};

/*
 * Read a list. Returns 0 and *out, which the caller frees with list_free(), with a
 * warning for each of the first broken lines that were skipped and one that tells how
 * many more; or -EINVAL with every broken line as an error (the first hundred, and how
 * many more), each with file and line and what to do; -ENOMEM; -errno of the file,
 * with an error. `now_s` is the wall clock.
 */
int list_read(const struct list_spec *spec, int64_t now_s, struct list_content **out,
              struct conf_errors *errors);

/* The same from memory, for what came through the API, and for tests. */
int list_read_text(const struct list_spec *spec, const char *text, size_t len,
                   int64_t now_s, struct list_content **out, struct conf_errors *errors);

void list_free(struct list_content *content);

#endif
