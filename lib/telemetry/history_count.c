/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "packet/burst.h"
#include "telemetry/history_parts.h"
#include "telemetry/view.h"

#define ALL  TELEMETRY_ALL_VECTORS
#define BOX  SERVICE_MAX /* place of the whole box */
#define BITS 8

static_assert((int)TELEMETRY_PEAK_PACKETS == (int)HISTORY_COUNTS,
              "what is counted stands before the peaks");

static bool
is_in_bits(unsigned int value)
{
	return value == TELEMETRY_RECEIVED_BITS || value == TELEMETRY_FORWARDED_BITS ||
	       value == TELEMETRY_DROPPED_BITS || value == TELEMETRY_OUTBOUND_BITS;
}

void
history_count_open(struct telemetry_history *h)
{
	for (unsigned int i = 0; i < pipeline_reasons(); i++) {
		unsigned int stage;

		if (pipeline_reason_info(i, &stage)->class == REASON_CHALLENGE)
			h->challenge[h->n_challenges++] = i;
	}
}

/* --- reading counters --- */

static void
add(struct history_counts *to, const struct history_counts *from)
{
	for (unsigned int i = 0; i < HISTORY_COUNTS; i++)
		to->value[i] += from->value[i];
}

static void
add_cell(struct history_counts *to, const struct watch_cell *cell)
{
	to->value[TELEMETRY_RECEIVED_PACKETS] += counter_read(&cell->packets);
	to->value[TELEMETRY_RECEIVED_BITS] += counter_read(&cell->bytes);
	to->value[TELEMETRY_FORWARDED_PACKETS] += counter_read(&cell->passed_packets);
	to->value[TELEMETRY_FORWARDED_BITS] += counter_read(&cell->passed_bytes);
	to->value[TELEMETRY_DROPPED_PACKETS] += counter_read(&cell->dropped_packets);
	to->value[TELEMETRY_DROPPED_BITS] += counter_read(&cell->dropped_bytes);
	to->value[TELEMETRY_WOULD_PACKETS] += counter_read(&cell->would_packets);
	to->value[TELEMETRY_VERIFIED_DROPPED] += counter_read(&cell->verified_dropped);
}

static uint64_t
answered(const struct telemetry_history *h, const struct pipeline *pl,
         unsigned int service)
{
	const uint64_t *rows = pl->service_reasons;
	uint64_t sum = 0;

	if (rows == NULL)
		return 0;
	rows += (size_t)service * pipeline_reasons();
	for (unsigned int i = 0; i < h->n_challenges; i++)
		sum += counter_read(&rows[h->challenge[i]]);
	return sum;
}

static void
read_service(const struct telemetry_history *h, unsigned int service,
             struct history_counts now[HISTORY_SLOTS])
{
	memset(now, 0, HISTORY_SLOTS * sizeof(*now));
	for (unsigned int w = 0; w < h->box->n_workers; w++) {
		const struct pipeline *pl = h->box->worker[w].pipeline;
		const struct watch_cell *out;

		if (pl == NULL || service >= pl->watch.services)
			continue;
		for (unsigned int slot = 0; slot < VECTOR_COUNT; slot++)
			add_cell(&now[slot], watch_cell(&pl->watch, service, slot));
		out = watch_cell(&pl->watch, service, VECTOR_OUTBOUND);
		now[ALL].value[TELEMETRY_OUTBOUND_PACKETS] += counter_read(&out->packets);
		now[ALL].value[TELEMETRY_OUTBOUND_BITS] += counter_read(&out->bytes);
		now[ALL].value[TELEMETRY_ANSWERED_PACKETS] += answered(h, pl, service);
	}
	for (unsigned int slot = 0; slot < VECTOR_COUNT; slot++)
		add(&now[ALL], &now[slot]);
}

