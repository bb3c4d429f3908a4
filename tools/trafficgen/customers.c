/* SPDX-License-Identifier: BSD-3-Clause */
#include "customers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flood.h"

/*
 * Ports that clients take (RFC 6056 gives the range; a prime count visits all of them).
 */
#define PORT_FIRST 32768
#define PORT_COUNT 28229

static bool
is_tcp(const struct spec *s)
{
	return s->kind == KIND_WEB || s->kind == KIND_BOTS;
}

/* Whose talk is in plain_talk.c. */
static bool
is_plain(const struct spec *s)
{
	return s->kind >= KIND_NTP && s->kind <= KIND_PING;
}

static void
set_arrival(struct customers *c, uint64_t after_ns)
{
	const struct spec *s = c->spec;

	c->arrival_ns = after_ns + prng_exponential(&c->prng, NS_PER_S / s->rate);
	if (c->arrival_ns >= s->start_ns + s->duration_ns)
		c->arrival_ns = UINT64_MAX;
}

void
customers_init(struct customers *c, const struct spec *spec, uint64_t seed)
{
	memset(c, 0, sizeof(*c));
	c->spec = spec;
	c->seed = seed;
	c->prng = prng_make(seed, 1);
	set_arrival(c, spec->start_ns);
}

void
customers_free(struct customers *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->heap[i]);
	free(c->heap);
	c->heap = NULL;
	c->count = 0;
}

uint64_t
customers_due(const struct customers *c)
{
	if (c->count > 0 && c->heap[0]->next_ns <= c->arrival_ns)
		return c->heap[0]->next_ns;
	return c->arrival_ns;
}

static bool
is_before(const struct talk *a, const struct talk *b)
{
	return a->next_ns != b->next_ns ? a->next_ns < b->next_ns : a->serial < b->serial;
}

static int
heap_add(struct customers *c, struct talk *t)
{
	size_t at = c->count;

	if (c->count == c->room) {
		const size_t room = c->room == 0 ? 256 : 2 * c->room;
		struct talk **heap = realloc(c->heap, room * sizeof(struct talk *));

		if (heap == NULL)
			return -ENOMEM;
		c->heap = heap;
		c->room = room;
	}
	c->count++;
	while (at > 0 && is_before(t, c->heap[(at - 1) / 2])) {
		c->heap[at] = c->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	c->heap[at] = t;
	return 0;
}

/* Put t where it belongs, from the top down. */
static void
heap_sink(struct customers *c, struct talk *t)
{
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= c->count)
			break;
		if (child + 1 < c->count && is_before(c->heap[child + 1], c->heap[child]))
			child++;
		if (!is_before(c->heap[child], t))
			break;
		c->heap[at] = c->heap[child];
		at = child;
	}
	c->heap[at] = t;
}

static uint16_t
server_port(const struct spec *s, struct prng *p)
{
	static const uint16_t usual[KIND_SYN] = {
		[KIND_WEB] = 80,  [KIND_DNS] = 53,  [KIND_QUIC] = 443,
		[KIND_BOTS] = 80, [KIND_NTP] = 123, [KIND_DNS_LARGE] = 53,
	};

	return s->dport.max != 0 ? (uint16_t)prng_range(p, s->dport.min, s->dport.max)
	                         : usual[s->kind];
}

/* What belongs to the outside host for good: address, system, distance. */
static void
set_host(struct customers *c, struct talk *t, enum talk_side side, uint64_t number)
{
	const struct spec *s = c->spec;
	struct prng traits = prng_make(c->seed ^ 0x7472616974ull, number);
	const bool is_v4 = !s->use6 || (s->use4 && (prng_next(&traits) & 1) != 0);
	const uint64_t hops = prng_range(&traits, 5, 20);
	const uint64_t system = prng_range(&traits, 0, 99);
	uint64_t rtt = prng_skewed(&traits, 25 * NS_PER_MS, 4);

	if (s->rtt_ns.max != 0)
		rtt = prng_range(&traits, s->rtt_ns.min, s->rtt_ns.max);
	else if (rtt < 2 * NS_PER_MS)
		rtt = 2 * NS_PER_MS;
	t->hosts[side] = address_host(is_v4 ? &s->from4 : &s->from6, number);
	t->delay_ns[side] = rtt;
	t->stack = system < 45 ? STACK_LINUX : system < 80 ? STACK_WINDOWS : STACK_MACOS;
	t->ttl[side] =
		(uint8_t)(tcp_options_ttl(side == CLIENT ? t->stack : STACK_LINUX) -
	                  hops);
}

static int
arrive(struct customers *c)
{
	const struct spec *s = c->spec;
	struct talk *t = calloc(1, sizeof(*t));
	const enum talk_side outside = s->inside_starts ? SERVER : CLIENT;
	const enum talk_side inside = s->inside_starts ? CLIENT : SERVER;

	if (t == NULL)
		return -ENOMEM;
	t->spec = s;
	t->prng = prng_make(c->seed, 2 + c->arrived);
	t->next_ns = c->arrival_ns;
	t->serial = c->arrived;
	set_host(c, t, outside, prng_range(&c->prng, 0, s->hosts - 1));
	if (s->inside_starts)
		t->stack = STACK_LINUX;
	t->hosts[inside] = flood_target(s, t->hosts[outside].family, &c->prng);
	t->ttl[inside] = 63;
	t->delay_ns[inside] = prng_range(&t->prng, 100, 600) * NS_PER_US;
	/* Every talk has a port of its own until all ports are used up. */
	t->ports[CLIENT] = (uint16_t)(PORT_FIRST + c->arrived * 10007 % PORT_COUNT);
	t->ports[SERVER] = server_port(s, &t->prng);
	if (is_tcp(s))
		tcp_talk_init(t);
	else if (is_plain(s))
		plain_talk_init(t);
	else
		udp_talk_init(t);
	c->arrived++;
	set_arrival(c, c->arrival_ns);
	if (heap_add(c, t) != 0) {
		free(t);
		return -ENOMEM;
	}
	return 0;
}

static bool
step(struct talk *t, struct frame *f)
{
	if (is_tcp(t->spec))
		return tcp_talk_step(t, f);
	return is_plain(t->spec) ? plain_talk_step(t, f) : udp_talk_step(t, f);
}

int
customers_take(struct customers *c, struct frame *f)
{
	struct talk *t;

	if (c->count == 0 || c->heap[0]->next_ns > c->arrival_ns) {
		if (arrive(c) != 0)
			return -ENOMEM;
	}
	t = c->heap[0];
	if (step(t, f)) {
		heap_sink(c, t);
		return 0;
	}
	free(t);
	c->count--;
	if (c->count > 0)
		heap_sink(c, c->heap[c->count]);
	return 0;
}

struct hop
talk_hop(struct talk *t, enum talk_side from)
{
	const enum talk_side to = from == CLIENT ? SERVER : CLIENT;

	return (struct hop){
		.src = t->hosts[from],
		.dst = t->hosts[to],
		.sport = t->ports[from],
		.dport = t->ports[to],
		.ttl = t->ttl[from],
		.inward = (from == CLIENT) != t->spec->inside_starts,
		.dont_fragment = is_tcp(t->spec),
		.ip_id = (uint16_t)prng_next(&t->prng),
	};
}
