/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What belongs to a connection by its numbers, and what does not: RFC 9293 3.10.7.4,
 * RFC 5961 3.2 and 5.2, with every number also where it wraps.
 */
#include <string.h>

#include "flow/flow.h"
#include "suite.h"

#define L4       34u
#define CLIENT   UINT32_C(1000) /* ISN of the client, plus where the rig starts */
#define SERVER   UINT32_C(700000)
#define LEAST    FLOW_LEAST_WINDOW
#define GUESS    FLOW_GUESS_WINDOW
#define UNKNOWN  255
#define SHIFT(w) ((UINT32_C(1) << (w)))

static struct flow_table t;
static struct burst b;
static uint32_t base; /* added to every number */

static const uint32_t bases[] = { 0, UINT32_C(0x7fffff00), UINT32_C(0xfffffff0) - CLIENT,
	                          UINT32_C(0xfffffff0) - SERVER, UINT32_MAX - 50000 };

/* A segment; `scale` only in an opening, UNKNOWN: without options. */
struct segment {
	uint8_t flags;
	uint32_t seq, ack; /* from base on */
	uint16_t len, window;
	uint8_t scale;
};

static uint8_t bytes[L4 + 60];

static struct facts
facts_of(enum side side, struct segment s)
{
	struct facts f = { .flags = FACT_IP, .proto = PROTO_TCP, .l4_off = L4 };
	uint8_t *out = side == SIDE_EXTERNAL ? f.src : f.dst;
	uint8_t *in = side == SIDE_EXTERNAL ? f.dst : f.src;
	const bool has_scale = s.scale != UNKNOWN && (s.flags & TCP_SYN) != 0;

	out[15] = 1;
	in[15] = 2;
	f.src_port = side == SIDE_EXTERNAL ? 1024 : 443;
	f.dst_port = side == SIDE_EXTERNAL ? 443 : 1024;
	f.tcp_flags = s.flags;
	f.tcp_seq = base + s.seq;
	f.tcp_ack = base + s.ack;
	f.payload_len = s.len;
	f.payload_off = (uint16_t)(L4 + (has_scale ? 24 : 20));
	memset(bytes, 0, sizeof(bytes));
	bytes[L4 + 12] = has_scale ? 0x60 : 0x50;
	bytes[L4 + 13] = s.flags;
	bytes[L4 + 14] = (uint8_t)(s.window >> 8);
	bytes[L4 + 15] = (uint8_t)s.window;
	if (has_scale)
		memcpy(&bytes[L4 + 20], (uint8_t[]){ 1, 3, 3, s.scale }, 4);
	return f;
}

static struct flow *
see(enum side side, struct segment s)
{
	burst_start(&b, 1000000000, 0, side);
	b.count = 1;
	b.live = 1;
	b.facts[0] = facts_of(side, s);
	b.bytes[0] = bytes;
	flow_find_burst(&t, &b, 1);
	if (b.flow[0] == BURST_NO_FLOW)
		return NULL;
	flow_see(&t, &b, 0);
	return flow_at(&t, b.flow[0]);
}

static void
open_table(void)
{
	struct hash_key key;

	hash_key_seeded(&key, 5);
	CU_ASSERT_EQUAL_FATAL(flow_table_open(&t, 64, &key), 0);
}

/* A handshake with a server of this window and scale. */
static struct flow *
connected(uint16_t window, uint8_t scale)
{
	struct flow *flow;

	see(SIDE_INTERNAL,
	    (struct segment){ TCP_SYN | TCP_ACK, SERVER, CLIENT + 1, 0, window, scale });
	flow = see(SIDE_EXTERNAL,
	           (struct segment){ TCP_ACK, CLIENT + 1, SERVER + 1, 0, 0, UNKNOWN });
	CU_ASSERT_FATAL(flow != NULL && (flow->state & FLOW_VERIFIED) != 0);
	return flow;
}

/* A connection that was there before: its first acknowledged data proves it. */
static struct flow *
adopted(uint16_t window)
{
	struct flow *flow;

	see(SIDE_INTERNAL,
	    (struct segment){ TCP_ACK, SERVER - 99, CLIENT + 1, 100, window, UNKNOWN });
	flow = see(SIDE_EXTERNAL,
	           (struct segment){ TCP_ACK, CLIENT + 1, SERVER + 1, 0, 0, UNKNOWN });
	CU_ASSERT_FATAL(flow != NULL && (flow->state & FLOW_VERIFIED) != 0);
	return flow;
}

