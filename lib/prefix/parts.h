/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts - the two families of a table, for this room only.
 *
 * Each family has its own memory, its own way to build and its own hot path;
 * both hash with the table's key. A family that was zeroed and never built is
 * an empty one.
 */
#ifndef PREFIX_PARTS_H
#define PREFIX_PARTS_H

#include "base/lanes.h"
#include "hash/hash.h"
#include "prefix/prefix.h"

#define PREFIX_MAPPED_BITS 96

/* Which of all lanes have a value; what it says of lanes nobody asked means nothing. */
static inline uint64_t
prefix_having_value(const uint32_t *value)
{
	uint64_t without = 0;

	for (unsigned int i = 0; i < LANES_MAX; i += 8) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(value + i));
		__m256i none = _mm256_cmpeq_epi32(v, _mm256_setzero_si256());

		without |= (uint64_t)(unsigned int)_mm256_movemask_ps(
				   _mm256_castsi256_ps(none))
		           << i;
	}
	return ~without;
}

struct prefix_ipv4_bucket;
struct prefix_ipv6_ranges;

/* All IPv4 prefixes of one length. */
struct prefix_ipv4_level {
	struct prefix_ipv4_bucket *bucket;
	uint32_t buckets;
	uint32_t mask;
};

struct prefix_ipv4 {
	uint32_t *root;     /* NULL: the only length is asked at once */
	unsigned int shift; /* an address >> shift is its place in root */
	uint32_t any;       /* value of 0.0.0.0/0, when there is no root */
	uint32_t only;      /* the length there is besides /0 without root; 0: none */
	struct prefix_ipv4_level level[32]; /* by length - 1 */
	void *memory;
	size_t bytes;
};

/*
 * Build from the IPv4 prefixes among the entries, values and lengths being in
 * range. Returns 0 or -ENOMEM; the family must be given back in both cases.
 */
int prefix_ipv4_build(struct prefix_ipv4 *t, const struct hash_key *key,
                      const struct prefix_entry *entries, size_t count);
void prefix_ipv4_free(struct prefix_ipv4 *t);
uint64_t prefix_ipv4_find(const struct prefix_ipv4 *t, const struct hash_key *key,
                          const struct prefix_ask *ask, uint32_t *value);

/* A hash table of lines: of nodes, of hints or of long prefixes; see ipv6.h. */
struct prefix_ipv6_hash {
	void *line;
	size_t lines;   /* 0: nothing is in it */
	uint64_t *bits; /* nodes only: one bit is set for each of them */
	size_t n_bits;
};

enum { PREFIX_IPV6_STRIDES = 3 };

struct prefix_ipv6 {
	uint32_t *root;         /* NULL: no prefix but ::/0 */
	uint32_t any;           /* value of ::/0, when there is no root */
	unsigned int only_long; /* the one length past 64; 0: none or several */
	struct prefix_ipv6_hash node[PREFIX_IPV6_STRIDES]; /* by /16, /32 and /48 */
	struct prefix_ipv6_hash hint;                      /* by /64 */
	struct prefix_ipv6_hash level[64];                 /* by length - 65 */
	struct prefix_ipv6_ranges *ranges;
	void *memory;
	size_t bytes;
};

/* The same for IPv6. */
int prefix_ipv6_build(struct prefix_ipv6 *t, const struct hash_key *key,
                      const struct prefix_entry *entries, size_t count);
void prefix_ipv6_free(struct prefix_ipv6 *t);
uint64_t prefix_ipv6_find(const struct prefix_ipv6 *t, const struct hash_key *key,
                          const struct prefix_ask *ask, uint32_t *value);

#endif
