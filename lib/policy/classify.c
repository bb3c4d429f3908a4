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
 * All that service_of_packet() asks of a packet besides its address, in one
 * word: flags, protocol and fault where they stand in facts, the port between.
 */
#define ASKED_FLAGS (FACT_IP | FACT_IPV6 | FACT_FRAG_REST | FACT_NO_PORTS)
#define ASKED       (UINT64_C(0x00ff0000ff000000) | ASKED_FLAGS)
#define ASKED_PORT  UINT64_C(0x0000ffff00000000)
static_assert(offsetof(struct facts, proto) == offsetof(struct facts, flags) + 3 &&
                      offsetof(struct facts, fault) == offsetof(struct facts, flags) + 6,
              "flags, protocol and fault lie in one word");

static inline uint64_t
question_of(const struct facts *f, bool is_inbound)
{
	uint64_t port = is_inbound ? f->dst_port : f->src_port, what;

	memcpy(&what, &f->flags, sizeof(what));
	return (what & ASKED) | port << 32;
}

/* The bits of a question that matter where only some of it is asked for. */
static inline uint64_t
mask_of(const struct policy_targets *t, uint32_t target)
{
	if (target == PREFIX_NONE || !t->target[target - 1].has_ports)
		return ~ASKED_PORT;
	return ~UINT64_C(0);
}

/*
 * Answers of this burst. Packets ask the same few things again and again, but in
 * mixed traffic not one after the other; so each question has its place.
 */
#define ANSWERS 8

struct answer {
	uint64_t question; /* with the target in the bytes that it leaves free */
	uint16_t service, policy;
};

/* A target, where it stands in a question. */
static inline uint64_t
in_question(uint32_t target)
{
	return (uint64_t)(target & 0xff) << 16 | (uint64_t)(target >> 8) << 56;
}

static inline struct answer *
place_of(struct answer *answers, uint64_t question)
{
	return &answers[(question >> 32 ^ question >> 24) % ANSWERS];
}

static __attribute__((noinline)) void
find_answer(const struct policies *p, const struct facts *f, bool is_inbound,
            uint32_t target, struct answer *a)
{
	a->service = (f->flags & FACT_IP) != 0
	                     ? service_of_packet(p->targets, target, f, is_inbound)
	                     : 0;
	a->policy = p->service[a->service].policy;
}

/* The service of every packet for a target, if it is one for all of them. */
static inline bool
has_one_answer(const struct policy_targets *t, uint32_t target, uint16_t *service)
{
	*service = target == PREFIX_NONE ? 0 : t->target[target - 1].whole;
	return target == PREFIX_NONE || *service != 0;
}

/* Ask for each of some lanes with one target. */
static void
ask_each(const struct policies *p, struct burst *b, uint64_t lanes, uint32_t target,
         struct answer answers[ANSWERS])
{
	const bool is_inbound = b->side == SIDE_EXTERNAL;
	const uint64_t mask = mask_of(p->targets, target), about = in_question(target);
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const uint64_t question =
			(question_of(&b->facts[i], is_inbound) & mask) | about;
		struct answer *a = place_of(answers, question);

		if (a->question != question) {
			find_answer(p, &b->facts[i], is_inbound, target, a);
			a->question = question;
		}
		b->service[i] = a->service;
		b->policy[i] = a->policy;
	}
}

/* Look for the target of each run. Returns the runs that have one. */
static uint64_t
find_targets(const struct policies *p, const struct burst *b, uint32_t value[LANES_MAX])
{
	const uint64_t known = b->starts & (b->ipv4 | b->ipv6);
	const struct prefix_ask ask = { .first = b->side == SIDE_EXTERNAL
		                                         ? b->facts[0].dst
		                                         : b->facts[0].src,
		                        .stride = sizeof(b->facts[0]),
		                        .ipv4 = known & b->ipv4,
		                        .ipv6 = known & b->ipv6 };

	return known == 0 ? 0 : prefix_find_lanes(p->targets->table, &ask, value);
}

/* Many runs are of one lane, which costs less alone. */
static inline void
fill(uint16_t word[LANES_MAX], uint64_t run, uint16_t value)
{
	if ((run & (run - 1)) == 0)
		word[__builtin_ctzll(run)] = value;
	else
		lanes_fill16(word, run, value);
}

void
policy_classify(const struct policies *p, struct burst *b)
{
	struct answer answers[ANSWERS];
	uint32_t value[LANES_MAX];
	uint64_t found;
	unsigned int first;

	found = find_targets(p, b, value);
	memset(answers, 0xff, sizeof(answers)); /* No question has these bits. */
	LANES_FOREACH (first, b->starts) {
		const uint32_t target =
			(found & lane_bit(first)) != 0 ? value[first] : PREFIX_NONE;
		const uint64_t run = burst_run(b, first);
		uint16_t service;

		fill(b->target, run, (uint16_t)target);
		if (has_one_answer(p->targets, target, &service)) {
			fill(b->service, run, service);
			fill(b->policy, run, p->service[service].policy);
		} else {
			ask_each(p, b, run, target, answers);
		}
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
