/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lists_parts - what the files behind lists.h share.
 *
 *     lists.c        what is next, what is in force
 *     lists_one.c    one list: when its file is read, and what came of it
 *     lists_files.c  paths and specifications; reading one file, and all for a dry run
 *     lists_made.c   entries made by hand, and the file that keeps them
 *     lists_watch.c  the thread, and what the API calls
 */
#ifndef TIDEGATED_LISTS_PARTS_H
#define TIDEGATED_LISTS_PARTS_H

#include <limits.h>
#include <pthread.h>

#include "engine.h"
#include "lists.h"

/* A content and how many states hold it; under `load`. */
struct lists_held {
	unsigned int holds;
	struct list_content *content;
};

/* One list of the settings in force. */
struct lists_one {
	struct lists_held *file; /* NULL: it has no file, or none was ever read */
	struct list_mark mark;   /* of the file when it was read last */
	bool has_mark;
	bool is_broken; /* what stands in it is wrong, and reading again would not help */
	uint64_t spec;  /* which reading the content came from */
	uint64_t due_ns; /* worker clock: when to look again; 0: only by call */
	struct box_list shown;
};

/* An entry made by hand. */
struct lists_made {
	char list[64];
	struct prefix prefix;
	uint32_t until_s; /* 0: no end */
};

struct lists_all {
	struct lists_one *one;
	size_t count;
};

struct lists {
	struct engine *engine;
	char made_file[PATH_MAX]; /* "": nothing is kept */

	pthread_mutex_t load; /* one change at a time; may be held for seconds */
	/* Changed under both, read under either. */
	pthread_mutex_t lock;
	struct lists_all now;
	struct lists_made *made;
	size_t made_count;

	struct lists_ear ear;
	pthread_t thread;
	pthread_cond_t wake;
	bool is_started, is_stopping; /* under lock */
};

struct lists_next {
	struct lists_all all;
	struct list_set *set;
	bool is_changed; /* the set in force does not say the same */
};

/* --- lists_files.c --- */

/* A specification whose texts it owns. */
struct lists_spec {
	struct list_spec spec;
	char path[PATH_MAX];
	uint64_t mark; /* differs when a content would be read in another way */
};

/*
 * How the file of list `i` is to be read; `base` is the file of the configuration. Returns 1,
 * 0 when it has no file, or -ENOMEM. Close it in the first case.
 */
int lists_spec_open(const struct settings *s, const char *base, size_t i,
                    struct lists_spec *spec);
void lists_spec_close(struct lists_spec *spec);

/* Copy all into `to`; as warnings, when the old content stays or nothing is refused. */
void lists_pass_on(const struct conf_errors *from, bool as_warnings,
                   struct conf_errors *to);

/* Wall clock of lists: Unix seconds, or 0 in replay, where no wall clock counts. */
int64_t lists_now_s(const struct engine *e);

/* --- lists.c --- */

/* What is to be read anew. */
struct lists_ask {
	const struct settings *settings;
	const char *name; /* this one whatever its mark; NULL: none */
	uint64_t now_ns;  /* those due by then; UINT64_MAX: all */
	bool is_first;    /* at the start: a list that says refuse refuses */
	bool is_made_changed;
};

/* Under `load`: make what is next. Returns 0 or -errno with errors; *out is NULL then. */
int lists_make_next(struct lists *l, const struct lists_ask *ask, struct lists_next **out,
                    struct conf_errors *errors);
/* Under `load`: put it in force if it changed anything, and keep it. Same answers. */
int lists_put_in_force(struct lists *l, struct lists_next *next,
                       struct conf_errors *errors);
void lists_next_free(struct lists_next *next);
/* Under either lock: the place of that list, or count. */
size_t lists_find(const struct lists_all *all, const char *name);

/* --- lists_one.c --- */

/*
 * Under `load`: fill the zeroed state of list `i` of what is next, from what is now and from
 * its file where that is to be read. Returns 0, or -errno with errors.
 */
int lists_make_one(struct lists *l, const struct lists_ask *ask, struct lists_one *one,
                   size_t i, struct conf_errors *errors);
/* NULL is allowed in both; the last one frees it. */
struct lists_held *lists_hold(struct lists_held *h);
void lists_let_go(struct lists_held *h);

/* --- lists_made.c --- */

/* Read what was kept. What cannot be read is set aside with a warning. */
void lists_made_load(struct lists *l, struct conf_errors *errors);
/* Write it, atomically. Returns 0 or -errno. */
int lists_made_save(const struct lists *l);
/* Under `load`: the content of a file (or NULL) and what was made by hand for the list. */
int lists_made_join(const struct lists *l, const char *name,
                    const struct list_content *file, struct list_content **out);
/* Under `load`: forget what has ended. */
void lists_made_expire(struct lists *l);
int lists_made_change(void *daemon, const struct box_list_entry *entry, bool is_add,
                      struct conf_errors *errors);
size_t lists_made_read(void *daemon, const char *list, struct box_list_entry *out,
                       size_t n);

#endif
