/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * metrics_desk - what the threads of control do for Prometheus: events that leave the box,
 * packets that are kept, requests. None of them can stop a packet.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/counter.h"
#include "evidence/evidence.h"
#include "telemetry/own.h"
#include "telemetry/prometheus.h"

/* What is left out before events part is missing everywhere. */
static uint64_t
lost(const struct telemetry_own *own, unsigned int sink)
{
	return counter_read(&own->events_dropped) + counter_read(&own->sink[sink].lost);
}

static void
events(struct telemetry_out *o, const struct telemetry_own *own)
{
	telemetry_family(o, "events_written_total", "counter",
	                 "Events that a file, the journal or a webhook took.");
	for (unsigned int i = 0; i < TELEMETRY_SINKS; i++)
		if (counter_read(&own->sink[i].is_on))
			telemetry_count(o, counter_read(&own->sink[i].written), "sink",
			                telemetry_sinks[i], NULL);
	telemetry_family(o, "events_dropped_total", "counter",
	                 "Lines of events that were not written: too many, or no room.");
	for (unsigned int i = 0; i < TELEMETRY_SINKS; i++)
		if (i == TELEMETRY_SINK_FILE || counter_read(&own->sink[i].is_on))
			telemetry_count(o, lost(own, i), "sink", telemetry_sinks[i],
			                NULL);
	telemetry_family(
		o, "events_waiting", "gauge",
		"Events that a file, the journal or a webhook has not taken yet.");
	for (unsigned int i = 0; i < TELEMETRY_SINKS; i++)
		if (counter_read(&own->sink[i].is_on))
			telemetry_count(o, counter_read(&own->sink[i].waiting), "sink",
			                telemetry_sinks[i], NULL);
}

static void
samples(struct telemetry_out *o, const struct evidence_state *state)
{
	telemetry_family(o, "samples_taken_total", "counter",
	                 "Packets kept to show why they were stopped.");
	if (state != NULL)
		telemetry_count(o, state->taken, NULL);
	telemetry_family(o, "samples_lost_total", "counter",
	                 "Packets that were to be kept and found no room.");
	if (state != NULL)
		telemetry_count(o, state->lost, NULL);
}

/* What cannot do its work now, such as a disk that is full. */
static void
troubles(struct telemetry_out *o, const struct telemetry_own *own,
         const struct evidence_state *state, int history)
{
	telemetry_family(o, "trouble", "gauge",
	                 "1 while the events' file, journal or webhook, the files of "
	                 "samples, or the history on disk take nothing; packets do not "
	                 "depend on them.");
	for (unsigned int i = 0; i < TELEMETRY_SINKS; i++)
		if (counter_read(&own->sink[i].is_on))
			telemetry_count(o, counter_read(&own->sink[i].is_broken), "part",
			                telemetry_sinks[i], NULL);
	if (state != NULL && state->folder[0] != '\0')
		telemetry_count(o, state->error[0] != '\0', "part", "samples", NULL);
	if (history >= 0)
		telemetry_count(o, (uint64_t)history, "part", "history", NULL);
}

static void
requests(struct telemetry_out *o, const struct telemetry_own *own)
{
	char code[16];

	telemetry_family(o, "api_requests_total", "counter",
	                 "Requests answered, by method and status.");
	for (unsigned int m = 0; m < TELEMETRY_METHODS; m++)
		for (unsigned int s = 0; s < TELEMETRY_STATUS_MAX; s++) {
			const uint64_t n = counter_read(&own->requests[m][s]);

			if (n == 0)
				continue;
			snprintf(code, sizeof(code), "%u", s);
			telemetry_count(o, n, "method", telemetry_methods[m], "code",
			                code, NULL);
		}
}

void
telemetry_desk_metrics(struct telemetry_out *o, const struct box *box,
                       const struct telemetry_own *own, int history)
{
	struct evidence_state *state =
		box->evidence != NULL ? malloc(sizeof(*state)) : NULL;

	if (state != NULL)
		evidence_state(box->evidence, state);
	events(o, own);
	samples(o, state);
	troubles(o, own, state, history);
	requests(o, own);
	free(state);
}
