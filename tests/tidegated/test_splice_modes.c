/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Spliced connections outlive every change of mind: other modes, other policies, none, and
 * bypass. And in monitor not a bit changes.
 */
#include "splice_talk.h"

struct change {
	struct splice_keys keys;
	bool is_bypassed, is_calm;
};

static const struct change changes[] = {
	{ .keys = { .mode = "monitor" } },
	{ .keys = { .mode = "learn" } },
	{ .keys = { .tcpauth = "method = \"off\";" } },
	{ .keys = { .tcpauth = "method = \"drop_first\";" } },
	{ .keys = { .tcpauth = "server_window_scale = \"none\"; server_timestamps = "
	                       "\"no\";" } },
	/* Policy 0, which follows no flows. */
	{ .keys = { .prefixes = "\"192.0.2.1/32\"" } },
	{ .is_bypassed = true },
	{ .is_calm = true },
};

static void
open_all(void)
{
	splice_open((struct splice_keys){ 0 });
	splice_arm(VECTOR_TCP_SYN_FLOOD, true);
}

static void
make_change(const struct change *c)
{
	r.now_ns += SECOND;
	splice_reload(c->keys);
	r.is_bypassed = c->is_bypassed;
	if (c->is_calm)
		splice_arm(VECTOR_TCP_SYN_FLOOD, false);
}

/* Data both ways from the n-th byte on. */
static void
say_more(struct talk *t, uint32_t n)
{
	const struct talk_part data = { TCP_ACK | TCP_PSH, n, n, 300, 100, 0, { 0 } };
	const struct talk_part reply = {
		TCP_ACK, n, n + 100, 400, 100, 1, { n + 200, n + 300 }
	};
	const struct talk_part ack = {
		TCP_ACK, n + 100, n + 100, 300, 0, 1, { n + 200, n + 300 }
	};

	talk_in(t, &data, 300);
	talk_out(t, &reply, 400);
	talk_in(t, &ack, 300);
}

static void
an_open_connection_goes_on(void)
{
	for (unsigned int k = 0; k < 2 * sizeof(changes) / sizeof(*changes); k++) {
		struct talk t = talk_of(k & 1, 300);

		t.answer.wscale = OURS_SCALE;
		t.tags = k / 2 % 3;
		open_all();
		talk_open(&t);
		say_more(&t, 0);
		make_change(&changes[k / 2]);
		say_more(&t, 100);
		/* ... and back. */
		r.is_bypassed = false;
		splice_reload((struct splice_keys){ 0 });
		say_more(&t, 200);
		splice_close();
	}
}

static void
an_opening_comes_to_its_end(void)
{
	for (unsigned int k = 0; k < 2 * sizeof(changes) / sizeof(*changes); k++) {
		struct talk t = talk_of(k & 1, 310);
		struct tcp_options says;
		struct segment s;

		t.answer.wscale = OURS_SCALE;
		open_all();
		talk_syn(&t);
		talk_third(&t, 0);
		make_change(&changes[k / 2]);
		s = talk_proof(&t, &says, 20);
		splice_send(&t, SIDE_EXTERNAL, s);
		CU_ASSERT_STRING_EQUAL(splice_reason(0), "early_data");
		/* A second has passed, so it is asked again. */
		talk_read_syn(&t);
		talk_answer(&t);
		say_more(&t, 0);
		splice_close();
	}
}

/* An hour is as long as silent flows live; this one is not silent. */
static void
bypass_may_last_for_hours(void)
{
	struct talk t = talk_of(false, 320);

	t.answer.wscale = OURS_SCALE;
	open_all();
	talk_open(&t);
	r.is_bypassed = true;
	for (uint32_t n = 0; n < 400; n++) {
		r.now_ns += 60 * SECOND;
		say_more(&t, 100 * n);
	}
	splice_close();
}

