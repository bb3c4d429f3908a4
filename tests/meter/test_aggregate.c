/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters of addresses and networks against a twin, and networks against watch_arrive(). */
#include "meter/aggregate.h"

#include <stdlib.h>
#include <string.h>

#include "suite.h"

#define ADDRESSES 65536u /* 10.0.0.0/16 in 256 networks */
#define NETWORKS  256u
#define MS        UINT64_C(1000000)

static struct aggregates a;
static struct aggregate_place place[2];
static struct aggregate_network network[NETWORKS + 1];
static struct aggregate_plan plan = {
	.addresses = ADDRESSES + 1,
	.networks = NETWORKS + 1,
	.place = place,
	.network = network,
};
static struct watch_rule rule[VECTOR_COUNT];
static struct watch twin; /* one packet at a time */
static struct aggregate_count exact[ADDRESSES][VECTOR_COUNT];
static struct burst b;
static uint32_t in_network[LANES_MAX]; /* that each lane of b belongs to */
static uint64_t dice_state;

/* Where packets go: mostly to a few, to all alike, or many in a row to one. */
enum traffic { SKEWED, EVEN, RUNS };

static uint64_t
dice(uint64_t sides)
{
	dice_state = dice_state * UINT64_C(6364136223846793005) + 1;
	return (dice_state >> 33) % sides;
}

static void
open_all(uint64_t seed, uint64_t pps)
{
	dice_state = seed;
	memset(exact, 0, sizeof(exact));
	place[1] = (struct aggregate_place){ .first = UINT64_C(0xffff0a000000),
		                             .address = 1,
		                             .address_mask = ADDRESSES - 1,
		                             .network = 1,
		                             .network_mask = NETWORKS - 1,
		                             .half = 8,
		                             .shift = 8 };
	for (int v = 0; v < VECTOR_COUNT; v++) {
		rule[v].activate = (struct meter_limit){ pps, METER_PACKETS };
		CU_ASSERT_EQUAL_FATAL(meter_rate_init(&rule[v].activate_rate,
		                                      &rule[v].activate, 100 * MS, 16),
		                      0);
	}
	for (unsigned int n = 0; n <= NETWORKS; n++)
		network[n].rule = pps != 0 && n % 3 != 0 ? rule : NULL;
	CU_ASSERT_EQUAL_FATAL(aggregate_open(&a, ADDRESSES, NETWORKS), 0);
	CU_ASSERT_EQUAL_FATAL(watch_open(&twin, NETWORKS + 1), 0);
}

static void
close_all(void)
{
	aggregate_close(&a);
	watch_close(&twin);
}

/* Skewed: half of what is left goes to the first half of the addresses, again and again. */
static uint32_t
skewed(void)
{
	uint32_t below = ADDRESSES;

	while (below > 1 && dice(4) != 0)
		below /= 2;
	return (uint32_t)dice(below);
}

/* As of classification: what an address is to its service, it is in every packet. */
static bool
is_nobodys(uint32_t n)
{
	return n % 53 == 52;
}

static void
fill(uint64_t now_ns, unsigned int count, enum traffic traffic)
{
	uint32_t n = (uint32_t)dice(ADDRESSES);

	burst_start(&b, now_ns, 0, SIDE_EXTERNAL);
	for (unsigned int i = 0; i < count; i++) {
		const bool is_ip = dice(100) != 0, is_live = dice(50) != 0;

		if (traffic == SKEWED || (traffic == RUNS && dice(16) == 0))
			n = skewed();
		else if (traffic == EVEN)
			n = (uint32_t)dice(ADDRESSES);
		const uint32_t wire = __builtin_bswap32(0x0a000000u | n);
		struct facts *f = &b.facts[i];

		*f = (struct facts){ .dst = { [10] = 0xff, [11] = 0xff },
			             .flags = is_ip ? FACT_IP : 0,
			             .vector = (uint8_t)dice(VECTOR_COUNT),
			             .frame_len = (uint16_t)(60 + dice(1400)) };
		memcpy(f->dst + 12, &wire, sizeof(wire));
		b.target[i] = is_ip && !is_nobodys(n);
		in_network[i] = b.target[i] != 0 ? 1 + n / (ADDRESSES / NETWORKS) : 0;
		b.live |= is_live ? lane_bit(i) : 0;
		if (b.target[i] != 0 && is_live) {
			exact[n][f->vector].packets++;
			exact[n][f->vector].bytes += f->frame_len;
		}
		b.count++;
	}
	burst_describe(&b);
	for (unsigned int v = 0; v < VECTOR_COUNT; v++) {
		struct burst_group *g = &b.group[b.groups++];

		*g = (struct burst_group){ .slot = (uint8_t)v };
		for (unsigned int i = 0; i < count; i++)
			g->lanes |= b.facts[i].vector == v ? lane_bit(i) : 0;
	}
}

