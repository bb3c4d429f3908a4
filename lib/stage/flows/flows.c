/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flows - who has proven what: the standing of every packet.
 *
 * Both directions pass here before anything costly is decided. The stage stops
 * nobody; it finds the flow and the source of each lane, learns from the
 * packet, and writes b->flow and b->standing for all later stages.
 */
#include "stage/flows/flows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "flow/flow.h"
#include "flow/fragment.h"
#include "flow/source.h"
#include "packet/burst.h"
#include "packet/vector.h"
#include "stage/explain.h"

#define SECOND_NS       UINT64_C(1000000000)
#define CALM_NS         (10 * SECOND_NS) /* after the last armed packet */
#define EXPLAIN_BUCKETS 512u             /* looked at in one call */

static const struct stage_reason reasons[] = {
	{ NULL, REASON_DROP, NULL },
};

struct params {
	uint64_t verified_for_ns;
	uint64_t max_flows_per_source;
	uint64_t ipv6_prefix;
	struct source_prefix prefix; /* derived */
	unsigned int
		credit_ticks; /* derived: how long a flow may leave its source alone */
	uint32_t scale[STAGE_LIST_SCALES]; /* derived: customers behind a source */
};

static const struct conf_field fields[] = {
	{ .key = "verified_for",
	  .kind = CONF_TIME,
	  .offset = offsetof(struct params, verified_for_ns),
	  .absent = "10m",
	  .min = SECOND_NS,
	  .max = SOURCE_MAX_NS,
	  .help = "How long an address counts as a verified source after the last "
	          "packet of a flow that proved itself." },
	{ .key = "max_flows_per_source",
	  .kind = CONF_COUNT,
	  .offset = offsetof(struct params, max_flows_per_source),
	  .absent = "10k",
	  .min = 1,
	  .max = 10000000,
	  .help = "Verified flows of one source that keep a safe place in the flow "
	          "table; more are forwarded alike, but may be forgotten in a flood." },
	{ .key = "ipv6_prefix",
	  .kind = CONF_INT,
	  .offset = offsetof(struct params, ipv6_prefix),
	  .absent = "64",
	  .min = 48,
	  .max = 128,
	  .help = "Bits of an IPv6 address that make one source; an IPv4 source is "
	          "always one address." },
	{ 0 },
};

struct state {
	struct flow_table *flows;
	struct source_table *sources;
	const struct fragment_table *fragments; /* NULL: none are paired */
	bool is_ingress;   /* what the inside answers is never seen */
	uint64_t armed_ns; /* when a packet last met an armed cell; 0: never */
};

/*
 * A flow's visits keep its source verified. They may be late by an eighth of the
 * time that is promised, and by no more than credit lasts.
 */
static int
compile(void *params, const struct stage_compile *from, struct conf_errors *errors)
{
	struct params *p = params;
	const uint64_t ticks = p->verified_for_ns / 8 / TABLE_TICK_NS;

	(void)errors;
	stage_scales(from->lists, p->scale);
	source_prefix_init(&p->prefix, (unsigned int)p->ipv6_prefix);
	p->credit_ticks = ticks < CREDIT_TICKS ? (unsigned int)ticks : CREDIT_TICKS;
	return 0;
}

static int
open_state(void **state, const struct stage_env *env)
{
	struct state *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->flows = env->flows;
	s->sources = env->sources;
	s->fragments = env->fragments;
	s->is_ingress = env->common->is_ingress;
	flow_count_sources(s->flows, s->sources);
	*state = s;
	return 0;
}

static void
close_state(void *state)
{
	free(state);
}

static inline const struct params *
params_of(const struct stage_view *view, const struct burst *b, unsigned int lane)
{
	return view->params[b->policy[lane]];
}

/* What the packet proves of its flow. Returns whether it proved it just now. */
static inline bool
see_flow(struct state *s, struct burst *b, unsigned int i, struct flow *flow)
{
	const struct facts *f = &b->facts[i];
	bool is_proof;

	if (__builtin_expect(flow_is_plain(flow, f, (enum side)b->side), 1)) {
		b->standing[i] = STANDING_VERIFIED_FLOW;
		return false;
	}
	is_proof = flow_see(s->flows, b, i);
	b->standing[i] = (uint8_t)flow_standing(flow, f);
	/* What the inside opened, or what is older than we, is no new connection. */
	if (is_proof && flow_is_answered(flow))
		s->sources->proven |= lane_bit(i);
	return is_proof;
}