static bool
is_in(const struct flow *flow, uint8_t flags, uint32_t seq, uint32_t ack)
{
	const struct facts f = facts_of(
		SIDE_EXTERNAL, (struct segment){ flags, seq, ack, 0, 0, UNKNOWN });

	return flow_is_in_window(flow, &f);
}

/* The first number that is in, and the last; one further each way is out. */
static void
expect_seq(const struct flow *flow, uint8_t flags, uint32_t from, uint32_t to)
{
	CU_ASSERT_TRUE(is_in(flow, flags, from, SERVER + 1));
	CU_ASSERT_FALSE(is_in(flow, flags, from - 1, SERVER + 1));
	CU_ASSERT_TRUE(is_in(flow, flags, to, SERVER + 1));
	CU_ASSERT_FALSE(is_in(flow, flags, to + 1, SERVER + 1));
	CU_ASSERT_TRUE(is_in(flow, flags, CLIENT + 1, SERVER + 1));
	CU_ASSERT_FALSE(is_in(flow, flags, CLIENT + SHIFT(31), SERVER + 1));
}

static void
a_segment_is_in_within_one_window_of_what_is_expected(void)
{
	static const struct {
		uint16_t window, later;
		uint8_t scale;
		uint32_t most;
	} of[] = {
		{ 1000, 1000, UNKNOWN, LEAST }, /* no scale was agreed */
		{ 65535, 65535, UNKNOWN, LEAST }, { 65535, 500, 7, LEAST },
		{ 65535, 512, 7, LEAST },         { 65535, 513, 7, 2 * LEAST },
		{ 65535, 0, 14, LEAST },          { 65535, 65535, 14, SHIFT(30) },
		{ 29200, 8193, 9, SHIFT(23) },
	};

	for (size_t n = 0; n < sizeof(bases) / sizeof(*bases); n++)
		for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++) {
			struct flow *flow;

			base = bases[n];
			open_table();
			flow = connected(of[i].window, of[i].scale);
			see(SIDE_INTERNAL,
			    (struct segment){ TCP_ACK, SERVER + 1, CLIENT + 1, 0,
			                      of[i].later, UNKNOWN });
			/* A window that closes is still the one that was offered. */
			see(SIDE_INTERNAL, (struct segment){ TCP_ACK, SERVER + 1,
			                                     CLIENT + 1, 0, 0, UNKNOWN });
			expect_seq(flow, TCP_ACK, CLIENT + 1 - of[i].most,
			           CLIENT + 1 + of[i].most);
			flow_table_close(&t);
		}
}

static void
the_window_moves_with_what_the_inside_acknowledges(void)
{
	for (size_t n = 0; n < sizeof(bases) / sizeof(*bases); n++) {
		struct flow *flow;

		base = bases[n];
		open_table();
		flow = connected(1000, UNKNOWN);
		for (uint32_t k = 1; k <= 20; k++) {
			const uint32_t next = CLIENT + 1 + k * 50000;

			CU_ASSERT_TRUE(is_in(flow, TCP_ACK, next - 50000, SERVER + 1));
			see(SIDE_INTERNAL, (struct segment){ TCP_ACK, SERVER + 1, next, 0,
			                                     1000, UNKNOWN });
			CU_ASSERT_TRUE(is_in(flow, TCP_ACK, next + LEAST, SERVER + 1));
			CU_ASSERT_FALSE(
				is_in(flow, TCP_ACK, next + LEAST + 1, SERVER + 1));
			CU_ASSERT_FALSE(
				is_in(flow, TCP_ACK, next - LEAST - 1, SERVER + 1));
		}
		flow_table_close(&t);
	}
}

/* What honest stacks send beside the plain stream. */
static void
honest_oddities_are_in(void)
{
	struct flow *flow;

	base = 0;
	open_table();
	flow = connected(1000, 0);
	/* The server has sent 5,000 bytes, and had 10,000 of the client. */
	see(SIDE_INTERNAL, (struct segment){ TCP_ACK | TCP_PSH, SERVER + 1,
	                                     CLIENT + 10001, 5000, 1000, UNKNOWN });
	/* A keep-alive probes one number behind, with and without a byte. */
	CU_ASSERT_TRUE(is_in(flow, TCP_ACK, CLIENT + 10000, SERVER + 5001));
	/* Data whose acknowledgement was lost is sent again. */
	CU_ASSERT_TRUE(is_in(flow, TCP_ACK | TCP_PSH, CLIENT + 1, SERVER + 1));
	/* A probe of a closed window lies at its edge, and so does a FIN. */
	CU_ASSERT_TRUE(is_in(flow, TCP_ACK, CLIENT + 11001, SERVER + 5001));
	CU_ASSERT_TRUE(is_in(flow, TCP_ACK | TCP_FIN, CLIENT + 11001, SERVER + 5001));
	/* A challenge ACK tells what the sender has, whatever it was asked. */
	CU_ASSERT_TRUE(is_in(flow, TCP_ACK, CLIENT + 10001, SERVER + 1));
	flow_table_close(&t);
}

