/* SPDX-License-Identifier: BSD-3-Clause */
/* group - put lanes of one service and vector together, one by one, as the pipeline does. */
#ifndef TESTS_STAGE_GROUP_H
#define TESTS_STAGE_GROUP_H

#include "packet/burst.h"

static inline void
group_lanes(struct burst *b)
{
	b->groups = 0;
	for (unsigned int i = 0; i < b->count; i++) {
		unsigned int k = 0;

		b->frame_len[i] = b->facts[i].frame_len;
		while (k < b->groups && (b->group[k].service != b->service[i] ||
		                         b->group[k].slot != b->facts[i].vector))
			k++;
		if (k == b->groups)
			b->group[b->groups++] =
				(struct burst_group){ .service = b->service[i],
				                      .slot = b->facts[i].vector };
		b->group[k].lanes |= lane_bit(i);
	}
}

#endif
