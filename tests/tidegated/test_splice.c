/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What client and server see of each other through a spliced connection: every number,
 * option and checksum, for all that they may have agreed on.
 */
#include "splice_talk.h"

static void
open_all(void)
{
	splice_open((struct splice_keys){ 0 });
	splice_arm(VECTOR_TCP_SYN_FLOOD, true);
}

/* Data, acknowledgements and selective ones both ways; windows as `scales` say. */
static void
converse(struct talk *t)
{
	const bool sacks = t->promised.has_sack_permitted && t->answer.has_sack_permitted;
	const struct talk_part question = { .flags = TCP_ACK | TCP_PSH,
		                            .window = 300,
		                            .payload = 100 };
	const struct talk_part reply = {
		.flags = TCP_ACK, .ack = 100, .window = 400, .payload = 1000
	};
	const struct talk_part gap = { .flags = TCP_ACK,
		                       .seq = 100,
		                       .ack = 1000,
		                       .window = 300,
		                       .sacks = sacks ? 2 : 0,
		                       .sack = { 2000, 3000, 4000, 5000 } };
	const struct talk_part lack = { .flags = TCP_ACK,
		                        .seq = 1000,
		                        .ack = 100,
		                        .window = 400,
		                        .sacks = sacks ? 1 : 0,
		                        .sack = { 200, 300 } };

	talk_in(t, &question, 300);
	talk_out(t, &reply, 400);
	talk_in(t, &gap, 300);
	talk_out(t, &lack, 400);
}

static void
each_side_sees_only_its_own_numbers(void)
{
	open_all();
	for (uint32_t who = 1; who <= 16; who++) {
		struct talk t = talk_of(who % 2 == 0, who * 1009);

		t.answer.wscale = OURS_SCALE;
		t.tags = who % 3;
		talk_open(&t);
		CU_ASSERT_EQUAL(t.promised.wscale, OURS_SCALE);
		CU_ASSERT_TRUE(t.promised.has_ts && t.promised.has_sack_permitted);
		converse(&t);
	}
	splice_close();
}

/* Every set of options of both ends, each against a server nobody has heard before. */
static void
every_combination_of_options_works(void)
{
	for (unsigned int k = 0; k < 128; k++) {
		struct talk t = talk_of((k & 64) != 0, 77 + k);

		t.offer = (struct tcp_options){ .mss = 1400,
			                        .wscale = k & 1 ? 3 : NO_SCALE,
			                        .has_sack_permitted = k & 2,
			                        .has_ts = k & 4 };
		t.answer = (struct tcp_options){ .mss = 1300,
			                         .wscale = k & 8 ? OURS_SCALE : NO_SCALE,
			                         .has_sack_permitted = k & 16,
			                         .has_ts = k & 32 };
		open_all();
		talk_open(&t);
		if (t.promised.wscale == NO_SCALE || t.answer.wscale != NO_SCALE)
			converse(&t);
		splice_close();
	}
}

/* What is in a segment's window field, on both sides of one that scales otherwise. */
static void
windows_are_told_in_the_scale_that_was_promised(void)
{
	static const struct {
		uint8_t server; /* its real scale; 7 was promised, the client has 3 */
		uint16_t out, out_read, in, in_read;
	} rows[] = {
		{ 7, 400, 400, 300, 300 },
		{ 9, 400, 1600, 300, 300 },
		{ 14, 400, 51200, 300, 300 },
		{ 14, 600, 65535, 300, 300 },
		{ 5, 400, 100, 300, 300 },
		{ 0, 400, 3, 300, 300 },
		{ 0, 127, 0, 300, 300 }, /* rounded down, as any stack does it */
		{ 0, 128, 1, 300, 300 },
		{ 0, 0, 0, 300, 300 },
		{ NO_SCALE, 65535, 511, 300, 2400 },
		{ NO_SCALE, 400, 3, 65535, 65535 },
	};

	for (size_t k = 0; k < sizeof(rows) / sizeof(*rows); k++) {
		struct talk t = talk_of(k % 2 == 0, 4000);
		const struct talk_part in = { .flags = TCP_ACK, .window = rows[k].in };
		const struct talk_part out = { .flags = TCP_ACK, .window = rows[k].out };

		t.offer.wscale = 3;
		t.answer.wscale = rows[k].server;
		open_all();
		talk_open(&t);
		CU_ASSERT_EQUAL(t.promised.wscale, OURS_SCALE);
		talk_in(&t, &in, rows[k].in_read);
		talk_out(&t, &out, rows[k].out_read);
		splice_close();
	}
}

