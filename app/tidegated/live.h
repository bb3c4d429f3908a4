/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * live - the loops of a gate in a real wire: one per worker, one for control.
 *
 *     worker   for every link and side: receive, hand over what belongs to another
 *              worker, judge, settle, account; the same with what others handed
 *              over; then a little upkeep, and a sleep when there is nothing to do
 *     control  forwards what workers handed over (transmit = control), ticks
 *              detection every 10 ms, and nothing else
 *
 * The worker clock is the time-stamp counter since live_open(), in ns. A
 * sleeping worker is offline for grace periods, so no change waits for it.
 *
 * A worker that is asked to end stops receiving once its ports are quiet, and
 * goes on with what others hand over until none of them receives any more: what
 * was received is judged and sent, however many pipes it crosses.
 *
 * Threads as marked.
 */
#ifndef TIDEGATED_LIVE_H
#define TIDEGATED_LIVE_H

#include <stdbool.h>

#include "engine.h"
#include "io/wire.h"

struct live {
	struct engine engine;
	struct io_wire wire;
	/* [worker * n_links * 2 + link * 2 + side] */
	struct io_queue *queue;
	bool is_stopping;       /* __atomic, relaxed */
	unsigned int working;   /* workers that have not ended; __atomic */
	unsigned int receiving; /* those that still receive; __atomic */
	uint64_t sleep_ns;      /* of an idle worker; 0: it must not sleep */
	uint64_t control_turns; /* of control's loop: its heartbeat */
	bool shares_core;       /* the first worker shares its core with control */
};

/* Start the worker clock; before engine_open(). */
void live_clock_start(void);

/* ns of the worker clock. Any thread. */
uint64_t live_clock(void);

/* Make the queues of an open engine and wire. 0 or -ENOMEM. */
int live_open(struct live *l);
void live_close(struct live *l);

/* One worker's life, until is_stopping; run on its lcore. Takes struct live, returns 0. */
int live_worker(void *live);

/* Control's life: launches the workers, returns when is_stopping and all of them ended. */
void live_control(struct live *l);

/* May be called by any thread. */
void live_stop(struct live *l);

#endif
