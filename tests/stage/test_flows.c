/* SPDX-License-Identifier: BSD-3-Clause */
/* What proves a flow, what does not, and what no flood can take away. */
#include "wire.h"

#define IN          SIDE_EXTERNAL
#define OUT         SIDE_INTERNAL
#define ACK         TCP_ACK
#define used(class) (w.flow_table.table.used[class])

static struct wire w;

static void
a_handshake_is_proven_by_its_exact_third_segment(void)
{
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		wire_open(&w, (struct wire_conf){ 0 });
		w.is_ipv6 = ipv6;
		CU_ASSERT_EQUAL(
			wire_in(&w, 7, 99, (struct wire_tcp){ TCP_SYN, 1000, 0, 0 }),
			STANDING_UNVERIFIED);
		wire_out(&w, 7, 99, (struct wire_tcp){ TCP_SYN | ACK, 5000, 1001, 0 });
		CU_ASSERT_EQUAL(
			wire_in(&w, 7, 99, (struct wire_tcp){ ACK, 1001, 5000, 0 }),
			STANDING_UNVERIFIED);
		CU_ASSERT_EQUAL(
			wire_in(&w, 7, 99, (struct wire_tcp){ ACK, 1001, 5002, 0 }),
			STANDING_UNVERIFIED);
		CU_ASSERT_EQUAL(used(TABLE_EARNED), 0);
		CU_ASSERT_EQUAL(
			wire_in(&w, 7, 99, (struct wire_tcp){ ACK, 1001, 5001, 0 }),
			STANDING_VERIFIED_FLOW);
		CU_ASSERT_EQUAL(used(TABLE_EARNED), 1);
		CU_ASSERT_EQUAL(w.flow_table.proven, 1);
		/* From then on any segment of it belongs to it, in both directions. */
		CU_ASSERT_EQUAL(
			wire_in(&w, 7, 99, (struct wire_tcp){ ACK, 1001, 5001, 50 }),
			STANDING_VERIFIED_FLOW);
		CU_ASSERT_EQUAL(
			wire_out(&w, 7, 99, (struct wire_tcp){ ACK, 5001, 1051, 9 }),
			STANDING_VERIFIED_FLOW);
		CU_ASSERT_EQUAL(w.flow_table.proven, 1);
		wire_close(&w);
	}
}

/* The server answers forged SYNs too, and retransmits; the forger then pours in segments. */
static void
an_answer_alone_proves_nothing(void)
{
	wire_open(&w, (struct wire_conf){ 0 });
	wire_in(&w, 7, 99, (struct wire_tcp){ TCP_SYN, 1000, 0, 0 });
	for (unsigned int i = 0; i < 5; i++)
		wire_out(&w, 7, 99, (struct wire_tcp){ TCP_SYN | ACK, 5000, 1001, 0 });
	for (uint32_t guess = 0; guess < 5000; guess++)
		CU_ASSERT_EQUAL_FATAL(
			wire_in(&w, 7, 99, (struct wire_tcp){ ACK, 1001, guess, 10 }),
			STANDING_UNVERIFIED);
	CU_ASSERT_EQUAL(wire_in(&w, 7, 99, (struct wire_tcp){ TCP_SYN, 1000, 5001, 0 }),
	                STANDING_UNVERIFIED);
	CU_ASSERT_EQUAL(wire_in(&w, 7, 99, (struct wire_tcp){ TCP_RST, 1001, 5001, 0 }),
	                STANDING_UNVERIFIED);
	CU_ASSERT_EQUAL(used(TABLE_EARNED), 0);
	CU_ASSERT_EQUAL(source_of_lane(&w.source_table, 0)->verified_until, 0);
	wire_close(&w);
}

