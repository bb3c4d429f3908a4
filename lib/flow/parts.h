/* SPDX-License-Identifier: BSD-3-Clause */
/* parts - what the files of this room share, and nobody else needs. */
#ifndef FLOW_PARTS_H
#define FLOW_PARTS_H

#include <stdint.h>

struct flow;
struct flow_table;

/*
 * The flow leaves its source's count and returns what it has not spent, unless that
 * slot serves somebody else by now.
 */
void flow_uncount(struct flow_table *t, struct flow *flow);

#endif
