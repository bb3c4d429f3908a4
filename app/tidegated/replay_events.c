/* SPDX-License-Identifier: BSD-3-Clause */
/* What detection told, in the order in which it was told, for the report. */
#include <jansson.h>

#include "event/lines.h"
#include "replay.h"

void
replay_events_take(struct replay *r)
{
	struct detect_event e;

	while (detect_next_event(r->engine.detect, &e)) {
		json_t *line, *attack, *told;

		if (r->events == NULL)
			r->events = json_array();
		line = event_line_attack(&r->engine.box, &e);
		attack = json_object_get(line, "attack");
		told = json_pack("{s:f, s:O, s:O, s:O, s:O, s:O}", "seconds",
		                 (double)(e.time_ns - REPLAY_START_NS) / 1e9, "status",
		                 json_object_get(attack, "status"), "service",
		                 json_object_get(attack, "service"), "vector",
		                 json_object_get(attack, "vector"), "network",
		                 json_object_get(attack, "network"), "step",
		                 json_object_get(attack, "step"));
		json_array_append_new(r->events, told);
		json_decref(line);
	}
}
