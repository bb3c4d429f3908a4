/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Spliced connections that do not begin or end as one would like: refused, given up,
 * repeated, replaced, and with tables that have no room.
 */
#include "splice_talk.h"

static void
open_all(void)
{
	splice_open((struct splice_keys){ 0 });
	splice_arm(VECTOR_TCP_SYN_FLOOD, true);
}

static uint64_t
earned(void)
{
	return r.worker->pipeline.env.flows->table.used[TABLE_EARNED];
}

/* Nothing is left of a connection that did not come about. */
static void
all_is_given_back(void)
{
	CU_ASSERT_EQUAL(earned(), 0);
	CU_ASSERT_FALSE(worker_is_waiting(r.worker));
}

/* A segment of the talk without options. */
static struct segment
bare(uint8_t flags, uint32_t seq, uint32_t ack)
{
	return (struct segment){ .flags = flags, .seq = seq, .ack = ack };
}

/* RFC 9293 3.10.7.3: the reset must acknowledge the SYN, or the client ignores it. */
static void
who_is_refused_gets_the_servers_reset(void)
{
	for (unsigned int k = 0; k < 2; k++) {
		struct talk t = talk_of(k, 20 + k);
		const struct left *l;

		open_all();
		talk_syn(&t);
		talk_third(&t, 0);
		CU_ASSERT_EQUAL(earned(), 1);
		splice_send(&t, SIDE_INTERNAL,
		            bare(TCP_RST | TCP_ACK, 0, t.client_isn + 1));
		l = splice_take(SIDE_EXTERNAL);
		CU_ASSERT_EQUAL(l->f.tcp_flags, TCP_RST | TCP_ACK);
		CU_ASSERT_EQUAL(l->f.tcp_seq, t.ours + 1);
		CU_ASSERT_EQUAL(l->f.tcp_ack, t.client_isn + 1);
		splice_done();
		all_is_given_back();
		splice_close();
	}
}

/* A reset of something older on the same ports is none of the new connection. */
static void
an_old_reset_refuses_nobody(void)
{
	struct talk t = talk_of(false, 31);

	open_all();
	talk_syn(&t);
	talk_third(&t, 0);
	splice_send(&t, SIDE_INTERNAL, bare(TCP_RST | TCP_ACK, 77, t.client_isn - 5000));
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "handshake");
	splice_send(&t, SIDE_INTERNAL, bare(TCP_RST, 77, 0));
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "handshake");
	splice_done();
	splice_wait(20 * MS);
	talk_read_syn(&t);
	talk_answer(&t);
	splice_close();
}

static void
a_client_may_give_up_while_we_ask(void)
{
	struct talk t = talk_of(true, 40);

	open_all();
	talk_syn(&t);
	talk_third(&t, 0);
	/* A guess changes nothing. */
	splice_send(&t, SIDE_EXTERNAL, bare(TCP_RST, t.client_isn + 2, 0));
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "early_data");
	CU_ASSERT_EQUAL(earned(), 1);
	splice_send(&t, SIDE_EXTERNAL, bare(TCP_RST, t.client_isn + 1, 0));
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "passed");
	CU_ASSERT_EQUAL(splice_take(SIDE_INTERNAL)->f.tcp_seq, t.client_isn + 1);
	all_is_given_back();
	splice_close();
}

/* SYNs after 0, 1, 3, 7 and 15 s; after 31 s the client is told. */
static void
a_silent_server_is_asked_five_times(void)
{
	static const unsigned int due[] = { 10, 30, 70, 150, 310 };
	struct talk t = talk_of(false, 50);
	unsigned int asked = 0;

	open_all();
	talk_syn(&t);
	talk_third(&t, 0);
	for (unsigned int tenth = 1; tenth <= 310; tenth++) {
		splice_wait(100 * MS);
		if (tenth != due[asked]) {
			splice_done();
			continue;
		}
		if (++asked < 5)
			talk_read_syn(&t);
		else
			break;
		splice_done();
	}
	CU_ASSERT_EQUAL(asked, 5);
	{
		const struct left *l = splice_take(SIDE_EXTERNAL);

		CU_ASSERT_EQUAL(l->f.tcp_flags, TCP_RST | TCP_ACK);
		CU_ASSERT_EQUAL(l->f.tcp_seq, t.ours + 1);
		CU_ASSERT_EQUAL(l->f.tcp_ack, t.client_isn + 1);
	}
	splice_done();
	all_is_given_back();
	splice_close();
}

