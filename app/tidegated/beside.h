/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * beside - everything slow, on ordinary threads beside the wire: telemetry, API,
 * events, signals, links going up and down, what was set for a limited time.
 *
 *     SIGTERM, SIGINT   drain and end
 *     SIGHUP            read the configuration again
 *     SIGUSR1           open the event file anew
 *
 * The service manager, where there is one, is told of all that; its watchdog is fed by a
 * thread that looks at workers and control only (heart.h). If any of it hangs, packets go on.
 *
 * Threads open and close: the main thread, whose affinity its threads inherit.
 */
#ifndef TIDEGATED_BESIDE_H
#define TIDEGATED_BESIDE_H

#include <pthread.h>
#include <stdbool.h>

#include "heart.h"

struct api;
struct live;
struct telemetry;
struct telemetry_history;
struct events;

struct beside {
	struct live *live;
	struct telemetry *telemetry;
	struct telemetry_history *history;
	struct events *events;
	struct api *api; /* NULL: not built, or not wanted */
	pthread_t thread;
	unsigned int seconds; /* of the thread's life */
	struct heart heart;
	bool has_heart; /* somebody wants to be told by sd_notify(3) */
};

/* Hold back the signals above from all threads that are started from now on. */
void beside_block_signals(void);

/* 0, or -errno with a sentence in why[IO_WHY]. */
int beside_open(struct beside *s, struct live *l, char *why);

/* After live_stop(). */
void beside_close(struct beside *s);

#endif
