/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The same ports once more: over connections that are closing, alive, half-open or
 * forgotten by one end; third segments that were lost; and tables that are full.
 */
#include "splice_talk.h"

static void
open_all(void)
{
	splice_open((struct splice_keys){ .tcpauth = "answers = \"1Mpps\";" });
	splice_arm(VECTOR_TCP_SYN_FLOOD, true);
}

static const struct flow_table *
flows(void)
{
	return r.worker->pipeline.env.flows;
}

/* The next connection of the same client and ports. */
static struct talk
again(const struct talk *t)
{
	struct talk next = *t;

	next.client_isn += 0x31234567;
	next.server_isn += 0x41234567;
	next.client_ts += 5000;
	next.server_ts += 5000;
	return next;
}

static void
say_something(struct talk *t)
{
	static const struct talk_part data = {
		TCP_ACK | TCP_PSH, 0, 0, 300, 40, 0, { 0 }
	};
	static const struct talk_part ack = { TCP_ACK, 0, 40, 400, 0, 0, { 0 } };

	talk_in(t, &data, 300);
	talk_out(t, &ack, 400);
}

static void
a_closed_connections_ports_are_used_again(void)
{
	static const struct talk_part fin_in = {
		TCP_FIN | TCP_ACK, 0, 0, 300, 0, 0, { 0 }
	};
	static const struct talk_part fin_out = {
		TCP_FIN | TCP_ACK, 0, 1, 400, 0, 0, { 0 }
	};

	for (unsigned int k = 0; k < 2; k++) {
		struct talk t = talk_of(k, 200), next;

		t.answer.wscale = OURS_SCALE;
		open_all();
		talk_open(&t);
		splice_arm(VECTOR_TCP_OTHER_FLOOD, true);
		talk_in(&t, &fin_in, 300);
		talk_out(&t, &fin_out, 400);
		next = again(&t);
		talk_open(&next);
		say_something(&next);
		splice_close();
	}
}

/*
 * The client lost its memory, the server did not: it says what it knows of (RFC 9293
 * 3.10.7.4, a challenge ACK); we reset that, as the client would, and ask again.
 */
static void
a_living_connection_gives_way_to_its_clients_next(void)
{
	for (unsigned int k = 0; k < 2; k++) {
		struct talk t = talk_of(k, 210), next;
		const struct left *l;

		t.answer.wscale = OURS_SCALE;
		open_all();
		talk_open(&t);
		say_something(&t);
		next = again(&t);
		talk_syn(&next);
		talk_third(&next, 0);
		splice_send(&next, SIDE_INTERNAL,
		            (struct segment){ .flags = TCP_ACK,
		                              .seq = t.server_isn + 1,
		                              .ack = t.client_isn + 41 });
		CU_ASSERT_STRING_EQUAL(splice_reason(0), "handshake");
		l = splice_take(SIDE_INTERNAL);
		CU_ASSERT_EQUAL(l->f.tcp_flags, TCP_RST);
		CU_ASSERT_EQUAL(l->f.tcp_seq, t.client_isn + 41);
		splice_done();
		splice_wait(5 * MS);
		splice_done();
		splice_wait(5 * MS);
		talk_read_syn(&next);
		talk_answer(&next);
		say_something(&next);
		CU_ASSERT_EQUAL(flows()->table.used[TABLE_EARNED], 1);
		splice_close();
	}
}

