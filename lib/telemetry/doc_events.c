/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_events - the newest events, asked of the room above that keeps them.
 */
#include "base/counter.h"
#include "telemetry/own.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

const char *const telemetry_sinks[TELEMETRY_SINKS] = { "file", "journal", "webhook" };

static json_t *
sink_object(const struct telemetry_sink *s, const char *name)
{
	json_t *o = json_object();

	telemetry_put_text(o, "sink", name);
	telemetry_put_text(o, "state", counter_read(&s->is_broken) ? "broken" : "well");
	telemetry_put_count(o, "written", counter_read(&s->written));
	telemetry_put_count(o, "lost", counter_read(&s->lost));
	telemetry_put_count(o, "waiting", counter_read(&s->waiting));
	return o;
}

json_t *
telemetry_events_object(struct telemetry *t)
{
	const struct telemetry_own *own = telemetry_own(t);
	json_t *o = json_object(), *sinks = json_array();

	telemetry_put_count(o, "last_seq", counter_read(&own->events_seq));
	telemetry_put_count(o, "suppressed", counter_read(&own->events_dropped));
	for (unsigned int i = 0; i < TELEMETRY_SINKS; i++) {
		if (counter_read(&own->sink[i].is_on))
			json_array_append_new(
				sinks, sink_object(&own->sink[i], telemetry_sinks[i]));
	}
	json_object_set_new(o, "sinks", sinks);
	return o;
}

void
telemetry_set_events(struct telemetry *t,
                     json_t *(*make)(void *arg, const struct telemetry_ask *ask),
                     void *arg)
{
	struct telemetry_own *own = telemetry_own(t);

	own->events_arg = arg;
	__atomic_store_n(&own->events, make, __ATOMIC_RELEASE);
}

/* Where nobody writes events, as in a replay. */
static json_t *
nothing(const struct box *box)
{
	json_t *o = telemetry_document_new(box, NULL);

	telemetry_put_count(o, "first_seq", 0);
	telemetry_put_count(o, "last_seq", 0);
	telemetry_put_count(o, "missed", 0);
	json_object_set_new(o, "events", json_array());
	return o;
}

json_t *
telemetry_events(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct telemetry_own *own = telemetry_own(t);
	json_t *(*make)(void *arg, const struct telemetry_ask *ask) =
		__atomic_load_n(&own->events, __ATOMIC_ACQUIRE);

	return make != NULL ? make(own->events_arg, ask) : nothing(telemetry_box(t));
}
