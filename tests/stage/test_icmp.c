/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP under a flood: what is needed passes, what nobody asked for does not. */
#include "stage/icmp/icmp.h"

#include "flood_rig.h"

#define KPPS      1000
#define CUSTOMERS 50

static struct flood f;

/* Types by family: { IPv4, IPv6 }. */
enum { UNREACHABLE, TOO_BIG, EXPIRED, ECHO, ECHO_REPLY, STAMP, KINDS };
static const uint8_t type_of[KINDS][2] = {
	[UNREACHABLE] = { 3, 1 }, [TOO_BIG] = { 3, 2 },      [EXPIRED] = { 11, 3 },
	[ECHO] = { 8, 128 },      [ECHO_REPLY] = { 0, 129 }, [STAMP] = { 13, 139 },
};

static uint8_t
icmp_proto(void)
{
	return f.is_ipv6 ? PROTO_ICMPV6 : PROTO_ICMP;
}

/* A message without a quote; id is an echo's. */
static void
lay_message(enum side side, uint32_t n, unsigned int kind, uint16_t id, size_t data)
{
	uint8_t l4[FLOOD_ROOM] = { type_of[kind][f.is_ipv6] };

	flood_put16(l4 + 4, id);
	flood_lay(&f, side, n, icmp_proto(), l4, 8 + data, 0);
}

/* What an error quotes: a datagram of the shop to visitor n. */
struct quoted {
	uint8_t proto;
	uint16_t from_port, to_port;
	uint16_t fragment;
};

/* Router `router` says of it that it did not arrive. */
static void
lay_error_of(uint32_t router, uint32_t n, unsigned int kind, struct quoted q)
{
	uint8_t l4[FLOOD_ROOM] = { type_of[kind][f.is_ipv6] }, inner[8] = { 0 };
	size_t len;

	if (!f.is_ipv6)
		l4[1] = kind == TOO_BIG ? 4 : kind == UNREACHABLE ? 3 : 0;
	flood_put16(inner, q.from_port);
	flood_put16(inner + 2, q.to_port);
	if (q.proto == PROTO_ICMP || q.proto == PROTO_ICMPV6) {
		flood_put16(inner, 0);
		inner[0] = type_of[ECHO][f.is_ipv6];
		flood_put16(inner + 4, q.from_port);
	}
	len = flood_ip(&f, l4 + 8, FLOOD_SHOP, n, q.proto, inner, 8, q.fragment);
	flood_lay(&f, IN, router, icmp_proto(), l4, 8 + len, 0);
}

static void
lay_error(uint32_t router, uint32_t n, unsigned int kind)
{
	lay_error_of(router, n, kind, (struct quoted){ PROTO_UDP, 443, 5000, 0 });
}

static void
open_icmp(const char *config, const struct flood_link *link)
{
	memset(f.rig.rule, 0, sizeof(f.rig.rule));
	flood_limit(&f, VECTOR_ICMP_FLOOD, 2 * KPPS);
	f.rig.rule[VECTOR_ICMP_FLOOD].max.per_second = 40 * KPPS;
	flood_open(&f, &stage_icmp, config, link);
}

/* The shop talks to its customers for two seconds, by UDP and by pings of theirs. */
static void
make_conversations(void)
{
	for (unsigned int round = 0; round < 4; round++, f.now_ns += RIG_SECOND / 2)
		for (uint32_t n = 0; n < CUSTOMERS; n++) {
			flood_udp_to(&f, OUT, n, 5000, 443, "data", 4);
			flood_send(&f, OUT);
			flood_udp_to(&f, IN, n, 5000, 443, "data", 4);
			lay_message(IN, n, ECHO, 77, 56);
			CU_ASSERT_EQUAL(flood_send(&f, IN), 3);
			lay_message(OUT, n, ECHO_REPLY, 77, 56);
			flood_send(&f, OUT);
		}
}

/* 40,000 unreachables a second from one router that nobody in front of the shop has asked. */
static void
blacknurse(unsigned int steps)
{
	for (unsigned int step = 0; step < steps; step++) {
		f.now_ns += 800000;
		for (unsigned int i = 0; i < 32; i++)
			lay_error(0x0a000001, 0x30000000 + step * 32 + i, UNREACHABLE);
		flood_send(&f, IN);
	}
}

