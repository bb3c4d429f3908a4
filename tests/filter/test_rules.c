/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/rules.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "packet/burst.h"
#include "packet/frames.h"
#include "packet/parse.h"
#include "suite.h"

#define RULES 1000

static uint64_t seed = 88172645463325252;

static uint32_t
any(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)((seed >> 20) % below);
}

/* Addresses that differ in a few places, so that prefixes of all lengths meet some. */
static void
address(uint8_t out[16], bool is_ipv6)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(out, mapped, sizeof(mapped));
	if (is_ipv6) {
		for (unsigned int i = 0; i < 16; i++)
			out[i] = (uint8_t)(i < 4 ? 0x20 + any(2) : any(3) * 0x55);
		return;
	}
	for (unsigned int i = 12; i < 16; i++)
		out[i] = (uint8_t)(any(4) == 0 ? any(256) : any(2) * 0x80 + 10);
}

static void
prefix(struct conf_prefix *p)
{
	const bool is_ipv6 = any(2) == 1;

	address(p->address, is_ipv6);
	p->len = (uint8_t)(is_ipv6 ? any(129) : 96 + any(33));
	for (unsigned int bit = p->len; bit < 128; bit++)
		p->address[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	if (is_ipv6 && p->len == 0)
		memset(p->address, 0, 16);
}

/* A rule that names some components with some values each. */
static void
rule(struct filter_match *m)
{
	static const uint32_t most[FILTER_WIDE] = { 65536, 65536, 65536, 65536, 1 << 20 };

	memset(m, 0, sizeof(*m));
	for (unsigned int e = 0; e < FILTER_ENDS; e++) {
		m->has_end[e] = any(2) == 0;
		m->end[e].count = m->has_end[e] ? 1 + any(3) : 0;
		for (unsigned int i = 0; i < m->end[e].count; i++)
			prefix(&m->end[e].prefix[i]);
	}
	for (unsigned int s = 0; s < FILTER_SMALL; s++) {
		m->has_small[s] = any(s == 0 ? 2 : 8) == 0;
		for (unsigned int i = 0; m->has_small[s] && i < 40; i++) {
			const uint32_t v = any(s == FILTER_FRAGMENT ? 16 : 256);

			m->small[s][v / 64] |= UINT64_C(1) << v % 64;
		}
	}
	for (unsigned int w = 0; w < FILTER_WIDE; w++) {
		m->has_wide[w] = any(4) == 0;
		m->wide[w].count = m->has_wide[w] ? 1 + any(4) : 0;
		for (unsigned int i = 0; i < m->wide[w].count; i++) {
			uint32_t a = any(most[w]), b = any(3) == 0 ? a : any(most[w]);

			m->wide[w].range[i] =
				(struct filter_range){ a < b ? a : b, a < b ? b : a };
		}
	}
}

static void
key(struct filter_key *k, uint8_t ends[2][16])
{
	k->is_ipv6 = any(2) == 1;
	for (unsigned int e = 0; e < FILTER_ENDS; e++) {
		address(ends[e], k->is_ipv6);
		k->end[e] = ends[e];
	}
	for (unsigned int s = 0; s < FILTER_SMALL; s++)
		k->small[s] = (uint16_t)(any(6) == 0            ? FILTER_NO_SMALL
		                         : s == FILTER_FRAGMENT ? any(16)
		                                                : any(256));
	for (unsigned int w = 0; w < FILTER_WIDE; w++)
		k->wide[w] = any(6) == 0 ? FILTER_NO_WIDE
		                         : any(w == FILTER_LABEL ? 1 << 20 : 65536);
}

static uint16_t
naive(const struct filter_match *const *m, unsigned int n, const struct filter_key *k,
      unsigned int from)
{
	for (unsigned int i = from; i < n; i++)
		if (filter_match_one(m[i], k))
			return (uint16_t)i;
	return FILTER_RULES_NONE;
}

static struct filter_match *
make(const struct filter_match **at, unsigned int n)
{
	struct filter_match *m = calloc(n, sizeof(*m));

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	for (unsigned int i = 0; i < n; i++) {
		rule(&m[i]);
		at[i] = &m[i];
	}
	return m;
}

/* All answers, from any rule on, are those of a walk through all rules. */
static void
the_matcher_agrees_with_a_walk(void)
{
	static const unsigned int sizes[] = { 1, 2, 63, 64, 65, 300, RULES, 2500 };
	static const struct filter_match *at[2500];
	unsigned int hits = 0, asked = 0;

	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		const unsigned int n = sizes[s];
		struct filter_match *m = make(at, n);
		struct filter_rules *r = filter_rules_build(at, n);

		CU_ASSERT_PTR_NOT_NULL_FATAL(r);
		for (unsigned int i = 0; i < 3000; i++) {
			struct filter_key k;
			uint8_t ends[2][16];
			unsigned int from = any(2) == 0 ? 0 : any(n + 1);
			uint16_t want;

			key(&k, ends);
			want = naive(at, n, &k, from);
			CU_ASSERT_EQUAL(filter_rules_match(r, &k, from), want);
			hits += want != FILTER_RULES_NONE;
			asked++;
		}
		filter_rules_free(r);
		free(m);
	}
	/* Neither a test of nothing nor of everything. */
	CU_ASSERT_TRUE(hits > asked / 20 && hits < asked);
}

