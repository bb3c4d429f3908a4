/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ladder - which countermeasures a running attack needs, rung by rung.
 *
 *     police     limit what is unproven                    while it lasts
 *     challenge  ask senders for proof                     what arrives >= challenge_rate
 *     block      shut out proven sources over their limit  what passes  >= block_rate
 *
 * A rung is climbed when the next one was needed for its time (challenge_after,
 * block_after) without a break, and for two windows at least, so that one noisy window
 * decides nothing. It is left, one at a time, when it was not needed for
 * step_down_after. Where a threshold is "off" its rung is passed over. What needs no
 * more than activate_rate and no time is not climbed but where an attack begins
 * (watch_rule.first), at packet speed.
 */
#include "base/counter.h"
#include "detect/parts.h"

static uint64_t
in_unit(const struct meter_limit *limit, uint64_t pps, uint64_t bits)
{
	return limit->unit == METER_BITS ? bits : pps;
}

/*
 * What monitor lets pass does not count as passed: it would not have. A limit at that very
 * rate lets as much pass, so it takes a tenth more.
 */
static bool
is_too_much_passing(const struct meter_limit *limit, const struct detect_rates *r)
{
	const double share =
		r->passed_pps == 0
			? 0
			: 1 - (double)(r->would_pps < r->passed_pps ? r->would_pps
	                                                            : r->passed_pps) /
					  (double)r->passed_pps;

	return (double)in_unit(limit, r->passed_pps, r->passed_bits) * share >=
	       1.1 * (double)limit->per_second;
}

static bool
is_needed(const struct watch_rule *rule, enum watch_rung rung,
          const struct detect_rates *r)
{
	if (rung == WATCH_CHALLENGE)
		return in_unit(&rule->challenge, r->pps, r->bits) >=
		       rule->challenge.per_second;
	return is_too_much_passing(&rule->block, r);
}

static bool
is_off(const struct watch_rule *rule, enum watch_rung rung)
{
	return (rung == WATCH_CHALLENGE && rule->challenge.per_second == 0) ||
	       (rung == WATCH_BLOCK && rule->block.per_second == 0);
}

/* The next rung that is there, or the same when there is none. */
static enum watch_rung
above(const struct watch_rule *rule, enum watch_rung rung)
{
	for (enum watch_rung next = rung + 1; next <= WATCH_BLOCK; next++)
		if (!is_off(rule, next))
			return next;
	return rung;
}

static enum watch_rung
below(const struct watch_rule *rule, enum watch_rung rung)
{
	while (rung > rule->first && is_off(rule, --rung) && rung > rule->first)
		continue;
	return rung;
}

static void
step_to(struct detect *d, const struct place *at, enum watch_rung rung, uint64_t now_ns)
{
	struct track *t = at->track;
	struct detect_attack *a = record_change(t->attack);

	t->rung = (uint8_t)rung;
	t->needed_since_ns = t->idle_since_ns = 0;
	for (unsigned int w = 0; w < d->workers; w++)
		counter_set(&place_cell(at, w)->rung, rung);
	a->rung = (uint8_t)rung;
	if (a->highest_rung < rung)
		a->highest_rung = (uint8_t)rung;
	record_step(&d->record, t->attack, now_ns);
}

/* How long a condition has lasted; 0 in the window in which it began. */
static uint64_t
lasting(uint64_t *since_ns, bool is_so, uint64_t now_ns)
{
	if (!is_so)
		*since_ns = 0;
	else if (*since_ns == 0)
		*since_ns = now_ns;
	return is_so ? now_ns - *since_ns : 0;
}

void
detect_ladder_begin(struct track *t, const struct watch_rule *rule)
{
	t->rung = (uint8_t)rule->first;
	t->needed_since_ns = t->idle_since_ns = 0;
}

void
detect_ladder_window(struct detect *d, const struct place *at, uint64_t now_ns)
{
	const struct watch_rule *rule = at->rule;
	const struct detect_rates *r = &at->field->shown[at->cell].rates;
	struct track *t = at->track;
	enum watch_rung now = t->rung > rule->first ? t->rung : rule->first;
	const enum watch_rung next = above(rule, now);
	const uint64_t after =
		next == WATCH_BLOCK ? rule->block_after_ns : rule->challenge_after_ns;
	uint64_t needed_ns, idle_ns;

	needed_ns = lasting(&t->needed_since_ns, next != now && is_needed(rule, next, r),
	                    now_ns);
	idle_ns = lasting(&t->idle_since_ns,
	                  now > rule->first && !is_needed(rule, now, r), now_ns);
	if (needed_ns > 0 && needed_ns >= after)
		step_to(d, at, next, now_ns);
	else if (idle_ns > 0 && idle_ns >= rule->step_down_after_ns)
		step_to(d, at, below(rule, now), now_ns);
}

void
detect_ladder_end(const struct detect *d, const struct place *at)
{
	at->track->rung = WATCH_POLICE;
	for (unsigned int w = 0; w < d->workers; w++)
		counter_set(&place_cell(at, w)->rung, WATCH_POLICE);
}
