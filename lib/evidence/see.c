/* SPDX-License-Identifier: BSD-3-Clause */
#include "evidence/see.h"

#include <errno.h>
#include <string.h>

#include "base/counter.h"
#include "filter/expression.h"
#include "io/piece.h"

#define SECOND_NS UINT64_C(1000000000)

/* Expressions a second while bursts come full: of packets that passed, and of others. */
#define ASKS_PASSED 4000000
#define ASKS_OTHERS 1000000
/* A millisecond of them may be asked at once. */
#define ASKS_SLACK meter_ticks(1000000)

int
evidence_eye_open(struct evidence_eye *e, unsigned int worker,
                  const struct evidence_orders *orders)
{
	int rc;

	memset(e, 0, sizeof(*e));
	e->orders = orders;
	e->worker = (uint8_t)worker;
	rc = evidence_ring_open(&e->samples, EVIDENCE_RING);
	for (unsigned int k = 0; rc == 0 && k < EVIDENCE_ARMED; k++)
		rc = evidence_ring_open(&e->capture[k], EVIDENCE_RING);
	if (rc < 0)
		evidence_eye_close(e);
	return rc;
}

void
evidence_eye_close(struct evidence_eye *e)
{
	evidence_ring_close(&e->samples);
	for (unsigned int k = 0; k < EVIDENCE_ARMED; k++)
		evidence_ring_close(&e->capture[k]);
}

/* --- notes ------------------------------------------------------------------ */

static enum evidence_verdict
verdict_of(const struct burst *b, unsigned int i)
{
	if ((b->live & lane_bit(i)) != 0)
		return (b->spared & lane_bit(i)) != 0 ? EVIDENCE_WOULD : EVIDENCE_PASSED;
	switch ((enum verdict)b->verdict[i]) {
	case VERDICT_REPLY:
		return EVIDENCE_ANSWERED;
	case VERDICT_CONSUME:
		return EVIDENCE_CONSUMED;
	case VERDICT_PASS:
	case VERDICT_DROP:
	default:
		return EVIDENCE_DROPPED;
	}
}

/* Where a note goes, and how much of the packet with it. */
struct going {
	struct evidence_ring *ring;
	uint32_t capture; /* 0: it is a sample */
	uint32_t snap;
};

/* Returns whether there was room. */
static bool
note(const struct evidence_eye *e, const struct burst *b, unsigned int i,
     const struct going *to)
{
	const uint32_t whole = b->facts[i].frame_len;
	const uint32_t len = whole < to->snap ? whole : to->snap;
	struct evidence_note *n = evidence_ring_begin(to->ring, len);

	if (n == NULL)
		return false;
	n->capture = to->capture;
	n->time_ns = b->now_ns;
	n->frame_len = (uint16_t)whole;
	n->service = b->service[i];
	n->policy = b->policy[i];
	n->link = b->link;
	n->side = b->side;
	n->verdict = (uint8_t)verdict_of(b, i);
	n->stage = b->stage[i];
	n->reason = b->reason[i];
	n->standing = b->standing[i];
	n->vector = b->vector[i];
	n->worker = e->worker;
	n->is_armed = (b->armed & lane_bit(i)) != 0;
	n->facts = b->facts[i];
	n->bytes_len = (uint16_t)piece_copy(b, i, (uint8_t *)(n + 1), len);
	evidence_ring_end(to->ring, n);
	return true;
}

/* --- samples ---------------------------------------------------------------- */

static bool
sample_one(struct evidence_eye *e, const struct burst *b, unsigned int i)
{
	const struct going to = {
		.ring = &e->samples,
		.snap = __atomic_load_n(&e->orders->snap, __ATOMIC_RELAXED),
	};

	if (!note(e, b, i, &to))
		return false;
	counter_add(&e->taken, 1);
	return true;
}

/* One lane of a set, another each time: what comes first in a burst is no better than the rest. */
static inline unsigned int
next_lane(struct evidence_eye *e, uint64_t set)
{
	const unsigned int turn = (e->turn += 0x9e3779b1u) >> 26;
	const uint64_t turned = set >> turn << turn;

	/* Steps of the golden section: no pattern of bursts keeps a lane out of sight. */
	return (unsigned int)__builtin_ctzll(turned != 0 ? turned : set);
}

/* The reason's share is used up: one lane asks for its service's. */
static void
sample_fair(struct evidence_eye *e, const struct burst *b, uint64_t same, uint64_t now)
{
	const unsigned int i = next_lane(e, same);
	const uint32_t key =
		(uint32_t)b->service[i] << 10 | (uint32_t)b->stage[i] << 5 | b->reason[i];
	struct meter *m = &e->fair[(key * 0x9e3779b1u) >> 22];

	static_assert(EVIDENCE_FAIR == 1 << 10 && STAGE_MAX_REASONS <= 32 &&
	                      STAGE_MAX <= 32,
	              "ten bits of the product choose a meter");
	if (meter_take(m, meter_ticks(SECOND_NS), 0, now))
		sample_one(e, b, i);
}

static void
sample(struct evidence_eye *e, const struct burst *b, uint64_t left)
{
	const uint64_t now = meter_ticks(b->now_ns);
	const uint64_t each = __atomic_load_n(&e->orders->each, __ATOMIC_RELAXED);
	const uint64_t slack = __atomic_load_n(&e->orders->slack, __ATOMIC_RELAXED);

	if (each == 0)
		return;
	while (left != 0) {
		const unsigned int first = (unsigned int)__builtin_ctzll(left);
		const uint64_t same = left & lanes_where8(b->stage, b->stage[first]) &
		                      lanes_where8(b->reason, b->reason[first]);
		struct meter *m = &e->reason[b->stage[first]][b->reason[first]];
		uint64_t rest = same;

		left &= ~same;
		while (rest != 0 && meter_take(m, each, slack, now)) {
			const unsigned int i = next_lane(e, rest);

			if (!sample_one(e, b, i))
				return;
			rest &= ~lane_bit(i);
		}
		if (rest == same)
			sample_fair(e, b, same, now);
	}
}

