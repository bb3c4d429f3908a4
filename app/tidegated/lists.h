/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lists - the contents of lists: read from files, changed by hand, put in force.
 *
 *     file --list_read()--> content --.
 *     entries made by hand ------------+--list_set_build()--> set --change_lists()--> workers
 *     prefixes of the configuration --'
 *
 * What is read and joined is finished beside the running snapshot, which may take seconds;
 * workers see one pointer change. A file that fails later than at the start leaves the
 * old content in force, whatever on_error says, and is tried again.
 *
 * Entries made by hand are kept in lists.json of the state folder, each with its end.
 *
 * Threads any ordinary one, and one of its own that looks after the files (lists_start).
 *         One change of lists at a time; who only looks never waits for it.
 */
#ifndef TIDEGATED_LISTS_H
#define TIDEGATED_LISTS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "list/list.h"
#include "policy/settings.h"
#include "telemetry/box.h"

struct engine;
struct list_set;
struct lists;

#define LISTS_MADE_MAX 65536 /* entries made by hand, of all lists together */

/*
 * Read all lists of e->settings for the first time, and the entries made by hand, and build
 * e->list_set. Returns 0 and e->lists, with warnings; -EINVAL with errors when a file is
 * broken and its list says refuse; -ENOMEM. `has_state` is false where nothing may be kept.
 */
int lists_open(struct engine *e, bool has_state, struct conf_errors *errors);
void lists_close(struct lists *l);

/* What a reload wants to put in force, between lists_prepare() and its end. */
struct lists_next;

/*
 * Read what is new or has changed for settings that may come in force, and join it.
 * Returns 0 and *out, or -errno with errors. From here to lists_finish() nobody else
 * changes lists.
 */
int lists_prepare(struct lists *l, const struct settings *next, struct lists_next **out,
                  struct conf_errors *errors);
/* The set to use; NULL: the settings alone say it. */
struct list_set *lists_set_of(const struct lists_next *next);
/* Keep it when it came in force, else forget it. */
void lists_finish(struct lists *l, struct lists_next *next, bool is_in_force);

/*
 * Read all files of `s` and join them, and keep nothing: for a dry run. `base` is the
 * configuration file that relative paths start from. Returns 0 and *set (or NULL: no list
 * has a file), or -EINVAL with all errors.
 */
int lists_try(const struct settings *s, const char *base, struct list_set **set,
              struct conf_errors *errors);

/* Put the functions of lists into the engine's box. */
void lists_attach(struct engine *e);

/* Who is told that a list was loaded or failed. */
struct lists_ear {
	void (*tell)(void *arg, const char *list, bool is_loaded,
	             const struct conf_errors *errors);
	void *arg;
};

/* Begin to look after the files; returns 0 or -errno. lists_stop() ends it. */
int lists_start(struct lists *l, const struct lists_ear *ear);
void lists_stop(struct lists *l);

/* Look once at every file whose time has come, at that moment of the worker clock. */
void lists_turn(struct lists *l, uint64_t now_ns);

#endif
