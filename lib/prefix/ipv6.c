/* SPDX-License-Identifier: BSD-3-Clause */
/* ipv6 - a hash per length, asked longest first. */
#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <string.h>

#include "base/lanes.h"
#include "base/memory.h"
#include "prefix/parts.h"

#define SLOTS 3

/* A bucket fills from its first slot; a full one sends on to the next. */
struct prefix_ipv6_bucket {
	alignas(64) uint8_t address[SLOTS][16];
	uint32_t value[SLOTS]; /* PREFIX_NONE: free */
	uint32_t spare;
};
static_assert(sizeof(struct prefix_ipv6_bucket) == 64, "a bucket is one cache line");

static inline __m128i
masked(const struct prefix_ipv6_level *l, const uint8_t *address)
{
	return _mm_and_si128(_mm_loadu_si128((const __m128i *)address),
	                     _mm_load_si128((const __m128i *)l->mask));
}

static inline uint32_t
home_of(const struct prefix_ipv6_level *l, const struct hash_key *key, __m128i address)
{
	const uint64_t hash = (uint32_t)hash_16(key, &address).lo;

	return (uint32_t)(hash * l->buckets >> 32);
}

static inline uint32_t
next_of(const struct prefix_ipv6_level *l, uint32_t at)
{
	return at + 1 == l->buckets ? 0 : at + 1;
}

/* Value of a masked address in one level, or PREFIX_NONE. */
static inline uint32_t
look(const struct prefix_ipv6_level *l, uint32_t at, __m128i address)
{
	for (;; at = next_of(l, at)) {
		const struct prefix_ipv6_bucket *k = &l->bucket[at];

		for (unsigned int i = 0; i < SLOTS; i++) {
			__m128i have = _mm_load_si128((const __m128i *)k->address[i]);
			__m128i differ = _mm_xor_si128(have, address);

			if (k->value[i] == PREFIX_NONE)
				return PREFIX_NONE;
			if (_mm_testz_si128(differ, differ))
				return k->value[i];
		}
	}
}

static void
put(const struct prefix_ipv6_level *l, const struct hash_key *key,
    const struct prefix_entry *e)
{
	const __m128i address = masked(l, e->prefix.address);

	for (uint32_t at = home_of(l, key, address);; at = next_of(l, at)) {
		struct prefix_ipv6_bucket *k = &l->bucket[at];

		for (unsigned int i = 0; i < SLOTS; i++) {
			if (k->value[i] != PREFIX_NONE &&
			    memcmp(k->address[i], &address, sizeof(address)) != 0)
				continue;
			memcpy(k->address[i], &address, sizeof(address));
			k->value[i] = e->value;
			return;
		}
	}
}

/* Every chain has a free slot. */
static inline uint32_t
buckets_for(size_t count)
{
	return (uint32_t)(count / 2 + 1);
}

static void
level_init(struct prefix_ipv6_level *l, unsigned int len)
{
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int bits = len > i * 8 ? len - i * 8 : 0;

		l->mask[i] = (uint8_t)(bits >= 8 ? 0xff : ~(0xffu >> bits));
	}
	l->len = len;
}

int
prefix_ipv6_build(struct prefix_ipv6 *t, const struct hash_key *key,
                  const struct prefix_entry *entries, size_t count)
{
	struct prefix_ipv6_level *of[129] = { 0 };
	struct prefix_ipv6_bucket *next;
	size_t many[129] = { 0 };

	for (size_t i = 0; i < count; i++)
		many[entries[i].prefix.len] += !prefix_is_ipv4(&entries[i].prefix);
	for (unsigned int len = 0; len <= 128; len++)
		if (many[len] > 0)
			t->bytes += buckets_for(many[len]) * sizeof(*next);
	if (t->bytes == 0)
		return 0;
	t->memory = next = memory_take(t->bytes);
	if (next == NULL)
		return -ENOMEM;
	for (unsigned int len = 129; len-- > 0;) {
		struct prefix_ipv6_level *l = &t->level[t->levels];

		if (many[len] == 0)
			continue;
		level_init(l, len);
		l->buckets = buckets_for(many[len]);
		l->bucket = next;
		next += l->buckets;
		of[len] = l;
		t->levels++;
	}
	for (size_t i = 0; i < count; i++)
		if (!prefix_is_ipv4(&entries[i].prefix))
			put(of[entries[i].prefix.len], key, &entries[i]);
	return 0;
}

void
prefix_ipv6_free(struct prefix_ipv6 *t)
{
	memory_give(t->memory, t->bytes);
}

uint64_t
prefix_ipv6_find(const struct prefix_ipv6 *t, const struct hash_key *key,
                 const struct prefix_ask *ask, uint32_t *value)
{
	uint64_t todo = ask->ipv6;
	__m128i address[LANES_MAX];
	uint32_t home[LANES_MAX];
	unsigned int i;

	LANES_FOREACH (i, todo)
		value[i] = PREFIX_NONE;
	for (unsigned int n = 0; n < t->levels && todo != 0; n++) {
		const struct prefix_ipv6_level *l = &t->level[n];

		/* First ask memory for every bucket, then use them. */
		LANES_FOREACH (i, todo) {
			address[i] = masked(l, ask->first + i * ask->stride);
			home[i] = home_of(l, key, address[i]);
			__builtin_prefetch(&l->bucket[home[i]]);
		}
		LANES_FOREACH (i, todo) {
			value[i] = look(l, home[i], address[i]);
			todo &= ~((uint64_t)(value[i] != PREFIX_NONE) << i);
		}
	}
	return ask->ipv6 & ~todo;
}
