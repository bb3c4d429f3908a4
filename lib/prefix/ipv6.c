/* SPDX-License-Identifier: BSD-3-Clause */
/* ipv6 - finding: the root, what is longer than 64 bits, then nodes, longest first. */
#include "prefix/ipv6.h"

#include "base/lanes.h"
#include "base/memory.h"

/* Which of all lanes have one bit in their word. */
static inline uint64_t
having(const uint32_t *word, uint32_t bit)
{
	const __m256i want = _mm256_set1_epi32((int)bit);
	uint64_t lanes = 0;

	for (unsigned int i = 0; i < LANES_MAX; i += 8) {
		__m256i w = _mm256_load_si256((const __m256i *)(word + i));
		__m256i has = _mm256_cmpeq_epi32(_mm256_and_si256(w, want), want);

		lanes |= (uint64_t)(unsigned int)_mm256_movemask_ps(
				 _mm256_castsi256_ps(has))
		         << i;
	}
	return lanes;
}

/* --- nodes ------------------------------------------------------------------- */

/* The node of an address in its stride's table from line `at` on, or NULL. */
static const struct node *
node_from(const struct prefix_ipv6_hash *h, uint32_t at, uint64_t key, uint16_t *first)
{
	const struct node_line *line = h->line;

	for (;; at = line_after(h, at)) {
		const struct node_line *l = &line[at];
		const unsigned int s = slot_of_node(l, key);

		if (kind_of_slot(l, s) & NODE_USED) {
			*first = (uint16_t)l->key[s];
			return &l->node[s];
		}
		if (!(l->node[NODE_SLOTS - 1].kind & NODE_FURTHER))
			return NULL;
	}
}

/* The last line whose first start is not above the bits; no jump but for the number. */
static inline const struct prefix_ipv6_ranges *
ranges_at(const struct prefix_ipv6 *t, const struct node *n, uint16_t bits)
{
	const struct prefix_ipv6_ranges *r = t->ranges + ranges_of(n);

	for (size_t lines = n->span + 1u; lines > 1; lines -= lines / 2)
		r += (lines / 2) & (0 - (size_t)(r[lines / 2].start[0] <= bits));
	return r;
}

static inline const uint16_t *
direct_at(const struct prefix_ipv6 *t, const struct node *n, uint16_t bits)
{
	return (const uint16_t *)(t->ranges + ranges_of(n)) + bits;
}

static inline uint32_t
value_in_range(const struct node *n, uint16_t first, uint16_t bits)
{
	/* All ones when it is in; a jump would often be guessed wrong. */
	const uint32_t in = 0u - ((uint16_t)(bits - first) <= n->span);

	return (n->value & in) | (n->around & ~in);
}

static uint32_t
value_in_node(const struct prefix_ipv6 *t, const struct node *n, uint16_t first,
              uint16_t bits)
{
	if (!(n->kind & NODE_LINES))
		return value_in_range(n, first, bits);
	if (n->kind & NODE_DIRECT)
		return *direct_at(t, n, bits);
	return value_in_ranges(ranges_at(t, n, bits), bits);
}

uint32_t
prefix_ipv6_value(const struct prefix_ipv6 *t, const struct hash_key *key, uint64_t high,
                  unsigned int strides)
{
	for (unsigned int s = strides; s-- > 0;) {
		const struct prefix_ipv6_hash *h = &t->node[s];
		const uint64_t name = high & stride_mask(s);
		const struct node *n;
		uint16_t first;

		if (h->lines == 0)
			continue;
		n = node_from(h, line_of_node(h, hash_of_node(key, name)), name, &first);
		if (n != NULL)
			return value_in_node(t, n, first, stride_bits(s, high));
	}
	return t->root[high >> 48] & ROOT_VALUE;
}

/* Nodes whose ranges lie elsewhere: one more line each, all asked for at once. */
static void
find_deep(const struct prefix_ipv6 *t, uint64_t lanes, const struct node *const *node,
          const uint16_t *bits, uint32_t *value)
{
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const struct prefix_ipv6_ranges *r = t->ranges + ranges_of(node[i]);
		const size_t lines = node[i]->span + 1u;

		/* Up to four lines are all there is to search, mostly. */
		__builtin_prefetch(r);
		__builtin_prefetch(r + lines / 4);
		__builtin_prefetch(r + lines / 2);
		__builtin_prefetch(r + lines * 3 / 4);
		if (node[i]->kind & NODE_DIRECT)
			__builtin_prefetch(direct_at(t, node[i], bits[i]));
	}
	LANES_FOREACH (i, lanes) {
		if (node[i]->kind & NODE_DIRECT)
			value[i] = *direct_at(t, node[i], bits[i]);
		else
			value[i] =
				value_in_ranges(ranges_at(t, node[i], bits[i]), bits[i]);
	}
}

