/* SPDX-License-Identifier: BSD-3-Clause */
/* The ceiling: never passed, shared by standing, and not felt by proven customers. */
#include "meter/aggregate.h"
#include "wire.h"

#define IN  SIDE_EXTERNAL
#define OUT SIDE_INTERNAL

#define UNLIMITED "packets = \"off\"; bits = \"off\"; new_connections = \"off\";"

static struct wire w;

/* A wire whose only limit is that of one vector. */
static void
open_wire(enum vector vector, uint64_t per_second, enum meter_unit unit)
{
	memset(w.shape.rule, 0, sizeof(w.shape.rule));
	wire_limit(&w, vector, (struct meter_limit){ per_second, unit });
	wire_open(&w, (struct wire_conf){ .sources = UNLIMITED });
}

/* A packet of that vector from visitor n. */
static struct facts
packet_of(enum vector vector, uint32_t n)
{
	struct facts f;

	switch (vector) {
	case VECTOR_TCP_SYN_FLOOD:
		return wire_segment(&w, IN, n, 5, (struct wire_tcp){ TCP_SYN, 1, 0, 0 });
	case VECTOR_TCP_OTHER_FLOOD:
		return wire_segment(&w, IN, n, 5, (struct wire_tcp){ TCP_ACK, 1, 2, 0 });
	case VECTOR_UDP_FLOOD:
		return wire_packet(&w, IN, PROTO_UDP, n, 5);
	case VECTOR_ICMP_FLOOD:
		return wire_packet(&w, IN, w.is_ipv6 ? PROTO_ICMPV6 : PROTO_ICMP, n, 5);
	case VECTOR_FRAGMENT_FLOOD:
		f = wire_packet(&w, IN, PROTO_UDP, n, 5);
		f.flags |= FACT_FRAGMENT | FACT_FRAG_REST | FACT_NO_PORTS;
		f.vector = VECTOR_FRAGMENT_FLOOD;
		return f;
	default:
		return wire_packet(&w, IN, PROTO_GRE, n, 0);
	}
}

/*
 * Ten seconds of a flood at 4 times max_rate. What passes is max_rate and the
 * burst, to a thousandth; before the cell arms, 100 ms of burst pass as well.
 */
static void
the_ceiling_holds_to_a_thousandth_for_every_vector(void)
{
	for (int v = 0; v < 2 * VECTOR_COUNT; v++) {
		const enum vector vector = (enum vector)(v / 2);
		const uint64_t rate = 5000;
		uint64_t armed_at;
		uint32_t n = 0;

		open_wire(vector, rate, METER_PACKETS);
		w.is_ipv6 = v % 2;
		while (w.dropped == 0) {
			struct facts f = packet_of(vector, n++);

			w.now_ns += RIG_SECOND / (4 * rate);
			wire_send(&w, IN, &f, 1);
		}
		CU_ASSERT_STRING_EQUAL(w.reason[0], vector_info[vector].name);
		CU_ASSERT(w.passed < rate / 10 * 4 / 3 + rate / 100 + 10);

		w.passed = 0;
		armed_at = w.now_ns;
		while (w.now_ns - armed_at < 10 * RIG_SECOND) {
			struct facts f = packet_of(vector, n++);

			w.now_ns += RIG_SECOND / (4 * rate);
			wire_send(&w, IN, &f, 1);
		}
		CU_ASSERT_DOUBLE_EQUAL((double)w.passed, (double)(10 * rate),
		                       0.001 * (double)(10 * rate));
		wire_close(&w);
	}
}

static void
the_ceiling_holds_for_bits(void)
{
	static const uint16_t sizes[] = { 60, 1514, 400, 900 };
	uint64_t bits = 0;
	uint32_t n = 0;

	open_wire(VECTOR_UDP_FLOOD, 50000000, METER_BITS);
	while (w.dropped == 0 || w.now_ns < 2 * RIG_SECOND) {
		struct facts f = packet_of(VECTOR_UDP_FLOOD, n++);

		f.frame_len = sizes[n % 4];
		w.now_ns += 10000;
		wire_send(&w, IN, &f, 1);
	}
	while (w.now_ns < 12 * RIG_SECOND) {
		struct facts f = packet_of(VECTOR_UDP_FLOOD, n++);

		f.frame_len = sizes[n % 4];
		w.now_ns += 10000;
		bits += wire_send(&w, IN, &f, 1) != 0 ? 8u * f.frame_len : 0;
	}
	CU_ASSERT_DOUBLE_EQUAL((double)bits, 500000000.0, 500000.0);
	wire_close(&w);
}

