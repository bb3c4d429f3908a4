/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline/pipeline.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "flow/flow.h"
#include "flow/source.h"
#include "pipeline/count.h"
#include "stage/explain.h"

/* Entries a stage may look at between two bursts, to expire them; fewer after a full one. */
#define TICK_BUDGET      32
#define TICK_BUDGET_FULL 8

/*
 * Which lanes each stage sees, and which of them it may stop. Where all lanes have one
 * policy, as most bursts do, every stage of it sees all of them.
 */
struct plan {
	uint32_t stages; /* that any lane meets */
	bool is_mixed;   /* seen[] says which lanes, of these stages */
	uint64_t judged; /* lanes that may be stopped at all */
	uint64_t seen[STAGE_MAX];
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

	plan->stages = 0;
	plan->judged = 0;
	plan->is_mixed = false;
	while (rest != 0) {
		const uint16_t id = b->policy[__builtin_ctzll(rest)];
		const struct policy *p = &policies->policy[id];
		const uint64_t same = lanes_where16(b->policy, id) & rest;

		if (same != rest && !plan->is_mixed) {
			plan->is_mixed = true;
			memset(plan->seen, 0, sizeof(plan->seen));
		}
		rest &= ~same;
		if (p->mode == POLICY_MONITOR)
			b->watched |= same;
		if (b->side == SIDE_EXTERNAL && p->mode != POLICY_LEARN)
			plan->judged |= same;
		plan->stages |= p->stages;
		if (plan->is_mixed)
			for (uint32_t left = p->stages; left != 0; left &= left - 1)
				plan->seen[__builtin_ctz(left)] |= same;
	}
}

static inline uint64_t
seen_by(const struct plan *plan, unsigned int s)
{
	return plan->is_mixed ? plan->seen[s] : UINT64_MAX;
}

/*
 * Put the lanes of one service and vector together, so that what is counted and
 * metered is so once a group: in calm and under most attacks that is once or
 * twice a burst.
 */
static void
gather(struct burst *b)
{
	const uint8_t outbound = b->side == SIDE_INTERNAL ? VECTOR_OUTBOUND : 0;
	const uint8_t inbound = b->side == SIDE_INTERNAL ? 0 : 7;
	alignas(32) uint16_t cell[LANES_MAX];
	uint64_t rest = lanes_first(b->count);

	static_assert(VECTOR_SLOTS <= 8 && SERVICE_MAX <= 8192,
	              "service and slot fit one word");
	for (unsigned int i = 0; i < LANES_MAX; i++)
		cell[i] = (uint16_t)(b->service[i] << 3 | (b->vector[i] & inbound) |
		                     outbound);
	for (b->groups = 0; rest != 0; b->groups++) {
		uint16_t key = cell[__builtin_ctzll(rest)];
		struct burst_group *g = &b->group[b->groups];

		*g = (struct burst_group){ .lanes = lanes_where16(cell, key) & rest,
			                   .service = key >> 3,
			                   .slot = key & 7 };
		rest &= ~g->lanes;
	}
}

/* Count what arrives by service and vector; the cell arms itself when it must. */
static void
arrive(struct pipeline *pl, const struct policies *policies, struct burst *b)
{
	for (unsigned int k = 0; k < b->groups; k++) {
		const struct burst_group *g = &b->group[k];
		struct watch_cell *c = watch_cell(&pl->watch, g->service, g->slot);
		const uint64_t lanes = g->lanes & b->live;

		if (lanes == 0)
			continue;
		if (b->side == SIDE_INTERNAL) {
			counter_add(&c->packets, lanes_count(lanes));
			counter_add(&c->bytes, lanes_sum16(b->frame_len, lanes));
		} else {
			uint16_t policy = b->policy[__builtin_ctzll(lanes)];
			const struct watch_rule *rule =
				&policies->policy[policy].rule[g->slot];

			const uint64_t armed =
				watch_arrive(c, rule, lanes, b->frame_len, b->now_ns);

			b->armed |= armed;
			if (armed != 0)
				pipeline_mark(b, c, rule, armed);
		}
	}
	if (b->armed != 0)
		counter_set(&pl->watch.hot_ns, b->now_ns);
	if (b->side == SIDE_EXTERNAL)
		talkers_see(&pl->talkers, b);
	pipeline_count(pl, policies->plan, b);
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
	uint64_t answer;

	lanes_fill8(b->stage, decided, (uint8_t)s);
	if ((decided & b->watched) != 0)
		spare(pl, b, s, decided & b->watched);
	answer = lanes_where8(b->verdict, VERDICT_REPLY) & decided & ~b->watched;
	if (answer == 0)
		return;
	if (pl->before_reply != NULL)
		pl->before_reply(pl->witness, b, answer);
	stage_list[s]->reply(pl->state[s], b, answer);
}

/* What a stage decides when it has seen what became of the others. */
static void
follow(struct pipeline *pl, const struct policies *policies, struct burst *b,
       const struct plan *plan)
{
	for (uint32_t rest = plan->stages; rest != 0; rest &= rest - 1) {
		const unsigned int s = (unsigned int)__builtin_ctz(rest);
		const uint64_t before = b->live;
		const uint64_t mine = seen_by(plan, s) & plan->judged & before &
		                      ~b->spared & ~b->exempt;

		if (stage_list[s]->follow == NULL || mine == 0)
			continue;
		stage_list[s]->follow(pl->state[s], &policies->view[s], b, mine);
		assert((before & ~b->live & ~mine) == 0);
		if (before != b->live)
			conclude(pl, b, s, before & ~b->live);
	}
}

