/* SPDX-License-Identifier: BSD-3-Clause */
/* One running index over all reasons of all stages, io last. */
#include <assert.h>
#include <stddef.h>

#include "pipeline/pipeline.h"

/* First index of each stage; first[stage_count + 1] is the total. Filled once. */
static unsigned int first[STAGE_MAX + 2];

static const struct stage *
stage_at(unsigned int s)
{
	return s < stage_count ? stage_list[s] : &stage_io;
}

static __attribute__((constructor)) void
number_reasons(void)
{
	unsigned int total = 0;

	assert(stage_count < STAGE_MAX);
	for (unsigned int s = 0; s <= stage_count; s++) {
		const struct stage_reason *r = stage_at(s)->reasons;

		first[s] = total;
		for (; r != NULL && r->name != NULL; r++)
			total++;
		assert(total - first[s] <= STAGE_MAX_REASONS);
	}
	first[stage_count + 1] = total;
}

unsigned int
pipeline_reasons(void)
{
	return first[stage_count + 1];
}

unsigned int
pipeline_reason(unsigned int stage, unsigned int reason)
{
	return first[stage] + reason;
}

const struct stage_reason *
pipeline_reason_info(unsigned int index, unsigned int *stage)
{
	unsigned int s = 0;

	while (index >= first[s + 1])
		s++;
	*stage = s;
	return &stage_at(s)->reasons[index - first[s]];
}
