/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of every shape against a twin that asks every prefix in turn. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/sanitizer.h"
#include "prefix/prefix.h"
#include "suite.h"

#define MOST 9000

static struct prefix_entry entry[MOST];
static size_t entries;

/* splitmix64: the same numbers in every run. */
static uint64_t seed;

static uint64_t
draw(void)
{
	uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t
half(const uint8_t *address)
{
	uint64_t number = 0;

	for (unsigned int i = 0; i < 8; i++)
		number = number << 8 | address[i];
	return number;
}

static uint64_t
mask(unsigned int len)
{
	return len == 0 ? 0 : len >= 64 ? UINT64_MAX : ~(UINT64_MAX >> len);
}

static bool
is_mapped(const uint8_t address[16])
{
	return half(address) == 0 && half(address + 8) >> 32 == 0xffff;
}

static bool
is_in(const struct prefix *p, const uint8_t address[16])
{
	uint64_t high = half(p->address) ^ half(address);
	uint64_t low = half(p->address + 8) ^ half(address + 8);

	if ((p->len >= 96 && is_mapped(p->address)) != is_mapped(address))
		return false;
	return (high & mask(p->len)) == 0 &&
	       (low & mask(p->len > 64 ? p->len - 64u : 0)) == 0;
}

/* The longest prefix that holds the address; of equal ones the last. */
static uint32_t
twin_find(const uint8_t address[16])
{
	const struct prefix_entry *best = NULL;

	for (size_t e = 0; e < entries; e++)
		if ((best == NULL || entry[e].prefix.len >= best->prefix.len) &&
		    is_in(&entry[e].prefix, address))
			best = &entry[e];
	return best == NULL ? PREFIX_NONE : best->value;
}

/*
 * What the prefixes of a table are like: lengths from..to in steps, and how many
 * bits after the first `same` differ; the rest is 0 in prefixes of one shape.
 */
struct shape {
	const char *start;
	size_t count;
	unsigned int from, to, step; /* as in text */
	unsigned int same, differ;
};

static void
random_bits(uint8_t address[16], unsigned int from, unsigned int count)
{
	for (unsigned int i = from; i < from + count && i < 128; i++) {
		uint8_t bit = (uint8_t)(0x80 >> i % 8);

		address[i / 8] =
			(uint8_t)((address[i / 8] & ~bit) | (draw() & 1 ? bit : 0));
	}
}

static void
add_shape(const struct shape *s)
{
	struct prefix start;
	unsigned int before;

	CU_ASSERT_EQUAL_FATAL(prefix_parse(s->start, &start), 0);
	before = is_mapped(start.address) ? 96 : 0;
	CU_ASSERT_FATAL(entries + s->count <= MOST);
	for (size_t i = 0; i < s->count; i++) {
		struct prefix_entry *e = &entry[entries++];
		unsigned int steps = (s->to - s->from) / s->step + 1;

		e->prefix = start;
		e->prefix.len = (uint8_t)(before + s->from + s->step * (draw() % steps));
		random_bits(e->prefix.address, before + s->same, s->differ);
		for (unsigned int bit = e->prefix.len; bit < 128; bit++)
			e->prefix.address[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		e->value = 1 + (uint32_t)(draw() % PREFIX_MAX_VALUE);
	}
}

/* An address in a prefix or close to it; of no prefix when there is none. */
static void
close_address(uint8_t address[16])
{
	const struct prefix *p;

	if (entries == 0) {
		random_bits(address, 0, 128);
		return;
	}
	p = &entry[draw() % entries].prefix;
	memcpy(address, p->address, 16);
	if (draw() % 2 == 0)
		random_bits(address, p->len, 128);
	if (draw() % 4 == 0)
		random_bits(address,
		            (p->len > 96 ? 96u : 3u) + (unsigned int)(draw() % 29), 3);
	/* The last address before a prefix. */
	if (draw() % 8 == 0)
		for (unsigned int i = 16; i-- > 12 && address[i]-- == 0;)
			;
}

static void
compare_with_twin(unsigned int rounds)
{
	struct prefix_table *t;

	CU_ASSERT_EQUAL_FATAL(prefix_build(entry, entries, &t), 0);
	for (unsigned int round = 0; round < rounds; round++) {
		uint8_t address[64][24] = { 0 };
		uint32_t value[64];
		struct prefix_ask ask = { address[0], sizeof(address[0]), 0, 0 };
		uint64_t found, asked, expected = 0;

		for (unsigned int i = 0; i < 64; i++) {
			close_address(address[i]);
			value[i] = UINT32_MAX;
			if (draw() % 8 != 0)
				*(is_mapped(address[i]) ? &ask.ipv4 : &ask.ipv6) |=
					UINT64_C(1) << i;
		}
		asked = ask.ipv4 | ask.ipv6;
		found = prefix_find_lanes(t, &ask, value);
		for (unsigned int i = 0; i < 64; i++) {
			const uint32_t right = twin_find(address[i]);

			CU_ASSERT_EQUAL(prefix_find(t, address[i]), right);
			CU_ASSERT_EQUAL(value[i], (asked >> i) & 1 ? right : UINT32_MAX);
			expected |= (uint64_t)(right != PREFIX_NONE) << i;
		}
		CU_ASSERT_EQUAL(found, expected & asked);
	}
	prefix_free(t);
}

static void
tables_of_every_shape_find_what_the_twin_finds(void)
{
	static const struct shape shapes[] = {
		/* IPv4: one length in one bucket, in several; defaults alone. */
		{ "192.0.2.0", 5, 32, 32, 1, 24, 8 },
		{ "10.0.0.0", 3000, 32, 32, 1, 20, 12 },
		{ "0.0.0.0", 300, 24, 24, 1, 8, 16 },
		{ "0.0.0.0", 3, 0, 0, 1, 0, 0 },
		/* Small root; large root, with prefixes on both sides of its border. */
		{ "10.0.0.0", 300, 8, 32, 1, 6, 26 },
		{ "10.0.0.0", 8900, 12, 32, 1, 12, 20 },
		{ "10.1.2.0", 600, 22, 32, 1, 22, 10 },
		{ "0.0.0.0", 8900, 1, 32, 1, 0, 32 },
		/* IPv6: the root alone; one stride; a node of lines, a direct one. */
		{ "::", 3, 0, 0, 1, 0, 0 },
		{ "2000::", 200, 1, 16, 1, 0, 16 },
		{ "2001:db8::", 20, 48, 48, 1, 32, 16 },
		{ "2001:db8::", 500, 33, 48, 1, 32, 16 },
		{ "2001:db8::", 4000, 40, 48, 1, 32, 16 },
		/* All strides, dense and sparse, and what holds :: itself. */
		{ "2001:db8::", 3000, 33, 64, 1, 40, 24 },
		{ "2000::", 3000, 16, 64, 16, 3, 61 },
		{ "::", 500, 1, 64, 1, 30, 34 },
		/* Past 64 bits: one length, several, all; with shorter ones over them. */
		{ "2001:db8::", 400, 128, 128, 1, 110, 18 },
		{ "2001:db8::", 900, 96, 128, 32, 100, 28 },
		{ "2001:db8::", 900, 20, 128, 1, 60, 60 },
		{ "2001:db8::", 2000, 65, 128, 1, 44, 60 },
		{ "::", 300, 65, 128, 1, 100, 28 },
	};

	seed = 1;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		entries = 0;
		add_shape(&shapes[i]);
		compare_with_twin(suite_is_soak() ? 20 : 6);
	}
	/* Neighbours of the list, so both families and two shapes at once. */
	for (size_t i = 0; i + 8 < sizeof(shapes) / sizeof(*shapes); i++) {
		entries = 0;
		if (shapes[i].count + shapes[i + 8].count > MOST)
			continue;
		add_shape(&shapes[i]);
		add_shape(&shapes[i + 8]);
		compare_with_twin(suite_is_soak() ? 10 : 3);
	}
}

static void
an_empty_table_finds_nobody(void)
{
	entries = 0;
	seed = 2;
	compare_with_twin(5);
}

static void
add_text(const char *text, uint32_t value)
{
	CU_ASSERT_EQUAL_FATAL(prefix_parse(text, &entry[entries].prefix), 0);
	entry[entries++].value = value;
}

/* A free slot of a table is all zeroes, and so are these addresses. */
static void
zero_addresses_are_found_only_when_they_are_there(void)
{
	static const uint8_t zero6[16], zero4[16] = { [10] = 0xff, [11] = 0xff };
	static const char *const others[] = {
		"192.0.2.1",       "192.0.2.0/24",      "2001:db8::/48",
		"2001:db8::1/128", "2001:db8::1:0/112", "2001:db8:1::/64",
		"0.0.0.1",         "::1:0:0:0:0/80",
	};
	struct prefix_table *t;

	for (unsigned int with = 0; with < 2; with++) {
		entries = 0;
		for (unsigned int i = 0; i < sizeof(others) / sizeof(*others); i++)
			add_text(others[i], 7);
		if (with) {
			add_text("0.0.0.0/32", 1);
			add_text("::/60", 2);
		}
		CU_ASSERT_EQUAL_FATAL(prefix_build(entry, entries, &t), 0);
		CU_ASSERT_EQUAL(prefix_find(t, zero4), with ? 1 : PREFIX_NONE);
		CU_ASSERT_EQUAL(prefix_find(t, zero6), with ? 2 : PREFIX_NONE);
		prefix_free(t);
	}
}

/* Of the lanes' families the caller decides, so a mapped IPv6 address is IPv6. */
static void
an_ipv6_lane_is_never_found_among_ipv4_prefixes(void)
{
	struct prefix_table *t;
	struct prefix mapped;
	uint32_t value[64];
	struct prefix_ask ask = { mapped.address, 0, 0, 1 };

	entries = 0;
	add_text("192.0.2.0/24", 1);
	CU_ASSERT_EQUAL_FATAL(prefix_parse("192.0.2.1", &mapped), 0);
	CU_ASSERT_EQUAL_FATAL(prefix_build(entry, entries, &t), 0);
	CU_ASSERT_EQUAL(prefix_find_lanes(t, &ask, value), 0);
	ask.ipv4 = 1;
	ask.ipv6 = 0;
	CU_ASSERT_EQUAL(prefix_find_lanes(t, &ask, value), 1);
	CU_ASSERT_EQUAL(value[0], 1);
	prefix_free(t);
}

static struct prefix_entry *
many_hosts(size_t count, bool is_ipv4)
{
	struct prefix_entry *many = calloc(count, sizeof(*many));

	CU_ASSERT_FATAL(many != NULL);
	for (size_t i = 0; i < count; i++) {
		/* Odd numbers times one constant: all different, all odd. */
		uint32_t ip = (uint32_t)(2 * i + 1) * 2654435761u;
		uint8_t *last = many[i].prefix.address + (is_ipv4 ? 12 : 4);

		memset(many[i].prefix.address + 10, is_ipv4 ? 0xff : 0, 2);
		if (!is_ipv4)
			many[i].prefix.address[0] = 0x20;
		for (unsigned int b = 0; b < 4; b++)
			last[b] = (uint8_t)(ip >> (24 - 8 * b));
		many[i].prefix.len = is_ipv4 ? 128 : 64;
		many[i].value = 1 + (uint32_t)(i % PREFIX_MAX_VALUE);
	}
	return many;
}

/* No even address is listed: exactly the million is found, each with its value. */
static void
a_million_prefixes_are_found_and_nobody_else(void)
{
	const size_t count = 1000000;

	for (unsigned int family = 0; family < 2; family++) {
		struct prefix_entry *many = many_hosts(count, family == 0);
		const unsigned int lowest = family == 0 ? 15 : 7;
		size_t wrong = 0;
		struct prefix_table *t;

		CU_ASSERT_EQUAL_FATAL(prefix_build(many, count, &t), 0);
		for (size_t i = 0; i < count; i++) {
			uint8_t *address = many[i].prefix.address;

			wrong += prefix_find(t, address) != many[i].value;
			address[lowest] ^= 1;
			wrong += prefix_find(t, address) != PREFIX_NONE;
		}
		CU_ASSERT_EQUAL(wrong, 0);
		CU_ASSERT(prefix_bytes(t) < (size_t)(family == 0 ? 16 : 64) << 20);
		prefix_free(t);
		free(many);
	}
}

#if !IS_ADDRESS_SANITIZED /* which ends the program instead */
static size_t
pages_in_use(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	size_t pages = 0;

	CU_ASSERT_FATAL(f != NULL);
	CU_ASSERT_EQUAL(fscanf(f, "%zu", &pages), 1);
	fclose(f);
	return pages;
}

/* A little more memory each time: building fails in another place, then succeeds. */
static void
without_memory_nothing_is_built(void)
{
	const size_t count = 300000;
	struct prefix_entry *many = many_hosts(count, true);
	struct prefix_entry *six = many_hosts(count / 2, false);
	struct prefix_table *t = NULL;
	struct rlimit before, limit;
	unsigned int failed = 0;
	int status = -ENOMEM;

	memcpy(many, six, count / 2 * sizeof(*six));
	/* Two lengths in one place make the large root. */
	for (size_t i = count / 2; i < count; i += 2) {
		many[i].prefix.address[15] = 0;
		many[i].prefix.len = 120;
	}
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_AS, &before), 0);
	limit = before;
	while (status == -ENOMEM && failed < 100) {
		limit.rlim_cur = pages_in_use() * 4096 + ((rlim_t)failed << 20);
		CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_AS, &limit), 0);
		status = prefix_build(many, count, &t);
		CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_AS, &before), 0);
		CU_ASSERT_EQUAL(t == NULL, status != 0);
		failed += status != 0;
	}
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT(failed > 20);
	prefix_free(t);
	free(many);
	free(six);
}
#else
static void
without_memory_nothing_is_built(void)
{
	CU_PASS("the sanitizer has no memory that fails");
}
#endif

SUITE_MAIN("prefix_tables", TEST(tables_of_every_shape_find_what_the_twin_finds),
           TEST(an_empty_table_finds_nobody),
           TEST(zero_addresses_are_found_only_when_they_are_there),
           TEST(an_ipv6_lane_is_never_found_among_ipv4_prefixes),
           TEST(a_million_prefixes_are_found_and_nobody_else),
           TEST(without_memory_nothing_is_built))
