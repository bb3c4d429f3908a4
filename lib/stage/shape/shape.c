/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shape - the last resort: a ceiling for what nobody could prove good or bad.
 *
 * While a service and vector are armed, everything but verified flows shares
 * one GCRA meter at max_rate. The better a packet's standing, the further it
 * may pay ahead:
 *
 *     paid ahead  0 ........... 1/2 ........ 3/4 ........ slack
 *     unverified  |--------------|
 *     verified source |-----------------------|
 *     conversation    |------------------------------------|
 *
 * so better standing always finds room that worse standing cannot use up, and
 * yet the sum never exceeds max_rate. Within a burst the better go first. Of a small limit
 * the slack is a few packets, but who loads a page acknowledges dozens of segments at
 * once: verified sources may pay TALK_BURST / 2 packets ahead, conversations TALK_BURST.
 * What answers the inside's own datagrams (flow_is_asked()) stands as a verified source.
 *
 * While a network (/24, IPv6 /48) is armed by network_rate, the same holds for
 * what comes to it, and is decided first: what one network has too much of shall
 * not use up what its service may pass.
 *
 * All packets of a burst come at one moment, so once a meter refuses one of some
 * standing it refuses all that follow; under a flood it refuses the first, and one
 * comparison decides the whole group.
 */
#include "stage/shape/shape.h"

#include <errno.h>
#include <stdlib.h>

#include "flow/flow.h"
#include "flow/source.h"
#include "meter/aggregate.h"
#include "meter/watch.h"
#include "packet/burst.h"
#include "packet/vector.h"

#define HELP(what)                                                                       \
	"The service is under a flood of " what " and what is unproven exceeds its "     \
	"`max_rate`; verified flows pass."

#define NETWORK_HELP(what)                                                               \
	"One network of the service, a /24 or IPv6 /48, is under a flood of " what       \
	" and what is unproven exceeds its `network_rate`; verified flows pass."

/* Reasons of a service's ceiling, then those of a network's. */
enum { OF_SERVICE = 0, OF_NETWORK = VECTOR_COUNT };

static const struct stage_reason reasons[] = {
	[VECTOR_TCP_SYN_FLOOD] = { "tcp_syn_flood", REASON_DROP, HELP("first SYNs") },
	[VECTOR_TCP_OTHER_FLOOD] = { "tcp_other_flood", REASON_DROP,
	                             HELP("TCP segments of no known connection") },
	[VECTOR_UDP_FLOOD] = { "udp_flood", REASON_DROP, HELP("UDP datagrams") },
	[VECTOR_ICMP_FLOOD] = { "icmp_flood", REASON_DROP, HELP("ICMP messages") },
	[VECTOR_FRAGMENT_FLOOD] = { "fragment_flood", REASON_DROP, HELP("fragments") },
	[VECTOR_OTHER_FLOOD] = { "other_flood", REASON_DROP, HELP("other protocols") },
	[OF_NETWORK + VECTOR_TCP_SYN_FLOOD] = { "network_tcp_syn_flood", REASON_DROP,
	                                        NETWORK_HELP("first SYNs") },
	[OF_NETWORK + VECTOR_TCP_OTHER_FLOOD] = { "network_tcp_other_flood", REASON_DROP,
	                                          NETWORK_HELP("TCP segments of no known "
	                                                       "connection") },
	[OF_NETWORK + VECTOR_UDP_FLOOD] = { "network_udp_flood", REASON_DROP,
	                                    NETWORK_HELP("UDP datagrams") },
	[OF_NETWORK + VECTOR_ICMP_FLOOD] = { "network_icmp_flood", REASON_DROP,
	                                     NETWORK_HELP("ICMP messages") },
	[OF_NETWORK + VECTOR_FRAGMENT_FLOOD] = { "network_fragment_flood", REASON_DROP,
	                                         NETWORK_HELP("fragments") },
	[OF_NETWORK + VECTOR_OTHER_FLOOD] = { "network_other_flood", REASON_DROP,
	                                      NETWORK_HELP("other protocols") },
	[2 * VECTOR_COUNT] = { NULL, REASON_DROP, NULL },
};

