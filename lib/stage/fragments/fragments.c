/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fragments - what came of the pairing of first and later fragments.
 *
 * Before this stage a later fragment already has the ports of its first
 * (flow/fragment.h). Here each is held against the others of its datagram, goes the way
 * of its first, and is held to the quotas of an attack. What depends on who the sender
 * is, or on what later stages did to a first in the same burst, is decided after all of
 * them, in follow().
 */
#include "stage/fragments/fragments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "flow/fragment.h"
#include "flow/source.h"
#include "meter/watch.h"
#include "packet/burst.h"
#include "stage/explain.h"
#include "stage/fragments/parts.h"

#define SECOND_NS       UINT64_C(1000000000)
#define CALM_NS         (10 * SECOND_NS) /* after the last armed fragment */
#define EXPLAIN_BUCKETS 512u             /* looked at in one call */

struct state {
	struct fragment_table *table; /* NULL: nobody pairs fragments here */
	struct source_table *sources; /* whose notes tell who was dropped; or NULL */
	unsigned int services, workers;
	bool is_ingress;   /* what the inside answers is never seen */
	uint64_t armed_ns; /* when a fragment last met an armed cell; 0: never */
	/* By service: */
	struct meter *orphans, *rate;
	struct fragment_open *open;
	/* Of the burst in work: */
	alignas(64) uint8_t finding[LANES_MAX]; /* enum fragment_finding */
};

static void
close_state(void *state)
{
	struct state *s = state;

	free(s->orphans);
	free(s->rate);
	free(s->open);
	free(s);
}

