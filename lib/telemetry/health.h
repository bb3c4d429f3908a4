/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * health - what is wrong with the box, found step by step along the way of a packet.
 *
 *     link -> rx -> parse -> service -> verdict -> tx, and `box` for what is beside it
 *
 * Each finding has a name that never changes (for programs), one sentence that says what
 * is seen, and one that says what to do.
 *
 * Threads any but workers and the control lcore; it may read files.
 */
#ifndef TELEMETRY_HEALTH_H
#define TELEMETRY_HEALTH_H

#include <jansson.h>

#include "telemetry/pulse.h"
#include "telemetry/view.h"

enum health_step {
	HEALTH_LINK,
	HEALTH_RX,
	HEALTH_PARSE,
	HEALTH_SERVICE,
	HEALTH_VERDICT,
	HEALTH_TX,
	HEALTH_BOX,
	HEALTH_STEPS
};

enum health_level { HEALTH_NOTE, HEALTH_WARNING, HEALTH_FAULT };

/* One examination. `now` and `before` are counts some seconds apart. */
struct health {
	struct telemetry *telemetry;
	const struct telemetry_view *view;
	struct box *box;
	struct telemetry_pulse pulse;
	struct telemetry_mark now, before;
	double seconds;       /* between the two */
	unsigned int attacks; /* that run */
	bool is_ingress;
	json_t *findings;
	json_t *counts[HEALTH_STEPS];
	enum health_level worst[HEALTH_STEPS];
};

/* One finding; remedy may be "". */
struct health_finding {
	enum health_step step;
	enum health_level level;
	const char *name, *subject, *remedy;
};

void health_add(struct health *h, const struct health_finding *f, const char *sentence,
                ...) __attribute__((format(printf, 3, 4)));

/* The way of a packet, and what is beside it. */
void health_look_at_wire(struct health *h);
void health_look_at_box(struct health *h);
/* Files: configuration, tokens, room on disk. */
void health_look_at_files(struct health *h);

#endif
