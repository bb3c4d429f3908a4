/* SPDX-License-Identifier: BSD-3-Clause */
/* Longest match on both ways, against a twin that compares bit by bit. */
#include "prefix/prefix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "suite.h"

#define MOST 2600

static struct prefix_entry entry[MOST];

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

static bool
bit_of(const uint8_t address[16], unsigned int i)
{
	return (address[i / 8] >> (7 - i % 8)) & 1;
}

static bool
is_mapped(const uint8_t address[16])
{
	static const uint8_t head[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(address, head, sizeof(head)) == 0;
}

/* The longest prefix that holds the address; of equal ones the last. */
static uint32_t
twin_find(size_t count, const uint8_t address[16])
{
	const struct prefix_entry *best = NULL;

	for (size_t e = 0; e < count; e++) {
		const struct prefix *p = &entry[e].prefix;
		bool holds =
			is_mapped(address) == (p->len >= 96 && is_mapped(p->address));

		for (unsigned int i = 0; i < p->len && holds; i++)
			holds = bit_of(p->address, i) == bit_of(address, i);
		if (holds && (best == NULL || p->len >= best->prefix.len))
			best = &entry[e];
	}
	return best == NULL ? PREFIX_NONE : best->value;
}

/* Few distinct bytes, so that prefixes nest and addresses hit them. */
static void
random_address(uint8_t address[16], bool is_ipv4)
{
	static const uint8_t bytes[] = { 0x00, 0x0a, 0x20, 0xff, 0x80, 0xfe };

	memset(address, 0, 16);
	if (is_ipv4)
		memset(address + 10, 0xff, 2);
	for (unsigned int i = is_ipv4 ? 12 : 0; i < 16; i++)
		address[i] = bytes[draw() % sizeof(bytes)];
}

static void
random_entry(struct prefix_entry *e, bool is_ipv4, unsigned int lengths)
{
	unsigned int width = is_ipv4 ? 32 : 128, step = width / lengths;

	e->prefix.len = (uint8_t)(128 - width + step * (draw() % (lengths + 1)));
	e->value = 1 + (uint32_t)(draw() % PREFIX_MAX_VALUE);
	random_address(e->prefix.address, is_ipv4);
	for (unsigned int i = e->prefix.len; i < 128; i++)
		e->prefix.address[i / 8] &= (uint8_t) ~(1u << (7 - i % 8));
	/* An IPv6 prefix whose bits happen to be mapped would be an IPv4 one. */
	if (!is_ipv4)
		e->prefix.address[0] |= e->prefix.len > 0 ? 0x80 : 0;
}

/* Ask addresses in and next to the prefixes, 64 at a time. */
static void
compare_with_twin(const struct prefix_table *t, size_t count)
{
	for (unsigned int round = 0; round < 20; round++) {
		uint8_t address[64][16];
		uint32_t value[64], by_lane[64];
		unsigned int n = (unsigned int)(draw() % 65);
		struct prefix_ask lanes = { address[0], sizeof(address[0]), 0, 0 };
		uint64_t found;

		for (unsigned int i = 0; i < n; i++) {
			random_address(address[i], draw() % 2 == 0);
			if (count > 0 && draw() % 2 == 0)
				memcpy(address[i], entry[draw() % count].prefix.address,
				       16);
			if (draw() % 4 == 0)
				address[i][15] ^= 1;
			by_lane[i] = UINT32_MAX;
			if (draw() % 4 != 0)
				*(is_mapped(address[i]) ? &lanes.ipv4 : &lanes.ipv6) |=
					UINT64_C(1) << i;
		}
		for (unsigned int i = 0; i < n; i++)
			value[i] = prefix_find(t, address[i]);
		found = prefix_find_lanes(t, &lanes, by_lane);
		CU_ASSERT_EQUAL(found & ~(lanes.ipv4 | lanes.ipv6), 0);
		for (unsigned int i = 0; i < n; i++) {
			bool asked = ((lanes.ipv4 | lanes.ipv6) >> i) & 1;

			CU_ASSERT_EQUAL(value[i], twin_find(count, address[i]));
			CU_ASSERT_EQUAL(by_lane[i], asked ? value[i] : UINT32_MAX);
			CU_ASSERT_EQUAL((found >> i) & 1,
			                asked && value[i] != PREFIX_NONE);
		}
	}
}

static void
random_tables_of_both_families_find_what_the_twin_finds(void)
{
	static const struct {
		size_t count;
		unsigned int lengths; /* and length 0 */
	} tables[] = {
		{ 0, 4 },   { 1, 1 },    { 3, 2 },    { 40, 2 },    { 40, 32 },
		{ 700, 2 }, { 700, 16 }, { MOST, 2 }, { MOST, 32 },
	};

	seed = 1;
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		struct prefix_table *t;

		for (size_t e = 0; e < tables[i].count; e++)
			random_entry(&entry[e], draw() % 2 == 0, tables[i].lengths);
		CU_ASSERT_EQUAL_FATAL(prefix_build(entry, tables[i].count, &t), 0);
		compare_with_twin(t, tables[i].count);
		prefix_free(t);
	}
}