static int
open_state(void **state, const struct stage_env *env)
{
	struct state *s = aligned_alloc(64, (sizeof(*s) + 63) / 64 * 64);

	if (s == NULL)
		return -ENOMEM;
	memset(s, 0, sizeof(*s));
	s->table = env->fragments;
	s->sources = env->sources;
	s->services = env->watch->services;
	s->is_ingress = env->common->is_ingress;
	s->workers = env->workers > 0 ? env->workers : 1;
	s->orphans = calloc(s->services, sizeof(*s->orphans));
	s->rate = calloc(s->services, sizeof(*s->rate));
	s->open = calloc(s->services, sizeof(*s->open));
	if (s->orphans == NULL || s->rate == NULL || s->open == NULL) {
		close_state(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static void
drop(const struct state *s, struct burst *b, uint64_t lanes, enum fragments_reason reason)
{
	if (lanes == 0)
		return;
	if (s->sources != NULL)
		drops_add(&s->sources->drops, b, lanes, fragments_full_name[reason]);
	burst_drop_lanes(b, lanes, (uint8_t)reason);
}

/* The datagram is complete: who was counted for having begun it is so no more. */
static void
count_complete(struct state *s, const struct burst *b, unsigned int i, struct fragment *f)
{
	const uint8_t both = FRAGMENT_COMPLETE | FRAGMENT_COUNTED;

	if ((f->state & both) != both)
		return;
	f->state &= (uint8_t)~FRAGMENT_COUNTED;
	fragment_count_open(fragment_open_of(s->table, b->facts[i].src), -1, b->now_ns);
	fragment_count_open(&s->open[b->service[i]], -1, b->now_ns);
}

/*
 * Where answers go another way no conversation is ever seen. Then two ends are good that
 * completed a datagram in calm, and stay so while they complete others.
 */
static void
learn_ends(struct state *s, const struct burst *b, unsigned int i)
{
	const struct fragment *f = fragment_group_of(s->table, i)->at;

	if (s->finding[i] != FRAGMENT_FITS || (f->state & FRAGMENT_COMPLETE) == 0)
		return;
	if ((b->armed & lane_bit(i)) == 0 || fragment_has_good_ends(s->table, b, i))
		fragment_call_good(s->table, b, i);
}

static void
observe(void *state, const struct stage_view *view, struct burst *b, uint64_t lanes)
{
	struct state *s = state;
	unsigned int i;

	(void)view;
	lanes &= b->pieces;
	if (__builtin_expect(lanes == 0, 1))
		return;
	if ((b->armed & lanes) != 0)
		s->armed_ns = b->now_ns;
	LANES_FOREACH (i, lanes) {
		s->finding[i] = (uint8_t)fragment_track(s->table, b, i);
		count_complete(s, b, i, fragment_group_of(s->table, i)->at);
		if (s->is_ingress)
			learn_ends(s, b, i);
	}
}

/* Lanes of the service's share that the meter refuses, charged for all workers. */
static uint64_t
refused(const struct state *s, const struct burst *b, struct meter *by_service,
        const struct meter_rate *rate, uint64_t lanes, uint64_t slack)
{
	const uint64_t now = meter_ticks(b->now_ns);
	uint64_t over = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes)
		if (!meter_take(&by_service[b->service[i]], rate->each * s->workers,
		                slack, now))
			over |= lane_bit(i);
	return over;
}

/* Lanes that do not fit into their datagram. */
static void
drop_unfit(const struct state *s, const struct fragments_params *p, struct burst *b,
           uint64_t lanes)
{
	const uint64_t armed = lanes & b->armed;
	uint64_t tiny = lanes & lanes_where8(s->finding, FRAGMENT_TINY), many = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const struct fragment_piece *piece = &s->table->piece[i];

		if (piece->has_more && (piece->to - piece->from) * 8u < p->smallest)
			tiny |= lane_bit(i);
	}
	LANES_FOREACH (i, armed)
		if (fragment_group_of(s->table, i)->at->pieces > p->max_pieces)
			many |= lane_bit(i);
	drop(s, b, tiny, REASON_TINY);
	lanes &= b->live;
	drop(s, b, lanes & lanes_where8(s->finding, FRAGMENT_OVERLAPPING),
	     REASON_OVERLAPPING);
	drop(s, b, lanes & lanes_where8(s->finding, FRAGMENT_ENDLESS), REASON_ENDLESS);
	drop(s, b, armed & b->live & lanes_where8(s->finding, FRAGMENT_SCATTERED),
	     REASON_SCATTERED);
	drop(s, b, many & b->live, REASON_TOO_MANY_PIECES);
}

/*
 * Those of one policy, first what is wrong, then what was decided, then quotas. Rests of
 * a first that passed may take the whole meter, all others half of it: or a flood would
 * leave of each datagram that passes a part.
 */
static void
decide_policy(struct state *s, const struct fragments_params *p, struct burst *b,
              uint64_t lanes)
{
	struct fragment_table *t = s->table;
	const uint64_t *price = &p->rate_price.slack;
	uint64_t strangers, paired;

	if (p->accept == ACCEPT_DROP) {
		drop(s, b, lanes, REASON_UNWANTED);
		return;
	}
	drop_unfit(s, p, b, lanes);
	drop(s, b, lanes & b->live & t->dropped, REASON_FOLLOWS_FIRST);
	strangers = lanes & b->live & ~t->good;
	drop(s, b,
	     refused(s, b, s->orphans, &p->orphan_price,
	             strangers & b->armed & t->orphans, p->orphan_price.slack),
	     REASON_ORPHANS);
	if (p->accept != ACCEPT_METER)
		return;
	strangers &= b->live;
	paired = strangers & t->rests & ~t->orphans;
	drop(s, b, refused(s, b, s->rate, &p->rate_price, paired, *price),
	     REASON_OVER_RATE);
	drop(s, b,
	     refused(s, b, s->rate, &p->rate_price, strangers & ~paired, *price / 2),
	     REASON_OVER_RATE);
}

static void
decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	struct state *s = state;
	uint64_t rest = todo & b->pieces;
	unsigned int i;

	if (__builtin_expect(rest == 0, 1))
		return;
	LANES_FOREACH (i, rest) {
		const struct fragments_params *p = view->params[b->policy[i]];

		if (((b->armed & lane_bit(i)) != 0 || p->accept == ACCEPT_METER) &&
		    fragment_has_good_ends(s->table, b, i))
			s->table->good |= lane_bit(i);
	}
	while (rest != 0) {
		const uint16_t policy = b->policy[__builtin_ctzll(rest)];
		const uint64_t same = lanes_where16(b->policy, policy) & rest;

		decide_policy(s, view->params[policy], b, same);
		rest &= ~same;
	}
}

/*
 * A stranger begins another datagram, which its receiver will keep in memory for half a
 * minute: why it may not, or REASONS.
 */