/* One of everything that a customer needs; returns how many of six passed. */
static unsigned int
customers_pass(uint32_t n)
{
	unsigned int passed = 0;

	lay_error(0x0a000002, n, TOO_BIG);
	lay_error(0x0a000003, n, EXPIRED);
	lay_error(n, n, UNREACHABLE);
	lay_message(IN, n, ECHO, 77, 56);
	passed += lanes_count(flood_send(&f, IN));
	/* Errors of a connection are out of the reach of `shape` as well. */
	CU_ASSERT_EQUAL(f.b.exempt, 7);
	/* A ping of the shop's own. */
	lay_message(OUT, n, ECHO, 99, 56);
	flood_send(&f, OUT);
	lay_message(IN, n, ECHO_REPLY, 99, 56);
	lay_error_of(0x0a000003, n, EXPIRED, (struct quoted){ icmp_proto(), 99, 0, 0 });
	return passed + lanes_count(flood_send(&f, IN));
}

static void
below_the_threshold_nobody_is_touched(void)
{
	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		open_icmp("", &flood_links[k]);
		for (uint32_t n = 0; n < 2000; n++) {
			f.now_ns += RIG_MS;
			if (n % 2 == 0)
				lay_error(n, n, n % 3);
			else
				lay_message(IN, n, ECHO + n % 3, 5, 1450);
			flood_send(&f, IN);
		}
		CU_ASSERT_EQUAL(f.passed, 2000);
		flood_close(&f);
	}
}

/*
 * The attack passes whole where nobody is armed, is stopped where the service is, and
 * the customers beside it lose nothing.
 */
static void
blacknurse_is_stopped_and_customers_are_not(void)
{
	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		memset(f.rig.rule, 0, sizeof(f.rig.rule));
		flood_open(&f, &stage_icmp, "", &flood_links[k]);
		blacknurse(125);
		CU_ASSERT_EQUAL(f.passed, 4000);
		flood_close(&f);

		open_icmp("", &flood_links[k]);
		make_conversations();
		blacknurse(25);
		flood_restart(&f);
		for (uint32_t n = 0; n < CUSTOMERS; n++) {
			blacknurse(25);
			CU_ASSERT_EQUAL_FATAL(customers_pass(n), 6);
		}
		CU_ASSERT_EQUAL(flood_why(&f, f.dropped, "unasked_error"),
		                CUSTOMERS * 25 * 32);
		CU_ASSERT_EQUAL(flood_all(f.dropped), CUSTOMERS * 25 * 32);
		flood_close(&f);
	}
}

static void
monitor_counts_the_same_and_drops_nothing(void)
{
	open_icmp("", &flood_links[0]);
	make_conversations();
	blacknurse(25);
	flood_restart(&f);
	f.is_monitored = true;
	blacknurse(25);
	CU_ASSERT_EQUAL(customers_pass(3), 6);
	CU_ASSERT_EQUAL(f.passed, 25 * 32 + 6);
	CU_ASSERT_EQUAL(flood_all(f.dropped), 0);
	CU_ASSERT_EQUAL(flood_why(&f, f.would, "unasked_error"), 25 * 32);
	CU_ASSERT_EQUAL(flood_all(f.would), 25 * 32);
	flood_close(&f);
}

/* A second of a flood of one kind; returns what passed. */
static uint64_t
passed_of(unsigned int kind, struct quoted q)
{
	f.now_ns += 10 * RIG_SECOND;
	for (unsigned int step = 0; step < 2000; step++) {
		f.now_ns += RIG_MS / 2;
		if (step == 1000)
			flood_restart(&f);
		for (unsigned int i = 0; i < 20; i++) {
			const uint32_t n = 0x30000000 + step * 20 + i;

			if (kind == ECHO || kind == ECHO_REPLY)
				lay_message(IN, n, kind, 7, 32);
			else if (kind == KINDS) /* the stage's class `other` */
				flood_lay(&f, IN, n, icmp_proto(),
				          f.is_ipv6 ? "\x82\0\0\0\0\0\0\0"
				                    : "\x0a\0\0\0\0\0\0\0",
				          8, 0);
			else
				lay_error_of(n, n, kind, q);
		}
		flood_send(&f, IN);
	}
	return f.passed;
}

