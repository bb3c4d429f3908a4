/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * history_parts - what the files of history share; for them only.
 *
 *     history.c         open, close, the thread; seconds and minutes are kept
 *     history_count.c   reads the counters and turns them into rates
 *     history_read.c    answers questions
 *     history_attacks.c the course of attacks
 *     history_disk.c    what is written to the store, and when
 *     history_rows.c    as which rows
 *     frames.c          rows in memory
 */
#ifndef TELEMETRY_HISTORY_PARTS_H
#define TELEMETRY_HISTORY_PARTS_H

#include <pthread.h>

#include "policy/policy.h"
#include "telemetry/history.h"
#include "telemetry/history_attacks.h"
#include "telemetry/history_disk.h"

#define HISTORY_COUNTS (TELEMETRY_OUTBOUND_BITS + 1) /* values that are counted */
#define HISTORY_SLOTS  (VECTOR_COUNT + 1)            /* vectors, and the whole */
#define HISTORY_PLACES (SERVICE_MAX + 1)             /* services, and the whole box */
#define HISTORY_NAME   64

/* What one service and vector, or the whole of it, has counted; packets and bytes. */
struct history_counts {
	uint64_t value[HISTORY_COUNTS];
};

/* A service or the box: what it had counted a second ago, and since the minute began. */
struct history_place {
	uint32_t name; /* number of the name it had then */
	bool is_known; /* `before` was read under that name */
	bool is_attack[HISTORY_SLOTS];
	struct history_counts before[HISTORY_SLOTS];
	struct history_counts minute[HISTORY_SLOTS];
	uint64_t peak[HISTORY_SLOTS][2]; /* highest second: packets, bits */
};

struct telemetry_history {
	struct telemetry *telemetry;
	struct box *box;

	/* Only the thread's. */
	struct history_place *place;     /* HISTORY_PLACES; the last is the box */
	struct telemetry_row *row;       /* room for one frame */
	char (*now_name)[HISTORY_NAME];  /* SERVICE_MAX: of the services in force */
	bool (*attacked)[HISTORY_SLOTS]; /* SERVICE_MAX: an attack runs */
	unsigned int n_challenges;
	unsigned int challenge[STAGE_MAX * STAGE_MAX_REASONS]; /* reasons by index */
	uint64_t last_ns,
		minute_ns; /* worker clock of the last reading; time in minute[] */
	int64_t last_s, minute_s;

	pthread_t thread;
	bool has_thread, is_over;
	pthread_cond_t wake;
	pthread_mutex_t lock; /* of is_over and what follows */
	struct telemetry_frames seconds, minutes;
	size_t names, names_room;
	char (*name)[HISTORY_NAME]; /* [0] is "", the whole box */

	struct history_attacks attacks; /* has a lock of its own */
	struct history_disk disk;       /* this too */
};

/* The number of a name, made when it is new; 0 when there is no room. Under lock. */
uint32_t history_name(struct telemetry_history *h, const char *name);
/* The number of a name, or 0. Under lock. */
uint32_t history_name_find(const struct telemetry_history *h, const char *name);

/*
 * Read all counters. Fills h->row with the rates since the last reading, sorted, and
 * adds to the minute. Returns how many rows; the box has always one.
 */
size_t history_count(struct telemetry_history *h, uint64_t now_ns);
/* Fill h->row with the minute that is over, and begin the next. */
size_t history_count_minute(struct telemetry_history *h);

/* Find the reasons that count as answered. */
void history_count_open(struct telemetry_history *h);

#endif