static enum fragments_reason
begin(struct state *s, const struct fragments_params *p, const struct burst *b,
      unsigned int i)
{
	struct fragment_open *source = fragment_open_of(s->table, b->facts[i].src);
	struct fragment_open *service = &s->open[b->service[i]];

	if (fragment_ease_open(source, b->now_ns) >= p->source_open)
		return REASON_SOURCE_OPEN;
	if (fragment_ease_open(service, b->now_ns) * s->workers >= p->service_open)
		return REASON_SERVICE_OPEN;
	fragment_count_open(source, 1, b->now_ns);
	fragment_count_open(service, 1, b->now_ns);
	return REASONS;
}

/* By now standing is known, and what passed the ceilings of the service. */
static void
follow(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	const uint64_t unproven = lanes_where8(b->standing, STANDING_UNVERIFIED);
	struct state *s = state;
	uint64_t drops[REASONS + 1] = { 0 };
	unsigned int i;

	todo &= b->pieces;
	LANES_FOREACH (i, todo & ~s->table->rests & b->armed & unproven) {
		struct fragment_group *g = fragment_group_of(s->table, i);
		enum fragments_reason reason;

		if (g->first != i || (g->at->state & FRAGMENT_COMPLETE) != 0)
			continue;
		reason = begin(s, view->params[b->policy[i]], b, i);
		drops[reason] |= lane_bit(i);
		if (reason == REASONS)
			g->at->state |= FRAGMENT_COUNTED;
	}
	drop(s, b, drops[REASON_SOURCE_OPEN], REASON_SOURCE_OPEN);
	drop(s, b, drops[REASON_SERVICE_OPEN], REASON_SERVICE_OPEN);
	drop(s, b, fragment_followers(s->table, b) & todo & b->live,
	     REASON_FOLLOWS_FIRST);
}

/* Eight slots lie in a bucket. Under attack what is unproven is forgotten sooner. */
static void
tick(void *state, uint64_t now_ns, unsigned int budget)
{
	struct state *s = state;
	const bool is_armed = s->armed_ns != 0 && now_ns - s->armed_ns < CALM_NS;

	if (s->table == NULL)
		return;
	table_set_idle(&s->table->table, TABLE_UNEARNED,
	               is_armed ? FRAGMENT_FLOOD_NS : FRAGMENT_IDLE_NS);
	table_sweep(&s->table->table, (budget + TABLE_WAYS - 1) / TABLE_WAYS,
	            table_tick(now_ns));
}

/* The cursor counts buckets in its lower half, and what was found in its upper one. */
static bool
explain(void *state, const struct stage_view *view, struct explain *e, uint64_t now_ns)
{
	const struct state *s = state;
	const struct table *t = &s->table->table;
	const uint32_t bucket = (uint32_t)e->cursor, left = t->buckets - bucket;
	const uint32_t end = bucket + (left < EXPLAIN_BUCKETS ? left : EXPLAIN_BUCKETS);
	uint32_t found = (uint32_t)(e->cursor >> 32);
	struct explain_line *line;

	(void)view;
	for (uint32_t slot = bucket * TABLE_WAYS; slot < end * TABLE_WAYS; slot++) {
		const struct fragment *f = table_record(t, slot);
		const uint16_t age = (uint16_t)(table_tick(now_ns) - table_seen(t, slot));

		if (table_class(t, slot) != TABLE_FREE && age <= t->idle[TABLE_EARNED] &&
		    (f->state & FRAGMENT_COMPLETE) == 0 &&
		    memcmp(f->src, e->address, sizeof(f->src)) == 0)
			found++;
	}
	e->cursor = (uint64_t)found << 32 | end;
	if (end < t->buckets)
		return false;
	if (found > 0 && (line = explain_add(e)) != NULL) {
		line->what = "datagrams in pieces";
		line->unit = "datagrams";
		line->value = found;
	}
	return true;
}

const struct stage stage_fragments = {
	.name = "fragments",
	.help = "Lets later fragments go the way of their first, and drops those that do "
		"not fit together.",
	.reasons = fragments_reasons,
	.fields = fragments_fields,
	.params_size = sizeof(struct fragments_params),
	.compile = fragments_compile,
	.open = open_state,
	.close = close_state,
	.observe = observe,
	.decide = decide,
	.follow = follow,
	.tick = tick,
	.explain = explain,
};
