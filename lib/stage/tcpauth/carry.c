/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Spliced connections go on, whatever the policy says by now: each half is told in
 * the other's numbers, and so is what routers say of it.
 */
#include "packet/build.h"
#include "packet/quote.h"
#include "packet/vector.h"
#include "stage/tcpauth/parts.h"

static inline void
translate(struct burst *b, unsigned int i, const struct translation *t)
{
	translate_segment((uint8_t *)(uintptr_t)b->bytes[i], b->bytes_len[i],
	                  &b->facts[i], t);
	b->rewritten |= lane_bit(i);
}

/* The opening is over without a connection. */
static void
give_up(struct tcpauth *s, uint32_t slot, struct splice *splice)
{
	openings_give(&s->openings, splice->opening);
	flow_unsplice(s->flows, slot);
}

/* What the client sends before the server has answered comes again; only a reset is for both. */
static void
hold_client(struct tcpauth *s, struct burst *b, unsigned int i, struct splice *splice)
{
	const struct facts *f = &b->facts[i];
	struct opening *o = &s->openings.entry[splice->opening];
	struct tcp_options said;

	if ((f->tcp_flags & TCP_RST) != 0) {
		if (f->tcp_seq == splice->theirs + 1)
			give_up(s, b->flow[i], splice);
		else
			burst_consume(b, i, REASON_EARLY_DATA);
		return;
	}
	/* Of others' stamps the server would believe that the client's own are old. */
	if (f->tcp_seq == splice->theirs + 1 && f->tcp_ack == splice->ours + 1 &&
	    tcpauth_read_options(b, i, &said) && said.has_ts && o->client.has_ts)
		o->client.ts_value = said.ts_value;
	burst_consume(b, i, REASON_EARLY_DATA);
}

/*
 * What the server says before it has taken the connection. A refusal, which acknowledges
 * our SYN (RFC 9293 3.10.7.3), is told in our numbers. Any other segment belongs to an old
 * connection of the same ports: like the client would, we reset that one, if it is not by
 * now, and ask again.
 */
static void
hold_server(struct tcpauth *s, struct burst *b, unsigned int i, struct splice *splice)
{
	const struct facts *f = &b->facts[i];
	const bool is_reset = (f->tcp_flags & TCP_RST) != 0;
	const bool is_ours =
		(f->tcp_flags & TCP_ACK) != 0 && f->tcp_ack == splice->theirs + 1;
	struct burst_request *r;

	if (is_reset && is_ours) {
		const struct translation t = { .seq = splice->ours + 1 - f->tcp_seq };

		translate(b, i, &t);
		give_up(s, b->flow[i], splice);
		return;
	}
	if ((f->tcp_flags & TCP_SYN) != 0 && is_ours) {
		tcpauth_join(s, b, i, splice);
		burst_consume(b, i, REASON_HANDSHAKE);
		return;
	}
	s->openings.entry[splice->opening].due_ns = b->now_ns + OPENING_AGAIN_NS;
	burst_consume(b, i, REASON_HANDSHAKE);
	r = is_reset ? NULL : burst_emit(b);
	if (r != NULL && build_ends(&r->ends, f, b->bytes[i], true)) {
		r->side = SIDE_INTERNAL;
		r->tcp_flags = TCP_RST;
		r->seq = f->tcp_ack;
	}
}

/*
 * A repeated SYN-ACK: the server did not get our third segment. Of another connection that
 * has the ports by now, which nobody followed: it ends the splice.
 */
static void
answer_again(struct tcpauth *s, struct burst *b, unsigned int i,
             const struct splice *splice)
{
	const struct facts *f = &b->facts[i];
	struct tcp_options said;

	if (f->tcp_ack != splice->theirs + 1 ||
	    f->tcp_seq != splice->ours - splice->delta) {
		flow_unsplice(s->flows, b->flow[i]);
		return;
	}
	tcpauth_read_options(b, i, &said);
	tcpauth_emit_ack(b, i, splice, said.ts_echo, UINT16_MAX);
	burst_consume(b, i, REASON_HANDSHAKE);
}