/* Nor is a client told of more than a server has from the start. */
static void
a_small_window_is_not_enlarged(void)
{
	static const uint16_t window[] = { 0, 52, 127, 128, 300 };

	for (size_t k = 0; k < sizeof(window) / sizeof(*window); k++) {
		struct talk t = talk_of(k & 1, 4100);
		struct tcp_options says;
		struct segment s;

		open_all();
		talk_syn(&t);
		talk_third(&t, 0);
		says = talk_of_server(&t);
		s = talk_accept(&t, &says);
		s.window = window[k];
		splice_send(&t, SIDE_INTERNAL, s);
		CU_ASSERT_EQUAL(splice_take(SIDE_EXTERNAL)->window,
		                window[k] >> OURS_SCALE);
		splice_close();
	}
}

/* The first client of a flood teaches what the server is like; the second was told before. */
static void
what_one_client_was_told_holds_when_more_is_learnt(void)
{
	static const uint8_t real[] = { 9, 2, NO_SCALE };

	for (size_t k = 0; k < sizeof(real); k++) {
		struct talk first = talk_of(false, 1), second = talk_of(false, 2);
		const uint8_t scale = real[k];
		const unsigned int is = scale == NO_SCALE ? 0 : scale;
		const struct talk_part out = { .flags = TCP_ACK, .window = 1024 };

		first.answer.wscale = second.answer.wscale = scale;
		open_all();
		talk_syn(&first);
		talk_syn(&second);
		CU_ASSERT_EQUAL(second.promised.wscale, OURS_SCALE);
		talk_third(&first, 0);
		talk_answer(&first);
		talk_third(&second, 0);
		talk_answer(&second);
		talk_out(&second, &out, (uint16_t)((1024u << is) >> OURS_SCALE));
		splice_close();
	}
}

/* What is learnt, and what the operator says, is promised to the next client. */
static void
later_clients_are_promised_what_the_server_has(void)
{
	struct talk first = talk_of(false, 1), second = talk_of(false, 2);

	open_all();
	first.answer = (struct tcp_options){ .mss = 1200, .wscale = 9, .has_ts = true };
	talk_open(&first);
	second.answer = first.answer;
	talk_syn(&second);
	CU_ASSERT_EQUAL(second.promised.mss, 1200);
	CU_ASSERT_EQUAL(second.promised.wscale, 9);
	CU_ASSERT_FALSE(second.promised.has_sack_permitted);
	talk_third(&second, 0);
	talk_answer(&second);
	converse(&second);
	splice_close();

	splice_open((struct splice_keys){ .tcpauth = "server_mss = \"1000\"; "
	                                             "server_window_scale = \"none\"; "
	                                             "server_sack = \"no\";" });
	splice_arm(VECTOR_TCP_SYN_FLOOD, true);
	first = talk_of(true, 1);
	first.answer.wscale = NO_SCALE;
	first.answer.has_sack_permitted = false;
	talk_open(&first);
	CU_ASSERT_EQUAL(first.promised.mss, 1000);
	CU_ASSERT_EQUAL(first.promised.wscale, NO_SCALE);
	CU_ASSERT_FALSE(first.promised.has_sack_permitted);
	converse(&first);
	splice_close();
}

/* In calm the handshake is the server's own, and teaches what it is like. */
static void
calm_handshakes_teach_and_are_not_touched(void)
{
	struct talk t = talk_of(false, 9), later = talk_of(false, 10);
	struct segment syn, answer;
	struct tcp_options says;

	splice_open((struct splice_keys){ 0 });
	t.answer = (struct tcp_options){ .mss = 900, .wscale = 11, .has_ts = true };
	syn = talk_first(&t);
	splice_send(&t, SIDE_EXTERNAL, syn);
	talk_read(SIDE_INTERNAL, &syn);
	t.promised = t.offer;
	says = talk_of_server(&t);
	answer = talk_accept(&t, &says);
	splice_send(&t, SIDE_INTERNAL, answer);
	talk_read(SIDE_EXTERNAL, &answer);
	splice_arm(VECTOR_TCP_SYN_FLOOD, true);
	talk_syn(&later);
	CU_ASSERT_EQUAL(later.promised.mss, 900);
	CU_ASSERT_EQUAL(later.promised.wscale, 11);
	splice_close();
}

/* ECN is promised only for a server that was heard to speak it. */
static void
ecn_reaches_the_server_that_speaks_it(void)
{
	struct talk first = talk_of(false, 1), second = talk_of(false, 2);
	struct tcp_options says;
	struct segment s;
	const struct left *l;

	open_all();
	talk_syn(&first);
	talk_third(&first, 0);
	says = talk_of_server(&first);
	s = talk_accept(&first, &says);
	s.flags |= TCP_ECE;
	splice_send(&first, SIDE_INTERNAL, s);
	talk_read_joined(&first, &says);

	second.offer.ts_value = second.client_ts;
	s = talk_first(&second);
	s.flags |= TCP_ECE | TCP_CWR;
	splice_send(&second, SIDE_EXTERNAL, s);
	l = splice_take(SIDE_EXTERNAL);
	CU_ASSERT_EQUAL(l->f.tcp_flags, TCP_SYN | TCP_ACK | TCP_ECE);
	second.ours = l->f.tcp_seq;
	second.stamp = l->said.ts_value;
	second.promised = l->said;
	splice_send(&second, SIDE_EXTERNAL, talk_proof(&second, &says, 0));
	l = splice_take(SIDE_INTERNAL);
	CU_ASSERT_EQUAL(l->f.tcp_flags, TCP_SYN | TCP_ECE | TCP_CWR);
	splice_close();
}

