/* SPDX-License-Identifier: BSD-3-Clause */
/* Which service a packet is for: a longest match, then the rules of that target. */
#include "policy/targets.h"

#include <immintrin.h>
#include <stddef.h>
#include <string.h>

#include "packet/burst.h"
#include "policy/parts.h"

/* What is asked: a protocol or a hidden one, a port or that there is none. */
enum { HIDDEN = -1, NO_PORT = -1 };

static inline uint16_t
owner_of_port(const struct rules *r, int port)
{
	unsigned int low = 0, high = r->spans;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (r->span[middle].last < port)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->spans && r->span[low].first <= port ? r->span[low].service : 0;
}

static inline uint16_t
ask_target(const struct target *t, int proto, int port)
{
	const struct rules *r = NULL;
	uint16_t service = 0;

	if (proto == HIDDEN)
		return t->first;
	for (unsigned int i = 0; i < t->n && r == NULL; i++)
		if (t->rules[i].proto == proto)
			r = &t->rules[i];
	if (r == NULL)
		return t->any;
	if (port != NO_PORT)
		service = owner_of_port(r, port);
	if (service == 0)
		service = r->portless;
	if (service == 0)
		service = t->any;
	if (service == 0 && port == NO_PORT)
		service = r->first;
	return service;
}

/* Numbers go in registers: as a struct in memory they cost 10 cycles a packet more. */
static inline uint16_t
ask(const struct policy_targets *t, uint32_t value, int proto, int port)
{
	uint16_t service = 0;

	while (value != PREFIX_NONE && service == 0) {
		const struct target *at = &t->target[value - 1];

		service = ask_target(at, proto, port);
		value = at->parent;
	}
	return service;
}

/* A later fragment tells the first header of what was cut, which may be an extension. */
static bool
hides_its_protocol(const struct facts *f)
{
	if (f->fault != PACKET_SOUND)
		return true;
	if (!(f->flags & FACT_FRAG_REST) || !(f->flags & FACT_IPV6))
		return false;
	switch (f->proto) {
	case PROTO_HOPOPTS:
	case PROTO_ROUTING:
	case PROTO_FRAGMENT:
	case PROTO_AH:
	case PROTO_DSTOPTS:
	case PROTO_MOBILITY:
	case PROTO_HIP:
	case PROTO_SHIM6:
		return true;
	default:
		return false;
	}
}

static inline uint16_t
service_of_packet(const struct policy_targets *t, uint32_t value, const struct facts *f,
                  bool is_inbound)
{
	int port = is_inbound ? f->dst_port : f->src_port;
	uint16_t service;

	if (f->flags & FACT_NO_PORTS)
		port = NO_PORT;
	service = ask(t, value, f->proto, port);
	if (service == 0 && value != PREFIX_NONE && hides_its_protocol(f))
		service = ask(t, value, HIDDEN, NO_PORT);
	return service;
}

/*
 * The protected addresses of a burst. `fresh` are the lanes whose address is not
 * that of the lane before: only those are looked up, which is one of 64 when a
 * flood has one victim.
 */
struct ends {
	struct prefix_ask ask;
	uint64_t known, fresh;
};

static void
find_ends(const struct burst *b, struct ends *e)
{
	const bool is_inbound = b->side == SIDE_EXTERNAL;
	__m128i last = _mm_setzero_si128();
	uint64_t fresh = 0;

	*e = (struct ends){ .ask = { .first = is_inbound ? b->facts[0].dst
		                                         : b->facts[0].src,
		                     .stride = sizeof(b->facts[0]) } };
	for (unsigned int i = 0; i < b->count; i++) {
		const struct facts *f = &b->facts[i];
		const uint8_t *end = is_inbound ? f->dst : f->src;
		__m128i here = _mm_load_si128((const __m128i *)end);
		__m128i differ = _mm_xor_si128(here, last);

		fresh |= (uint64_t)!_mm_testz_si128(differ, differ) << i;
		last = here;
	}
	/* What is no IP has no address, nor has a lane that follows it. */
	e->known = b->ipv4 | b->ipv6;
	e->fresh = (fresh | ~(e->known << 1)) & e->known;
	e->ask.ipv4 = e->fresh & b->ipv4;
	e->ask.ipv6 = e->fresh & b->ipv6;
}

/*
 * All that service_of_packet() asks of a packet besides its address, in one
 * word: flags, protocol and fault where they stand in facts, the port between.
 */
static inline uint64_t
question_of(const struct facts *f, bool is_inbound)
{
	const uint64_t asked = UINT64_C(0x00ff0000ff00ffff);
	uint64_t port = is_inbound ? f->dst_port : f->src_port, what;

	static_assert(offsetof(struct facts, proto) ==
	                              offsetof(struct facts, flags) + 3 &&
	                      offsetof(struct facts, fault) ==
	                              offsetof(struct facts, flags) + 6,
	              "flags, protocol and fault lie in one word");
	memcpy(&what, &f->flags, sizeof(what));
	return (what & asked) | port << 32;
}

void
policy_classify(const struct policies *p, struct burst *b)
{
	const bool is_inbound = b->side == SIDE_EXTERNAL;
	uint64_t last = 0;
	uint32_t value[LANES_MAX], target = PREFIX_NONE;
	uint16_t service = 0, policy = p->service[0].policy;
	struct ends ends;

	find_ends(b, &ends);
	prefix_find_lanes(p->targets->table, &ends.ask, value);
	for (unsigned int i = 0; i < b->count; i++) {
		const struct facts *f = &b->facts[i];
		const bool is_fresh = (ends.fresh & lane_bit(i)) != 0;
		uint64_t question = question_of(f, is_inbound);

		if (is_fresh)
			target = value[i];
		if ((ends.known & lane_bit(i)) == 0) {
			b->service[i] = b->policy[i] = b->target[i] = 0;
			continue;
		}
		if (is_fresh || question != last) {
			service = service_of_packet(p->targets, target, f, is_inbound);
			policy = p->service[service].policy;
			last = question;
		}
		b->service[i] = service;
		b->policy[i] = policy;
		b->target[i] = (uint16_t)target;
		b->target[i] = (uint16_t)target;
	}
}

uint16_t
policy_service_of(const struct policies *p, const uint8_t address[16], int proto,
                  uint16_t port)
{
	return ask(p->targets, prefix_find(p->targets->table, address),
	           proto < 0 ? HIDDEN : proto, port == 0 ? NO_PORT : port);
}

bool
policy_protects(const struct policies *p, const uint8_t address[16])
{
	return prefix_find(p->targets->table, address) != PREFIX_NONE;
}
