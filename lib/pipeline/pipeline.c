/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline/pipeline.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "flow/flow.h"
#include "flow/source.h"
#include "stage/explain.h"

/* Entries a stage may expire between two bursts. */
#define TICK_BUDGET 32

static bool
is_set(uint32_t stages, unsigned int s)
{
	return (stages >> s & 1) != 0;
}

/* Lanes of `among` whose policy is `policy`. */
static uint64_t
lanes_of(const struct burst *b, uint64_t among, uint16_t policy)
{
	uint64_t same = 0;
	unsigned int i;

	LANES_FOREACH (i, among)
		same |= (uint64_t)(b->policy[i] == policy) << i;
	return same;
}

/* Which lanes each stage sees, and which of them it may stop. */
struct plan {
	uint64_t observe[STAGE_MAX];
	uint64_t todo[STAGE_MAX];
};

/*
 * Turn "which stages does each packet need" into "which packets does each stage
 * need", once per burst and policy, so that no stage ever has to ask. What comes
 * from inside, and what is only being learned from, is judged by no stage.
 */
static void
make_plan(struct plan *plan, const struct policies *policies, struct burst *b)
{
	uint64_t rest = b->live;

	memset(plan, 0, sizeof(*plan));
	while (rest != 0) {
		uint16_t id = b->policy[__builtin_ctzll(rest)];
		const struct policy *p = &policies->policy[id];
		uint64_t same = lanes_of(b, rest, id);
		bool is_judged = b->side == SIDE_EXTERNAL && p->mode != POLICY_LEARN;

		rest &= ~same;
		if (p->mode == POLICY_MONITOR)
			b->watched |= same;
		for (unsigned int s = 0; s < stage_count; s++) {
			uint64_t mine = is_set(p->stages, s) ? same : 0;

			plan->observe[s] |= mine;
			plan->todo[s] |= is_judged ? mine : 0;
		}
	}
}

/* Count what arrives by service and vector; the cell arms itself when it must. */
static void
arrive(struct pipeline *pl, const struct policies *policies, struct burst *b)
{
	unsigned int i;

	LANES_FOREACH (i, b->live) {
		const struct facts *f = &b->facts[i];

		if (b->side == SIDE_INTERNAL) {
			struct watch_cell *c =
				watch_cell(&pl->watch, b->service[i], VECTOR_OUTBOUND);

			counter_add(&c->packets, 1);
			counter_add(&c->bytes, f->frame_len);
			continue;
		}
		if (watch_arrive(watch_cell(&pl->watch, b->service[i], f->vector),
		                 &policies->policy[b->policy[i]].rule[f->vector],
		                 f->frame_len, b->now_ns))
			b->armed |= lane_bit(i);
		if ((f->flags & FACT_IP) != 0)
			talkers_add(&pl->talkers, f->src, f->dst, f->frame_len);
	}
	if (b->armed != 0)
		counter_set(&pl->watch.hot_ns, b->now_ns);
}

/* What monitor spares travels on, but out of judgement: one packet, one reason. */
static void
spare(struct pipeline *pl, struct burst *b, unsigned int s, uint64_t lanes)
{
	const unsigned int first = pipeline_reason(s, 0);
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		uint64_t *row = &pl->service_would[b->service[i] * pipeline_reasons()];

		counter_add(&pl->books.would[s][b->reason[i]], 1);
		counter_add(&row[first + b->reason[i]], 1);
		b->verdict[i] = VERDICT_PASS;
	}
	b->live |= lanes;
	b->spared |= lanes;
}

/* Act on what stage s decided: who is spared, who gets an answer. */
static void
conclude(struct pipeline *pl, struct burst *b, unsigned int s, uint64_t decided)
{
	uint64_t answer = 0;
	unsigned int i;

	LANES_FOREACH (i, decided)
		b->stage[i] = (uint8_t)s;
	spare(pl, b, s, decided & b->watched);

	LANES_FOREACH (i, decided & ~b->watched)
		if (b->verdict[i] == VERDICT_REPLY)
			answer |= lane_bit(i);
	if (answer != 0)
		stage_list[s]->reply(pl->state[s], b, answer);
}

