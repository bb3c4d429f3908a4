/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filtering - what the operator's rules do to packets, for the two stages of them.
 *
 * Stage `filters` asks the rules that look at everybody, `latefilters`, behind the flow
 * table, those that spare verified flows. Rules are asked in their order: the first that
 * drops, passes or meters a packet decides it, those that count, and dry runs, do so on
 * the way. A rule whose time is over, or that is for other services, matches nothing.
 *
 * Threads one worker a state.
 */
#ifndef STAGE_FILTERING_H
#define STAGE_FILTERING_H

#include "filter/set.h"
#include "stage/stage.h"

struct filtering; /* one worker's meters of the rules */

enum filtering_reason { FILTERING_DROPPED, FILTERING_METERED };

struct filtering_params {
	const struct filter_rules_part *part; /* NULL: no rules */
	const struct stage_filter *of;        /* beside part->rule */
};

extern const struct stage_reason filtering_reasons[];

void filtering_compile(struct filtering_params *params, const struct stage_compile *from,
                       enum filter_part part);

/* For open() and close() of a stage. 0 or -ENOMEM. */
int filtering_open(void **state, const struct stage_env *env);
void filtering_close(void *state);

void filtering_decide(struct filtering *s, const struct filtering_params *p,
                      struct burst *b, uint64_t todo);

/* Rules without expression whose source prefix holds the address in `e`. */
bool filtering_explain(struct filtering *s, const struct stage_view *view,
                       struct explain *e, uint64_t now_ns);

#endif
