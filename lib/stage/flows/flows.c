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
#include "flow/source.h"
#include "packet/burst.h"
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
	uint64_t armed_ns; /* when a packet last met an armed cell; 0: never */
};

static int
open_state(void **state, const struct stage_env *env)
{
	struct state *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->flows = env->flows;
	s->sources = env->sources;
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

static void
find_sources(struct state *s, const struct stage_view *view, const struct burst *b,
             uint64_t lanes)
{
	uint8_t prefix_len[LANES_MAX];
	uint64_t mine = 0;
	unsigned int i;

	if (b->side == SIDE_EXTERNAL)
		LANES_FOREACH (i, lanes) {
			prefix_len[i] = (uint8_t)params_of(view, b, i)->ipv6_prefix;
			mine |= (uint64_t)((b->facts[i].flags & FACT_IP) != 0) << i;
		}
	source_find_burst(s->sources, b, mine, prefix_len);
}

/*
 * A source whose flow is verified is real. Its time is written again only after
 * an eighth of it has gone by, so that a busy customer costs no store a packet.
 */
static void
verify_source(struct state *s, uint32_t slot, const struct params *p, uint64_t now_ns)
{
	const struct source *source = source_at(s->sources, slot);

	if (!source_is_ahead(source->verified_until, now_ns + p->verified_for_ns / 8 * 7))
		source_verify(s->sources, slot, now_ns, p->verified_for_ns);
}

static enum standing
see(struct state *s, const struct params *p, struct burst *b, unsigned int i)
{
	const uint32_t source = s->sources->lane[i];
	enum standing standing = STANDING_UNVERIFIED;

	if (b->flow[i] != BURST_NO_FLOW) {
		if (flow_see(s->flows, b->flow[i], &b->facts[i], (enum side)b->side,
		             b->now_ns)) {
			/* What the inside opened, or what is older than we, is no new connection. */
			if (flow_at(s->flows, b->flow[i])->is_answered)
				s->sources->proven |= lane_bit(i);
			flow_earn(s->flows, b->flow[i], source, p->max_flows_per_source);
		}
		standing = flow_standing(flow_at(s->flows, b->flow[i]), &b->facts[i]);
	}
	if (source == SOURCE_NONE)
		return standing;
	if (standing == STANDING_VERIFIED_FLOW)
		verify_source(s, source, p, b->now_ns);
	else if (standing == STANDING_UNVERIFIED &&
	         source_is_ahead(source_at(s->sources, source)->verified_until,
	                         b->now_ns))
		standing = STANDING_VERIFIED_SOURCE;
	return standing;
}

static void
observe(void *state, const struct stage_view *view, struct burst *b, uint64_t lanes)
{
	struct state *s = state;
	unsigned int i;

	if (b->armed != 0)
		s->armed_ns = b->now_ns;
	flow_find_burst(s->flows, b, lanes);
	find_sources(s, view, b, lanes);

	LANES_FOREACH (i, lanes)
		b->standing[i] = (uint8_t)see(s, params_of(view, b, i), b, i);
}

/* Eight slots lie in a bucket. Under attack what is unproven is forgotten sooner. */
static void
tick(void *state, uint64_t now_ns, unsigned int budget)
{
	struct state *s = state;
	const bool is_armed = s->armed_ns != 0 && now_ns - s->armed_ns < CALM_NS;

	table_set_idle(&s->flows->table, TABLE_UNEARNED,
	               is_armed ? FLOW_IDLE_ARMED_NS : FLOW_IDLE_NEW_NS);
	table_sweep(&s->flows->table, (budget + TABLE_WAYS - 1) / TABLE_WAYS,
	            table_tick(now_ns));
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
	.open = open_state,
	.close = close_state,
	.observe = observe,
	.tick = tick,
	.explain = explain,
};
