/* SPDX-License-Identifier: BSD-3-Clause */
#include "detect/detect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "base/seq.h"
#include "detect/record.h"

/* Calm is this far below the threshold, in quarters, so that an attack at the threshold
 * does not flap. */
#define CALM_QUARTERS 3

/* Everything the workers counted in one cell, added up. */
struct sum {
	uint64_t packets, bytes;
	uint64_t passed_packets, passed_bytes;
	uint64_t limited_packets, limited_bytes;
	uint64_t dropped_packets, dropped_bytes;
	uint64_t would_packets, verified_dropped;
};

/* What control remembers of one service and vector. */
struct track {
	struct sum window; /* at the last window */
	struct sum began;  /* at the beginning of the running attack */
	uint64_t tick_limited,
		tick_ns; /* at the last tick of an attack not yet mitigated */
	uint64_t alarm_since_ns, calm_since_ns;
	struct record_slot *attack;
	uint8_t state; /* enum detect_state */
	bool is_divided;
	bool is_told; /* the alarm was told */
};

struct detect {
	struct watch *watch[DETECT_WORKERS];
	unsigned int workers;
	unsigned int services;
	size_t cells; /* of every service that was ever in force */
	uint64_t window_ns, scan_ns;
	uint64_t *
		arrived; /* packets by worker at the last tick, [cell * workers + worker] */
	struct track *track; /* [service * VECTOR_SLOTS + slot] */
	struct {
		uint64_t seq;
		struct detect_rates rates;
	} * shown; /* same index */
	struct record record;
};

struct detect *
detect_open(struct watch *const *watches, unsigned int workers)
{
	struct detect *d = calloc(1, sizeof(*d));
	size_t cells;

	if (d == NULL || workers == 0 || workers > DETECT_WORKERS) {
		free(d);
		return NULL;
	}
	memcpy(d->watch, watches, workers * sizeof(*watches));
	d->workers = workers;
	d->services = watches[0]->services;
	cells = (size_t)d->services * VECTOR_SLOTS;
	d->track = calloc(cells, sizeof(*d->track));
	d->shown = calloc(cells, sizeof(*d->shown));
	d->arrived = calloc(cells * workers, sizeof(*d->arrived));
	if (d->track == NULL || d->shown == NULL || d->arrived == NULL) {
		detect_close(d);
		return NULL;
	}
	return d;
}

void
detect_close(struct detect *d)
{
	if (d == NULL)
		return;
	free(d->arrived);
	free(d->shown);
	free(d->track);
	free(d);
}

/* One service and vector, with all that is known of it. */
struct place {
	unsigned int service, vector;
	size_t cell;
	const struct service *owner;
	const struct policy *policy;
	const struct watch_rule *rule; /* NULL for what the service sends */
	struct track *track;
};

static struct place
place_of(const struct detect *d, const struct policies *policies, size_t cell)
{
	unsigned int service = (unsigned int)(cell / VECTOR_SLOTS);
	unsigned int vector = (unsigned int)(cell % VECTOR_SLOTS);
	const struct policy *policy =
		&policies->policy[policies->service[service].policy];

	return (struct place){
		.service = service,
		.vector = vector,
		.cell = cell,
		.owner = &policies->service[service],
		.policy = policy,
		.rule = vector < VECTOR_COUNT ? &policy->rule[vector] : NULL,
		.track = &d->track[cell],
	};
}

static struct watch_cell *
cell_of(const struct detect *d, const struct place *at, unsigned int worker)
{
	return watch_cell(d->watch[worker], at->service, at->vector);
}

