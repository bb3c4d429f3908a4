/* SPDX-License-Identifier: BSD-3-Clause */
#include "flood.h"

#include <string.h>

#include "flood_tcp.h"

/* How long a server takes to answer a SYN, as seen from where the capture is taken. */
#define ANSWER_NS (200 * NS_PER_US)

/*
 * The most that a first fragment carries: under IPv6 with its headers it fits 1500 bytes.
 */
#define FIRST_LEN 1440

/* The whole part of a square root. */
static uint64_t
root(uint64_t n)
{
	uint64_t r = 0;

	for (uint64_t bit = 1ull << 31; bit != 0; bit >>= 1) {
		if ((r | bit) * (r | bit) <= n)
			r |= bit;
	}
	return r;
}

static void
clock_step(struct flood_clock *c, const struct spec *s)
{
	uint64_t at = c->due_ns;

	if (at < s->ramp_ns) {
		/*
		 * Here the rate is rate * at / ramp, so the interval is
		 * interval * ramp / at. The second packet of a linear ramp comes after
		 * about the square root of interval * ramp.
		 */
		const uint64_t interval_ns = NS_PER_S / s->rate;
		const uint64_t ramp_us = s->ramp_ns / NS_PER_US + 1;
		const uint64_t first_us = root((interval_ns / NS_PER_US + 1) * ramp_us);
		const uint64_t at_us =
			at / NS_PER_US > first_us ? at / NS_PER_US : first_us;

		c->due_ns += interval_ns * ramp_us / at_us + 1;
		c->base_ns = c->due_ns;
		return;
	}
	c->count++;
	c->due_ns = c->base_ns + c->count / s->rate * NS_PER_S +
	            c->count % s->rate * NS_PER_S / s->rate;
}

/* From sending time to the time of the capture, or UINT64_MAX when the part is over. */
static uint64_t
clock_due(const struct flood_clock *c, const struct spec *s)
{
	uint64_t at = c->due_ns;

	if (s->pulse_on_ns != 0)
		at = at / s->pulse_on_ns * (s->pulse_on_ns + s->pulse_off_ns) +
		     at % s->pulse_on_ns;
	return at < s->duration_ns ? s->start_ns + at : UINT64_MAX;
}

void
flood_init(struct flood *f, const struct spec *spec, struct prng prng)
{
	memset(f, 0, sizeof(*f));
	f->spec = spec;
	f->runs = spec->repeat > 1 ? spec->repeat : 1;
	for (unsigned int i = 0; i < f->runs; i++)
		f->run[i] =
			(struct flood_run){ .prng = prng, .lag_ns = i * spec->gap_ns };
	if (spec->kind != KIND_ANSWERED_SYN)
		return;
	f->run[f->runs++] = (struct flood_run){ .prng = prng,
		                                .lag_ns = ANSWER_NS,
		                                .is_answer = true };
}

static uint64_t
run_due(const struct flood *f, const struct flood_run *r)
{
	const uint64_t first = clock_due(&r->clock, f->spec);

	return first == UINT64_MAX ? UINT64_MAX : first + r->lag_ns;
}

/* The run whose packet is due first, and of those due at once the earliest. */
static struct flood_run *
first_run(struct flood *f, uint64_t *due_ns)
{
	struct flood_run *first = &f->run[0];

	*due_ns = run_due(f, first);
	for (unsigned int i = 1; i < f->runs; i++) {
		const uint64_t due = run_due(f, &f->run[i]);

		if (due >= *due_ns)
			continue;
		*due_ns = due;
		first = &f->run[i];
	}
	return first;
}

uint64_t
flood_due(const struct flood *f)
{
	uint64_t first = run_due(f, &f->run[0]);

	for (unsigned int i = 1; i < f->runs; i++) {
		const uint64_t due = run_due(f, &f->run[i]);

		first = due < first ? due : first;
	}
	return first;
}

struct address
flood_target(const struct spec *s, unsigned int family, struct prng *p)
{
	const struct prefix *net = family == 4 ? &s->dst4 : &s->dst6;

	return address_within(net, p);
}

static struct address
source(const struct spec *s, unsigned int family, struct prng *p)
{
	const struct prefix *net = family == 4 ? &s->from4 : &s->from6;

	switch (s->style) {
	case SOURCES_NET:
		return address_within(net, p);
	case SOURCES_HOSTS:
		return address_host(net, prng_range(p, 0, s->hosts - 1));
	case SOURCES_RANDOM:
	default:
		return address_random(family, p);
	}
}

uint64_t
flood_pick(const struct range *given, uint64_t min, uint64_t max, struct prng *p)
{
	if (given->max != 0)
		return prng_range(p, given->min, given->max);
	return prng_range(p, min, max);
}

struct hop
flood_hop(const struct spec *s, struct prng *p)
{
	const unsigned int family =
		!s->use6 || (s->use4 && (prng_next(p) & 1) != 0) ? 4 : 6;
	const bool is_web = s->kind == KIND_SYN || s->kind == KIND_TCP_OTHER ||
	                    s->kind == KIND_ANSWERED_SYN;

	return (struct hop){
		.src = source(s, family, p),
		.dst = flood_target(s, family, p),
		.sport = (uint16_t)flood_pick(&s->sport, 1024, 65535, p),
		.dport = (uint16_t)flood_pick(&s->dport, is_web ? 80 : 1,
		                              is_web ? 80 : 65535, p),
		.ttl = (uint8_t)flood_pick(&s->ttl, 40, 128, p),
		.inward = true,
		.ip_id = (uint16_t)prng_next(p),
	};
}

