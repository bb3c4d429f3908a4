/* SPDX-License-Identifier: BSD-3-Clause */
/* track - one service or network and one vector, from quiet to active and back. */
#include <stdio.h>

#include "base/counter.h"
#include "base/seq.h"
#include "detect/parts.h"
#include "detect/shares.h"

#define PULSE_NS    UINT64_C(1000000000) /* calm between two pulses of one attack */
#define SHORTEST_NS UINT64_C(1000000)    /* that a rate is taken over */

static struct sum
add_up(const struct detect *d, const struct place *at)
{
	struct sum s = { 0 };

	for (unsigned int w = 0; w < d->workers; w++) {
		const struct watch_cell *c = place_cell(at, w);

		s.packets += counter_read(&c->packets);
		s.bytes += counter_read(&c->bytes);
		s.passed_packets += counter_read(&c->passed_packets);
		s.passed_bytes += counter_read(&c->passed_bytes);
		s.limited_packets += counter_read(&c->limited_packets);
		s.limited_bytes += counter_read(&c->limited_bytes);
		s.dropped_packets += counter_read(&c->dropped_packets);
		s.dropped_bytes += counter_read(&c->dropped_bytes);
		s.would_packets += counter_read(&c->would_packets);
		s.verified_dropped += counter_read(&c->verified_dropped);
	}
	return s;
}

/* A place is on the list while it is divided or under attack: it is looked at each tick. */
static void
list_running(struct field *field, const struct place *at)
{
	if (at->track->is_listed || field->n_running == DETECT_RUNNING)
		return;
	field->running[field->n_running++] = (uint32_t)at->cell;
	at->track->is_listed = true;
}

/* What arrived at each worker since the last call, in what the limit counts. */
static void
take_demand(struct detect *d, const struct place *at, uint64_t *demand)
{
	uint64_t *arrived = &at->field->arrived[at->cell * d->workers];

	for (unsigned int w = 0; w < d->workers; w++) {
		const struct watch_cell *c = place_cell(at, w);
		uint64_t now = at->rule->activate.unit == METER_BITS
		                       ? counter_read(&c->bytes)
		                       : counter_read(&c->packets);

		demand[w] = now - arrived[w];
		arrived[w] = now;
	}
}

/* Each worker gets its share of the limit, by what arrived since the last tick. */
static void
divide(struct detect *d, const struct place *at)
{
	uint64_t demand[DETECT_WORKERS], price[DETECT_WORKERS];

	if (d->workers == 1)
		return;
	take_demand(d, at, demand);
	shares_divide(demand, d->workers, price);
	for (unsigned int w = 0; w < d->workers; w++)
		counter_set(&place_cell(at, w)->price, price[w]);
	at->track->is_divided = true;
	list_running(at->field, at);
}

static void
undivide(struct detect *d, const struct place *at)
{
	for (unsigned int w = 0; w < d->workers; w++)
		counter_set(&place_cell(at, w)->price, 0);
	at->track->is_divided = false;
}

/* The earliest worker that is armed, or NULL. */
static const struct watch_cell *
first_armed(const struct detect *d, const struct place *at)
{
	const struct watch_cell *first = NULL;

	for (unsigned int w = 0; w < d->workers; w++) {
		const struct watch_cell *c = place_cell(at, w);

		if (watch_is_armed(c) &&
		    (first == NULL ||
		     counter_read(&c->armed_ns) < counter_read(&first->armed_ns)))
			first = c;
	}
	return first;
}

/*
 * How strong it is so far: what came in this window, as if all of it came since the surge
 * began. The first full window takes its place.
 */
static uint64_t
first_look(const struct detect *d, const struct place *at, const struct sum *now,
           uint64_t first_ns, uint64_t now_ns)
{
	const struct sum *then = &at->track->window;
	const uint64_t since = first_ns > d->window_ns ? first_ns : d->window_ns;
	const uint64_t span = now_ns > since + SHORTEST_NS ? now_ns - since : SHORTEST_NS;

	return at->rule->activate.unit == METER_BITS
	               ? 8 * rate_of(now->bytes, then->bytes, span)
	               : rate_of(now->packets, then->packets, span);
}

