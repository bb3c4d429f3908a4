/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * carpet - which addresses of a network were hit, and how many; and the census.
 *
 * An address' counters are only looked at while its network is under attack, or
 * receives as much as one address may: the sum is never below its parts. So the
 * look costs nothing in calm, whatever is protected.
 */
#include <stdio.h>
#include <string.h>

#include "base/counter.h"
#include "detect/parts.h"

/* More addresses of one network are estimated and not looked at one by one. */
#define LOOK_MAX 4096

#define CENSUS_NS UINT64_C(1000000000)
#define TOLD      UINT64_MAX

void
detect_carpet_name(const struct place *at, struct detect_attack *a)
{
	const struct aggregate_span *span;

	if (!at->is_network)
		return;
	span = aggregate_span_of(at->plan->network_span, at->plan->network_spans,
	                         at->index);
	if (span != NULL)
		a->prefix_len = aggregate_part(span, at->index, a->prefix);
}

/* --- addresses ------------------------------------------------------------- */

/* What one look at a network's addresses finds. */
struct look {
	struct detect *d;
	const struct place *at;
	uint64_t now_ns;
	bool is_fresh; /* the window before was looked at too: differences are of one window */
	uint64_t hit;
};

static void
tell_address(const struct look *l, const struct aggregate_span *span, uint32_t cell,
             uint64_t value)
{
	const struct place *at = l->at;
	const struct meter_limit *limit = &at->policy->address[at->vector];
	struct detect_attack a = { .service = (uint16_t)at->service,
		                   .vector = (uint8_t)at->vector,
		                   .unit = (uint8_t)limit->unit,
		                   .value = value,
		                   .threshold = limit->per_second,
		                   .mode = (uint8_t)at->policy->mode,
		                   .addresses = 1,
		                   .state = DETECT_ALARM };

	a.prefix_len = aggregate_part(span, cell, a.prefix);
	record_alarm(&l->d->record, &a, at->owner->name, l->now_ns);
}

/* Told once it was above address_rate for activate_after, again only after a calm window. */
static void
watch_address(const struct look *l, const struct aggregate_span *span, uint32_t cell,
              uint64_t level)
{
	const struct place *at = l->at;
	const uint64_t limit = at->policy->address[at->vector].per_second;
	struct seen *s = &l->d->seen[(size_t)cell * VECTOR_COUNT + at->vector];

	if (limit == 0 || level * 4 < limit * CALM_QUARTERS) {
		s->over = 0;
		return;
	}
	if (level < limit || s->over == TOLD)
		return;
	s->over++;
	if (s->over * DETECT_WINDOW_NS < at->rule->activate_after_ns)
		return;
	s->over = TOLD;
	tell_address(l, span, cell, level);
}

static void
look_at(struct look *l, const struct aggregate_span *span, uint32_t cell)
{
	const struct place *at = l->at;
	struct detect *d = l->d;
	struct seen *s = &d->seen[(size_t)cell * VECTOR_COUNT + at->vector];
	const bool is_bits = at->policy->address[at->vector].unit == METER_BITS;
	const uint64_t span_ns = l->now_ns - d->window_ns;
	struct aggregate_count now = { 0 };
	uint64_t grown;

	for (unsigned int w = 0; w < d->workers; w++) {
		const struct aggregate_count *c =
			&d->aggregates[w]->address[cell].vector[at->vector];

		now.packets += counter_read(&c->packets);
		now.bytes += counter_read(&c->bytes);
	}
	if (l->is_fresh) {
		l->hit += now.packets != s->count.packets;
		grown = is_bits ? rate_of(now.bytes, s->count.bytes, span_ns) * 8
		                : rate_of(now.packets, s->count.packets, span_ns);
		watch_address(l, span, cell, grown);
	} else {
		/* The network was calm since, and so were its addresses. */
		s->over = 0;
	}
	s->count = now;
}

static bool
holds(const uint8_t prefix[16], unsigned int len, const uint8_t address[16])
{
	const unsigned int whole = len / 8, bits = len % 8;

	return memcmp(prefix, address, whole) == 0 &&
	       (bits == 0 || ((prefix[whole] ^ address[whole]) >> (8 - bits)) == 0);
}

/* The cells of a span that lie in a network: 0 when none does. */
static uint32_t
within(const struct aggregate_span *span, const uint8_t network[16], unsigned int len,
       uint32_t *first)
{
	uint64_t from[2];

	if (span->first == 0)
		return 0;
	if (span->len >= len) {
		*first = span->first;
		return holds(network, len, span->prefix) ? span->count : 0;
	}
	if (!holds(span->prefix, span->len, network))
		return 0;
	/* The span is wider: it counts /32 in IPv4 and /64 in IPv6, never across a half. */
	memcpy(from, span->part > 64 ? network + 8 : network, 8);
	memcpy(from + 1, span->part > 64 ? span->prefix + 8 : span->prefix, 8);
	*first = span->first +
	         (uint32_t)(__builtin_bswap64(from[0]) - __builtin_bswap64(from[1]));
	return UINT32_C(1) << (span->part - len);
}

