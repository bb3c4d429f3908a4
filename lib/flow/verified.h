/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verified - which sources cannot be verified ones, told without looking them up.
 *
 * One bit for each hash of an address (Bloom's filter with one function): where it is 0,
 * no source of that address is verified. So strangers of a flood, whose standing is all
 * that a stage asks for, mostly cost no lookup. Where it is 1, the table is asked.
 *
 * Bits are never taken back one by one. A second set is filled from the table, a bucket
 * at a time, while both learn of who is verified meanwhile; after a whole round it takes
 * the place of the first. So nobody is ever missing, and who is forgotten goes in time.
 *
 * Memory  64 KiB to 512 KiB, by the entries of the table; taken at open.
 * Threads one worker.
 */
#ifndef FLOW_VERIFIED_H
#define FLOW_VERIFIED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hash/hash.h"

#define VERIFIED_LEAST (1u << 18) /* bits of one set */
#define VERIFIED_MOST  (1u << 21)

struct verified {
	struct hash_key key;
	uint64_t *now;  /* asked */
	uint64_t *next; /* being filled */
	uint32_t bits;  /* of each; a power of two */
	uint32_t at;    /* of the round: words to clear first, then buckets */
	bool is_filling;
};

/* Bits for a table of so many slots. */
static inline uint32_t
verified_bits(uint64_t slots)
{
	if (slots <= VERIFIED_LEAST)
		return VERIFIED_LEAST;
	return slots < VERIFIED_MOST ? (uint32_t)slots : VERIFIED_MOST;
}

static inline size_t
verified_bytes(uint64_t slots)
{
	return (size_t)verified_bits(slots) / 8 * 2;
}

/* For a table of so many slots (a power of two); `key` is copied. Returns 0 or -ENOMEM. */
int verified_open(struct verified *v, uint64_t slots, const struct hash_key *key);
void verified_close(struct verified *v);

/* The place of an address as sources have it: what lies behind the prefix is 0. */
static inline uint32_t
verified_place(const struct verified *v, __m128i address)
{
	return (uint32_t)hash_16(&v->key, &address).lo & (v->bits - 1);
}

static inline bool
verified_may_be(const struct verified *v, uint32_t place)
{
	return (v->now[place / 64] >> (place % 64) & 1) != 0;
}

/* A source of this address is verified from now on. */
static inline void
verified_add(struct verified *v, const uint8_t address[16])
{
	const uint32_t place = verified_place(
		v, _mm_loadu_si128((const __m128i *)(const void *)address));
	const uint64_t bit = UINT64_C(1) << place % 64;

	v->now[place / 64] |= bit;
	v->next[place / 64] |= bit;
}

/*
 * One step of the round over a table of so many buckets. Returns the bucket whose
 * verified sources are to be added now, or UINT32_MAX: none in this step.
 */
uint32_t verified_step(struct verified *v, uint32_t buckets);

#endif