/* Below the threshold, and with no threshold at all, nobody is touched. */
static void
in_quiet_time_nothing_is_touched(void)
{
	open_wire(VECTOR_UDP_FLOOD, 1000, METER_PACKETS);
	for (uint32_t n = 0; n < 20000; n++) {
		struct facts f = packet_of(VECTOR_UDP_FLOOD, n);

		w.now_ns += RIG_MS;
		wire_send(&w, IN, &f, 1);
		for (unsigned int k = 0; k < 5; k++) {
			f = packet_of(VECTOR_TCP_SYN_FLOOD, n);
			wire_send(&w, IN, &f, 1);
		}
	}
	CU_ASSERT_EQUAL(w.dropped, 0);
	wire_close(&w);
}

/* Armed without a max_rate: the attack is counted, and nothing is limited. */
static void
without_max_rate_nothing_is_limited(void)
{
	open_wire(VECTOR_UDP_FLOOD, 1000, METER_PACKETS);
	w.shape.rule[VECTOR_UDP_FLOOD].max.per_second = 0;
	for (uint32_t n = 0; n < 10000; n++) {
		struct facts f = packet_of(VECTOR_UDP_FLOOD, n);

		w.now_ns += 10000;
		wire_send(&w, IN, &f, 1);
	}
	CU_ASSERT_EQUAL(w.b.armed, 1);
	CU_ASSERT_EQUAL(w.dropped, 0);
	wire_close(&w);
}

/* A flood of one vector, in one service, is nobody else's. */
static void
vectors_and_services_have_ceilings_of_their_own(void)
{
	struct facts f;

	memset(w.shape.rule, 0, sizeof(w.shape.rule));
	for (int v = 0; v < VECTOR_COUNT; v++)
		wire_limit(&w, (enum vector)v,
		           (struct meter_limit){ 1000, METER_PACKETS });
	wire_open(&w, (struct wire_conf){ .sources = UNLIMITED });
	for (uint32_t n = 0; n < 100000; n++) {
		w.now_ns += 10000;
		f = packet_of(VECTOR_UDP_FLOOD, n);
		wire_send(&w, IN, &f, 1);
		if (n % 1000 != 0)
			continue;
		for (int v = 0; v < VECTOR_COUNT; v++)
			if (v != VECTOR_UDP_FLOOD) {
				f = packet_of((enum vector)v, n);
				CU_ASSERT_EQUAL_FATAL(wire_send(&w, IN, &f, 1), 1);
			}
	}
	CU_ASSERT(w.dropped > 90000);

	/* The same packet for another service, whose cell is not armed, but judged armed: */
	f = packet_of(VECTOR_UDP_FLOOD, 1);
	wire_send(&w, IN, &f, 1);
	CU_ASSERT_EQUAL(w.b.live, 0);
	w.b.live = w.b.armed = 1;
	w.b.service[0] = RIG_SERVICE + 1;
	group_lanes(&w.b);
	stage_shape.decide(w.shape.state, &w.shape.view, &w.b, 1);
	CU_ASSERT_EQUAL(w.b.live, 1);
	wire_close(&w);
}

static uint64_t
lanes_of(const struct burst *b, int standing)
{
	uint64_t lanes = 0;

	for (unsigned int i = 0; i < b->count; i++)
		lanes |= (uint64_t)(b->standing[i] == standing) << i;
	return lanes;
}

/*
 * Demand of every standing at once, each alone above the ceiling: verified
 * flows pass whole, then conversations fill it, and what they leave goes down
 * in order. The sum of all but verified flows stays the ceiling.
 */