static void
attack_starts(struct detect *d, const struct place *at, uint64_t now_ns)
{
	const struct watch_rule *rule = at->rule;
	const struct watch_cell *armed = first_armed(d, at);
	struct track *t = at->track;
	struct detect_attack a = { .first_ns = counter_read(&armed->surge_armed_ns),
		                   .detected_ns = counter_read(&armed->armed_ns),
		                   .service = (uint16_t)at->service,
		                   .vector = (uint8_t)at->vector,
		                   .unit = (uint8_t)rule->activate.unit,
		                   .threshold = rule->activate.per_second,
		                   .mode = (uint8_t)at->policy->mode,
		                   .state = DETECT_ACTIVE,
		                   .rung = (uint8_t)rule->first,
		                   .highest_rung = (uint8_t)rule->first,
		                   .pulses = 1,
		                   .updated_ns = now_ns };

	snprintf(a.service_name, sizeof(a.service_name), "%s", at->owner->name);
	detect_carpet_name(at, &a);
	t->began = add_up(d, at);
	a.value = first_look(d, at, &t->began, a.first_ns, now_ns);
	t->attack = record_start(&d->record, &a);
	if (t->attack == NULL)
		return;
	t->is_measured = false;
	detect_ladder_begin(t, rule);
	t->is_wave = t->ended_ns != 0 && now_ns - t->ended_ns <= rule->hold_for_ns;
	t->tick_limited = rule->max.unit == METER_BITS ? t->began.limited_bytes
	                                               : t->began.limited_packets;
	t->tick_ns = now_ns;
	t->calm_since_ns = 0;
	t->state = DETECT_ACTIVE;
	list_running(at->field, at);
	detect_census_begin(d, at, now_ns);
}

void
detect_track_start_armed(struct detect *d, const struct place *at, uint64_t now_ns)
{
	if (at->rule != NULL && at->track->state != DETECT_ACTIVE &&
	    at->policy->mode != POLICY_LEARN && first_armed(d, at) != NULL)
		attack_starts(d, at, now_ns);
}

/* A tick of a running attack that is not mitigated yet: is what passes within max_rate? */
static void
look_for_mitigation(struct detect *d, const struct place *at, const struct sum *sum,
                    uint64_t now_ns)
{
	const struct watch_rule *rule = at->rule;
	struct track *t = at->track;
	bool is_bits = rule->max.unit == METER_BITS;
	uint64_t limited = is_bits ? sum->limited_bytes : sum->limited_packets;
	uint64_t span = now_ns - t->tick_ns;
	uint64_t passed;

	if (span < DETECT_TICK_NS)
		return;
	passed = rate_of(limited, t->tick_limited, span) * (is_bits ? 8 : 1);
	t->tick_limited = limited;
	t->tick_ns = now_ns;
	if (rule->max.per_second != 0 && passed * 100 <= rule->max.per_second * 105)
		record_mitigated(&d->record, t->attack, now_ns);
}

static void
attack_goes_on(struct detect *d, const struct place *at, uint64_t now_ns)
{
	struct track *t = at->track;
	struct sum sum = add_up(d, at);
	struct detect_attack *a = record_change(t->attack);

	a->packets = sum.packets - t->began.packets;
	a->bytes = sum.bytes - t->began.bytes;
	a->dropped = sum.dropped_packets - t->began.dropped_packets;
	a->dropped_bytes = sum.dropped_bytes - t->began.dropped_bytes;
	a->would = sum.would_packets - t->began.would_packets;
	a->verified_dropped = sum.verified_dropped - t->began.verified_dropped;
	if (a->mitigated_ns == 0 && at->policy->mode == POLICY_MITIGATE)
		look_for_mitigation(d, at, &sum, now_ns);
	detect_census_turn(d, at, now_ns);
	divide(d, at);
	record_update(&d->record, t->attack, now_ns);
}

bool
detect_track_go_on(struct detect *d, const struct place *at, uint64_t now_ns)
{
	struct track *t = at->track;

	if (t->state == DETECT_ACTIVE)
		attack_goes_on(d, at, now_ns);
	else if (t->is_divided)
		divide(d, at);
	else
		t->is_listed = false;
	return t->is_listed;
}

static void
attack_ends(struct detect *d, const struct place *at, uint64_t now_ns)
{
	struct track *t = at->track;

	for (unsigned int w = 0; w < d->workers; w++)
		counter_set(&place_cell(at, w)->disarmed_ns, now_ns);
	undivide(d, at);
	detect_ladder_end(d, at);
	detect_census_end(d, at, now_ns);
	record_end(&d->record, t->attack, now_ns);
	t->attack = NULL;
	t->ended_ns = now_ns;
	t->state = DETECT_QUIET;
	t->alarm_since_ns = 0;
	t->is_told = false;
}

/* The rate of arrivals in the unit of a limit. */
static uint64_t
in_unit(const struct meter_limit *limit, const struct detect_rates *r)
{
	return limit->unit == METER_BITS ? r->bits : r->pps;
}

