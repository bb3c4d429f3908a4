/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filters - filter rules made through the API, kept in the state folder.
 *
 * filters.json holds them as they were sent, an array of rules. It is written beside
 * and renamed, so that after a crash the old or the new one is there, never half of it.
 *
 * Threads whoever holds the engine's change_lock.
 */
#ifndef TIDEGATED_FILTERS_H
#define TIDEGATED_FILTERS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "filter/json.h"

struct filters {
	size_t count;
	struct filter_spec *spec; /* count of them, as policy_overrides takes them */
	json_t **rule;            /* the same as JSON */
};

/*
 * Read the folder's file; none is no rules. Returns 0; -EINVAL or -errno with what is
 * wrong in `errors`, and no rules then.
 */
int filters_load(struct filters *f, const char *folder, struct conf_errors *errors);

/* Write the folder's file. Returns 0 or -errno. */
int filters_save(const struct filters *f, const char *folder);

/* Number of the rule of that name, f->count when there is none. */
size_t filters_find(const struct filters *f, const char *name);

/*
 * What `f` is with one more rule, or the one of its name replaced. Its arrays are new,
 * what they hold stays where it is. `spec` and `rule` are only borrowed. 0 or -ENOMEM.
 */
int filters_with(const struct filters *f, const struct filter_spec *spec, json_t *rule,
                 struct filters *out);
/* And without rule number `at`. */
int filters_without(const struct filters *f, size_t at, struct filters *out);

/* The arrays alone, and all they hold. */
void filters_drop(struct filters *f);
void filters_free(struct filters *f);

#endif