/* What was said in bypass nobody followed; a flood afterwards must not cut it. */
static void
what_bypass_let_by_is_in_window_afterwards(void)
{
	struct talk t = talk_of(true, 330);
	const struct talk_part ack = { TCP_ACK, 40100, 40100, 300, 0, 0, { 0 } };

	t.answer.wscale = OURS_SCALE;
	open_all();
	talk_open(&t);
	say_more(&t, 0);
	r.is_bypassed = true;
	for (uint32_t n = 1; n <= 400; n++)
		say_more(&t, 100 * n);
	r.is_bypassed = false;
	r.now_ns += 60 * SECOND;
	splice_arm(VECTOR_TCP_OTHER_FLOOD, true);
	talk_in(&t, &ack, 300);
	splice_close();
}

/* A connection that nobody spliced has left its numbers behind too, and gets time to be known. */
static void
bypass_is_followed_by_learning(void)
{
	struct talk t = talk_of(false, 340);
	struct segment answer, ack = talk_first(&t);
	struct tcp_options says;

	splice_open((struct splice_keys){ 0 });
	t.promised = t.offer;
	splice_send(&t, SIDE_EXTERNAL, ack);
	says = talk_of_server(&t);
	answer = talk_accept(&t, &says);
	splice_send(&t, SIDE_INTERNAL, answer);
	ack = (struct segment){
		.flags = TCP_ACK, .seq = ack.seq + 1, .ack = answer.seq + 1, .window = 300
	};
	CU_ASSERT_EQUAL(splice_send(&t, SIDE_EXTERNAL, ack)->standing[0],
	                STANDING_VERIFIED_FLOW);
	r.is_bypassed = true;
	r.now_ns += 60 * SECOND;
	ack.ack += 1u << 25;
	splice_send(&t, SIDE_EXTERNAL, ack);
	r.is_bypassed = false;
	splice_arm(VECTOR_TCP_OTHER_FLOOD, true);
	r.now_ns += 29 * SECOND;
	CU_ASSERT_EQUAL(splice_send(&t, SIDE_EXTERNAL, ack)->verdict[0], VERDICT_PASS);
	r.now_ns += 2 * SECOND;
	splice_arm(VECTOR_TCP_OTHER_FLOOD, true);
	CU_ASSERT_EQUAL(splice_send(&t, SIDE_EXTERNAL, ack)->verdict[0], VERDICT_DROP);
	splice_close();
}

/* --- errors --------------------------------------------------------------------- */

/* A router's word on a segment that `from` has sent: too big, and the first n bytes of it. */
static void
lay_error(struct wire *w, const struct talk *t, enum side from, const struct wire *sent,
          size_t n)
{
	const struct facts f = segment_facts(sent);

	splice_link(w, t, from == SIDE_EXTERNAL ? SIDE_INTERNAL : SIDE_EXTERNAL);
	if (t->is_ipv6) {
		wire_ipv6(w, PROTO_ICMPV6);
		wire_icmp(w, 2, 0);
	} else {
		wire_ipv4(w, PROTO_ICMP, 0, 0);
		wire_icmp(w, 3, 4);
	}
	splice_addresses(w, t, from == SIDE_EXTERNAL ? SIDE_INTERNAL : SIDE_EXTERNAL);
	n += (size_t)(f.l4_off - f.l3_off);
	memcpy(w->bytes + w->len, sent->bytes + f.l3_off, n);
	w->len += n;
	segment_seal(w);
}

/*
 * RFC 5927: a host believes an error only if the number it quotes is one it has sent. So
 * what the reader finds in the quote must be what it had written itself.
 */
