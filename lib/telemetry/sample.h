/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sample - all counters of the box at one moment, added up over workers.
 *
 * Two samples make a window, and every rate that is shown comes from one: the
 * counters now against the newest stored sample that is at least a second old.
 *
 * A worker writes its books while they are read, so one reading may fall
 * between "received" and "forwarded" of one burst. Each pair of books is read
 * again, a bounded number of times, until it balances; what still differs is
 * kept in `unaccounted`: in flight when the worker moves, a mistake when it rests.
 *
 * Units   packets, bytes of frames, ns of the worker clock.
 * Threads taking: any but workers. A sample belongs to who took it.
 */
#ifndef TELEMETRY_SAMPLE_H
#define TELEMETRY_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "telemetry/box.h"

struct telemetry_service_count {
	uint64_t received[2]; /* packets, bytes: what came for the service */
	uint64_t passed[2];
	uint64_t dropped[2];
	uint64_t would;
	uint64_t verified_dropped;
	uint64_t outbound[2];          /* what the service itself sent */
	uint64_t vector[VECTOR_COUNT]; /* packets that came, by kind */
	bool is_judged; /* something was stopped or spared, so it has reasons */
};

struct telemetry_worker_count {
	uint64_t turns, busy_turns, busy_cycles, idle_cycles, bursts;
	uint64_t received, forwarded, dropped;
	uint64_t handed, taken, judged; /* judged: received - handed + taken */
	uint64_t waiting, waiting_most;
	uint64_t last_turn_ns;
	uint64_t stalls, stalled_cycles;
	int lcore;
};

struct telemetry_sample {
	struct books books[BOX_LINKS_MAX][2];
	int64_t unaccounted[BOX_LINKS_MAX][2]; /* received - where it went */
	int64_t unsent[BOX_LINKS_MAX][2];      /* sent - where it came from */
	uint64_t time_ns;
	uint64_t decided[STAGE_MAX][STAGE_MAX_REASONS];
	uint64_t would[STAGE_MAX][STAGE_MAX_REASONS];
	struct telemetry_worker_count worker[BOX_WORKERS_MAX];
	unsigned int services; /* so many ids were read */
	struct telemetry_service_count service[SERVICE_MAX];
	struct box_link link[BOX_LINKS_MAX];
	uint64_t proven,
		resets; /* flows that proved themselves, and of these those reset */
};

/* Zeroed; NULL when out of memory. free() it. */
struct telemetry_sample *telemetry_sample_new(void);

/* Read everything the box counts, of so many services, into `s`, which is overwritten. */
void telemetry_sample_take(const struct box *box, unsigned int services,
                           struct telemetry_sample *s);

/* Stage by number, stage_io after the last; NULL beyond. */
const struct stage *telemetry_stage(unsigned int stage);

/* Add `from` to `to`, field by field. */
void telemetry_books_add(struct books *to, const struct books *from);

#endif
