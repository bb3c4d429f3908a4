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

#include <stdint.h>

struct box;
struct engine;
struct conf_errors;
struct settings;
struct list_set;

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

/* For change_attach() alone. */
void change_attach_filters(struct box *box);

/* Take back what was set for a limited time and is over. Call once a second. */
void change_expire(struct engine *e, uint64_t now_ns);

#endif
