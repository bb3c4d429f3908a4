/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * look - links and workers, looked at once a second: what changed is an event.
 *
 *     port    up, down · overload: the device lost packets for want of room;
 *             calm: none for ten seconds
 *     worker  stuck: no turn for two seconds; moving again · overload: busy for
 *             three seconds, or its ring from other workers three quarters full;
 *             calm: not so for ten seconds
 *
 * Threads none: it belongs to the writer.
 */
#ifndef EVENT_LOOK_H
#define EVENT_LOOK_H

#include "event/lines.h"

/* One thing that may be too much: how often in a row it was, or was not. */
struct event_strain {
	unsigned int high, low;
	bool is_told;
	uint64_t lost, lost_before; /* packets since it began; before it began */
};

struct event_look {
	bool is_seen; /* what follows is known */
	bool was_up[BOX_LINKS_MAX][2];
	bool was_stuck[BOX_WORKERS_MAX];
	struct event_strain port[BOX_LINKS_MAX][2];
	struct event_strain worker[BOX_WORKERS_MAX];
};

/* Look, and put a line for each change. */
void event_look(struct event_look *look, struct telemetry *t, uint64_t now_ns,
                struct event_line_to *to);

#endif