static void
an_acknowledgement_is_in_from_the_lag_to_what_was_sent(void)
{
	for (size_t n = 0; n < sizeof(bases) / sizeof(*bases); n++) {
		struct flow *flow;

		base = bases[n];
		open_table();
		flow = connected(1000, 7);
		see(SIDE_INTERNAL, (struct segment){ TCP_ACK, SERVER + 1, CLIENT + 1,
		                                     1400, 1000, UNKNOWN });
		CU_ASSERT_TRUE(is_in(flow, TCP_ACK, CLIENT + 1, SERVER + 1401));
		CU_ASSERT_FALSE(is_in(flow, TCP_ACK, CLIENT + 1, SERVER + 1402));
		CU_ASSERT_TRUE(
			is_in(flow, TCP_ACK, CLIENT + 1, SERVER + 1401 - FLOW_ACK_LAG));
		CU_ASSERT_FALSE(
			is_in(flow, TCP_ACK, CLIENT + 1, SERVER + 1400 - FLOW_ACK_LAG));
		CU_ASSERT_FALSE(is_in(flow, TCP_PSH, CLIENT + 1, SERVER + 1401));
		flow_table_close(&t);
	}
}

/* What the inside sent in fragments is acknowledged too, though nobody saw where it ends. */
static void
of_fragmented_answers_any_acknowledgement_is_in(void)
{
	struct flow *flow;

	base = 0;
	open_table();
	flow = connected(1000, 7);
	burst_start(&b, 1000000000, 0, SIDE_INTERNAL);
	b.count = 1;
	b.live = 1;
	b.facts[0] = facts_of(SIDE_INTERNAL, (struct segment){ TCP_ACK, SERVER + 1,
	                                                       CLIENT + 1, 1400, 9, 0 });
	b.facts[0].flags |= FACT_FRAGMENT;
	b.bytes[0] = bytes;
	CU_ASSERT_EQUAL_FATAL(flow_find_burst(&t, &b, 1), 1);
	CU_ASSERT_FALSE(is_in(flow, TCP_ACK, CLIENT + 1, SERVER + 3000));
	flow_see(&t, &b, 0);
	CU_ASSERT_TRUE(is_in(flow, TCP_ACK, CLIENT + 1, SERVER + 3000));
	CU_ASSERT_FALSE(is_in(flow, TCP_ACK, CLIENT + 2 + LEAST, SERVER + 3000));
	flow_table_close(&t);
}

/* RFC 5961 3.2: exact or in the window is for the server to judge, all else is nobody's. */
static void
a_reset_is_in_from_what_is_expected_to_the_end_of_the_window(void)
{
	for (size_t n = 0; n < sizeof(bases) / sizeof(*bases); n++) {
		struct flow *flow;

		base = bases[n];
		open_table();
		flow = connected(1000, 7);
		expect_seq(flow, TCP_RST, CLIENT, CLIENT + 1 + LEAST);
		expect_seq(flow, TCP_RST | TCP_ACK, CLIENT, CLIENT + 1 + LEAST);
		/* A reset's acknowledgement is no criterion. */
		CU_ASSERT_TRUE(
			is_in(flow, TCP_RST | TCP_ACK, CLIENT + 1, SERVER + 77777));
		flow_table_close(&t);
	}
}

/* An upload that was under way before us is not cut, however far its window has grown. */
static void
without_a_known_scale_the_window_is_guessed_wide(void)
{
	static const struct {
		uint16_t window;
		uint32_t most;
	} of[] = { { 0, GUESS },
		   { 500, GUESS },
		   { 4096, GUESS },
		   { 4097, 2 * GUESS },
		   { 65535, SHIFT(24) } };

	for (size_t n = 0; n < sizeof(bases) / sizeof(*bases); n++)
		for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++) {
			struct flow *flow;

			base = bases[n];
			open_table();
			flow = adopted(of[i].window);
			expect_seq(flow, TCP_ACK, CLIENT + 1 - of[i].most,
			           CLIENT + 1 + of[i].most);
			flow_table_close(&t);
		}
}

