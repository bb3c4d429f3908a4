/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * change - everything that puts a new snapshot in force, or asks the workers.
 *
 * Reload, modes, timed blocks: each builds a complete new snapshot beside the
 * running one, swaps one pointer and frees the old one after a grace period. If
 * a worker does not come round in time the old snapshot stays in memory, the
 * new one is in force all the same, and the next change is refused with that
 * worker's name.
 *
 * Threads any ordinary thread; never a worker, never the control core.
 */
#ifndef TIDEGATED_CHANGE_H
#define TIDEGATED_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

struct box;
struct engine;
struct conf_errors;
struct settings;
struct list_set;
struct policy_block;

/* Why what was set by hand changed. */
enum change_cause { CHANGE_SET, CHANGE_TAKEN_BACK, CHANGE_EXPIRED };

/* Who is told of what was set by hand; under change_lock, so it must return at once. */
struct change_ear {
	void *arg;
	void (*block)(void *arg, const struct policy_block *block,
	              enum change_cause cause);
	/* service NULL: all; mode -1: as configured; until_ns 0: no end. */
	void (*mode)(void *arg, const char *service, int mode, uint64_t until_ns,
	             enum change_cause cause);
	void (*bypass)(void *arg, bool is_on, uint64_t until_ns, enum change_cause cause);
	/* A reload was taken over; under reload_lock. */
	void (*settings)(void *arg, const struct settings *settings);
};

/* Put these functions into the engine's box. */
void change_attach(struct engine *e);

/*
 * Put the rules of filters.json in force, before the workers start. What is wrong with
 * the file is logged, and the box runs without them.
 */
void change_load_filters(struct engine *e);

/* Read the file again. 0; -EINVAL with all errors, the old snapshot stays; -EBUSY; -ENOMEM. */
int change_reload(struct engine *e, struct conf_errors *errors);

/*
 * Put other lists in force; a hold of its own is taken. Called by who changes lists only.
 * 0; -EBUSY; -ENOMEM; each with errors, and the old ones stay.
 */
int change_lists(struct engine *e, struct list_set *set, struct conf_errors *errors);

/*
 * Build from `settings` and what was set by hand, and put it in force. Under change_lock;
 * the settings are the engine's when it succeeds. 0; -EINVAL, -EBUSY, -ENOMEM with errors.
 */
int change_apply(struct engine *e, struct settings *settings, struct conf_errors *errors);

/* Under change_lock: whether every worker has let go of the snapshot before the last. */
bool change_is_free(struct engine *e);

/* For change_attach() alone. */
void change_attach_hand(struct box *box);
void change_attach_filters(struct box *box);

/* Take back what was set for a limited time and is over. Call once a second. */
void change_expire(struct engine *e, uint64_t now_ns);

#endif
