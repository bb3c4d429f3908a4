/* SPDX-License-Identifier: BSD-3-Clause */
#include "prefix/prefix.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_fib.h>
#include <rte_lcore.h>
#include <rte_memory.h>

#include "base/lanes.h"
#include "base/memory.h"
#include "hash/hash.h"

#define MAPPED_BITS   96
#define BUCKET_SLOTS  3
#define DIRECT_GROUPS 32767 /* /24 networks with longer prefixes; a limit of DIR24_8 */

enum { IPV4, IPV6, FAMILIES };

/* A bucket fills from its first slot; a full one sends on to the next. */
struct bucket {
	alignas(64) uint8_t address[BUCKET_SLOTS][16];
	uint32_t value[BUCKET_SLOTS]; /* PREFIX_NONE: free */
	uint32_t spare;
};
static_assert(sizeof(struct bucket) == 64, "a bucket is one cache line");

/* All prefixes of one length. */
struct level {
	alignas(16) uint8_t mask[16];
	struct bucket *bucket;
	uint32_t last; /* buckets - 1, buckets being a power of two */
	uint8_t len;
};

struct family {
	unsigned int levels;
	struct level level[129]; /* longest first */
};

struct prefix_table {
	struct hash_key key;
	struct family family[FAMILIES];
	struct rte_fib *fib; /* IPv4 goes the direct way */
	void *memory;
	size_t memory_bytes;
};

/* What building has to know before it takes memory. */
struct census {
	size_t count[FAMILIES][129]; /* by length */
	size_t ipv4;
	unsigned int ipv4_lengths;
};

static inline bool
is_mapped(const uint8_t *address)
{
	uint64_t high, low;

	memcpy(&high, address, 8);
	memcpy(&low, address + 8, 8);
	return high == 0 && (uint32_t)low == 0xffff0000;
}

static inline uint32_t
ipv4_of(const uint8_t *address)
{
	uint32_t ip;

	memcpy(&ip, address + 12, 4);
	return __builtin_bswap32(ip);
}

/* --- the hash way ---------------------------------------------------------- */

static inline __m128i
masked(const struct level *l, const uint8_t *address)
{
	return _mm_and_si128(_mm_loadu_si128((const __m128i *)address),
	                     _mm_load_si128((const __m128i *)l->mask));
}

static inline uint32_t
home_of(const struct prefix_table *t, const struct level *l, __m128i address)
{
	return (uint32_t)hash_16(&t->key, &address).lo & l->last;
}

