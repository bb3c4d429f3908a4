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
 * A file is somebody else's word: whatever stands in it, reading ends, takes memory for
 * at most `most` prefixes, and tells what is wrong and where.
 *
 * Units   times are Unix seconds; the longest line has LIST_LINE_MAX bytes, the largest
 *         file LIST_FILE_MAX.
 * Cost    4 M IPv4 and 1 M IPv6 lines in no order are hashed, read, checked, sorted and
 *         freed of duplicates in 1.3 s of one core that others use too
 *         (tests/list/test_load.c prints it).
 * Threads any control-side thread; a content is read-only once it is made.
 */
#ifndef LIST_LIST_H
#define LIST_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prefix/prefix.h"

struct conf_errors;

#define LIST_LINE_MAX 4096                /* bytes of a line, without its end */
#define LIST_FILE_MAX (UINT64_C(2) << 30) /* bytes of a file */

enum list_format { LIST_PLAIN, LIST_CSV, LIST_MMDB };
enum list_on_error { LIST_REFUSE, LIST_SKIP };

/* Where a list comes from. Texts are the caller's. */
struct list_spec {
	const char *name; /* of the list, for messages */
	const char *path;
	enum list_format format;
	enum list_on_error on_error; /* a broken line refuses the file, or is left out */
	uint64_t most;               /* prefixes; more are refused */
	bool allow_empty;            /* else a file without prefixes is refused */
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
	int64_t file_time_s;        /* its modification, Unix time; 0: from memory */
	uint64_t read_unix_ns;      /* when it was read */
};

/*
 * Read a list. Returns 0 and *out, which the caller frees with list_free(), with a
 * warning for each of the first ten broken lines that were skipped and one that tells how
 * many more; or -EINVAL with every broken line as an error (the first hundred, and how
 * many more), each with file and line and what to do; -EAGAIN when the file changed
 * meanwhile; -ENOSYS for mmdb in a build without libmaxminddb; -ENOMEM; -errno of the
 * file; each with an error, and *out is NULL. What no line can be blamed for (too many
 * prefixes, a torn database, nothing in it) refuses the file whatever on_error says. A
 * file name "-" has no meaning here. `now_s` is the wall clock.
 *
 * Of equal prefixes the one that ends last stays.
 */
int list_read(const struct list_spec *spec, int64_t now_s, struct list_content **out,
              struct conf_errors *errors);

/* The same from memory, for what came through the API, and for tests. */
int list_read_text(const struct list_spec *spec, const char *text, size_t len,
                   int64_t now_s, struct list_content **out, struct conf_errors *errors);

/*
 * What a file holds (or NULL: nothing) and `count` more prefixes, in any order, as one new
 * content; of equal ones that which ends last. Returns 0 and *out, or -ENOMEM.
 */
int list_merge(const struct list_content *file, const struct list_prefix *more,
               size_t count, struct list_content **out);

/* NULL is allowed. */
void list_free(struct list_content *content);

/*
 * A file's state as far as one can see without reading it, to notice a change. Returns 0,
 * or -errno; *mark is untouched then.
 */
struct list_mark {
	uint64_t device, inode, size;
	int64_t time_s, time_ns;
};
int list_look(const char *path, struct list_mark *mark);

/* The format that the name of a file tells: ".csv", ".mmdb", else plain. */
enum list_format list_format_of(const char *path);

/* Whether `word` is what `select` may hold: "CN" or "AS64496". */
bool list_is_selectable(const char *word);

/*
 * Read one prefix of `len` characters as files have it: an address with or without a
 * length. Returns 0; -EINVAL when it is none; -ERANGE when the length is too long; -EDOM
 * when bits behind the length are set (*out then holds the masked prefix); -EXDEV for an
 * IPv4 address written as mapped IPv6. Agrees with inet_pton() about addresses.
 */
int list_scan_prefix(const char *text, size_t len, struct prefix *out);

/*
 * Read "2026-12-24T12:00:00Z" (or with +hh:mm), Unix seconds, "+1h" from now_s, or nothing
 * at all, which is no end: 0. Returns 0, -EINVAL when it is none of these, -ERANGE when it
 * lies behind the year 2105. A time that is over is no error here.
 */
int list_scan_until(const char *text, size_t len, int64_t now_s, uint32_t *until_s);

#endif
