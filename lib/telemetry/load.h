/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * load - how busy a worker is, in the three figures that an operator reads first.
 *
 *   busy_ratio          share of its cycles in turns that found packets; a worker
 *                       polls, so the clock of the machine says 100 % always
 *   cycles_per_packet   of those turns, all in: receiving, judging, sending
 *   packets_per_burst   how full a burst that was not empty was, of 64: near 64 the
 *                       worker is behind, near 1 it waits for packets
 *
 * All over the window of a view. A ratio of nothing is 0.
 *
 * Units   cycles of the time-stamp counter, which ticks at one rate whatever the
 *         core's clock does.
 * Threads any but workers.
 */
#ifndef TELEMETRY_LOAD_H
#define TELEMETRY_LOAD_H

#include "telemetry/view.h"

struct telemetry_load {
	double busy_ratio, busy_turns_ratio;
	double cycles_per_packet, packets_per_burst;
};

/* Of one worker, 0..n_workers - 1. */
struct telemetry_load telemetry_load(const struct telemetry_view *v, unsigned int worker);

/* The three figures into an object. */
void telemetry_put_load(json_t *o, const struct telemetry_load *load);

/* All workers, as the status has them. */
json_t *telemetry_load_array(const struct telemetry_view *v);

#endif