/* Nothing of an earlier connection on the same ports is believed of the next one. */
static void
a_new_connection_begins_with_a_window_of_its_own(void)
{
	struct flow *flow;

	base = 0;
	open_table();
	flow = connected(65535, 14);
	see(SIDE_INTERNAL,
	    (struct segment){ TCP_ACK, SERVER + 1, CLIENT + 1, 0, 65535, UNKNOWN });
	CU_ASSERT_TRUE(is_in(flow, TCP_ACK, CLIENT + 500000, SERVER + 1));
	base = 77;
	flow = connected(65535, 0);
	CU_ASSERT_FALSE(is_in(flow, TCP_ACK, CLIENT + 500000, SERVER + 1));
	CU_ASSERT_TRUE(flow_is_answered(flow));
	/* The same SYN-ACK again changes nothing. */
	see(SIDE_INTERNAL,
	    (struct segment){ TCP_ACK, SERVER + 1, CLIENT + 90001, 0, 65535, UNKNOWN });
	see(SIDE_INTERNAL,
	    (struct segment){ TCP_SYN | TCP_ACK, SERVER, CLIENT + 1, 0, 65535, 0 });
	CU_ASSERT_TRUE(is_in(flow, TCP_ACK, CLIENT + 90001 + LEAST, SERVER + 1));
	flow_table_close(&t);
}

/* Proven before the server spoke: its SYN-ACK takes nothing back, and tells its window. */
static void
a_spliced_flow_learns_from_the_answer_to_its_second_half(void)
{
	struct flow *flow;
	uint32_t slot;

	base = 0;
	open_table();
	burst_start(&b, 1000000000, 0, SIDE_EXTERNAL);
	b.count = 1;
	b.live = 1;
	b.facts[0] = facts_of(SIDE_EXTERNAL, (struct segment){ TCP_ACK, CLIENT + 1, 4711,
	                                                       0, 0, UNKNOWN });
	CU_ASSERT_EQUAL_FATAL(flow_find_burst(&t, &b, 1), 0);
	slot = flow_make_spliced(&t, &b, 0);
	CU_ASSERT_NOT_EQUAL_FATAL(slot, TABLE_NONE);
	flow = flow_at(&t, slot);
	t.splice[slot] = (struct splice){ .theirs = CLIENT, .state = SPLICE_OPENING };
	see(SIDE_INTERNAL,
	    (struct segment){ TCP_SYN | TCP_ACK, SERVER, CLIENT + 1, 0, 1000, 10 });
	CU_ASSERT_TRUE((flow->state & FLOW_VERIFIED) != 0 && flow_is_spliced(flow));
	CU_ASSERT_TRUE(flow_is_answered(flow));
	t.splice[slot].state = SPLICE_OPEN;
	t.splice[slot].ours = base + SERVER;
	see(SIDE_INTERNAL,
	    (struct segment){ TCP_ACK, SERVER + 1, CLIENT + 1, 100, 1000, UNKNOWN });
	see(SIDE_INTERNAL,
	    (struct segment){ TCP_SYN | TCP_ACK, SERVER, CLIENT + 1, 0, 1000, 10 });
	CU_ASSERT_TRUE(is_in(flow, TCP_ACK, CLIENT + 1 + SHIFT(20), SERVER + 101));
	CU_ASSERT_FALSE(is_in(flow, TCP_ACK, CLIENT + 2 + SHIFT(20), SERVER + 101));
	CU_ASSERT_FALSE(is_in(flow, TCP_ACK, CLIENT + 1, SERVER + 102));
	flow_table_close(&t);
}

SUITE_MAIN("flow_window", TEST(a_segment_is_in_within_one_window_of_what_is_expected),
           TEST(the_window_moves_with_what_the_inside_acknowledges),
           TEST(honest_oddities_are_in),
           TEST(an_acknowledgement_is_in_from_the_lag_to_what_was_sent),
           TEST(of_fragmented_answers_any_acknowledgement_is_in),
           TEST(a_reset_is_in_from_what_is_expected_to_the_end_of_the_window),
           TEST(without_a_known_scale_the_window_is_guessed_wide),
           TEST(a_new_connection_begins_with_a_window_of_its_own),
           TEST(a_spliced_flow_learns_from_the_answer_to_its_second_half))
