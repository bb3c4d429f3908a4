/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections that are kept to be kept end; those that serve somebody do not. */
#include <errno.h>

#include "behaviour_rig.h"

#define SECOND RIG_SECOND

static struct shop s;

static const struct world {
	bool is_ipv6;
	uint16_t vlan;
} worlds[] = { { false, 0 }, { true, 0 }, { false, 100 }, { true, 100 } };

static void
open_in(const struct world *world, const char *config)
{
	shop_open(&s, config);
	s.w.is_ipv6 = world->is_ipv6;
	s.vlan = world->vlan;
}

#define WORLDS_FOREACH(w) for (const struct world *w = worlds; w < worlds + 4; w++)

/* Off is off: nothing is dropped, ended, counted or waited for. */
static void
nothing_happens_unless_configured(void)
{
	WORLDS_FOREACH(w)
	{
		open_in(w, "");
		for (uint16_t port = 1; port <= 300; port++)
			CU_ASSERT_TRUE(shop_connect(&s, 7, port));
		CU_ASSERT_FALSE(s.rig.stage->is_waiting(s.rig.state));
		shop_wait(&s, 3000 * SECOND);
		for (uint16_t port = 1; port <= 300; port++)
			CU_ASSERT_TRUE(
				shop_say(&s, IN, 7, port, (struct say){ 1, 1, "x", 0 }));
		CU_ASSERT_EQUAL(s.resets, 0);
		shop_close(&s);
	}
}

/* Who connects and says nothing is ended without a packet of his, with exact numbers. */
static void
a_silent_connection_ends_by_the_clock(void)
{
	WORLDS_FOREACH(w)
	{
		open_in(w, "initial_time = \"5s\"; initial_bytes = \"10\";");
		CU_ASSERT_TRUE(shop_connect(&s, 7, 1));
		CU_ASSERT_TRUE(shop_connect(&s, 8, 1));
		CU_ASSERT_TRUE(
			shop_say(&s, IN, 8, 1, (struct say){ 1, 1, "0123456789", 0 }));
		shop_wait(&s, 5 * SECOND);
		CU_ASSERT_EQUAL(s.resets, 0);
		shop_wait(&s, 3 * SECOND);
		CU_ASSERT_EQUAL(s.resets, 2);
		CU_ASSERT_TRUE(shop_was_reset(&s, IN, 7, 1, 1));
		CU_ASSERT_TRUE(shop_was_reset(&s, OUT, 7, 1, 1));
		CU_ASSERT_EQUAL(s.timed[false][2], 1);
		/* What he says then reaches nobody; the other goes on. */
		CU_ASSERT_FALSE(shop_say(&s, IN, 7, 1, (struct say){ 1, 1, "late", 0 }));
		CU_ASSERT_STRING_EQUAL(s.reason, "initial");
		CU_ASSERT_TRUE(shop_say(&s, IN, 8, 1, (struct say){ 11, 1, "more", 0 }));
		CU_ASSERT_EQUAL(s.resets, 2);
		shop_close(&s);
	}
}

/* Learn judges nobody, so nothing is due either; what is learned counts from then on. */
static void
in_learn_nothing_is_even_counted(void)
{
	open_in(worlds, "initial_time = \"5s\"; idle_limit = \"20s\";");
	s.is_learned = true;
	CU_ASSERT_TRUE(shop_connect(&s, 7, 1));
	CU_ASSERT_TRUE(shop_say(&s, IN, 7, 1, (struct say){ 1, 1, "x", 0 }));
	CU_ASSERT_TRUE(shop_connect(&s, 8, 1));
	shop_wait(&s, 100 * SECOND);
	CU_ASSERT_TRUE(shop_say(&s, IN, 8, 1, (struct say){ 1, 1, NULL, 0 }));
	CU_ASSERT_EQUAL(s.timed[true][2] + s.timed[false][2] + s.timed[true][5] +
	                        s.timed[false][5] + s.resets + s.would,
	                0);
	s.is_learned = false;
	CU_ASSERT_FALSE(shop_say(&s, IN, 8, 1, (struct say){ 1, 1, NULL, 0 }));
	CU_ASSERT_STRING_EQUAL(s.reason, "initial");
	CU_ASSERT_EQUAL(s.resets, 2);
	shop_close(&s);
}