static void
errors_quote_what_their_reader_has_sent(void)
{
	static const size_t quoted[] = { 8, 20, 32, 72 };
	const struct change *with[] = { NULL, &changes[0], &changes[5], &changes[6] };

	for (unsigned int k = 0; k < 64; k++) {
		const enum side from = k & 1 ? SIDE_EXTERNAL : SIDE_INTERNAL;
		const enum side to = k & 1 ? SIDE_INTERNAL : SIDE_EXTERNAL;
		const size_t n = quoted[k / 2 % 4];
		struct talk t = talk_of(k & 8, 340);
		struct tcp_options says;
		struct segment s = {
			.flags = TCP_ACK, .window = 300, .says = &says, .payload = 100
		};
		struct wire written;
		const struct left *l;

		t.answer.wscale = OURS_SCALE;
		open_all();
		talk_open(&t);
		if (with[k / 16] != NULL)
			make_change(with[k / 16]);
		says = talk_stamp(&t.promised, 1, 2);
		s.seq = from == SIDE_EXTERNAL ? t.client_isn + 1 : t.server_isn + 1;
		s.ack = from == SIDE_EXTERNAL ? t.ours + 1 : t.client_isn + 1;
		splice_frame(&written, &t, from, &s);
		splice_send(&t, from, s);
		splice_start(to);
		lay_error(&r.frame[0], &t, from, &splice_take(to)->frame, n);
		r.count = 1;
		splice_judge();
		l = splice_take(from);
		{
			const struct facts f = segment_facts(&written);
			const uint8_t *quote = l->frame.bytes + l->f.payload_off;
			const uint8_t *sent = written.bytes + f.l3_off;
			const size_t l4 = (size_t)(f.l4_off - f.l3_off);

			CU_ASSERT_EQUAL(segment_32(quote + l4 + 4),
			                segment_32(sent + l4 + 4));
			if (n >= 12)
				CU_ASSERT_EQUAL(segment_32(quote + l4 + 8),
				                segment_32(sent + l4 + 8));
		}
		splice_done();
		splice_close();
	}
}

/* --- monitor ---------------------------------------------------------------------- */

/* One burst of everything this stage could stop. */
static void
add_everything(const struct talk *t, unsigned int first)
{
	static const uint8_t flags[] = { TCP_SYN,           TCP_ACK,
		                         TCP_RST,           TCP_FIN | TCP_ACK,
		                         TCP_SYN | TCP_ACK, TCP_RST | TCP_ACK };
	static struct tcp_options offer = TALK_BOTH;

	for (unsigned int k = 0; k < 60; k++) {
		struct talk other = *t;

		other.who = first + k;
		splice_add(&other, (struct segment){ .flags = flags[k % 6],
		                                     .seq = 1000 * k,
		                                     .ack = k % 6 == 0 ? 0 : 77 * k,
		                                     .window = 1000,
		                                     .says = &offer,
		                                     .payload = k % 6 == 1 ? 30 : 0 });
	}
}

/* Bit for bit, in both families and behind tags; what it would have done is counted. */
static void
in_monitor_not_a_bit_changes(void)
{
	static const char *const methods[] = { "auto", "bad_ack", "drop_first", "reset" };
	static const char *const syn_reason[] = { "syn_cookie", "bad_ack", "first_syn",
		                                  "syn_cookie" };

	for (unsigned int m = 0; m < 4; m++) {
		static struct wire before[LANES_MAX];
		char tcpauth[80];

		snprintf(tcpauth, sizeof(tcpauth),
		         "method = \"%s\"; learning_time = \"0s\"; answers = \"1Mpps\";",
		         methods[m]);
		splice_open(
			(struct splice_keys){ .mode = "monitor", .tcpauth = tcpauth });
		splice_arm(VECTOR_TCP_SYN_FLOOD, true);
		splice_arm(VECTOR_TCP_OTHER_FLOOD, true);
		for (unsigned int k = 0; k < 6; k++) {
			struct talk t = talk_of(k & 1, 0);

			t.tags = k / 2;
			splice_start(SIDE_EXTERNAL);
			add_everything(&t, 1 + 100 * k);
			memcpy(before, r.frame, sizeof(before));
			splice_judge();
			CU_ASSERT_EQUAL(r.n_left[SIDE_EXTERNAL], 0);
			CU_ASSERT_EQUAL_FATAL(r.n_left[SIDE_INTERNAL], 60);
			for (unsigned int i = 0; i < 60; i++) {
				const struct left *l = splice_take(SIDE_INTERNAL);

				CU_ASSERT_EQUAL(l->frame.len, before[i].len);
				CU_ASSERT_EQUAL(memcmp(l->frame.bytes, before[i].bytes,
				                       before[i].len),
				                0);
			}
		}
		CU_ASSERT_EQUAL(splice_books(syn_reason[m], true), 60);
		CU_ASSERT_EQUAL(splice_books("stray_ack", true), 60);
		CU_ASSERT_EQUAL(splice_books("stray_rst", true), 120);
		CU_ASSERT_EQUAL(splice_books("stray_fin", true), 60);
		CU_ASSERT_EQUAL(splice_books("stray_syn_ack", true), 60);
		CU_ASSERT_EQUAL(splice_books(syn_reason[m], false), 0);
		CU_ASSERT_EQUAL(splice_books("stray_ack", false), 0);
		CU_ASSERT_FALSE(worker_is_waiting(r.worker));
		splice_close();
	}
}