/* The same with the stage's name, as explain tells it later. */
static const char *const full_name[2 * VECTOR_COUNT] = {
	[VECTOR_TCP_SYN_FLOOD] = "shape.tcp_syn_flood",
	[VECTOR_TCP_OTHER_FLOOD] = "shape.tcp_other_flood",
	[VECTOR_UDP_FLOOD] = "shape.udp_flood",
	[VECTOR_ICMP_FLOOD] = "shape.icmp_flood",
	[VECTOR_FRAGMENT_FLOOD] = "shape.fragment_flood",
	[VECTOR_OTHER_FLOOD] = "shape.other_flood",
	[OF_NETWORK + VECTOR_TCP_SYN_FLOOD] = "shape.network_tcp_syn_flood",
	[OF_NETWORK + VECTOR_TCP_OTHER_FLOOD] = "shape.network_tcp_other_flood",
	[OF_NETWORK + VECTOR_UDP_FLOOD] = "shape.network_udp_flood",
	[OF_NETWORK + VECTOR_ICMP_FLOOD] = "shape.network_icmp_flood",
	[OF_NETWORK + VECTOR_FRAGMENT_FLOOD] = "shape.network_fragment_flood",
	[OF_NETWORK + VECTOR_OTHER_FLOOD] = "shape.network_other_flood",
};

struct params {
	const struct watch_rule *rules; /* VECTOR_COUNT, of the snapshot */
};

struct state {
	const struct watch *watch;
	const struct aggregates *aggregates; /* NULL: no networks */
	struct source_table *sources;
	const struct flow_table *flows;
};

static int
compile(void *params, const struct stage_compile *from, struct conf_errors *errors)
{
	struct params *p = params;

	(void)errors;
	p->rules = from->rules;
	return 0;
}

static int
open_state(void **state, const struct stage_env *env)
{
	struct state *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->watch = env->watch;
	s->aggregates = env->aggregates;
	s->sources = env->sources;
	s->flows = env->flows;
	*state = s;
	return 0;
}

static void
close_state(void *state)
{
	free(state);
}

#define TALK_BURST 64 /* packets, however small the limit */

/* How far this standing may pay ahead; verified flows pay nothing and do not ask. */
static inline uint64_t
slack_of(const struct meter_rate *rate, enum standing standing)
{
	const uint64_t talk = rate->each * TALK_BURST;
	uint64_t slack;

	switch (standing) {
	case STANDING_CONVERSATION:
		return rate->slack > talk ? rate->slack : talk;
	case STANDING_VERIFIED_SOURCE:
		slack = rate->slack - rate->slack / 4;
		return slack > talk / 2 ? slack : talk / 2;
	default:
		return rate->slack / 2;
	}
}

/* Bytes that any packet may owe for: more than a jumbo frame has. */
#define LONGEST_FRAME 16384

/* What shares one meter in this burst. */
struct group {
	struct watch_cell *cell;
	const struct watch_rule *rule;
	uint64_t lanes;
	uint8_t reason;
};

/* Take what the meter lets pass of some lanes; returns those that it refuses. */
static inline uint64_t
refused(const struct burst *b, const struct group *g, uint64_t lanes, uint64_t slack)
{
	const struct meter_rate *rate = &g->rule->max_rate;
	const uint64_t now = meter_ticks(b->now_ns);
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const uint64_t price = watch_price(g->cell, rate, b->facts[i].frame_len);

		if (!meter_take(&g->cell->limit, price, slack, now))
			return lanes & ~lanes_first(i);
	}
	return 0;
}