/* A connection older than this process: its first acknowledged data proves it. */
static void
a_running_connection_is_proven_by_acknowledged_data(void)
{
	wire_open(&w, (struct wire_conf){ 0 });
	CU_ASSERT_EQUAL(wire_in(&w, 7, 99, (struct wire_tcp){ ACK, 100, 900, 20 }),
	                STANDING_UNVERIFIED);
	wire_out(&w, 7, 99, (struct wire_tcp){ ACK, 900, 120, 1400 });
	wire_out(&w, 7, 99, (struct wire_tcp){ ACK, 2300, 120, 700 });
	wire_out(&w, 7, 99, (struct wire_tcp){ ACK, 900, 120, 1400 }); /* sent again */
	CU_ASSERT_EQUAL(wire_in(&w, 7, 99, (struct wire_tcp){ ACK, 120, 2300, 0 }),
	                STANDING_UNVERIFIED);
	CU_ASSERT_EQUAL(wire_in(&w, 7, 99, (struct wire_tcp){ ACK, 120, 3000, 0 }),
	                STANDING_VERIFIED_FLOW);
	wire_close(&w);
}

/* A connection that the shop opens is proven by the other side's SYN-ACK; numbers may wrap. */
static void
connections_from_inside_are_proven_too(void)
{
	wire_open(&w, (struct wire_conf){ 0 });
	wire_out(&w, 7, 99, (struct wire_tcp){ TCP_SYN, UINT32_MAX, 0, 0 });
	CU_ASSERT_EQUAL(wire_in(&w, 7, 99, (struct wire_tcp){ TCP_SYN | ACK, 50, 0, 0 }),
	                STANDING_VERIFIED_FLOW);
	wire_close(&w);
}

static void
neither_strangers_nor_closed_ports_make_records(void)
{
	wire_open(&w,
	          (struct wire_conf){ .sources = "packets = \"off\"; bits = \"off\";" });
	for (uint32_t n = 0; n < 1000; n++) {
		wire_in(&w, n, 99, (struct wire_tcp){ TCP_SYN, 1000, 0, 0 });
		wire_in(&w, n, 99, (struct wire_tcp){ ACK, 1000, 77, 100 });
		wire_one(&w, IN, wire_packet(&w, IN, PROTO_UDP, n, 99));
		wire_one(&w, IN, wire_packet(&w, IN, PROTO_ICMP, n, 99));
		wire_one(&w, IN, wire_packet(&w, IN, PROTO_GRE, n, 0));
		/* A closed port answers with a reset, which is no flow either. */
		wire_out(&w, n, 99, (struct wire_tcp){ TCP_RST | ACK, 0, 1001, 0 });
	}
	for (int c = TABLE_UNEARNED; c < TABLE_CLASSES; c++)
		CU_ASSERT_EQUAL(used((enum table_class)c), 0);
	wire_close(&w);
}

/* Three packets each way over a second, and not one packet or moment less. */
static void
talk_becomes_a_conversation_and_is_never_earned(void)
{
	static const uint8_t protos[] = { PROTO_UDP, PROTO_ICMP, PROTO_ICMPV6,
		                          PROTO_ESP };

	for (size_t p = 0; p < sizeof(protos); p++) {
		const uint8_t proto = protos[p];

		wire_open(&w, (struct wire_conf){ 0 });
		w.is_ipv6 = proto == PROTO_ICMPV6;
		for (unsigned int i = 0; i < 3; i++) {
			wire_one(&w, OUT, wire_packet(&w, OUT, proto, 7, 99));
			CU_ASSERT_EQUAL(
				wire_one(&w, IN, wire_packet(&w, IN, proto, 7, 99)),
				STANDING_UNVERIFIED);
		}
		w.now_ns += RIG_SECOND - 2 * SOURCE_TICK_NS;
		CU_ASSERT_EQUAL(wire_one(&w, IN, wire_packet(&w, IN, proto, 7, 99)),
		                STANDING_UNVERIFIED);
		w.now_ns += 4 * SOURCE_TICK_NS;
		CU_ASSERT_EQUAL(wire_one(&w, IN, wire_packet(&w, IN, proto, 7, 99)),
		                STANDING_CONVERSATION);
		CU_ASSERT_EQUAL(used(TABLE_EARNED), 0);
		CU_ASSERT_EQUAL(used(TABLE_EARNING), 1);

		/* One side alone is a flood, however long it lasts. */
		for (unsigned int i = 0; i < 20; i++, w.now_ns += RIG_SECOND) {
			wire_one(&w, OUT, wire_packet(&w, OUT, proto, 8, 99));
			CU_ASSERT_EQUAL(w.b.standing[0], STANDING_UNVERIFIED);
		}
		for (unsigned int i = 0; i < 2; i++)
			CU_ASSERT_EQUAL(
				wire_one(&w, IN, wire_packet(&w, IN, proto, 8, 99)),
				STANDING_UNVERIFIED);
		wire_close(&w);
	}
}

