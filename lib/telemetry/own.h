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

struct telemetry_own {
	uint64_t events_dropped; /* lines that never reached their sink */
	/* By method, the last of which is any other, and status; 0 is one that HTTP lacks. */
	uint64_t requests[TELEMETRY_METHODS][TELEMETRY_STATUS_MAX];
	/* Set by telemetry_set_events(). */
	json_t *(*events)(void *arg, const struct telemetry_ask *ask);
	void *events_arg;
};

struct telemetry_own *telemetry_own(struct telemetry *t);

/* Lines of events that nobody will read: beyond the rate, or the sink was broken. */
void telemetry_count_events_dropped(struct telemetry *t, uint64_t n);

/* One request answered. */
void telemetry_count_request(struct telemetry *t, const char *method,
                             unsigned int status);

#endif