/* In one burst or in two: one connection, one SYN to the server. */
static void
a_doubled_third_segment_is_one_connection(void)
{
	struct talk t = talk_of(false, 60);
	struct tcp_options says;
	struct segment s;

	open_all();
	talk_syn(&t);
	s = talk_proof(&t, &says, 0);
	splice_start(SIDE_EXTERNAL);
	splice_add(&t, s);
	splice_add(&t, s);
	splice_judge();
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "cookie_accepted");
	CU_ASSERT_STRING_EQUAL(splice_reason(1), "early_data");
	talk_read_syn(&t);
	splice_done();
	CU_ASSERT_EQUAL(earned(), 1);

	splice_send(&t, SIDE_EXTERNAL, s);
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "early_data");
	splice_done();
	talk_answer(&t);
	CU_ASSERT_FALSE(worker_is_waiting(r.worker));
	/* Late, it is a segment like any other. */
	splice_send(&t, SIDE_EXTERNAL, s);
	CU_ASSERT_EQUAL(splice_take(SIDE_INTERNAL)->f.tcp_ack, t.server_isn + 1);
	splice_close();
}

/* A doubled third segment of a source over its limit: nothing is left, nobody is asked. */
static void
who_connects_too_often_is_refused_without_a_trace(void)
{
	struct talk t;

	splice_open((struct splice_keys){ .connections = "1cps",
	                                  .tcpauth = "answers = \"1Mpps\";" });
	splice_arm(VECTOR_TCP_SYN_FLOOD, true);
	for (unsigned int k = 0; k < 40; k++) {
		struct tcp_options says;
		struct segment s;

		t = talk_of(true, 70);
		t.port = (uint16_t)(2000 + k);
		talk_syn(&t);
		s = talk_proof(&t, &says, 0);
		splice_start(SIDE_EXTERNAL);
		splice_add(&t, s);
		splice_add(&t, s);
		splice_judge();
		if (strcmp(splice_reason(0), "connections") != 0)
			continue;
		/* What left belongs to nobody, so nothing may have left. */
		CU_ASSERT_EQUAL(r.n_left[SIDE_INTERNAL], 0);
		CU_ASSERT_STRING_EQUAL(splice_reason(1), "connections");
		CU_ASSERT(earned() >= 10 && earned() <= 20);
	}
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "connections");
	splice_wait(40 * SECOND);
	while (worker_is_waiting(r.worker))
		splice_wait(SECOND);
	all_is_given_back();
	splice_close();
}

static void
data_before_the_server_answered_is_sent_again(void)
{
	struct talk t = talk_of(false, 80);
	struct tcp_options says;
	struct segment s;

	open_all();
	talk_syn(&t);
	talk_third(&t, 50);
	s = talk_proof(&t, &says, 50);
	s.flags |= TCP_PSH;
	splice_send(&t, SIDE_EXTERNAL, s);
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "early_data");
	s.flags |= TCP_FIN;
	splice_send(&t, SIDE_EXTERNAL, s);
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "early_data");
	splice_done();
	talk_answer(&t);
	splice_send(&t, SIDE_EXTERNAL, s);
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "passed");
	CU_ASSERT_EQUAL(splice_take(SIDE_INTERNAL)->f.payload_len, 50);
	splice_close();
}

/* What stands in its low bits a client may have changed; it harms nobody but itself. */
static void
a_changed_stamp_is_taken_at_its_word(void)
{
	for (uint32_t low = 0; low < 256; low++) {
		struct talk t = talk_of(false, 82);
		struct tcp_options says;
		const struct left *l;

		open_all();
		talk_syn(&t);
		t.stamp = (t.stamp & ~UINT32_C(0xff)) | low;
		t.answer.wscale = low & 1 ? NO_SCALE : 3;
		splice_send(&t, SIDE_EXTERNAL, talk_proof(&t, &says, 0));
		CU_ASSERT_STRING_EQUAL(splice_reason(0), "cookie_accepted");
		l = splice_take(SIDE_INTERNAL);
		CU_ASSERT(l->said.wscale <= 14 || l->said.wscale == NO_SCALE);
		says = talk_of_server(&t);
		splice_send(&t, SIDE_INTERNAL, talk_accept(&t, &says));
		CU_ASSERT_STRING_EQUAL(splice_reason(0), "handshake");
		CU_ASSERT_EQUAL(splice_take(SIDE_INTERNAL)->f.tcp_ack, t.server_isn + 1);
		splice_send(&t, SIDE_EXTERNAL,
		            bare(TCP_ACK, t.client_isn + 1, t.ours + 1));
		CU_ASSERT_EQUAL(splice_take(SIDE_INTERNAL)->f.tcp_ack, t.server_isn + 1);
		splice_close();
	}
}

/* What others write with the client's ports may not set the clock it is known by. */
static void
only_the_client_tells_its_clock(void)
{
	struct talk t = talk_of(false, 81);
	struct tcp_options says;
	struct segment s;

	open_all();
	talk_syn(&t);
	talk_third(&t, 0);
	s = talk_proof(&t, &says, 0);
	says.ts_value += 0x40000000;
	s.seq += 100000;
	splice_send(&t, SIDE_EXTERNAL, s);
	s.seq = t.client_isn + 1;
	s.ack += 1;
	splice_send(&t, SIDE_EXTERNAL, s);
	talk_answer(&t);
	splice_close();
}

