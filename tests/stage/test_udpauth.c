/* SPDX-License-Identifier: BSD-3-Clause */
/* Strangers under a UDP flood: who repeats himself in time comes in, and nobody else. */
#include "stage/udpauth/udpauth.h"

#include "flood_rig.h"

#define KPPS      1000
#define CUSTOMERS 50
#define GAME      9000

static struct flood f;
static const uint8_t data[64] = { 'h', 'e', 'l', 'l', 'o' };

static void
lay(enum side side, uint32_t n, uint16_t port, size_t len)
{
	flood_udp_to(&f, side, n, port, GAME, data, len);
}

static void
open_udpauth(const char *config, const struct flood_link *link)
{
	memset(f.rig.rule, 0, sizeof(f.rig.rule));
	flood_limit(&f, VECTOR_UDP_FLOOD, 5 * KPPS);
	flood_open(&f, &stage_udpauth, config, link);
}

/* 80,000 datagrams a second from random sources; each step is 0.8 ms. */
static uint32_t forged;

static void
attack(unsigned int steps)
{
	for (unsigned int step = 0; step < steps; step++) {
		f.now_ns += 800000;
		for (unsigned int i = 0; i < 64; i++, forged++)
			lay(IN, 0x30000000 + forged, (uint16_t)(1024 + forged % 60000),
			    40);
		flood_send(&f, IN);
	}
}

/* Whether one datagram of visitor n passes. */
static bool
passes(uint32_t n, uint16_t port, size_t len)
{
	lay(IN, n, port, len);
	return flood_send(&f, IN) != 0;
}

static void
talk(void)
{
	for (unsigned int round = 0; round < 4; round++, f.now_ns += RIG_SECOND / 2)
		for (uint32_t n = 0; n < CUSTOMERS; n++) {
			CU_ASSERT_TRUE(passes(n, 5000, 20 + n % 9));
			lay(OUT, n, 5000, 30);
			flood_send(&f, OUT);
		}
}

static void
below_the_threshold_nobody_is_asked(void)
{
	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		open_udpauth("", &flood_links[k]);
		for (uint32_t n = 0; n < 3000; n++) {
			f.now_ns += RIG_MS;
			CU_ASSERT_TRUE_FATAL(passes(n, 5000, 20));
		}
		flood_close(&f);
	}
}

/*
 * The flood passes whole where nobody is armed and not at all where the service is. Players
 * that the inside has answered feel nothing, and a newcomer comes in with his second try.
 */
static void
random_sources_are_stopped_and_players_are_not(void)
{
	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		memset(f.rig.rule, 0, sizeof(f.rig.rule));
		flood_open(&f, &stage_udpauth, "", &flood_links[k]);
		attack(125);
		CU_ASSERT_EQUAL(f.passed, 8000);
		flood_close(&f);

		open_udpauth("", &flood_links[k]);
		talk();
		attack(100);
		flood_restart(&f);
		for (uint32_t n = 0; n < CUSTOMERS; n++) {
			attack(10);
			CU_ASSERT_TRUE(passes(n, 5000, 33));
			CU_ASSERT_FALSE(passes(1000 + n, 6000, 40));
		}
		CU_ASSERT_EQUAL(f.passed, CUSTOMERS);
		attack(500);
		for (uint32_t n = 0; n < CUSTOMERS; n++)
			CU_ASSERT_TRUE(passes(1000 + n, 6000, 40));
		/* From then on they say what they like. */
		attack(50);
		for (uint32_t n = 0; n < CUSTOMERS; n++)
			CU_ASSERT_TRUE(passes(1000 + n, 6000, 10 + n % 50));
		CU_ASSERT_EQUAL(f.passed, 3 * CUSTOMERS);
		CU_ASSERT_EQUAL(flood_why(&f, f.dropped, "first_packet"),
		                (CUSTOMERS * 10 + 550) * 64 + CUSTOMERS);
		CU_ASSERT_EQUAL(flood_all(f.dropped),
		                flood_why(&f, f.dropped, "first_packet"));
		flood_close(&f);
	}
}