/* Monitor: the same is counted, once for each connection, and nothing is on the wire. */
static void
in_monitor_nothing_happens_but_counting(void)
{
	WORLDS_FOREACH(w)
	{
		open_in(w, "initial_time = \"5s\"; initial_bytes = \"10\";"
		           " max_connections = \"3\"; max_half_open = \"4\";");
		s.is_monitored = true;
		CU_ASSERT_TRUE(shop_connect(&s, 7, 1));
		shop_wait(&s, 20 * SECOND);
		CU_ASSERT_EQUAL(s.timed[true][2], 1);
		CU_ASSERT_TRUE(shop_say(&s, IN, 7, 1, (struct say){ 1, 1, "x", 0 }));
		CU_ASSERT_EQUAL(s.would, 0);
		for (uint16_t port = 2; port <= 5; port++)
			CU_ASSERT_TRUE(shop_connect(&s, 7, port));
		CU_ASSERT(s.would > 0);
		CU_ASSERT_EQUAL(s.resets, 0);
		CU_ASSERT_EQUAL(s.timed[false][2], 0);
		shop_close(&s);
	}
}

/* A customer brings what is asked in time and then is silent for as long as he likes. */
static void
who_has_brought_his_bytes_is_left_alone(void)
{
	WORLDS_FOREACH(w)
	{
		open_in(w, "initial_time = \"5s\"; initial_bytes = \"3\";"
		           " header_time = \"5s\"; http_ports = [ \"443\" ];");
		CU_ASSERT_TRUE(shop_connect(&s, 7, 1));
		CU_ASSERT_TRUE(
			shop_say(&s, IN, 7, 1, (struct say){ 1, 1, "GET /\r\n\r\n", 0 }));
		shop_wait(&s, 1000 * SECOND);
		CU_ASSERT_TRUE(shop_say(&s, IN, 7, 1, (struct say){ 10, 1, "x", 0 }));
		CU_ASSERT_EQUAL(s.resets, 0);
		shop_close(&s);
	}
}

/* Slowloris: a header that never ends, however lively it drips. */
static void
a_header_that_never_ends_ends_the_connection(void)
{
	static const char *const ends[] = { "\r\n\r\n", "\n\n", "\r\n\n",
		                            "b\r\n\r\nbody" };

	WORLDS_FOREACH(w)
	{
		uint32_t at = 1;

		open_in(w,
		        "header_time = \"10s\"; http_ports = [ \"80\", \"400-500\" ];");
		CU_ASSERT_TRUE(shop_connect(&s, 7, 1));
		CU_ASSERT_TRUE(shop_say(&s, IN, 7, 1,
		                        (struct say){ at, 1, "GET / HTTP/1.1\r\n", 0 }));
		at += 16;
		for (unsigned int i = 0; i < 9; i++, at += 5) {
			shop_wait(&s, SECOND);
			CU_ASSERT_TRUE(shop_say(&s, IN, 7, 1,
			                        (struct say){ at, 1, "a: 1\n", 0 }));
		}
		CU_ASSERT_EQUAL(s.resets, 0);
		shop_wait(&s, 3 * SECOND);
		CU_ASSERT_TRUE(shop_was_reset(&s, IN, 7, 1, 1));
		CU_ASSERT_TRUE(shop_was_reset(&s, OUT, 7, 1, at));
		CU_ASSERT_EQUAL(s.timed[false][3], 1);
		shop_close(&s);
	}
	/* However the end looks, and wherever segments part it, it is found. */
	for (size_t e = 0; e < sizeof(ends) / sizeof(*ends); e++)
		for (size_t cut = 0; cut <= strlen(ends[e]); cut++) {
			const char *start = "GET / HTTP/1.1\r\nHost: a";
			char first[64];

			open_in(worlds,
			        "header_time = \"2s\"; http_ports = [ \"443\" ];");
			CU_ASSERT_TRUE(shop_connect(&s, 7, 1));
			snprintf(first, sizeof(first), "%s%.*s", start, (int)cut,
			         ends[e]);
			CU_ASSERT_TRUE(
				shop_say(&s, IN, 7, 1, (struct say){ 1, 1, first, 0 }));
			if (ends[e][cut] != 0)
				shop_say(&s, IN, 7, 1,
				         (struct say){ 1 + (uint32_t)strlen(first), 1,
				                       ends[e] + cut, 0 });
			shop_wait(&s, 60 * SECOND);
			CU_ASSERT_EQUAL(s.resets, 0);
			shop_close(&s);
		}
}

