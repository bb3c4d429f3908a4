/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * queues - how evenly packets meet the workers, and what crosses between them.
 *
 * Imbalance is the largest share over the mean: 1 when all workers have the
 * same, the number of workers when one has everything. Of what they received it
 * speaks of the devices' queues; of what they judged, of flows and cores.
 */
#include <stdio.h>
#include <string.h>

#include "telemetry/parts.h"
#include "telemetry/prometheus.h"
#include "telemetry/put.h"

enum what { RECEIVED, JUDGED, WHATS };

static const char *const what_names[WHATS] = { "received", "judged" };

/* Packets of the window. */
static uint64_t
grown(const struct telemetry_view *v, unsigned int i, enum what what)
{
	const struct telemetry_worker_count *now = &v->now->worker[i];
	const struct telemetry_worker_count *base = &v->base->worker[i];

	return what == RECEIVED ? now->received - base->received
	                        : now->judged - base->judged;
}

static uint64_t
grown_by_all(const struct telemetry_view *v, enum what what)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < v->box->n_workers; i++)
		sum += grown(v, i, what);
	return sum;
}

static double
share(const struct telemetry_view *v, unsigned int i, enum what what)
{
	const uint64_t all = grown_by_all(v, what);

	return all == 0 ? 0 : (double)grown(v, i, what) / (double)all;
}

/* 1 also while nothing comes: nothing is spread evenly. */
static double
imbalance(const struct telemetry_view *v, enum what what)
{
	double most = 0;

	for (unsigned int i = 0; i < v->box->n_workers; i++) {
		const double one = share(v, i, what);

		most = one > most ? one : most;
	}
	return most == 0 ? 1 : most * v->box->n_workers;
}

void
telemetry_put_queue(json_t *o, const struct telemetry_view *v, unsigned int i)
{
	const struct telemetry_worker_count *now = &v->now->worker[i];

	telemetry_put_count(o, "judged_packets", now->judged);
	telemetry_put_count(o, "handed_over_packets", now->handed);
	telemetry_put_count(o, "taken_over_packets", now->taken);
	telemetry_put_ratio(o, "received_share", share(v, i, RECEIVED));
	telemetry_put_ratio(o, "judged_share", share(v, i, JUDGED));
	telemetry_put_count(o, "waiting_packets", now->waiting);
	telemetry_put_count(o, "waiting_most_packets", now->waiting_most);
	telemetry_put_count(o, "waiting_room_packets", v->box->handoff_room);
}

json_t *
telemetry_queues_object(const struct telemetry_view *v)
{
	json_t *o = json_object();
	uint64_t handed = 0, waiting = 0;

	for (unsigned int i = 0; i < v->box->n_workers; i++) {
		handed += v->now->worker[i].handed;
		waiting += v->now->worker[i].waiting;
	}
	telemetry_put_ratio(o, "received_imbalance", imbalance(v, RECEIVED));
	telemetry_put_ratio(o, "judged_imbalance", imbalance(v, JUDGED));
	telemetry_put_count(o, "handed_over_packets", handed);
	telemetry_put_count(o, "waiting_packets", waiting);
	return o;
}

static void
family(struct telemetry_out *o, const struct telemetry_view *v, const char *const what[3],
       size_t offset)
{
	char name[16];

	telemetry_family(o, what[0], what[1], what[2]);
	for (unsigned int i = 0; i < v->box->n_workers; i++) {
		const char *count = (const char *)&v->now->worker[i] + offset;
		uint64_t value;

		memcpy(&value, count, sizeof(value));
		snprintf(name, sizeof(name), "%u", i);
		telemetry_count(o, value, "worker", name, NULL);
	}
}

void
telemetry_queue_metrics(struct telemetry_out *o, const struct telemetry_view *v)
{
#define FAMILY(field, name, type, help)                                                  \
	family(o, v, (const char *[]){ name, type, help },                               \
	       offsetof(struct telemetry_worker_count, field))
	FAMILY(judged, "worker_judged_packets_total", "counter",
	       "Packets the worker judged, whoever received them.");
	FAMILY(handed, "worker_handed_over_packets_total", "counter",
	       "Packets the worker received and another one had to judge.");
	FAMILY(taken, "worker_taken_over_packets_total", "counter",
	       "Packets the worker judged and another one received.");
	FAMILY(waiting, "worker_waiting_packets", "gauge",
	       "Packets handed over that waited for the worker in its last turn.");
	FAMILY(waiting_most, "worker_waiting_most_packets", "gauge",
	       "The most that ever waited for the worker.");
#undef FAMILY
	telemetry_family(o, "queue_imbalance_ratio", "gauge",
	                 "Largest share of a worker over the mean, last second; 1 is "
	                 "even.");
	for (unsigned int what = 0; what < WHATS; what++)
		telemetry_value(o, imbalance(v, (enum what)what), "of", what_names[what],
		                NULL);
}
