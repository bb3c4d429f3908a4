/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each method by which a SYN may prove itself, whom it leaves alone, what happens when
 * answers are used up, and what is done about segments of no connection.
 */
#include "splice_talk.h"

static void
open_with(const char *tcpauth)
{
	splice_open((struct splice_keys){ .tcpauth = tcpauth });
	splice_arm(VECTOR_TCP_SYN_FLOOD, true);
}

/* What becomes of a talk's SYN; armed cells stay so. */
static const char *
syn(struct talk *t)
{
	t->offer.ts_value = t->client_ts;
	splice_send(t, SIDE_EXTERNAL, talk_first(t));
	return splice_reason(0);
}

/* One segment without options. */
static const char *
bare(const struct talk *t, uint8_t flags, uint32_t seq, uint32_t ack)
{
	splice_send(t, SIDE_EXTERNAL,
	            (struct segment){ .flags = flags, .seq = seq, .ack = ack });
	return splice_reason(0);
}

/* The wrong answer: no acknowledgement of this SYN, no options. Returns what it acknowledges. */
static uint32_t
read_wrong_answer(const struct talk *t)
{
	const struct left *l = splice_take(SIDE_EXTERNAL);

	CU_ASSERT_EQUAL(l->f.tcp_flags, TCP_SYN | TCP_ACK);
	CU_ASSERT_NOT_EQUAL(l->f.tcp_ack, t->client_isn + 1);
	CU_ASSERT_EQUAL(l->f.payload_off - l->f.l4_off, 20);
	splice_done();
	return l->f.tcp_ack;
}

static void
whoever_resets_a_wrong_answer_is_real(void)
{
	for (unsigned int k = 0; k < 4; k++) {
		struct talk t = talk_of(k & 1, 500 + k);
		uint32_t number;

		splice_open((struct splice_keys){
			.duplex = k < 2 ? "inline" : "ingress",
			.tcpauth = k < 2 ? "method = \"bad_ack\"; verified_for = \"20s\";"
		                         : "verified_for = \"20s\";" });
		splice_arm(VECTOR_TCP_SYN_FLOOD, true);
		CU_ASSERT_STRING_EQUAL(syn(&t), "bad_ack");
		number = read_wrong_answer(&t);
		CU_ASSERT_STRING_EQUAL(bare(&t, TCP_RST, number + 1, 0), "passed");
		CU_ASSERT_STRING_EQUAL(syn(&t), "bad_ack");
		CU_ASSERT_STRING_EQUAL(bare(&t, TCP_RST, number, 0), "bad_ack_accepted");
		CU_ASSERT_EQUAL(r.worker->burst.verdict[0], VERDICT_CONSUME);
		CU_ASSERT_STRING_EQUAL(syn(&t), "passed");
		t.port++;
		t.client_isn++;
		CU_ASSERT_STRING_EQUAL(syn(&t), "passed");
		r.now_ns += 30 * SECOND;
		CU_ASSERT_STRING_EQUAL(syn(&t), "bad_ack");
		splice_close();
	}
}

static void
a_first_syn_is_dropped_and_its_repetition_is_not(void)
{
	static const struct {
		unsigned int after_ms;
		uint32_t further; /* of the sequence number */
		bool passes;
	} rows[] = {
		{ 0, 0, false },   { 300, 0, false },  { 1000, 0, true },
		{ 3000, 0, true }, { 9000, 0, false }, { 1000, 1, false },
	};

	for (size_t k = 0; k < 2 * sizeof(rows) / sizeof(*rows); k++) {
		struct talk t = talk_of(k & 1, 600);

		open_with("method = \"drop_first\";");
		CU_ASSERT_STRING_EQUAL(syn(&t), "first_syn");
		CU_ASSERT_EQUAL(r.worker->burst.verdict[0], VERDICT_DROP);
		r.now_ns += rows[k / 2].after_ms * MS;
		t.client_isn += rows[k / 2].further;
		CU_ASSERT_STRING_EQUAL(syn(&t),
		                       rows[k / 2].passes ? "passed" : "first_syn");
		splice_close();
	}
}

/* A flood that repeats its SYNs proves nothing by it, and then nobody does. */
static void
repetitions_are_not_believed_of_a_flood_that_repeats(void)
{
	open_with("method = \"drop_first\";");
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int k = 0; k < 4; k++) {
			splice_start(SIDE_EXTERNAL);
			for (unsigned int i = 0; i < 64; i++) {
				struct talk t = talk_of(false, 1000 + 64 * k + i);

				splice_add(&t, talk_first(&t));
			}
			splice_judge();
		}
		r.now_ns += SECOND + MS;
	}
	/* Left to the meters, not shut out. */
	{
		struct talk t = talk_of(true, 601);

		CU_ASSERT_STRING_EQUAL(syn(&t), "passed");
		r.now_ns += 10 * SECOND;
		CU_ASSERT_STRING_EQUAL(syn(&t), "first_syn");
	}
	CU_ASSERT(splice_books("first_syn", false) >= 256);
	splice_close();
}

