/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * splice_talk - the steps of a spliced connection, each held to what both ends may see.
 *
 *     talk_syn      SYN, and our SYN-ACK read
 *     talk_third    third segment, and the SYN to the server read
 *     talk_answer   the server's SYN-ACK, and our ACK and window update read
 *     talk_in/out   a segment of an open connection in its sender's numbers, and what the
 *                   other end reads
 */
#ifndef TESTS_TIDEGATED_SPLICE_TALK_H
#define TESTS_TIDEGATED_SPLICE_TALK_H

#include "challenge/cookie.h"
#include "splice_rig.h"

#define TALK_BOTH                                                                        \
	{                                                                                \
		.mss = 1460, .wscale = 7, .has_sack_permitted = true, .has_ts = true     \
	}
#define TALK_NOTHING                                                                     \
	{                                                                                \
		.wscale = NO_SCALE                                                       \
	}

static inline struct talk
talk_of(bool is_ipv6, uint32_t who)
{
	return (struct talk){ .is_ipv6 = is_ipv6,
		              .who = who,
		              .port = (uint16_t)(1024 + who % 60000),
		              .client_isn = 0xfffffff0u + who * 7,
		              .server_isn = 0xfffff000u + who * 3,
		              .offer = TALK_BOTH,
		              .answer = TALK_BOTH,
		              .client_ts = 1000,
		              .server_ts = 0xfffffff0u };
}

static inline struct tcp_options
talk_stamp(const struct tcp_options *agreed, uint32_t value, uint32_t echo)
{
	return (struct tcp_options){ .wscale = NO_SCALE,
		                     .has_ts = agreed->has_ts,
		                     .ts_value = value,
		                     .ts_echo = echo };
}

/* Our SYN-ACK; what the client was told is kept in the talk. */
static inline void
talk_read_answer(struct talk *t)
{
	const struct left *l = splice_take(SIDE_EXTERNAL);

	CU_ASSERT_EQUAL(l->f.tcp_flags, TCP_SYN | TCP_ACK);
	CU_ASSERT_EQUAL(l->f.tcp_ack, t->client_isn + 1);
	CU_ASSERT_EQUAL(l->window, 0);
	CU_ASSERT_EQUAL(l->said.mss != 0, t->offer.mss != 0);
	CU_ASSERT(l->said.has_ts <= t->offer.has_ts);
	CU_ASSERT(l->said.has_sack_permitted <=
	          (t->offer.has_sack_permitted && t->offer.has_ts));
	CU_ASSERT(l->said.wscale == NO_SCALE ||
	          (t->offer.wscale != NO_SCALE && t->offer.has_ts));
	CU_ASSERT_FALSE(l->said.has_fast_open);
	CU_ASSERT(!l->said.has_ts || l->said.ts_echo == t->client_ts);
	CU_ASSERT_EQUAL(l->f.payload_len, 0);
	t->ours = l->f.tcp_seq;
	t->stamp = l->said.ts_value;
	t->promised = l->said;
}

static inline struct segment
talk_first(const struct talk *t)
{
	struct segment s = {
		.flags = TCP_SYN, .seq = t->client_isn, .window = 64240, .says = &t->offer
	};

	return s;
}

static inline void
talk_syn(struct talk *t)
{
	t->offer.ts_value = t->client_ts;
	splice_send(t, SIDE_EXTERNAL, talk_first(t));
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "syn_cookie");
	talk_read_answer(t);
	/* An answer is never longer than its question. */
	CU_ASSERT(r.left[SIDE_EXTERNAL][0].frame.len <= r.frame[0].len);
	splice_done();
}

/* The third segment, with some early data; `says` must outlive it. */
static inline struct segment
talk_proof(struct talk *t, struct tcp_options *says, unsigned int payload)
{
	*says = talk_stamp(&t->promised, t->client_ts, t->stamp);
	return (struct segment){ .flags = TCP_ACK,
		                 .seq = t->client_isn + 1,
		                 .ack = t->ours + 1,
		                 .window = WINDOW,
		                 .says = says,
		                 .payload = payload };
}