#define CUT 80u /* bytes of the segment in its first fragment */

/* Bytes from..to of an IPv4 segment as a fragment. */
static void
cut_piece(struct wire *out, const struct wire *whole, unsigned int from, unsigned int to,
          bool has_more)
{
	uint8_t *ip = out->bytes + whole->ip;

	*out = *whole;
	out->len = whole->ip + 20 + to - from;
	memcpy(ip + 20, whole->bytes + whole->ip + 20 + from, to - from);
	segment_put16(ip + 2, (uint16_t)(20 + to - from));
	segment_put16(ip + 6, (uint16_t)((has_more ? 0x2000 : 0) | from / 8));
	segment_put16(ip + 10, 0);
	segment_put16(ip + 10, wire_checksum(ip, 20));
}

/* The frames from `first` on, as the gate lets them pass. */
static void
pass_pieces(unsigned int first, unsigned int n)
{
	struct burst *b = &r.worker->burst;

	burst_start(b, r.now_ns, 0, SIDE_EXTERNAL);
	for (unsigned int i = 0; i < n; i++) {
		b->bytes[i] = r.frame[first + i].bytes;
		b->bytes_len[i] = (uint16_t)r.frame[first + i].len;
		b->frame_len[i] = b->bytes_len[i];
	}
	b->count = (uint16_t)n;
	b->live = lanes_first(n);
	worker_judge(r.worker, engine_policies(&r.engine), b);
	CU_ASSERT_EQUAL(b->live, lanes_first(n));
	CU_ASSERT_EQUAL(b->rewritten, first == 0 ? 1 : 0);
	for (unsigned int i = 0; i < n; i++) {
		CU_ASSERT_NOT_EQUAL(b->flow[i], BURST_NO_FLOW);
		memmove(r.frame[first + i].bytes, b->bytes[i], b->bytes_len[i]);
	}
	worker_account(r.worker, b);
	engine_quiescent(&r.engine, 0);
}

/* All numbers are in the first fragment; the later ones, of the same flow, are left alone. */
static void
segments_in_pieces_are_whole_behind_the_gate(void)
{
	open_all();
	for (uint32_t who = 1; who <= 6; who++) {
		struct talk t = talk_of(false, who * 1013);
		struct segment s = { .flags = TCP_ACK, .window = 300, .payload = 200 };
		struct wire whole, rest;
		unsigned int end;
		struct facts f;

		t.tags = who % 3;
		talk_open(&t);
		s.seq = t.client_isn + 1;
		s.ack = t.ours + 1;
		splice_frame(&whole, &t, SIDE_EXTERNAL, &s);
		end = (unsigned int)(whole.len - whole.ip - 20);
		cut_piece(&r.frame[0], &whole, 0, CUT, true);
		cut_piece(&r.frame[1], &whole, CUT, end, false);
		rest = r.frame[1];
		/* In one burst, or in two. */
		pass_pieces(0, who % 2 == 0 ? 2 : 1);
		if (who % 2 != 0)
			pass_pieces(1, 1);
		CU_ASSERT_EQUAL(memcmp(rest.bytes, r.frame[1].bytes, rest.len), 0);
		memcpy(whole.bytes + whole.ip + 20, r.frame[0].bytes + whole.ip + 20,
		       CUT);
		memcpy(whole.bytes + whole.ip + 20 + CUT,
		       r.frame[1].bytes + whole.ip + 20, end - CUT);
		f = segment_facts(&whole);
		CU_ASSERT_EQUAL(f.tcp_ack, t.server_isn + 1);
		CU_ASSERT_EQUAL(segment_checksum(whole.bytes, &f), 0);
		for (unsigned int k = 0; k < s.payload; k++)
			CU_ASSERT_EQUAL(whole.bytes[f.payload_off + k], 'd');
	}
	splice_close();
}

SUITE_MAIN("splice", TEST(each_side_sees_only_its_own_numbers),
           TEST(every_combination_of_options_works),
           TEST(windows_are_told_in_the_scale_that_was_promised),
           TEST(a_small_window_is_not_enlarged),
           TEST(what_one_client_was_told_holds_when_more_is_learnt),
           TEST(later_clients_are_promised_what_the_server_has),
           TEST(calm_handshakes_teach_and_are_not_touched),
           TEST(ecn_reaches_the_server_that_speaks_it),
           TEST(segments_in_pieces_are_whole_behind_the_gate))