/* In calm the ports may come back as a connection of the server's own; or in bypass. */
static void
ports_come_back_as_connections_that_are_not_spliced(void)
{
	for (unsigned int k = 0; k < 4; k++) {
		struct talk t = talk_of(k & 1, 220), next;
		struct tcp_options says;
		struct segment s;

		t.answer.wscale = OURS_SCALE;
		open_all();
		talk_open(&t);
		r.now_ns += SECOND;
		splice_arm(VECTOR_TCP_SYN_FLOOD, false);
		r.is_bypassed = k >= 2;
		next = again(&t);
		s = talk_first(&next);
		splice_send(&next, SIDE_EXTERNAL, s);
		talk_read(SIDE_INTERNAL, &s);
		next.promised = next.offer;
		says = talk_of_server(&next);
		s = talk_accept(&next, &says);
		splice_send(&next, SIDE_INTERNAL, s);
		talk_read(SIDE_EXTERNAL, &s);
		s = (struct segment){ .flags = TCP_ACK,
			              .seq = next.client_isn + 1,
			              .ack = next.server_isn + 1,
			              .says = &says };
		says.ts_echo = next.server_ts;
		splice_send(&next, SIDE_EXTERNAL, s);
		talk_read(SIDE_INTERNAL, &s);
		splice_close();
	}
}

/*
 * The server's SYN-ACK of calm was lost, and the repeated SYN meets a flood: our number
 * counts, however near to the server's it lies.
 */
static void
a_half_open_connection_may_be_proven_to_us(void)
{
	static const uint32_t near[] = { 1, 100, 5000, 1 << 20, UINT32_C(1) << 31 };

	for (size_t k = 0; k < sizeof(near) / sizeof(*near); k++) {
		struct talk t = talk_of(false, 230), first;
		struct tcp_options says;

		open_all();
		talk_syn(&t);
		splice_arm(VECTOR_TCP_SYN_FLOOD, false);
		first = t;
		first.server_isn = t.ours + near[k];
		splice_send(&t, SIDE_EXTERNAL, talk_first(&t));
		says = talk_of_server(&first);
		splice_send(&first, SIDE_INTERNAL, talk_accept(&first, &says));
		r.now_ns += SECOND;
		splice_arm(VECTOR_TCP_SYN_FLOOD, true);
		talk_syn(&t);
		talk_third(&t, 0);
		talk_answer(&t);
		splice_close();
	}
}

/* Its third segment was lost, and the client probes the window we closed. */
static void
a_probe_is_as_good_as_a_third_segment(void)
{
	for (unsigned int k = 0; k < 2; k++) {
		struct talk t = talk_of(k, 240);
		struct tcp_options says;
		struct segment s;

		t.answer.wscale = OURS_SCALE;
		open_all();
		talk_syn(&t);
		s = talk_proof(&t, &says, 0);
		s.seq--;
		splice_send(&t, SIDE_EXTERNAL, s);
		CU_ASSERT_STRING_EQUAL(splice_reason(0), "cookie_accepted");
		talk_read_syn(&t);
		talk_answer(&t);
		say_something(&t);
		splice_close();
	}
}

/* An answer may take COOKIE_LIFE_NS at most, and stays good when the flood is over. */
static void
answers_are_believed_for_a_while_after_the_flood(void)
{
	static const struct {
		uint64_t after_ns;
		bool is_good;
	} rows[] = {
		{ SECOND, true },
		{ COOKIE_EPOCH_NS - SECOND, true },
		{ COOKIE_LIFE_NS + SECOND, false },
	};

	for (size_t k = 0; k < sizeof(rows) / sizeof(*rows); k++) {
		struct talk t = talk_of(false, 250);
		struct tcp_options says;

		open_all();
		talk_syn(&t);
		r.now_ns += rows[k].after_ns;
		splice_arm(VECTOR_TCP_SYN_FLOOD, false);
		if (rows[k].is_good) {
			talk_third(&t, 0);
			talk_answer(&t);
		} else {
			splice_send(&t, SIDE_EXTERNAL, talk_proof(&t, &says, 0));
			CU_ASSERT_STRING_EQUAL(splice_reason(0), "passed");
		}
		splice_close();
	}
}

