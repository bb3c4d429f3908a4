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

/*
 * The bucket whose records are to be added now, or UINT32_MAX. Whom clearing forgets lies in
 * the table, and the round over that comes after.
 */
static uint32_t
next_bucket(struct recorded *r, uint32_t buckets)
{
	uint64_t *full = r->next;

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

/* What a record keeps behind its key is no part of the hash. */
static struct hash128
hash_of_record(const struct table *t, const struct hash_key *key, unsigned int key_bytes,
               uint32_t slot)
{
	alignas(16) uint8_t asked[TABLE_KEY] = { 0 };

	memcpy(asked, table_record(t, slot), key_bytes);
	return hash_48(key, asked);
}

void
recorded_turn(struct recorded *r, const struct table *t, const struct hash_key *key,
              unsigned int key_bytes, bool is_hurried)
{
	uint32_t bucket;

	if (is_hurried && r->turns++ % 16 != 0)
		return;
	bucket = next_bucket(r, t->buckets);
	if (bucket == UINT32_MAX)
		return;
	for (unsigned int way = 0; way < TABLE_WAYS; way++) {
		const uint32_t slot = bucket * TABLE_WAYS + way;

		if (table_class(t, slot) != TABLE_FREE)
			recorded_add(r, hash_of_record(t, key, key_bytes, slot));
	}
}