void
pipeline_run(struct pipeline *pl, const struct policies *policies, struct burst *b)
{
	struct plan plan;

	gather(b);
	make_plan(&plan, policies, b);
	arrive(pl, policies, b);

	for (uint32_t rest = plan.stages; rest != 0; rest &= rest - 1) {
		const unsigned int s = (unsigned int)__builtin_ctz(rest);
		const struct stage *stage = stage_list[s];
		const uint64_t before = b->live, seen = seen_by(&plan, s) & before;
		const uint64_t mine = seen & plan.judged & ~b->spared & ~b->exempt;

		if (seen == 0)
			continue;
		if (stage->observe != NULL)
			stage->observe(pl->state[s], &policies->view[s], b, seen);
		if (mine == 0 || stage->decide == NULL)
			continue;
		stage->decide(pl->state[s], &policies->view[s], b, mine);
		assert((before & ~b->live & ~mine) == 0);
		if (before != b->live)
			conclude(pl, b, s, before & ~b->live);
	}
	if (__builtin_expect(b->pieces != 0, 0))
		follow(pl, policies, b, &plan);
	pipeline_carry(pl, b);
}

void
pipeline_carry(struct pipeline *pl, struct burst *b)
{
	for (unsigned int s = 0; s < stage_count; s++) {
		const uint64_t before = b->live;

		if (stage_list[s]->carry == NULL)
			continue;
		stage_list[s]->carry(pl->state[s], b);
		if (before != b->live)
			lanes_fill8(b->stage, before & ~b->live, (uint8_t)s);
	}
}

bool
pipeline_is_waiting(const struct pipeline *pl)
{
	for (unsigned int s = 0; s < stage_count; s++)
		if (stage_list[s]->carry != NULL &&
		    stage_list[s]->is_waiting(pl->state[s]))
			return true;
	return false;
}

/* Books of the lanes of one group that were stopped, by reason. */
static void
account_reasons(struct pipeline *pl, const struct burst *b, const struct burst_group *g,
                uint64_t lanes)
{
	uint64_t *row = &pl->service_reasons[g->service * pipeline_reasons()];

	while (lanes != 0) {
		const unsigned int i = (unsigned int)__builtin_ctzll(lanes);
		const unsigned int stage = b->stage[i], reason = b->reason[i];
		uint64_t same = lanes & lanes_where8(b->stage, b->stage[i]) &
		                lanes_where8(b->reason, b->reason[i]);

		lanes &= ~same;
		counter_add(&pl->books.decided[stage][reason], lanes_count(same));
		counter_add(&row[pipeline_reason(stage, reason)], lanes_count(same));
	}
}

/*
 * Customers whose proven flows lost packets, which is seldom. What was answered or served
 * its purpose, as the segments of a handshake that is made in a client's name, is no loss.
 */
static void
account_hurt(struct pipeline *pl, const struct burst *b, struct watch_cell *c,
             uint64_t stopped)
{
	const uint64_t lost = stopped & lanes_where8(b->verdict, VERDICT_DROP);
	unsigned int i;

	counter_add(&c->verified_dropped, lanes_count(lost));
	LANES_FOREACH (i, lost) {
		const struct facts *f = &b->facts[i];

		hurt_add(pl->hurt, &pl->census.key,
		         b->side == SIDE_EXTERNAL ? f->src : f->dst, b->now_ns);
	}
}

static void
account_group(struct pipeline *pl, const struct burst *b, const struct burst_group *g,
              uint64_t verified)
{
	struct watch_cell *c = watch_cell(&pl->watch, g->service, g->slot);
	const uint64_t passed = g->lanes & b->live, stopped = g->lanes & ~b->live;
	const uint64_t limited = passed & ~verified & ~b->exempt;

	if (passed != 0) {
		counter_add(&c->passed_packets, lanes_count(passed));
		counter_add(&c->passed_bytes, lanes_sum16(b->frame_len, passed));
		counter_add(&c->would_packets, lanes_count(passed & b->spared));
	}
	if (limited != 0) {
		counter_add(&c->limited_packets, lanes_count(limited));
		counter_add(&c->limited_bytes, lanes_sum16(b->frame_len, limited));
	}
	if (stopped != 0) {
		counter_add(&c->dropped_packets, lanes_count(stopped));
		counter_add(&c->dropped_bytes, lanes_sum16(b->frame_len, stopped));
		account_reasons(pl, b, g, stopped);
		if ((stopped & verified) != 0)
			account_hurt(pl, b, c, stopped & verified);
	}
}

void
pipeline_account(struct pipeline *pl, const struct burst *b)
{
	const uint64_t verified = lanes_where8(b->standing, STANDING_VERIFIED_FLOW);

	for (unsigned int k = 0; k < b->groups; k++)
		account_group(pl, b, &b->group[k], verified);
	aggregate_account(&pl->aggregates, b);
}

void
pipeline_tick(struct pipeline *pl, uint64_t now_ns, bool is_full)
{
	const struct stage *stage = stage_list[pl->next_tick];

	if (stage->tick != NULL)
		stage->tick(pl->state[pl->next_tick], now_ns,
		            is_full ? TICK_BUDGET_FULL : TICK_BUDGET);
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