static struct sum
add_up(const struct detect *d, const struct place *at)
{
	struct sum s = { 0 };

	for (unsigned int w = 0; w < d->workers; w++) {
		const struct watch_cell *c = cell_of(d, at, w);

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

/* A difference of two counts as a rate per second. */
static uint64_t
rate(uint64_t now, uint64_t before, uint64_t span_ns)
{
	return (uint64_t)((double)(now - before) * 1e9 / (double)span_ns);
}

/* The limit divided: each worker's price goes up by how little of the traffic it
 * carries. A sixteenth is kept for those that see none yet, so that traffic which
 * moves to another worker finds an open door there. */
static void
divide(struct detect *d, const struct place *at)
{
	uint64_t *arrived = &d->arrived[at->cell * d->workers];
	uint64_t demand[DETECT_WORKERS], total = 0, floor;

	if (d->workers == 1)
		return;
	for (unsigned int w = 0; w < d->workers; w++) {
		uint64_t now = counter_read(&cell_of(d, at, w)->packets);

		demand[w] = now - arrived[w];
		arrived[w] = now;
		total += demand[w];
	}
	floor = total / (16 * d->workers) + 1;
	total += floor * d->workers;
	for (unsigned int w = 0; w < d->workers; w++)
		counter_set(&cell_of(d, at, w)->price,
		            WATCH_PRICE_ONE * total / (demand[w] + floor));
	at->track->is_divided = true;
}

static void
undivide(struct detect *d, const struct place *at)
{
	for (unsigned int w = 0; w < d->workers; w++)
		counter_set(&cell_of(d, at, w)->price, 0);
	at->track->is_divided = false;
}

/* The earliest worker that is armed, or NULL. */
static const struct watch_cell *
first_armed(const struct detect *d, const struct place *at)
{
	const struct watch_cell *first = NULL;

	for (unsigned int w = 0; w < d->workers; w++) {
		const struct watch_cell *c = cell_of(d, at, w);

		if (watch_is_armed(c) &&
		    (first == NULL ||
		     counter_read(&c->armed_ns) < counter_read(&first->armed_ns)))
			first = c;
	}
	return first;
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
		                   .updated_ns = now_ns };

	snprintf(a.service_name, sizeof(a.service_name), "%s", at->owner->name);
	t->attack = record_start(&d->record, &a);
	if (t->attack == NULL)
		return;
	t->began = add_up(d, at);
	t->tick_limited = rule->max.unit == METER_BITS ? t->began.limited_bytes
	                                               : t->began.limited_packets;
	t->tick_ns = now_ns;
	t->calm_since_ns = 0;
	t->state = DETECT_ACTIVE;
}

/* A tick of a running attack that is not mitigated yet: is what passes within max_rate? */
static void
look_for_mitigation(struct track *t, const struct watch_rule *rule, const struct sum *sum,
                    uint64_t now_ns)
{
	bool is_bits = rule->max.unit == METER_BITS;
	uint64_t limited = is_bits ? sum->limited_bytes : sum->limited_packets;
	uint64_t span = now_ns - t->tick_ns;
	uint64_t passed;

	if (span < DETECT_TICK_NS)
		return;
	passed = rate(limited, t->tick_limited, span) * (is_bits ? 8 : 1);
	t->tick_limited = limited;
	t->tick_ns = now_ns;
	if (rule->max.per_second != 0 && passed * 100 <= rule->max.per_second * 105)
		record_change(t->attack)->mitigated_ns = now_ns;
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
		look_for_mitigation(t, at->rule, &sum, now_ns);
	divide(d, at);
	record_update(&d->record, t->attack, now_ns);
}

static void
attack_ends(struct detect *d, const struct place *at, uint64_t now_ns)
{
	struct track *t = at->track;

	for (unsigned int w = 0; w < d->workers; w++)
		counter_set(&cell_of(d, at, w)->disarmed_ns, now_ns);
	undivide(d, at);
	record_end(&d->record, t->attack, now_ns);
	t->attack = NULL;
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
	const struct detect_rates *r = &d->shown[at->cell].rates;
	struct track *t = at->track;
	uint64_t level = in_unit(&rule->alarm, r);

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
	record_alarm(&d->record,
	             &(struct detect_attack){ .service = (uint16_t)at->service,
	                                      .vector = (uint8_t)at->vector,
	                                      .unit = (uint8_t)rule->alarm.unit,
	                                      .value = level,
	                                      .threshold = rule->alarm.per_second,
	                                      .mode = (uint8_t)at->policy->mode,
	                                      .state = DETECT_ALARM },
	             at->owner->name, now_ns);
}

static void
watch_calm(struct detect *d, const struct place *at, uint64_t now_ns)
{
	const struct watch_rule *rule = at->rule;
	const struct detect_rates *r = &d->shown[at->cell].rates;
	struct track *t = at->track;
	struct detect_attack *a = record_change(t->attack);

	if (r->pps > a->peak_pps)
		a->peak_pps = r->pps;
	if (r->bits > a->peak_bits)
		a->peak_bits = r->bits;
	/* The window in which it began is half quiet; the first full one tells. */
	if (a->value < a->threshold)
		a->value = in_unit(&rule->activate, r);

	/* A threshold that a reload took away, or a policy that now only learns, is calm too. */
	if (rule->activate.per_second != 0 && at->policy->mode != POLICY_LEARN &&
	    in_unit(&rule->activate, r) * 4 >=
	            rule->activate.per_second * CALM_QUARTERS) {
		t->calm_since_ns = 0;
		return;
	}
	if (t->calm_since_ns == 0)
		t->calm_since_ns = now_ns;
	if (now_ns - t->calm_since_ns >= rule->clear_after_ns)
		attack_ends(d, at, now_ns);
}

/* The sum may pass activate_rate while no worker alone does: then each gets its share
 * already, and the busiest arms itself. */
static void
divide_early(struct detect *d, const struct place *at)
{
	uint64_t level = in_unit(&at->rule->activate, &d->shown[at->cell].rates);

	if (at->track->state == DETECT_ACTIVE || at->rule->activate.per_second == 0)
		return;
	if (level >= at->rule->activate.per_second)
		divide(d, at);
	else if (at->track->is_divided)
		undivide(d, at);
}

/* Rates of the last window, published and looked at. */
static void
window_of(struct detect *d, const struct place *at, uint64_t now_ns)
{
	uint64_t span = now_ns - d->window_ns;
	struct track *t = at->track;
	struct sum now = add_up(d, at);
	struct detect_rates r = {
		.pps = rate(now.packets, t->window.packets, span),
		.bits = 8 * rate(now.bytes, t->window.bytes, span),
		.passed_pps = rate(now.passed_packets, t->window.passed_packets, span),
		.passed_bits = 8 * rate(now.passed_bytes, t->window.passed_bytes, span),
		.dropped_pps = rate(now.dropped_packets, t->window.dropped_packets, span),
		.would_pps = rate(now.would_packets, t->window.would_packets, span),
		.attack = t->attack != NULL ? record_change(t->attack)->number : 0,
		.state = t->state,
	};

	t->window = now;
	seq_write(&d->shown[at->cell].seq, &d->shown[at->cell].rates, &r, sizeof(r));
	if (at->rule == NULL)
		return;
	if (t->state == DETECT_ACTIVE)
		watch_calm(d, at, now_ns);
	else
		watch_alarm(d, at, now_ns);
	divide_early(d, at);
}

static bool
is_hot(struct detect *d)
{
	bool is = false;

	for (unsigned int w = 0; w < d->workers; w++)
		is |= counter_read(&d->watch[w]->hot_ns) >= d->scan_ns;
	return is;
}

/* Cells that armed themselves since the last look become attacks. */
static void
scan(struct detect *d, const struct policies *policies, uint64_t now_ns)
{
	for (size_t cell = VECTOR_SLOTS; cell < d->cells; cell++) {
		struct place at = place_of(d, policies, cell);

		if (at.rule == NULL)
			continue;
		if (at.track->state == DETECT_ACTIVE)
			attack_goes_on(d, &at, now_ns);
		else if (at.policy->mode != POLICY_LEARN && first_armed(d, &at) != NULL)
			attack_starts(d, &at, now_ns);
	}
}

void
detect_tick(struct detect *d, const struct policies *policies, uint64_t now_ns)
{
	/* Services that a reload took away are looked at on, or their attacks never end. */
	if (d->cells < (size_t)policies->n_services * VECTOR_SLOTS)
		d->cells = (size_t)policies->n_services * VECTOR_SLOTS;
	if (record_is_active(&d->record) || is_hot(d)) {
		d->scan_ns = now_ns;
		scan(d, policies, now_ns);
	}
	if (d->window_ns == 0)
		d->window_ns = now_ns;
	if (now_ns - d->window_ns < DETECT_WINDOW_NS)
		return;

	for (size_t cell = 0; cell < d->cells; cell++) {
		struct place at = place_of(d, policies, cell);

		window_of(d, &at, now_ns);
	}
	d->window_ns = now_ns;
}

bool
detect_next_event(struct detect *d, struct detect_event *out)
{
	return record_next_event(&d->record, out);
}

uint64_t
detect_events_lost(const struct detect *d)
{
	return counter_read(&d->record.lost);
}

size_t
detect_read_attacks(const struct detect *d, struct detect_attack *out, size_t n)
{
	return record_read(&d->record, out, n);
}

void
detect_read_rates(const struct detect *d, unsigned int service, unsigned int slot,
                  struct detect_rates *out)
{
	size_t cell = (size_t)service * VECTOR_SLOTS + slot;

	seq_read(&d->shown[cell].seq, out, &d->shown[cell].rates, sizeof(*out));
}
