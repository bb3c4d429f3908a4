/* SPDX-License-Identifier: BSD-3-Clause */
/* One source among many: how many connections it may hold, begin, and misuse. */
#include "behaviour_rig.h"

#define SECOND RIG_SECOND

static struct shop s;

static bool
syn(uint32_t n, uint16_t port)
{
	struct wire_tcp t = { TCP_SYN, wire_isn(n, port, IN), 0, 0 };

	return shop_send(&s, IN, wire_segment(&s.w, IN, n, port, t), NULL);
}

static bool
answer(uint32_t n, uint16_t port)
{
	return shop_say(&s, OUT, n, port, (struct say){ 0, 1, NULL, TCP_SYN });
}

static bool
finish(uint32_t n, uint16_t port)
{
	return shop_say(&s, IN, n, port, (struct say){ 1, 1, NULL, 0 });
}

static void
in_every_world(void (*test)(void), const char *config)
{
	for (unsigned int i = 0; i < 4; i++) {
		shop_open(&s, config);
		s.w.is_ipv6 = (i & 1) != 0;
		s.vlan = (i & 2) != 0 ? 100 : 0;
		test();
		shop_close(&s);
	}
}

static void
hold_three(void)
{
	for (uint16_t port = 1; port <= 3; port++)
		CU_ASSERT_TRUE(shop_connect(&s, 7, port));
	CU_ASSERT_FALSE(syn(7, 4));
	CU_ASSERT_STRING_EQUAL(s.reason, "connections");
	CU_ASSERT_EQUAL(s.resets, 0);
	/* Others connect, and what is open goes on. */
	CU_ASSERT_TRUE(shop_connect(&s, 8, 1));
	CU_ASSERT_TRUE(shop_say(&s, IN, 7, 1, (struct say){ 1, 1, "x", 0 }));
	/* One is closed, one may come. */
	shop_say(&s, OUT, 7, 2, (struct say){ 1, 1, NULL, TCP_FIN });
	shop_say(&s, IN, 7, 2, (struct say){ 1, 2, NULL, TCP_FIN });
	CU_ASSERT_TRUE(shop_connect(&s, 7, 4));
	CU_ASSERT_FALSE(syn(7, 5));
}

static void
a_source_holds_so_many_connections(void)
{
	in_every_world(hold_three, "max_connections = \"3\";");
}

/* Handshakes that run side by side all pass their SYN; the one too many is not completed. */
static void
refuse_the_fourth(void)
{
	for (uint16_t port = 1; port <= 4; port++) {
		CU_ASSERT_TRUE(syn(7, port));
		answer(7, port);
	}
	for (uint16_t port = 1; port <= 3; port++)
		CU_ASSERT_TRUE(finish(7, port));
	CU_ASSERT_FALSE(finish(7, 4));
	CU_ASSERT_STRING_EQUAL(s.reason, "connections");
	CU_ASSERT_EQUAL(s.resets, 2);
	CU_ASSERT_TRUE(shop_was_reset(&s, IN, 7, 4, 1));
	CU_ASSERT_TRUE(shop_was_reset(&s, OUT, 7, 4, 1));
	CU_ASSERT_TRUE(shop_say(&s, IN, 7, 3, (struct say){ 1, 1, "x", 0 }));
	/* A forger's SYNs and guesses count for nothing. */
	for (uint16_t port = 100; port < 400; port++) {
		CU_ASSERT_TRUE(syn(8, port));
		answer(8, port);
		shop_say(&s, IN, 8, port, (struct say){ 1, 77, NULL, 0 });
	}
	CU_ASSERT_TRUE(shop_connect(&s, 8, 1));
}

static void
a_handshake_too_many_is_reset(void)
{
	in_every_world(refuse_the_fourth, "max_connections = \"3\";");
}

static void
begin_eight(void)
{
	unsigned int passed = 0;

	/* Completed ones are given back, so they are without number. */
	for (uint16_t port = 1; port <= 100; port++)
		CU_ASSERT_TRUE(shop_connect(&s, 7, port));
	for (uint16_t port = 101; port <= 150; port++)
		passed += syn(7, port);
	CU_ASSERT_EQUAL(passed, 8);
	CU_ASSERT_STRING_EQUAL(s.reason, "half_open");
	CU_ASSERT_TRUE(shop_say(&s, IN, 7, 1, (struct say){ 1, 1, "x", 0 }));
	CU_ASSERT_TRUE(syn(8, 1));
	/* They are forgotten one by one: eight in ten seconds. */
	shop_wait(&s, 5 * SECOND + SECOND / 10);
	for (uint16_t port = 201; port <= 250; port++)
		passed += syn(7, port);
	CU_ASSERT_EQUAL(passed, 12);
	CU_ASSERT_EQUAL(s.resets, 0);
	CU_ASSERT_EQUAL(s.w.source_table.epoch, 1); /* nobody was blocked */
}

static void
a_source_begins_so_many_handshakes(void)
{
	in_every_world(begin_eight, "max_half_open = \"8\";");
}

