/* SPDX-License-Identifier: BSD-3-Clause */
/* What one source may ask for, who pays for a forger, and who is blocked. */
#include "wire.h"

#define IN  SIDE_EXTERNAL
#define OUT SIDE_INTERNAL

static struct wire w;

static void
open_wire(const char *sources, bool is_ipv6)
{
	wire_open(&w, (struct wire_conf){ .sources = sources });
	w.is_ipv6 = is_ipv6;
}

/* The record of visitor n; where it has none, one of zeros. */
static const struct source *
record_of(uint32_t n)
{
	static const struct source none;
	struct source_key key;
	uint8_t address[16];
	uint32_t slot;

	wire_address(&w, n, address);
	source_key_of(&key, address, RIG_SERVICE, 64);
	slot = source_find(&w.source_table, &key, w.now_ns);
	return slot == SOURCE_NONE ? &none : source_at(&w.source_table, slot);
}

/* Send a packet `pps` times a second for `seconds`; returns how many passed. */
static uint64_t
stream(struct facts f, uint64_t pps, unsigned int seconds)
{
	uint64_t passed = 0;

	for (uint64_t n = 0; n < pps * seconds; n++) {
		w.now_ns += RIG_SECOND / pps;
		passed += wire_send(&w, IN, &f, 1);
	}
	return passed;
}

/* One after the other, `cps` handshakes a second; returns how many were completed. */
static uint64_t
connect_many(uint32_t n, uint16_t first_port, uint64_t cps, unsigned int seconds)
{
	uint64_t done = 0;

	for (uint64_t i = 0; i < cps * seconds; i++) {
		w.now_ns += RIG_SECOND / cps;
		done += wire_connect(&w, n, (uint16_t)(first_port + i));
	}
	return done;
}

/* Each limit stops its own source at its own rate, and nobody beside it. */
static void
every_meter_holds_its_rate_and_spares_bystanders(void)
{
	static const struct {
		const char *conf, *reason;
		bool is_verified;
		uint64_t expected; /* of 10 s: ten times the rate and the burst */
	} cases[] = {
		{ "packets = \"1kpps\"; bits = \"off\";", "packets", false, 10200 },
		{ "packets = \"off\"; bits = \"800kbit/s\";", "bits", false,
		  10000 + 945 },
		{ "verified_packets = \"1kpps\"; verified_bits = \"off\";",
		  "verified_packets", true, 10200 },
		{ "verified_packets = \"off\"; verified_bits = \"800kbit/s\";",
		  "verified_bits", true, 10000 + 945 },
	};

	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
		const size_t k = i / 2;
		struct facts f;

		open_wire(cases[k].conf, i % 2);
		CU_ASSERT(wire_connect(&w, 7, 99));
		CU_ASSERT(wire_connect(&w, 8, 99));
		f = cases[k].is_verified ? wire_data(&w, 7, 99)
		                         : wire_packet(&w, IN, PROTO_UDP, 7, 99);
		CU_ASSERT_DOUBLE_EQUAL((double)stream(f, 5000, 10),
		                       (double)cases[k].expected, 3);
		stream(f, 100000, 1);
		for (unsigned int n = 0; n < 2;
		     n++) /* In one moment only one can find room. */
			wire_send(&w, IN, &f, 1);
		CU_ASSERT_STRING_EQUAL(w.reason[0], cases[k].reason);

		/* The same source's other half, and the neighbour, have all of theirs. */
		f = cases[k].is_verified ? wire_packet(&w, IN, PROTO_UDP, 7, 99)
		                         : wire_data(&w, 7, 99);
		CU_ASSERT_EQUAL(stream(f, 50, 1), 50);
		CU_ASSERT_EQUAL(stream(wire_data(&w, 8, 99), 50, 1), 50);
		CU_ASSERT_EQUAL(stream(wire_packet(&w, IN, PROTO_UDP, 8, 99), 50, 1), 50);
		wire_close(&w);
	}
}

static void
off_is_no_limit(void)
{
	open_wire("packets = \"off\"; bits = \"off\"; new_connections = \"off\";"
	          "verified_packets = \"off\"; verified_bits = \"off\";",
	          false);
	CU_ASSERT_EQUAL(stream(wire_packet(&w, IN, PROTO_UDP, 7, 99), 100000, 1), 100000);
	CU_ASSERT_EQUAL(connect_many(7, 1, 1000, 10), 10000);
	CU_ASSERT_EQUAL(stream(wire_data(&w, 7, 1), 100000, 1), 100000);
	wire_close(&w);
}

