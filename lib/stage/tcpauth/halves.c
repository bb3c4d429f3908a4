/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The half of a spliced connection that leads to the server: asked for, repeated,
 * answered, given up.
 */
#include "packet/build.h"
#include "stage/tcpauth/parts.h"

#define SECOND_NS  UINT64_C(1000000000)
#define ATTEMPTS   5  /* SYNs to the server: after 0, 1, 3, 7 and 15 s */
#define DUE_BUDGET 32 /* openings looked at in one burst */

static inline uint16_t
window_of(const struct burst *b, unsigned int i)
{
	const uint8_t *at = b->bytes[i] + b->facts[i].l4_off + 14;

	return (uint16_t)(at[0] << 8 | at[1]);
}

bool
tcpauth_read_options(const struct burst *b, unsigned int i, struct tcp_options *said)
{
	const struct facts *f = &b->facts[i];

	return options_read(b->bytes[i] + f->l4_off, (size_t)(f->payload_off - f->l4_off),
	                    said);
}

/* The splice that an opening belongs to, or NULL when its flow has become another's. */
static struct splice *
splice_of(const struct tcpauth *s, uint32_t index)
{
	const uint32_t slot = s->openings.entry[index].slot;
	struct splice *splice = &s->flows->splice[slot];

	if (!flow_is_spliced(flow_at(s->flows, slot)) ||
	    splice->state != SPLICE_OPENING || splice->opening != index)
		return NULL;
	return splice;
}

/* Ask the server, in the client's name and with the client's number. */
static void
emit_syn(struct burst *b, struct opening *o, const struct splice *splice)
{
	struct burst_request *r = burst_emit(b);
	struct tcp_options offer = o->client;

	o->due_ns = b->now_ns + (SECOND_NS << o->attempts);
	o->attempts++;
	if (r == NULL)
		return; /* It is repeated like one that got lost. */
	offer.ts_echo = 0;
	r->ends = o->ends;
	r->side = SIDE_INTERNAL;
	r->tcp_flags = o->has_ecn ? TCP_SYN | TCP_ECE | TCP_CWR : TCP_SYN;
	r->window = o->window;
	r->seq = splice->theirs;
	r->options_len = (uint8_t)options_write_opening(r->options, &offer);
}

/* Nobody answered: the client hears what a dead host's router or nobody would tell it. */
static void
emit_reset(struct burst *b, const struct opening *o, const struct splice *splice)
{
	struct burst_request *r = burst_emit(b);

	if (r == NULL)
		return;
	build_turn(&r->ends, &o->ends);
	r->side = SIDE_EXTERNAL;
	r->tcp_flags = TCP_RST | TCP_ACK;
	r->seq = splice->ours + 1;
	r->ack = splice->theirs + 1;
}

void
tcpauth_run_timers(struct tcpauth *s, struct burst *b)
{
	unsigned int budget = DUE_BUDGET;
	uint32_t index;

	while (b->requests < BURST_OUTBOX - 2 &&
	       (index = openings_due(&s->openings, b->link, b->now_ns, &budget)) !=
	               OPENINGS_NONE) {
		struct opening *o = &s->openings.entry[index];
		struct splice *splice = splice_of(s, index);

		if (splice != NULL && o->attempts < ATTEMPTS) {
			emit_syn(b, o, splice);
			continue;
		}
		if (splice != NULL) {
			emit_reset(b, o, splice);
			flow_unsplice(s->flows, o->slot);
		}
		openings_give(&s->openings, index);
	}
}

void
tcpauth_open_halves(struct tcpauth *s, struct burst *b)
{
	uint64_t begun = s->begun & lanes_first(b->count);
	unsigned int i;

	s->begun = 0;
	LANES_FOREACH (i, begun) {
		const uint32_t slot = b->flow[i];
		const uint32_t index = s->flows->splice[slot].opening;
		struct splice *splice = splice_of(s, index);

		if (splice == NULL)
			continue;
		if ((b->live & lane_bit(i)) == 0) {
			flow_unsplice(s->flows, slot);
			openings_give(&s->openings, index);
			continue;
		}
		/* Two such segments in one burst are one connection. */
		if (s->openings.entry[index].attempts > 0) {
			burst_consume(b, i, REASON_EARLY_DATA);
			continue;
		}
		emit_syn(b, &s->openings.entry[index], splice);
		burst_consume(b, i, REASON_COOKIE_ACCEPTED);
	}
}