void
pipeline_run(struct pipeline *pl, const struct policies *policies, struct burst *b)
{
	struct plan plan;

	make_plan(&plan, policies, b);
	arrive(pl, policies, b);

	for (unsigned int s = 0; s < stage_count; s++) {
		const struct stage *stage = stage_list[s];
		uint64_t before = b->live;
		uint64_t seen = plan.observe[s] & before;
		uint64_t mine = plan.todo[s] & before & ~b->spared & ~b->exempt;

		if (stage->observe != NULL && seen != 0)
			stage->observe(pl->state[s], &policies->view[s], b, seen);
		if (mine == 0 || stage->decide == NULL)
			continue;
		stage->decide(pl->state[s], &policies->view[s], b, mine);
		assert((before & ~b->live & ~mine) == 0);
		if (before != b->live)
			conclude(pl, b, s, before & ~b->live);
	}
}

static void
account_stopped(struct pipeline *pl, const struct burst *b, struct watch_cell *c,
                unsigned int i)
{
	uint64_t *row = &pl->service_reasons[b->service[i] * pipeline_reasons()];

	counter_add(&pl->books.decided[b->stage[i]][b->reason[i]], 1);
	counter_add(&row[pipeline_reason(b->stage[i], b->reason[i])], 1);
	counter_add(&c->dropped_packets, 1);
	counter_add(&c->dropped_bytes, b->facts[i].frame_len);
	if (b->standing[i] == STANDING_VERIFIED_FLOW)
		counter_add(&c->verified_dropped, 1);
}

static void
account_passed(const struct burst *b, struct watch_cell *c, unsigned int i)
{
	const uint64_t bit = lane_bit(i);

	counter_add(&c->passed_packets, 1);
	counter_add(&c->passed_bytes, b->facts[i].frame_len);
	if ((b->spared & bit) != 0)
		counter_add(&c->would_packets, 1);
	if (b->standing[i] != STANDING_VERIFIED_FLOW && (b->exempt & bit) == 0) {
		counter_add(&c->limited_packets, 1);
		counter_add(&c->limited_bytes, b->facts[i].frame_len);
	}
}

void
pipeline_account(struct pipeline *pl, const struct burst *b)
{
	for (unsigned int i = 0; i < b->count; i++) {
		unsigned int slot =
			b->side == SIDE_INTERNAL ? VECTOR_OUTBOUND : b->facts[i].vector;
		struct watch_cell *c = watch_cell(&pl->watch, b->service[i], slot);

		if (b->verdict[i] == VERDICT_PASS)
			account_passed(b, c, i);
		else
			account_stopped(pl, b, c, i);
	}
}

void
pipeline_tick(struct pipeline *pl, uint64_t now_ns)
{
	const struct stage *stage = stage_list[pl->next_tick];

	if (stage->tick != NULL)
		stage->tick(pl->state[pl->next_tick], now_ns, TICK_BUDGET);
	pl->next_tick = pl->next_tick + 1 == stage_count ? 0 : pl->next_tick + 1;
	talkers_turn(&pl->talkers, now_ns);
}

bool
pipeline_explain(struct pipeline *pl, const struct policies *policies, struct explain *e,
                 unsigned int *stage, uint64_t now_ns)
{
	const unsigned int s = *stage;
	unsigned int before = e->lines;
	bool is_done;

	if (s >= stage_count)
		return true;
	is_done = stage_list[s]->explain == NULL ||
	          stage_list[s]->explain(pl->state[s], &policies->view[s], e, now_ns);
	while (before < e->lines)
		e->line[before++].stage = (uint8_t)s;
	if (!is_done)
		return false;
	e->cursor = 0;
	*stage = s + 1;
	return *stage >= stage_count;
}
