/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/tail.h"

#include <string.h>

#include "telemetry/put.h"

void
event_tail_open(struct event_tail *t)
{
	memset(t, 0, sizeof(*t));
	pthread_mutex_init(&t->lock, NULL);
}

void
event_tail_close(struct event_tail *t)
{
	for (unsigned int i = 0; i < EVENT_TAIL; i++)
		json_decref(t->ring[i]);
	pthread_mutex_destroy(&t->lock);
}

static json_t **
slot_of(struct event_tail *t, uint64_t seq)
{
	return &t->ring[seq % EVENT_TAIL];
}

void
event_tail_add(struct event_tail *t, uint64_t seq, json_t *event)
{
	json_t *gone;

	pthread_mutex_lock(&t->lock);
	gone = *slot_of(t, seq);
	*slot_of(t, seq) = json_incref(event);
	t->last = seq;
	pthread_mutex_unlock(&t->lock);
	json_decref(gone);
}

/* Timestamps are all of one form and of one zone, so that they compare as text. */
static bool
is_wanted(json_t *event, const struct event_tail_ask *ask)
{
	const char *type = json_string_value(json_object_get(event, "event_type"));
	const char *time = json_string_value(json_object_get(event, "timestamp"));

	if (ask->from != NULL && (time == NULL || strcmp(time, ask->from) < 0))
		return false;
	return ask->type[0] == '\0' || (type != NULL && strcmp(type, ask->type) == 0);
}

/* Under lock: where the wanted ones begin, when only the newest of them are asked for. */
static uint64_t
newest(struct event_tail *t, const struct event_tail_ask *ask, uint64_t first)
{
	uint64_t at = t->last + 1;
	unsigned int found = 0;

	while (at > first && found < ask->limit)
		found += is_wanted(*slot_of(t, --at), ask);
	return at;
}

void
event_tail_read(struct event_tail *t, const struct event_tail_ask *ask, json_t *o)
{
	json_t *events = json_array();
	uint64_t first, at;

	pthread_mutex_lock(&t->lock);
	first = t->last == 0 ? 0 : t->last > EVENT_TAIL ? t->last - EVENT_TAIL + 1 : 1;
	at = ask->has_since ? ask->since + 1 : newest(t, ask, first);
	telemetry_put_count(o, "first_seq", first);
	telemetry_put_count(o, "last_seq", t->last);
	telemetry_put_count(o, "missed", at < first ? first - at : 0);
	for (at = at < first ? first : at;
	     at != 0 && at <= t->last && json_array_size(events) < ask->limit; at++) {
		if (is_wanted(*slot_of(t, at), ask))
			json_array_append(events, *slot_of(t, at));
	}
	pthread_mutex_unlock(&t->lock);
	json_object_set_new(o, "events", events);
}
