/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heart - the wire is alive while every worker and control have moved since the last look.
 *
 * A thread of its own, which takes no lock and asks nobody, tells the service manager
 * READY once all of them run, and feeds its watchdog four times in the time that is
 * allowed, but only when all of them moved in between. A worker that hangs for so long
 * is a dead wire, and a restart is better. API, events, lists or a reload that hang are
 * none: packets go on, and so does the watchdog.
 *
 * Threads open and close: the main thread.
 */
#ifndef TIDEGATED_HEART_H
#define TIDEGATED_HEART_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "telemetry/box.h"

struct heart {
	const struct box_worker *worker;
	unsigned int n_workers;
	const uint64_t *control_turns;
	uint64_t
		period_ns; /* between two looks once it is ready; 0: there is no watchdog */
	uint64_t last[BOX_WORKERS_MAX + 1];
	bool has_complained;

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t end;
	bool is_ending; /* under lock */
};

/*
 * Watch n_workers by their turns, and control by its own. `watchdog_ns` is what the manager
 * allows between two pings; 0 without a watchdog. Starts no thread.
 */
void heart_init(struct heart *h, const struct box_worker *worker, unsigned int n_workers,
                const uint64_t *control_turns, uint64_t watchdog_ns);

/*
 * Whether all moved since the last call. `still` (or NULL) gets the first that did not:
 * a worker's number, or n_workers for control.
 */
bool heart_has_moved(struct heart *h, unsigned int *still);

/* Start the thread. 0 or -errno. */
int heart_start(struct heart *h);
/* End it; only after heart_start(). */
void heart_stop(struct heart *h);

#endif
