/* SPDX-License-Identifier: BSD-3-Clause */
/* The operator's rules, from the file to the fate of frames, in both families. */
#include "filters_rig.h"

#include "filter/set.h"
#include "stage/explain.h"

static struct filters_rig f;

/* An attack of 20 ICMP echoes, and two customers beside it. */
static void
lay_attack(unsigned int tags)
{
	filters_begin(&f);
	for (unsigned int i = 0; i < 10; i++) {
		filters_lay(&f, echo4, tags);
		filters_lay(&f, echo6, tags);
	}
	filters_lay(&f, udp4, tags);
	filters_lay(&f, udp6, tags);
}

static unsigned int
count(const char *fate)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < f.b.count; i++)
		n += strcmp(filters_fate(&f, i), fate) == 0;
	return n;
}

static const char drop_echoes[] =
	"{ name = \"echoes\"; action = \"drop\"; match = { protocols = [ \"icmp\", "
	"\"icmp6\" ]; icmp_types = [ \"8\", \"128-129\" ]; }; }";

static void
a_rule_drops_the_attack_and_not_the_customer(void)
{
	for (unsigned int tags = 0; tags < 3; tags++) {
		filters_open(&f, "", "mitigate");
		lay_attack(tags);
		filters_send(&f);
		CU_ASSERT_EQUAL(count("passed"), 22);
		filters_close(&f);

		filters_open(&f, drop_echoes, "mitigate");
		lay_attack(tags);
		filters_send(&f);
		CU_ASSERT_EQUAL(count("filters.dropped"), 20);
		CU_ASSERT_STRING_EQUAL(filters_fate(&f, 20), "passed");
		CU_ASSERT_STRING_EQUAL(filters_fate(&f, 21), "passed");
		CU_ASSERT_EQUAL(filters_hits(&f, "filters", "echoes"), 20);
		CU_ASSERT_EQUAL(filters_book(&f, "filters", 0, false), 20);
		filters_close(&f);
	}
}

static void
monitor_counts_the_same_and_drops_nothing(void)
{
	filters_open(&f, drop_echoes, "monitor");
	lay_attack(1);
	filters_send(&f);
	CU_ASSERT_EQUAL(count("passed"), 22);
	CU_ASSERT_EQUAL(filters_book(&f, "filters", 0, true), 20);
	CU_ASSERT_EQUAL(filters_book(&f, "filters", 0, false), 0);
	filters_close(&f);
}

/* Counting goes on to the next rule; passing and dropping do not. */
static void
the_first_that_decides_wins(void)
{
	filters_open(
		&f,
		"{ name = \"all\"; action = \"count\"; match = { source = [ "
		"\"198.51.100.0/24\", \"2001:db8::/32\" ]; }; },"
		"{ name = \"dry\"; action = \"drop\"; dry_run = true; match = { "
		"protocols = [ \"udp\" ]; }; },"
		"{ name = \"marked\"; action = \"tag\"; match = { ports = [ \"443\" ]; "
		"}; },"
		"{ name = \"friends\"; action = \"pass\"; match = { source = [ "
		"\"2001:db8::1\" ]; protocols = [ \"udp\" ]; }; },"
		"{ name = \"none\"; action = \"drop\"; match = { destination_ports = [ "
		"\"440-450\" ]; }; },"
		"{ name = \"never\"; action = \"drop\"; match = { source_ports = [ "
		"\"4660\" ]; }; }",
		"mitigate");
	lay_attack(0);
	filters_send(&f);
	CU_ASSERT_STRING_EQUAL(filters_fate(&f, 20), "filters.dropped");
	CU_ASSERT_STRING_EQUAL(filters_fate(&f, 21), "passed");
	CU_ASSERT_EQUAL(f.b.exempt, lane_bit(21));
	CU_ASSERT_EQUAL(filters_hits(&f, "filters", "all"), 22);
	CU_ASSERT_EQUAL(filters_hits(&f, "filters", "dry"), 2);
	CU_ASSERT_EQUAL(filters_hits(&f, "filters", "marked"), 2);
	CU_ASSERT_EQUAL(filters_hits(&f, "filters", "friends"), 1);
	CU_ASSERT_EQUAL(filters_hits(&f, "filters", "none"), 1);
	CU_ASSERT_EQUAL(filters_hits(&f, "filters", "never"), 0);
	filters_close(&f);
}