/* Blind resets of a verified flow do nothing; whoever knows the numbers closes it. */
static void
only_a_true_reset_closes(void)
{
	const uint32_t c = wire_isn(7, 99, IN), s = wire_isn(7, 99, OUT);
	const struct wire_tcp blind[] = {
		{ TCP_RST, c, 0, 0 },           { TCP_RST, c + 2, 0, 0 },
		{ TCP_RST, c + 1000, 0, 0 },    { TCP_RST, 0, 0, 0 },
		{ TCP_RST | ACK, 5, s, 0 },     { TCP_RST | ACK, 5, s + 2, 0 },
		{ TCP_FIN | ACK, c, s - 9, 0 }, { TCP_RST, 5, s + 1, 0 },
	};
	const struct wire_tcp yes[] = { { TCP_RST, c + 1, 0, 0 },
		                        { TCP_RST | ACK, 5, s + 1, 0 } };

	for (size_t i = 0; i < 3; i++) {
		wire_open(&w, (struct wire_conf){ 0 });
		CU_ASSERT(wire_connect(&w, 7, 99));
		for (size_t k = 0; k < sizeof(blind) / sizeof(*blind); k++) {
			wire_in(&w, 7, 99, blind[k]);
			CU_ASSERT_EQUAL(used(TABLE_EARNED), 1);
		}
		CU_ASSERT_EQUAL(w.flow_table.resets, 0);
		if (i < 2)
			wire_in(&w, 7, 99, yes[i]);
		else
			wire_out(&w, 7, 99, (struct wire_tcp){ TCP_RST, s + 1, 0, 0 });
		CU_ASSERT_EQUAL(used(TABLE_EARNED), 0);
		CU_ASSERT_EQUAL(used(TABLE_UNEARNED), 1);
		/* Told once, however often it is sent again. */
		wire_out(&w, 7, 99, (struct wire_tcp){ TCP_RST, s + 1, 0, 0 });
		CU_ASSERT_EQUAL(w.flow_table.resets, 1);
		wire_close(&w);
	}
}

/* FIN of one side is half a farewell; after both the last segments still pass as verified. */
static void
two_fins_close_and_last_segments_keep_their_standing(void)
{
	const uint32_t c = wire_isn(7, 99, IN), s = wire_isn(7, 99, OUT);

	wire_open(&w, (struct wire_conf){ 0 });
	CU_ASSERT(wire_connect(&w, 7, 99));
	wire_out(&w, 7, 99, (struct wire_tcp){ TCP_FIN | ACK, s + 1, c + 1, 500 });
	CU_ASSERT_EQUAL(used(TABLE_EARNED), 1);
	wire_in(&w, 7, 99,
	        (struct wire_tcp){ TCP_FIN | ACK, c + 1, s + 1 - (1 << 20), 0 });
	CU_ASSERT_EQUAL(used(TABLE_EARNED), 1);
	wire_in(&w, 7, 99, (struct wire_tcp){ TCP_FIN | ACK, c + 1, s + 1, 0 });
	CU_ASSERT_EQUAL(used(TABLE_EARNED), 0);
	CU_ASSERT_EQUAL(wire_in(&w, 7, 99, (struct wire_tcp){ ACK, c + 2, s + 502, 0 }),
	                STANDING_VERIFIED_FLOW);
	CU_ASSERT_EQUAL(used(TABLE_EARNED), 0);
	w.now_ns += 11 * RIG_SECOND;
	CU_ASSERT_EQUAL(wire_in(&w, 7, 99, (struct wire_tcp){ ACK, c + 2, s + 502, 0 }),
	                STANDING_VERIFIED_SOURCE);
	wire_close(&w);
}