/* The server answered: whatever comes next is no first header. A lost piece is no fault. */
static void
a_header_that_cannot_be_read_is_believed(void)
{
	open_in(worlds, "header_time = \"2s\"; http_ports = [ \"443\" ];");
	CU_ASSERT_TRUE(shop_connect(&s, 7, 1));
	shop_say(&s, IN, 7, 1, (struct say){ 1, 1, "GET", 0 });
	shop_say(&s, OUT, 7, 1, (struct say){ 1, 4, "HTTP/1.1 400\r\n", 0 });
	CU_ASSERT_TRUE(shop_connect(&s, 7, 2));
	shop_say(&s, IN, 7, 2, (struct say){ 100, 1, "after a gap", 0 });
	/* Another port speaks no HTTP, and what the shop opens is no client's. */
	shop_wait(&s, 60 * SECOND);
	CU_ASSERT_EQUAL(s.resets, 0);
	shop_close(&s);
	open_in(worlds, "header_time = \"2s\"; http_ports = [ \"80\" ];");
	CU_ASSERT_TRUE(shop_connect(&s, 7, 1));
	shop_say(&s, IN, 7, 1, (struct say){ 1, 1, "SSH", 0 });
	shop_wait(&s, 60 * SECOND);
	CU_ASSERT_EQUAL(s.resets, 0);
	shop_close(&s);
}

/* A greeting server is waited for: the clock starts when it has spoken. */
static void
a_late_greeting_restarts_the_clock(void)
{
	open_in(worlds, "initial_time = \"5s\";");
	CU_ASSERT_TRUE(shop_connect(&s, 7, 1));
	shop_wait(&s, 4 * SECOND);
	shop_say(&s, OUT, 7, 1, (struct say){ 1, 1, "220 hello\r\n", 0 });
	shop_wait(&s, 4 * SECOND);
	CU_ASSERT_EQUAL(s.resets, 0);
	shop_wait(&s, 4 * SECOND);
	/* The client's next number is the server's greeting's end, acknowledged or not. */
	CU_ASSERT_TRUE(shop_was_reset(&s, IN, 7, 1, 12));
	CU_ASSERT_TRUE(shop_was_reset(&s, OUT, 7, 1, 1));
	shop_close(&s);
}

