/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow/verified.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"

#define CLEARED 512u /* words in one step */

int
verified_open(struct verified *v, uint64_t slots, const struct hash_key *key)
{
	*v = (struct verified){ .key = *key, .bits = verified_bits(slots) };
	v->now = memory_take(verified_bytes(slots));
	if (v->now == NULL)
		return -ENOMEM;
	v->next = v->now + v->bits / 64;
	return 0;
}

void
verified_close(struct verified *v)
{
	uint64_t *first = v->now < v->next ? v->now : v->next;

	if (first != NULL)
		memory_give(first, (size_t)v->bits / 8 * 2);
	*v = (struct verified){ 0 };
}

/* Whom clearing forgets lies in the table, and the round over that comes after. */
uint32_t
verified_step(struct verified *v, uint32_t buckets)
{
	uint64_t *full = v->next;

	if (!v->is_filling) {
		memset(v->next + v->at, 0, CLEARED * sizeof(*v->next));
		v->at += CLEARED;
		v->is_filling = v->at == v->bits / 64;
		v->at = v->is_filling ? 0 : v->at;
		return UINT32_MAX;
	}
	if (v->at < buckets)
		return v->at++;
	v->next = v->now;
	v->now = full;
	v->is_filling = false;
	v->at = 0;
	return UINT32_MAX;
}
