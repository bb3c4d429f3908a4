/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * recorded - what cannot have a record in a table, told without looking for it.
 *
 * One bit for each hash of a key (Bloom's filter with one function): where it is 0, no
 * record has that hash. What floods mostly has none, so it costs a bit instead of a
 * bucket. Where it is 1, the table is asked. Sources and flows have one each.
 *
 * Bits are never taken back one by one. A second set is filled from the table, a bucket
 * at a time, while both learn of new records; after a whole round it takes the place
 * of the first. So none is ever missing, and what is forgotten goes in time.
 *
 * Memory  64 KiB to 512 KiB, by the entries of the table; taken at open.
 * Threads one worker.
 */
#ifndef FLOW_RECORDED_H
#define FLOW_RECORDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/table.h"
#include "hash/hash.h"

#define RECORDED_LEAST (1u << 18) /* bits of one set */
#define RECORDED_MOST  (1u << 21)

struct recorded {
	uint64_t *now;  /* asked */
	uint64_t *next; /* being filled */
	uint32_t bits;  /* of each; a power of two */
	uint32_t at;    /* of the round: words to clear first, then buckets */
	uint32_t turns; /* that recorded_turn() was asked for in a hurry */
	bool is_filling;
};

/* Bits for a table of so many slots. */
static inline uint32_t
recorded_bits(uint64_t slots)
{
	if (slots <= RECORDED_LEAST)
		return RECORDED_LEAST;
	return slots < RECORDED_MOST ? (uint32_t)slots : RECORDED_MOST;
}

static inline size_t
recorded_bytes(uint64_t slots)
{
	return (size_t)recorded_bits(slots) / 8 * 2;
}

/* For a table of so many slots (a power of two). Returns 0 or -ENOMEM. */
int recorded_open(struct recorded *r, uint64_t slots);
void recorded_close(struct recorded *r);

/* Bits of the hash that tables and cells do not use (crowd.h). */
static inline uint32_t
recorded_place(const struct recorded *r, uint64_t hash_hi)
{
	return (uint32_t)(hash_hi >> 43) & (r->bits - 1);
}

static inline bool
recorded_may_be(const struct recorded *r, uint64_t hash_hi)
{
	const uint32_t place = recorded_place(r, hash_hi);

	return (r->now[place / 64] >> (place % 64) & 1) != 0;
}

/* There is a record of this hash from now on. */
static inline void
recorded_add(struct recorded *r, struct hash128 hash)
{
	const uint32_t place = recorded_place(r, hash.hi);
	const uint64_t bit = UINT64_C(1) << place % 64;

	r->now[place / 64] |= bit;
	r->next[place / 64] |= bit;
}

/*
 * One step of the round: the records of one bucket of `t` are added; in a hurry one in
 * sixteen calls is one. `key` and `key_bytes` are what the hashes of `t` are made by. Who
 * has no record any more costs look-ups until the round has come by twice, and no more.
 */
void recorded_turn(struct recorded *r, const struct table *t, const struct hash_key *key,
                   unsigned int key_bytes, bool is_hurried);

#endif
