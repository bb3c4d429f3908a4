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
 * yet the sum never exceeds max_rate. Within a burst the better go first.
 */
#include "stage/shape/shape.h"

#include <errno.h>
#include <stdlib.h>

#include "flow/source.h"
#include "meter/watch.h"
#include "packet/burst.h"
#include "packet/vector.h"

#define HELP(what)                                                                       \
	"The service is under a flood of " what " and what is unproven exceeds its "     \
	"`max_rate`; verified flows pass."

static const struct stage_reason reasons[] = {
	[VECTOR_TCP_SYN_FLOOD] = { "tcp_syn_flood", REASON_DROP, HELP("first SYNs") },
	[VECTOR_TCP_OTHER_FLOOD] = { "tcp_other_flood", REASON_DROP,
	                             HELP("TCP segments of no known connection") },
	[VECTOR_UDP_FLOOD] = { "udp_flood", REASON_DROP, HELP("UDP datagrams") },
	[VECTOR_ICMP_FLOOD] = { "icmp_flood", REASON_DROP, HELP("ICMP messages") },
	[VECTOR_FRAGMENT_FLOOD] = { "fragment_flood", REASON_DROP, HELP("fragments") },
	[VECTOR_OTHER_FLOOD] = { "other_flood", REASON_DROP, HELP("other protocols") },
	[VECTOR_COUNT] = { NULL, REASON_DROP, NULL },
};

/* The same with the stage's name, as explain tells it later. */
static const char *const full_name[VECTOR_COUNT] = {
	[VECTOR_TCP_SYN_FLOOD] = "shape.tcp_syn_flood",
	[VECTOR_TCP_OTHER_FLOOD] = "shape.tcp_other_flood",
	[VECTOR_UDP_FLOOD] = "shape.udp_flood",
	[VECTOR_ICMP_FLOOD] = "shape.icmp_flood",
	[VECTOR_FRAGMENT_FLOOD] = "shape.fragment_flood",
	[VECTOR_OTHER_FLOOD] = "shape.other_flood",
};

struct params {
	const struct watch_rule *rules; /* VECTOR_COUNT, of the snapshot */
};

struct state {
	const struct watch *watch;
	const struct source_table *sources;
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
	s->sources = env->sources;
	*state = s;
	return 0;
}

static void
close_state(void *state)
{
	free(state);
}

/* How far this standing may pay ahead; verified flows pay nothing and do not ask. */
static inline uint64_t
slack_of(const struct meter_rate *rate, enum standing standing)
{
	switch (standing) {
	case STANDING_CONVERSATION:
		return rate->slack;
	case STANDING_VERIFIED_SOURCE:
		return rate->slack - rate->slack / 4;
	default:
		return rate->slack / 2;
	}
}

static inline struct watch_cell *
cell_of(const struct state *s, const struct burst *b, unsigned int lane)
{
	return watch_cell(s->watch, b->service[lane], b->facts[lane].vector);
}

static void
limit(const struct state *s, const struct stage_view *view, struct burst *b,
      uint64_t lanes)
{
	const uint64_t now = meter_ticks(b->now_ns);
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const struct params *p = view->params[b->policy[i]];
		const unsigned int vector = b->facts[i].vector;
		const struct meter_rate *rate = &p->rules[vector].max_rate;
		struct watch_cell *c = cell_of(s, b, i);

		if (p->rules[vector].max.per_second == 0 ||
		    meter_take(&c->limit, watch_price(c, rate, b->facts[i].frame_len),
		               slack_of(rate, (enum standing)b->standing[i]), now))
			continue;
		source_note_drop(s->sources, i, full_name[vector], b->now_ns);
		burst_drop(b, i, (uint8_t)vector);
	}
}

static void
decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	uint64_t by_standing[STANDING_VERIFIED_FLOW + 1] = { 0 };
	const struct state *s = state;
	unsigned int i;

	LANES_FOREACH (i, todo & b->armed) {
		__builtin_prefetch(cell_of(s, b, i), 1);
		by_standing[b->standing[i]] |= lane_bit(i);
	}
	for (unsigned int standing = STANDING_VERIFIED_FLOW; standing-- > 0;)
		limit(s, view, b, by_standing[standing]);
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
