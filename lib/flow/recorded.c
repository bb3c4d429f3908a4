/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow/recorded.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/memory.h"

#define CLEARED 512u /* words in one step */

static_assert(RECORDED_MOST == 1u << (64 - 43), "a hash has no bits for more");

int
recorded_open(struct recorded *r, uint64_t slots)
{
	*r = (struct recorded){ .bits = recorded_bits(slots) };
	r->now = memory_take(recorded_bytes(slots));
	if (r->now == NULL)
		return -ENOMEM;
	r->next = r->now + r->bits / 64;
	return 0;
}

void
recorded_close(struct recorded *r)
{
	uint64_t *first = r->now < r->next ? r->now : r->next;

	if (first != NULL)
		memory_give(first, (size_t)r->bits / 8 * 2);
	*r = (struct recorded){ 0 };
}

/* Whom clearing forgets lies in the table, and the round over that comes after. */
uint32_t
recorded_step(struct recorded *r, uint32_t buckets, bool is_hurried)
{
	uint64_t *full = r->next;

	if (is_hurried && r->turns++ % 16 != 0)
		return UINT32_MAX;
	if (!r->is_filling) {
		memset(r->next + r->at, 0, CLEARED * sizeof(*r->next));
		r->at += CLEARED;
		r->is_filling = r->at == r->bits / 64;
		r->at = r->is_filling ? 0 : r->at;
		return UINT32_MAX;
	}
	if (r->at < buckets)
		return r->at++;
	r->next = r->now;
	r->now = full;
	r->is_filling = false;
	r->at = 0;
	return UINT32_MAX;
}