static struct burst b;
static struct wire wires[16];

static void
lay(void (*frame)(struct wire *w), unsigned int tags)
{
	struct wire *w = &wires[b.count];
	const unsigned int i = b.count++;

	wire_ether(w);
	for (unsigned int t = 0; t < tags; t++)
		wire_tag(w, 0x8100, 7 + t);
	frame(w);
	wire_seal(w);
	b.bytes[i] = w->bytes;
	b.bytes_len[i] = (uint16_t)w->len;
	b.frame_len[i] = (uint16_t)w->len;
	b.live |= lane_bit(i);
}

static void
marked4(struct wire *w)
{
	udp4(w);
	w->bytes[w->ip + 1] = 46 << 2 | 1;
	w->bytes[w->ip + 6] = 0x40;
}

static void
marked6(struct wire *w)
{
	udp6(w);
	w->bytes[w->ip] = 0x60 | 46 >> 2;
	w->bytes[w->ip + 1] = (uint8_t)((46 & 3) << 6 | 0xb);
	w->bytes[w->ip + 2] = 0xad;
	w->bytes[w->ip + 3] = 0x01;
}

/* What each kind of packet answers, tags or not. */
static void
keys_are_what_the_packet_says(void)
{
	static const struct {
		void (*frame)(struct wire *);
		uint16_t proto, type, code, flags, dscp, fragment;
		uint32_t src, dst, length, label;
	} said[] = {
		{ udp4, 17, 256, 256, 256, 0, 0, 4660, 443, 33, FILTER_NO_WIDE },
		{ udp4_padded, 17, 256, 256, 256, 0, 0, 4660, 443, 33, FILTER_NO_WIDE },
		{ syn4, 6, 256, 256, TCP_SYN, 0, FILTER_DONT, 4660, 443, 44,
		  FILTER_NO_WIDE },
		{ synack6, 6, 256, 256, TCP_SYN | TCP_ACK, 0, 0, 4660, 443, 60, 0 },
		{ unreachable4, 1, 3, 4, 256, 0, 0, FILTER_NO_WIDE, FILTER_NO_WIDE, 56,
		  FILTER_NO_WIDE },
		{ echo6, 58, 129, 0, 256, 0, 0, FILTER_NO_WIDE, FILTER_NO_WIDE, 48, 0 },
		{ marked4, 17, 256, 256, 256, 46, FILTER_DONT, 4660, 443, 33,
		  FILTER_NO_WIDE },
		{ marked6, 17, 256, 256, 256, 46, 0, 4660, 443, 148, 0xbad01 },
		{ first4, 17, 256, 256, 256, 0, FILTER_FIRST, 4660, 443, 1500,
		  FILTER_NO_WIDE },
		{ rest4, 6, 256, 256, 256, 0, FILTER_IS, FILTER_NO_WIDE, FILTER_NO_WIDE,
		  84, FILTER_NO_WIDE },
		{ last4, 17, 256, 256, 256, 0, FILTER_IS | FILTER_LAST, FILTER_NO_WIDE,
		  FILTER_NO_WIDE, 81, FILTER_NO_WIDE },
		{ first6, 17, 256, 256, 256, 0, FILTER_FIRST, 4660, 443, 128, 0 },
		{ rest6, 6, 256, 256, 256, 0, FILTER_IS, FILTER_NO_WIDE, FILTER_NO_WIDE,
		  80, 0 },
		{ gre4, 47, 256, 256, 256, 0, 0, FILTER_NO_WIDE, FILTER_NO_WIDE, 24,
		  FILTER_NO_WIDE },
	};
	const unsigned int n = sizeof(said) / sizeof(*said);

	for (unsigned int tags = 0; tags < 3; tags++) {
		burst_start(&b, 1, 0, SIDE_EXTERNAL);
		for (unsigned int i = 0; i < n; i++)
			lay(said[i].frame, tags);
		parse_burst(&b);
		for (unsigned int i = 0; i < n; i++) {
			struct filter_key k;

			filter_key_of(&b, i, true, &k);
			CU_ASSERT_EQUAL(k.small[FILTER_PROTOCOL], said[i].proto);
			CU_ASSERT_EQUAL(k.small[FILTER_ICMP_TYPE], said[i].type);
			CU_ASSERT_EQUAL(k.small[FILTER_ICMP_CODE], said[i].code);
			CU_ASSERT_EQUAL(k.small[FILTER_TCP_FLAGS], said[i].flags);
			CU_ASSERT_EQUAL(k.small[FILTER_DSCP], said[i].dscp);
			CU_ASSERT_EQUAL(k.small[FILTER_FRAGMENT], said[i].fragment);
			CU_ASSERT_EQUAL(k.wide[FILTER_SRC_PORT], said[i].src);
			CU_ASSERT_EQUAL(k.wide[FILTER_DST_PORT], said[i].dst);
			CU_ASSERT_EQUAL(k.wide[FILTER_LENGTH], said[i].length);
			CU_ASSERT_EQUAL(k.wide[FILTER_LABEL], said[i].label);
		}
	}
}