/* Where an answer may be swallowed on the way, repeating a SYN counts as well. */
static void
who_never_hears_wrong_answers_may_repeat(void)
{
	struct talk t = talk_of(false, 610);

	splice_open((struct splice_keys){ .duplex = "ingress" });
	splice_arm(VECTOR_TCP_SYN_FLOOD, true);
	CU_ASSERT_STRING_EQUAL(syn(&t), "bad_ack");
	r.now_ns += SECOND;
	CU_ASSERT_STRING_EQUAL(syn(&t), "passed");
	splice_close();
}

static void
who_shook_hands_is_reset_and_let_in(void)
{
	for (unsigned int k = 0; k < 2; k++) {
		struct talk t = talk_of(k, 620);
		struct tcp_options says;
		const struct left *l;

		open_with("method = \"reset\";");
		talk_syn(&t);
		splice_send(&t, SIDE_EXTERNAL, talk_proof(&t, &says, 0));
		CU_ASSERT_STRING_EQUAL(splice_reason(0), "reset");
		l = splice_take(SIDE_EXTERNAL);
		CU_ASSERT_EQUAL(l->f.tcp_flags & TCP_RST, TCP_RST);
		CU_ASSERT_EQUAL(l->f.tcp_seq, t.ours + 1);
		CU_ASSERT_EQUAL(r.n_left[SIDE_INTERNAL], 0);
		CU_ASSERT_STRING_EQUAL(syn(&t), "passed");
		CU_ASSERT_FALSE(worker_is_waiting(r.worker));
		splice_close();
	}
}

static void
switched_off_it_lets_all_in(void)
{
	struct talk t = talk_of(false, 630);

	open_with("method = \"off\";");
	CU_ASSERT_STRING_EQUAL(syn(&t), "passed");
	splice_close();
}

/* The address of a verified source can be forged, so the proxy answers it as well. */
static void
the_proxy_asks_verified_sources_too(void)
{
	struct talk t = talk_of(false, 640);

	open_with("");
	talk_open(&t);
	t.port++;
	CU_ASSERT_STRING_EQUAL(syn(&t), "syn_cookie");
	splice_close();
}

/* The answers to n SYNs of one network, in order of their coming. */
static unsigned int
answered(bool is_ipv6, uint32_t first, unsigned int n)
{
	unsigned int sum = 0;

	for (unsigned int k = 0; k < n; k++) {
		struct talk t = talk_of(is_ipv6, first + k);

		sum += strcmp(syn(&t), "syn_cookie") == 0;
	}
	return sum;
}

/*
 * 10 a second, 64 ahead: half of it for first SYNs, the other for those who repeat theirs
 * because they got none. Every network has its own.
 */
static void
answers_to_one_network_are_limited(void)
{
	for (unsigned int v = 0; v < 2; v++) {
		const uint32_t next = v == 0 ? 0x100 : 0x10000;

		open_with("answers = \"10pps\";");
		CU_ASSERT_EQUAL(answered(v, 0, 90), 32);
		CU_ASSERT_EQUAL(splice_books("first_syn", false), 58);
		CU_ASSERT_EQUAL(answered(v, next, 90), 32);
		CU_ASSERT_EQUAL(answered(v, 2 * next, 20), 20);
		r.now_ns += SECOND;
		/* Ten more, and the other half for those of before. */
		CU_ASSERT_EQUAL(answered(v, 0, 90), 10 + 32);
		CU_ASSERT(splice_books("answers", false) >= 10);
		splice_close();
	}
}

/* Without the proxy, who repeats is let in instead. */
static void
wrong_answers_used_up_leave_repetitions(void)
{
	struct talk t = talk_of(false, 200);

	open_with("method = \"bad_ack\"; answers = \"10pps\";");
	for (uint32_t who = 0; who < 40; who++) {
		struct talk other = talk_of(false, who);

		CU_ASSERT_STRING_EQUAL(syn(&other), who < 32 ? "bad_ack" : "first_syn");
	}
	CU_ASSERT_STRING_EQUAL(syn(&t), "first_syn");
	for (uint32_t who = 300; who < 400; who++) {
		struct talk other = talk_of(false, 100 + who % 100);

		syn(&other);
	}
	r.now_ns += SECOND - 10 * MS;
	for (uint32_t who = 0; who < 30; who++) {
		struct talk other = talk_of(false, 30 + who);

		other.client_isn += 77;
		syn(&other);
	}
	CU_ASSERT_STRING_EQUAL(syn(&t), "passed");
	splice_close();
}