static void
watch_alarm(struct detect *d, const struct place *at, uint64_t now_ns)
{
	const struct watch_rule *rule = at->rule;
	const struct detect_rates *r = &at->field->shown[at->cell].rates;
	struct track *t = at->track;
	uint64_t level = in_unit(&rule->alarm, r);
	struct detect_attack a;

	if (rule->alarm.per_second == 0 || at->policy->mode == POLICY_LEARN ||
	    level * 4 < rule->alarm.per_second * CALM_QUARTERS) {
		if (t->calm_since_ns == 0)
			t->calm_since_ns = now_ns;
		if (t->state == DETECT_ALARM &&
		    now_ns - t->calm_since_ns >= rule->clear_after_ns)
			t->state = DETECT_QUIET;
		if (t->state == DETECT_QUIET) {
			t->alarm_since_ns = 0;
			t->is_told = false;
		}
		return;
	}
	t->calm_since_ns = 0;
	if (level < rule->alarm.per_second)
		return;
	if (t->alarm_since_ns == 0)
		t->alarm_since_ns = now_ns;
	if (t->is_told || now_ns - t->alarm_since_ns < rule->activate_after_ns)
		return;
	t->state = DETECT_ALARM;
	t->is_told = true;
	a = (struct detect_attack){ .service = (uint16_t)at->service,
		                    .vector = (uint8_t)at->vector,
		                    .unit = (uint8_t)rule->alarm.unit,
		                    .value = level,
		                    .threshold = rule->alarm.per_second,
		                    .mode = (uint8_t)at->policy->mode,
		                    .state = DETECT_ALARM };
	detect_carpet_name(at, &a);
	record_alarm(&d->record, &a, at->owner->name, now_ns);
}

static void
watch_calm(struct detect *d, const struct place *at, uint64_t now_ns)
{
	const struct watch_rule *rule = at->rule;
	const struct detect_rates *r = &at->field->shown[at->cell].rates;
	struct track *t = at->track;
	struct detect_attack *a = record_change(t->attack);

	if (r->pps > a->peak_pps)
		a->peak_pps = r->pps;
	if (r->bits > a->peak_bits)
		a->peak_bits = r->bits;
	/* The window in which it began is half quiet; the first full one tells. */
	if (!t->is_measured && in_unit(&rule->activate, r) >= a->threshold) {
		a->value = in_unit(&rule->activate, r);
		t->is_measured = true;
	}

	/* A threshold that a reload took away, or a policy that now only learns, is calm too. */
	if (rule->activate.per_second != 0 && at->policy->mode != POLICY_LEARN &&
	    in_unit(&rule->activate, r) * 4 >=
	            rule->activate.per_second * CALM_QUARTERS) {
		if (t->calm_since_ns != 0 && now_ns - t->calm_since_ns >= PULSE_NS &&
		    a->pulses < UINT16_MAX)
			a->pulses++;
		t->calm_since_ns = 0;
		return;
	}
	if (t->calm_since_ns == 0)
		t->calm_since_ns = now_ns;
	if (now_ns - t->calm_since_ns >=
	    (t->is_wave ? rule->hold_for_ns : rule->clear_after_ns))
		attack_ends(d, at, now_ns);
}

/*
 * The sum may pass activate_rate while no worker alone does: then each gets its share
 * already, and the busiest arms itself. From half of it on the demand is read, so that
 * the first shares follow the last window and not all that ever came.
 */
static void
divide_early(struct detect *d, const struct place *at)
{
	const struct meter_limit *limit = &at->rule->activate;
	uint64_t level = in_unit(limit, &at->field->shown[at->cell].rates);
	uint64_t demand[DETECT_WORKERS];

	if (at->track->state == DETECT_ACTIVE || d->workers == 1)
		return;
	if (limit->per_second != 0 && level >= limit->per_second) {
		if (!at->track->is_divided)
			divide(d, at);
	} else if (at->track->is_divided) {
		undivide(d, at);
	} else if (limit->per_second != 0 && level >= limit->per_second / 2) {
		take_demand(d, at, demand);
	}
}

/* Rates of the last window, published and looked at. */
void
detect_track_window(struct detect *d, const struct place *at, uint64_t now_ns)
{
	uint64_t span = now_ns - d->window_ns;
	struct track *t = at->track;
	struct sum now = add_up(d, at);
	struct detect_rates r = {
		.pps = rate_of(now.packets, t->window.packets, span),
		.bits = 8 * rate_of(now.bytes, t->window.bytes, span),
		.passed_pps = rate_of(now.passed_packets, t->window.passed_packets, span),
		.passed_bits =
			8 * rate_of(now.passed_bytes, t->window.passed_bytes, span),
		.dropped_pps =
			rate_of(now.dropped_packets, t->window.dropped_packets, span),
		.would_pps = rate_of(now.would_packets, t->window.would_packets, span),
		.attack = t->attack != NULL ? record_change(t->attack)->number : 0,
		.state = t->state,
	};

	t->window = now;
	seq_write(&at->field->shown[at->cell].seq, &at->field->shown[at->cell].rates, &r,
	          sizeof(r));
	if (at->rule == NULL)
		return;
	if (t->state == DETECT_ACTIVE) {
		detect_ladder_window(d, at, now_ns);
		watch_calm(d, at, now_ns);
	} else {
		watch_alarm(d, at, now_ns);
	}
	divide_early(d, at);
	if (at->is_network)
		detect_carpet_look(d, at, now_ns);
}
