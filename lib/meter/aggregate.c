/* SPDX-License-Identifier: BSD-3-Clause */
#include "meter/aggregate.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/memory.h"

static size_t
address_bytes(uint64_t addresses)
{
	return ((size_t)addresses + 1) * sizeof(struct aggregate_address);
}

uint64_t
aggregate_memory(uint64_t addresses, uint64_t networks)
{
	return address_bytes(addresses) +
	       (networks + 1) * VECTOR_SLOTS * sizeof(struct watch_cell);
}

int
aggregate_open(struct aggregates *a, uint64_t addresses, uint64_t networks)
{
	memset(a, 0, sizeof(*a));
	a->address = memory_take(address_bytes(addresses));
	if (a->address == NULL)
		return -ENOMEM;
	a->addresses = (uint32_t)addresses + 1;
	a->networks = (uint32_t)networks + 1;
	if (watch_open(&a->network, a->networks) != 0) {
		memory_give(a->address, address_bytes(addresses));
		memset(a, 0, sizeof(*a));
		return -ENOMEM;
	}
	return 0;
}

void
aggregate_close(struct aggregates *a)
{
	if (a->address == NULL)
		return;
	memory_give(a->address, address_bytes(a->addresses - 1));
	watch_close(&a->network);
	memset(a, 0, sizeof(*a));
}

/*
 * Meter one group of lanes network by network. In calm a group has few of them;
 * under carpet bombing as many as lanes, and each costs a look of its own.
 */
static void
arrive_group(struct aggregates *a, const struct burst *b, const struct burst_group *g)
{
	static const struct watch_rule no_limit[VECTOR_COUNT];
	uint64_t rest = g->lanes & b->live;

	while (rest != 0) {
		const uint16_t network = a->lane_network[__builtin_ctzll(rest)];
		const struct watch_rule *rule = a->plan->network[network].rule;
		const uint64_t same = rest & lanes_where16(a->lane_network, network);

		rest &= ~same;
		a->armed |= watch_arrive(watch_cell(&a->network, network, g->slot),
		                         rule != NULL ? &rule[g->slot] : no_limit, same,
		                         b->frame_len, b->now_ns);
	}
}

/* The number that an address is to its place: half of it, in host order. */
static inline uint64_t
number_of(const struct aggregate_place *at, const uint8_t address[16])
{
	uint64_t half;

	memcpy(&half, address + at->half, sizeof(half));
	return __builtin_bswap64(half);
}

void
aggregate_arrive(struct aggregates *a, const struct aggregate_plan *plan,
                 const struct burst *b)
{
	uint32_t address[LANES_MAX];
	unsigned int i;

	a->armed = 0;
	if (b->side != SIDE_EXTERNAL || plan == NULL || plan->addresses > a->addresses ||
	    plan->networks > a->networks)
		return;
	a->plan = plan;

	/* First ask memory for every address, then use it: the misses overlap. */
	LANES_FOREACH (i, b->live) {
		const struct aggregate_place *at = &plan->place[b->target[i]];
		const struct facts *f = &b->facts[i];
		const uint64_t number = number_of(at, f->dst);

		address[i] =
			at->address + ((uint32_t)(number - at->first) & at->address_mask);
		a->lane_network[i] =
			(uint16_t)(at->network + ((uint32_t)((number >> at->shift) -
		                                             (at->first >> at->shift)) &
		                                  at->network_mask));
		__builtin_prefetch(&a->address[address[i]].vector[f->vector], 1);
	}
	LANES_FOREACH (i, b->live) {
		const struct facts *f = &b->facts[i];
		struct aggregate_address *to = &a->address[address[i]];

		counter_add(&to->vector[f->vector].packets, 1);
		counter_add(&to->vector[f->vector].bytes, f->frame_len);
	}
	for (unsigned int k = 0; k < b->groups; k++)
		arrive_group(a, b, &b->group[k]);
	if (a->armed != 0)
		counter_set(&a->network.hot_ns, b->now_ns);
}

void
aggregate_account_armed(struct aggregates *a, const struct burst *b)
{
	unsigned int i;

	LANES_FOREACH (i, a->armed) {
		struct watch_cell *c = aggregate_cell(a, b, i);
		const uint16_t bytes = b->facts[i].frame_len;

		if (b->verdict[i] != VERDICT_PASS) {
			counter_add(&c->dropped_packets, 1);
			counter_add(&c->dropped_bytes, bytes);
			if (b->standing[i] == STANDING_VERIFIED_FLOW)
				counter_add(&c->verified_dropped, 1);
			continue;
		}
		counter_add(&c->passed_packets, 1);
		counter_add(&c->passed_bytes, bytes);
		if ((b->spared & lane_bit(i)) != 0)
			counter_add(&c->would_packets, 1);
		if (b->standing[i] != STANDING_VERIFIED_FLOW &&
		    (b->exempt & lane_bit(i)) == 0) {
			counter_add(&c->limited_packets, 1);
			counter_add(&c->limited_bytes, bytes);
		}
	}
}

const struct aggregate_span *
aggregate_span_of(const struct aggregate_span *span, uint32_t spans, uint32_t cell)
{
	for (uint32_t i = 0; i < spans; i++)
		if (cell - span[i].first < span[i].count)
			return &span[i];
	return NULL;
}

uint8_t
aggregate_part(const struct aggregate_span *span, uint32_t cell, uint8_t out[16])
{
	uint32_t add = cell - span->first;
	unsigned int bits = span->part % 8 != 0 ? 8u - span->part % 8 : 0;
	uint64_t carry = (uint64_t)add << bits;

	memcpy(out, span->prefix, 16);
	for (int byte = (span->part + 7) / 8 - 1; byte >= 0 && carry != 0; byte--) {
		carry += out[byte];
		out[byte] = (uint8_t)carry;
		carry >>= 8;
	}
	return span->part;
}
