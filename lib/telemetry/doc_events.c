/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_events - the newest events, asked of the room above that keeps them.
 */
#include "telemetry/own.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

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