static void
take_udp(struct flood *f, struct frame *frame)
{
	const struct spec *s = f->spec;
	const struct hop h = flood_hop(s, &f->run[0].prng);
	const size_t size = (size_t)flood_pick(&s->size, 64, 512, &f->run[0].prng);

	prng_fill(&f->run[0].prng, frame_udp(frame, &s->wire, &h, size), size);
}

static void
take_icmp(struct flood *f, struct frame *frame)
{
	const struct spec *s = f->spec;
	const struct hop h = flood_hop(s, &f->run[0].prng);
	const size_t size = (size_t)flood_pick(&s->size, 56, 56, &f->run[0].prng);
	const unsigned int echo = h.src.family == 4 ? 8 : 128;
	const uint8_t type =
		(uint8_t)flood_pick(&s->icmp_type, echo, echo, &f->run[0].prng);

	prng_fill(&f->run[0].prng, frame_icmp(frame, &s->wire, &h, type, size), size);
}

/* What GRE and ESP carry must look like it, or a parser gives up before it is tried. */
static void
put_tunnel(uint8_t *to, size_t size, uint8_t proto, struct prng *p)
{
	struct hop inner = { .ttl = 64, .src.family = 4, .dst.family = 4 };

	prng_fill(p, to, size);
	if (proto != PROTO_GRE || size < 32)
		return;
	inner.src = address_random(4, p);
	inner.dst = address_random(4, p);
	put32(to, 0x00000800);
	frame_put_ipv4(to + 4, &inner, PROTO_UDP, size - 24);
	put16(to + 28, (uint16_t)(size - 24));
	put16(to + 30, 0);
}

static void
take_other(struct flood *f, struct frame *frame)
{
	static const uint8_t usual[] = { PROTO_GRE, PROTO_ESP, 253 };
	const struct spec *s = f->spec;
	struct prng *p = &f->run[0].prng;
	const struct hop h = flood_hop(s, p);
	const size_t size = (size_t)flood_pick(&s->size, 64, 512, p);
	uint8_t proto;

	if (s->mix_count > 0)
		proto = s->mix[prng_range(p, 0, s->mix_count - 1)];
	else
		proto = usual[prng_range(p, 0, sizeof(usual) - 1)];
	put_tunnel(frame_ip(frame, &s->wire, &h, proto, size), size, proto, p);
}

static void
take_rest_of_pair(struct flood *f, struct frame *frame)
{
	const struct fragment part = { f->rest_id, f->first_len, false, PROTO_UDP };
	uint8_t *to =
		frame_fragment(frame, &f->spec->wire, &f->rest_hop, &part, f->rest_len);

	memcpy(to, f->datagram + f->first_len, f->rest_len);
	f->rest_len = 0;
}

static void
take_pair(struct flood *f, struct frame *frame)
{
	struct prng *p = &f->run[0].prng;
	struct fragment part = { (uint32_t)prng_next(p), 0, true, PROTO_UDP };
	const size_t len = 8 + (size_t)flood_pick(&f->spec->size, 1500, 2872, p);
	struct hop *h = &f->rest_hop;
	uint16_t sum;

	*h = flood_hop(f->spec, p);
	prng_fill(p, f->datagram, len);
	put16(f->datagram, h->sport);
	put16(f->datagram + 2, h->dport);
	put16(f->datagram + 4, (uint16_t)len);
	put16(f->datagram + 6, 0);
	sum = frame_sum(&h->src, &h->dst, PROTO_UDP, f->datagram, len);
	put16(f->datagram + 6, sum == 0 ? 0xffff : sum);
	/*
	 * What would fit into one packet is cut in the middle, at a unit of eight bytes.
	 */
	f->first_len = (uint16_t)(len > FIRST_LEN ? FIRST_LEN : len / 16 * 8);
	f->rest_id = part.id;
	f->rest_len = (uint32_t)(len - f->first_len);
	memcpy(frame_fragment(frame, &f->spec->wire, h, &part, f->first_len), f->datagram,
	       f->first_len);
}

static void
take_fragment(struct flood *f, struct frame *frame)
{
	struct prng *p = &f->run[0].prng;
	struct fragment part = { .proto = PROTO_UDP };
	struct hop h;
	size_t size;

	if (f->rest_len > 0) {
		take_rest_of_pair(f, frame);
		return;
	}
	if (!f->spec->rests_only) {
		take_pair(f, frame);
		return;
	}
	h = flood_hop(f->spec, p);
	part.id = (uint32_t)prng_next(p);
	part.offset = (uint16_t)(8 * prng_range(p, 1, 1000));
	part.more = (prng_next(p) & 1) != 0;
	size = (size_t)flood_pick(&f->spec->size, 64, FIRST_LEN, p);
	/* All but the last fragment carry whole units of eight bytes (RFC 791). */
	if (size < 8 || size % 8 != 0)
		part.more = false;
	prng_fill(p, frame_fragment(frame, &f->spec->wire, &h, &part, size), size);
}

void
flood_take(struct flood *f, struct frame *frame)
{
	struct flood_run *r = first_run(f, &frame->at_ns);

	switch (f->spec->kind) {
	case KIND_TCP_OTHER:
		flood_tcp_other(f->spec, &r->prng, frame);
		break;
	case KIND_UDP:
		take_udp(f, frame);
		break;
	case KIND_ICMP:
		take_icmp(f, frame);
		break;
	case KIND_FRAGMENT:
		take_fragment(f, frame);
		break;
	case KIND_OTHER:
		take_other(f, frame);
		break;
	default:
		flood_tcp_syn(f->spec, &r->prng, frame, r->is_answer);
		break;
	}
	/* Fragments carry the checksum of their datagram, which is in place already. */
	if (f->spec->kind != KIND_FRAGMENT && f->spec->kind != KIND_OTHER)
		frame_seal(frame);
	clock_step(&r->clock, f->spec);
}
