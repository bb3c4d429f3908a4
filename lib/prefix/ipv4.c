/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ipv4 - a direct root that knows which lengths to ask, and a hash per length.
 *
 *   root    one word for each /16 or each /24: the value of the longest prefix
 *           up to there, and one bit for each longer length that is in use below
 *   level   one hash table per length: lines of ten addresses with their values
 *
 * An address reads one word of the root and then one line for each length that
 * is really there in its own network, longest first. A table of one length has
 * no root: a list of a million hosts is one line for a hit and for a miss.
 */
#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/lanes.h"
#include "base/memory.h"
#include "prefix/parts.h"

/* Half full on average, so one bucket in seventy has more than its slots. */
#define SLOTS   10
#define AVERAGE 5

/* A bucket fills from its first slot; what is too much goes to the next bucket. */
struct prefix_ipv4_bucket {
	alignas(64) uint32_t address[SLOTS];
	uint16_t value[SLOTS + 1]; /* PREFIX_NONE: free, and the last one always */
	uint16_t further;          /* of what belongs here, some is in the next one */
};
static_assert(sizeof(struct prefix_ipv4_bucket) == 64, "a bucket is one cache line");

/* A word of the root: the value, and bit `length - 1` for lengths of 17 and more. */
#define ROOT_VALUE   UINT32_C(0xffff)
#define ROOT_LENGTHS UINT32_C(0xffff0000)

static inline uint32_t
address_of(const struct prefix_ask *ask, unsigned int lane)
{
	uint32_t ip;

	memcpy(&ip, ask->first + lane * ask->stride + 12, sizeof(ip));
	return __builtin_bswap32(ip);
}

/* --- one level --------------------------------------------------------------- */

static inline struct prefix_ipv4_bucket *
home_of(const struct prefix_ipv4_level *l, const struct hash_key *key, uint32_t ip)
{
	const __m128i message = _mm_cvtsi32_si128((int)ip);
	const uint64_t hash = (uint32_t)hash_16(key, &message).lo;

	return &l->bucket[hash * l->buckets >> 32];
}

static inline struct prefix_ipv4_bucket *
next_of(const struct prefix_ipv4_level *l, const struct prefix_ipv4_bucket *b)
{
	size_t at = (size_t)(b - l->bucket) + 1;

	return &l->bucket[at == l->buckets ? 0 : at];
}

/* Slot of the address, or SLOTS. A free slot may look like 0.0.0.0. */
static inline unsigned int
slot_of(const struct prefix_ipv4_bucket *b, uint32_t ip)
{
	const __m256i want = _mm256_set1_epi32((int)ip);
	const __m256i *have = (const __m256i *)b;
	__m256i low = _mm256_cmpeq_epi32(_mm256_load_si256(have), want);
	__m256i high = _mm256_cmpeq_epi32(_mm256_load_si256(have + 1), want);
	unsigned int same = (unsigned int)_mm256_movemask_ps(_mm256_castsi256_ps(low));

	same |= ((unsigned int)_mm256_movemask_ps(_mm256_castsi256_ps(high)) & 3) << 8;
	return (unsigned int)__builtin_ctz(same | 1u << SLOTS);
}

/* Value of a masked address, or PREFIX_NONE. */
static inline uint32_t
look(const struct prefix_ipv4_level *l, const struct prefix_ipv4_bucket *b, uint32_t ip)
{
	uint32_t value = b->value[slot_of(b, ip)];

	/* Asked first, because it nearly never is and so is guessed right. */
	while (__builtin_expect(b->further, 0) && value == PREFIX_NONE) {
		b = next_of(l, b);
		value = b->value[slot_of(b, ip)];
	}
	return value;
}

static void
put(const struct prefix_ipv4_level *l, struct prefix_ipv4_bucket *b, uint32_t ip,
    uint16_t value)
{
	for (;; b = next_of(l, b)) {
		for (unsigned int i = 0; i < SLOTS; i++) {
			if (b->value[i] != PREFIX_NONE && b->address[i] != ip)
				continue;
			b->address[i] = ip;
			b->value[i] = value;
			return;
		}
		b->further = true;
	}
}

static inline uint32_t
buckets_for(size_t count)
{
	return count <= SLOTS ? 1 : (uint32_t)((count + AVERAGE - 1) / AVERAGE);
}

/* --- finding ------------------------------------------------------------------ */

