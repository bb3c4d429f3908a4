/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ipv6 - how the IPv6 prefixes of a table lie in memory, for this room only.
 *
 *   root    one word for each /16: the value of the longest prefix up to there,
 *           and one bit for each table below that knows this /16
 *   node    by /16, /32 and /48: the values of all addresses under that prefix,
 *           as far as the next 16 bits decide; a prefix of 33 to 48 bits stands
 *           in the node of its /32. What no longer prefix holds has the value of
 *           the shorter one that holds it: the first node found, longest first,
 *           is the answer, however many lengths are in use.
 *           Eight bits a node, which stay in the cache, tell most addresses that
 *           have no node before they ask for a line of memory.
 *   hint    by /64, when several lengths past 64 are in use: which of them
 *   level   one hash table for each length past 64
 *
 * Everything hashed is one line of three or four slots; what is too much for a
 * line goes on in the next one.
 */
#ifndef PREFIX_IPV6_H
#define PREFIX_IPV6_H

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "prefix/parts.h"

#define ROOT_VALUE UINT32_C(0xffff)
#define ROOT_NODE  UINT32_C(0x10000) /* shifted by 0, 1, 2 for /16, /32, /48 */
#define ROOT_LONG  UINT32_C(0x80000)

/* --- nodes ------------------------------------------------------------------- */

#define NODE_SLOTS 4
#define NODE_BITS  8 /* of the bit array, for each node */

enum node_kind {
	NODE_USED = 1,         /* else the slot is free */
	NODE_LINES = 2,        /* the values are in ranges, `span` + 1 lines of them */
	NODE_DIRECT = 4,       /* with NODE_LINES: they are 65,536 values */
	NODE_FURTHER = 0x8000, /* in the last slot: something went to the next line */
};

/* Without NODE_LINES `first` and the `span` after it have `value`, others `around`. */
struct node {
	uint16_t span;
	uint16_t value, around; /* or where the ranges are: low and high half */
	uint16_t kind;
};

struct node_line {
	alignas(64) uint64_t key[NODE_SLOTS]; /* 48 bits of address, then `first` */
	struct node node[NODE_SLOTS];
};
static_assert(sizeof(struct node_line) == 64, "a line is one cache line");

/*
 * Ranges of a node: from start[i] up to the next start all have value[i]. The
 * first start is 0; the last line ends in repetitions of its last value.
 */
#define RANGES 16
struct prefix_ipv6_ranges {
	alignas(64) uint16_t start[RANGES];
	uint16_t value[RANGES];
};
static_assert(sizeof(struct prefix_ipv6_ranges) == 64, "ranges are one cache line");

/* A node of more ranges than this is direct. */
#define RANGES_MOST  2048
#define DIRECT_LINES (65536 / 32)

/* --- hints and levels ---------------------------------------------------------- */

#define SLOTS 3

struct hint_line {
	alignas(64) uint64_t key[SLOTS];
	uint64_t lengths[SLOTS]; /* bit `length - 65`; 0: free */
	uint64_t further;
	uint64_t spare;
};
static_assert(sizeof(struct hint_line) == 64, "a line is one cache line");

struct level_line {
	alignas(64) uint8_t address[SLOTS][16];
	uint32_t value[SLOTS]; /* PREFIX_NONE: free */
	uint32_t further;
};
static_assert(sizeof(struct level_line) == 64, "a line is one cache line");

/* --- shared by finding and building ----------------------------------------------- */

static inline uint64_t
high_of(const uint8_t *address)
{
	uint64_t high;

	memcpy(&high, address, sizeof(high));
	return __builtin_bswap64(high);
}

static inline uint64_t
low_of(const uint8_t *address)
{
	return high_of(address + 8);
}

static inline uint32_t
line_of(const struct prefix_ipv6_hash *h, const struct hash_key *key, __m128i message)
{
	const uint64_t hash = (uint32_t)hash_16(key, &message).lo;

	return (uint32_t)(hash * h->lines >> 32);
}

static inline uint32_t
line_of_high(const struct prefix_ipv6_hash *h, const struct hash_key *key, uint64_t high)
{
	return line_of(h, key, _mm_cvtsi64_si128((long long)high));
}

/* One hash gives the line and the bit. */
static inline uint64_t
hash_of_node(const struct hash_key *key, uint64_t name)
{
	const __m128i message = _mm_cvtsi64_si128((long long)name);

	return hash_16(key, &message).lo;
}

static inline uint32_t
line_of_node(const struct prefix_ipv6_hash *h, uint64_t hash)
{
	return (uint32_t)((uint64_t)(uint32_t)hash * h->lines >> 32);
}

static inline size_t
bit_of_node(const struct prefix_ipv6_hash *h, uint64_t hash)
{
	return (hash >> 32) * h->n_bits >> 32;
}

static inline uint32_t
line_after(const struct prefix_ipv6_hash *h, uint32_t at)
{
	return at + 1 == h->lines ? 0 : at + 1;
}

/* Bits of the address that name a node of a stride. */
static inline uint64_t
stride_mask(unsigned int stride)
{
	return UINT64_MAX << (48 - 16 * stride);
}

/* The 16 bits that a node of a stride decides by. */
static inline uint16_t
stride_bits(unsigned int stride, uint64_t high)
{
	return (uint16_t)(high >> (32 - 16 * stride));
}

static inline size_t
ranges_of(const struct node *n)
{
	return (size_t)n->value | (size_t)n->around << 16;
}

static inline uint32_t
value_in_ranges(const struct prefix_ipv6_ranges *r, uint16_t bits)
{
	const __m256i start = _mm256_load_si256((const __m256i *)r->start);
	const __m256i want = _mm256_set1_epi16((short)bits);
	__m256i up_to = _mm256_cmpeq_epi16(_mm256_min_epu16(start, want), start);
	unsigned int bytes = (unsigned int)_mm256_movemask_epi8(up_to);

	return r->value[__builtin_popcount(bytes) / 2 - 1];
}

/*
 * Slot of the node in this line, or NODE_SLOTS. The last 16 bits of the key are
 * not looked at, and a free slot looks like the node of ::.
 */
static inline unsigned int
slot_of_node(const struct node_line *l, uint64_t key)
{
	__m256i have = _mm256_load_si256((const __m256i *)l->key);
	__m256i differ = _mm256_xor_si256(have, _mm256_set1_epi64x((long long)key));
	__m256i same =
		_mm256_cmpeq_epi64(_mm256_srli_epi64(differ, 16), _mm256_setzero_si256());
	unsigned int slots = (unsigned int)_mm256_movemask_pd(_mm256_castsi256_pd(same));

	return (unsigned int)__builtin_ctz(slots | 1u << NODE_SLOTS);
}

/* Kind of the node in a slot, 0 when the slot is free or NODE_SLOTS; no branch. */
static inline uint32_t
kind_of_slot(const struct node_line *l, unsigned int slot)
{
	return l->node[slot % NODE_SLOTS].kind & (slot / NODE_SLOTS - 1u);
}

/* Mask of one length of 65 to 128. */
static inline __m128i
long_mask(unsigned int len)
{
	const uint64_t low = len == 128 ? UINT64_MAX : ~(UINT64_MAX >> (len - 64));

	return _mm_set_epi64x((long long)__builtin_bswap64(low), -1);
}

/*
 * Value of the longest prefix of at most 16 + 16 * strides bits, one address at
 * a time: building needs it to fill the nodes of the next stride.
 */
uint32_t prefix_ipv6_value(const struct prefix_ipv6 *t, const struct hash_key *key,
                           uint64_t high, unsigned int strides);

#endif