static inline void
carry_lane(struct tcpauth *s, struct burst *b, unsigned int i)
{
	struct splice *splice = &s->flows->splice[b->flow[i]];
	struct translation t;

	if (__builtin_expect(splice->state == SPLICE_OPENING, 0)) {
		if (b->side == SIDE_EXTERNAL)
			hold_client(s, b, i, splice);
		else
			hold_server(s, b, i, splice);
		return;
	}
	if (b->side == SIDE_EXTERNAL) {
		t = splice_inwards(splice);
	} else if ((b->facts[i].tcp_flags & TCP_SYN) != 0) {
		answer_again(s, b, i, splice);
		return;
	} else {
		t = splice_outwards(splice);
	}
	translate(b, i, &t);
}

/* An error about a packet of a spliced flow is told in the numbers of who reads it. */
static void
carry_error(struct tcpauth *s, struct burst *b, unsigned int i)
{
	const struct facts *f = &b->facts[i];
	const struct splice *splice;
	struct translation t = { 0 };
	struct quote q;
	uint32_t slot;

	if (!quote_read(f, b->bytes[i], b->bytes_len[i], &q) || q.l4_off == 0 ||
	    q.proto != PROTO_TCP)
		return;
	slot = flow_find_quoted(s->flows, b, i, &q);
	if (slot == TABLE_NONE || !flow_is_spliced(flow_at(s->flows, slot)))
		return;
	splice = &s->flows->splice[slot];
	if (splice->state != SPLICE_OPEN)
		return;
	/* What the client was told, or what the server was. */
	if (b->side == SIDE_EXTERNAL)
		t.seq = -splice->delta;
	else
		t.ack = splice->delta;
	translate_quote((uint8_t *)(uintptr_t)b->bytes[i], b->bytes_len[i], f, &q, &t);
	b->rewritten |= lane_bit(i);
}

/* Lanes that no stage has looked for: of policies that follow no flows, or in bypass. */
static uint64_t
find_more(struct tcpauth *s, struct burst *b, uint64_t lanes)
{
	uint64_t segments = 0, spliced = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes & (b->ipv4 | b->ipv6)) {
		const struct facts *f = &b->facts[i];

		if (f->proto == PROTO_TCP && f->fault == PACKET_SOUND &&
		    (f->flags & (FACT_NO_PORTS | FACT_FRAG_REST)) == 0)
			segments |= lane_bit(i);
	}
	flow_find_more(s->flows, b, segments);
	LANES_FOREACH (i, segments)
		if (b->flow[i] != BURST_NO_FLOW &&
		    flow_is_spliced(flow_of_lane(s->flows, i)))
			spliced |= lane_bit(i);
	return spliced;
}

static void
carry_lanes(struct tcpauth *s, struct burst *b)
{
	const uint64_t unsought = b->live & ~b->sought;
	uint64_t spliced = s->flows->spliced & b->sought & b->live;
	uint64_t errors = lanes_where8(b->vector, VECTOR_ICMP_FLOOD) & b->live;
	unsigned int i;

	if (unsought != 0)
		spliced |= find_more(s, b, unsought);
	LANES_FOREACH (i, spliced)
		carry_lane(s, b, i);
	LANES_FOREACH (i, errors)
		if (quote_is_there(&b->facts[i]))
			carry_error(s, b, i);
}

/* Flows that were not there are looked for again. */
static void
forget_absent(struct burst *b)
{
	for (unsigned int i = 0; i < b->count; i++)
		if (b->flow[i] == BURST_NO_FLOW)
			b->sought &= ~lane_bit(i);
}

void
tcpauth_carry(void *state, struct burst *b)
{
	struct tcpauth *s = state;

	if (s->begun != 0) {
		tcpauth_open_halves(s, b);
		forget_absent(b);
	}
	if (b->live != 0 && flow_has_splices(s->flows, b->now_ns))
		carry_lanes(s, b);
	if (s->openings.n_used > 0)
		tcpauth_run_timers(s, b);
}

bool
tcpauth_is_waiting(const void *state)
{
	return ((const struct tcpauth *)state)->openings.n_used > 0;
}