static void
better_standing_finds_room_first(void)
{
	static const struct {
		double share[STANDING_VERIFIED_FLOW]; /* demand, as part of the ceiling */
		double expected[STANDING_VERIFIED_FLOW];
	} cases[] = {
		{ { 2, 2, 1.5 }, { 0, 0, 1 } },
		{ { 2, 2, 0.4 }, { 0, 0.6, 0.4 } },
		{ { 2, 0.3, 0.4 }, { 0.3, 0.3, 0.4 } },
		{ { 2, 0.2, 0 }, { 0.8, 0.2, 0 } },
		{ { 2, 0, 0 }, { 1, 0, 0 } },
	};
	const uint64_t rate = 10000, step_ns = 1000000;

	for (size_t k = 0; k < 2 * sizeof(cases) / sizeof(*cases); k++) {
		const size_t i = k / 2;
		const bool is_apart = k % 2;
		uint64_t passed[STANDING_VERIFIED_FLOW + 1] = { 0 };
		double due[STANDING_VERIFIED_FLOW + 1] = { 0 };
		struct burst *b = &w.b;

		open_wire(VECTOR_UDP_FLOOD, rate, METER_PACKETS);
		for (unsigned int step = 0; step < 10000; step++) {
			w.now_ns += step_ns;
			burst_start(b, w.now_ns, 0, IN);
			for (int s = 0; s <= STANDING_VERIFIED_FLOW; s++)
				for (due[s] += s == STANDING_VERIFIED_FLOW
				                       ? 3
				                       : 10 * cases[i].share[s];
				     due[s] >= 1 && b->count < 64; due[s]--) {
					b->facts[b->count] =
						packet_of(VECTOR_UDP_FLOOD, step);
					b->policy[b->count] = RIG_POLICY;
					b->service[b->count] = RIG_SERVICE;
					b->verdict[b->count] = VERDICT_PASS;
					b->standing[b->count++] = (uint8_t)s;
				}
			b->live = b->armed = lanes_first(b->count);
			group_lanes(b);
			/* All at once; or, harder, the worst first and the best last. */
			for (int s = is_apart ? 0 : STANDING_VERIFIED_FLOW;
			     s <= STANDING_VERIFIED_FLOW; s++)
				stage_shape.decide(w.shape.state, &w.shape.view, b,
				                   is_apart ? lanes_of(b, s) : b->live);
			for (unsigned int lane = 0; lane < b->count; lane++)
				passed[b->standing[lane]] +=
					b->verdict[lane] == VERDICT_PASS;
		}
		CU_ASSERT_EQUAL(passed[STANDING_VERIFIED_FLOW], 30000);
		for (int s = 0; s < STANDING_VERIFIED_FLOW; s++)
			CU_ASSERT_DOUBLE_EQUAL((double)passed[s],
			                       cases[i].expected[s] * 10.0 * (double)rate,
			                       0.002 * 10.0 * (double)rate);
		CU_ASSERT(passed[0] + passed[1] + passed[2] <=
		          10 * rate + rate / 100 + 1);
		wire_close(&w);
	}
}

/* A worker that was given a quarter of the limit passes a quarter. */
static void
a_share_of_the_ceiling_is_kept(void)
{
	open_wire(VECTOR_UDP_FLOOD, 10000, METER_PACKETS);
	for (uint32_t n = 0; n < 240000; n++) {
		struct facts f = packet_of(VECTOR_UDP_FLOOD, n);

		if (n == 40000) {
			watch_cell(&w.shape.watch, RIG_SERVICE, VECTOR_UDP_FLOOD)->price =
				4 * WATCH_PRICE_ONE;
			w.passed = 0;
		}
		w.now_ns += 50000;
		wire_send(&w, IN, &f, 1);
	}
	CU_ASSERT_DOUBLE_EQUAL((double)w.passed, 25000.0, 50.0);
	wire_close(&w);
}

/*
 * A SYN flood and a UDP flood from a million random sources, all answered by
 * the server. Customers with a connection lose nothing; customers with a QUIC
 * conversation and known addresses that connect again lose next to nothing.
 */
