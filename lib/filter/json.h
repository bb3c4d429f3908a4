/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * json - a filter rule as JSON, as the API takes it and the state folder keeps it.
 *
 * The members are the keys of the configuration: the object is written in its syntax
 * and read by the same table, so that both know the same and complain alike. "for" (a
 * time such as "30m") may stand instead of "until".
 *
 * Threads any; nothing is shared.
 */
#ifndef FILTER_JSON_H
#define FILTER_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "filter/rule.h"

/*
 * Read a rule. Returns 0 and *out, which filter_spec_free() releases; -EINVAL with an
 * error for each mistake, its path the member's; -ENOMEM with one. `now_s` is the wall
 * clock, from which "for" counts.
 */
int filter_spec_read(const json_t *rule, int64_t now_s, struct filter_spec *out,
                     struct conf_errors *errors);
void filter_spec_free(struct filter_spec *spec);

#endif