/* 1,000 packets/s for two workers are 500 each; dry, the same is only counted. */
static void
a_meter_lets_its_part_through(void)
{
	for (unsigned int dry = 0; dry < 2; dry++) {
		unsigned int passed = 0, sent = 0;
		char rule[200];

		snprintf(rule, sizeof(rule),
		         "{ name = \"slow\"; action = \"meter\"; limit = \"1kpps\"; "
		         "dry_run = "
		         "%s; match = { protocols = [ \"1\", \"58\" ]; }; }",
		         dry ? "true" : "false");
		filters_open(&f, rule, "mitigate");
		for (unsigned int step = 0; step < 1000; step++) {
			f.now_ns += 4000000; /* 20 each 4 ms: 5,000 a second */
			lay_attack(0);
			filters_send(&f);
			sent += 20;
			passed += count("passed") - 2;
			CU_ASSERT_STRING_EQUAL(filters_fate(&f, 20), "passed");
		}
		CU_ASSERT_EQUAL(filters_hits(&f, "filters", "slow"), sent);
		if (dry) {
			CU_ASSERT_EQUAL(passed, sent);
		} else {
			CU_ASSERT_EQUAL(count("filters.metered"),
			                20 - (count("passed") - 2));
			CU_ASSERT_DOUBLE_EQUAL(passed, 4 * 500, 60);
			CU_ASSERT_EQUAL(filters_book(&f, "filters", 1, false),
			                sent - passed);
		}
		CU_ASSERT_DOUBLE_EQUAL((double)filters_hits(&f, "filters", "slow.over"),
		                       sent - 4 * 500, 60);
		filters_close(&f);
	}
}

/* Without a new snapshot a rule ends at its second. */
static void
a_rule_ends_by_the_clock(void)
{
	filters_open(&f,
	             "{ name = \"short\"; action = \"drop\"; until = "
	             "\"2026-12-24T12:00:00Z\"; match = { protocols = [ \"udp\" ]; }; },"
	             "{ name = \"under\"; action = \"count\"; match = { protocols = [ "
	             "\"udp\" ]; }; }",
	             "mitigate");
	f.common.wall_ns = UINT64_C(1798113600) * SECOND - 2 * SECOND;
	lay_attack(0);
	filters_send(&f);
	CU_ASSERT_EQUAL(count("filters.dropped"), 2);
	f.now_ns = 2 * SECOND;
	lay_attack(0);
	filters_send(&f);
	CU_ASSERT_EQUAL(count("passed"), 22);
	CU_ASSERT_EQUAL(filters_hits(&f, "filters", "short"), 2);
	CU_ASSERT_EQUAL(filters_hits(&f, "filters", "under"), 2);
	filters_close(&f);
}

static void
a_rule_is_for_its_services_alone(void)
{
	filters_open(
		&f,
		"{ name = \"desks\"; action = \"drop\"; services = [ \"desk\" ]; match "
		"= { protocols = [ \"udp\" ]; }; },"
		"{ name = \"shops\"; action = \"drop\"; services = [ \"desk\", "
		"\"shop\" ]; match = { protocols = [ \"icmp\" ]; }; }",
		"mitigate");
	lay_attack(0);
	filters_send(&f);
	CU_ASSERT_EQUAL(count("filters.dropped"), 10);
	CU_ASSERT_EQUAL(filters_hits(&f, "filters", "desks"), 0);
	filters_close(&f);
}

static void
an_unchanged_set_is_shared(void)
{
	char why[4096];
	struct policies *a = filters_build(drop_echoes, "mitigate", NULL, why), *b, *c;

	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	b = filters_build(drop_echoes, "monitor", a, why);
	c = filters_build(
		"{ name = \"echoes\"; action = \"drop\"; match = { protocols = [ "
		"\"icmp\" ]; }; }",
		"mitigate", a, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_PTR_EQUAL(a->filters->set, b->filters->set);
	CU_ASSERT_PTR_NOT_EQUAL(a->filters->set, c->filters->set);
	policy_free(a);
	policy_free(c);
	CU_ASSERT_EQUAL(filter_set_part(b->filters->set, FILTER_EVERYBODY)->count, 1);
	policy_free(b);
}

static void
every_mistake_is_told(void)
{
	static const struct {
		const char *rule, *says;
	} bad[] = {
		{ "{ name = \"a\"; action = \"drop\"; }",
		  "needs an expression or a match" },
		{ "{ name = \"a\"; action = \"drop\"; expression = \"udp\"; match = { "
		  "dscp = "
		  "[ \"0\" ]; }; }",
		  "not both" },
		{ "{ name = \"a\"; action = \"meter\"; match = { dscp = [ \"0\" ]; }; }",
		  "needs a limit" },
		{ "{ name = \"a\"; action = \"drop\"; limit = \"1kpps\"; match = { dscp "
		  "= [ "
		  "\"0\" ]; }; }",
		  "needs action meter" },
		{ "{ name = \"a\"; action = \"drop\"; until = \"tomorrow\"; match = { "
		  "dscp = [ "
		  "\"0\" ]; }; }",
		  "until is no time" },
		{ "{ name = \"a\"; action = \"drop\"; services = [ \"shp\" ]; match = { "
		  "dscp = "
		  "[ \"0\" ]; }; }",
		  "'shp'" },
		{ "{ name = \"a\"; action = \"drop\"; match = { dscp = [ \"64\" ]; "
		  "protocols = "
		  "[ \"256\" ]; }; }",
		  "match.dscp" },
		{ "{ name = \"a\"; action = \"drop\"; match = { dscp = [ \"64\" ]; "
		  "protocols = "
		  "[ \"256\" ]; }; }",
		  "match.protocols" },
		{ "{ name = \"a\"; action = \"drop\"; match = { tcp_flags = [ "
		  "\"syn/ack\" ]; }; "
		  "}",
		  "match.tcp_flags" },
		{ "{ name = \"a\"; action = \"drop\"; match = { fragments = [ \"all\" ]; "
		  "}; }",
		  "\"first\"" },
		{ "{ name = \"a\"; action = \"drop\"; match = { lengths = [ \"9-3\" ]; "
		  "}; }",
		  "match.lengths" },
		{ "{ name = \"a\"; action = \"drop\"; match = { dscp = [ \"0\" ]; }; }, "
		  "{ name "
		  "= \"a\"; action = \"drop\"; match = { dscp = [ \"0\" ]; }; }",
		  "has this name" },
	};
	char why[4096];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CU_ASSERT_PTR_NULL(filters_build(bad[i].rule, "monitor", NULL, why));
		if (strstr(why, bad[i].says) == NULL)
			fprintf(stderr, "%s: %s\n", bad[i].rule, why);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, bad[i].says));
	}
}