static void
proven_customers_feel_no_flood(void)
{
	enum { CUSTOMERS = 1000, STEPS = 31250, FLOOD = 32 };
	static struct facts in[64], out[64];
	uint64_t lost = 0, talk_lost = 0, again_lost = 0, talks = 0, agains = 0;
	struct facts f;

	memset(w.shape.rule, 0, sizeof(w.shape.rule));
	wire_limit(&w, VECTOR_TCP_SYN_FLOOD, (struct meter_limit){ 5000, METER_PACKETS });
	wire_limit(&w, VECTOR_TCP_OTHER_FLOOD,
	           (struct meter_limit){ 5000, METER_PACKETS });
	wire_limit(&w, VECTOR_UDP_FLOOD, (struct meter_limit){ 20000, METER_PACKETS });
	wire_open(&w, (struct wire_conf){ .sources = UNLIMITED });
	for (unsigned int round = 0; round < 4; round++, w.now_ns += RIG_SECOND / 2)
		for (uint32_t n = 0; n < CUSTOMERS; n++) {
			w.now_ns += 100000;
			CU_ASSERT_FATAL(round > 0 || wire_connect(&w, n, 99));
			wire_one(&w, OUT, wire_packet(&w, OUT, PROTO_UDP, n, 5));
			wire_one(&w, IN, wire_packet(&w, IN, PROTO_UDP, n, 5));
		}
	CU_ASSERT_EQUAL(w.dropped, 0);

	/* 1 M packets/s of each flood for a second, one customer each 32 microseconds. */
	for (uint32_t step = 0; step < STEPS; step++) {
		const uint32_t n = step % CUSTOMERS;

		for (uint32_t i = 0; i < FLOOD; i++) {
			const uint32_t who = 0x20000000 + step * FLOOD + i;

			in[i] = packet_of(VECTOR_TCP_SYN_FLOOD, who);
			out[i] = wire_segment(
				&w, OUT, who, 5,
				(struct wire_tcp){ TCP_SYN | TCP_ACK, i, 2, 0 });
			in[FLOOD + i] = packet_of(VECTOR_UDP_FLOOD, who);
			out[FLOOD + i] = wire_packet(&w, OUT, PROTO_UDP, who, 5);
		}
		w.now_ns += 32000;
		wire_send(&w, IN, in, 64);
		wire_send(&w, OUT, out, 64);
		f = wire_data(&w, n, 99);
		lost += wire_send(&w, IN, &f, 1) == 0;
		if (step % 8 == 0) {
			f = wire_packet(&w, IN, PROTO_UDP, n, 5);
			talk_lost += wire_send(&w, IN, &f, 1) == 0;
			talks++;
		}
		if (step % 16 == 0) {
			f = packet_of(VECTOR_TCP_SYN_FLOOD, n);
			again_lost += wire_send(&w, IN, &f, 1) == 0;
			agains++;
		}
	}
	CU_ASSERT(w.dropped > 2 * 1000000 * 9 / 10);
	CU_ASSERT_EQUAL(lost, 0);
	CU_ASSERT_EQUAL(talk_lost, 0);
	CU_ASSERT(talks > 3000 && agains > 1900);
	CU_ASSERT_EQUAL(again_lost, 0);
	wire_close(&w);
}

/* What shape drops is what explain tells of a source that has a record. */
static void
the_source_remembers_why(void)
{
	open_wire(VECTOR_ICMP_FLOOD, 100, METER_PACKETS);
	CU_ASSERT(wire_connect(&w, 7, 99));
	for (uint32_t n = 0; n < 1000; n++) {
		struct facts f = packet_of(VECTOR_ICMP_FLOOD, 7);

		wire_send(&w, IN, &f, 1);
	}
	CU_ASSERT_STRING_EQUAL(source_of_lane(&w.source_table, 0)->last_reason,
	                       "shape.icmp_flood");
	wire_close(&w);
}

/* A stranger has no record, and its drop is noted all the same. */
static void
a_stranger_is_told_why_too(void)
{
	const struct drop_note *note;
	struct facts f = packet_of(VECTOR_UDP_FLOOD, 8);

	open_wire(VECTOR_UDP_FLOOD, 100, METER_PACKETS);
	for (uint32_t n = 0; n < 100; n++)
		wire_send(&w, IN, &f, 1);
	CU_ASSERT(w.dropped > 0);
	CU_ASSERT_PTR_NULL(source_of_lane(&w.source_table, 0));
	note = drops_find(&w.source_table.drops, f.src);
	CU_ASSERT_PTR_NOT_NULL_FATAL(note);
	CU_ASSERT_STRING_EQUAL(note->reason, "shape.udp_flood");
	CU_ASSERT_EQUAL(note->service, RIG_SERVICE);
	wire_close(&w);
}