static void
segments_of_no_connection_are_dropped_while_they_flood(void)
{
	static const struct {
		uint8_t flags;
		const char *reason;
	} rows[] = {
		{ TCP_ACK, "stray_ack" },
		{ TCP_ACK | TCP_PSH, "stray_ack" },
		{ TCP_RST, "stray_rst" },
		{ TCP_RST | TCP_ACK, "stray_rst" },
		{ TCP_FIN | TCP_ACK, "stray_fin" },
		{ TCP_SYN | TCP_ACK, "stray_syn_ack" },
	};

	for (unsigned int k = 0; k < 12; k++) {
		const struct talk t = talk_of(k & 1, 700);
		const char *reason = rows[k / 2].reason;
		const uint8_t flags = rows[k / 2].flags;

		splice_open((struct splice_keys){ .tcpauth = "learning_time = \"5s\";" });
		/* In calm, and while it learns who is there, all pass. */
		CU_ASSERT_STRING_EQUAL(bare(&t, flags, 1, 2), "passed");
		splice_arm(VECTOR_TCP_OTHER_FLOOD, true);
		CU_ASSERT_STRING_EQUAL(bare(&t, flags, 1, 2), "passed");
		r.now_ns += 6 * SECOND;
		CU_ASSERT_STRING_EQUAL(bare(&t, flags, 1, 2), reason);
		splice_reload((struct splice_keys){
			.tcpauth = "learning_time = \"5s\"; out_of_state = \"pass\";" });
		CU_ASSERT_STRING_EQUAL(bare(&t, flags, 1, 2), "passed");
		splice_reload((struct splice_keys){
			.tcpauth = "learning_time = \"5s\"; method = \"off\";" });
		CU_ASSERT_STRING_EQUAL(bare(&t, flags, 1, 2), reason);
		splice_close();
	}
}

/* Of a connection that we know, what it may say itself; RFC 9293 3.10.7.4, RFC 5961. */
static void
segments_of_a_connection_must_fit_it(void)
{
	static const struct {
		uint8_t flags;
		int64_t seq, ack; /* from what is expected next */
		const char *reason;
	} rows[] = {
		{ TCP_ACK, 0, 0, "passed" },
		{ TCP_ACK, -1, 0, "passed" }, /* keep-alive */
		{ TCP_ACK, 60000, 0, "passed" },
		{ TCP_ACK, -60000, 0, "passed" },
		{ TCP_ACK, 0, -60000, "passed" },
		{ TCP_ACK, 1 << 24, 0, "out_of_window" },
		{ TCP_ACK, -(1 << 24), 0, "out_of_window" },
		/* The next eight are our cookie too, of another MSS. */
		{ TCP_ACK, 0, 9, "out_of_window" },
		{ TCP_ACK, 0, -(1 << 25), "out_of_window" },
		{ TCP_FIN | TCP_ACK, 1 << 24, 0, "out_of_window" },
		{ TCP_RST, 100, 0,
		  "passed" }, /* the server asks the client (RFC 5961 3.2) */
		{ TCP_RST, -1000, 0, "out_of_window" },
		{ TCP_RST, 1 << 24, 0, "out_of_window" },
	};

	for (unsigned int k = 0; k < 2 * sizeof(rows) / sizeof(*rows); k++) {
		struct talk t = talk_of(k & 1, 710);
		struct tcp_options says;

		/* In calm, and spliced. */
		for (unsigned int spliced = 0; spliced < 2; spliced++) {
			open_with("learning_time = \"0s\";");
			t.promised = t.offer;
			says = talk_of_server(&t);
			if (spliced) {
				talk_open(&t);
			} else {
				splice_arm(VECTOR_TCP_SYN_FLOOD, false);
				syn(&t);
				splice_send(&t, SIDE_INTERNAL, talk_accept(&t, &says));
				bare(&t, TCP_ACK, t.client_isn + 1, t.server_isn + 1);
				t.ours = t.server_isn;
			}
			splice_arm(VECTOR_TCP_OTHER_FLOOD, true);
			CU_ASSERT_STRING_EQUAL(
				bare(&t, rows[k / 2].flags,
			             t.client_isn + 1 + (uint32_t)rows[k / 2].seq,
			             t.ours + 1 + (uint32_t)rows[k / 2].ack),
				rows[k / 2].reason);
			splice_close();
		}
	}
}

/* Who proved his address lately may have been forgotten: his segments are left to the meters. */
static void
strays_of_verified_sources_pass(void)
{
	struct talk t = talk_of(false, 720);

	open_with("learning_time = \"0s\"; verified_for = \"20s\";");
	talk_open(&t);
	splice_arm(VECTOR_TCP_OTHER_FLOOD, true);
	t.port++;
	CU_ASSERT_STRING_EQUAL(bare(&t, TCP_ACK, 1, 2), "passed");
	r.now_ns += 700 * SECOND;
	CU_ASSERT_STRING_EQUAL(bare(&t, TCP_ACK, 1, 2), "stray_ack");
	splice_close();
}

SUITE_MAIN("tcpauth", TEST(whoever_resets_a_wrong_answer_is_real),
           TEST(a_first_syn_is_dropped_and_its_repetition_is_not),
           TEST(repetitions_are_not_believed_of_a_flood_that_repeats),
           TEST(who_never_hears_wrong_answers_may_repeat),
           TEST(who_shook_hands_is_reset_and_let_in), TEST(switched_off_it_lets_all_in),
           TEST(the_proxy_asks_verified_sources_too),
           TEST(answers_to_one_network_are_limited),
           TEST(wrong_answers_used_up_leave_repetitions),
           TEST(segments_of_no_connection_are_dropped_while_they_flood),
           TEST(segments_of_a_connection_must_fit_it),
           TEST(strays_of_verified_sources_pass))