/* Value of a masked address in one level, or PREFIX_NONE. */
static inline uint32_t
look(const struct level *l, uint32_t at, __m128i address)
{
	for (;; at = (at + 1) & l->last) {
		const struct bucket *k = &l->bucket[at];

		for (unsigned int i = 0; i < BUCKET_SLOTS; i++) {
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
put(const struct prefix_table *t, const struct level *l, const struct prefix_entry *e)
{
	const __m128i address = masked(l, e->prefix.address);

	for (uint32_t at = home_of(t, l, address);; at = (at + 1) & l->last) {
		struct bucket *k = &l->bucket[at];

		for (unsigned int i = 0; i < BUCKET_SLOTS; i++) {
			if (k->value[i] != PREFIX_NONE &&
			    memcmp(k->address[i], &address, sizeof(address)) != 0)
				continue;
			memcpy(k->address[i], &address, sizeof(address));
			k->value[i] = e->value;
			return;
		}
	}
}

/* Two prefixes a bucket at most on average, so every chain has a free slot. */
static size_t
buckets_for(size_t count)
{
	size_t buckets = 1;

	while (buckets * 2 < count)
		buckets *= 2;
	return buckets;
}

static void
level_init(struct level *l, unsigned int len, struct bucket *bucket, size_t buckets)
{
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int bits = len > i * 8 ? len - i * 8 : 0;

		l->mask[i] = (uint8_t)(bits >= 8 ? 0xff : ~(0xffu >> bits));
	}
	l->len = (uint8_t)len;
	l->bucket = bucket;
	l->last = (uint32_t)(buckets - 1);
}

static int
hash_build(struct prefix_table *t, const struct census *c,
           const struct prefix_entry *entries, size_t count)
{
	struct level *of[FAMILIES][129] = { 0 };
	struct bucket *next;
	size_t total = 0;

	for (int f = 0; f < FAMILIES; f++)
		for (unsigned int len = 0; len <= 128; len++)
			if (c->count[f][len] > 0 && !(f == IPV4 && t->fib != NULL))
				total += buckets_for(c->count[f][len]);
	if (total == 0)
		return 0;
	t->memory_bytes = total * sizeof(struct bucket);
	t->memory = next = memory_take(t->memory_bytes);
	if (next == NULL)
		return -ENOMEM;

	for (int f = 0; f < FAMILIES; f++) {
		for (unsigned int len = 129; len-- > 0;) {
			size_t buckets = buckets_for(c->count[f][len]);
			struct level *l = &t->family[f].level[t->family[f].levels];

			if (c->count[f][len] == 0 || (f == IPV4 && t->fib != NULL))
				continue;
			level_init(l, len, next, buckets);
			next += buckets;
			of[f][len] = l;
			t->family[f].levels++;
		}
	}
	for (size_t i = 0; i < count; i++) {
		int f = prefix_is_ipv4(&entries[i].prefix) ? IPV4 : IPV6;

		if (of[f][entries[i].prefix.len] != NULL)
			put(t, of[f][entries[i].prefix.len], &entries[i]);
	}
	return 0;
}

/* --- the direct way -------------------------------------------------------- */

static int
compare_groups(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* How many /24 networks hold longer prefixes; more than DIRECT_GROUPS when unknown. */
static uint32_t
groups_of(const struct prefix_entry *entries, size_t count, size_t ipv4)
{
	uint32_t *group = malloc(ipv4 * sizeof(*group));
	uint32_t distinct = 0;
	size_t n = 0;

	if (group == NULL)
		return DIRECT_GROUPS + 1;
	for (size_t i = 0; i < count; i++)
		if (prefix_is_ipv4(&entries[i].prefix) &&
		    entries[i].prefix.len > MAPPED_BITS + 24)
			group[n++] = ipv4_of(entries[i].prefix.address) >> 8;
	qsort(group, n, sizeof(*group), compare_groups);
	for (size_t i = 0; i < n; i++)
		distinct += i == 0 || group[i] != group[i - 1];
	free(group);
	return distinct;
}

/*
 * Shorter prefixes first: no route is then laid under longer ones, which makes
 * DIR24_8 of 22.11 run out of groups although there are enough.
 */
static int
direct_fill(struct rte_fib *fib, const struct census *c,
            const struct prefix_entry *entries, size_t count)
{
	for (unsigned int len = 0; len <= 32; len++) {
		if (c->count[IPV4][MAPPED_BITS + len] == 0)
			continue;
		for (size_t i = 0; i < count; i++) {
			const struct prefix *p = &entries[i].prefix;

			if (p->len == MAPPED_BITS + len && prefix_is_ipv4(p) &&
			    rte_fib_add(fib, ipv4_of(p->address), (uint8_t)len,
			                entries[i].value) != 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/* Returns the filled table, or NULL when IPv4 has to go the hash way. */
static struct rte_fib *
direct_build(const struct census *c, const struct prefix_entry *entries, size_t count)
{
	static uint32_t serial;
	struct rte_fib_conf conf = {
		.type = RTE_FIB_DIR24_8,
		.default_nh = PREFIX_NONE,
		.max_routes = (int)c->ipv4 + 1,
		.dir24_8 = { .nh_sz = RTE_FIB_DIR24_8_2B },
	};
	uint32_t groups;
	struct rte_fib *fib;
	char name[24];

	if (c->ipv4 <= PREFIX_HASH_COUNT && c->ipv4_lengths <= PREFIX_HASH_LENGTHS)
		return NULL;
	/* Before rte_eal_init() no lcore is known, and no EAL memory is there. */
	if (rte_lcore_count() == 0 || c->ipv4 > INT32_MAX / 4)
		return NULL;
	groups = groups_of(entries, count, c->ipv4);
	if (groups > DIRECT_GROUPS)
		return NULL;
	conf.dir24_8.num_tbl8 = groups == 0 ? 1 : groups;

	snprintf(name, sizeof(name), "prefix-%u",
	         __atomic_fetch_add(&serial, 1, __ATOMIC_RELAXED));
	fib = rte_fib_create(name, SOCKET_ID_ANY, &conf);
	if (fib != NULL && direct_fill(fib, c, entries, count) != 0) {
		rte_fib_free(fib);
		return NULL;
	}
	return fib;
}

bool
prefix_is_direct(const struct prefix_table *t)
{
	return t->fib != NULL;
}

/*
 * The table of /24s and the 32,767 groups under it, and the routes that rte_rib
 * keeps for later changes: two nodes for each prefix, measured as 212 bytes each.
 */
size_t
prefix_memory(void)
{
	const size_t tables = ((size_t)2 << 24) + DIRECT_GROUPS * (size_t)512;

	return tables + (size_t)65536 * 2 * 256;
}

/* --- both ------------------------------------------------------------------ */

static int
take_census(struct census *c, const struct prefix_entry *entries, size_t count)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < count; i++) {
		const struct prefix_entry *e = &entries[i];
		int f = prefix_is_ipv4(&e->prefix) ? IPV4 : IPV6;

		if (e->value == PREFIX_NONE || e->value > PREFIX_MAX_VALUE ||
		    e->prefix.len > 128)
			return -ERANGE;
		c->ipv4 += f == IPV4;
		c->ipv4_lengths += f == IPV4 && c->count[f][e->prefix.len] == 0;
		c->count[f][e->prefix.len]++;
	}
	return 0;
}

int
prefix_build(const struct prefix_entry *entries, size_t count, struct prefix_table **out)
{
	struct prefix_table *t;
	struct census census;
	int status = take_census(&census, entries, count);

	if (status != 0)
		return status;
	t = aligned_alloc(64, (sizeof(*t) + 63) & ~(size_t)63);
	if (t == NULL)
		return -ENOMEM;
	memset(t, 0, sizeof(*t));

	status = hash_key_random(&t->key);
	if (status == 0) {
		t->fib = direct_build(&census, entries, count);
		status = hash_build(t, &census, entries, count);
	}
	if (status != 0) {
		prefix_free(t);
		return status;
	}
	*out = t;
	return 0;
}

void
prefix_free(struct prefix_table *t)
{
	if (t == NULL)
		return;
	if (t->fib != NULL)
		rte_fib_free(t->fib);
	memory_give(t->memory, t->memory_bytes);
	free(t);
}

static void
find_direct(const struct prefix_table *t, const uint8_t *const *addresses, uint64_t lanes,
            uint32_t *values)
{
	uint32_t ip[LANES_MAX];
	uint64_t found[LANES_MAX];
	unsigned int i, n = 0;

	LANES_FOREACH (i, lanes)
		ip[n++] = ipv4_of(addresses[i]);
	rte_fib_lookup_bulk(t->fib, ip, found, (int)n);
	n = 0;
	LANES_FOREACH (i, lanes)
		values[i] = (uint32_t)found[n++];
}

static void
find_hashed(const struct prefix_table *t, const struct family *f,
            const uint8_t *const *addresses, uint64_t lanes, uint32_t *values)
{
	__m128i address[LANES_MAX];
	uint32_t home[LANES_MAX];
	unsigned int i;

	for (unsigned int n = 0; n < f->levels && lanes != 0; n++) {
		const struct level *l = &f->level[n];

		/* First ask memory for every bucket, then use them. */
		LANES_FOREACH (i, lanes) {
			address[i] = masked(l, addresses[i]);
			home[i] = home_of(t, l, address[i]);
			__builtin_prefetch(&l->bucket[home[i]]);
		}
		LANES_FOREACH (i, lanes) {
			values[i] = look(l, home[i], address[i]);
			if (values[i] != PREFIX_NONE)
				lanes &= ~lane_bit(i);
		}
	}
}

void
prefix_find_bulk(const struct prefix_table *t, const uint8_t *const *addresses,
                 unsigned int n, uint32_t *values)
{
	uint64_t ipv4 = 0, ipv6;

	for (unsigned int i = 0; i < n; i++) {
		values[i] = PREFIX_NONE;
		ipv4 |= (uint64_t)is_mapped(addresses[i]) << i;
	}
	ipv6 = lanes_first(n) & ~ipv4;

	if (t->fib != NULL && ipv4 != 0)
		find_direct(t, addresses, ipv4, values);
	else
		find_hashed(t, &t->family[IPV4], addresses, ipv4, values);
	find_hashed(t, &t->family[IPV6], addresses, ipv6, values);
}

uint64_t
prefix_find_lanes(const struct prefix_table *t, const struct prefix_ask *ask,
                  uint32_t value[64])
{
	const uint8_t *address[LANES_MAX];
	uint64_t found = 0;
	unsigned int i;

	LANES_FOREACH (i, ask->ipv4 | ask->ipv6) {
		address[i] = ask->first + i * ask->stride;
		value[i] = PREFIX_NONE;
	}
	if (t->fib != NULL && ask->ipv4 != 0)
		find_direct(t, address, ask->ipv4, value);
	else
		find_hashed(t, &t->family[IPV4], address, ask->ipv4, value);
	find_hashed(t, &t->family[IPV6], address, ask->ipv6, value);
	LANES_FOREACH (i, ask->ipv4 | ask->ipv6)
		found |= (uint64_t)(value[i] != PREFIX_NONE) << i;
	return found;
}

uint32_t
prefix_find(const struct prefix_table *t, const uint8_t address[16])
{
	uint32_t value;

	prefix_find_bulk(t, &address, 1, &value);
	return value;
}