static void
monitor_counts_challenges_and_drops_nothing(void)
{
	open_udpauth("", &flood_links[0]);
	talk();
	attack(100);
	flood_restart(&f);
	f.is_monitored = true;
	attack(100);
	CU_ASSERT_TRUE(passes(3, 5000, 20));
	CU_ASSERT_EQUAL(f.passed, 6401);
	CU_ASSERT_EQUAL(flood_all(f.dropped), 0);
	CU_ASSERT_EQUAL(flood_why(&f, f.would, "first_packet"), 6400);
	CU_ASSERT_EQUAL(flood_all(f.would), 6400);
	CU_ASSERT_EQUAL(stage_udpauth.reasons[f.b.reason[0]].class, REASON_CHALLENGE);
	flood_close(&f);
}

/* When a repetition comes, and what becomes of it. */
static void
only_repetitions_in_time_count(void)
{
	static const struct {
		unsigned int after_ms;
		const char *why;
	} table[] = {
		{ 0, "too_early" },       { 50, "too_early" },       { 195, "too_early" },
		{ 210, "passed" },        { 1000, "passed" },        { 7900, "passed" },
		{ 8100, "first_packet" }, { 15000, "first_packet" },
	};

	for (size_t k = 0; k < FLOOD_LINKS; k++)
		for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
			open_udpauth("", &flood_links[k]);
			attack(50);
			CU_ASSERT_FALSE(passes(7, 6000, 40));
			CU_ASSERT_STRING_EQUAL(f.why[0], "first_packet");
			f.now_ns += table[i].after_ms * RIG_MS;
			attack(1);
			passes(7, 6000, 40);
			CU_ASSERT_STRING_EQUAL(f.why[0], table[i].why);
			flood_close(&f);
		}
}

/* The times are the policy's, and another length, port or address is another datagram. */
static void
the_same_datagram_has_to_come_again(void)
{
	open_udpauth("earliest = \"1s\"; latest = \"3s\"; admit_for = \"2s\";",
	             &flood_links[0]);
	attack(50);
	CU_ASSERT_FALSE(passes(7, 6000, 40));
	f.now_ns += 500 * RIG_MS;
	attack(10);
	CU_ASSERT_FALSE(passes(7, 6000, 40));
	f.now_ns += 800 * RIG_MS;
	attack(10);
	CU_ASSERT_FALSE(passes(7, 6000, 41));
	CU_ASSERT_FALSE(passes(7, 6001, 40));
	CU_ASSERT_FALSE(passes(8, 6000, 40));
	CU_ASSERT_TRUE(passes(7, 6000, 40));
	f.now_ns += 1500 * RIG_MS;
	attack(10);
	CU_ASSERT_TRUE(passes(7, 6000, 50));
	/* Silence for longer than admit_for makes him a stranger again. */
	f.now_ns += 2500 * RIG_MS;
	attack(10);
	CU_ASSERT_FALSE(passes(7, 6000, 50));
	flood_close(&f);
}

/* Bots that repeat at once, each with a socket of its own, stay outside for a while. */
static void
tools_that_repeat_at_once_prove_nothing(void)
{
	open_udpauth("", &flood_links[0]);
	attack(100);
	flood_restart(&f);
	for (unsigned int step = 0; step < 190; step++) {
		f.now_ns += RIG_MS;
		for (uint32_t n = 0; n < 64; n++)
			lay(IN, 0x40000000 + n, 7777, 40);
		flood_send(&f, IN);
	}
	CU_ASSERT_EQUAL(f.passed, 0);
	CU_ASSERT_EQUAL(flood_why(&f, f.dropped, "first_packet"), 64);
	CU_ASSERT_EQUAL(flood_why(&f, f.dropped, "too_early"), 189 * 64);
	flood_close(&f);
}

/* A flood that sends everything twice would pass: then nobody is asked, nor believed. */
static void
where_everybody_repeats_repetition_proves_nothing(void)
{
	uint64_t passed;

	open_udpauth("", &flood_links[1]);
	attack(100);
	for (unsigned int round = 0; round < 2; round++) {
		f.now_ns += round * RIG_SECOND;
		for (uint32_t n = 0; n < 6400; n++) {
			lay(IN, 0x50000000 + n, 7777, 40);
			if (n % 64 == 63)
				flood_send(&f, IN);
		}
	}
	flood_restart(&f);
	attack(100);
	passed = f.passed;
	CU_ASSERT_EQUAL(passed, 6400); /* left to the meters that follow */
	f.now_ns += 11 * RIG_SECOND;
	attack(100);
	flood_restart(&f);
	attack(100);
	CU_ASSERT_EQUAL(f.passed, 0);
	flood_close(&f);
}