/* Ask the nodes of one stride. Returns the lanes that have one: they are answered. */
static __attribute__((noinline)) uint64_t
find_nodes(const struct prefix_ipv6 *t, const struct hash_key *key, unsigned int stride,
           uint64_t lanes, const uint64_t *high, uint32_t *value)
{
	const struct prefix_ipv6_hash *h = &t->node[stride];
	const struct node_line *line = h->line;
	const uint64_t mask = stride_mask(stride);
	const struct node *node[LANES_MAX];
	alignas(32) uint32_t kind[LANES_MAX];
	uint16_t bits[LANES_MAX], first;
	uint32_t at[LANES_MAX];
	uint64_t may = 0, found, deep;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const uint64_t hash = hash_of_node(key, high[i] & mask);
		const size_t bit = bit_of_node(h, hash);

		at[i] = line_of_node(h, hash);
		may |= (h->bits[bit / 64] >> bit % 64 & 1) << i;
	}
	lanes = may;
	LANES_FOREACH (i, lanes)
		__builtin_prefetch(&line[at[i]]);
	LANES_FOREACH (i, lanes) {
		const struct node_line *l = &line[at[i]];
		const unsigned int s = slot_of_node(l, high[i] & mask);
		const struct node *n = &l->node[s % NODE_SLOTS];
		uint32_t v, used;

		node[i] = n;
		bits[i] = stride_bits(stride, high[i]);
		v = value_in_range(n, (uint16_t)l->key[s % NODE_SLOTS], bits[i]);
		kind[i] = kind_of_slot(l, s);
		used = 0u - (kind[i] & NODE_USED);
		value[i] = (v & used) | (value[i] & ~used);
		kind[i] |= l->node[NODE_SLOTS - 1].kind & NODE_FURTHER;
	}
	found = lanes & having(kind, NODE_USED);
	deep = lanes & having(kind, NODE_LINES);
	LANES_FOREACH (i, lanes & ~found & having(kind, NODE_FURTHER)) {
		const struct node *n =
			node_from(h, line_after(h, at[i]), high[i] & mask, &first);

		if (n == NULL)
			continue;
		value[i] = value_in_node(t, n, first, bits[i]);
		found |= lane_bit(i);
	}
	if (deep != 0)
		find_deep(t, deep, node, bits, value);
	return found;
}

/* --- longer than 64 bits --------------------------------------------------------- */

static inline __m128i
long_address(const struct prefix_ask *ask, unsigned int lane, unsigned int len)
{
	const uint8_t *address = ask->first + lane * ask->stride;

	return _mm_and_si128(_mm_loadu_si128((const __m128i *)address), long_mask(len));
}

static inline uint32_t
value_if_same(const struct level_line *l, unsigned int slot, __m128i address)
{
	__m128i have = _mm_load_si128((const __m128i *)l->address[slot]);
	__m128i differ = _mm_xor_si128(have, address);

	/* All ones when they are the same: a jump would often be guessed wrong. */
	return l->value[slot] & (0u - (uint32_t)_mm_testz_si128(differ, differ));
}

/* A free slot looks like ::, and has no value. */
static inline uint32_t
look(const struct prefix_ipv6_hash *h, uint32_t at, __m128i address)
{
	const struct level_line *line = h->line;

	for (;; at = line_after(h, at)) {
		const struct level_line *l = &line[at];
		uint32_t value = value_if_same(l, 0, address) |
		                 value_if_same(l, 1, address) |
		                 value_if_same(l, 2, address);

		if (__builtin_expect(!l->further, 1) || value != PREFIX_NONE)
			return value;
	}
}