static void
without_room_for_a_flow_a_client_has_to_try_again(void)
{
	unsigned int accepted = 0, refused = 0;

	splice_open(
		(struct splice_keys){ .flows = "1k", .tcpauth = "answers = \"1Mpps\";" });
	splice_arm(VECTOR_TCP_SYN_FLOOD, true);
	for (uint32_t who = 1; who <= 3000; who++) {
		struct talk t = talk_of(who & 1, who);
		struct tcp_options says;

		talk_syn(&t);
		splice_send(&t, SIDE_EXTERNAL, talk_proof(&t, &says, 0));
		if (strcmp(splice_reason(0), "no_room") == 0) {
			refused++;
			CU_ASSERT_EQUAL(r.worker->burst.verdict[0], VERDICT_DROP);
			CU_ASSERT_EQUAL(r.n_left[SIDE_INTERNAL], 0);
			continue;
		}
		CU_ASSERT_STRING_EQUAL(splice_reason(0), "cookie_accepted");
		accepted++;
		talk_read_syn(&t);
		talk_answer(&t);
	}
	CU_ASSERT(accepted > 512 && refused > 1000);
	CU_ASSERT_EQUAL(flows()->table.used[TABLE_EARNED], accepted);
	CU_ASSERT_FALSE(worker_is_waiting(r.worker));
	splice_close();
}

/* 16,384 servers that say nothing: one more client waits, and all is given back in time. */
static void
without_room_for_an_opening_a_client_has_to_try_again(void)
{
	struct tcp_options says;
	struct talk t;
	unsigned int resets = 0;

	open_all();
	for (uint32_t who = 1; who <= 16384; who++) {
		t = talk_of(who & 1, who);
		talk_syn(&t);
		talk_third(&t, 0);
	}
	t = talk_of(false, 20000);
	talk_syn(&t);
	splice_send(&t, SIDE_EXTERNAL, talk_proof(&t, &says, 0));
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "no_room");
	CU_ASSERT_EQUAL(flows()->table.used[TABLE_EARNED], 16384);
	for (unsigned int k = 0; worker_is_waiting(r.worker) && k < 50000; k++) {
		splice_wait(10 * MS);
		resets += r.n_left[SIDE_EXTERNAL];
	}
	CU_ASSERT_FALSE(worker_is_waiting(r.worker));
	CU_ASSERT_EQUAL(resets, 16384);
	CU_ASSERT_EQUAL(flows()->table.used[TABLE_EARNED], 0);
	splice_arm(VECTOR_TCP_SYN_FLOOD, true);
	talk_open(&t);
	splice_close();
}

/* A real host asks for thousands of connections to a server that says nothing; others get theirs. */
static void
one_source_cannot_use_up_the_openings(void)
{
	unsigned int accepted = 0;
	struct talk t;

	open_all();
	for (unsigned int k = 0; k < 9000; k++) {
		struct tcp_options says;

		t = talk_of(false, 300);
		t.port = (uint16_t)(1024 + k);
		talk_syn(&t);
		splice_send(&t, SIDE_EXTERNAL, talk_proof(&t, &says, 0));
		accepted += strcmp(splice_reason(0), "cookie_accepted") == 0;
	}
	CU_ASSERT_EQUAL(accepted, 8192);
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "no_room");
	for (uint32_t who = 400; who < 500; who++) {
		t = talk_of(who & 1, who);
		talk_open(&t);
	}
	splice_close();
}

SUITE_MAIN("splice reuse", TEST(a_closed_connections_ports_are_used_again),
           TEST(a_living_connection_gives_way_to_its_clients_next),
           TEST(ports_come_back_as_connections_that_are_not_spliced),
           TEST(a_half_open_connection_may_be_proven_to_us),
           TEST(a_probe_is_as_good_as_a_third_segment),
           TEST(answers_are_believed_for_a_while_after_the_flood),
           TEST(without_room_for_a_flow_a_client_has_to_try_again),
           TEST(without_room_for_an_opening_a_client_has_to_try_again),
           TEST(one_source_cannot_use_up_the_openings))
