/* SPDX-License-Identifier: BSD-3-Clause */
#include "flood.h"

#include <string.h>

#include "flood_datagram.h"
#include "flood_tcp.h"
#include "vector.h"

/* How long a server takes to answer a SYN, as seen from where the capture is taken. */
#define ANSWER_NS (200 * NS_PER_US)

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

/* Host n of those of a part's service; another service has others. */
static struct address
spread_host(const struct spec *s, unsigned int family, uint64_t n)
{
	struct prng own = prng_make(s->sport.min, n);

	return address_random(family, &own);
}

static struct address
source(const struct spec *s, unsigned int family, struct prng *p)
{
	const struct prefix *net = family == 4 ? &s->from4 : &s->from6;

	switch (s->style) {
	case SOURCES_NET:
		return address_within(net, p);
	case SOURCES_SPREAD:
		return spread_host(s, family, prng_range(p, 0, s->hosts - 1));
	case SOURCES_HOSTS:
		return address_host(net, prng_range(p, 0, s->hosts - 1));
	case SOURCES_RANDOM:
	default:
		return address_random(family, p);
	}
}

/* A host has its system and its distance for good. */
static uint8_t
spread_ttl(const struct address *host)
{
	static const uint8_t first[] = { 64, 64, 128, 255 };

	return (uint8_t)(first[host->bytes[2] % 4] - 5 - host->bytes[3] % 16);
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

	struct hop h = {
		.src = source(s, family, p),
		.dst = flood_target(s, family, p),
		.sport = (uint16_t)flood_pick(&s->sport, 1024, 65535, p),
		.dport = (uint16_t)flood_pick(&s->dport, is_web ? 80 : 1,
		                              is_web ? 80 : 65535, p),
		.ttl = (uint8_t)flood_pick(&s->ttl, 40, 128, p),
		.inward = true,
		.ip_id = (uint16_t)prng_next(p),
	};

	if (s->style == SOURCES_SPREAD && s->ttl.max == 0)
		h.ttl = spread_ttl(&h.src);
	if (s->vector != NULL && s->vector->dress != NULL)
		s->vector->dress(&h, p);
	return h;
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
		flood_udp(f, frame);
		break;
	case KIND_ICMP:
		flood_icmp(f, frame);
		break;
	case KIND_FRAGMENT:
		flood_fragment(f, frame);
		break;
	case KIND_OTHER:
		flood_other(f, frame);
		break;
	default:
		flood_tcp_syn(f->spec, &r->prng, frame, r->is_answer);
		break;
	}
	if (f->spec->kind == KIND_SYN || f->spec->kind == KIND_TCP_OTHER ||
	    f->spec->kind == KIND_ANSWERED_SYN)
		frame_seal(frame);
	clock_step(&r->clock, f->spec);
}