/* Answered before, monitored since: the number that comes back is nobody's business. */
static void
in_monitor_a_number_that_comes_back_goes_on(void)
{
	struct talk t = talk_of(false, 360);
	struct tcp_options says;
	struct segment s;

	open_all();
	talk_syn(&t);
	splice_reload((struct splice_keys){ .mode = "monitor" });
	s = talk_proof(&t, &says, 10);
	splice_send(&t, SIDE_EXTERNAL, s);
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "passed");
	talk_read(SIDE_INTERNAL, &s);
	CU_ASSERT_FALSE(worker_is_waiting(r.worker));
	splice_close();
}

/* --- guessing --------------------------------------------------------------------- */

/*
 * A guess is good with 2 * 8 / 2^32: of a million the chance of one is 1 in 256, and these
 * are the same in every run. No table grows by them.
 */
static void
a_million_guesses_leave_no_trace(void)
{
	const struct flow_table *flows;
	const struct source_table *sources;
	struct talk t;

	splice_open((struct splice_keys){ .tcpauth = "learning_time = \"0s\";" });
	flows = r.worker->pipeline.env.flows;
	sources = r.worker->pipeline.env.sources;
	splice_arm(VECTOR_TCP_SYN_FLOOD, true);
	splice_arm(VECTOR_TCP_OTHER_FLOOD, true);
	t = talk_of(false, 1);
	talk_syn(&t); /* answers may come back */
	for (unsigned int k = 0; k < (1 << 20) / 64; k++) {
		struct burst *b;

		splice_start(SIDE_EXTERNAL);
		for (unsigned int i = 0; i < 64; i++) {
			t = talk_of(k & 1, segment_random() >> 8);
			splice_add(&t, (struct segment){ .flags = TCP_ACK,
			                                 .seq = segment_random(),
			                                 .ack = segment_random() });
		}
		b = splice_judge();
		CU_ASSERT_EQUAL(b->live, 0);
		CU_ASSERT_EQUAL(lanes_where8(b->verdict, VERDICT_DROP), lanes_first(64));
		r.now_ns += MS;
	}
	for (unsigned int class = 0; class < 4; class ++)
		if (class != TABLE_FREE) {
			CU_ASSERT_EQUAL(flows->table.used[class], 0);
			CU_ASSERT_EQUAL(sources->table.used[class], 0);
		}
	CU_ASSERT_EQUAL(splice_books("stray_ack", false), 1 << 20);
	CU_ASSERT_FALSE(worker_is_waiting(r.worker));
	splice_close();
}

SUITE_MAIN("splice modes", TEST(an_open_connection_goes_on),
           TEST(an_opening_comes_to_its_end), TEST(bypass_may_last_for_hours),
           TEST(what_bypass_let_by_is_in_window_afterwards),
           TEST(bypass_is_followed_by_learning),
           TEST(errors_quote_what_their_reader_has_sent),
           TEST(in_monitor_not_a_bit_changes),
           TEST(in_monitor_a_number_that_comes_back_goes_on),
           TEST(a_million_guesses_leave_no_trace))