/* A body that drips: below the rate for two times, and gone with the next drop. */
static void
a_client_that_drips_is_ended(void)
{
	WORLDS_FOREACH(w)
	{
		uint32_t at = 1;
		unsigned int drops = 0;

		open_in(w, "min_rate = \"800bit/s\"; min_rate_time = \"5s\";");
		CU_ASSERT_TRUE(shop_connect(&s, 7, 1));
		shop_say(&s, IN, 7, 1,
		         (struct say){ at, 1, "POST / HTTP/1.1\r\n\r\n", 0 });
		at += 19;
		for (unsigned int i = 0; i < 20 && s.resets == 0; i++, drops++) {
			shop_wait(&s, SECOND);
			if (shop_say(&s, IN, 7, 1, (struct say){ at, 1, "drop", 0 }))
				at += 4;
			else
				CU_ASSERT_STRING_EQUAL(s.reason, "min_rate");
		}
		CU_ASSERT(drops >= 10 && drops <= 13);
		CU_ASSERT_TRUE(shop_was_reset(&s, IN, 7, 1, 1));
		/* The server has acknowledged nothing; both numbers that may fit are tried. */
		CU_ASSERT_TRUE(shop_was_reset(&s, OUT, 7, 1, at));
		CU_ASSERT_TRUE(shop_was_reset(&s, OUT, 7, 1, 1));
		shop_close(&s);
	}
}

/* Nobody is slow who is not waited for. */
static void
downloads_idlers_and_stalls_are_not_slow(void)
{
	WORLDS_FOREACH(w)
	{
		uint32_t at = 1, out = 1;

		open_in(w, "min_rate = \"8kbit/s\"; min_rate_time = \"5s\";");
		/* A download: the client only acknowledges, for minutes. */
		CU_ASSERT_TRUE(shop_connect(&s, 7, 1));
		shop_say(&s, IN, 7, 1, (struct say){ 1, 1, "GET", 0 });
		for (unsigned int i = 0; i < 200; i++, out += 4) {
			shop_wait(&s, SECOND);
			shop_say(&s, OUT, 7, 1, (struct say){ out, 4, "data", 0 });
			CU_ASSERT_TRUE(shop_say(&s, IN, 7, 1,
			                        (struct say){ 4, out + 4, NULL, 0 }));
		}
		/* Small questions with small answers, seconds apart; then a long silence. */
		CU_ASSERT_TRUE(shop_connect(&s, 8, 1));
		for (unsigned int i = 0; i < 50; i++) {
			shop_wait(&s, 7 * SECOND);
			CU_ASSERT_TRUE(shop_say(&s, IN, 8, 1,
			                        (struct say){ at + i, 1 + i, "?", 0 }));
			shop_say(&s, OUT, 8, 1,
			         (struct say){ 1 + i, at + i + 1, "!", 0 });
		}
		shop_wait(&s, 3000 * SECOND);
		CU_ASSERT_TRUE(shop_say(&s, IN, 8, 1, (struct say){ 51, 51, "?", 0 }));
		/* A long poll: asked at once, answered after minutes, while he keeps alive. */
		for (unsigned int i = 0; i < 10; i++) {
			shop_wait(&s, 30 * SECOND);
			CU_ASSERT_TRUE(
				shop_say(&s, IN, 8, 1, (struct say){ 51, 51, "?", 0 }));
			CU_ASSERT_TRUE(
				shop_say(&s, IN, 8, 1, (struct say){ 51, 51, NULL, 0 }));
		}
		/* A fast upload whose radio is away for a minute, and comes back. */
		CU_ASSERT_TRUE(shop_connect(&s, 9, 1));
		for (unsigned int i = 0; i < 300; i++) {
			static const char text[] =
				"0123456789012345678901234567890123456789012345678901"
				"234567890123456789012345678901234567890123456789";

			shop_wait(&s, i == 77 ? 60 * SECOND : 50 * RIG_MS);
			CU_ASSERT_TRUE(shop_say(&s, IN, 9, 1,
			                        (struct say){ 1 + 100 * i, 1, text, 0 }));
		}
		CU_ASSERT_EQUAL(s.resets, 0);
		shop_close(&s);
	}
}