/* Each class has its own quota, which strangers fill and do not pass. */
static void
every_class_has_a_quota(void)
{
	static const struct {
		unsigned int kind;
		const char *reason;
		unsigned int pps;
	} table[] = {
		{ TOO_BIG, "path_mtu", 600 },      { UNREACHABLE, "unreachable", 100 },
		{ EXPIRED, "time_exceeded", 200 }, { ECHO, "first_echo", 300 },
		{ ECHO_REPLY, "echo_reply", 400 }, { KINDS, "other", 500 },
	};
	static const char *const config =
		"path_mtu = \"600pps\"; unreachable = \"100pps\"; time_exceeded = "
		"\"200pps\"; echo_request = \"300pps\"; echo_reply = \"400pps\"; other = "
		"\"500pps\";";
	const struct quoted q = { PROTO_UDP, 443, 5000, 0 };

	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		f.rig.from.is_ingress = true; /* nothing can be asked for */
		open_icmp(config, &flood_links[k]);
		for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
			/* Half a second, to a packet. */
			const uint64_t passed = passed_of(table[i].kind, q);

			CU_ASSERT(passed + 1 >= table[i].pps / 2 &&
			          passed <= table[i].pps / 2 + 1);
			CU_ASSERT_EQUAL(flood_why(&f, f.dropped, table[i].reason),
			                20000 - passed);
		}
		flood_close(&f);
		f.rig.from.is_ingress = false;
	}
}

/* "off" is no limit, and several workers share one. */
static void
quotas_belong_to_the_whole_box(void)
{
	const struct quoted q = { PROTO_UDP, 443, 5000, 0 };

	f.rig.env.workers = 4;
	open_icmp("path_mtu = \"2kpps\"; echo_request = \"off\";", &flood_links[0]);
	CU_ASSERT_DOUBLE_EQUAL((double)passed_of(TOO_BIG, q), 250.0, 1.0);
	CU_ASSERT_EQUAL(passed_of(ECHO, q), 20000);
	flood_close(&f);
	f.rig.env.workers = 1;
}

/* Strangers of one class leave room in the ceiling behind for those of the others. */
static void
strangers_of_a_class_get_a_quarter_of_the_ceiling(void)
{
	const struct quoted q = { PROTO_UDP, 443, 5000, 0 };

	memset(f.rig.rule, 0, sizeof(f.rig.rule));
	flood_limit(&f, VECTOR_ICMP_FLOOD, 2 * KPPS);
	flood_open(&f, &stage_icmp, "path_mtu = \"100pps\"; other = \"off\";",
	           &flood_links[1]);
	CU_ASSERT_DOUBLE_EQUAL((double)passed_of(ECHO, q), 250.0, 1.0);
	CU_ASSERT_DOUBLE_EQUAL((double)passed_of(TOO_BIG, q), 50.0, 1.0);
	CU_ASSERT_EQUAL(passed_of(KINDS, q), 20000);
	flood_close(&f);
}

/* A forged flood of "too big" leaves room for those that quote what was sent. */
static void
asked_for_messages_of_path_mtu_go_first(void)
{
	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		open_icmp("path_mtu = \"200pps\";", &flood_links[k]);
		make_conversations();
		(void)passed_of(TOO_BIG, (struct quoted){ PROTO_UDP, 443, 5000, 0 });
		CU_ASSERT(flood_why(&f, f.dropped, "path_mtu") > 19000);
		make_conversations();
		for (uint32_t n = 0; n < CUSTOMERS; n++) {
			for (unsigned int i = 0; i < 32; i++)
				lay_error(i, 0x30000000 + i, TOO_BIG);
			lay_error(n, n, TOO_BIG);
			f.now_ns += 20 * RIG_MS;
			flood_send(&f, IN);
			CU_ASSERT_STRING_EQUAL(f.why[32], "passed");
			CU_ASSERT_EQUAL(f.b.exempt, lane_bit(32));
		}
		flood_close(&f);
	}
}

/*
 * Whoever has a connection, or pings, can quote it or ping as often as he likes: beyond
 * some tens a second he is a stranger, and others are still told of theirs.
 */
