/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections that begin while segments flood, where answers go another way.
 *
 * Nobody is heard there but the client, so nothing proves a connection that was not seen
 * in calm. Its SYN is remembered, when it passes: as a record of the unearned kind, which a
 * flood of SYNs turns over and cannot make grow. Segments that go on from its number are no
 * strays, and as long as all newcomers need less than half of max_rate, they are taken
 * for customers. Who forges a SYN for his segments gets no more than that: when they are
 * more, newcomers are strangers again, and SYNs are asked for a proof as if they flooded
 * themselves, so that from then on only who is there may begin.
 */
#include "meter/watch.h"
#include "stage/tcpauth/parts.h"

/* How long SYNs are asked after there were last too many newcomers. */
#define CROWD_NS (UINT64_C(2) * 1000000000)
/* A page is asked for by several connections at once; of max_rate's burst so many times. */
#define CROWD_BURST 8

static inline bool
is_crowded(const struct tcpauth *s, uint16_t service, uint64_t now_ns)
{
	return now_ns < s->crowd[service].until_ns;
}

uint64_t
tcpauth_crowded(const struct tcpauth *s, const struct burst *b, uint64_t lanes)
{
	uint64_t crowded = 0;

	for (unsigned int k = 0; k < b->groups; k++) {
		const struct burst_group *g = &b->group[k];

		if ((g->lanes & lanes) != 0 && is_crowded(s, g->service, b->now_ns))
			crowded |= g->lanes & lanes;
	}
	return crowded;
}

void
tcpauth_remember(struct tcpauth *s, const struct burst *b, uint64_t syns)
{
	uint64_t sound = 0;
	unsigned int i;

	LANES_FOREACH (i, syns)
		sound |= (uint64_t)(flow_is_opening(&b->facts[i], SIDE_EXTERNAL) &&
		                    flow_is_possible(&b->facts[i]))
		         << i;
	if (sound != 0)
		flow_open_one_way(s->flows, b, sound);
}

void
tcpauth_see_newcomers(struct tcpauth *s, const struct burst *b, uint64_t lanes)
{
	const uint64_t whole = lanes & ~lanes_with16(b->flags, FACT_FRAGMENT);
	const uint64_t real = lanes_where8(b->standing, STANDING_VERIFIED_SOURCE);
	const uint64_t calm =
		lanes_where8(b->vector, VECTOR_TCP_SYN_FLOOD) & whole & ~b->armed;
	const uint64_t others = lanes_where8(b->vector, VECTOR_TCP_OTHER_FLOOD) & whole;
	unsigned int i;

	/* What is armed is remembered once it has passed. */
	if (calm != 0)
		tcpauth_remember(s, b, calm & ~tcpauth_crowded(s, b, calm));
	LANES_FOREACH (i, others & real)
		if (b->flow[i] != BURST_NO_FLOW &&
		    flow_is_newcomer(flow_of_lane(s->flows, i)))
			flow_of_lane(s->flows, i)->opening &= (uint8_t)~FLOW_NEWCOMER;
}

/* Charge segments of one service. */
static void
charge(struct tcpauth *s, const struct watch_rule *rule, const struct burst *b,
       uint16_t service, uint64_t lanes)
{
	const uint64_t now = meter_ticks(b->now_ns);
	const uint64_t most = rule->max_rate.slack * CROWD_BURST;
	const struct watch_cell *cell =
		watch_cell(s->watch, service, VECTOR_TCP_OTHER_FLOOD);
	struct tcpauth_crowd *c = &s->crowd[service];
	const uint64_t price =
		watch_share(cell, meter_price_all(&rule->max_rate, lanes_count(lanes),
	                                          lanes_sum16(b->frame_len, lanes)));

	/* Twice the price is half of the rate. */
	c->met.paid_until = now + meter_ahead(&c->met, now) + 2 * price;
	if (meter_ahead(&c->met, now) <= most)
		return;
	/* What is owed beyond is forgotten, or a long flood would be asked for long. */
	c->met.paid_until = now + most;
	c->until_ns = b->now_ns + CROWD_NS;
}

void
tcpauth_judge_newcomers(struct tcpauth *s, const struct tcpauth_params *p,
                        struct burst *b, uint64_t lanes)
{
	const struct watch_rule *rule = &p->rules[VECTOR_TCP_OTHER_FLOOD];
	uint64_t rest = rule->max.per_second == 0 ? 0 : lanes;

	while (rest != 0) {
		const uint16_t service = b->service[__builtin_ctzll(rest)];
		const uint64_t same = lanes_where16(b->service, service) & rest;

		rest &= ~same;
		charge(s, rule, b, service, same);
		if (!is_crowded(s, service, b->now_ns))
			lanes_fill8(b->standing, same, STANDING_CONVERSATION);
	}
}