/* Nothing new in either direction; keep-alives and repetitions are nothing new. */
static void
an_idle_connection_ends_and_a_lively_one_does_not(void)
{
	WORLDS_FOREACH(w)
	{
		uint32_t out = 1;

		open_in(w, "idle_limit = \"30s\";");
		CU_ASSERT_TRUE(shop_connect(&s, 7, 1));
		CU_ASSERT_TRUE(shop_connect(&s, 8, 1));
		shop_say(&s, IN, 7, 1, (struct say){ 1, 1, "a", 0 });
		shop_say(&s, OUT, 7, 1, (struct say){ 1, 2, "b", 0 });
		for (unsigned int i = 0; i < 6; i++, out += 4) {
			shop_wait(&s, 10 * SECOND);
			shop_say(&s, IN, 7, 1, (struct say){ 1, 2, "a", 0 });
			shop_say(&s, OUT, 7, 1, (struct say){ 1, 2, "b", 0 });
			shop_say(&s, OUT, 8, 1, (struct say){ out, 1, "news", 0 });
		}
		CU_ASSERT_TRUE(shop_was_reset(&s, IN, 7, 1, 2));
		CU_ASSERT_TRUE(shop_was_reset(&s, OUT, 7, 1, 2));
		CU_ASSERT_EQUAL(s.resets, 2);
		CU_ASSERT_EQUAL(s.timed[false][5], 1);
		CU_ASSERT_TRUE(shop_say(&s, IN, 8, 1, (struct say){ 1, out, "x", 0 }));
		shop_close(&s);
	}
}

/* The next connection on the same ports is a new one. */
static void
the_same_ports_may_connect_again(void)
{
	open_in(worlds, "initial_time = \"5s\";");
	CU_ASSERT_TRUE(shop_connect(&s, 7, 1));
	shop_wait(&s, 8 * SECOND);
	CU_ASSERT_EQUAL(s.resets, 2);
	CU_ASSERT_TRUE(shop_connect(&s, 7, 1));
	CU_ASSERT_TRUE(shop_say(&s, IN, 7, 1, (struct say){ 1, 1, "hello", 0 }));
	shop_wait(&s, 60 * SECOND);
	CU_ASSERT_EQUAL(s.resets, 2);
	CU_ASSERT_TRUE(shop_say(&s, IN, 7, 1, (struct say){ 6, 1, "hello", 0 }));
	shop_close(&s);
}

/* Who is told: both, the server alone, or nobody. */
static void
the_response_is_what_was_configured(void)
{
	open_in(worlds, "initial_time = \"5s\"; response = \"server\";");
	CU_ASSERT_TRUE(shop_connect(&s, 7, 1));
	shop_wait(&s, 8 * SECOND);
	CU_ASSERT_EQUAL(s.resets, 1);
	CU_ASSERT_TRUE(shop_was_reset(&s, OUT, 7, 1, 1));
	CU_ASSERT_FALSE(shop_say(&s, IN, 7, 1, (struct say){ 1, 1, "late", 0 }));
	shop_close(&s);
	open_in(worlds, "initial_time = \"5s\"; response = \"drop\";");
	CU_ASSERT_TRUE(shop_connect(&s, 7, 1));
	shop_wait(&s, 8 * SECOND);
	CU_ASSERT_EQUAL(s.resets, 0);
	CU_ASSERT_EQUAL(s.timed[false][2], 1);
	CU_ASSERT_FALSE(shop_say(&s, IN, 7, 1, (struct say){ 1, 1, "late", 0 }));
	CU_ASSERT_STRING_EQUAL(s.reason, "initial");
	shop_close(&s);
}

/* The client of a spliced connection knows other numbers than the server. */
static void
a_spliced_client_is_reset_in_its_own_numbers(void)
{
	const uint32_t delta = 0xfedcba98;
	uint32_t slot;

	open_in(worlds, "initial_time = \"5s\";");
	CU_ASSERT_TRUE(shop_connect(&s, 7, 1));
	slot = s.w.b.flow[0];
	flow_at(&s.w.flow_table, slot)->state |= FLOW_SPLICED;
	s.w.flow_table.splice[slot] =
		(struct splice){ .state = SPLICE_OPEN, .delta = delta };
	shop_wait(&s, 8 * SECOND);
	CU_ASSERT_EQUAL(s.resets, 2);
	CU_ASSERT_TRUE(shop_was_reset(&s, IN, 7, 1, 1 + delta));
	CU_ASSERT_TRUE(shop_was_reset(&s, OUT, 7, 1, 1));
	shop_close(&s);
}

