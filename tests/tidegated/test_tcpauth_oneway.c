/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections that begin while segments flood, where answers go another way: customers'
 * go on, what a forger makes of it is no more than max_rate, and then SYNs are asked.
 */
#include "splice_talk.h"

#define FLOOD_STEPS 2000 /* of 1 ms, 8 segments each */

static void
open_ingress(const char *mode, const char *max)
{
	splice_open((struct splice_keys){ .duplex = "ingress",
	                                  .mode = mode,
	                                  .max = max,
	                                  .tcpauth = "learning_time = \"0s\";" });
	r.now_ns += SECOND;
}

static const char *
bare(const struct talk *t, uint8_t flags, uint32_t seq)
{
	splice_send(t, SIDE_EXTERNAL,
	            (struct segment){ .flags = flags, .seq = seq, .ack = 99 });
	return splice_reason(0);
}

static const char *
syn(const struct talk *t)
{
	return bare(t, TCP_SYN, t->client_isn);
}

static const char *
next(const struct talk *t, uint8_t flags)
{
	return bare(t, flags, t->client_isn + 1);
}

/* The flood's own segments stop at the same moment, and so does what is far from the SYN's. */
static void
who_begins_in_the_flood_goes_on(void)
{
	for (unsigned int k = 0; k < 4; k++) {
		struct talk t = talk_of(k & 1, 10), stranger = talk_of(k & 1, 11);

		t.tags = stranger.tags = k >> 1;
		open_ingress(NULL, NULL);
		splice_arm(VECTOR_TCP_OTHER_FLOOD, true);
		/* Nobody remembers the SYN of a connection that nobody has opened. */
		CU_ASSERT_STRING_EQUAL(next(&t, TCP_ACK), "stray_ack");
		CU_ASSERT_STRING_EQUAL(syn(&t), "passed");
		CU_ASSERT_STRING_EQUAL(next(&t, TCP_ACK), "passed");
		CU_ASSERT_STRING_EQUAL(bare(&t, TCP_ACK, t.client_isn + 1 + (1 << 21)),
		                       "out_of_window");
		CU_ASSERT_STRING_EQUAL(next(&stranger, TCP_ACK), "stray_ack");
		r.now_ns += 5 * SECOND;
		CU_ASSERT_STRING_EQUAL(next(&t, TCP_ACK | TCP_PSH), "passed");
		CU_ASSERT_STRING_EQUAL(next(&t, TCP_FIN | TCP_ACK), "passed");
		CU_ASSERT_STRING_EQUAL(next(&t, TCP_ACK), "passed");
		/* The same ports again, from another number. */
		t.client_isn += 1 << 30;
		CU_ASSERT_STRING_EQUAL(syn(&t), "passed");
		CU_ASSERT_STRING_EQUAL(next(&t, TCP_ACK), "passed");
		splice_close();
	}
}

/* Where both directions pass, the server's answer tells, and a SYN alone opens nothing. */
static void
a_syn_alone_opens_nothing_inline(void)
{
	struct talk t = talk_of(false, 20);

	splice_open((struct splice_keys){ .tcpauth = "learning_time = \"0s\";" });
	r.now_ns += SECOND;
	splice_arm(VECTOR_TCP_OTHER_FLOOD, true);
	CU_ASSERT_STRING_EQUAL(syn(&t), "passed");
	CU_ASSERT_STRING_EQUAL(next(&t, TCP_ACK), "stray_ack");
	splice_close();
}

static void
monitor_only_counts(void)
{
	struct talk t = talk_of(true, 30), stranger = talk_of(true, 31);

	open_ingress("monitor", NULL);
	splice_arm(VECTOR_TCP_OTHER_FLOOD, true);
	CU_ASSERT_STRING_EQUAL(syn(&t), "passed");
	CU_ASSERT_STRING_EQUAL(next(&t, TCP_ACK), "passed");
	CU_ASSERT_EQUAL(splice_books("stray_ack", true), 0);
	CU_ASSERT_STRING_EQUAL(next(&stranger, TCP_ACK), "passed");
	CU_ASSERT_EQUAL(splice_books("stray_ack", true), 1);
	CU_ASSERT_EQUAL(splice_books("stray_ack", false), 0);
	splice_close();
}

/* A customer who was heard in calm, in order, for more than a second. */
static void
grow_known(const struct talk *t)
{
	CU_ASSERT_STRING_EQUAL(syn(t), "passed");
	for (unsigned int k = 0; k < 4; k++, r.now_ns += SECOND / 2)
		CU_ASSERT_STRING_EQUAL(next(t, TCP_ACK), "passed");
}