/* The better first, each as far ahead as it may pay. */
static void
limit(const struct state *s, struct burst *b, const struct group *g,
      const uint64_t *by_standing)
{
	struct meter_rate longest = g->rule->max_rate;
	uint64_t stopped = 0;

	if (g->rule->max.per_second == 0)
		return;
	longest.slack = slack_of(&longest, STANDING_CONVERSATION);
	watch_ease(g->cell, &g->cell->limit, &longest, LONGEST_FRAME,
	           meter_ticks(b->now_ns));
	for (unsigned int standing = STANDING_VERIFIED_FLOW; standing-- > 0;) {
		const uint64_t lanes = g->lanes & by_standing[standing];

		if (lanes != 0)
			stopped |= refused(
				b, g, lanes,
				slack_of(&g->rule->max_rate, (enum standing)standing));
	}
	if (stopped == 0)
		return;
	source_note_drops(s->sources, b, stopped, full_name[g->reason]);
	burst_drop_lanes(b, stopped, g->reason);
}

/* Lanes whose network is armed, network by network. */
static void
limit_networks(const struct state *s, struct burst *b, const struct burst_group *group,
               uint64_t todo, const uint64_t *by_standing)
{
	const struct aggregates *a = s->aggregates;
	uint64_t rest = group->lanes & todo & a->armed;

	while (rest != 0) {
		const unsigned int first = (unsigned int)__builtin_ctzll(rest);
		const uint64_t same =
			rest & lanes_where16(a->lane_network, a->lane_network[first]);
		const struct group g = {
			.cell = aggregate_cell(a, b, first),
			.rule = aggregate_rule(a, b, first),
			.lanes = same,
			.reason = (uint8_t)(OF_NETWORK + group->slot),
		};

		rest &= ~same;
		limit(s, b, &g, by_standing);
	}
}

/*
 * Of these lanes those that may answer what the inside sent. Who forges a question gets an
 * answer as well, so this is no better than an address that may be forged.
 */
static uint64_t
asked_for(const struct state *s, const struct burst *b, uint64_t lanes)
{
	uint64_t asked = 0;
	unsigned int i;

	lanes &= lanes_where8(b->vector, VECTOR_UDP_FLOOD) & b->sought;
	LANES_FOREACH (i, lanes)
		asked |= (uint64_t)(b->flow[i] != BURST_NO_FLOW &&
		                    flow_is_asked(flow_at(s->flows, b->flow[i])))
		         << i;
	return asked;
}

static void
decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	uint64_t by_standing[STANDING_VERIFIED_FLOW], asked;
	const struct state *s = state;
	const uint64_t in_networks = s->aggregates != NULL ? s->aggregates->armed : 0;

	if ((todo & (b->armed | in_networks)) == 0)
		return;
	source_ask_verified(s->sources, b, todo);
	for (unsigned int standing = 0; standing < STANDING_VERIFIED_FLOW; standing++)
		by_standing[standing] = lanes_where8(b->standing, (uint8_t)standing);
	asked = asked_for(s, b, by_standing[STANDING_UNVERIFIED] & todo);
	by_standing[STANDING_UNVERIFIED] &= ~asked;
	by_standing[STANDING_VERIFIED_SOURCE] |= asked;
	for (unsigned int k = 0; k < b->groups; k++) {
		const struct burst_group *group = &b->group[k];
		struct group g = { .reason = (uint8_t)(OF_SERVICE + group->slot) };
		const struct params *p;

		if ((group->lanes & todo & in_networks) != 0)
			limit_networks(s, b, group, todo, by_standing);
		g.lanes = group->lanes & todo & b->armed & b->live;
		if (g.lanes == 0)
			continue;
		p = view->params[b->policy[__builtin_ctzll(g.lanes)]];
		g.cell = watch_cell(s->watch, group->service, group->slot);
		g.rule = &p->rules[group->slot];
		limit(s, b, &g, by_standing);
	}
}

const struct stage stage_shape = {
	.name = "shape",
	.help = "Limits what is unproven to `max_rate` while a vector is under attack.",
	.reasons = reasons,
	.params_size = sizeof(struct params),
	.compile = compile,
	.open = open_state,
	.close = close_state,
	.decide = decide,
};
