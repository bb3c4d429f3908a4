/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/own.h"

#include <string.h>

/* The last stands for what is none of them, so that a label never comes from the network. */
const char *const telemetry_methods[TELEMETRY_METHODS] = { "GET", "HEAD",   "POST",
	                                                   "PUT", "DELETE", "other" };

static void
add(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

void
telemetry_count_events_dropped(struct telemetry *t, uint64_t n)
{
	add(&telemetry_own(t)->events_dropped, n);
}

void
telemetry_count_request(struct telemetry *t, const char *method, unsigned int status)
{
	unsigned int m = 0;

	while (m < TELEMETRY_METHODS - 1 && strcmp(method, telemetry_methods[m]) != 0)
		m++;
	add(&telemetry_own(t)->requests[m][status < TELEMETRY_STATUS_MAX ? status : 0],
	    1);
}
