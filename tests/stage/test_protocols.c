/* SPDX-License-Identifier: BSD-3-Clause */
/* Protocols beside TCP, UDP and ICMP: a flood of them, and the tunnels beside it. */
#include "stage/protocols/protocols.h"

#include "flood_rig.h"

#define KPPS      1000
#define CUSTOMERS 50
#define SCTP      132
#define PIM       103
#define L2TP      115

static struct flood f;
static const uint8_t data[64];

static void
lay(enum side side, uint32_t n, uint8_t proto)
{
	flood_lay(&f, side, n, proto, data, sizeof(data), 0);
}

static void
open_protocols(const char *config, const struct flood_link *link)
{
	memset(f.rig.rule, 0, sizeof(f.rig.rule));
	flood_limit(&f, VECTOR_OTHER_FLOOD, 2 * KPPS);
	f.rig.rule[VECTOR_OTHER_FLOOD].max.per_second = 40 * KPPS;
	flood_open(&f, &stage_protocols, config, link);
}

/* Tunnels that both ends have used for two seconds. */
static void
make_tunnels(uint8_t proto)
{
	for (unsigned int round = 0; round < 4; round++, f.now_ns += RIG_SECOND / 2)
		for (uint32_t n = 0; n < CUSTOMERS; n++) {
			lay(OUT, n, proto);
			flood_send(&f, OUT);
			lay(IN, n, proto);
			flood_send(&f, IN);
		}
}

/* 40,000 packets a second from random sources. */
static void
attack(uint8_t proto, unsigned int steps)
{
	for (unsigned int step = 0; step < steps; step++) {
		f.now_ns += 800000;
		for (unsigned int i = 0; i < 32; i++)
			lay(IN, 0x30000000 + step * 32 + i, proto);
		flood_send(&f, IN);
	}
}

static void
below_the_threshold_nobody_is_touched(void)
{
	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		open_protocols("", &flood_links[k]);
		for (uint32_t n = 0; n < 2560; n++) {
			f.now_ns += RIG_MS;
			lay(IN, n, n % 2 == 0 ? PROTO_GRE : (uint8_t)(140 + n % 100));
			CU_ASSERT_EQUAL_FATAL(flood_send(&f, IN), 1);
		}
		flood_close(&f);
	}
}

/* What is not allowed passes whole where nobody is armed, and not at all where it is. */
static void
what_is_not_allowed_is_dropped_and_tunnels_live(void)
{
	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		memset(f.rig.rule, 0, sizeof(f.rig.rule));
		flood_open(&f, &stage_protocols, "", &flood_links[k]);
		attack(PIM, 125);
		CU_ASSERT_EQUAL(f.passed, 4000);
		flood_close(&f);

		open_protocols("allow = [ \"gre\", \"132\" ];", &flood_links[k]);
		make_tunnels(PROTO_GRE);
		attack(PIM, 25);
		flood_restart(&f);
		for (uint32_t n = 0; n < CUSTOMERS; n++) {
			attack(PIM, 10);
			lay(IN, n, PROTO_GRE);
			lay(IN, 1000 + n, SCTP); /* a newcomer */
			CU_ASSERT_EQUAL(flood_send(&f, IN), 3);
		}
		CU_ASSERT_EQUAL(flood_why(&f, f.dropped, "not_allowed"), CUSTOMERS * 320);
		CU_ASSERT_EQUAL(f.passed, 2 * CUSTOMERS);
		flood_close(&f);
	}
}

static void
monitor_counts_the_same_and_drops_nothing(void)
{
	open_protocols("allow = [ \"gre\" ];", &flood_links[0]);
	make_tunnels(PROTO_GRE);
	attack(PIM, 25);
	flood_restart(&f);
	f.is_monitored = true;
	attack(PIM, 25);
	lay(IN, 3, PROTO_GRE);
	flood_send(&f, IN);
	CU_ASSERT_EQUAL(f.passed, 801);
	CU_ASSERT_EQUAL(flood_all(f.dropped), 0);
	CU_ASSERT_EQUAL(flood_why(&f, f.would, "not_allowed"), 800);
	CU_ASSERT_EQUAL(flood_all(f.would), 800);
	flood_close(&f);
}