/* Bots finish handshakes; the meter holds them, and what they have open goes on. */
static void
connections_are_held_and_open_ones_live_on(void)
{
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct facts f;

		open_wire("new_connections = \"10cps\";", ipv6);
		CU_ASSERT(wire_connect(&w, 7, 9));
		CU_ASSERT_DOUBLE_EQUAL((double)connect_many(7, 1000, 500, 10),
		                       10 * 10 + 20, 2);
		CU_ASSERT_EQUAL(stream(wire_data(&w, 7, 9), 1000, 1), 1000);
		wire_connect(&w, 7, 60000);
		for (unsigned int i = 0; i < 30; i++)
			wire_connect(&w, 7, (uint16_t)(50000 + i));
		f = wire_segment(&w, IN, 7, 60001, (struct wire_tcp){ TCP_SYN, 1, 0, 0 });
		wire_send(&w, IN, &f, 1);
		CU_ASSERT_STRING_EQUAL(w.reason[0], "connections");
		CU_ASSERT(wire_connect(&w, 8, 1));
		wire_close(&w);
	}
}

/* What the service opens, and what is older than the process, is not the source's doing. */
static void
only_what_the_source_opens_is_a_new_connection(void)
{
	open_wire("new_connections = \"1cps\";", false);
	for (uint16_t port = 1; port <= 1000; port++) {
		wire_out(&w, 7, port, (struct wire_tcp){ TCP_SYN, 10, 0, 0 });
		wire_in(&w, 7, port, (struct wire_tcp){ TCP_SYN | TCP_ACK, 20, 11, 0 });
		CU_ASSERT_EQUAL_FATAL(w.b.live, 1);
		wire_out(&w, 8, port, (struct wire_tcp){ TCP_ACK, 10, 20, 100 });
		wire_in(&w, 8, port, (struct wire_tcp){ TCP_ACK, 20, 110, 0 });
		CU_ASSERT_EQUAL_FATAL(w.b.live, 1);
	}
	CU_ASSERT_EQUAL(w.flow_table.table.used[TABLE_EARNED], 2000);
	wire_close(&w);
}

/* Many SYNs first, all third segments after: the surplus ones are not believed either. */
static void
a_surplus_handshake_is_not_proven_until_there_is_room(void)
{
	uint32_t refused = 0, proven = 0;

	open_wire("new_connections = \"10cps\";", false);
	for (uint16_t port = 1; port <= 100; port++) {
		wire_in(&w, 7, port, (struct wire_tcp){ TCP_SYN, 10, 0, 0 });
		CU_ASSERT_EQUAL(w.b.live, 1);
		wire_out(&w, 7, port, (struct wire_tcp){ TCP_SYN | TCP_ACK, 20, 11, 0 });
	}
	for (uint16_t port = 1; port <= 100; port++) {
		wire_in(&w, 7, port, (struct wire_tcp){ TCP_ACK, 11, 21, 0 });
		proven += w.b.live == 1;
		refused += strcmp(w.reason[0], "connections") == 0;
	}
	CU_ASSERT_EQUAL(proven, 20);
	CU_ASSERT_EQUAL(refused, 80);
	CU_ASSERT_EQUAL(w.flow_table.table.used[TABLE_EARNED], 20);
	/* Data of a refused one proves it again, and pays when there is room: 10 more a second. */
	w.now_ns += RIG_SECOND;
	for (uint16_t port = 21, ok = 0; port <= 100; port++) {
		wire_in(&w, 7, port, (struct wire_tcp){ TCP_ACK, 11, 21, 10 });
		ok = (uint16_t)(ok + (w.b.live == 1));
		CU_ASSERT_EQUAL(ok, port <= 30 ? port - 20 : 10);
	}
	CU_ASSERT_EQUAL(w.flow_table.table.used[TABLE_EARNED], 30);
	wire_close(&w);
}

