/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "packet/burst.h"
#include "replay.h"

#define SETS (UINT64_C(1) << 18)
#define WAYS 4
#define SIZE (SETS * WAYS * sizeof(uint64_t))

/* An entry is 63 bits of the flow's hash, never 0, and whether its higher end opened it. */
#define OPENED_BY_HIGHER UINT64_C(1)

enum icmp_ask { ICMP_REPLY = 0, ICMP_ASK = 8, ICMP6_ASK = 128, ICMP6_REPLY = 129 };

int
replay_sides_open(struct replay_sides *s, int direction, uint64_t seed)
{
	s->direction = direction;
	s->entry = NULL;
	hash_key_seeded(&s->key, seed);
	if (direction == REPLAY_SERVICES)
		return 0;
	s->entry = memory_take(SIZE);
	return s->entry == NULL ? -ENOMEM : 0;
}

void
replay_sides_close(struct replay_sides *s)
{
	memory_give(s->entry, SIZE);
	s->entry = NULL;
}

static bool
source_is_higher(const struct facts *p)
{
	int order = memcmp(p->src, p->dst, sizeof(p->src));

	return order != 0 ? order > 0 : p->src_port > p->dst_port;
}

/* The same number for both directions of a flow; without ports, for a pair of hosts. */
static uint64_t
flow_of(const struct replay_sides *s, const struct facts *p, bool has_ports)
{
	const bool higher = source_is_higher(p);
	struct {
		uint8_t low[16], high[16];
		uint16_t low_port, high_port, vlan, inner_vlan;
		uint32_t proto, spare;
	} key = { .vlan = p->vlan, .inner_vlan = p->inner_vlan };

	static_assert(sizeof(key) == 48, "hash_48 takes 48 bytes without gaps");
	memcpy(key.low, higher ? p->dst : p->src, 16);
	memcpy(key.high, higher ? p->src : p->dst, 16);
	if (has_ports) {
		key.low_port = higher ? p->dst_port : p->src_port;
		key.high_port = higher ? p->src_port : p->dst_port;
		key.proto = p->proto;
	}
	return hash_48(&s->key, &key).lo | OPENED_BY_HIGHER << 1;
}

/* The entry of the flow, or NULL. */
static uint64_t *
find(struct replay_sides *s, uint64_t flow)
{
	uint64_t *set = &s->entry[(flow >> 2) % SETS * WAYS];

	for (unsigned int i = 0; i < WAYS; i++)
		if ((set[i] | OPENED_BY_HIGHER) == (flow | OPENED_BY_HIGHER))
			return &set[i];
	return NULL;
}

static void
remember(struct replay_sides *s, uint64_t flow, bool by_higher)
{
	uint64_t *set = &s->entry[(flow >> 2) % SETS * WAYS], *old = find(s, flow);
	uint64_t entry = (flow & ~OPENED_BY_HIGHER) | by_higher;

	if (old != NULL) {
		*old = entry;
		return;
	}
	memmove(&set[1], &set[0], (WAYS - 1) * sizeof(*set));
	set[0] = entry;
}

/* What the packet itself says of its sender: 1 opens, 0 answers, -1 nothing. */
static int
says(const struct facts *p)
{
	if (p->proto == PROTO_TCP && (p->tcp_flags & TCP_SYN) != 0)
		return (p->tcp_flags & TCP_ACK) == 0;
	if (p->proto == PROTO_ICMP || p->proto == PROTO_ICMPV6) {
		if (p->icmp_type == ICMP_ASK || p->icmp_type == ICMP6_ASK)
			return 1;
		return p->icmp_type == ICMP6_REPLY ? 0 : -1;
	}
	return -1;
}

/*
 * Whether the sender opened the flow. What has no ports (later fragments, ICMP
 * errors) goes the way of the last flow that the two hosts began.
 */
static bool
is_from_opener(struct replay_sides *s, const struct facts *p)
{
	const bool higher = source_is_higher(p);
	const bool has_ports = (p->flags & FACT_NO_PORTS) == 0;
	uint64_t flow = flow_of(s, p, has_ports), *known = find(s, flow);
	int said = has_ports ? says(p) : -1;
	bool opened;

	if (known != NULL && said < 0)
		return ((*known & OPENED_BY_HIGHER) != 0) == higher;
	/* An echo reply before its request is told by its type; type 0 has no other use. */
	if (said < 0 && has_ports && p->proto == PROTO_ICMP && p->icmp_type == ICMP_REPLY)
		said = 0;
	opened = said != 0;
	remember(s, flow, opened == higher);
	if (has_ports)
		remember(s, flow_of(s, p, false), opened == higher);
	return opened;
}

static enum side
by_services(const struct policies *policies, const struct facts *p)
{
	if (policy_protects(policies, p->dst) || !policy_protects(policies, p->src))
		return SIDE_EXTERNAL;
	return SIDE_INTERNAL;
}

enum side
replay_side_of(struct replay_sides *s, const struct policies *policies,
               const struct facts *p)
{
	bool from_opener;

	if ((p->flags & FACT_IP) == 0)
		return SIDE_EXTERNAL;
	if (s->direction == REPLAY_SERVICES)
		return by_services(policies, p);
	from_opener = is_from_opener(s, p);
	return from_opener == (s->direction == REPLAY_INITIATOR_EXTERNAL) ? SIDE_EXTERNAL
	                                                                  : SIDE_INTERNAL;
}