static void
one_flow_uses_up_no_quota(void)
{
	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		open_icmp("unreachable = \"200pps\"; path_mtu = \"200pps\"; "
		          "echo_request = \"200pps\"; time_exceeded = \"200pps\";",
		          &flood_links[k]);
		make_conversations();
		for (unsigned int step = 0; step < 2000; step++) {
			if (step == 1000)
				flood_restart(&f);
			f.now_ns += RIG_MS;
			for (unsigned int i = 0; i < 10; i++) {
				lay_error(i, 0, UNREACHABLE);
				lay_error(i, 0, TOO_BIG);
				lay_error(i, 0, EXPIRED);
				lay_message(IN, 0, ECHO, 77, 56);
			}
			flood_send(&f, IN);
			if (step > 1000 && step % 20 == 0)
				CU_ASSERT_EQUAL(customers_pass(1 + step / 20 % 49), 6);
		}
		CU_ASSERT(flood_why(&f, f.dropped, "unreachable") > 9500);
		CU_ASSERT(flood_why(&f, f.dropped, "path_mtu") > 9500);
		CU_ASSERT(flood_why(&f, f.dropped, "echo_request") > 9500);
		flood_close(&f);
	}
}

/* What cannot be told from its quote has a quota: neither believed nor refused. */
static void
quotes_that_tell_no_flow_are_metered(void)
{
	open_icmp("unreachable = \"100pps\";", &flood_links[0]);
	CU_ASSERT_DOUBLE_EQUAL(
		(double)passed_of(UNREACHABLE,
	                          (struct quoted){ PROTO_UDP, 443, 5000, 0x2000 }),
		50.0, 1.0);
	CU_ASSERT_EQUAL(flood_why(&f, f.dropped, "unreachable"), 20000 - f.passed);
	/* A quote of what another host has sent is nobody's here. */
	lay_error(9, 9, UNREACHABLE);
	f.bytes[0][33]++;
	flood_put16(f.bytes[0] + 24, 0);
	flood_put16(f.bytes[0] + 24, checksum_fold(checksum_add(0, f.bytes[0] + 14, 20)));
	flood_send(&f, IN);
	CU_ASSERT_STRING_EQUAL(f.why[0], "unasked_error");
	flood_close(&f);
}

static void
replies_that_nobody_asked_for_are_dropped(void)
{
	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		open_icmp("", &flood_links[k]);
		CU_ASSERT_EQUAL(passed_of(ECHO_REPLY, (struct quoted){ 0 }), 0);
		CU_ASSERT_EQUAL(flood_why(&f, f.dropped, "unasked_reply"), 20000);
		for (uint32_t n = 0; n < CUSTOMERS; n++) {
			lay_message(OUT, n, ECHO, 5, 56);
			flood_send(&f, OUT);
			lay_message(IN, n, ECHO_REPLY, 5, 56);
			lay_message(IN, n, ECHO_REPLY, 6, 56);
			CU_ASSERT_EQUAL(flood_send(&f, IN), 1);
		}
		flood_close(&f);
	}
}

static void
large_and_broken_echoes_are_dropped_under_attack(void)
{
	static const uint8_t piece[64];

	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		open_icmp("max_echo = 500;", &flood_links[k]);
		flood_lay(&f, IN, 1, icmp_proto(), piece, 64, 0x2000);
		lay_message(IN, 1, ECHO, 5, 501);
		CU_ASSERT_EQUAL(flood_send(&f, IN), 3);
		make_conversations();
		(void)passed_of(ECHO, (struct quoted){ 0 });
		f.now_ns += 100 * RIG_MS;
		lay_message(IN, 1, ECHO, 5, 501);
		lay_message(IN, 2, ECHO, 5, 500);
		lay_message(IN, 3, ECHO_REPLY, 5, 501);
		lay_message(IN, 4, ECHO, 77, 501); /* which is talked with already */
		flood_lay(&f, IN, 1, icmp_proto(), piece, 64, 0x2000);
		flood_lay(&f, IN, 1, icmp_proto(), piece, 64, 8);
		flood_lay(&f, IN, 1, PROTO_UDP, piece, 64, 8);
		CU_ASSERT_EQUAL(flood_send(&f, IN), 0x4a);
		for (unsigned int i = 0; i < 6; i++)
			if (i != 1 && i != 3)
				CU_ASSERT_STRING_EQUAL(f.why[i], "oversized");
		flood_close(&f);
	}
}