/* Ports of DNS and QUIC have stages of their own, unless they are named. */
static void
only_some_ports_are_asked(void)
{
	static const uint16_t ports[] = { 53, 443, GAME, 123 };
	static const struct {
		const char *config;
		unsigned int asked; /* a bit for each port */
	} table[] = {
		{ "", 0xc },
		{ "ports = [ \"9000-9010\" ];", 4 },
		{ "ports = [ \"53\", \"120-130\" ];", 9 },
		{ "method = \"off\";", 0 },
	};

	for (size_t k = 0; k < FLOOD_LINKS; k++)
		for (size_t i = 0; i < 4; i++) {
			open_udpauth(table[i].config, &flood_links[k]);
			attack(100);
			for (unsigned int p = 0; p < 4; p++)
				flood_udp_to(&f, IN, 9, 6000, ports[p], data, 40);
			CU_ASSERT_EQUAL(flood_send(&f, IN) ^ 0xf, table[i].asked);
			flood_close(&f);
		}
}

/*
 * The vector is armed, by what earlier stages have stopped: as long as strangers that are
 * left fit into max_rate, newcomers pass with their first datagram.
 */
static void
nobody_is_asked_while_there_is_room(void)
{
	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		open_udpauth("", &flood_links[k]);
		flood_limit(&f, VECTOR_UDP_FLOOD, 5 * KPPS);
		attack(100);
		CU_ASSERT_EQUAL(f.b.live, 0);
		f.now_ns += 3 * RIG_SECOND;
		flood_restart(&f);
		/* 4,000 a second, while the cell stays armed. */
		for (unsigned int i = 0; i < 1000; i++) {
			f.now_ns += RIG_MS / 4;
			passes(0x60000000 + i, 5000, 30);
			CU_ASSERT_EQUAL(f.b.challenged, 1);
		}
		CU_ASSERT_EQUAL(f.passed, 1000);
		/* And 8,000 a second are too many, all of them. */
		for (unsigned int i = 0; i < 1000; i++) {
			if (i == 500)
				flood_restart(&f);
			f.now_ns += RIG_MS / 8;
			passes(0x61000000 + i, 5000, 30);
		}
		CU_ASSERT_EQUAL(f.passed, 0);
		flood_close(&f);
	}
}

/* In ingress nobody knows what the inside has asked; answers have a stage of their own. */
static void
answers_are_not_asked_in_ingress(void)
{
	static const uint16_t from[] = { 53, 123, 443, 5353 };

	for (int is_ingress = 0; is_ingress < 2; is_ingress++) {
		f.rig.from.is_ingress = is_ingress;
		open_udpauth(is_ingress ? "" : "ports = [ \"1-65535\" ];",
		             &flood_links[is_ingress]);
		attack(100);
		for (unsigned int i = 0; i < 4; i++)
			lay(IN, 9, from[i], 40);
		CU_ASSERT_EQUAL(flood_send(&f, IN), is_ingress ? 7 : 0);
		flood_close(&f);
	}
	f.rig.from.is_ingress = false;
}

/*
 * Nor can it be told there which QUIC connections live. So their first packets have to come
 * again as well, which they do; a flood of them does not.
 */
