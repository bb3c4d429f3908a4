/* SPDX-License-Identifier: BSD-3-Clause */
/* Flows of lanes under attack: what the filter leaves out is no flow, at any moment of its round. */
#include "flow/flow.h"

#include <string.h>

#include "packet/vector.h"
#include "suite.h"

#define SECOND  UINT64_C(1000000000)
#define ENTRIES (1u << 18)
/* A round: words to clear, buckets, and the change of places; nobody is in a hurry. */
#define ROUND (RECORDED_LEAST / 64 / 512 + ENTRIES / 8 + 1)

static struct flow_table t;
static struct burst b;

static void
open_table(void)
{
	static const struct hash_key key = { .round[0] = { 1, 2, 3 } };

	CU_ASSERT_EQUAL_FATAL(flow_table_open(&t, ENTRIES, &key), 0);
}

/* 64 datagrams between one host inside and 64 outside, from `first` on. */
static void
datagrams(enum side side, uint32_t first, bool is_ipv6, uint64_t now_ns)
{
	memset(&b, 0, sizeof(b));
	burst_start(&b, now_ns, 0, side);
	b.count = 64;
	b.live = UINT64_MAX;
	for (uint32_t i = 0; i < 64; i++) {
		struct facts *f = &b.facts[i];
		uint8_t *outside = side == SIDE_EXTERNAL ? f->src : f->dst;
		uint8_t *inside = side == SIDE_EXTERNAL ? f->dst : f->src;
		const uint32_t n = first + i;

		memcpy(outside + (is_ipv6 ? 0 : 12), &n, sizeof(n));
		inside[15] = 1;
		if (!is_ipv6)
			outside[10] = outside[11] = inside[10] = inside[11] = 0xff;
		f->flags = (uint16_t)(FACT_IP | (is_ipv6 ? FACT_IPV6 : 0));
		f->proto = PROTO_UDP;
		f->src_port = f->dst_port = 53;
		f->vector = VECTOR_UDP_FLOOD;
	}
	burst_describe(&b);
}

/* The lanes of packets from outside that have a flow, when all are under attack. */
static uint64_t
found_in_attack(uint32_t first, bool is_ipv6, uint64_t now_ns)
{
	datagrams(SIDE_EXTERNAL, first, is_ipv6, now_ns);
	b.armed = UINT64_MAX;
	return flow_find_burst(&t, &b, b.live);
}

static void
no_flow_is_missed_under_attack(void)
{
	for (unsigned int family = 0; family < 2; family++) {
		open_table();
		for (uint32_t k = 0; k < 8; k++) {
			const uint32_t first = 0x05000000 + k * 64;

			CU_ASSERT_EQUAL(found_in_attack(first, family == 1, SECOND), 0);
			datagrams(SIDE_INTERNAL, first, family == 1, SECOND);
			CU_ASSERT_EQUAL_FATAL(flow_find_burst(&t, &b, b.live),
			                      UINT64_MAX);
			for (uint32_t old = 0; old <= k; old++)
				CU_ASSERT_EQUAL(found_in_attack(0x05000000 + old * 64,
				                                family == 1, SECOND),
				                UINT64_MAX);
			for (unsigned int n = 0; n < ROUND / 3; n++)
				flow_sweep(&t, 2, SECOND);
		}
		flow_table_close(&t);
	}
}

/* In calm nobody asks the filter, and the same is found. */
static void
an_attack_changes_nothing_of_what_is_found(void)
{
	open_table();
	datagrams(SIDE_INTERNAL, 7, false, SECOND);
	flow_find_burst(&t, &b, b.live);
	for (uint32_t first = 0; first < 128; first++) {
		uint64_t calm;
		uint32_t slot[64];

		datagrams(SIDE_EXTERNAL, first, false, SECOND);
		calm = flow_find_burst(&t, &b, b.live);
		memcpy(slot, b.flow, sizeof(slot));
		CU_ASSERT_EQUAL(found_in_attack(first, false, SECOND), calm);
		CU_ASSERT_EQUAL(memcmp(slot, b.flow, sizeof(slot)), 0);
	}
	flow_table_close(&t);
}

/* What has expired costs a look-up until the round has come by twice, and then a bit. */
static void
the_filter_forgets_in_time(void)
{
	const uint64_t late = SECOND + 2 * FLOW_IDLE_NEW_NS;
	unsigned int bits = 0;

	open_table();
	datagrams(SIDE_INTERNAL, 7, false, SECOND);
	flow_find_burst(&t, &b, b.live);
	for (unsigned int n = 0; n < 3 * ROUND; n++)
		flow_sweep(&t, 2, late);
	for (uint32_t word = 0; word < t.recorded.bits / 64; word++)
		bits += (unsigned int)__builtin_popcountll(t.recorded.now[word]);
	CU_ASSERT_EQUAL(bits, 0);
	CU_ASSERT_EQUAL(found_in_attack(7, false, late), 0);
	flow_table_close(&t);
}

SUITE_MAIN("find", TEST(no_flow_is_missed_under_attack),
           TEST(an_attack_changes_nothing_of_what_is_found),
           TEST(the_filter_forgets_in_time))