/* A flood with a customer's address takes nothing of what the customer has proven. */
static void
a_forger_spends_nothing_of_what_is_proven(void)
{
	struct facts forged[3];

	open_wire("packets = \"1kpps\"; verified_packets = \"1kpps\"; new_connections = "
	          "\"20cps\";"
	          "block_for = \"60s\"; block_after = \"1s\";",
	          false);
	CU_ASSERT(wire_connect(&w, 7, 99));
	forged[0] = wire_packet(&w, IN, PROTO_UDP, 7, 5);
	forged[1] = wire_segment(&w, IN, 7, 5, (struct wire_tcp){ TCP_SYN, 1, 0, 0 });
	forged[2] = wire_segment(&w, IN, 7, 6, (struct wire_tcp){ TCP_ACK, 1, 2, 0 });
	for (unsigned int ms = 0; ms < 10000; ms++) {
		struct facts own = wire_data(&w, 7, 99);

		w.now_ns += RIG_MS;
		for (unsigned int i = 0; i < 30; i++)
			wire_send(&w, IN, &forged[i % 3], 1);
		CU_ASSERT_EQUAL_FATAL(wire_send(&w, IN, &own, 1), 1);
	}
	CU_ASSERT_EQUAL(record_of(7)->blocked_until, 0);
	/* Its one handshake was paid long ago, and nobody charged another. */
	CU_ASSERT(record_of(7)->meter[SOURCE_CONNECTIONS] < meter_ticks(2 * RIG_SECOND));
	wire_close(&w);
}

/* However much a stranger floods, its address is never blocked: it could be anybody's. */
static void
an_unproven_source_is_never_blocked(void)
{
	struct notice n;

	open_wire("packets = \"100pps\"; block_for = \"60s\"; block_after = \"100ms\";",
	          false);
	for (unsigned int second = 0; second < 20; second++) {
		stream(wire_packet(&w, IN, PROTO_UDP, 7, 5), 2000, 1);
		stream(wire_segment(&w, IN, 7, 5, (struct wire_tcp){ TCP_SYN, 1, 0, 0 }),
		       2000, 1);
	}
	CU_ASSERT_EQUAL(record_of(7)->blocks, 0);
	CU_ASSERT_FALSE(notices_take(&w.sources.notices, &n));
	w.now_ns += 2 * RIG_SECOND;
	CU_ASSERT_EQUAL(stream(wire_packet(&w, IN, PROTO_UDP, 7, 5), 50, 1), 50);
	wire_close(&w);
}

/* Over its verified limit for block_after: blocked whole, told to control, and free again. */
static void
a_real_source_that_stays_over_is_blocked_for_a_while(void)
{
	struct notice n;
	uint64_t blocked_ns;

	open_wire("verified_packets = \"1kpps\"; block_for = \"10s\"; block_after = "
	          "\"2s\";",
	          true);
	CU_ASSERT(wire_connect(&w, 7, 99));
	CU_ASSERT(wire_connect(&w, 8, 99));
	stream(wire_data(&w, 7, 99), 4000, 2);
	CU_ASSERT_FALSE(notices_take(&w.sources.notices, &n));
	stream(wire_data(&w, 7, 99), 4000, 1);
	CU_ASSERT_FATAL(notices_take(&w.sources.notices, &n));
	CU_ASSERT_STRING_EQUAL(w.reason[0], "blocked");
	blocked_ns = n.time_ns;
	CU_ASSERT_EQUAL(n.kind, NOTICE_SOURCE_BLOCKED);
	CU_ASSERT_EQUAL(n.until_ns, blocked_ns + 10 * RIG_SECOND);
	CU_ASSERT_EQUAL(n.threshold, 1000);
	CU_ASSERT_DOUBLE_EQUAL((double)n.value, 4000, 100);
	CU_ASSERT_STRING_EQUAL(n.unit, "packets_per_second");
	CU_ASSERT_EQUAL(n.service, RIG_SERVICE);
	CU_ASSERT_EQUAL(n.prefix_len, 64);
	CU_ASSERT_STRING_EQUAL(stage_sources.reasons[n.reason].name, "verified_packets");
	CU_ASSERT_PTR_EQUAL(stage_list[n.stage], &stage_sources);
	CU_ASSERT_FALSE(notices_take(&w.sources.notices, &n));

	CU_ASSERT_EQUAL(stream(wire_packet(&w, IN, PROTO_UDP, 7, 5), 10, 1), 0);
	CU_ASSERT_EQUAL(stream(wire_data(&w, 8, 99), 10, 1), 10);
	w.now_ns = blocked_ns + 9900 * RIG_MS;
	CU_ASSERT_EQUAL(stream(wire_data(&w, 7, 99), 1000, 1) > 890, true);
	CU_ASSERT_FALSE(notices_take(&w.sources.notices, &n));
	wire_close(&w);
}