/* A used port used again must prove itself again; the same SYN-ACK told twice changes nothing. */
static void
a_new_connection_on_an_old_port_starts_unproven(void)
{
	const uint32_t c = wire_isn(7, 99, IN), s = wire_isn(7, 99, OUT);

	wire_open(&w, (struct wire_conf){ 0 });
	CU_ASSERT(wire_connect(&w, 7, 99));
	wire_out(&w, 7, 99, (struct wire_tcp){ TCP_SYN | ACK, s, c + 1, 0 });
	CU_ASSERT_EQUAL(used(TABLE_EARNED), 1);
	CU_ASSERT_EQUAL(wire_in(&w, 7, 99, (struct wire_tcp){ TCP_SYN, 42, 0, 0 }),
	                STANDING_VERIFIED_SOURCE);
	CU_ASSERT_EQUAL(used(TABLE_EARNED), 1);

	wire_out(&w, 7, 99, (struct wire_tcp){ TCP_SYN | ACK, 70000, 43, 0 });
	CU_ASSERT_EQUAL(used(TABLE_EARNED), 0);
	CU_ASSERT_EQUAL(wire_in(&w, 7, 99, (struct wire_tcp){ ACK, 43, s + 1, 0 }),
	                STANDING_VERIFIED_SOURCE);
	CU_ASSERT_EQUAL(wire_in(&w, 7, 99, (struct wire_tcp){ ACK, 43, 70001, 0 }),
	                STANDING_VERIFIED_FLOW);
	CU_ASSERT_EQUAL(used(TABLE_EARNED), 1);
	wire_close(&w);
}

static void
the_address_of_a_proven_flow_is_a_verified_source_for_a_while(void)
{
	struct facts f;

	wire_open(&w, (struct wire_conf){
			      .flows = "verified_for = \"1m\"; ipv6_prefix = 56;" });
	w.is_ipv6 = true;
	CU_ASSERT(wire_connect(&w, 7, 99));
	f = wire_packet(&w, IN, PROTO_UDP, 7, 1);
	CU_ASSERT_EQUAL(wire_one(&w, IN, f), STANDING_VERIFIED_SOURCE);
	f.src[7] = 0x42; /* another /64 of the same /56 */
	CU_ASSERT_EQUAL(wire_one(&w, IN, f), STANDING_VERIFIED_SOURCE);
	f.src[6] = 1;
	CU_ASSERT_EQUAL(wire_one(&w, IN, f), STANDING_UNVERIFIED);
	f = wire_packet(&w, IN, PROTO_UDP, 7, 1);
	w.now_ns += 59 * RIG_SECOND;
	CU_ASSERT_EQUAL(wire_one(&w, IN, f), STANDING_VERIFIED_SOURCE);
	CU_ASSERT_EQUAL(w.source_table.table.used[TABLE_EARNED], 1);
	w.now_ns += 2 * RIG_SECOND;
	CU_ASSERT_EQUAL(wire_one(&w, IN, f), STANDING_UNVERIFIED);
	CU_ASSERT_EQUAL(w.source_table.table.used[TABLE_EARNED], 0);
	wire_close(&w);
}