/* Segments of one forged connection; returns how many passed, beside whom known ones live. */
static unsigned int
flood_by(const struct talk *forged, const struct talk *known)
{
	unsigned int passed = 0;

	for (unsigned int step = 0; step < FLOOD_STEPS; step++, r.now_ns += MS) {
		splice_start(SIDE_EXTERNAL);
		for (unsigned int i = 0; i < 8; i++)
			splice_add(forged,
			           (struct segment){ .flags = TCP_ACK,
			                             .seq = forged->client_isn + 1 });
		passed += (unsigned int)__builtin_popcountll(splice_judge()->live);
		/* 50 segments a second, a quarter of max_rate. */
		if (step % 20 == 0)
			CU_ASSERT_STRING_EQUAL(next(known, TCP_ACK), "passed");
	}
	return passed;
}

/*
 * 8,000 segments a second behind a forged SYN, where 200 are allowed: they get max_rate
 * and no more, known connections lose nothing, and who begins then has to prove himself.
 */
static void
a_forged_syn_buys_max_rate_at_most(void)
{
	for (unsigned int k = 0; k < 2; k++) {
		struct talk forged = talk_of(k, 40), known = talk_of(k, 41);
		struct talk customer = talk_of(k, 0x1042);
		unsigned int passed;
		uint32_t number;

		open_ingress(NULL, "200pps");
		grow_known(&known);
		/* Without the ceiling, that is in calm, all of it comes through. */
		CU_ASSERT_STRING_EQUAL(syn(&forged), "passed");
		CU_ASSERT_EQUAL(flood_by(&forged, &known), 8 * FLOOD_STEPS);
		forged.port++;
		splice_arm(VECTOR_TCP_OTHER_FLOOD, true);
		CU_ASSERT_STRING_EQUAL(syn(&forged), "passed");
		passed = flood_by(&forged, &known);
		CU_ASSERT(passed <= 200 * (FLOOD_STEPS / 1000) + 64);
		CU_ASSERT_STRING_EQUAL(syn(&customer), "bad_ack");
		number = splice_take(SIDE_EXTERNAL)->f.tcp_ack;
		/* A SYN that did not pass opens nothing. */
		CU_ASSERT_STRING_EQUAL(next(&customer, TCP_ACK), "stray_ack");
		CU_ASSERT_STRING_EQUAL(bare(&customer, TCP_RST, number),
		                       "bad_ack_accepted");
		CU_ASSERT_STRING_EQUAL(syn(&customer), "passed");
		CU_ASSERT_STRING_EQUAL(next(&customer, TCP_ACK), "passed");
		/* Two seconds later nobody is asked any more. */
		r.now_ns += 3 * SECOND;
		customer = talk_of(k, 0x2043);
		CU_ASSERT_STRING_EQUAL(syn(&customer), "passed");
		CU_ASSERT_STRING_EQUAL(next(&customer, TCP_ACK), "passed");
		splice_close();
	}
}

/* Neither does it end what is known: a connection goes on from its own numbers. */
static void
a_forged_syn_ends_no_known_connection(void)
{
	struct talk known = talk_of(false, 50), forged = known;

	open_ingress(NULL, NULL);
	grow_known(&known);
	splice_arm(VECTOR_TCP_OTHER_FLOOD, true);
	forged.client_isn += 1 << 30;
	CU_ASSERT_STRING_EQUAL(syn(&forged), "passed");
	CU_ASSERT_STRING_EQUAL(next(&forged, TCP_ACK), "out_of_window");
	CU_ASSERT_STRING_EQUAL(next(&known, TCP_ACK), "passed");
	splice_close();
}

/* A flood of SYNs below its threshold makes no record but in the part for strangers. */
static void
syns_of_calm_displace_nobody(void)
{
	struct talk known = talk_of(false, 60);

	splice_open((struct splice_keys){ .duplex = "ingress",
	                                  .flows = "1k",
	                                  .tcpauth = "learning_time = \"0s\";" });
	r.now_ns += SECOND;
	grow_known(&known);
	for (uint32_t who = 0; who < 8192; who++, r.now_ns += 20 * MS) {
		const struct talk t = talk_of(false, 0x10000 + who);

		CU_ASSERT_STRING_EQUAL(syn(&t), "passed");
		if (who % 512 == 0)
			CU_ASSERT_STRING_EQUAL(next(&known, TCP_ACK), "passed");
	}
	splice_arm(VECTOR_TCP_OTHER_FLOOD, true);
	CU_ASSERT_STRING_EQUAL(next(&known, TCP_ACK), "passed");
	splice_close();
}

SUITE_MAIN("tcpauth_oneway", TEST(who_begins_in_the_flood_goes_on),
           TEST(a_syn_alone_opens_nothing_inline), TEST(monitor_only_counts),
           TEST(a_forged_syn_buys_max_rate_at_most),
           TEST(a_forged_syn_ends_no_known_connection),
           TEST(syns_of_calm_displace_nobody))