/* Bots that keep completing handshakes are blocked by the connection meter. */
static void
bots_over_new_connections_are_blocked(void)
{
	struct notice n;

	open_wire(
		"new_connections = \"10cps\"; block_for = \"60s\"; block_after = \"3s\";",
		false);
	for (unsigned int round = 0; round < 60; round++) {
		const uint16_t port = (uint16_t)(1 + round * 50);

		w.now_ns += 100 * RIG_MS;
		for (uint16_t i = 0; i < 50; i++) {
			wire_in(&w, 7, port + i, (struct wire_tcp){ TCP_SYN, 10, 0, 0 });
			wire_out(&w, 7, port + i,
			         (struct wire_tcp){ TCP_SYN | TCP_ACK, 20, 11, 0 });
		}
		for (uint16_t i = 0; i < 50; i++)
			wire_in(&w, 7, port + i, (struct wire_tcp){ TCP_ACK, 11, 21, 0 });
	}
	CU_ASSERT_FATAL(notices_take(&w.sources.notices, &n));
	CU_ASSERT_STRING_EQUAL(n.unit, "connections_per_second");
	CU_ASSERT(n.value > 100);
	CU_ASSERT_STRING_EQUAL(w.reason[0], "blocked");
	wire_close(&w);
}

/* Over for a moment, calm for a moment, again and again: that is a busy customer, not a bot. */
static void
short_bursts_over_the_limit_block_nobody(void)
{
	struct notice n;

	open_wire("verified_packets = \"1kpps\"; block_for = \"10s\"; block_after = "
	          "\"2s\";",
	          false);
	CU_ASSERT(wire_connect(&w, 7, 99));
	w.dropped = 0;
	for (unsigned int i = 0; i < 20; i++) {
		stream(wire_data(&w, 7, 99), 3000, 1);
		w.now_ns += 2 * RIG_SECOND;
	}
	CU_ASSERT(w.dropped > 10000);
	CU_ASSERT_FALSE(notices_take(&w.sources.notices, &n));
	wire_close(&w);
}

/* Monitor counts what it would have done; it neither blocks nor takes a proof back. */
static void
monitor_counts_and_touches_nothing(void)
{
	struct notice n;

	open_wire("verified_packets = \"100pps\"; new_connections = \"1cps\"; block_for "
	          "= \"10s\";"
	          "block_after = \"1s\";",
	          false);
	w.watched = UINT64_MAX;
	CU_ASSERT_EQUAL(connect_many(7, 1, 100, 10), 1000);
	CU_ASSERT_EQUAL(stream(wire_data(&w, 7, 1), 1000, 5), 5000);
	CU_ASSERT_STRING_EQUAL(w.reason[0], "verified_packets");
	CU_ASSERT_EQUAL(w.b.spared, 1);
	CU_ASSERT_EQUAL(w.flow_table.table.used[TABLE_EARNED], 1000);
	CU_ASSERT_FALSE(notices_take(&w.sources.notices, &n));
	wire_close(&w);
}

/* In IPv6 a source is its /64: changing the last half of the address gains nothing. */
static void
an_ipv6_source_is_its_prefix(void)
{
	uint64_t same = 0, other = 0;

	open_wire("packets = \"100pps\"; bits = \"off\";", true);
	for (unsigned int n = 0; n < 10000; n++) {
		struct facts f = wire_packet(&w, IN, PROTO_UDP, 7, 5);

		memcpy(&f.src[8], &n, sizeof(n));
		same += wire_send(&w, IN, &f, 1);
		f = wire_packet(&w, IN, PROTO_UDP, 1000 + n, 5);
		other += wire_send(&w, IN, &f, 1);
	}
	CU_ASSERT_EQUAL(same, 64);
	CU_ASSERT_EQUAL(other, 10000);
	wire_close(&w);
}