static void
another_service_does_not_know_the_source(void)
{
	struct facts f;

	wire_open(&w, (struct wire_conf){ 0 });
	CU_ASSERT(wire_connect(&w, 7, 99));
	f = wire_packet(&w, IN, PROTO_UDP, 7, 1);
	burst_start(&w.b, w.now_ns, 0, IN);
	w.b.count = 2;
	w.b.live = 3;
	w.b.facts[0] = w.b.facts[1] = f;
	w.b.service[1] = RIG_SERVICE + 1;
	w.b.policy[1] = RIG_POLICY;
	burst_describe(&w.b);
	wire_stage(&w, &w.flows);
	CU_ASSERT_EQUAL(w.b.standing[0], STANDING_VERIFIED_SOURCE);
	CU_ASSERT_EQUAL(w.b.standing[1], STANDING_UNVERIFIED);
	wire_close(&w);
}

/* Beyond the cap a flow is verified all the same, but keeps no safe place. */
static void
a_source_holds_only_so_many_earned_flows(void)
{
	struct source *s;

	wire_open(&w, (struct wire_conf){ .flows = "max_flows_per_source = \"10\";",
	                                  .sources = "new_connections = \"off\";" });
	for (uint16_t port = 1; port <= 25; port++)
		CU_ASSERT_TRUE(wire_connect(&w, 7, port));
	s = source_of_lane(&w.source_table, 0);
	CU_ASSERT_EQUAL(s->flows, 10);
	CU_ASSERT_EQUAL(used(TABLE_EARNED), 10);
	CU_ASSERT_TRUE(wire_connect(&w, 8, 1));
	CU_ASSERT_EQUAL(used(TABLE_EARNED), 11);

	/* What closes or expires makes room. */
	wire_out(&w, 7, 1, (struct wire_tcp){ TCP_RST, 0, 0, 0 });
	CU_ASSERT_EQUAL(s->flows, 9);
	CU_ASSERT_TRUE(wire_connect(&w, 7, 26));
	CU_ASSERT_EQUAL(s->flows, 10);
	w.now_ns += 7501 * RIG_SECOND;
	table_sweep(&w.flow_table.table, w.flow_table.table.buckets,
	            table_tick(w.now_ns));
	CU_ASSERT_EQUAL(used(TABLE_EARNED), 0);
	CU_ASSERT_EQUAL(s->flows, 0);
	wire_close(&w);
}

static void
a_flow_is_ends_ports_tags_and_link(void)
{
	struct facts f[8], icmp;
	uint64_t same = 0;

	wire_open(&w, (struct wire_conf){ 0 });
	CU_ASSERT(wire_connect(&w, 7, 99));
	for (unsigned int i = 0; i < 8; i++)
		f[i] = wire_data(&w, 7, 99);
	f[1].vlan = 5;
	f[2].inner_vlan = 5;
	f[3].src_port ^= 1;
	f[4].dst[15] ^= 1;
	f[5].flags |= FACT_FRAGMENT | FACT_FRAG_REST | FACT_NO_PORTS;
	f[6].fault = PACKET_BAD_LENGTH;
	wire_send(&w, IN, f, 8);
	for (unsigned int i = 0; i < 8; i++)
		same |= (uint64_t)(w.b.standing[i] == STANDING_VERIFIED_FLOW) << i;
	CU_ASSERT_EQUAL(same, 1 << 0 | 1 << 7);
	w.b.link = 1;
	stage_flows.observe(w.flows.state, &w.flows.view, &w.b, 1);
	CU_ASSERT_EQUAL(w.b.flow[0], BURST_NO_FLOW);

	/* An ICMP error belongs to no flow of its own and makes none. */
	icmp = wire_packet(&w, OUT, PROTO_ICMP, 7, 0);
	icmp.flags |= FACT_NO_PORTS;
	wire_one(&w, OUT, icmp);
	CU_ASSERT_EQUAL(w.b.flow[0], BURST_NO_FLOW);
	CU_ASSERT_EQUAL(used(TABLE_UNEARNED), 0);
	wire_close(&w);
}

