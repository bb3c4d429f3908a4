/* SPDX-License-Identifier: BSD-3-Clause */
/* What strangers were dropped for: noted at once when few, in turns when many. */
#include "flow/drops.h"

#include <string.h>

#include "suite.h"

static struct burst burst;

static void
open_drops(struct drops *d)
{
	struct hash_key key;

	hash_key_seeded(&key, 5);
	CU_ASSERT_EQUAL_FATAL(drops_open(d, &key), 0);
}

/* Source number n of 198.18.0.0/16, and of 2001:db8::/64. */
static void
source(uint8_t to[16], unsigned int n, bool is_ipv6)
{
	memset(to, 0, 16);
	if (is_ipv6) {
		memcpy(to, "\x20\x01\x0d\xb8", 4);
	} else {
		memcpy(to + 10, "\xff\xff\xc6\x12", 4);
	}
	to[14] = (uint8_t)(n >> 8);
	to[15] = (uint8_t)n;
}

static void
fill(unsigned int count, unsigned int first, uint64_t now_ns)
{
	burst_start(&burst, now_ns, 0, SIDE_EXTERNAL);
	burst.count = (uint16_t)count;
	for (unsigned int i = 0; i < count; i++) {
		source(burst.facts[i].src, first + i, i % 2 != 0);
		burst.service[i] = (uint16_t)(40 + i);
	}
}

static void
few_are_noted_all_with_reason_and_time(void)
{
	struct drops d;

	open_drops(&d);
	fill(8, 0, UINT64_C(77) << 20);
	drops_add(&d, &burst, lanes_first(8), "shape.udp_flood");
	for (unsigned int i = 0; i < 8; i++) {
		const struct drop_note *n = drops_find(&d, burst.facts[i].src);

		CU_ASSERT_PTR_NOT_NULL_FATAL(n);
		CU_ASSERT_STRING_EQUAL(n->reason, "shape.udp_flood");
		CU_ASSERT_EQUAL(n->at, 77);
		CU_ASSERT_EQUAL(n->service, 40 + i);
	}
	fill(1, 3000, 78);
	CU_ASSERT_PTR_NULL(drops_find(&d, burst.facts[0].src));
	drops_close(&d);
}

/* Sixty-four sources that are dropped in every burst: eight bursts tell of them all. */
static void
of_many_each_has_its_turn(void)
{
	struct drops d;
	unsigned int found = 0;

	open_drops(&d);
	fill(64, 0, 5);
	drops_add(&d, &burst, lanes_first(64), "sanity.land");
	for (unsigned int i = 0; i < 64; i++)
		found += drops_find(&d, burst.facts[i].src) != NULL;
	CU_ASSERT(found >= 7 && found <= 8);
	for (unsigned int turn = 1; turn < 8; turn++)
		drops_add(&d, &burst, lanes_first(64), "sanity.land");
	for (unsigned int i = found = 0; i < 64; i++)
		found += drops_find(&d, burst.facts[i].src) != NULL;
	CU_ASSERT(found >= 60);
	drops_close(&d);
}

static void
the_newest_note_of_a_place_stands(void)
{
	struct drops d;

	open_drops(&d);
	fill(1, 9, 10);
	drops_add(&d, &burst, 1, "shape.udp_flood");
	burst.now_ns = UINT64_C(20) << 20;
	drops_add(&d, &burst, 1, "shape.tcp_syn_flood");
	CU_ASSERT_STRING_EQUAL(drops_find(&d, burst.facts[0].src)->reason,
	                       "shape.tcp_syn_flood");
	CU_ASSERT_EQUAL(drops_find(&d, burst.facts[0].src)->at, 20);
	drops_close(&d);
}

SUITE_MAIN("flow/drops", TEST(few_are_noted_all_with_reason_and_time),
           TEST(of_many_each_has_its_turn), TEST(the_newest_note_of_a_place_stands))