/* One length past 64. Returns the lanes found. */
static uint64_t
find_only(const struct prefix_ipv6 *t, const struct hash_key *key,
          const struct prefix_ask *ask, uint64_t lanes, uint32_t *value)
{
	const unsigned int len = t->only_long;
	const struct prefix_ipv6_hash *h = &t->level[len - 65];
	const struct level_line *line = h->line;
	uint32_t at[LANES_MAX];
	uint64_t found = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		at[i] = line_of(h, key, long_address(ask, i, len));
		__builtin_prefetch(&line[at[i]]);
	}
	LANES_FOREACH (i, lanes) {
		uint32_t v = look(h, at[i], long_address(ask, i, len));

		value[i] = v != PREFIX_NONE ? v : value[i];
		found |= (uint64_t)(v != PREFIX_NONE) << i;
	}
	return found;
}

/* Which lengths past 64 are in use in the /64 of an address, as bits. */
static inline uint64_t
lengths_from(const struct prefix_ipv6_hash *h, uint32_t at, uint64_t high)
{
	const struct hint_line *line = h->line;

	for (;; at = line_after(h, at)) {
		const struct hint_line *l = &line[at];

		for (unsigned int s = 0; s < SLOTS; s++)
			if (l->key[s] == high && l->lengths[s] != 0)
				return l->lengths[s];
		if (!l->further)
			return 0;
	}
}

/* Several lengths past 64: ask which of them, then those, longest first. */
static uint64_t
find_long(const struct prefix_ipv6 *t, const struct hash_key *key,
          const struct prefix_ask *ask, uint64_t lanes, uint32_t *value)
{
	const struct hint_line *hint = t->hint.line;
	uint64_t lengths[LANES_MAX], todo = 0, found = 0;
	uint32_t at[LANES_MAX];
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		at[i] = line_of_high(&t->hint, key,
		                     high_of(ask->first + i * ask->stride));
		__builtin_prefetch(&hint[at[i]]);
	}
	LANES_FOREACH (i, lanes) {
		lengths[i] = lengths_from(&t->hint, at[i],
		                          high_of(ask->first + i * ask->stride));
		todo |= (uint64_t)(lengths[i] != 0) << i;
	}
	while (todo != 0) {
		LANES_FOREACH (i, todo) {
			unsigned int n = 63 - (unsigned int)__builtin_clzll(lengths[i]);
			const struct level_line *line = t->level[n].line;

			at[i] = line_of(&t->level[n], key, long_address(ask, i, n + 65));
			__builtin_prefetch(&line[at[i]]);
		}
		LANES_FOREACH (i, todo) {
			unsigned int n = 63 - (unsigned int)__builtin_clzll(lengths[i]);
			uint32_t v =
				look(&t->level[n], at[i], long_address(ask, i, n + 65));

			value[i] = v != PREFIX_NONE ? v : value[i];
			found |= (uint64_t)(v != PREFIX_NONE) << i;
			lengths[i] ^= UINT64_C(1) << n;
			todo &= ~((uint64_t)(v != PREFIX_NONE || lengths[i] == 0) << i);
		}
	}
	return found;
}

/* --- the family --------------------------------------------------------------------- */

uint64_t
prefix_ipv6_find(const struct prefix_ipv6 *t, const struct hash_key *key,
                 const struct prefix_ask *ask, uint32_t *value)
{
	alignas(32) uint32_t word[LANES_MAX];
	uint64_t high[LANES_MAX], todo = ask->ipv6, has;
	unsigned int i;

	if (t->root == NULL) {
		LANES_FOREACH (i, todo)
			value[i] = t->any;
		return t->any == PREFIX_NONE ? 0 : todo;
	}
	memset(word, 0, sizeof(word));
	LANES_FOREACH (i, todo) {
		high[i] = high_of(ask->first + i * ask->stride);
		word[i] = t->root[high[i] >> 48];
		value[i] = word[i] & ROOT_VALUE;
	}
	has = having(word, ROOT_LONG);
	if (has != 0)
		todo &= ~(t->only_long != 0 ? find_only(t, key, ask, has, value)
		                            : find_long(t, key, ask, has, value));
	for (unsigned int s = PREFIX_IPV6_STRIDES; s-- > 0 && todo != 0;) {
		has = todo & having(word, ROOT_NODE << s);
		if (has != 0)
			todo &= ~find_nodes(t, key, s, has, high, value);
	}
	return ask->ipv6 & prefix_having_value(value);
}

void
prefix_ipv6_free(struct prefix_ipv6 *t)
{
	memory_give(t->memory, t->bytes);
}