/* --- captures --------------------------------------------------------------- */

static uint64_t
of_verdicts(const struct burst *b, uint8_t verdicts, uint64_t lanes)
{
	const uint64_t live = b->live & lanes, stopped = lanes & ~b->live;
	uint64_t found = 0;

	if ((verdicts & (1 << EVIDENCE_PASSED)) != 0)
		found |= live & ~b->spared;
	if ((verdicts & (1 << EVIDENCE_WOULD)) != 0)
		found |= live & b->spared;
	if (stopped == 0)
		return found;
	if ((verdicts & (1 << EVIDENCE_DROPPED)) != 0)
		found |= stopped & lanes_where8(b->verdict, VERDICT_DROP);
	if ((verdicts & (1 << EVIDENCE_ANSWERED)) != 0)
		found |= stopped & lanes_where8(b->verdict, VERDICT_REPLY);
	if ((verdicts & (1 << EVIDENCE_CONSUMED)) != 0)
		found |= stopped & lanes_where8(b->verdict, VERDICT_CONSUME);
	return found;
}

/* Everything that is asked of whole arrays. */
static uint64_t
aimed_at(const struct evidence_aim *a, const struct burst *b, uint64_t lanes)
{
	lanes = of_verdicts(b, a->verdicts, lanes);
	if (lanes != 0 && a->has_service)
		lanes &= lanes_where16(b->service, a->service);
	if (lanes != 0 && a->has_stage)
		lanes &= lanes_where8(b->stage, a->stage) & (~b->live | b->spared);
	if (lanes != 0 && a->has_reason)
		lanes &= lanes_where8(b->reason, a->reason);
	return lanes;
}

/* Those of the lanes whose expression may be asked now. */
static uint64_t
affordable(struct evidence_eye *e, unsigned int k, const struct burst *b, uint64_t lanes)
{
	const uint64_t part[2] = { lanes & b->live & ~b->spared,
		                   lanes & ~(b->live & ~b->spared) };
	static const uint64_t price[2] = {
		UINT64_C(1000000000) * METER_TICKS_PER_NS / ASKS_PASSED,
		UINT64_C(1000000000) * METER_TICKS_PER_NS / ASKS_OTHERS
	};
	uint64_t may = 0;

	if (b->count < LANES_MAX)
		return lanes;
	for (unsigned int p = 0; p < 2; p++) {
		const unsigned int n = lanes_count(part[p]);

		if (n == 0)
			continue;
		if (meter_take(&e->asks[p], n * price[p], ASKS_SLACK,
		               meter_ticks(b->now_ns)))
			may |= part[p];
		else
			counter_add(&e->unasked[k], n);
	}
	return may;
}

static void
capture_one(struct evidence_eye *e, unsigned int k, const struct evidence_aim *a,
            const struct burst *b, uint64_t lanes)
{
	const struct going to = { &e->capture[k], a->id, UINT16_MAX };
	unsigned int i;

	lanes = aimed_at(a, b, lanes);
	if (lanes == 0)
		return;
	/* Nothing could be noted: what it would cost to ask and to try is saved. */
	if (!evidence_ring_has_room(to.ring, b->facts->frame_len)) {
		counter_add(a->expression == NULL ? &to.ring->lost : &e->unasked[k],
		            lanes_count(lanes));
		return;
	}
	if (a->expression != NULL)
		lanes = filter_expression_match(a->expression, b,
		                                affordable(e, k, b, lanes));
	LANES_FOREACH (i, lanes)
		note(e, b, i, &to);
}

static void
capture(struct evidence_eye *e, const struct burst *b, uint64_t lanes)
{
	/* A full barrier: the captures are read after everybody may know of it. */
	__atomic_exchange_n(&e->looks, e->looks + 1, __ATOMIC_SEQ_CST);
	for (unsigned int k = 0; k < EVIDENCE_ARMED; k++) {
		const struct evidence_aim *a =
			__atomic_load_n(&e->orders->aim[k], __ATOMIC_SEQ_CST);

		if (a != NULL)
			capture_one(e, k, a, b, lanes);
	}
	__atomic_store_n(&e->looks, e->looks + 1, __ATOMIC_RELEASE);
}

/* --- a burst ---------------------------------------------------------------- */

static inline bool
is_armed(const struct evidence_eye *e)
{
	return __builtin_expect(__atomic_load_n(&e->orders->armed, __ATOMIC_RELAXED) != 0,
	                        0);
}

void
evidence_look(struct evidence_eye *e, const struct burst *b)
{
	const uint64_t all = lanes_first(b->count), stopped = all & ~b->live;
	const uint64_t answered =
		stopped != 0 ? stopped & lanes_where8(b->verdict, VERDICT_REPLY) : 0;
	const uint64_t seen = (stopped & ~answered) | (b->spared & b->live);

	if (seen != 0)
		sample(e, b, seen);
	if (is_armed(e))
		capture(e, b, all & ~answered);
}

void
evidence_see_questions(void *eye, const struct burst *b, uint64_t lanes)
{
	struct evidence_eye *e = eye;

	sample(e, b, lanes);
	if (is_armed(e))
		capture(e, b, lanes);
}