/* Where a flow lies depends on the secret: another process puts it elsewhere. */
static void
places_depend_on_the_secret(void)
{
	struct flow_table other;
	unsigned int same = 0;
	struct hash_key key;

	wire_open(&w, (struct wire_conf){ 0 });
	hash_key_seeded(&key, 12);
	CU_ASSERT_EQUAL_FATAL(flow_table_open(&other, 65536, &key), 0);
	for (uint32_t n = 0; n < 100; n++) {
		uint32_t here;

		wire_out(&w, n, 99, (struct wire_tcp){ ACK, 5, 6, 7 });
		here = w.b.flow[0];
		flow_find_burst(&other, &w.b, 1);
		same += here == w.b.flow[0];
	}
	CU_ASSERT(same < 5);
	flow_table_close(&other);
	wire_close(&w);
}

/* Two segments of a new flow in one burst make one record. */
static void
a_burst_makes_a_flow_once(void)
{
	struct facts f[64];

	wire_open(&w, (struct wire_conf){ 0 });
	for (unsigned int i = 0; i < 64; i++)
		f[i] = wire_segment(&w, OUT, i % 8, 99,
		                    (struct wire_tcp){ ACK, 5, 6, 7 });
	wire_send(&w, OUT, f, 64);
	CU_ASSERT_EQUAL(used(TABLE_UNEARNED), 8);
	for (unsigned int i = 8; i < 64; i++)
		CU_ASSERT_EQUAL(w.b.flow[i], w.b.flow[i % 8]);
	wire_close(&w);
}

static void
what_is_silent_is_forgotten_by_class(void)
{
	wire_open(&w, (struct wire_conf){ 0 });
	CU_ASSERT(wire_connect(&w, 7, 99));
	wire_out(&w, 8, 99, (struct wire_tcp){ TCP_SYN | ACK, 5, 6, 0 });
	w.now_ns += 9 * RIG_SECOND;
	for (unsigned int i = 0; i < 65536; i++)
		stage_flows.tick(w.flows.state, w.now_ns, 8);
	CU_ASSERT_EQUAL(used(TABLE_UNEARNED), 1);
	/* Under attack two seconds are enough for a stranger, and nothing changes for a customer. */
	w.b.armed = 1;
	stage_flows.observe(w.flows.state, &w.flows.view, &w.b, 0);
	for (unsigned int i = 0; i < 65536; i++)
		stage_flows.tick(w.flows.state, w.now_ns, 8);
	CU_ASSERT_EQUAL(used(TABLE_UNEARNED), 0);
	w.now_ns += 7490 * RIG_SECOND;
	for (unsigned int i = 0; i < 65536; i++)
		stage_flows.tick(w.flows.state, w.now_ns, 8);
	CU_ASSERT_EQUAL(used(TABLE_EARNED), 1);
	w.now_ns += 2 * RIG_SECOND;
	for (unsigned int i = 0; i < 65536; i++)
		stage_flows.tick(w.flows.state, w.now_ns, 8);
	CU_ASSERT_EQUAL(used(TABLE_EARNED), 0);
	wire_close(&w);
}

/*
 * 100,000 customers hold one connection each; then come a SYN flood and a UDP
 * flood of a million forged sources each, and the server answers every packet.
 */