/* Whether this lane, whose flow was seen, cannot go without its source. */
static inline bool
is_in_need(const struct state *s, const struct burst *b, unsigned int i, uint16_t tick)
{
	return b->standing[i] != STANDING_VERIFIED_FLOW ||
	       credit_needs_source(&flow_of_lane(s->flows, i)->key.credit,
	                           b->frame_len[i], s->sources->epoch, tick);
}

/* Who stands for many customers may have as many more flows (stage lists). */
static uint64_t
most_flows(const struct params *p, const struct burst *b, unsigned int i)
{
	return (b->trusted & lane_bit(i)) == 0
	               ? p->max_flows_per_source
	               : p->max_flows_per_source * p->scale[b->scale[i]];
}

/*
 * The source of a verified flow is real: it has a record, it stays verified, it
 * counts the flow, and while it is not blocked the flow may go without it for a
 * while. Without a record or without its place in the count it may not.
 */
static void
tie(struct state *s, const struct params *p, const struct burst *b, unsigned int i)
{
	struct flow *flow = flow_of_lane(s->flows, i);
	uint32_t slot = s->sources->lane[i];
	struct source *source;

	if (slot == SOURCE_NONE)
		slot = source_make(s->sources, i, b->now_ns);
	if (slot == SOURCE_NONE) {
		flow_earn(s->flows, b->flow[i], slot, most_flows(p, b, i));
		return;
	}
	source = source_at(s->sources, slot);
	if (!flow_is_counted(flow, slot, source))
		flow_earn(s->flows, b->flow[i], slot, most_flows(p, b, i));
	source_verify(s->sources, slot, b->now_ns, p->verified_for_ns);
	if (flow_is_counted(flow, slot, source) &&
	    !source_is_ahead(source->blocked_until, b->now_ns))
		credit_stamp(&flow->key.credit, s->sources->epoch, table_tick(b->now_ns),
		             p->credit_ticks);
}

/*
 * Ask for the sources that are needed, and let them and the flows know of each other.
 * Flows come first, so that their source is verified for strangers of this very burst.
 */
static void
see_sources(struct state *s, const struct stage_view *view, struct burst *b,
            uint64_t need)
{
	const uint64_t lanes = need & (b->ipv4 | b->ipv6);
	struct source_table *sources = s->sources;
	uint64_t flows;
	unsigned int i;

	LANES_FOREACH (i, lanes & b->ipv4)
		source_ask_ipv4(sources, b, i);
	LANES_FOREACH (i, lanes & b->ipv6)
		source_ask(sources, b, i, &params_of(view, b, i)->prefix);
	source_find_burst(sources, lanes, b->now_ns);

	flows = lanes_where8(b->standing, STANDING_VERIFIED_FLOW) & lanes;
	LANES_FOREACH (i, flows)
		tie(s, params_of(view, b, i), b, i);
	source_tell_standing(sources, b, lanes);
}

/*
 * The lanes that nothing is to be learned from and that can go without their source:
 * in calm, most of what comes from outside.
 */
static uint64_t
lanes_at_ease(const struct state *s, const struct burst *b, uint64_t lanes)
{
	const uint16_t tick = table_tick(b->now_ns);
	const uint8_t epoch = s->sources->epoch;
	uint64_t at_ease = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const struct flow *flow = flow_of_lane(s->flows, i);

		if (flow_is_plain(flow, &b->facts[i], SIDE_EXTERNAL) &&
		    (flow->state & FLOW_CLOSING) == 0 &&
		    !credit_needs_source(&flow->key.credit, b->frame_len[i], epoch, tick))
			at_ease |= lane_bit(i);
	}
	return at_ease;
}

/*
 * Learn from the packets of these lanes, which have flows. Returns those that need
 * their sources. A flow that closes returns its credit, so when one did, the lanes
 * that seemed at ease are asked again.
 */
