/* SPDX-License-Identifier: BSD-3-Clause */
/* count - what arrived, by protected address and network; of running attacks, who sends. */
#ifndef PIPELINE_COUNT_H
#define PIPELINE_COUNT_H

#include "pipeline/pipeline.h"

/*
 * Call once a burst, of either side, when its services are counted and b->armed is set.
 * Lanes of networks under attack are marked.
 */
void pipeline_count(struct pipeline *pl, const struct aggregate_plan *plan,
                    struct burst *b);

/* What may be done about lanes whose cell is armed. */
static inline void
pipeline_mark(struct burst *b, const struct watch_cell *c, const struct watch_rule *rule,
              uint64_t armed)
{
	b->challenged |= watch_asks(c, rule) ? armed : 0;
	b->blocking |= watch_blocks(c, rule) ? armed : 0;
}

#endif
