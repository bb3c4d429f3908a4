/* SPDX-License-Identifier: BSD-3-Clause */
/* parts - what the files of a snapshot share; for this room only. */
#ifndef POLICY_PARTS_H
#define POLICY_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

/* Fill rule, network and address of a policy. Returns 0, or -EINVAL with errors. */
int policy_rules_fill(struct policy *to, const struct settings_policy *s,
                      struct conf_errors *errors);

/*
 * Build the classification from p->service; `order` holds the `count` ids in the
 * order of the file. Returns 0 and p->targets, or -errno with an error.
 */
int policy_targets_build(struct policies *p, const uint16_t *order, size_t count,
                         struct conf_errors *errors);
void policy_targets_free(struct policy_targets *t);

/*
 * Give every protected prefix its counters (meter/aggregate.h), the same as in
 * `before` (or NULL) where it stands there too. Needs the targets, the policies
 * of all services and p->in_file. Returns 0 and p->plan, or -ENOMEM with an error.
 */
int policy_plan_build(struct policies *p, const struct policies *before,
                      const struct settings *s, struct conf_errors *errors);
void policy_plan_free(struct aggregate_plan *plan);

/*
 * Hold the lists, those of `over` or of `before` where they are the same, and join the
 * timed blocks into p->blocks. Returns 0, or -errno with an error.
 */
int policy_lists_build(struct policies *p, const struct policies *before,
                       const struct settings *s, const struct policy_overrides *over,
                       struct conf_errors *errors);

/*
 * Compile the filter rules into p->filters, or take over those of `before` when they are
 * the same; needs p->hits. Returns 0, or -errno with all errors.
 */
int policy_filters_build(struct policies *p, const struct policies *before,
                         const struct settings *s, const struct policy_overrides *over,
                         struct conf_errors *errors);
/* Tell each rule its services; needs those of the snapshot. 0, or -EINVAL with errors. */
int policy_filters_bind(struct policies *p, const struct settings *s,
                        struct conf_errors *errors);
void policy_filters_free(struct stage_filters *filters);

/* A set of timed blocks, held once. Returns 0; -ENOSPC: too many; -ENOMEM; -E2BIG. */
int list_set_of_blocks(const struct policy_block *block, size_t count,
                       struct list_set **out);

/* The same bytes under the name that prefix/prefix.h gives them. */
struct prefix policy_prefix(const struct conf_prefix *from);

#endif