/* A table full of earned sources judges no newcomer, and forgets no one. */
static void
a_source_without_a_slot_is_not_judged(void)
{
	struct facts f;

	wire_open(&w,
	          (struct wire_conf){ .sources = "packets = \"10pps\"; bits = \"off\";",
	                              .source_entries = 64 });
	for (uint32_t n = 0; n < 400; n++)
		wire_connect(&w, n, 99);
	CU_ASSERT_EQUAL(w.source_table.table.used[TABLE_EARNED], 64);
	f = wire_packet(&w, IN, PROTO_UDP, 5000, 5);
	for (unsigned int i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL_FATAL(wire_send(&w, IN, &f, 1), 1);
	CU_ASSERT_EQUAL(w.source_table.table.used[TABLE_EARNED], 64);
	wire_close(&w);
}

/* A flood of new addresses renews its own quarter; the customer's meters and proof stay. */
static void
a_flood_forgets_no_earned_source(void)
{
	static struct facts f[64];
	struct facts own;

	wire_open(&w, (struct wire_conf){ .source_entries = 4096 });
	for (uint32_t n = 0; n < 1000; n++)
		CU_ASSERT(wire_connect(&w, n, 99));
	for (uint32_t n = 0; n < 1000000; n += 64) {
		for (uint32_t i = 0; i < 64; i++)
			f[i] = wire_packet(&w, IN, PROTO_UDP, 0x40000000 + n + i, 5);
		CU_ASSERT_EQUAL_FATAL(wire_send(&w, IN, f, 64), UINT64_MAX);
		w.now_ns += 64000;
	}
	for (uint32_t n = 0; n < 1000; n++) {
		own = wire_packet(&w, IN, PROTO_UDP, n, 1);
		CU_ASSERT_EQUAL_FATAL(wire_one(&w, IN, own), STANDING_VERIFIED_SOURCE);
		CU_ASSERT(record_of(n)->meter[SOURCE_CONNECTIONS] > 0);
	}
	wire_close(&w);
}

/* The line of explain that speaks of `what`, or NULL. */
static const struct explain_line *
line_of(const char *what)
{
	const struct explain *e = &w.sources.explain;

	for (unsigned int i = 0; i < e->lines; i++)
		if (strcmp(e->line[i].what, what) == 0)
			return &e->line[i];
	return NULL;
}

static void
explain_tells_meters_blocks_and_the_last_drop(void)
{
	const struct explain_line *line;

	open_wire(
		"packets = \"1kpps\"; verified_packets = \"1kpps\"; block_for = \"60s\";"
		"block_after = \"1s\"; verified_bits = \"off\";",
		false);
	CU_ASSERT(wire_connect(&w, 0xc0000207, 99));
	stream(wire_packet(&w, IN, PROTO_UDP, 0xc0000207, 5), 100000, 1);
	w.sources.now_ns = w.now_ns;
	CU_ASSERT(rig_explain(&w.sources, "192.0.2.7") > 0);
	line = line_of("packets");
	CU_ASSERT_FATAL(line != NULL);
	CU_ASSERT_STRING_EQUAL(line->verdict, "over");
	CU_ASSERT(line->value >= 98 && line->value <= 101 && line->threshold == 100);
	CU_ASSERT_EQUAL(line->service, RIG_SERVICE);
	line = line_of("verified packets");
	CU_ASSERT_FATAL(line != NULL);
	CU_ASSERT_STRING_EQUAL(line->verdict, "within");
	CU_ASSERT(line_of("verified bits") == NULL);
	line = line_of("last drop");
	CU_ASSERT_FATAL(line != NULL);
	CU_ASSERT_STRING_EQUAL(line->verdict, "sources.packets");
	line = line_of("verified source");
	CU_ASSERT_FATAL(line != NULL);
	CU_ASSERT(line->value >= 597 && line->value <= 600);
	CU_ASSERT(line_of("blocked") == NULL);
	CU_ASSERT_EQUAL(line_of("verified flows")->value, 1);

	stream(wire_data(&w, 0xc0000207, 99), 10000, 2);
	w.sources.now_ns = w.now_ns;
	rig_explain(&w.sources, "192.0.2.7");
	CU_ASSERT_FATAL(line_of("blocked") != NULL);
	CU_ASSERT_STRING_EQUAL(line_of("last drop")->verdict, "sources.blocked");
	CU_ASSERT_EQUAL(rig_explain(&w.sources, "192.0.2.8"), 0);
	wire_close(&w);
}

SUITE_MAIN("sources", TEST(every_meter_holds_its_rate_and_spares_bystanders),
           TEST(off_is_no_limit), TEST(connections_are_held_and_open_ones_live_on),
           TEST(only_what_the_source_opens_is_a_new_connection),
           TEST(a_surplus_handshake_is_not_proven_until_there_is_room),
           TEST(a_forger_spends_nothing_of_what_is_proven),
           TEST(an_unproven_source_is_never_blocked),
           TEST(a_real_source_that_stays_over_is_blocked_for_a_while),
           TEST(bots_over_new_connections_are_blocked),
           TEST(short_bursts_over_the_limit_block_nobody),
           TEST(monitor_counts_and_touches_nothing), TEST(an_ipv6_source_is_its_prefix),
           TEST(a_source_without_a_slot_is_not_judged),
           TEST(a_flood_forgets_no_earned_source),
           TEST(explain_tells_meters_blocks_and_the_last_drop))