/* Look at every address of the network that is counted; returns false when none is. */
static bool
look_at_all(struct look *l, const uint8_t network[16], unsigned int len)
{
	const struct aggregate_plan *plan = l->at->plan;
	uint32_t looked = 0;

	for (uint32_t i = 0; i < plan->address_spans; i++) {
		const struct aggregate_span *span = &plan->address_span[i];
		uint32_t first = 0, n = within(span, network, len, &first);

		if (n > LOOK_MAX - looked)
			return false;
		for (uint32_t cell = first; n > 0 && cell < first + n; cell++)
			look_at(l, span, cell);
		looked += n;
	}
	return looked > 0;
}

void
detect_carpet_look(struct detect *d, const struct place *at, uint64_t now_ns)
{
	const struct meter_limit *limit = &at->policy->address[at->vector];
	const struct detect_rates *r = &at->field->shown[at->cell].rates;
	const uint64_t level = limit->unit == METER_BITS ? r->bits : r->pps;
	struct track *t = at->track;
	struct look l = { .d = d, .at = at, .now_ns = now_ns };
	struct detect_attack name = { 0 };
	struct detect_attack *a;

	if (t->attack == NULL && (limit->per_second == 0 || level < limit->per_second))
		return;
	detect_carpet_name(at, &name);
	if (name.prefix_len == 0)
		return;
	/* Windows count from 0, so a number of 0 means never. */
	l.is_fresh = t->looked == d->windows;
	t->looked = d->windows + 1;
	if (!look_at_all(&l, name.prefix, name.prefix_len) || t->attack == NULL)
		return;
	a = record_change(t->attack);
	if (l.hit > a->addresses || a->is_estimated) {
		a->addresses = l.hit;
		a->is_estimated = 0;
	}
}

/* --- census ---------------------------------------------------------------- */

static void
give_ticket(struct detect *d, const struct place *at, uint64_t ticket, uint64_t now_ns)
{
	struct track *t = at->track;

	t->ticket = ticket;
	t->census_ns = now_ns;
	t->census_packets = 0;
	for (unsigned int w = 0; w < d->workers; w++) {
		t->census_packets += counter_read(&place_cell(at, w)->packets);
		counter_set(&place_cell(at, w)->census, ticket);
	}
}

void
detect_census_begin(struct detect *d, const struct place *at, uint64_t now_ns)
{
	unsigned int room = 0;

	if (d->census[0] == NULL)
		return;
	while (room < CENSUS_MAX && d->room[room] != NULL)
		room++;
	if (room == CENSUS_MAX)
		return;
	d->room[room] = at->track;
	give_ticket(d, at, census_ticket(++d->serial, room), now_ns);
}

/* What was counted since the ticket was given goes into the attack. */
static void
census_tell(struct detect *d, const struct place *at, uint64_t now_ns)
{
	struct track *t = at->track;
	struct detect_attack *a = record_change(t->attack);
	const struct census_result found = census_read(d->census, d->workers, t->ticket);
	uint64_t packets = 0;

	for (unsigned int w = 0; w < d->workers; w++)
		packets += counter_read(&place_cell(at, w)->packets);
	/* An attack that ebbs keeps the figures of its last second with packets. */
	if (found.sources == 0)
		return;
	a->sources = found.sources;
	a->sources_packets = packets - t->census_packets;
	a->sources_ns = now_ns - t->census_ns;
	if (at->is_network && (a->is_estimated || a->addresses == 0) &&
	    found.destinations > a->addresses) {
		a->addresses = found.destinations;
		a->is_estimated = 1;
	}
}

void
detect_census_turn(struct detect *d, const struct place *at, uint64_t now_ns)
{
	struct track *t = at->track;
	const unsigned int room = (unsigned int)(t->ticket % CENSUS_MAX);

	if (t->ticket == 0 || now_ns - t->census_ns < CENSUS_NS)
		return;
	census_tell(d, at, now_ns);
	give_ticket(d, at, census_ticket(++d->serial, room), now_ns);
}

void
detect_census_end(struct detect *d, const struct place *at, uint64_t now_ns)
{
	struct track *t = at->track;

	if (t->ticket == 0)
		return;
	if (record_change(t->attack)->sources == 0)
		census_tell(d, at, now_ns);
	d->room[t->ticket % CENSUS_MAX] = NULL;
	give_ticket(d, at, 0, now_ns);
}