static void
add(size_t at, const char *text, uint32_t value)
{
	CU_ASSERT_EQUAL_FATAL(prefix_parse(text, &entry[at].prefix), 0);
	entry[at].value = value;
}

static uint32_t
find(const struct prefix_table *t, const char *text)
{
	struct prefix p;

	CU_ASSERT_EQUAL_FATAL(prefix_parse(text, &p), 0);
	return prefix_find(t, p.address);
}

static void
nested_prefixes_answer_with_the_most_specific(void)
{
	struct prefix_table *t;

	add(0, "0.0.0.0/0", 1);
	add(1, "203.0.113.0/24", 2);
	add(2, "203.0.113.128/25", 3);
	add(3, "203.0.113.255/32", 4);
	add(4, "::/0", 5);
	add(5, "2001:db8::/32", 6);
	add(6, "2001:db8::1/128", 7);
	for (size_t count = 7; count <= 8; count++) {
		add(7, "203.0.0.0/16", PREFIX_MAX_VALUE);
		CU_ASSERT_EQUAL_FATAL(prefix_build(entry, count, &t), 0);
		CU_ASSERT_EQUAL(find(t, "0.0.0.0"), 1);
		CU_ASSERT_EQUAL(find(t, "255.255.255.255"), 1);
		CU_ASSERT_EQUAL(find(t, "203.0.1.1"), count == 8 ? PREFIX_MAX_VALUE : 1);
		CU_ASSERT_EQUAL(find(t, "203.0.113.127"), 2);
		CU_ASSERT_EQUAL(find(t, "203.0.113.128"), 3);
		CU_ASSERT_EQUAL(find(t, "203.0.113.255"), 4);
		CU_ASSERT_EQUAL(find(t, "2001:db9::"), 5);
		CU_ASSERT_EQUAL(find(t, "2001:db8::2"), 6);
		CU_ASSERT_EQUAL(find(t, "2001:db8::1"), 7);
		prefix_free(t);
	}
}

static void
an_ipv6_default_holds_no_ipv4_address_and_the_reverse(void)
{
	struct prefix_table *t;

	add(0, "::/0", 1);
	CU_ASSERT_EQUAL_FATAL(prefix_build(entry, 1, &t), 0);
	CU_ASSERT_EQUAL(find(t, "192.0.2.1"), PREFIX_NONE);
	CU_ASSERT_EQUAL(find(t, "2001:db8::1"), 1);
	prefix_free(t);

	add(0, "0.0.0.0/0", 1);
	CU_ASSERT_EQUAL_FATAL(prefix_build(entry, 1, &t), 0);
	CU_ASSERT_EQUAL(find(t, "192.0.2.1"), 1);
	CU_ASSERT_EQUAL(find(t, "::"), PREFIX_NONE);
	prefix_free(t);
}

static void
of_equal_prefixes_the_last_one_wins(void)
{
	struct prefix_table *t;

	add(0, "192.0.2.0/24", 1);
	add(1, "192.0.2.0/24", 2);
	CU_ASSERT_EQUAL_FATAL(prefix_build(entry, 2, &t), 0);
	CU_ASSERT_EQUAL(find(t, "192.0.2.77"), 2);
	prefix_free(t);
}

static void
values_out_of_range_are_refused(void)
{
	struct prefix_table *t = NULL;

	add(0, "192.0.2.0/24", PREFIX_NONE);
	CU_ASSERT_EQUAL(prefix_build(entry, 1, &t), -ERANGE);
	add(0, "192.0.2.0/24", PREFIX_MAX_VALUE + 1);
	CU_ASSERT_EQUAL(prefix_build(entry, 1, &t), -ERANGE);
	add(0, "192.0.2.0/24", 1);
	entry[0].prefix.len = 129;
	CU_ASSERT_EQUAL(prefix_build(entry, 1, &t), -ERANGE);
	CU_ASSERT_PTR_NULL(t);
	prefix_free(NULL);
}