static void
misuse_five(void)
{
	struct notice n;

	for (uint16_t port = 1; port <= 4; port++)
		CU_ASSERT_TRUE(shop_connect(&s, 7, port));
	shop_wait(&s, 8 * SECOND);
	CU_ASSERT_FALSE(notices_take(&s.rig.notices, &n));
	/* Four were ended; he comes again, and the fifth is the last. */
	CU_ASSERT_TRUE(shop_connect(&s, 7, 11));
	shop_wait(&s, 8 * SECOND);
	CU_ASSERT_TRUE(shop_connect(&s, 7, 12));
	CU_ASSERT_TRUE(notices_take(&s.rig.notices, &n));
	CU_ASSERT_EQUAL(n.value, 5);
	CU_ASSERT_EQUAL(n.threshold, 5);
	CU_ASSERT_STRING_EQUAL(n.unit, "connections");
	CU_ASSERT_FALSE(shop_say(&s, IN, 7, 12, (struct say){ 1, 1, "x", 0 }));
	CU_ASSERT_STRING_EQUAL(s.reason, "blocked");
	/* Its open connections are ended, or the server would wait for them. */
	s.resets = 0;
	shop_wait(&s, 4 * SECOND);
	CU_ASSERT_TRUE(shop_was_reset(&s, OUT, 7, 12, 1));
	CU_ASSERT_EQUAL(s.timed[false][6], 1);
	/* A customer that made less of it, with calm in between, is not blocked. */
	for (uint16_t port = 1; port <= 10; port++) {
		CU_ASSERT_TRUE(shop_connect(&s, 8, port));
		shop_wait(&s, 70 * SECOND);
	}
	CU_ASSERT_FALSE(notices_take(&s.rig.notices, &n));
}

static void
a_source_that_goes_on_is_blocked(void)
{
	in_every_world(misuse_five,
	               "initial_time = \"5s\"; block_after = 5; block_for = \"60s\";");
}

/* More than one burst can tell of, and lively all of them: none keeps its place. */
static void
end_all_of_a_blocked_source(void)
{
	for (uint16_t port = 1; port <= 100; port++)
		CU_ASSERT_TRUE(shop_connect(&s, 7, port));
	CU_ASSERT_TRUE(shop_connect(&s, 8, 1));
	shop_wait(&s, 3 * SECOND);
	CU_ASSERT_EQUAL(s.resets, 0);
	CU_ASSERT_TRUE(shop_say(&s, IN, 7, 1, (struct say){ 1, 1, "x", 0 }));
	source_block(&s.w.source_table, flow_at(&s.w.flow_table, s.w.b.flow[0])->source,
	             s.w.now_ns, 60 * SECOND);
	shop_wait(&s, 20 * SECOND);
	CU_ASSERT_EQUAL(s.timed[false][6], 100);
	CU_ASSERT_TRUE(shop_say(&s, IN, 8, 1, (struct say){ 1, 1, "x", 0 }));
}

static void
a_blocked_source_keeps_no_place(void)
{
	in_every_world(end_all_of_a_blocked_source, "idle_limit = \"1h\";");
}

/* Blocked before a packet of the new connection came this far: the server holds it all the same. */
static void
end_what_nothing_was_heard_of(void)
{
	uint32_t slot;

	/* A handshake that other stages had in hand; here the server is the first to speak. */
	s.vlan = 0; /* which they do not tag */
	CU_ASSERT_TRUE(wire_connect(&s.w, 7, 1));
	slot = s.w.b.flow[0];
	CU_ASSERT_TRUE(shop_say(&s, OUT, 7, 1, (struct say){ 1, 1, "hello", 0 }));
	shop_wait(&s, 20 * SECOND);
	CU_ASSERT_EQUAL(s.resets, 0);
	source_block(&s.w.source_table, flow_at(&s.w.flow_table, slot)->source,
	             s.w.now_ns, 60 * SECOND);
	shop_wait(&s, 5 * SECOND);
	CU_ASSERT_EQUAL(s.timed[false][6], 1);
	CU_ASSERT_TRUE(shop_was_reset(&s, OUT, 7, 1, 1));
	CU_ASSERT_TRUE(shop_was_reset(&s, IN, 7, 1, 6));
}

static void
a_connection_nothing_was_heard_of_is_ended_too(void)
{
	in_every_world(end_what_nothing_was_heard_of, "idle_limit = \"10s\";");
}

/* In monitor nobody is refused, reset or blocked, and all of it is counted. */
static void
count_only(void)
{
	struct notice n;

	s.is_monitored = true;
	for (uint16_t port = 1; port <= 20; port++)
		CU_ASSERT_TRUE(shop_connect(&s, 7, port));
	/* Above 3 held: a SYN and a proof of each of 17. */
	CU_ASSERT_EQUAL(s.would, 2 * 17);
	shop_wait(&s, 30 * SECOND);
	CU_ASSERT_EQUAL(s.timed[true][2], 3); /* the others would have been refused */
	for (uint16_t port = 21; port <= 40; port++)
		CU_ASSERT_TRUE(shop_connect(&s, 7, port));
	CU_ASSERT_EQUAL(s.resets, 0);
	CU_ASSERT_FALSE(notices_take(&s.rig.notices, &n));
	CU_ASSERT_EQUAL(s.timed[false][2], 0);
}

static void
monitor_counts_and_touches_nothing(void)
{
	in_every_world(count_only, "max_connections = \"3\"; initial_time = \"5s\";"
	                           " block_after = 1; block_for = \"60s\";");
}

SUITE_MAIN("behaviour_many", TEST(a_source_holds_so_many_connections),
           TEST(a_handshake_too_many_is_reset), TEST(a_source_begins_so_many_handshakes),
           TEST(a_source_that_goes_on_is_blocked), TEST(a_blocked_source_keeps_no_place),
           TEST(a_connection_nothing_was_heard_of_is_ended_too),
           TEST(monitor_counts_and_touches_nothing))