/* Strangers share what they get of an allowed protocol; tunnels have no limit here. */
static void
strangers_are_metered_and_tunnels_are_not(void)
{
	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		open_protocols("allow = [ \"gre\" ]; strangers = \"500pps\";",
		               &flood_links[k]);
		make_tunnels(PROTO_GRE);
		attack(PROTO_GRE, 250);
		flood_restart(&f);
		attack(PROTO_GRE, 1250);
		CU_ASSERT_DOUBLE_EQUAL((double)f.passed, 500.0, 2.0);
		CU_ASSERT_EQUAL(flood_why(&f, f.dropped, "quota"), 40000 - f.passed);
		make_tunnels(PROTO_GRE);
		attack(PROTO_GRE, 25);
		for (uint32_t n = 0; n < CUSTOMERS * 32; n++) {
			lay(IN, n % CUSTOMERS, PROTO_GRE);
			CU_ASSERT_EQUAL_FATAL(flood_send(&f, IN), 1);
		}
		flood_close(&f);
	}
}

/* Strangers of one protocol leave room in the ceiling behind for those of the others. */
static void
strangers_of_a_protocol_get_a_quarter_of_the_ceiling(void)
{
	memset(f.rig.rule, 0, sizeof(f.rig.rule));
	flood_limit(&f, VECTOR_OTHER_FLOOD, 2 * KPPS);
	flood_open(&f, &stage_protocols, "", &flood_links[1]);
	attack(PROTO_GRE, 250);
	flood_restart(&f);
	attack(PROTO_GRE, 1250);
	CU_ASSERT_DOUBLE_EQUAL((double)f.passed, 500.0, 2.0);
	flood_close(&f);
}

/* A quota is of all packets of its protocol, in which tunnels find room first. */
static void
a_quota_holds_and_tunnels_go_first(void)
{
	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		open_protocols("quota = ( { protocol = \"gre\"; limit = \"400pps\"; } );",
		               &flood_links[k]);
		make_tunnels(PROTO_GRE);
		attack(PROTO_GRE, 250);
		flood_restart(&f);
		attack(PROTO_GRE, 1250);
		CU_ASSERT_DOUBLE_EQUAL((double)f.passed, 400.0, 2.0);
		make_tunnels(PROTO_GRE);
		attack(PROTO_GRE, 25);
		flood_restart(&f);
		for (uint32_t n = 0; n < 1000; n++) {
			f.now_ns += RIG_MS * 5;
			for (unsigned int i = 0; i < 32; i++)
				lay(IN, 0x30000000 + i, PROTO_GRE);
			lay(IN, n % CUSTOMERS, PROTO_GRE);
			CU_ASSERT((flood_send(&f, IN) >> 32 & 1) != 0);
		}
		CU_ASSERT(f.passed <= 2000 + 40);
		flood_close(&f);
	}
}

static void
workers_share_a_quota(void)
{
	f.rig.env.workers = 4;
	open_protocols("strangers = \"2kpps\";", &flood_links[0]);
	attack(PROTO_ESP, 250);
	flood_restart(&f);
	attack(PROTO_ESP, 1250);
	CU_ASSERT_DOUBLE_EQUAL((double)f.passed, 500.0, 2.0);
	flood_close(&f);
	f.rig.env.workers = 1;
}

/* What the inside has answered for a while somebody has use for, within a limit. */
static void
conversations_of_other_protocols_live_on(void)
{
	open_protocols("others_limit = \"100pps\";", &flood_links[0]);
	make_tunnels(L2TP);
	attack(PIM, 25);
	flood_restart(&f);
	lay(IN, 3, L2TP);
	lay(IN, 3000, L2TP);
	CU_ASSERT_EQUAL(flood_send(&f, IN), 1);
	CU_ASSERT_STRING_EQUAL(f.why[1], "not_allowed");
	for (unsigned int n = 0; n < 100; n++) {
		lay(IN, 3, L2TP);
		flood_send(&f, IN);
	}
	CU_ASSERT_STRING_EQUAL(f.why[0], "quota");
	flood_close(&f);
}

static void
others_in_quiet_time_are_as_configured(void)
{
	static const struct {
		const char *config, *reason;
		unsigned int passed;
	} table[] = {
		{ "others = \"pass\";", "passed", 100 },
		{ "others = \"meter\"; others_limit = \"200pps\";", "quota", 10 },
		{ "others = \"drop\";", "not_allowed", 0 },
	};

	for (size_t k = 0; k < FLOOD_LINKS; k++)
		for (size_t i = 0; i < 3; i++) {
			open_protocols(table[i].config, &flood_links[k]);
			for (unsigned int n = 0; n < 100; n++) {
				lay(IN, n, PIM);
				flood_send(&f, IN);
			}
			CU_ASSERT_EQUAL(f.passed, table[i].passed);
			CU_ASSERT_STRING_EQUAL(f.why[0], table[i].reason);
			lay(IN, 7, PROTO_GRE);
			CU_ASSERT_EQUAL(flood_send(&f, IN), 1);
			flood_close(&f);
		}
}

