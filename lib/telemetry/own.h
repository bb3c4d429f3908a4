/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * own - what the threads of control count of themselves, for the metrics.
 *
 * Threads any but workers; several may count at once.
 */
#ifndef TELEMETRY_OWN_H
#define TELEMETRY_OWN_H

#include <stdint.h>

#include "telemetry/telemetry.h"

#define TELEMETRY_METHODS    6
#define TELEMETRY_STATUS_MAX 600

extern const char *const telemetry_methods[TELEMETRY_METHODS];

/* Where events go, and what of them got there. */
enum {
	TELEMETRY_SINK_FILE,
	TELEMETRY_SINK_JOURNAL,
	TELEMETRY_SINK_WEBHOOK,
	TELEMETRY_SINKS
};

extern const char *const telemetry_sinks[TELEMETRY_SINKS];

struct telemetry_sink {
	uint64_t is_on, is_broken; /* 0 or 1 */
	uint64_t written, lost, waiting;
};

struct telemetry_own {
	uint64_t events_seq; /* number of the newest event */
	uint64_t
		events_dropped; /* that reached no sink at all: beyond the rate, no room */
	struct telemetry_sink sink[TELEMETRY_SINKS];
	/* By method, the last of which is any other, and status; 0 is one that HTTP lacks. */
	uint64_t requests[TELEMETRY_METHODS][TELEMETRY_STATUS_MAX];
	/* Set by telemetry_set_events(). */
	json_t *(*events)(void *arg, const struct telemetry_ask *ask);
	void *events_arg;
};

struct telemetry_own *telemetry_own(struct telemetry *t);

/* "events" of the status: the newest number, what was left out, and each sink. */
json_t *telemetry_events_object(struct telemetry *t);

/* Events that nobody will read: beyond the rate, or there was no room for them. */
void telemetry_count_events_dropped(struct telemetry *t, uint64_t n);

/* One request answered. */
void telemetry_count_request(struct telemetry *t, const char *method,
                             unsigned int status);

#endif
