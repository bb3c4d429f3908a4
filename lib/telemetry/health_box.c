/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * health_box - what is beside the way of a packet: workers, clock, warnings.
 */
#include <stdio.h>
#include <string.h>

#include "telemetry/health.h"
#include "telemetry/load.h"
#include "telemetry/put.h"

#define BUSY       0.95 /* share of a worker's cycles: packets will soon be lost */
#define STARVED    0.1  /* share of its time that a worker was not let run */
#define HANGING_NS UINT64_C(1000000000)

static void
look_at_worker(struct health *h, unsigned int i)
{
	const struct telemetry_worker_count *now = &h->view->now->worker[i];
	const struct telemetry_worker_count *base = &h->view->base->worker[i];
	const double busy = telemetry_load(h->view, i).busy_ratio;
	const uint64_t all = now->busy_cycles - base->busy_cycles + now->idle_cycles -
	                     base->idle_cycles;
	const double away =
		all == 0 ? 0
			 : (double)(now->stalled_cycles - base->stalled_cycles) /
				   (double)all;
	char name[16];

	snprintf(name, sizeof(name), "%u", i);
	if (h->now.time_ns > now->last_turn_ns + HANGING_NS)
		health_add(h,
		           &(struct health_finding){ HEALTH_BOX, HEALTH_FAULT,
		                                     "worker_hangs", name,
		                                     "Its packets wait in the port; when "
		                                     "it does not come back, "
		                                     "restart, and keep the log." },
		           "Worker %u has not moved for %.1f s.", i,
		           (double)(h->now.time_ns - now->last_turn_ns) / 1e9);
	else if (away > STARVED)
		health_add(
			h,
			&(struct health_finding){
				HEALTH_BOX, away > 0.5 ? HEALTH_FAULT : HEALTH_WARNING,
				"worker_starved", name,
				"Something else runs on its core: give the workers cores "
				"of their own (dataplane.cores, isolcpus=), and in a "
				"virtual machine real ones." },
			"Worker %u, on core %d, was not let run for %.0f %% of the last "
			"%.1f s.",
			i, now->lcore, 100 * away, (double)h->view->window_ns / 1e9);
	if (busy > BUSY)
		health_add(
			h,
			&(struct health_finding){
				HEALTH_BOX, HEALTH_WARNING, "worker_overloaded", name,
				"Give more workers (dataplane.workers, dataplane.cores); "
				"`tidegate workers` shows whether the load is spread." },
			"Worker %u is busy %.0f %% of its time: the port will soon lose "
			"packets.",
			i, 100 * busy);
}

static void
look_at_clock(struct health *h)
{
	const double seconds = (double)h->pulse.jumped_ns / 1e9;

	if (h->pulse.jumped_at_ns == 0 || (seconds < 1 && seconds > -1))
		return;
	health_add(
		h,
		&(struct health_finding){
			HEALTH_BOX, HEALTH_WARNING, "clock_jumped", "",
			"See that the clock is kept by NTP (`timedatectl`). Packets are "
			"judged by a clock that is not set; times told here go on from "
			"the "
			"old time until tidegated is restarted." },
		"The clock of this machine was set %s by %.0f s, %.0f s ago.",
		seconds < 0 ? "back" : "forward", seconds < 0 ? -seconds : seconds,
		(double)(h->now.time_ns - h->pulse.jumped_at_ns) / 1e9);
}

static void
say_warnings(struct health *h)
{
	json_t *all = json_array();
	const json_t *w;
	size_t i;

	pthread_mutex_lock(&h->box->lock);
	for (i = 0; i < h->box->n_warnings; i++)
		json_array_append_new(all, json_string(h->box->warnings[i]));
	pthread_mutex_unlock(&h->box->lock);
	telemetry_lists_warn(h->box, all);
	json_array_foreach(all, i, w)
	{
		const char *text = json_string_value(w);

		health_add(h,
		           &(struct health_finding){ HEALTH_BOX, HEALTH_WARNING,
		                                     strstr(text, "hugepages") != NULL
		                                             ? "no_hugepages"
		                                             : "warning",
		                                     "", "" },
		           "%s", text);
	}
	json_decref(all);
}

void
health_look_at_box(struct health *h)
{
	char why[160];

	telemetry_put_count(h->counts[HEALTH_BOX], "workers", h->box->n_workers);
	for (unsigned int i = 0; i < h->box->n_workers; i++)
		look_at_worker(h, i);
	look_at_clock(h);
	say_warnings(h);
	telemetry_put_bool(h->counts[HEALTH_BOX], "ready",
	                   telemetry_ready(h->telemetry, why));
}
