/* SPDX-License-Identifier: BSD-3-Clause */
/* What the box itself is busy with: workers and their tables. */
#include <stdio.h>

#include "base/counter.h"
#include "flow/flow.h"
#include "flow/source.h"
#include "telemetry/load.h"
#include "telemetry/prometheus.h"

#define NAME 16

static const char *
name_of(unsigned int worker, char name[NAME])
{
	snprintf(name, NAME, "%u", worker);
	return name;
}

/* --- workers ----------------------------------------------------------------- */

static void
count_family(struct telemetry_out *o, const struct telemetry_view *v,
             const char *const what[2],
             uint64_t (*read)(const struct telemetry_worker_count *))
{
	char name[NAME];

	telemetry_family(o, what[0], "counter", what[1]);
	for (unsigned int i = 0; i < v->box->n_workers; i++)
		telemetry_count(o, read(&v->now->worker[i]), "worker", name_of(i, name),
		                NULL);
}

static uint64_t
received(const struct telemetry_worker_count *w)
{
	return w->received;
}

static uint64_t
bursts(const struct telemetry_worker_count *w)
{
	return w->bursts;
}

static uint64_t
busy_cycles(const struct telemetry_worker_count *w)
{
	return w->busy_cycles;
}

static uint64_t
idle_cycles(const struct telemetry_worker_count *w)
{
	return w->idle_cycles;
}

static void
load_family(struct telemetry_out *o, const struct telemetry_view *v,
            const char *const what[2], double (*read)(const struct telemetry_load *))
{
	char name[NAME];

	telemetry_family(o, what[0], "gauge", what[1]);
	for (unsigned int i = 0; i < v->box->n_workers; i++) {
		const struct telemetry_load load = telemetry_load(v, i);

		telemetry_value(o, read(&load), "worker", name_of(i, name), NULL);
	}
}

static double
busy_ratio(const struct telemetry_load *l)
{
	return l->busy_ratio;
}

static double
cycles_per_packet(const struct telemetry_load *l)
{
	return l->cycles_per_packet;
}

static double
packets_per_burst(const struct telemetry_load *l)
{
	return l->packets_per_burst;
}

static void
heartbeat(struct telemetry_out *o, const struct telemetry_view *v)
{
	char name[NAME];

	telemetry_family(o, "worker_heartbeat_age_seconds", "gauge",
	                 "Age of the worker's last loop.");
	for (unsigned int i = 0; i < v->box->n_workers; i++) {
		const uint64_t last = v->now->worker[i].last_turn_ns;
		const uint64_t age = v->now->time_ns > last ? v->now->time_ns - last : 0;

		telemetry_value(o, (double)age / 1e9, "worker", name_of(i, name), NULL);
	}
}

const struct histogram_bounds box_delays = {
	14,
	{ 1000, 2000, 5000, 10000, 20000, 30000, 50000, 100000, 200000, 500000, 1000000,
	  2000000, 5000000, 10000000 },
};

/* Of all workers together. */
static void
delays(struct telemetry_out *o, const struct telemetry_view *v)
{
	struct histogram sum = { 0 };

	for (unsigned int i = 0; i < v->box->n_workers; i++)
		histogram_merge(&sum, &v->box->worker[i].delay);
	telemetry_family(
		o, "forwarding_latency_seconds", "histogram",
		"From the reception of a burst until it was sent, of one burst a "
		"millisecond and worker.");
	telemetry_histogram(o, &sum, &box_delays);
}