/*
 * One network armed, the service not: unproven packets to it share network_rate, the
 * better first; verified flows and the network beside it pass, and so does everything
 * once the network is disarmed.
 */
static void
a_network_has_a_ceiling_of_its_own(void)
{
	static struct watch_rule rules[VECTOR_COUNT];
	static struct aggregate_network network[3] = { [1] = { .rule = rules } };
	const struct aggregate_plan plan = { .networks = 3, .network = network };
	const struct meter_limit limit = { 3200, METER_PACKETS }; /* a burst of 32 */
	static struct source_table sources;
	static struct aggregates a;
	static struct rig r;
	struct burst *b = &r.burst;

	CU_ASSERT_EQUAL_FATAL(aggregate_open(&a, 1, 2), 0);
	hash_key_seeded(&r.common.key, 3);
	CU_ASSERT_EQUAL_FATAL(source_table_open(&sources, 1024, &r.common.key), 0);
	rules[VECTOR_UDP_FLOOD].max = limit;
	CU_ASSERT_EQUAL_FATAL(meter_rate_init(&rules[VECTOR_UDP_FLOOD].max_rate, &limit,
	                                      10 * RIG_MS, 16),
	                      0);
	a.plan = &plan;
	r.env.aggregates = &a;
	r.env.sources = &sources;
	rig_open(&r, &stage_shape, "");
	for (unsigned int round = 0; round < 2; round++) {
		uint64_t unproven = 0, conversing = 0;
		unsigned int i;

		rig_packets(&r, 64);
		for (i = 0; i < 64; i++) {
			b->facts[i].vector = VECTOR_UDP_FLOOD;
			b->facts[i].frame_len = 100;
			b->standing[i] = (uint8_t)(i % 8 == 0   ? STANDING_VERIFIED_FLOW
			                           : i % 8 == 1 ? STANDING_CONVERSATION
			                                        : STANDING_UNVERIFIED);
			a.lane_network[i] = i % 4 == 3 ? 2 : 1;
		}
		burst_describe(b);
		group_lanes(b);
		a.armed = round == 0 ? lanes_where16(a.lane_network, 1) : 0;
		rig_decide(&r, b->live);
		for (i = 0; i < 64; i++) {
			const bool is_free = b->standing[i] == STANDING_VERIFIED_FLOW ||
			                     a.lane_network[i] == 2 || round == 1;

			CU_ASSERT(b->verdict[i] == VERDICT_PASS ||
			          (!is_free &&
			           strcmp(rig_reason(&r, i), "network_udp_flood") == 0));
			if (!is_free && b->standing[i] == STANDING_CONVERSATION)
				conversing += b->verdict[i] == VERDICT_PASS;
			else if (!is_free)
				unproven += b->verdict[i] == VERDICT_PASS;
		}
		/* Eight that converse, and what these leave of half the burst for the rest. */
		CU_ASSERT_EQUAL(conversing, round == 0 ? 8 : 0);
		CU_ASSERT_EQUAL(unproven, round == 0 ? 8 : 0);
	}
	rig_close(&r);
	source_table_close(&sources);
	aggregate_close(&a);
}

SUITE_MAIN("shape", TEST(the_ceiling_holds_to_a_thousandth_for_every_vector),
           TEST(the_ceiling_holds_for_bits), TEST(in_quiet_time_nothing_is_touched),
           TEST(without_max_rate_nothing_is_limited),
           TEST(vectors_and_services_have_ceilings_of_their_own),
           TEST(better_standing_finds_room_first),

           TEST(a_share_of_the_ceiling_is_kept), TEST(proven_customers_feel_no_flood),
           TEST(the_source_remembers_why), TEST(a_stranger_is_told_why_too),
           TEST(a_network_has_a_ceiling_of_its_own))