static void
quic_is_asked_in_ingress(void)
{
	static const uint8_t initial[1200] = { 0xc0 };
	unsigned int passed = 0;

	for (size_t k = 0; k < 2 * FLOOD_LINKS; k++) {
		const bool is_ingress = k % 2;

		f.rig.from.is_ingress = is_ingress;
		open_udpauth("", &flood_links[k / 2]);
		attack(100);
		flood_udp_to(&f, IN, 9, 5000, 443, initial, sizeof(initial));
		CU_ASSERT_EQUAL(flood_send(&f, IN), is_ingress ? 0 : 1);
		for (unsigned int i = 0; i < 1000; i++) {
			f.now_ns += RIG_MS;
			for (unsigned int n = 0; n < 8; n++)
				flood_udp_to(&f, IN, 0x50000000 + 8 * i + n, 5000, 443,
				             initial, sizeof(initial));
			passed += lanes_count(flood_send(&f, IN));
		}
		CU_ASSERT_EQUAL(passed, is_ingress ? 0 : 8000);
		passed = 0;
		for (unsigned int n = 0; n < 3; n++) {
			flood_udp_to(&f, IN, 9, 5000, 443, initial, sizeof(initial));
			CU_ASSERT_EQUAL(flood_send(&f, IN), 1);
		}
		flood_close(&f);
	}
	f.rig.from.is_ingress = false;
}

/* What the inside asks outside is answered at once, and never challenged. */
static void
answers_to_the_inside_are_not_asked(void)
{
	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		open_udpauth("", &flood_links[k]);
		attack(100);
		for (uint32_t n = 0; n < CUSTOMERS; n++) {
			CU_ASSERT_FALSE(passes(n, 123, 48));
			lay(OUT, n, 123, 48);
			flood_send(&f, OUT);
			CU_ASSERT_TRUE(passes(n, 123, 48));
		}
		flood_close(&f);
	}
}

/* A stream that nobody answers was heard in calm, and goes on; so do streams in ingress. */
static void
streams_of_calm_go_on(void)
{
	for (int is_ingress = 0; is_ingress < 2; is_ingress++) {
		f.rig.from.is_ingress = is_ingress;
		open_udpauth("", &flood_links[is_ingress]);
		for (unsigned int i = 0; i < 40; i++, f.now_ns += 50 * RIG_MS)
			CU_ASSERT_TRUE(passes(7, 514, 20 + i));
		attack(2000);
		flood_restart(&f);
		for (unsigned int i = 0; i < 40; i++) {
			attack(10);
			CU_ASSERT_TRUE(passes(7, 514, 20 + i));
		}
		CU_ASSERT_EQUAL(f.passed, 40);
		flood_close(&f);
	}
	f.rig.from.is_ingress = false;
}

/* Below the rung `challenge` the vector may be armed, and strangers are only metered. */
static void
nobody_is_asked_below_the_rung(void)
{
	open_udpauth("", &flood_links[0]);
	f.rig.rule[VECTOR_UDP_FLOOD].first = WATCH_POLICE;
	attack(100);
	CU_ASSERT_EQUAL(f.b.armed, UINT64_MAX);
	CU_ASSERT_EQUAL(f.passed, 6400);
	watch_cell(&f.rig.watch, RIG_SERVICE, VECTOR_UDP_FLOOD)->rung = WATCH_CHALLENGE;
	flood_restart(&f);
	attack(100);
	CU_ASSERT_EQUAL(f.passed, 0);
	flood_close(&f);
}

static void
a_drop_is_noted_for_explain(void)
{
	const struct drop_note *note;

	open_udpauth("", &flood_links[1]);
	attack(100);
	CU_ASSERT_FALSE(passes(5, 6000, 40));
	note = drops_find(&f.source_table.drops, f.b.facts[0].src);
	CU_ASSERT_PTR_NOT_NULL_FATAL(note);
	CU_ASSERT_STRING_EQUAL(note->reason, "udpauth.first_packet");
	flood_close(&f);
}

SUITE_MAIN("udpauth", TEST(below_the_threshold_nobody_is_asked),
           TEST(random_sources_are_stopped_and_players_are_not),
           TEST(monitor_counts_challenges_and_drops_nothing),
           TEST(only_repetitions_in_time_count),
           TEST(the_same_datagram_has_to_come_again),
           TEST(tools_that_repeat_at_once_prove_nothing),
           TEST(where_everybody_repeats_repetition_proves_nothing),
           TEST(only_some_ports_are_asked), TEST(answers_to_the_inside_are_not_asked),
           TEST(answers_are_not_asked_in_ingress), TEST(quic_is_asked_in_ingress),
           TEST(streams_of_calm_go_on), TEST(nobody_is_asked_below_the_rung),
           TEST(nobody_is_asked_while_there_is_room), TEST(a_drop_is_noted_for_explain))