static uint64_t
see_flows(struct state *s, struct burst *b, uint64_t lanes)
{
	const uint16_t tick = table_tick(b->now_ns);
	uint64_t at_ease, need = 0;
	bool has_closed = false;
	unsigned int i;

	at_ease = b->side == SIDE_EXTERNAL ? lanes_at_ease(s, b, lanes) : 0;
	lanes_fill8(b->standing, at_ease, STANDING_VERIFIED_FLOW);
	LANES_FOREACH (i, lanes & ~at_ease) {
		struct flow *flow = flow_of_lane(s->flows, i);
		const bool is_proof = see_flow(s, b, i, flow);

		has_closed |= (flow->state & FLOW_CLOSING) != 0;
		if (is_proof || is_in_need(s, b, i, tick))
			need |= lane_bit(i);
	}
	if (has_closed)
		LANES_FOREACH (i, lanes & ~need)
			if (is_in_need(s, b, i, tick))
				need |= lane_bit(i);
	return need;
}

/*
 * Of a spliced flow the client acknowledges what we told it; from here on the facts
 * say what the server will read, so that a flow is known by the server's numbers
 * alone.
 */
static void
see_splices(struct state *s, struct burst *b, uint64_t found)
{
	const bool is_in = b->side == SIDE_EXTERNAL;
	uint64_t spliced = 0;
	unsigned int i;

	LANES_FOREACH (i, found) {
		const struct flow *flow = flow_of_lane(s->flows, i);

		/* Of a segment in pieces all numbers are in the first. */
		if (!flow_is_spliced(flow) || (b->flags[i] & FACT_FRAG_REST) != 0)
			continue;
		spliced |= lane_bit(i);
	}
	s->flows->spliced = spliced;
	if (spliced == 0)
		return;
	counter_set(&s->flows->spliced_ns, b->now_ns);
	LANES_FOREACH (i, is_in ? spliced : 0)
		b->facts[i].tcp_ack -= s->flows->splice[b->flow[i]].delta;
}

/*
 * Large answers come in pieces, and few come of one question, so that they never make a
 * conversation: to have been asked for is enough. What comes before its first piece has
 * no flow; ends that are known to talk so are held for more than strangers, and where
 * no answer is ever seen for a conversation, as connections in order are.
 */
static void
tell_pieces(const struct state *s, struct burst *b, uint64_t lanes, uint64_t found)
{
	uint64_t asked = 0, good;
	unsigned int i;

	LANES_FOREACH (i, lanes & found)
		if (b->standing[i] < STANDING_CONVERSATION &&
		    flow_is_asked(flow_of_lane(s->flows, i)))
			asked |= lane_bit(i);
	lanes_fill8(b->standing, asked, STANDING_CONVERSATION);
	good = s->fragments != NULL ? s->fragments->good : 0;
	good &= lanes & lanes_where8(b->standing, STANDING_UNVERIFIED);
	lanes_fill8(b->standing, good,
	            s->is_ingress ? STANDING_CONVERSATION : STANDING_VERIFIED_SOURCE);
}

/*
 * Connections are known by what their clients send: those seen in calm, and those of
 * clients that have proven themselves since.
 */
static void
see_one_way(struct state *s, struct burst *b, uint64_t lanes)
{
	const uint64_t verified = lanes_where8(b->standing, STANDING_VERIFIED_SOURCE);
	const uint64_t segments = lanes_where8(b->vector, VECTOR_TCP_OTHER_FLOOD);

	lanes &= segments & (~b->armed | verified);
	if (lanes != 0)
		flow_make_one_way(s->flows, b, lanes);
}

/*
 * Of these lanes, which have no flow, those of vectors under attack that will mostly be
 * answered or dropped without anybody asking who sent them: first segments, and datagrams.
 */
static uint64_t
lanes_to_defer(const struct burst *b, uint64_t lanes)
{
	if (lanes == 0)
		return 0;
	return (lanes_where8(b->vector, VECTOR_TCP_SYN_FLOOD) |
	        lanes_where8(b->vector, VECTOR_UDP_FLOOD)) &
	       lanes;
}

