/* SPDX-License-Identifier: BSD-3-Clause */
/* count - what arrived, by protected address and network; of running attacks, who sends. */
#ifndef PIPELINE_COUNT_H
#define PIPELINE_COUNT_H

#include "pipeline/pipeline.h"

/* Call once a burst, of either side, when its services are counted and b->armed is set. */
void pipeline_count(struct pipeline *pl, const struct aggregate_plan *plan,
                    const struct burst *b);

#endif