/* What a network's cell must be after this burst, packet by packet. Returns who is armed. */
static uint64_t
arrive_twin(void)
{
	static const struct watch_rule none;
	uint64_t armed = 0;
	unsigned int i;

	for (unsigned int k = 0; k < b.groups; k++)
		LANES_FOREACH (i, b.group[k].lanes & b.live) {
			const unsigned int n = in_network[i];

			CU_ASSERT_EQUAL_FATAL(a.lane_network[i], n);
			armed |= watch_arrive(
				watch_cell(&twin, n, b.group[k].slot),
				network[n].rule != NULL ? &rule[b.group[k].slot] : &none,
				lane_bit(i), b.frame_len, b.now_ns);
		}
	return armed;
}

static void
stream(uint64_t seed, enum traffic traffic, uint64_t pps)
{
	uint64_t now_ns = MS, armed = 0;

	open_all(seed, pps);
	for (unsigned int burst = 0; burst < 4000; burst++) {
		now_ns += dice(50000);
		fill(now_ns, 1 + (unsigned int)dice(64), traffic);
		aggregate_arrive(&a, &plan, &b);
		CU_ASSERT_EQUAL_FATAL(a.armed, arrive_twin());
		armed |= a.armed;
	}
	CU_ASSERT_EQUAL(armed != 0, traffic != EVEN && pps != 0);
	for (uint32_t n = 0; n < ADDRESSES; n++)
		CU_ASSERT_FATAL(
			memcmp(a.address[n + 1].vector, exact[n], sizeof(exact[n])) == 0);
	for (unsigned int n = 0; n <= NETWORKS; n++)
		for (unsigned int v = 0; v < VECTOR_COUNT; v++) {
			const struct watch_cell *x = watch_cell(&a.network, n, v);
			const struct watch_cell *y = watch_cell(&twin, n, v);

			CU_ASSERT_FATAL(memcmp(x, y, sizeof(*x)) == 0);
		}
	close_all();
}

static void
counters_are_exact_whoever_is_hit(void)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		stream(seed, SKEWED, 0);
		stream(seed, EVEN, 0);
		stream(seed, RUNS, 0);
	}
}

static void
networks_arm_as_one_packet_after_the_other_would(void)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		stream(seed, SKEWED, 3000);
		stream(seed, EVEN, 100000);
		stream(seed, RUNS, 3000);
	}
}

static void
what_comes_from_inside_is_not_counted(void)
{
	open_all(1, 1000);
	fill(MS, 64, SKEWED);
	b.side = SIDE_INTERNAL;
	a.armed = 1; /* as an earlier burst may have left it */
	aggregate_arrive(&a, &plan, &b);
	CU_ASSERT_EQUAL(a.armed, 0);
	for (uint32_t n = 0; n <= ADDRESSES; n++)
		for (unsigned int v = 0; v < VECTOR_COUNT; v++)
			CU_ASSERT_EQUAL_FATAL(a.address[n].vector[v].packets, 0);
	close_all();
}

static void
memory_is_told_before_it_is_taken(void)
{
	CU_ASSERT_EQUAL(aggregate_memory(65536, 1024),
	                65537 * 128 + 1025 * VECTOR_SLOTS * 192);
	CU_ASSERT_EQUAL(aggregate_memory(0, 0), 128 + VECTOR_SLOTS * 192);
}

SUITE_MAIN("aggregate", TEST(counters_are_exact_whoever_is_hit),
           TEST(networks_arm_as_one_packet_after_the_other_would),
           TEST(what_comes_from_inside_is_not_counted),
           TEST(memory_is_told_before_it_is_taken))