static void
text_is_read_strictly(void)
{
	static const struct {
		const char *text;
		int status;
		const char *back; /* as written again; NULL: nothing was read */
	} cases[] = {
		{ "192.0.2.1", 0, "192.0.2.1/32" },
		{ "192.0.2.0/24", 0, "192.0.2.0/24" },
		{ "0.0.0.0/0", 0, "0.0.0.0/0" },
		{ "255.255.255.255/32", 0, "255.255.255.255/32" },
		{ "::/0", 0, "::/0" },
		{ "::1", 0, "::1/128" },
		{ "2001:DB8:0:0:0::/32", 0, "2001:db8::/32" },
		{ "2001:db8:0:1:0:0:0:1/128", 0, "2001:db8:0:1::1/128" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0,
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128" },
		{ "::ffff:192.0.2.0/120", 0, "192.0.2.0/24" },
		{ "192.0.2.1/24", -EDOM, "192.0.2.0/24" },
		{ "192.0.2.1/31", -EDOM, "192.0.2.0/31" },
		{ "192.0.2.1/0", -EDOM, "0.0.0.0/0" },
		{ "2001:db8::1/32", -EDOM, "2001:db8::/32" },
		{ "192.0.2.0/33", -ERANGE, NULL },
		{ "2001:db8::/129", -ERANGE, NULL },
		{ "192.0.2.0/4294967328", -ERANGE, NULL },
		{ "192.0.2.0/99999999999999999999999", -ERANGE, NULL },
		{ "", -EINVAL, NULL },
		{ "/24", -EINVAL, NULL },
		{ "192.0.2.0/", -EINVAL, NULL },
		{ "192.0.2.0/024", -EINVAL, NULL },
		{ "192.0.2.0/+24", -EINVAL, NULL },
		{ "192.0.2.0/ 24", -EINVAL, NULL },
		{ "192.0.2.0/24 ", -EINVAL, NULL },
		{ "192.0.2.0/24/24", -EINVAL, NULL },
		{ " 192.0.2.0/24", -EINVAL, NULL },
		{ "192.0.2.0/2x", -EINVAL, NULL },
		{ "192.0.2", -EINVAL, NULL },
		{ "192.0.2.01", -EINVAL, NULL },
		{ "192.0.2.256", -EINVAL, NULL },
		{ "0xc0000201", -EINVAL, NULL },
		{ "example.net", -EINVAL, NULL },
		{ "2001:db8::1::2", -EINVAL, NULL },
		{ "fe80::1%eth0", -EINVAL, NULL },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", -EINVAL,
		  NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct prefix p = { .len = 77 };
		char text[PREFIX_TEXT];

		CU_ASSERT_EQUAL(prefix_parse(cases[i].text, &p), cases[i].status);
		if (cases[i].back == NULL) {
			CU_ASSERT_EQUAL(p.len, 77);
			continue;
		}
		prefix_format(&p, text);
		CU_ASSERT_STRING_EQUAL(text, cases[i].back);
	}
}

static void
a_prefix_knows_whom_it_holds(void)
{
	static const struct {
		const char *prefix, *address;
		bool holds;
	} cases[] = {
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "0.0.0.0/0", "1.2.3.4", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "::1", true },
		{ "::/0", "1.2.3.4", false },
		{ "2001:db8::/33", "2001:db8:7fff::", true },
		{ "2001:db8::/33", "2001:db8:8000::", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct prefix p, a;
		char text[PREFIX_TEXT];

		CU_ASSERT_EQUAL_FATAL(prefix_parse(cases[i].prefix, &p), 0);
		CU_ASSERT_EQUAL_FATAL(prefix_parse(cases[i].address, &a), 0);
		CU_ASSERT_EQUAL(prefix_holds(&p, a.address), cases[i].holds);
		prefix_format_address(a.address, text);
		CU_ASSERT_STRING_EQUAL(text, cases[i].address);
	}
}

SUITE_MAIN("prefix", TEST(text_is_read_strictly), TEST(a_prefix_knows_whom_it_holds),
           TEST(random_tables_of_both_families_find_what_the_twin_finds),
           TEST(nested_prefixes_answer_with_the_most_specific),
           TEST(an_ipv6_default_holds_no_ipv4_address_and_the_reverse),
           TEST(of_equal_prefixes_the_last_one_wins),
           TEST(values_out_of_range_are_refused))