static void
workers(struct telemetry_out *o, const struct telemetry_view *v)
{
#define COUNT(read, name, help) count_family(o, v, (const char *[]){ name, help }, read)
#define LOAD(read, name, help)  load_family(o, v, (const char *[]){ name, help }, read)
	COUNT(received, "worker_received_packets_total", "Packets the worker took in.");
	COUNT(bursts, "worker_bursts_total", "Bursts that held packets.");
	COUNT(busy_cycles, "worker_busy_cycles_total",
	      "Cycles of turns that found packets, by the time-stamp counter.");
	COUNT(idle_cycles, "worker_idle_cycles_total",
	      "Cycles of turns that found none, by the time-stamp counter.");
	LOAD(busy_ratio, "worker_busy_ratio",
	     "Share of cycles spent on packets, last second.");
	LOAD(cycles_per_packet, "worker_cycles_per_packet",
	     "Busy cycles for each packet judged, last second.");
	LOAD(packets_per_burst, "worker_packets_per_burst",
	     "Fill of bursts that held packets, of 64, last second.");
#undef COUNT
#undef LOAD
	heartbeat(o, v);
}

/* --- tables ------------------------------------------------------------------ */

static const struct table *
flow_table(const struct pipeline *pl)
{
	return pl->env.flows == NULL ? NULL : &pl->env.flows->table;
}

static const struct table *
source_table(const struct pipeline *pl)
{
	return pl->env.sources == NULL ? NULL : &pl->env.sources->table;
}

typedef const struct table *table_function(const struct pipeline *pl);

/* The table of one worker, or NULL: replay and a box that starts may lack it. */
static const struct table *
table_of(const struct telemetry_view *v, unsigned int worker, table_function *which)
{
	const struct pipeline *pl = v->box->worker[worker].pipeline;

	return pl == NULL ? NULL : which(pl);
}

static void
entries(struct telemetry_out *o, const struct telemetry_view *v, table_function *which)
{
	static const char *const classes[TABLE_CLASSES] = {
		[TABLE_UNEARNED] = "unearned",
		[TABLE_EARNING] = "earning",
		[TABLE_EARNED] = "earned",
	};
	char name[NAME];

	for (unsigned int i = 0; i < v->box->n_workers; i++) {
		const struct table *t = table_of(v, i, which);

		for (int c = TABLE_UNEARNED; t != NULL && c < TABLE_CLASSES; c++)
			telemetry_count(o, counter_read(&t->used[c]), "worker",
			                name_of(i, name), "class", classes[c], NULL);
	}
}

static void
capacity(struct telemetry_out *o, const struct telemetry_view *v, table_function *which)
{
	char name[NAME];

	for (unsigned int i = 0; i < v->box->n_workers; i++) {
		const struct table *t = table_of(v, i, which);

		if (t != NULL)
			telemetry_count(o, (uint64_t)t->buckets * TABLE_WAYS, "worker",
			                name_of(i, name), NULL);
	}
}

static void
refused(struct telemetry_out *o, const struct telemetry_view *v, table_function *which)
{
	char name[NAME];

	for (unsigned int i = 0; i < v->box->n_workers; i++) {
		const struct table *t = table_of(v, i, which);

		if (t != NULL)
			telemetry_count(o, counter_read(&t->refused), "worker",
			                name_of(i, name), NULL);
	}
}

static void
tables(struct telemetry_out *o, const struct telemetry_view *v)
{
	telemetry_family(o, "flow_table_entries", "gauge",
	                 "Flows in the table, by what they have earned.");
	entries(o, v, flow_table);
	telemetry_family(o, "flow_table_capacity_entries", "gauge",
	                 "Flows the table has room for.");
	capacity(o, v, flow_table);
	telemetry_family(o, "flow_table_insert_failures_total", "counter",
	                 "Flows that found no room, and were judged without.");
	refused(o, v, flow_table);
	telemetry_family(o, "source_table_entries", "gauge",
	                 "Sources in the table, by what they have earned.");
	entries(o, v, source_table);
	telemetry_family(o, "source_table_capacity_entries", "gauge",
	                 "Sources the table has room for.");
	capacity(o, v, source_table);
	telemetry_family(o, "source_table_insert_failures_total", "counter",
	                 "Sources that found no room, and were judged without.");
	refused(o, v, source_table);
}

void
telemetry_load_metrics(struct telemetry_out *o, const struct telemetry_view *v)
{
	workers(o, v);
	delays(o, v);
	tables(o, v);
}
