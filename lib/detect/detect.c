/* SPDX-License-Identifier: BSD-3-Clause */
#include "detect/detect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "base/seq.h"
#include "detect/parts.h"

/* Cells that one tick looks at for newly armed ones, so that a tick stays short. */
#define SCAN_CELLS 16384

static void
close_field(struct field *field)
{
	free(field->arrived);
	free(field->shown);
	free(field->track);
	memset(field, 0, sizeof(*field));
}

static int
open_field(struct field *field, struct watch *const *watches, unsigned int workers)
{
	const size_t cells = (size_t)watches[0]->services * VECTOR_SLOTS;

	memcpy(field->watch, watches, workers * sizeof(struct watch *));
	field->track = calloc(cells, sizeof(*field->track));
	field->shown = calloc(cells, sizeof(*field->shown));
	field->arrived = calloc(cells * workers, sizeof(*field->arrived));
	if (field->track != NULL && field->shown != NULL && field->arrived != NULL)
		return 0;
	close_field(field);
	return -ENOMEM;
}

struct detect *
detect_open(struct watch *const *watches, unsigned int workers)
{
	struct detect *d = calloc(1, sizeof(*d));

	if (d == NULL || workers == 0 || workers > DETECT_WORKERS ||
	    open_field(&d->service, watches, workers) < 0) {
		free(d);
		return NULL;
	}
	d->workers = workers;
	return d;
}

int
detect_add_networks(struct detect *d, struct aggregates *const *aggregates,
                    struct census *const *census)
{
	struct watch *watches[DETECT_WORKERS];
	struct seen *seen =
		calloc((size_t)aggregates[0]->addresses * VECTOR_COUNT, sizeof(*seen));

	for (unsigned int w = 0; w < d->workers; w++)
		watches[w] = &aggregates[w]->network;
	if (seen == NULL || open_field(&d->network, watches, d->workers) < 0) {
		free(seen);
		return -ENOMEM;
	}
	d->seen = seen;
	memcpy(d->aggregates, aggregates, d->workers * sizeof(*aggregates));
	memcpy(d->census, census, d->workers * sizeof(*census));
	return 0;
}

void
detect_close(struct detect *d)
{
	if (d == NULL)
		return;
	close_field(&d->service);
	close_field(&d->network);
	free(d->seen);
	free(d);
}

static struct place
place_of(struct detect *d, struct field *field, const struct policies *policies,
         size_t cell)
{
	static const struct watch_rule none[VECTOR_COUNT];
	const struct aggregate_plan *plan = policies->plan;
	struct place at = { .field = field,
		            .index = (unsigned int)(cell / VECTOR_SLOTS),
		            .vector = (unsigned int)(cell % VECTOR_SLOTS),
		            .cell = cell,
		            .is_network = field == &d->network,
		            .plan = plan,
		            .track = &field->track[cell] };
	const struct watch_rule *rules = none;

	if (!at.is_network) {
		at.service = at.index;
		at.policy = &policies->policy[policies->service[at.index].policy];
		rules = at.policy->rule;
	} else if (at.index < plan->networks) {
		at.service = plan->network[at.index].service;
		at.policy = &policies->policy[plan->network[at.index].policy];
		rules = plan->network[at.index].rule != NULL ? at.policy->network : none;
	} else {
		at.policy = &policies->policy[0];
	}
	at.owner = &policies->service[at.service];
	at.rule = at.vector < VECTOR_COUNT ? &rules[at.vector] : NULL;
	return at;
}

static bool
is_hot(const struct detect *d, const struct field *field)
{
	bool is = false;

	for (unsigned int w = 0; w < d->workers; w++)
		is |= counter_read(&field->watch[w]->hot_ns) >= field->scan_ns;
	return is;
}