static void
observe(void *state, const struct stage_view *view, struct burst *b, uint64_t lanes)
{
	struct state *s = state;
	uint64_t found, need, deferred;

	if (b->armed != 0)
		s->armed_ns = b->now_ns;
	s->sources->proven = 0;
	s->flows->spliced = 0;
	found = flow_find_burst(s->flows, b, lanes);
	if (__builtin_expect(flow_has_splices(s->flows, b->now_ns), 0))
		see_splices(s, b, found);
	lanes_fill8(b->standing, lanes & ~found, STANDING_UNVERIFIED);
	need = see_flows(s, b, found) | (lanes & ~found);
	deferred = lanes_to_defer(b, b->armed & need & ~found);
	see_sources(s, view, b, b->side == SIDE_EXTERNAL ? need & ~deferred : 0);
	if (__builtin_expect((b->pieces & lanes) != 0, 0) && b->side == SIDE_EXTERNAL)
		tell_pieces(s, b, b->pieces & lanes, found);
	source_defer(s->sources, deferred, view->params, offsetof(struct params, prefix));
	if (s->is_ingress && b->side == SIDE_EXTERNAL)
		see_one_way(s, b, lanes & ~found);
}

/*
 * Eight slots lie in a bucket. Under attack what is unproven is forgotten sooner, but not
 * where nothing of the flood makes a flow, and customers who began in it are never proven.
 */
static void
tick(void *state, uint64_t now_ns, unsigned int budget)
{
	struct state *s = state;
	const bool is_armed = s->armed_ns != 0 && now_ns - s->armed_ns < CALM_NS;

	table_set_idle(&s->flows->table, TABLE_UNEARNED,
	               is_armed && !s->is_ingress ? FLOW_IDLE_ARMED_NS
	                                          : FLOW_IDLE_NEW_NS);
	flow_sweep(s->flows, (budget + TABLE_WAYS - 1) / TABLE_WAYS, now_ns);
}

static const char *
verdict_of(const struct flow *flow)
{
	if ((flow->state & FLOW_CLOSING) != 0)
		return "closing";
	if ((flow->state & FLOW_VERIFIED) != 0)
		return "verified";
	return (flow->state & FLOW_CONVERSATION) != 0 ? "conversation" : "unverified";
}

/* One line for a flow of which the asked address is either end. */
static void
tell(const struct table *t, uint32_t slot, struct explain *e, uint64_t now_ns)
{
	const struct flow *flow = table_record(t, slot);
	const bool is_outside = memcmp(flow->key.outside, e->address, 16) == 0;
	struct explain_line *line;

	if (!is_outside && memcmp(flow->key.inside, e->address, 16) != 0)
		return;
	line = explain_add(e);
	if (line == NULL)
		return;
	line->what = "flow";
	line->verdict = verdict_of(flow);
	line->age_ns =
		(uint16_t)(table_tick(now_ns) - table_seen(t, slot)) * TABLE_TICK_NS;
	line->proto = flow->key.proto;
	line->port = is_outside ? flow->key.outside_port : flow->key.inside_port;
	line->peer_port = is_outside ? flow->key.inside_port : flow->key.outside_port;
	memcpy(line->peer, is_outside ? flow->key.inside : flow->key.outside, 16);
}

static bool
explain(void *state, const struct stage_view *view, struct explain *e, uint64_t now_ns)
{
	const struct table *t = &((struct state *)state)->flows->table;
	const uint64_t end = e->cursor + EXPLAIN_BUCKETS < t->buckets
	                             ? e->cursor + EXPLAIN_BUCKETS
	                             : t->buckets;

	(void)view;
	for (uint32_t slot = (uint32_t)e->cursor * TABLE_WAYS; slot < end * TABLE_WAYS;
	     slot++)
		if (table_class(t, slot) != TABLE_FREE)
			tell(t, slot, e, now_ns);
	e->cursor = end;
	return end == t->buckets;
}

const struct stage stage_flows = {
	.name = "flows",
	.help = "Tells proven customers from strangers by following both directions.",
	.reasons = reasons,
	.fields = fields,
	.params_size = sizeof(struct params),
	.compile = compile,
	.open = open_state,
	.close = close_state,
	.observe = observe,
	.tick = tick,
	.explain = explain,
};
