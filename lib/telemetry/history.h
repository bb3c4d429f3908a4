/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * history - what was, second by second and minute by minute.
 *
 *     counters --(every second)--> seconds in memory --(every minute)--> minutes in memory
 *     attacks  --(every second)--> their course in memory             \        |
 *     events   ----------------------------------------------------> store (SQLite)
 *
 * Each second the counters of every service and vector are read and kept as rates; at
 * the end of each minute its mean and its highest second are kept too. Memory is
 * bounded by time and by bytes, oldest first out (frames.h), and only what had traffic
 * takes any. What is older than memory comes from the store; without one, or while its
 * disk is in trouble, memory is all there is. Nothing here can stop a packet.
 *
 * Units   rates per second; bits of frames; seconds of Unix time, as the worker clock
 *         and the wall clock at the start give it.
 * Threads two of its own, one that counts and one that writes; asking: any but workers.
 */
#ifndef TELEMETRY_HISTORY_H
#define TELEMETRY_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "telemetry/frames.h"
#include "telemetry/telemetry.h"

#define HISTORY_SECONDS 600   /* kept one by one */
#define HISTORY_MINUTES 10080 /* kept in memory, where it is enough */
#define HISTORY_NAMES   16384 /* services by name, over all reloads */

struct telemetry_history;

/* The disk does not take what is remembered, or does again. Called by the writer. */
typedef void history_tell(void *arg, bool is_over, const char *message);

struct telemetry_history_from {
	struct telemetry *telemetry;
	uint64_t memory;    /* bytes for rows, half of them for seconds */
	const char *folder; /* of the store; NULL: memory alone */
	uint64_t size;      /* bytes of the store */
	uint64_t keep_s;    /* age of what is in it; 0: only the size counts */
	history_tell *tell; /* may be NULL */
	void *arg;
	bool has_thread; /* else both turns are the caller's to call */
};

/*
 * Begin to remember; documents of `telemetry` find it from now on. Returns NULL, with
 * errno, when out of memory or threads.
 */
struct telemetry_history *
telemetry_history_open(const struct telemetry_history_from *from);
/* End the threads: nothing is told from now on, and events may still come. NULL is allowed. */
void telemetry_history_stop(struct telemetry_history *h);
/* Write what is left and forget. No document may be asked meanwhile. NULL is allowed. */
void telemetry_history_close(struct telemetry_history *h);

/* What is done every second; does nothing when the second is not over. */
void telemetry_history_turn(struct telemetry_history *h);

/* What the writer does every second. */
void telemetry_history_write(struct telemetry_history *h);

/* One event, to be stored; steps of attacks become part of their course. */
struct telemetry_history_event {
	uint64_t unix_ns;
	const char *type, *service, *line; /* "" where there is none */
	const char *attack, *step;         /* its id, and the step it stands on */
};
void telemetry_history_event(struct telemetry_history *h,
                             const struct telemetry_history_event *e);

/* Adds what is wrong with the store to the warnings of the status. */
void telemetry_history_warn(struct telemetry_history *h, json_t *warnings);

/* 1 while the store takes nothing, 0 while it does, -1 where there is none; also of NULL. */
int telemetry_history_trouble(struct telemetry_history *h);

/* The store, or NULL; also of NULL. */
struct store;
struct store *telemetry_history_store(struct telemetry_history *h);

/* One step of an answer: the sums of what is known of it. */
struct telemetry_point {
	double seconds;               /* how much of the step is known; 0: nothing */
	double sum[TELEMETRY_VALUES]; /* rates times seconds; peaks are peaks */
	bool is_attack;
};

struct telemetry_history_query {
	const char *service; /* NULL or "": the whole box */
	uint8_t vector;      /* TELEMETRY_ALL_VECTORS: the whole service */
	int64_t from_s;
	int64_t step_s; /* below a minute: from seconds, else from minutes */
	size_t points;  /* in the answer */
};

/*
 * Fill query->points zeroed points. Returns 0, or -ENOENT when nothing is known of a
 * service of that name.
 */
int telemetry_history_read(struct telemetry_history *h,
                           const struct telemetry_history_query *query,
                           struct telemetry_point *out);

/* Beginning of the oldest second that is kept; INT64_MAX when there is none. */
int64_t telemetry_history_seconds_from(struct telemetry_history *h);

#endif
