/* SPDX-License-Identifier: BSD-3-Clause */
#include "meter/aggregate.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "base/memory.h"

/* Up to here a burst is worth being gathered by network. */
#define FEW_CHANGES 16

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

/* A network without a limit is counted by rules that have none. */
static const struct watch_rule no_limit[VECTOR_COUNT];

static inline const struct watch_rule *
rule_of(const struct aggregates *a, unsigned int network, unsigned int vector)
{
	const struct watch_rule *rule = a->plan->network[network].rule;

	return rule != NULL ? &rule[vector] : &no_limit[vector];
}

/*
 * Count the only packet of its network in this burst, where that is no question:
 * no limit, or calm and within it. Returns false, and nothing is done, where it is
 * one. watch_arrive() does the same for any number; this is 3 times as fast.
 */
static inline bool
arrive_alone(struct watch_cell *c, const struct watch_rule *rule, uint32_t bytes,
             uint64_t now)
{
	const struct meter_rate *rate = &rule->activate_rate;

	if (rule->activate.per_second != 0) {
		const uint64_t ahead = meter_ahead(&c->activate, now);

		/* From nothing ahead a surge begins, which somebody else notes. */
		if (ahead == 0 || ahead > rate->slack || watch_is_armed(c))
			return false;
		c->activate.paid_until += watch_price(c, rate, bytes);
	}
	counter_add(&c->packets, 1);
	counter_add(&c->bytes, bytes);
	return true;
}

/* Many networks in a burst: one look at each lane is less than one at each network. */
static void
arrive_lanes(struct aggregates *a, const struct burst *b)
{
	const uint64_t now = meter_ticks(b->now_ns);
	unsigned int i;

	LANES_FOREACH (i, b->live) {
		const unsigned int vector = b->facts[i].vector;
		const struct watch_rule *rule = rule_of(a, a->lane_network[i], vector);
		struct watch_cell *c = aggregate_cell(a, b, i);

		if (!arrive_alone(c, rule, b->frame_len[i], now))
			a->armed |= watch_arrive(c, rule, lane_bit(i), b->frame_len,
			                         b->now_ns);
	}
}

/* Few networks in a burst: count and meter the lanes of each together. */
static void
arrive_group(struct aggregates *a, const struct burst *b, const struct burst_group *g)
{
	uint64_t rest = g->lanes & b->live;

	while (rest != 0) {
		const uint16_t network = a->lane_network[__builtin_ctzll(rest)];
		const uint64_t same = rest & lanes_where16(a->lane_network, network);

		rest &= ~same;
		a->armed |= watch_arrive(watch_cell(&a->network, network, g->slot),
		                         rule_of(a, network, g->slot), same, b->frame_len,
		                         b->now_ns);
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

/*
 * Find the cells of every lane, and ask memory for them: the misses overlap. Returns
 * how often the network changes from lane to lane.
 */
static unsigned int
find_cells(struct aggregates *a, const struct burst *b, struct aggregate_count **to)
{
	unsigned int i, last = UINT_MAX, changes = 0;

	LANES_FOREACH (i, b->live) {
		const struct aggregate_place *at = &a->plan->place[b->target[i]];
		const struct facts *f = &b->facts[i];
		const uint64_t number = number_of(at, f->dst);
		const uint32_t address =
			at->address + ((uint32_t)(number - at->first) & at->address_mask);
		const unsigned int network =
			at->network +
			((uint32_t)((number >> at->shift) - (at->first >> at->shift)) &
		         at->network_mask);

		to[i] = &a->address[address].vector[f->vector];
		__builtin_prefetch(to[i], 1);
		a->lane_network[i] = (uint16_t)network;
		if (network != last) {
			struct watch_cell *c =
				watch_cell(&a->network, network, f->vector);

			__builtin_prefetch(c, 1);
			__builtin_prefetch(&c->disarmed_ns);
			changes++;
		}
		last = network;
	}
	return changes;
}

/* Packets that follow each other to one address are added up first. */
static void
count_addresses(const struct burst *b, struct aggregate_count *const *to)
{
	struct aggregate_count sum = { 0 }, *last = NULL;
	unsigned int i;

	LANES_FOREACH (i, b->live) {
		if (to[i] != last && last != NULL) {
			counter_add(&last->packets, sum.packets);
			counter_add(&last->bytes, sum.bytes);
			sum = (struct aggregate_count){ 0 };
		}
		last = to[i];
		sum.packets++;
		sum.bytes += b->frame_len[i];
	}
	if (last != NULL) {
		counter_add(&last->packets, sum.packets);
		counter_add(&last->bytes, sum.bytes);
	}
}

void
aggregate_arrive(struct aggregates *a, const struct aggregate_plan *plan,
                 const struct burst *b)
{
	struct aggregate_count *to[LANES_MAX];
	unsigned int changes;

	a->armed = 0;
	if (b->side != SIDE_EXTERNAL || plan == NULL || plan->addresses > a->addresses ||
	    plan->networks > a->networks)
		return;
	a->plan = plan;
	changes = find_cells(a, b, to);
	count_addresses(b, to);
	if (changes > FEW_CHANGES)
		arrive_lanes(a, b);
	for (unsigned int k = 0; changes <= FEW_CHANGES && k < b->groups; k++)
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
		if (span[i].first != 0 && cell - span[i].first < span[i].count)
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