/* More connections end at once than one burst can tell of: the others follow. */
static void
many_end_in_several_bursts(void)
{
	open_in(worlds, "initial_time = \"5s\"; response = \"server\";");
	for (uint16_t port = 1; port <= 200; port++)
		CU_ASSERT_TRUE(shop_connect(&s, 7, port));
	shop_wait(&s, 12 * SECOND);
	CU_ASSERT_EQUAL(s.timed[false][2], 200);
	CU_ASSERT_FALSE(s.rig.stage->is_waiting(s.rig.state));
	shop_close(&s);
}

/* Without a place for its link header a connection is ended with its next packet. */
static void
a_full_table_of_links_ends_with_the_next_packet(void)
{
	enum { ROUTERS = 1500 };
	unsigned int late = 0;

	open_in(worlds, "initial_time = \"5s\"; response = \"server\";");
	for (s.router = 1; s.router <= ROUTERS; s.router++)
		CU_ASSERT_TRUE(shop_connect(&s, s.router, 1));
	shop_wait(&s, 9 * SECOND);
	CU_ASSERT(s.timed[false][2] > 900 && s.timed[false][2] < 1025);
	for (s.router = 1; s.router <= ROUTERS; s.router++) {
		s.resets = 0;
		CU_ASSERT_FALSE(
			shop_say(&s, IN, s.router, 1, (struct say){ 1, 1, NULL, 0 }));
		CU_ASSERT_STRING_EQUAL(s.reason, "initial");
		late += s.resets;
	}
	CU_ASSERT_EQUAL(late + s.timed[false][2], ROUTERS);
	shop_close(&s);
}

/* Which ports speak plain HTTP cannot be guessed. */
static void
header_time_needs_its_ports(void)
{
	static const char config[] = "header_time = \"5s\";";
	struct conf_errors errors = { 0 };
	void *params = calloc(1, stage_behaviour.params_size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(params);
	CU_ASSERT_EQUAL_FATAL(conf_read_text(config, strlen(config), "rig",
	                                     stage_behaviour.fields, params, &errors),
	                      0);
	CU_ASSERT_EQUAL(
		stage_behaviour.compile(params, &(struct stage_compile){ 0 }, &errors),
		-EINVAL);
	CU_ASSERT_EQUAL_FATAL(errors.count, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(errors.error[0].message, "http_ports"));
	conf_release(stage_behaviour.fields, params);
	conf_errors_free(&errors);
	free(params);
}

SUITE_MAIN("behaviour", TEST(nothing_happens_unless_configured),
           TEST(a_silent_connection_ends_by_the_clock),
           TEST(in_monitor_nothing_happens_but_counting),
           TEST(who_has_brought_his_bytes_is_left_alone),
           TEST(a_header_that_never_ends_ends_the_connection),
           TEST(a_header_that_cannot_be_read_is_believed),
           TEST(a_late_greeting_restarts_the_clock), TEST(a_client_that_drips_is_ended),
           TEST(downloads_idlers_and_stalls_are_not_slow),
           TEST(an_idle_connection_ends_and_a_lively_one_does_not),
           TEST(the_same_ports_may_connect_again),
           TEST(the_response_is_what_was_configured),
           TEST(a_spliced_client_is_reset_in_its_own_numbers),
           TEST(many_end_in_several_bursts), TEST(in_learn_nothing_is_even_counted),
           TEST(a_full_table_of_links_ends_with_the_next_packet),
           TEST(header_time_needs_its_ports))