/* The SYN to the server: the client's own, with what is agreed. */
static inline void
talk_read_syn(const struct talk *t)
{
	const struct left *l = splice_take(SIDE_INTERNAL);
	const bool scales = t->promised.wscale != NO_SCALE;

	CU_ASSERT_TRUE(l->is_emitted);
	CU_ASSERT_EQUAL(l->f.tcp_flags, TCP_SYN);
	CU_ASSERT_EQUAL(l->f.tcp_seq, t->client_isn);
	CU_ASSERT_EQUAL(l->f.tcp_ack, 0);
	CU_ASSERT_EQUAL(l->f.src_port, t->port);
	CU_ASSERT_EQUAL(l->window, WINDOW);
	CU_ASSERT_EQUAL(
		l->said.mss,
		cookie_mss(cookie_mss_index(t->offer.mss, t->is_ipv6), t->is_ipv6));
	CU_ASSERT_EQUAL(l->said.wscale, scales ? t->offer.wscale : NO_SCALE);
	CU_ASSERT_EQUAL(l->said.has_sack_permitted, t->promised.has_sack_permitted);
	CU_ASSERT_EQUAL(l->said.has_ts, t->promised.has_ts);
	CU_ASSERT(!l->said.has_ts ||
	          (l->said.ts_value == t->client_ts && l->said.ts_echo == 0));
	CU_ASSERT_EQUAL(l->f.vlan, t->tags > 0 ? 100 : 0);
	CU_ASSERT_EQUAL(l->f.inner_vlan, t->tags > 1 ? 101 : 0);
}

static inline void
talk_third(struct talk *t, unsigned int payload)
{
	struct tcp_options says;

	t->client_ts += 10;
	splice_send(t, SIDE_EXTERNAL, talk_proof(t, &says, payload));
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "cookie_accepted");
	CU_ASSERT_EQUAL(r.worker->burst.verdict[0], VERDICT_CONSUME);
	talk_read_syn(t);
	splice_done();
}

/* What the server says of itself to what was offered. */
static inline struct tcp_options
talk_of_server(const struct talk *t)
{
	struct tcp_options o = t->answer;

	if (t->promised.wscale == NO_SCALE)
		o.wscale = NO_SCALE;
	o.has_sack_permitted = o.has_sack_permitted && t->promised.has_sack_permitted;
	o.has_ts = o.has_ts && t->promised.has_ts;
	o.ts_value = t->server_ts;
	o.ts_echo = t->client_ts;
	return o;
}

/* The scale of the windows that the client sends, where both ends do. */
static inline unsigned int
talk_scale(uint8_t wscale)
{
	return wscale == NO_SCALE ? 0 : wscale;
}

static inline void
talk_read_joined(const struct talk *t, const struct tcp_options *server)
{
	const struct left *ack = splice_take(SIDE_INTERNAL);
	const struct left *update = splice_take(SIDE_EXTERNAL);
	const uint32_t window = (uint32_t)update->window
	                        << talk_scale(t->promised.wscale);

	CU_ASSERT_EQUAL(ack->f.tcp_flags, TCP_ACK);
	CU_ASSERT_EQUAL(ack->f.tcp_seq, t->client_isn + 1);
	CU_ASSERT_EQUAL(ack->f.tcp_ack, t->server_isn + 1);
	/* Who does not scale is told the client's window in full. */
	CU_ASSERT_EQUAL(ack->window,
	                t->promised.wscale != NO_SCALE && server->wscale == NO_SCALE
	                        ? WINDOW << t->offer.wscale
	                        : WINDOW);
	CU_ASSERT_EQUAL(ack->said.has_ts, server->has_ts);
	CU_ASSERT(!server->has_ts || (ack->said.ts_value == t->client_ts &&
	                              ack->said.ts_echo == t->server_ts));

	CU_ASSERT_EQUAL(update->f.tcp_flags, TCP_ACK);
	CU_ASSERT_EQUAL(update->f.tcp_seq, t->ours + 1);
	CU_ASSERT_EQUAL(update->f.tcp_ack, t->client_isn + 1);
	CU_ASSERT(window > 0 && window <= WINDOW_IN);
	CU_ASSERT(window + (1u << talk_scale(t->promised.wscale)) > WINDOW_IN);
	CU_ASSERT_EQUAL(update->said.has_ts, server->has_ts);
	CU_ASSERT(!server->has_ts || (update->said.ts_value == t->stamp &&
	                              update->said.ts_echo == t->client_ts));
	CU_ASSERT_EQUAL(update->f.vlan, t->tags > 0 ? 100 : 0);
	splice_done();
}

static inline struct segment
talk_accept(const struct talk *t, const struct tcp_options *says)
{
	return (struct segment){ .flags = TCP_SYN | TCP_ACK,
		                 .seq = t->server_isn,
		                 .ack = t->client_isn + 1,
		                 .window = WINDOW_IN,
		                 .says = says };
}

static inline void
talk_answer(const struct talk *t)
{
	const struct tcp_options says = talk_of_server(t);

	splice_send(t, SIDE_INTERNAL, talk_accept(t, &says));
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "handshake");
	talk_read_joined(t, &says);
}