void
tcpauth_emit_ack(struct burst *b, unsigned int i, const struct splice *splice,
                 uint32_t ts_value, uint16_t window)
{
	const struct facts *f = &b->facts[i];
	struct burst_request *r = burst_emit(b);
	struct tcp_options said;

	if (r == NULL || !build_ends(&r->ends, f, b->bytes[i], true))
		return;
	r->side = SIDE_INTERNAL;
	r->tcp_flags = TCP_ACK;
	r->window = window;
	r->seq = splice->theirs + 1;
	r->ack = f->tcp_seq + 1;
	if (tcpauth_read_options(b, i, &said) && said.has_ts && splice->has_ts) {
		said.ts_echo = said.ts_value;
		said.ts_value = ts_value;
		r->options_len = (uint8_t)options_write_stamp(r->options, &said);
	}
}

/* The client's window as a server reads it that may not scale. */
static uint16_t
window_in(uint16_t window, const struct splice *splice)
{
	const uint32_t whole = (uint32_t)window << splice->shift_in;

	return whole < UINT16_MAX ? (uint16_t)whole : UINT16_MAX;
}

/* The window that the client was not given yet. */
static void
emit_window(struct burst *b, unsigned int i, const struct splice *splice,
            uint32_t ts_client)
{
	const unsigned int shift =
		splice->wscale == OPTIONS_NO_WSCALE ? 0 : splice->wscale;
	const uint16_t whole = window_of(b, i);
	struct burst_request *r = burst_emit(b);
	const struct tcp_options stamp = { .has_ts = splice->has_ts,
		                           .ts_value = splice->stamp,
		                           .ts_echo = ts_client };

	if (r == NULL || !build_ends(&r->ends, &b->facts[i], b->bytes[i], false))
		return;
	r->side = SIDE_EXTERNAL;
	r->tcp_flags = TCP_ACK;
	/* A window on a SYN-ACK is never scaled (RFC 7323, 2.2), on all else it is. */
	r->window = (uint16_t)(whole >> shift);
	r->seq = splice->ours + 1;
	r->ack = splice->theirs + 1;
	r->options_len = (uint8_t)options_write_stamp(r->options, &stamp);
}

void
tcpauth_join(struct tcpauth *s, struct burst *b, unsigned int i, struct splice *splice)
{
	const struct opening *o = &s->openings.entry[splice->opening];
	const struct facts *f = &b->facts[i];
	struct tcp_options said;

	if (!tcpauth_read_options(b, i, &said))
		said = (struct tcp_options){ .wscale = OPTIONS_NO_WSCALE };
	servers_learn(&s->servers, f->src, f->src_port, &said,
	              (f->tcp_flags & TCP_ECE) != 0, &o->client);
	splice->state = SPLICE_OPEN;
	splice->delta = splice->ours - f->tcp_seq;
	splice->has_ts = splice->has_ts && said.has_ts;
	splice->ts_delta = splice->has_ts ? splice->stamp - said.ts_value : 0;
	/* A stamp is no secret: its client may have changed one of the two. */
	if (splice->wscale != OPTIONS_NO_WSCALE &&
	    o->client.wscale != OPTIONS_NO_WSCALE) {
		const bool scales = said.wscale != OPTIONS_NO_WSCALE;

		/* Who does not scale does not believe that the other does either. */
		splice->shift_out = (int8_t)((scales ? said.wscale : 0) - splice->wscale);
		splice->shift_in = (int8_t)(scales ? 0 : o->client.wscale);
	}
	tcpauth_emit_ack(b, i, splice, o->client.ts_value, window_in(o->window, splice));
	emit_window(b, i, splice, o->client.ts_value);
	openings_give(&s->openings, splice->opening);
}