static void
lanes_are_found_one_after_the_other(void)
{
	struct filter_match m[3] = { 0 };
	const struct filter_match *at[3] = { &m[0], &m[1], &m[2] };
	struct filter_rules *r;
	uint16_t first[LANES_MAX];

	burst_start(&b, 1, 0, SIDE_EXTERNAL);
	lay(udp4, 0);
	lay(udp6, 1);
	lay(arp, 0);
	lay(syn4, 2);
	parse_burst(&b);
	m[0].has_wide[FILTER_LENGTH] = true;
	m[0].wide[FILTER_LENGTH].count = 1;
	m[0].wide[FILTER_LENGTH].range[0] = (struct filter_range){ 100, 200 };
	m[1].has_small[FILTER_PROTOCOL] = true;
	m[1].small[FILTER_PROTOCOL][0] = UINT64_C(1) << PROTO_UDP;
	m[2].has_wide[FILTER_PORT] = true;
	m[2].wide[FILTER_PORT].count = 1;
	m[2].wide[FILTER_PORT].range[0] = (struct filter_range){ 4660, 4660 };
	r = filter_rules_build(at, 3);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(filter_rules_find(r, &b, 0xf, first), 0xb);
	CU_ASSERT_EQUAL(first[0], 1);
	CU_ASSERT_EQUAL(first[1], 0);
	CU_ASSERT_EQUAL(first[3], 2);
	CU_ASSERT_EQUAL(filter_rules_next(r, &b, 1, 1), 1);
	CU_ASSERT_EQUAL(filter_rules_next(r, &b, 1, 2), 2);
	CU_ASSERT_EQUAL(filter_rules_next(r, &b, 1, 3), FILTER_RULES_NONE);
	CU_ASSERT_EQUAL(filter_rules_find(r, &b, 0x8, first), 0x8);
	filter_rules_free(r);
}

SUITE_MAIN("filter/rules", TEST(the_matcher_agrees_with_a_walk),
           TEST(keys_are_what_the_packet_says), TEST(lanes_are_found_one_after_the_other))