/* Running attacks go on; what is neither divided nor under attack leaves the list. */
static void
go_on(struct detect *d, struct field *field, const struct policies *policies,
      uint64_t now_ns)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < field->n_running; i++) {
		struct place at = place_of(d, field, policies, field->running[i]);

		if (detect_track_go_on(d, &at, now_ns))
			field->running[kept++] = field->running[i];
	}
	field->n_running = kept;
}

/* Cells that armed themselves since the last look become attacks. */
static void
scan(struct detect *d, struct field *field, const struct policies *policies,
     uint64_t now_ns)
{
	size_t looks = field->cells < SCAN_CELLS ? field->cells : SCAN_CELLS;

	if (field->next == 0)
		field->scan_ns = now_ns;
	for (; looks > 0; looks--) {
		struct place at = place_of(d, field, policies, field->next);

		/* The first of either kind is what nobody claims. */
		if (at.index > 0)
			detect_track_start_armed(d, &at, now_ns);
		field->next = field->next + 1 >= field->cells ? 0 : field->next + 1;
	}
}

static void
windows(struct detect *d, struct field *field, const struct policies *policies,
        uint64_t now_ns)
{
	for (size_t cell = 0; cell < field->cells; cell++) {
		struct place at = place_of(d, field, policies, cell);

		/* Of very many networks only those with a limit get rates. */
		if (at.is_network && field->cells > SCAN_CELLS &&
		    at.track->state == DETECT_QUIET &&
		    (at.index >= at.plan->networks ||
		     at.plan->network[at.index].rule == NULL))
			continue;
		detect_track_window(d, &at, now_ns);
	}
}

static void
tick_field(struct detect *d, struct field *field, const struct policies *policies,
           uint64_t now_ns)
{
	go_on(d, field, policies, now_ns);
	if (field->next != 0 || is_hot(d, field))
		scan(d, field, policies, now_ns);
	if (now_ns - d->window_ns >= DETECT_WINDOW_NS)
		windows(d, field, policies, now_ns);
}

void
detect_tick(struct detect *d, const struct policies *policies, uint64_t now_ns)
{
	/* Services that a reload took away are looked at on, or their attacks never end. */
	if (d->service.cells < (size_t)policies->n_services * VECTOR_SLOTS)
		d->service.cells = (size_t)policies->n_services * VECTOR_SLOTS;
	if (d->aggregates[0] != NULL && policies->plan != NULL &&
	    policies->plan->networks <= d->network.watch[0]->services &&
	    d->network.cells < (size_t)policies->plan->networks * VECTOR_SLOTS)
		d->network.cells = (size_t)policies->plan->networks * VECTOR_SLOTS;
	if (d->window_ns == 0)
		d->window_ns = now_ns;
	tick_field(d, &d->service, policies, now_ns);
	if (d->network.cells > 0)
		tick_field(d, &d->network, policies, now_ns);
	if (now_ns - d->window_ns >= DETECT_WINDOW_NS) {
		d->window_ns = now_ns;
		d->windows++;
	}
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

const struct detect_totals *
detect_totals(const struct detect *d)
{
	return &d->record.totals;
}

size_t
detect_read_attacks(const struct detect *d, struct detect_attack *out, size_t n)
{
	return record_read(&d->record, out, n);
}

static void
read_rates(const struct field *field, unsigned int index, unsigned int slot,
           struct detect_rates *out)
{
	size_t cell = (size_t)index * VECTOR_SLOTS + slot;

	seq_read(&field->shown[cell].seq, out, &field->shown[cell].rates, sizeof(*out));
}

void
detect_read_rates(const struct detect *d, unsigned int service, unsigned int slot,
                  struct detect_rates *out)
{
	read_rates(&d->service, service, slot, out);
}

void
detect_read_network(const struct detect *d, unsigned int network, unsigned int slot,
                    struct detect_rates *out)
{
	*out = (struct detect_rates){ 0 };
	if (d->aggregates[0] != NULL && network < d->network.watch[0]->services)
		read_rates(&d->network, network, slot, out);
}
