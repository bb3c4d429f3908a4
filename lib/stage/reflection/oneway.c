/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where answers of the inside go another way nobody knows what it asked. Then each
 * reflecting service has a quota of answers to each of ours: real answers are few and
 * of everyday size, floods are neither.
 */
#include "stage/reflection/parts.h"

/*
 * Whether this answer goes beyond its service's quota. What looks like a conversation
 * of the inside (QUIC, VPNs, games) is told by nothing from an answer, so it has a
 * quota only while its vector is under attack.
 */
static enum reflection_reason
judge(struct reflection *s, const struct reflection_group *g, const struct burst *b,
      unsigned int i)
{
	const struct reflection_params *p = g->params;
	const bool is_armed = (b->armed >> i & 1) != 0;
	const uint8_t r = s->row[i];
	struct trigger *t = &s->quota[(size_t)g->service * ROWS_MAX + r];
	const struct reflection_part part = reflection_part(s, &p->quota);
	const bool was_over = b->now_ns < t->until_ns;

	if (p->is_left[r] || (rows[r].packets == 0 && !is_armed))
		return REASONS;
	if ((is_armed || was_over) && b->facts[i].payload_len > rows[r].usual)
		return REASON_OVERSIZE;
	if (meter_take(&t->meter, part.each, part.slack, meter_ticks(b->now_ns)))
		return REASONS;
	t->until_ns = b->now_ns + p->hold_for_ns;
	return REASON_QUOTA;
}

/*
 * Expected answers go before strangers in what a service may still get: their addresses
 * may be forged, but there is no more of them than `expected_rate`.
 */
static uint64_t
prefer_expected(struct reflection *s, const struct reflection_group *g, struct burst *b,
                uint64_t lanes)
{
	const uint64_t expected = reflection_expected(s, g, b, lanes);
	const uint64_t strangers = lanes_where8(b->standing, STANDING_UNVERIFIED);

	lanes_fill8(b->standing, expected & strangers, STANDING_VERIFIED_SOURCE);
	return expected;
}

void
reflection_prefer_rests(struct reflection *s, const struct stage_view *view,
                        struct burst *b, uint64_t lanes)
{
	struct reflection_group g;
	uint64_t rests = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes & lanes_with16(b->flags, FACT_PAIRED) & b->live)
		rests |= (uint64_t)(b->facts[i].proto == PROTO_UDP &&
		                    shapes_has_port(s->shapes.reflecting,
		                                    b->facts[i].src_port))
		         << i;
	while (reflection_next(view, b, &rests, &g))
		if (g.params->when != WHEN_OFF)
			prefer_expected(s, &g, b, g.lanes);
}

void
reflection_judge_one_way(struct reflection *s, const struct stage_view *view,
                         struct burst *b, const struct reflection_lanes *l)
{
	uint64_t rest = l->answers | l->odd;
	struct reflection_group g;

	while (reflection_next(view, b, &rest, &g)) {
		uint64_t drops[REASONS + 1] = { 0 };
		uint64_t lanes = g.lanes;
		unsigned int i;

		if (g.params->when == WHEN_OFF)
			continue;
		lanes &= ~prefer_expected(s, &g, b, lanes);
		LANES_FOREACH (i, lanes)
			drops[judge(s, &g, b, i)] |= lane_bit(i);
		reflection_drop(s, &g, b, drops[REASON_OVERSIZE], REASON_OVERSIZE);
		reflection_drop(s, &g, b, drops[REASON_QUOTA], REASON_QUOTA);
	}
}
