/* SPDX-License-Identifier: BSD-3-Clause */
#include "flood_tcp.h"

#include <string.h>

#include "flood.h"
#include "tcp_options.h"
#include "vector.h"

/* How many routers a packet has passed on its way to us. */
#define HOPS_MIN 5
#define HOPS_MAX 25

/* What else tells a stack: TTL, DF, source port, IP identification. */
static void
dress_hop(const struct spec *s, struct prng *p, struct hop *h, enum tcp_stack stack)
{
	const uint64_t hops = prng_range(p, HOPS_MIN, HOPS_MAX);
	const bool is_linux = stack == STACK_LINUX;

	if (stack == STACK_NONE)
		return;
	if (s->ttl.max == 0)
		h->ttl = (uint8_t)(tcp_options_ttl(stack) - hops);
	if (s->sport.max == 0)
		h->sport = (uint16_t)prng_range(p, is_linux ? 32768 : 49152,
		                                is_linux ? 60999 : 65535);
	h->dont_fragment = true;
	if (stack == STACK_MACOS)
		h->ip_id = 0;
}

static enum tcp_stack
choose_stack(const struct spec *s, struct prng *p)
{
	uint64_t n;

	if (s->kind == KIND_SYN && s->mix_count > 0)
		return (enum tcp_stack)s->mix[prng_range(p, 0, s->mix_count - 1)];
	/* Tools differ: one in four sends no options at all, others copy a real stack. */
	n = prng_range(p, 0, 3);
	return n == 0 ? STACK_NONE : (enum tcp_stack)(n - 1);
}

void
flood_tcp_syn(const struct spec *s, struct prng *p, struct frame *frame, bool is_answer)
{
	struct hop h = flood_hop(s, p);
	struct tcp_fields t = { .flags = TCP_SYN };
	const enum tcp_stack stack = choose_stack(s, p);
	size_t size = 0;
	uint8_t *payload;

	t.seq = (uint32_t)prng_next(p);
	t.window = (uint16_t)prng_range(p, 1024, 65535);
	if (stack != STACK_NONE)
		tcp_options_syn(&t, stack, h.src.family, (uint32_t)prng_next(p));
	if (s->kind == KIND_SYN && s->mix_count > 0)
		dress_hop(s, p, &h, stack);
	if (s->kind == KIND_SYN && s->size.max != 0)
		size = (size_t)prng_range(p, s->size.min, s->size.max);
	if (is_answer) {
		const struct hop asked = h;

		h.src = asked.dst;
		h.dst = asked.src;
		h.sport = asked.dport;
		h.dport = asked.sport;
		h.ttl = 63;
		h.inward = false;
		h.dont_fragment = true;
		h.ip_id = 0;
		t.flags = TCP_SYN | TCP_ACK;
		t.ack = t.seq + 1;
		t.seq = (uint32_t)prng_next(p);
		tcp_options_syn(&t, STACK_WINDOWS, h.src.family, 0);
	} else {
		(void)prng_next(p);
	}
	payload = frame_tcp(frame, &s->wire, &h, &t, size);
	prng_fill(p, payload, size);
}

static uint32_t
number(const struct range *given, bool is_given, struct prng *p)
{
	return (uint32_t)(is_given ? prng_range(p, given->min, given->max)
	                           : prng_next(p));
}

/* The ends of one of the live connections, and what is known of its numbers. */
static void
enter_live(const struct live_flow *f, struct prng *p, struct hop *h, struct tcp_fields *t)
{
	h->src = f->client;
	h->dst = f->server;
	h->sport = f->client_port;
	h->dport = f->server_port;
	if (f->has_seq)
		t->seq = number(&f->seq, true, p);
	if (f->has_ack && (t->flags & TCP_ACK) != 0)
		t->ack = number(&f->ack, true, p);
}

/* A server's answer to a SYN that somebody forged: it comes from the server's port. */
static void
reflect(const struct spec *s, struct hop *h, struct tcp_fields *t)
{
	const uint16_t port = h->sport;

	if (s->sport.max == 0 && s->dport.max == 0 && s->live.count == 0) {
		h->sport = h->dport;
		h->dport = port;
	}
	tcp_options_syn_ack(t, h->src.family, NULL);
}

/* What somebody answers who was asked in the victim's name; resets carry nothing. */
static void
answer_alone(const struct spec *s, struct prng *p, struct frame *frame, struct hop *h,
             const struct tcp_fields *t)
{
	const uint16_t port = h->sport;
	struct payload b;

	if (s->sport.max == 0 && s->dport.max == 0) {
		h->sport = h->dport;
		h->dport = port;
	}
	payload_begin(&b, p, h);
	if ((t->flags & TCP_RST) == 0)
		s->vector->write(&b);
	memcpy(frame_tcp(frame, &s->wire, h, t, b.len), b.bytes, b.len);
}

void
flood_tcp_other(const struct spec *s, struct prng *p, struct frame *frame)
{
	static const uint8_t usual[] = { TCP_ACK, TCP_PSH | TCP_ACK, TCP_RST,
		                         TCP_FIN | TCP_ACK };
	struct hop h = flood_hop(s, p);
	struct tcp_fields t = { 0 };
	size_t size = 0;
	uint8_t *payload;

	if (s->mix_count > 0)
		t.flags = s->mix[prng_range(p, 0, s->mix_count - 1)];
	else
		t.flags = usual[prng_range(p, 0, sizeof(usual) - 1)];
	t.seq = number(&s->seq, s->has_seq, p);
	if ((t.flags & TCP_ACK) != 0)
		t.ack = number(&s->ack, s->has_ack, p);
	t.window = (uint16_t)prng_range(p, 1024, 65535);
	if (s->live.count > 0)
		enter_live(&s->live.flow[prng_range(p, 0, s->live.count - 1)], p, &h, &t);
	if ((t.flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		reflect(s, &h, &t);
	if (s->vector != NULL && s->vector->write != NULL) {
		answer_alone(s, p, frame, &h, &t);
		return;
	}
	if (s->size.max != 0 || (t.flags & TCP_PSH) != 0)
		size = (size_t)flood_pick(&s->size, 16, 512, p);
	payload = frame_tcp(frame, &s->wire, &h, &t, size);
	prng_fill(p, payload, size);
}
