/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where both directions cross the box: an answer needs a question.
 *
 * A flow begins with a packet from inside, so an answer without a flow was not asked
 * for. One that has a flow is paid from what the inside's questions allow: packets,
 * and bytes in units of 64.
 */
#include "stage/reflection/parts.h"

#define UNIT_SHIFT 6
/* Questions that may wait for their answers at the same time, in one flow. */
#define AHEAD 64u

static inline uint16_t
add_capped(uint16_t have, uint32_t more, uint32_t most)
{
	const uint32_t sum = have + more;

	if (most > UINT16_MAX)
		most = UINT16_MAX;
	return (uint16_t)(sum > most ? most : sum);
}

/* What looks like an answer of ours to somebody's question asks nothing. */
void
reflection_see_questions(struct reflection *s, const struct burst *b, uint64_t lanes)
{
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const uint16_t port = b->facts[i].dst_port;
		struct flow_due *due;
		const struct row *row;
		uint32_t units;
		uint8_t r;

		if (!shapes_has_port(s->shapes.reflecting, port) ||
		    b->flow[i] == BURST_NO_FLOW)
			continue;
		if (shape_of_lane(&s->shapes, b, i, port, &r) == SHAPE_ANSWER &&
		    s->shapes.question[r][0].need != 0)
			continue;
		row = &rows[r];
		units = (row->bytes + (1u << UNIT_SHIFT) - 1) >> UNIT_SHIFT;
		due = &flow_of_lane(s->flows, i)->due;
		due->packets =
			add_capped(due->packets, row->packets, row->packets * AHEAD);
		due->units = add_capped(due->units, units, units * AHEAD);
	}
}

/* Of these answers, which have flows, those that no question explains any more. */
static uint64_t
beyond_budget(struct reflection *s, const struct burst *b, uint64_t lanes)
{
	uint64_t beyond = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const struct row *row = &rows[s->row[i]];
		const uint16_t units = (uint16_t)((b->frame_len[i] >> UNIT_SHIFT) + 1);
		struct flow_due *due;

		if (row->packets == 0)
			continue;
		due = &flow_of_lane(s->flows, i)->due;
		if (due->packets == 0 || due->units < units) {
			beyond |= lane_bit(i);
			continue;
		}
		due->packets--;
		due->units = (uint16_t)(due->units - units);
	}
	return beyond;
}

static uint64_t
lanes_left(const struct reflection *s, const struct reflection_params *p, uint64_t lanes)
{
	uint64_t left = 0;
	unsigned int i;

	LANES_FOREACH (i, p->except.count == 0 ? 0 : lanes)
		left |= (uint64_t)p->is_left[s->row[i]] << i;
	return left;
}

/*
 * Of these lanes the rest of a conversation that nobody of ours seems to lead. It is not
 * what reflectors send, so it pulls no trigger and goes only with the vector itself.
 */
static uint64_t
lanes_of_talk(const struct reflection *s, uint64_t odd)
{
	uint64_t talk = 0;
	unsigned int i;

	LANES_FOREACH (i, odd)
		talk |= (uint64_t)(rows[s->row[i]].packets == 0) << i;
	return talk;
}

/* Answers of one service: drop when the flood is there, or always when so set. */
static void
judge_group(struct reflection *s, const struct reflection_group *g, struct burst *b,
            uint64_t odd, uint64_t beyond)
{
	const uint64_t pieces = lanes_with16(b->flags, FACT_FRAGMENT);
	const struct reflection_params *p = g->params;
	uint64_t lanes = g->lanes & ~lanes_left(s, p, g->lanes);
	const uint64_t talk = lanes_of_talk(s, lanes & odd);
	bool is_over;

	lanes &= ~reflection_expected(s, g, b, lanes);
	is_over =
		reflection_trigger(s, &s->place[g->service].unasked, &p->unasked,
	                           lanes_count(lanes & ~talk), b->now_ns, p->hold_for_ns);
	if (p->when == WHEN_OFF || reflection_is_learning(s, p, b->now_ns))
		return;
	if (p->when == WHEN_ARMED)
		lanes &= is_over ? b->armed | ~talk : b->armed;
	reflection_drop(s, g, b, lanes & beyond, REASON_BEYOND_BUDGET);
	lanes &= ~beyond;
	reflection_drop(s, g, b, lanes & odd, REASON_ODD);
	lanes &= ~odd;
	reflection_drop(s, g, b, lanes & pieces, REASON_UNASKED_FRAGMENT);
	reflection_drop(s, g, b, lanes & ~pieces, REASON_UNASKED);
}

void
reflection_judge_answers(struct reflection *s, const struct stage_view *view,
                         struct burst *b, const struct reflection_lanes *l)
{
	const uint64_t strangers = lanes_where32(b->flow, BURST_NO_FLOW);
	const uint64_t beyond = beyond_budget(s, b, l->answers & ~strangers);
	uint64_t rest = ((l->answers | l->odd) & strangers) | beyond;
	struct reflection_group g;

	while (reflection_next(view, b, &rest, &g))
		judge_group(s, &g, b, l->odd, beyond);
}
