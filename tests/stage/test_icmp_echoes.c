/* SPDX-License-Identifier: BSD-3-Clause */
/* Who pings during a flood of pings: known by doing so again, and by nothing less. */
#include "stage/icmp/icmp.h"

#include "flood_rig.h"

#define CUSTOMERS 20
#define BURST     32
#define STEP_NS   UINT64_C(1000000) /* between bursts: 32,000 echoes a second */

static struct flood f;

static void
lay_ping(uint32_t who, uint16_t id)
{
	uint8_t l4[64] = { f.is_ipv6 ? 128 : 8 };

	flood_put16(l4 + 4, id);
	flood_lay(&f, IN, who, f.is_ipv6 ? PROTO_ICMPV6 : PROTO_ICMP, l4, sizeof(l4), 0);
}

static void
open_icmp(const struct flood_link *link, bool is_ingress)
{
	memset(f.rig.rule, 0, sizeof(f.rig.rule));
	flood_limit(&f, VECTOR_ICMP_FLOOD, 500);
	f.rig.rule[VECTOR_ICMP_FLOOD].max.per_second = 100;
	f.rig.from.is_ingress = is_ingress;
	f.rig.common.is_ingress = is_ingress;
	flood_open(&f, &stage_icmp, "", link);
	if (!is_ingress)
		return;
	/* The rig opens stages for both directions. */
	f.rig.stage->close(f.rig.state);
	f.rig.common.is_ingress = true;
	CU_ASSERT_EQUAL_FATAL(f.rig.stage->open(&f.rig.state, &f.rig.env), 0);
}

/* A second of pings from random sources, or of 4,000 that come again each second. */
static void
flood_for_a_second(bool repeats)
{
	static uint32_t random = 0x30000000;

	for (unsigned int step = 0; step < 1000; step++) {
		f.now_ns += STEP_NS;
		for (unsigned int i = 0; i < BURST; i++)
			lay_ping(repeats ? 0x20000000 + (step * BURST + i) % 4000
			                 : random++,
			         7);
		flood_send(&f, IN);
	}
}

/* Each customer pings once; returns how many passed. */
static unsigned int
customers_ping(void)
{
	unsigned int passed = 0;

	for (uint32_t who = 0; who < CUSTOMERS; who++) {
		lay_ping(who, (uint16_t)(100 + who));
		passed += flood_send(&f, IN) != 0;
	}
	return passed;
}

/* The flood is stopped, and who pings again and again is heard from the second time on. */
static void
who_pings_again_is_let_in(void)
{
	for (size_t k = 0; k < 2 * FLOOD_LINKS; k++) {
		open_icmp(&flood_links[k / 2], k % 2);
		flood_for_a_second(false);
		flood_restart(&f);
		CU_ASSERT(customers_ping() <= 1);
		CU_ASSERT(flood_why(&f, f.dropped, "first_echo") >= CUSTOMERS - 1);
		for (unsigned int round = 0; round < 3; round++) {
			flood_restart(&f);
			flood_for_a_second(false);
			/* A quarter of max_rate, where 32,000 came. */
			CU_ASSERT(f.passed <= 25 + 1);
			CU_ASSERT_EQUAL(customers_ping(), CUSTOMERS);
		}
		/* Another identifier is another sender. */
		lay_ping(0, 99);
		CU_ASSERT_EQUAL(flood_send(&f, IN), 0);
		CU_ASSERT_STRING_EQUAL(f.why[0], "first_echo");
		lay_ping(0, 99);
		CU_ASSERT_EQUAL(flood_send(&f, IN), 0);
		CU_ASSERT_STRING_EQUAL(f.why[0], "echo_request");
		flood_close(&f);
	}
}

/* Where answers go another way, who pinged in calm is known at once. */
static void
who_pinged_in_calm_is_known_in_ingress(void)
{
	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		open_icmp(&flood_links[k], true);
		for (unsigned int round = 0; round < 3; round++, f.now_ns += RIG_SECOND)
			CU_ASSERT_EQUAL(customers_ping(), CUSTOMERS);
		flood_for_a_second(false);
		CU_ASSERT_EQUAL(customers_ping(), CUSTOMERS);
		flood_close(&f);
	}
}

/* A flood that pings again by itself proves nothing: it gets a stranger's part soon. */
static void
repetitions_of_a_flood_prove_nothing(void)
{
	open_icmp(&flood_links[0], false);
	flood_for_a_second(true);
	flood_for_a_second(true);
	flood_restart(&f);
	for (unsigned int round = 0; round < 4; round++)
		flood_for_a_second(true);
	/* Those who were let in before have a quota, and the rest none: 128,000 came. */
	CU_ASSERT(f.passed <= 4 * (1000 + 26));
	CU_ASSERT_EQUAL(flood_why(&f, f.dropped, "first_echo"), 0);
	flood_close(&f);
}

/* One sender who is known lends his claim to 50 echoes a second. */
static void
a_known_sender_may_ping_so_often(void)
{
	unsigned int passed = 0;

	open_icmp(&flood_links[1], false);
	flood_for_a_second(false);
	customers_ping();
	flood_for_a_second(false);
	customers_ping();
	for (unsigned int step = 0; step < 2000; step++) {
		f.now_ns += RIG_MS;
		lay_ping(0, 100);
		passed += flood_send(&f, IN) != 0;
	}
	CU_ASSERT(passed <= 2 * (50 + 25) + 16 && passed >= 100);
	flood_close(&f);
}

static void
monitor_only_counts(void)
{
	open_icmp(&flood_links[0], false);
	f.is_monitored = true;
	flood_for_a_second(false);
	flood_restart(&f);
	CU_ASSERT_EQUAL(customers_ping(), CUSTOMERS);
	CU_ASSERT(flood_why(&f, f.would, "first_echo") >= CUSTOMERS - 1);
	CU_ASSERT_EQUAL(flood_all(f.dropped), 0);
	flood_close(&f);
}

SUITE_MAIN("stage/icmp_echoes", TEST(who_pings_again_is_let_in),
           TEST(who_pinged_in_calm_is_known_in_ingress),
           TEST(repetitions_of_a_flood_prove_nothing),
           TEST(a_known_sender_may_ping_so_often), TEST(monitor_only_counts))