static inline void
talk_open(struct talk *t)
{
	talk_syn(t);
	talk_third(t, 0);
	talk_answer(t);
}

/* --- an open connection ---------------------------------------------------------- */

/* What is sent, counted from each end's first byte: seq 0 is the first of the data. */
struct talk_part {
	uint8_t flags;
	uint32_t seq, ack;
	uint16_t window;
	unsigned int payload, sacks;
	uint32_t sack[4]; /* of the receiver's numbers, counted like ack */
};

static inline void
talk_sacks(struct segment *s, const struct talk_part *p, uint32_t first)
{
	s->sacks = p->sacks;
	for (unsigned int k = 0; k < 2 * p->sacks; k++)
		s->sack[k] = first + p->sack[k];
}

/* What arrives has these numbers, blocks and stamps, and every byte of the payload. */
static inline const struct left *
talk_read(enum side to, const struct segment *s)
{
	const struct left *l = splice_take(to);
	const uint8_t *tcp = l->frame.bytes + l->f.l4_off;

	CU_ASSERT_EQUAL(l->f.tcp_flags, s->flags);
	CU_ASSERT_EQUAL(l->f.tcp_seq, s->seq);
	CU_ASSERT_EQUAL(l->f.tcp_ack, s->ack);
	CU_ASSERT_EQUAL(l->f.payload_len, s->payload);
	CU_ASSERT_EQUAL(l->window, s->window);
	CU_ASSERT_EQUAL(l->said.sacks, s->sacks);
	for (unsigned int k = 0; k < 2 * s->sacks; k++)
		CU_ASSERT_EQUAL(segment_32(tcp + l->said.sack_at + 4 * k), s->sack[k]);
	CU_ASSERT_EQUAL(l->said.has_ts, s->says != NULL && s->says->has_ts);
	if (l->said.has_ts) {
		CU_ASSERT_EQUAL(l->said.ts_value, s->says->ts_value);
		CU_ASSERT_EQUAL(l->said.ts_echo, s->says->ts_echo);
	}
	for (unsigned int k = 0; k < s->payload; k++)
		CU_ASSERT_EQUAL(l->frame.bytes[l->f.payload_off + k], 'd');
	splice_done();
	return l;
}

/* What the client has agreed with us, the server may not have; then it gets stamps unread. */
static inline bool
talk_stamps(const struct talk *t)
{
	return t->promised.has_ts && t->answer.has_ts;
}

/* `window` is what the server must read. */
static inline void
talk_in(struct talk *t, const struct talk_part *p, uint16_t window)
{
	const uint32_t later = 100; /* since the handshake, on both clocks */
	struct tcp_options said, read;
	struct segment s = { .flags = p->flags, .window = p->window, .says = &said };

	said = talk_stamp(&t->promised, t->client_ts + later, t->stamp + later);
	read = said;
	if (talk_stamps(t))
		read.ts_echo = t->server_ts + later;
	s.seq = t->client_isn + 1 + p->seq;
	s.ack = (p->flags & TCP_ACK) != 0 ? t->ours + 1 + p->ack : 0;
	s.payload = p->payload;
	talk_sacks(&s, p, t->ours + 1);
	splice_send(t, SIDE_EXTERNAL, s);
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "passed");
	s.ack = (p->flags & TCP_ACK) != 0 ? t->server_isn + 1 + p->ack : 0;
	s.window = window;
	s.says = &read;
	talk_sacks(&s, p, t->server_isn + 1);
	talk_read(SIDE_INTERNAL, &s);
}

static inline void
talk_out(struct talk *t, const struct talk_part *p, uint16_t window)
{
	const uint32_t later = 100;
	struct tcp_options said = TALK_NOTHING, read = TALK_NOTHING;
	struct segment s = { .flags = p->flags, .window = p->window, .says = &said };

	if (talk_stamps(t)) {
		said = talk_stamp(&t->promised, t->server_ts + later, t->client_ts);
		read = talk_stamp(&t->promised, t->stamp + later, t->client_ts);
	}
	s.seq = t->server_isn + 1 + p->seq;
	s.ack = (p->flags & TCP_ACK) != 0 ? t->client_isn + 1 + p->ack : 0;
	s.payload = p->payload;
	talk_sacks(&s, p, t->client_isn + 1);
	splice_send(t, SIDE_INTERNAL, s);
	CU_ASSERT_STRING_EQUAL(splice_reason(0), "passed");
	s.seq = t->ours + 1 + p->seq;
	s.window = window;
	s.says = &read;
	talk_read(SIDE_EXTERNAL, &s);
}

#endif
