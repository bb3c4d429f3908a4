/* SPDX-License-Identifier: BSD-3-Clause */
#include "detect/record.h"

#include <stdio.h>
#include <string.h>

#include "base/counter.h"
#include "base/seq.h"

#define UPDATE_EVERY_NS UINT64_C(60000000000)

const struct histogram_bounds detect_delays = {
	12,
	{ 1000000, 2500000, 5000000, 10000000, 25000000, 50000000, 100000000, 200000000,
	  500000000, 1000000000, 2500000000, 10000000000 },
};

static void
tell(struct record *r, enum detect_event_kind kind, const struct detect_attack *a,
     uint64_t now_ns)
{
	uint64_t head = counter_read(&r->head);
	struct detect_event *e = &r->event[head % DETECT_EVENTS];

	if (head - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) == DETECT_EVENTS) {
		counter_add(&r->lost, 1);
		return;
	}
	e->time_ns = now_ns;
	e->kind = kind;
	e->attack = *a;
	__atomic_store_n(&r->head, head + 1, __ATOMIC_RELEASE);
}

static void
publish(struct record_slot *slot)
{
	seq_write(&slot->seq, &slot->shown, &slot->own, sizeof(slot->own));
}

/* How long after its first packet; 0 where the first was not noted. */
static uint64_t
after(const struct detect_attack *a, uint64_t at_ns)
{
	return a->first_ns == 0 || at_ns < a->first_ns ? 0 : at_ns - a->first_ns;
}

struct record_slot *
record_start(struct record *r, const struct detect_attack *a)
{
	struct record_slot *slot = NULL;

	/* An unused slot has number 0, so it is older than any. */
	for (unsigned int i = 0; i < DETECT_ATTACKS; i++) {
		struct record_slot *s = &r->slot[i];

		if (s->own.state != DETECT_ACTIVE &&
		    (slot == NULL || s->own.number < slot->own.number))
			slot = s;
	}
	if (slot == NULL)
		return NULL;
	slot->own = *a;
	slot->own.number = ++r->last_number;
	slot->told_ns = a->updated_ns;
	r->active++;
	histogram_add(&r->totals.detection, &detect_delays, after(a, a->detected_ns));
	if (a->service < SERVICE_MAX && a->vector < VECTOR_COUNT)
		counter_add(&r->totals.started[a->service][a->vector], 1);
	publish(slot);
	tell(r, DETECT_EVENT_START, &slot->own, a->detected_ns);
	return slot;
}

void
record_update(struct record *r, struct record_slot *slot, uint64_t now_ns)
{
	slot->own.updated_ns = now_ns;
	if (now_ns - slot->told_ns >= UPDATE_EVERY_NS) {
		slot->told_ns = now_ns;
		tell(r, DETECT_EVENT_UPDATE, &slot->own, now_ns);
	}
	publish(slot);
}

void
record_mitigated(struct record *r, struct record_slot *slot, uint64_t now_ns)
{
	slot->own.mitigated_ns = now_ns;
	histogram_add(&r->totals.mitigation, &detect_delays, after(&slot->own, now_ns));
}

void
record_end(struct record *r, struct record_slot *slot, uint64_t now_ns)
{
	slot->own.end_ns = now_ns;
	slot->own.state = DETECT_QUIET;
	r->active--;
	publish(slot);
	tell(r, DETECT_EVENT_END, &slot->own, now_ns);
}

void
record_step(struct record *r, struct record_slot *slot, uint64_t now_ns)
{
	slot->own.updated_ns = now_ns;
	publish(slot);
	tell(r, DETECT_EVENT_STEP, &slot->own, now_ns);
}

void
record_alarm(struct record *r, const struct detect_attack *a, const char *service,
             uint64_t now_ns)
{
	struct detect_attack alarm = *a;

	snprintf(alarm.service_name, sizeof(alarm.service_name), "%s", service);
	tell(r, DETECT_EVENT_ALARM, &alarm, now_ns);
}

size_t
record_read(const struct record *r, struct detect_attack *out, size_t n)
{
	size_t count = 0;

	for (unsigned int i = 0; i < DETECT_ATTACKS; i++) {
		struct detect_attack a;
		size_t at;

		/* Most slots were never used; what is being written now has its number next time. */
		if (counter_read(&r->slot[i].shown.number) == 0)
			continue;
		seq_read(&r->slot[i].seq, &a, &r->slot[i].shown, sizeof(a));
		if (a.number == 0)
			continue;
		if (count == n && (n == 0 || out[n - 1].number > a.number))
			continue;
		/* Insert by number, newest first; the oldest falls off a full list. */
		at = count < n ? count++ : n - 1;
		for (; at > 0 && out[at - 1].number < a.number; at--)
			out[at] = out[at - 1];
		out[at] = a;
	}
	return count;
}

bool
record_next_event(struct record *r, struct detect_event *out)
{
	uint64_t tail = counter_read(&r->tail);

	if (tail == __atomic_load_n(&r->head, __ATOMIC_ACQUIRE))
		return false;
	*out = r->event[tail % DETECT_EVENTS];
	__atomic_store_n(&r->tail, tail + 1, __ATOMIC_RELEASE);
	return true;
}
