/* SPDX-License-Identifier: BSD-3-Clause */
#include "meter/aggregate.h"

#include <errno.h>
#include <immintrin.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "base/memory.h"

/* Up to here a burst is worth being gathered by network. */
#define FEW_CHANGES 16

/* Up to here its addresses are counted run by run. */
#define FEW_RUNS 16

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

/* Where an address is counted, and its network. */
struct cells {
	uint32_t address, network;
};

static inline struct cells
cells_of(const struct aggregates *a, const struct burst *b, unsigned int lane)
{
	const struct aggregate_place *at = &a->plan->place[b->target[lane]];
	const uint64_t number = number_of(at, b->facts[lane].dst);
	const uint64_t network = (number >> at->shift) - (at->first >> at->shift);

	return (struct cells){
		at->address + ((uint32_t)(number - at->first) & at->address_mask),
		at->network + ((uint32_t)network & at->network_mask),
	};
}

static inline void
count_lanes(struct aggregate_count *to, const struct burst *b, uint64_t lanes)
{
	counter_add(&to->packets, lanes_count(lanes));
	counter_add(&to->bytes, lanes_sum16(b->frame_len, lanes));
}

/* Name the network of a run; what is written beyond its end, the next run overwrites. */
static inline void
name_network(struct aggregates *a, unsigned int first, unsigned int lanes,
             uint32_t network)
{
	const __m256i all = _mm256_set1_epi16((short)network);

	for (unsigned int i = 0; i < lanes; i += 16)
		_mm256_storeu_si256((__m256i *)(void *)&a->lane_network[first + i], all);
}

/* Few addresses in a burst: the lanes of each, and of each vector, are counted together. */
static void
count_runs(struct aggregates *a, const struct burst *b)
{
	unsigned int first;

	LANES_FOREACH (first, b->starts) {
		const uint64_t run = burst_run(b, first);
		const struct cells at = cells_of(a, b, first);

		name_network(a, first, lanes_count(run), at.network);
		for (unsigned int k = 0; k < b->groups; k++) {
			const uint64_t mine = run & b->group[k].lanes & b->live;

			if (mine != 0)
				count_lanes(
					&a->address[at.address].vector[b->group[k].slot],
					b, mine);
		}
	}
}

/*
 * Many addresses: find the cells of every lane and ask memory for them, then count;
 * so the misses overlap. Returns how often the network changes from lane to lane.
 */
static unsigned int
count_each(struct aggregates *a, const struct burst *b)
{
	struct aggregate_count *to[LANES_MAX];
	unsigned int i, last = UINT_MAX, changes = 0;

	LANES_FOREACH (i, b->live) {
		const struct cells at = cells_of(a, b, i);
		const unsigned int vector = b->vector[i];

		to[i] = &a->address[at.address].vector[vector];
		__builtin_prefetch(to[i], 1);
		a->lane_network[i] = (uint16_t)at.network;
		if (at.network != last) {
			struct watch_cell *c =
				watch_cell(&a->network, at.network, vector);

			__builtin_prefetch(c, 1);
			__builtin_prefetch(&c->disarmed_ns);
			changes++;
		}
		last = at.network;
	}
	LANES_FOREACH (i, b->live) {
		counter_add(&to[i]->packets, 1);
		counter_add(&to[i]->bytes, b->frame_len[i]);
	}
	return changes;
}

void
aggregate_arrive(struct aggregates *a, const struct aggregate_plan *plan,
                 const struct burst *b)
{
	unsigned int changes = 0;

	a->armed = 0;
	if (b->side != SIDE_EXTERNAL || plan == NULL || plan->addresses > a->addresses ||
	    plan->networks > a->networks)
		return;
	a->plan = plan;
	if (lanes_count(b->starts) <= FEW_RUNS)
		count_runs(a, b);
	else
		changes = count_each(a, b);
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
			if (b->standing[i] == STANDING_VERIFIED_FLOW &&
			    b->verdict[i] == VERDICT_DROP)
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
