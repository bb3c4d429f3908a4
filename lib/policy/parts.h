/* SPDX-License-Identifier: BSD-3-Clause */
/* parts - what the files of a snapshot share; for this room only. */
#ifndef POLICY_PARTS_H
#define POLICY_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

/*
 * Build the classification from p->service; `order` holds the `count` ids in the
 * order of the file. Returns 0 and p->targets, or -errno with an error.
 */
int policy_targets_build(struct policies *p, const uint16_t *order, size_t count,
                         struct conf_errors *errors);
void policy_targets_free(struct policy_targets *t);

/* Join lists and timed blocks into p->listed and p->entry. Returns 0, or -errno with an error. */
int policy_lists_build(struct policies *p, const struct settings *s,
                       const struct policy_overrides *over, struct conf_errors *errors);

/* The same bytes under the name that prefix/prefix.h gives them. */
struct prefix policy_prefix(const struct conf_prefix *from);

#endif
