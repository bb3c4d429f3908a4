/* SPDX-License-Identifier: BSD-3-Clause */
/* Strangers in shared cells: who gets a record, and whom a flood cannot hurt. */
#include "wire.h"

#define IN SIDE_EXTERNAL

static struct wire w;

static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t
records(void)
{
	return w.source_table.table.used[TABLE_UNEARNED] +
	       w.source_table.table.used[TABLE_EARNED];
}

/*
 * Ten million packets a second, each from a forged source, for a while; one honest
 * stranger among them sends `pps`. Returns how many of its packets were refused.
 */
static uint64_t
refused_in_a_flood(uint64_t forged, uint64_t pps)
{
	const uint32_t honest = 0x01020304;
	uint64_t refused = 0, sent = 0, seed = 5;
	const uint64_t start = w.now_ns;
	static struct facts f[64];

	for (uint64_t n = 0; n < forged; n += 63) {
		uint64_t mine;

		w.now_ns += 6300;
		for (unsigned int i = 0; i < 64; i++)
			f[i] = wire_packet(&w, IN, PROTO_UDP,
			                   (uint32_t)next_random(&seed) | 0x80000000,
			                   (uint16_t)i);
		mine = (w.now_ns - start) * pps / RIG_SECOND > sent ? 1 : 0;
		if (mine != 0)
			f[7] = wire_packet(&w, IN, PROTO_UDP, honest, 9);
		refused += mine & (~wire_send(&w, IN, f, 64) >> 7);
		sent += mine;
	}
	CU_ASSERT(sent + 1 >= forged / 63 * 6300 * pps / RIG_SECOND);
	CU_ASSERT(sent > 0);
	return refused;
}

/* The default limit, millions of forged sources: half of the limit passes to the packet. */
static void
a_flood_of_forged_sources_costs_an_honest_stranger_nothing(void)
{
	wire_open(&w, (struct wire_conf){ 0 });
	CU_ASSERT_EQUAL(refused_in_a_flood(suite_is_soak() ? 10000000 : 4000000, 5000),
	                0);
	CU_ASSERT_EQUAL(w.dropped, 0);
	CU_ASSERT(records() <= 10);
	wire_close(&w);
}

/* So small a limit that the flood fills the cells: records are made, and nobody is wronged. */
static void
full_cells_refuse_nobody(void)
{
	wire_open(&w, (struct wire_conf){ .sources = "packets = \"100pps\";" });
	CU_ASSERT_EQUAL(refused_in_a_flood(6000000, 50), 0);
	CU_ASSERT(records() > 1000);
	wire_close(&w);
}

/* The record of a stranger starts from the half that brought it here, not from nothing. */
static void
a_stranger_over_its_limit_gets_a_record_and_no_second_burst(void)
{
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct facts f;

		wire_open(&w, (struct wire_conf){ 0 });
		w.is_ipv6 = ipv6;
		f = wire_packet(&w, IN, PROTO_UDP, 7, 5);
		for (unsigned int i = 0; i < 900; i++)
			wire_send(&w, IN, &f, 1);
		CU_ASSERT_EQUAL(records(), 0);
		for (unsigned int i = 0; i < 9000; i++)
			wire_send(&w, IN, &f, 1);
		CU_ASSERT_EQUAL(records(), 1);
		CU_ASSERT_EQUAL(w.passed, 2000);
		CU_ASSERT_STRING_EQUAL(w.reason[0], "packets");
		wire_close(&w);
	}
}

/* Strangers of two policies take turns in one burst; each is held to its own limit. */
static void
each_stranger_pays_the_price_of_its_policy(void)
{
	unsigned int passed[2] = { 0, 0 };
	struct rig other = { .env = { .flows = &w.flow_table,
		                      .sources = &w.source_table } };

	wire_open(&w, (struct wire_conf){ 0 });
	rig_open(&other, &stage_sources, "packets = \"100pps\";");
	w.sources.view.params[RIG_POLICY + 1] = other.view.params[RIG_POLICY];
	w.flows.view.params[RIG_POLICY + 1] = w.flows.view.params[RIG_POLICY];
	for (unsigned int n = 0; n < 10; n++) {
		burst_start(&w.b, w.now_ns, 0, IN);
		w.b.count = 64;
		w.b.live = UINT64_MAX;
		for (unsigned int i = 0; i < 64; i++) {
			w.b.facts[i] = wire_packet(&w, IN, PROTO_UDP, 7 + i % 2, 5);
			w.b.service[i] = RIG_SERVICE;
			w.b.policy[i] = (uint16_t)(RIG_POLICY + i % 2);
		}
		burst_describe(&w.b);
		wire_stage(&w, &w.flows);
		wire_stage(&w, &w.sources);
		for (unsigned int i = 0; i < 64; i++)
			passed[i % 2] += (w.b.live >> i & 1) != 0;
	}
	CU_ASSERT_EQUAL(passed[0], 320);
	CU_ASSERT_EQUAL(passed[1], 64);
	rig_close(&other);
	wire_close(&w);
}

/* A SYN flood of forged sources writes no record of flow or source. */
static void
a_syn_flood_makes_no_record(void)
{
	static struct facts f[64];

	wire_open(&w, (struct wire_conf){ 0 });
	for (uint32_t n = 0; n < 1000000; n += 64) {
		for (uint32_t i = 0; i < 64; i++)
			f[i] = wire_segment(&w, IN, n + i, 99,
			                    (struct wire_tcp){ TCP_SYN, n, 0, 0 });
		w.now_ns += 64 * 1000;
		CU_ASSERT_EQUAL_FATAL(wire_send(&w, IN, f, 64), UINT64_MAX);
	}
	CU_ASSERT_EQUAL(records(), 0);
	CU_ASSERT_EQUAL(w.flow_table.table.used[TABLE_UNEARNED], 0);
	wire_close(&w);
}

SUITE_MAIN("sources_crowd",
           TEST(a_flood_of_forged_sources_costs_an_honest_stranger_nothing),
           TEST(full_cells_refuse_nobody),
           TEST(a_stranger_over_its_limit_gets_a_record_and_no_second_burst),
           TEST(each_stranger_pays_the_price_of_its_policy),
           TEST(a_syn_flood_makes_no_record))