/* Later fragments of IPv6 may hide what they carry behind an extension header. */
static void
pieces_of_what_is_not_allowed_are_dropped(void)
{
	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		open_protocols("allow = [ \"gre\" ];", &flood_links[k]);
		flood_lay(&f, IN, 1, PIM, data, 64, 8);
		CU_ASSERT_EQUAL(flood_send(&f, IN), 1);
		attack(PIM, 25);
		flood_lay(&f, IN, 1, PIM, data, 64, 0x2000);
		flood_lay(&f, IN, 1, PIM, data, 64, 8);
		flood_lay(&f, IN, 1, PROTO_GRE, data, 64, 8);
		flood_lay(&f, IN, 1, PROTO_UDP, data, 64, 8);
		flood_lay(&f, IN, 1, PROTO_DSTOPTS, data, 64, 8);
		CU_ASSERT_EQUAL(flood_send(&f, IN), f.is_ipv6 ? 0x1c : 0xc);
		CU_ASSERT_STRING_EQUAL(f.why[0], "not_allowed");
		CU_ASSERT_STRING_EQUAL(f.why[1], "not_allowed");
		flood_close(&f);
	}
}

/* Where answers go another way nobody can be told from a stranger. */
static void
ingress_drops_by_the_list_alone(void)
{
	f.rig.from.is_ingress = true;
	open_protocols("allow = [ \"esp\" ]; strangers = \"10pps\";", &flood_links[1]);
	attack(PIM, 25);
	flood_restart(&f);
	attack(PIM, 25);
	CU_ASSERT_EQUAL(f.passed, 0);
	attack(PROTO_ESP, 25);
	CU_ASSERT_EQUAL(f.passed, 800);
	flood_close(&f);
	f.rig.from.is_ingress = false;
}

static void
a_drop_is_noted_for_explain(void)
{
	const struct drop_note *note;

	open_protocols("", &flood_links[1]);
	attack(PIM, 25);
	lay(IN, 5, PIM);
	flood_send(&f, IN);
	note = drops_find(&f.source_table.drops, f.b.facts[0].src);
	CU_ASSERT_PTR_NOT_NULL_FATAL(note);
	CU_ASSERT_STRING_EQUAL(note->reason, "protocols.not_allowed");
	flood_close(&f);
}

static void
what_is_configured_wrong_is_told(void)
{
	const struct stage_compile from = { .rules = f.rig.rule };

	CU_ASSERT_STRING_EQUAL(flood_told(&stage_protocols, &from, ""), "accepted");
	CU_ASSERT_PTR_NOT_NULL(
		strstr(flood_told(&stage_protocols, &from, "allow = [ \"ipsec\" ];"),
	               "'ipsec' is no protocol: write a number of 0 to 255 or a name"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(flood_told(&stage_protocols, &from, "allow = [ \"256\" ];"),
	               "'256' is no protocol"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(flood_told(&stage_protocols, &from, "allow = [ \"17\" ];"),
	               "'17' has vectors and stages of its own"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(flood_told(&stage_protocols, &from,
	                          "quota = ( { protocol = \"gre\"; limit = \"1kpps\"; }, "
	                          "{ protocol = \"47\"; limit = \"2kpps\"; } );"),
	               "'47' has a quota already"));
	CU_ASSERT_PTR_NOT_NULL(strstr(
		flood_told(&stage_protocols, &from,
	                   "allow = [ \"60\", \"61\", \"62\", \"63\", \"64\", \"65\", "
	                   "\"66\", \"67\", \"68\", \"69\", \"70\", \"71\", \"72\", "
	                   "\"73\", \"74\", \"75\" ];"),
		"'75' is one too many"));
}

SUITE_MAIN("protocols", TEST(below_the_threshold_nobody_is_touched),
           TEST(what_is_not_allowed_is_dropped_and_tunnels_live),
           TEST(monitor_counts_the_same_and_drops_nothing),
           TEST(strangers_are_metered_and_tunnels_are_not),
           TEST(strangers_of_a_protocol_get_a_quarter_of_the_ceiling),
           TEST(a_quota_holds_and_tunnels_go_first), TEST(workers_share_a_quota),
           TEST(conversations_of_other_protocols_live_on),
           TEST(others_in_quiet_time_are_as_configured),
           TEST(pieces_of_what_is_not_allowed_are_dropped),
           TEST(ingress_drops_by_the_list_alone), TEST(a_drop_is_noted_for_explain),
           TEST(what_is_configured_wrong_is_told))