/* What crossed the box from outside, by the books; what monitor spared, by the services. */
static void
read_box(const struct telemetry_history *h, struct history_counts *now)
{
	for (unsigned int w = 0; w < h->box->n_workers; w++) {
		for (unsigned int link = 0; link < h->box->n_links; link++) {
			const struct books *in =
				&h->box->worker[w].books[link][SIDE_EXTERNAL];
			const struct books *out =
				&h->box->worker[w].books[link][SIDE_INTERNAL];
			const uint64_t answered_packets =
				counter_read(&in->replied_packets) +
				counter_read(&in->consumed_packets);

			now->value[TELEMETRY_RECEIVED_PACKETS] +=
				counter_read(&in->received_packets);
			now->value[TELEMETRY_RECEIVED_BITS] +=
				counter_read(&in->received_bytes);
			now->value[TELEMETRY_FORWARDED_PACKETS] +=
				counter_read(&in->forwarded_packets);
			now->value[TELEMETRY_FORWARDED_BITS] +=
				counter_read(&in->forwarded_bytes);
			now->value[TELEMETRY_ANSWERED_PACKETS] += answered_packets;
			now->value[TELEMETRY_DROPPED_PACKETS] +=
				counter_read(&in->dropped_packets) + answered_packets;
			now->value[TELEMETRY_DROPPED_BITS] +=
				counter_read(&in->dropped_bytes) +
				counter_read(&in->replied_bytes) +
				counter_read(&in->consumed_bytes);
			now->value[TELEMETRY_OUTBOUND_PACKETS] +=
				counter_read(&out->received_packets);
			now->value[TELEMETRY_OUTBOUND_BITS] +=
				counter_read(&out->received_bytes);
		}
	}
}

/* --- who is there, and who is under attack --- */

static void
look_around(struct telemetry_history *h, uint64_t now_ns)
{
	struct box *box = h->box;
	const struct policies *p;
	struct detect_attack *a;
	size_t n;

	memset(h->now_name, 0, SERVICE_MAX * sizeof(*h->now_name));
	memset(h->attacked, 0, SERVICE_MAX * sizeof(*h->attacked));
	pthread_mutex_lock(&box->lock);
	p = box->policies;
	for (unsigned int i = 0; p != NULL && i < p->n_services && i < SERVICE_MAX; i++)
		memcpy(h->now_name[i], p->service[i].name, HISTORY_NAME);
	pthread_mutex_unlock(&box->lock);

	a = telemetry_attacks_copy(box, &n);
	for (size_t i = 0; i < n; i++) {
		if (a[i].state != DETECT_ACTIVE || a[i].service >= SERVICE_MAX ||
		    a[i].vector >= VECTOR_COUNT)
			continue;
		h->attacked[a[i].service][a[i].vector] = true;
		h->attacked[a[i].service][ALL] = true;
	}
	/* Before this second's reasons are taken down: an attack begins with the last's. */
	if (a != NULL)
		history_attacks_see(&h->attacks, a, n, now_ns);
	free(a);
}

/* --- rates --- */

static uint64_t
rate(uint64_t count, unsigned int value, uint64_t ns)
{
	const double bits = is_in_bits(value) ? BITS : 1;

	return ns == 0 ? 0 : (uint64_t)((double)count * bits * 1e9 / (double)ns + 0.5);
}

/* One row of the rates of `counts` over `ns`. Returns whether there is anything to tell. */
static bool
put_row(struct telemetry_row *row, const struct history_place *p, unsigned int slot,
        const struct history_counts *counts, uint64_t ns)
{
	bool has_any = false;

	memset(row, 0, sizeof(*row));
	row->name = p->name;
	row->vector = (uint8_t)slot;
	for (unsigned int i = 0; i < HISTORY_COUNTS; i++) {
		row->value[i] = rate(counts->value[i], i, ns);
		has_any = has_any || counts->value[i] > 0;
	}
	row->value[TELEMETRY_PEAK_PACKETS] = row->value[TELEMETRY_RECEIVED_PACKETS];
	row->value[TELEMETRY_PEAK_BITS] = row->value[TELEMETRY_RECEIVED_BITS];
	return has_any;
}

/* Adds what was counted since the last reading to the minute, and rows to h->row. */
static size_t
see_place(struct telemetry_history *h, struct history_place *p,
          const struct history_counts now[HISTORY_SLOTS], size_t rows, uint64_t ns)
{
	for (unsigned int slot = 0; slot < HISTORY_SLOTS; slot++) {
		struct telemetry_row *row = &h->row[rows];
		struct history_counts grown;

		for (unsigned int i = 0; i < HISTORY_COUNTS; i++)
			grown.value[i] = now[slot].value[i] - p->before[slot].value[i];
		add(&p->minute[slot], &grown);
		if (!put_row(row, p, slot, &grown, ns))
			continue;
		for (unsigned int i = 0; i < 2; i++) {
			const uint64_t highest = row->value[TELEMETRY_PEAK_PACKETS + i];

			if (highest > p->peak[slot][i])
				p->peak[slot][i] = highest;
		}
		row->is_attack = p->is_attack[slot];
		/* Seconds are kept of the whole only: that is what is drawn. */
		rows += slot == ALL;
	}
	memcpy(p->before, now, sizeof(p->before));
	return rows;
}