/* A table of one length. */
static uint64_t
find_only(const struct prefix_ipv4 *t, const struct hash_key *key,
          const struct prefix_ask *ask, uint32_t *value)
{
	const struct prefix_ipv4_level level = t->level[t->only - 1], *l = &level;
	const struct prefix_ipv4_bucket *home[LANES_MAX];
	uint32_t ip[LANES_MAX];
	const uint32_t any = t->any;
	unsigned int i;

	/* Ten prefixes are compared sooner than one address is hashed. */
	if (l->buckets == 1) {
		LANES_FOREACH (i, ask->ipv4) {
			uint32_t v = look(l, l->bucket, address_of(ask, i) & l->mask);

			value[i] = v != PREFIX_NONE ? v : any;
		}
		return ask->ipv4 & prefix_having_value(value);
	}
	/* First ask memory for every bucket, then use them. */
	LANES_FOREACH (i, ask->ipv4) {
		ip[i] = address_of(ask, i) & l->mask;
		home[i] = home_of(l, key, ip[i]);
		__builtin_prefetch(home[i]);
	}
	LANES_FOREACH (i, ask->ipv4) {
		uint32_t v = look(l, home[i], ip[i]);

		value[i] = v != PREFIX_NONE ? v : any;
	}
	return ask->ipv4 & prefix_having_value(value);
}

static uint64_t
find_any(const struct prefix_ipv4 *t, const struct prefix_ask *ask, uint32_t *value)
{
	unsigned int i;

	LANES_FOREACH (i, ask->ipv4)
		value[i] = t->any;
	return t->any == PREFIX_NONE ? 0 : ask->ipv4;
}

/* Ask the lengths that the root named, each lane its longest first. */
static void
find_longer(const struct prefix_ipv4 *t, const struct hash_key *key, uint64_t todo,
            const uint32_t *ip, uint32_t *lengths, uint32_t *value)
{
	const struct prefix_ipv4_bucket *home[LANES_MAX];
	unsigned int i;

	while (todo != 0) {
		LANES_FOREACH (i, todo) {
			unsigned int at = 31 - (unsigned int)__builtin_clz(lengths[i]);
			const struct prefix_ipv4_level *l = &t->level[at];

			home[i] = home_of(l, key, ip[i] & l->mask);
			__builtin_prefetch(home[i]);
		}
		LANES_FOREACH (i, todo) {
			unsigned int at = 31 - (unsigned int)__builtin_clz(lengths[i]);
			const struct prefix_ipv4_level *l = &t->level[at];
			uint32_t v = look(l, home[i], ip[i] & l->mask);

			value[i] = v != PREFIX_NONE ? v : value[i];
			lengths[i] ^= UINT32_C(1) << at;
			todo &= ~((uint64_t)(v != PREFIX_NONE || lengths[i] == 0) << i);
		}
	}
}

uint64_t
prefix_ipv4_find(const struct prefix_ipv4 *t, const struct hash_key *key,
                 const struct prefix_ask *ask, uint32_t *value)
{
	uint32_t ip[LANES_MAX], lengths[LANES_MAX];
	uint64_t todo = 0;
	unsigned int i;

	if (t->root == NULL)
		return t->only == 0 ? find_any(t, ask, value)
		                    : find_only(t, key, ask, value);

	LANES_FOREACH (i, ask->ipv4) {
		ip[i] = address_of(ask, i);
		__builtin_prefetch(&t->root[ip[i] >> t->shift]);
	}
	LANES_FOREACH (i, ask->ipv4) {
		uint32_t word = t->root[ip[i] >> t->shift];

		value[i] = word & ROOT_VALUE;
		lengths[i] = word & ROOT_LENGTHS;
		todo |= (uint64_t)(lengths[i] != 0) << i;
	}
	find_longer(t, key, todo, ip, lengths, value);
	return ask->ipv4 & prefix_having_value(value);
}

/* --- building ------------------------------------------------------------------ */

struct item {
	uint32_t ip;
	uint16_t value;
};

/* The IPv4 prefixes by length, those of one length in their order. */
struct items {
	struct item *item;
	size_t start[34]; /* those of length n are start[n] up to start[n + 1] */
};

static int
sort_items(struct items *s, const struct prefix_entry *entries, size_t count)
{
	size_t next[34];

	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < count; i++)
		if (prefix_is_ipv4(&entries[i].prefix))
			s->start[entries[i].prefix.len - PREFIX_MAPPED_BITS + 1]++;
	for (unsigned int len = 0; len <= 32; len++)
		s->start[len + 1] += s->start[len];
	s->item = malloc((s->start[33] + 1) * sizeof(*s->item));
	if (s->item == NULL)
		return -ENOMEM;
	memcpy(next, s->start, sizeof(next));
	for (size_t i = 0; i < count; i++) {
		const struct prefix_entry *e = &entries[i];
		uint32_t ip;

		if (!prefix_is_ipv4(&e->prefix))
			continue;
		memcpy(&ip, e->prefix.address + 12, sizeof(ip));
		s->item[next[e->prefix.len - PREFIX_MAPPED_BITS]++] =
			(struct item){ __builtin_bswap32(ip), (uint16_t)e->value };
	}
	return 0;
}

static inline size_t
count_of(const struct items *s, unsigned int len)
{
	return s->start[len + 1] - s->start[len];
}

/* With so few prefixes the small root never asks much, and stays in the cache. */
#define FEW 4096