static void
no_flood_evicts_a_verified_flow(void)
{
	enum { CUSTOMERS = 100000, FLOOD = 1000000 };
	static struct facts in[64], out[64];
	uint32_t verified = 0;

	wire_open(&w, (struct wire_conf){ .sources = "packets = \"off\"; bits = \"off\";",
	                                  .flow_entries = 524288,
	                                  .source_entries = 262144 });
	for (uint32_t n = 0; n < CUSTOMERS; n++)
		CU_ASSERT_FATAL(wire_connect(&w, n, 99));
	CU_ASSERT_EQUAL(used(TABLE_EARNED), CUSTOMERS);

	for (uint32_t n = 0; n < FLOOD; n += 32) {
		for (uint32_t i = 0; i < 32; i++) {
			const uint32_t who = 0x20000000 + n + i;

			in[i] = wire_segment(&w, IN, who, 99,
			                     (struct wire_tcp){ TCP_SYN, n, 0, 0 });
			out[i] = wire_segment(
				&w, OUT, who, 99,
				(struct wire_tcp){ TCP_SYN | ACK, i, n + 1, 0 });
			in[32 + i] = wire_packet(&w, IN, PROTO_UDP, who, 99);
			out[32 + i] = wire_packet(&w, OUT, PROTO_UDP, who, 99);
		}
		wire_send(&w, IN, in, 64);
		wire_send(&w, OUT, out, 64);
		w.now_ns += 32000;
	}
	CU_ASSERT_EQUAL(used(TABLE_EARNED), CUSTOMERS);
	for (uint32_t n = 0; n < CUSTOMERS; n++)
		verified +=
			wire_one(&w, IN, wire_data(&w, n, 99)) == STANDING_VERIFIED_FLOW;
	CU_ASSERT_EQUAL(verified, CUSTOMERS);
	/* Their addresses are not forgotten either. */
	verified = 0;
	for (uint32_t n = 0; n < CUSTOMERS; n++)
		verified += wire_one(&w, IN, wire_packet(&w, IN, PROTO_UDP, n, 1)) ==
		            STANDING_VERIFIED_SOURCE;
	CU_ASSERT(verified >= CUSTOMERS * 999 / 1000);
	wire_close(&w);
}

static void
explain_tells_the_flows_of_either_end(void)
{
	const struct explain_line *line = &w.flows.explain.line[0];

	wire_open(&w, (struct wire_conf){ 0 });
	CU_ASSERT(wire_connect(&w, 0xc0000207, 99)); /* 192.0.2.7 */
	wire_out(&w, 0xc0000208, 98, (struct wire_tcp){ TCP_SYN | ACK, 5, 6, 0 });
	w.flows.now_ns = w.now_ns += 3 * RIG_SECOND;
	CU_ASSERT_EQUAL_FATAL(rig_explain(&w.flows, "192.0.2.7"), 1);
	CU_ASSERT_STRING_EQUAL(line->what, "flow");
	CU_ASSERT_STRING_EQUAL(line->verdict, "verified");
	CU_ASSERT_EQUAL(line->port, 99);
	CU_ASSERT_EQUAL(line->peer_port, 443);
	CU_ASSERT_DOUBLE_EQUAL((double)line->age_ns, 3e9, 2e8);
	CU_ASSERT_EQUAL(rig_explain(&w.flows, "192.0.2.9"), 0);
	CU_ASSERT_EQUAL_FATAL(rig_explain(&w.flows, "192.0.2.8"), 1);
	CU_ASSERT_STRING_EQUAL(line->verdict, "unverified");
	CU_ASSERT_EQUAL(rig_explain(&w.flows, "203.0.113.0"), 2);
	CU_ASSERT_EQUAL(line->port, 443);
	wire_close(&w);
}

SUITE_MAIN("flows", TEST(a_handshake_is_proven_by_its_exact_third_segment),
           TEST(an_answer_alone_proves_nothing),
           TEST(a_running_connection_is_proven_by_acknowledged_data),
           TEST(connections_from_inside_are_proven_too),
           TEST(neither_strangers_nor_closed_ports_make_records),
           TEST(talk_becomes_a_conversation_and_is_never_earned),
           TEST(only_a_true_reset_closes),
           TEST(two_fins_close_and_last_segments_keep_their_standing),
           TEST(a_new_connection_on_an_old_port_starts_unproven),
           TEST(the_address_of_a_proven_flow_is_a_verified_source_for_a_while),
           TEST(another_service_does_not_know_the_source),
           TEST(a_source_holds_only_so_many_earned_flows),
           TEST(a_flow_is_ends_ports_tags_and_link), TEST(places_depend_on_the_secret),
           TEST(a_burst_makes_a_flow_once), TEST(what_is_silent_is_forgotten_by_class),
           TEST(no_flood_evicts_a_verified_flow),
           TEST(explain_tells_the_flows_of_either_end))
