/* SPDX-License-Identifier: BSD-3-Clause */
/* parts - what the files of this room share: one reading in progress. */
#ifndef LIST_PARTS_H
#define LIST_PARTS_H

#include <sys/types.h>

#include "base/sha256.h"
#include "conf/conf.h"
#include "list/list.h"

#define LIST_WARNINGS 10  /* skipped lines that are named */
#define LIST_ERRORS   100 /* broken lines that are named when the file is refused */

/* A list while it is read. */
struct list_reading {
	const struct list_spec *spec;
	int64_t now_s;
	struct list_content
		*content; /* prefixes in the order of the file until the end */
	size_t room;      /* places in content->prefix */
	uint64_t broken;
	bool is_in_long;    /* inside a line that is too long already */
	bool has_seen_line; /* the header of a CSV file can only come first */
	struct sha256 hash;
	struct conf_errors *errors;
};

/* A broken line: count it, and name it while there is room for more names. */
void list_broken(struct list_reading *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* What is wrong with the whole file. Returns `rc`. */
int list_refuse(struct list_reading *r, int rc, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The file is good, but somebody should know. */
void list_warn(struct list_reading *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Keep one prefix. Returns 0, or -E2BIG (too many) or -ENOMEM with an error. */
int list_keep(struct list_reading *r, const struct prefix *p, uint32_t until_s);
/* Sort what was kept and leave duplicates out. Returns 0 or -ENOMEM. */
int list_sort(struct list_content *c);

/*
 * Read as many whole lines of plain text or CSV as there are; the last one needs no end
 * when `is_last`. Returns how many bytes were used, or -errno. A line longer than
 * LIST_LINE_MAX is used up to the last byte, and is_in_long tells that its end is to come.
 */
ssize_t list_lines(struct list_reading *r, const char *text, size_t len, bool is_last);

/* One line of CSV, which is not empty and no remark. Returns as list_keep(). */
int list_csv_line(struct list_reading *r, const char *text, size_t len);
/* One prefix that a line holds, and when it ends. Same answers. */
int list_take(struct list_reading *r, const char *text, size_t len, uint32_t until_s);

/* One word of `select`. */
struct list_want {
	char country[3]; /* upper case; empty: an autonomous system */
	uint64_t as;
	uint64_t networks; /* found */
};
/* Returns false, and *want is of no use, when it is neither "NL" nor "AS64496". */
bool list_read_want(const char *word, struct list_want *want);

/*
 * Whether the tree of a MaxMind database ends within its `len` bytes; false also where its
 * metadata cannot be read. To be asked before the library opens the file.
 */
bool list_mmdb_fits(const uint8_t *file, size_t len);

/* All of a database whose bytes stand in the file behind `fd`. Returns 0 or -errno with errors. */
int list_mmdb(struct list_reading *r, int fd);

/* Text of a file, fit for a message: at most 48 characters, nothing a terminal obeys. */
#define LIST_SHOWN 52
const char *list_shown(const char *text, size_t len, char shown[LIST_SHOWN]);

#endif