/*
 * How many bits of the address the root takes: 16 while fewer than one prefix
 * in four shares its /16 with another length, else 24. 0: no memory.
 */
static unsigned int
root_bits(const struct items *s)
{
	const size_t longer = s->start[33] - s->start[17];
	uint16_t *lengths;
	size_t asked = 0;

	if (longer <= FEW)
		return 16;
	lengths = calloc(65536, sizeof(*lengths));
	if (lengths == NULL)
		return 0;
	for (unsigned int len = 17; len <= 32; len++)
		for (size_t i = s->start[len]; i < s->start[len + 1]; i++)
			lengths[s->item[i].ip >> 16] |= (uint16_t)(1u << (len - 17));
	for (size_t i = s->start[17]; i < s->start[33]; i++)
		asked += (unsigned int)__builtin_popcount(lengths[s->item[i].ip >> 16]);
	free(lengths);
	return asked * 4 < longer * 5 ? 16 : 24;
}

/* The root of one length doubles into the root of the next: every slot becomes two. */
static void
fill_root(struct prefix_ipv4 *t, const struct items *s, unsigned int bits)
{
	uint32_t *root = t->root;

	for (unsigned int len = 0; len <= bits; len++) {
		for (size_t i = len == 0 ? 0 : (size_t)1 << len; i-- > 0;)
			root[i] = root[i >> 1];
		for (size_t i = s->start[len]; i < s->start[len + 1]; i++)
			root[len == 0 ? 0 : s->item[i].ip >> (32 - len)] =
				s->item[i].value;
	}
	for (unsigned int len = bits + 1; len <= 32; len++)
		for (size_t i = s->start[len]; i < s->start[len + 1]; i++)
			root[s->item[i].ip >> t->shift] |= UINT32_C(1) << (len - 1);
}

/* The misses of a few insertions overlap. */
static void
fill_level(const struct prefix_ipv4_level *l, const struct hash_key *key,
           const struct item *item, size_t count)
{
	enum { TOGETHER = 32 };

	struct prefix_ipv4_bucket *home[TOGETHER];

	for (size_t at = 0; at < count; at += TOGETHER) {
		size_t n = count - at < TOGETHER ? count - at : TOGETHER;

		for (size_t i = 0; i < n; i++) {
			home[i] = home_of(l, key, item[at + i].ip);
			__builtin_prefetch(home[i], 1);
		}
		for (size_t i = 0; i < n; i++)
			put(l, home[i], item[at + i].ip, item[at + i].value);
	}
}

/* Take the memory of the root of `bits` and of all levels below it, and fill both. */
static int
fill(struct prefix_ipv4 *t, const struct hash_key *key, const struct items *s,
     unsigned int bits)
{
	const size_t root_bytes = bits == 0 ? 0 : sizeof(uint32_t) << bits;
	struct prefix_ipv4_bucket *next;
	char *block;

	t->bytes = root_bytes;
	for (unsigned int len = bits + 1; len <= 32; len++)
		if (count_of(s, len) > 0)
			t->bytes += buckets_for(count_of(s, len)) * sizeof(*next);
	if (t->bytes == 0)
		return 0;
	block = memory_take(t->bytes);
	if (block == NULL)
		return -ENOMEM;
	t->memory = block;
	if (bits != 0) {
		t->root = (uint32_t *)block;
		t->shift = 32 - bits;
		fill_root(t, s, bits);
	}
	next = (struct prefix_ipv4_bucket *)(block + root_bytes);
	for (unsigned int len = bits + 1; len <= 32; len++) {
		struct prefix_ipv4_level *l = &t->level[len - 1];

		if (count_of(s, len) == 0)
			continue;
		l->bucket = next;
		l->buckets = buckets_for(count_of(s, len));
		l->mask = UINT32_MAX << (32 - len);
		next += l->buckets;
		fill_level(l, key, s->item + s->start[len], count_of(s, len));
	}
	return 0;
}

int
prefix_ipv4_build(struct prefix_ipv4 *t, const struct hash_key *key,
                  const struct prefix_entry *entries, size_t count)
{
	unsigned int lengths = 0, bits;
	struct items s;
	int status = sort_items(&s, entries, count);

	if (status != 0)
		return status;
	for (unsigned int len = 1; len <= 32; len++) {
		if (count_of(&s, len) == 0)
			continue;
		lengths++;
		t->only = len;
	}
	if (lengths > 1) {
		bits = root_bits(&s);
		status = bits == 0 ? -ENOMEM : fill(t, key, &s, bits);
	} else {
		if (count_of(&s, 0) > 0)
			t->any = s.item[s.start[1] - 1].value;
		status = fill(t, key, &s, 0);
	}
	free(s.item);
	return status;
}

void
prefix_ipv4_free(struct prefix_ipv4 *t)
{
	memory_give(t->memory, t->bytes);
}