static void
a_repeated_syn_ack_is_answered_by_us(void)
{
	struct talk t = talk_of(true, 90);
	struct tcp_options says;
	const struct left *l;

	open_all();
	talk_open(&t);
	says = talk_of_server(&t);
	splice_send(&t, SIDE_INTERNAL, talk_accept(&t, &says));
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "handshake");
	l = splice_take(SIDE_INTERNAL);
	CU_ASSERT_EQUAL(l->f.tcp_flags, TCP_ACK);
	CU_ASSERT_EQUAL(l->f.tcp_seq, t.client_isn + 1);
	CU_ASSERT_EQUAL(l->f.tcp_ack, t.server_isn + 1);
	CU_ASSERT_EQUAL(l->said.ts_value, t.client_ts);
	CU_ASSERT_EQUAL(l->said.ts_echo, t.server_ts);
	splice_done();
	splice_close();
}

/* A full burst of servers that answer at once: each gets its ACK, each client its window. */
static void
many_servers_may_answer_at_once(void)
{
	static struct talk t[LANES_MAX];
	struct tcp_options says;
	unsigned int acks = 0, updates = 0;

	splice_open((struct splice_keys){ .tcpauth = "answers = \"1Mpps\";" });
	splice_arm(VECTOR_TCP_SYN_FLOOD, true);
	for (unsigned int k = 0; k < LANES_MAX; k++) {
		t[k] = talk_of(false, 1000 + k);
		talk_syn(&t[k]);
		talk_third(&t[k], 0);
	}
	splice_start(SIDE_INTERNAL);
	for (unsigned int k = 0; k < LANES_MAX; k++) {
		says = talk_of_server(&t[k]);
		splice_add(&t[k], talk_accept(&t[k], &says));
	}
	splice_judge();
	acks = r.n_left[SIDE_INTERNAL];
	updates = r.n_left[SIDE_EXTERNAL];
	CU_ASSERT_EQUAL(acks, LANES_MAX);
	CU_ASSERT_EQUAL(updates, LANES_MAX);
	splice_close();
}

/* Both FINs are through; what was lost before them is still to come, in the midst of a flood. */
static void
closing_connections_end_in_order(void)
{
	static const struct talk_part fin_in = {
		TCP_FIN | TCP_ACK, 0, 0, 300, 0, 0, { 0 }
	};
	static const struct talk_part fin_out = {
		TCP_FIN | TCP_ACK, 0, 1, 400, 0, 0, { 0 }
	};
	static const struct talk_part last = { TCP_ACK, 1, 1, 300, 0, 0, { 0 } };
	static const struct talk_part again = { TCP_ACK, 1, 1, 400, 0, 0, { 0 } };

	for (unsigned int k = 0; k < 4; k++) {
		struct talk t = talk_of(k & 1, 100 + k);

		t.answer.wscale = OURS_SCALE;
		open_all();
		talk_open(&t);
		splice_arm(VECTOR_TCP_OTHER_FLOOD, true);
		talk_in(&t, &fin_in, 300);
		talk_out(&t, &fin_out, 400);
		CU_ASSERT_EQUAL(earned(), 0);
		r.now_ns += k < 2 ? 0 : 40 * SECOND; /* beyond learning_time */
		talk_in(&t, &last, 300);
		talk_in(&t, &last, 300);
		talk_out(&t, &again, 400);
		splice_close();
	}
}

static void
resets_cross_in_both_directions(void)
{
	static const struct talk_part reset_in = {
		TCP_RST | TCP_ACK, 0, 0, 0, 0, 0, { 0 }
	};
	static const struct talk_part reset_out = {
		TCP_RST | TCP_ACK, 0, 0, 0, 0, 0, { 0 }
	};

	for (unsigned int k = 0; k < 2; k++) {
		struct talk t = talk_of(k, 110);

		t.answer.wscale = OURS_SCALE;
		open_all();
		talk_open(&t);
		splice_arm(VECTOR_TCP_OTHER_FLOOD, true);
		if (k == 0)
			talk_in(&t, &reset_in, 0);
		else
			talk_out(&t, &reset_out, 0);
		CU_ASSERT_EQUAL(earned(), 0);
		splice_close();
	}
}

SUITE_MAIN("splice ends", TEST(who_is_refused_gets_the_servers_reset),
           TEST(an_old_reset_refuses_nobody), TEST(a_client_may_give_up_while_we_ask),
           TEST(a_silent_server_is_asked_five_times),
           TEST(a_doubled_third_segment_is_one_connection),
           TEST(who_connects_too_often_is_refused_without_a_trace),
           TEST(data_before_the_server_answered_is_sent_again),
           TEST(a_changed_stamp_is_taken_at_its_word),
           TEST(only_the_client_tells_its_clock),
           TEST(a_repeated_syn_ack_is_answered_by_us),
           TEST(many_servers_may_answer_at_once), TEST(closing_connections_end_in_order),
           TEST(resets_cross_in_both_directions))