#ifdef HAVE_PCAP
/* Expressions and matches keep their order among each other. */
static void
expressions_stand_in_the_order_too(void)
{
	for (unsigned int tags = 0; tags < 3; tags++) {
		filters_open(
			&f,
			"{ name = \"seen\"; action = \"count\"; match = { protocols = [ "
			"\"udp\" ]; }; },"
			"{ name = \"payload\"; action = \"drop\"; expression = "
			"\"udp[8:4] = "
			"0x75757575 and ip6\"; },"
			"{ name = \"rest\"; action = \"pass\"; match = { ports = [ "
			"\"443\" ]; "
			"}; },"
			"{ name = \"late\"; action = \"drop\"; expression = \"udp\"; },"
			"{ name = \"echo\"; action = \"drop\"; services = [ \"desk\" ]; "
			"expression = \"icmp\"; }",
			"mitigate");
		lay_attack(tags);
		filters_send(&f);
		CU_ASSERT_STRING_EQUAL(filters_fate(&f, 20), "passed");
		CU_ASSERT_STRING_EQUAL(filters_fate(&f, 21), "filters.dropped");
		CU_ASSERT_EQUAL(count("passed"), 21);
		CU_ASSERT_EQUAL(filters_hits(&f, "filters", "seen"), 2);
		CU_ASSERT_EQUAL(filters_hits(&f, "filters", "payload"), 1);
		CU_ASSERT_EQUAL(filters_hits(&f, "filters", "rest"), 1);
		CU_ASSERT_EQUAL(filters_hits(&f, "filters", "late"), 0);
		CU_ASSERT_EQUAL(filters_hits(&f, "filters", "echo"), 0);
		filters_close(&f);
	}
}
#endif

static void
explain_names_rules_about_a_source(void)
{
	struct explain e = { .address = { [10] = 0xff, 0xff, 198, 51, 100, 1 } };
	unsigned int stage = 0, found = 0;

	filters_open(
		&f,
		"{ name = \"net\"; action = \"drop\"; dry_run = true; match = { source "
		"= [ \"198.51.100.0/24\" ]; }; },"
		"{ name = \"other\"; action = \"drop\"; match = { source = [ "
		"\"198.51.101.0/24\" ]; }; },"
		"{ name = \"all\"; action = \"drop\"; match = { ports = [ \"9\" ]; }; }",
		"mitigate");
	while (!pipeline_explain(&f.pl, f.p, &e, &stage, f.now_ns))
		continue;
	for (unsigned int i = 0; i < e.lines; i++)
		if (strcmp(stage_list[e.line[i].stage]->name, "filters") == 0) {
			found++;
			CU_ASSERT_STRING_EQUAL(e.line[i].name, "net");
			CU_ASSERT_STRING_EQUAL(e.line[i].verdict, "dropped");
			CU_ASSERT_STRING_EQUAL(e.line[i].what, "filter rule, dry run");
		}
	CU_ASSERT_EQUAL(found, 1);
	filters_close(&f);
}

SUITE_MAIN("filters", TEST(a_rule_drops_the_attack_and_not_the_customer),
           TEST(monitor_counts_the_same_and_drops_nothing),
           TEST(the_first_that_decides_wins), TEST(a_meter_lets_its_part_through),
           TEST(a_rule_ends_by_the_clock), TEST(a_rule_is_for_its_services_alone),
           TEST(an_unchanged_set_is_shared), TEST(every_mistake_is_told),
#ifdef HAVE_PCAP
           TEST(expressions_stand_in_the_order_too),
#endif
           TEST(explain_names_rules_about_a_source))