/* The minute of a place is begun anew under a name that was not there a second ago. */
static void
begin_place(struct history_place *p, uint32_t name,
            const struct history_counts now[HISTORY_SLOTS])
{
	memset(p, 0, sizeof(*p));
	p->name = name;
	p->is_known = true;
	memcpy(p->before, now, sizeof(p->before));
}

/* How many were stopped, or spared, of all that was counted. */
static uint64_t
stopped(const struct history_counts *c)
{
	return c->value[TELEMETRY_DROPPED_PACKETS] + c->value[TELEMETRY_WOULD_PACKETS];
}

static size_t
see_service(struct telemetry_history *h, unsigned int service, size_t rows, uint64_t ns,
            struct history_counts *would)
{
	struct history_place *p = &h->place[service];
	struct history_counts now[HISTORY_SLOTS];

	if (h->now_name[service][0] == '\0') {
		p->is_known = false;
		return rows;
	}
	read_service(h, service, now);
	if (!p->is_known || strcmp(h->name[p->name], h->now_name[service]) != 0) {
		pthread_mutex_lock(&h->lock);
		begin_place(p, history_name(h, h->now_name[service]), now);
		pthread_mutex_unlock(&h->lock);
		p->is_known = p->name != 0;
		history_attacks_reasons(&h->attacks, service);
		return rows;
	}
	for (unsigned int slot = 0; slot < HISTORY_SLOTS; slot++)
		p->is_attack[slot] |= h->attacked[service][slot];
	for (unsigned int i = TELEMETRY_WOULD_PACKETS; i <= TELEMETRY_VERIFIED_DROPPED;
	     i++)
		would->value[i] += now[ALL].value[i] - p->before[ALL].value[i];
	if (stopped(&now[ALL]) != stopped(&p->before[ALL]))
		history_attacks_reasons(&h->attacks, service);
	return see_place(h, p, now, rows, ns);
}

size_t
history_count(struct telemetry_history *h, uint64_t now_ns)
{
	const uint64_t ns = now_ns - h->last_ns;
	struct history_counts box[HISTORY_SLOTS] = { 0 };
	struct history_place *whole = &h->place[BOX];
	size_t rows = 0;
	bool is_first = h->last_ns == 0;

	look_around(h, now_ns);
	/* What services had counted is added up as it grows: some of them may go. */
	for (unsigned int i = TELEMETRY_WOULD_PACKETS; i <= TELEMETRY_VERIFIED_DROPPED;
	     i++)
		box[ALL].value[i] = whole->before[ALL].value[i];
	for (unsigned int i = 0; i < SERVICE_MAX; i++)
		rows = see_service(h, i, rows, ns, &box[ALL]);
	read_box(h, &box[ALL]);
	if (is_first)
		begin_place(whole, 0, box);
	for (unsigned int i = 0; i < SERVICE_MAX; i++)
		whole->is_attack[ALL] |= h->attacked[i][ALL];
	/* The box always has a row: it says that this second was watched. */
	if (see_place(h, whole, box, rows, ns) == rows)
		put_row(&h->row[rows], whole, ALL, &(struct history_counts){ 0 }, ns);
	rows++;
	h->last_ns = now_ns;
	h->minute_ns += is_first ? 0 : ns;
	qsort(h->row, rows, sizeof(*h->row), telemetry_row_order);
	return is_first ? 0 : rows;
}

static size_t
end_place(struct telemetry_history *h, struct history_place *p, size_t rows, bool is_box)
{
	for (unsigned int slot = 0; p->is_known && slot < HISTORY_SLOTS; slot++) {
		struct telemetry_row *row = &h->row[rows];

		if (!put_row(row, p, slot, &p->minute[slot], h->minute_ns) &&
		    !(is_box && slot == ALL))
			continue;
		row->value[TELEMETRY_PEAK_PACKETS] = p->peak[slot][0];
		row->value[TELEMETRY_PEAK_BITS] = p->peak[slot][1];
		row->is_attack = p->is_attack[slot];
		rows++;
	}
	memset(p->minute, 0, sizeof(p->minute));
	memset(p->peak, 0, sizeof(p->peak));
	memset(p->is_attack, 0, sizeof(p->is_attack));
	return rows;
}

size_t
history_count_minute(struct telemetry_history *h)
{
	size_t rows = 0;

	for (unsigned int i = 0; i < HISTORY_PLACES; i++)
		rows = end_place(h, &h->place[i], rows, i == BOX);
	h->minute_ns = 0;
	qsort(h->row, rows, sizeof(*h->row), telemetry_row_order);
	return rows;
}
