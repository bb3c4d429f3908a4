/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/load.h"

#include "base/lanes.h"
#include "telemetry/put.h"

static double
ratio(uint64_t part, uint64_t whole)
{
	return whole == 0 ? 0 : (double)part / (double)whole;
}

struct telemetry_load
telemetry_load(const struct telemetry_view *v, unsigned int worker)
{
	const struct telemetry_worker_count *now = &v->now->worker[worker];
	const struct telemetry_worker_count *base = &v->base->worker[worker];
	const uint64_t busy = now->busy_cycles - base->busy_cycles;
	const uint64_t idle = now->idle_cycles - base->idle_cycles;
	/* What was handed over cost little here and everything there. */
	const uint64_t judged = now->judged - base->judged;
	const double fill = ratio(judged, now->bursts - base->bursts);

	return (struct telemetry_load){
		.busy_ratio = ratio(busy, busy + idle),
		.busy_turns_ratio = ratio(now->busy_turns - base->busy_turns,
		                          now->turns - base->turns),
		.cycles_per_packet = ratio(busy, judged),
		/* The two are not read in the same moment, and no burst holds more. */
		.packets_per_burst = fill < LANES_MAX ? fill : LANES_MAX,
	};
}

void
telemetry_put_load(json_t *o, const struct telemetry_load *load)
{
	telemetry_put_ratio(o, "busy_ratio", load->busy_ratio);
	telemetry_put_ratio(o, "cycles_per_packet", load->cycles_per_packet);
	telemetry_put_ratio(o, "packets_per_burst", load->packets_per_burst);
}

json_t *
telemetry_load_array(const struct telemetry_view *v)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < v->box->n_workers; i++) {
		const struct telemetry_load load = telemetry_load(v, i);
		json_t *o = json_object();

		telemetry_put_count(o, "worker", i);
		telemetry_put_load(o, &load);
		json_array_append_new(a, o);
	}
	return a;
}