/* Neighbour discovery is wiretalk's as long as it comes from the link. */
static void
types_that_nobody_needs_are_dropped(void)
{
	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		open_icmp("", &flood_links[k]);
		lay_message(IN, 1, STAMP, 0, 12);
		CU_ASSERT_EQUAL(flood_send(&f, IN), 1);
		(void)passed_of(ECHO, (struct quoted){ 0 });
		lay_message(IN, 1, STAMP, 0, 12);
		CU_ASSERT_EQUAL(flood_send(&f, IN), 0);
		CU_ASSERT_STRING_EQUAL(f.why[0], "type");
		flood_close(&f);

		open_icmp("deny_when = \"always\"; deny_types = [ \"13\" ]; "
		          "deny_types_ipv6 = [ \"138-139\" ];",
		          &flood_links[k]);
		lay_message(IN, 1, STAMP, 0, 12);
		lay_message(IN, 1, ECHO, 5, 12);
		lay_error(1, 2, UNREACHABLE);
		CU_ASSERT_EQUAL(flood_send(&f, IN), 6);
		CU_ASSERT_STRING_EQUAL(f.why[0], "type");
		flood_close(&f);
	}
	open_icmp("", &flood_links[1]);
	(void)passed_of(ECHO, (struct quoted){ 0 });
	for (unsigned int i = 0; i < 2; i++) {
		flood_lay(&f, IN, 1, PROTO_ICMPV6, "\x87\0\0\0\0\0\0\0", 8, 0);
		f.bytes[i][14 + 7] = i == 0 ? 254 : 255;
	}
	CU_ASSERT_EQUAL(flood_send(&f, IN), 2);
	CU_ASSERT_STRING_EQUAL(f.why[0], "type");
	flood_close(&f);
}

/* Whoever is asked on the phone why somebody's ping is lost can tell. */
static void
a_drop_is_noted_for_explain(void)
{
	const struct drop_note *note;

	open_icmp("", &flood_links[1]);
	(void)passed_of(ECHO_REPLY, (struct quoted){ 0 });
	lay_message(IN, 5, ECHO_REPLY, 1, 8);
	flood_send(&f, IN);
	note = drops_find(&f.source_table.drops, f.b.facts[0].src);
	CU_ASSERT_PTR_NOT_NULL_FATAL(note);
	CU_ASSERT_STRING_EQUAL(note->reason, "icmp.unasked_reply");
	flood_close(&f);
}

static void
what_is_configured_wrong_is_told(void)
{
	const struct stage_compile from = { .rules = f.rig.rule };

	CU_ASSERT_STRING_EQUAL(flood_told(&stage_icmp, &from, ""), "accepted");
	CU_ASSERT_STRING_EQUAL(
		flood_told(&stage_icmp, &from, "deny_types = [ \"redirect\" ];"),
		"icmp.deny_types: 'redirect' is no type: write a number of 0 to 255, "
		"\"13\", or a range, \"13-18\"");
	CU_ASSERT_PTR_NOT_NULL(
		strstr(flood_told(&stage_icmp, &from, "deny_types = [ \"18-13\" ];"),
	               "no type"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(flood_told(&stage_icmp, &from, "deny_types_ipv6 = [ \"256\" ];"),
	               "no type"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(flood_told(&stage_icmp, &from, "deny_types_ipv6 = [ \"2\" ];"),
	               "type 2 tells of paths"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(flood_told(&stage_icmp, &from, "deny_types = [ \"1-5\" ];"),
	               "type 3 tells of paths"));
}

SUITE_MAIN("icmp", TEST(below_the_threshold_nobody_is_touched),
           TEST(blacknurse_is_stopped_and_customers_are_not),
           TEST(monitor_counts_the_same_and_drops_nothing), TEST(every_class_has_a_quota),
           TEST(quotas_belong_to_the_whole_box),
           TEST(strangers_of_a_class_get_a_quarter_of_the_ceiling),
           TEST(asked_for_messages_of_path_mtu_go_first), TEST(one_flow_uses_up_no_quota),
           TEST(quotes_that_tell_no_flow_are_metered),
           TEST(replies_that_nobody_asked_for_are_dropped),
           TEST(large_and_broken_echoes_are_dropped_under_attack),
           TEST(types_that_nobody_needs_are_dropped), TEST(a_drop_is_noted_for_explain),
           TEST(what_is_configured_wrong_is_told))
