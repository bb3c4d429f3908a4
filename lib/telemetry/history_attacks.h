/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * history_attacks - what an attack's report needs and nobody knows afterwards.
 *
 * While an attack runs its course is taken down every second: how much came and what
 * became of it, which steps were taken and when, for which reasons the service's packets
 * were stopped, and who was loudest when it was highest. The last of them stay in memory
 * until there is no room, whether they are stored or not.
 *
 * Units   as in detect.h; times of the worker clock.
 * Threads see(): the history's thread. hear(): the event writer. The rest: any but workers.
 */
#ifndef TELEMETRY_HISTORY_ATTACKS_H
#define TELEMETRY_HISTORY_ATTACKS_H

#include <jansson.h>
#include <pthread.h>

#include "telemetry/telemetry.h"

#define HISTORY_ATTACKS 256 /* in memory, running ones and ended ones */
#define HISTORY_POINTS  240 /* of a course; then steps are doubled */
#define HISTORY_STEPS   64
#define HISTORY_HEARD   128

/* A mean over one step of the course; per second. */
struct history_point {
	double packets, bits, dropped, would;
};

struct history_step {
	uint64_t at_ns;
	char name[16];
};

/* One attack as it was last seen. */
struct history_attack {
	struct detect_attack seen;
	bool is_dirty;     /* not stored as it is */
	uint64_t saved_ns; /* 0: never */
	unsigned int turns;

	uint64_t points_ns; /* worker clock at which the first point begins */
	uint64_t point_ns;  /* length of a point */
	unsigned int points;
	struct history_point point[HISTORY_POINTS];
	struct history_point adding; /* the point under way: sums times seconds */
	uint64_t adding_ns;

	unsigned int steps;
	struct history_step step[HISTORY_STEPS];

	uint64_t *before;         /* by reason: stopped, then spared, when it began */
	uint64_t loud_pps;        /* the rate at which the loudest were asked for */
	json_t *reasons, *target; /* of the service; NULL: not known */
	json_t *sources, *destinations; /* the loudest of the box then */
	uint64_t loud_ns;               /* when; 0: never */
};

struct history_attacks {
	struct telemetry *telemetry;
	struct box *box;
	uint64_t *reasons; /* [service * 2 * pipeline_reasons()]: a second ago */

	pthread_mutex_t lock; /* of what follows */
	unsigned int count;
	struct history_attack *attack[HISTORY_ATTACKS]; /* newest first */
	unsigned int heard;
	struct {
		char id[TELEMETRY_ATTACK_ID];
		struct history_step step;
	} hearing[HISTORY_HEARD];
};

/* Returns 0 or -ENOMEM; nothing stays open then. */
int history_attacks_open(struct history_attacks *h, struct telemetry *t);
void history_attacks_close(struct history_attacks *h);

/* What detection knows now; once a second, before the second's reasons are taken down. */
void history_attacks_see(struct history_attacks *h, const struct detect_attack *a,
                         size_t n, uint64_t now_ns);
/* Packets of this service were stopped in the last second: take its reasons down. */
void history_attacks_reasons(struct history_attacks *h, unsigned int service);
/* An attack took a step. */
void history_attacks_hear(struct history_attacks *h, const char *id, const char *step,
                          uint64_t at_ns);

/* The course of an attack as an object. Under lock. */
json_t *history_attack_details(const struct history_attacks *h,
                               const struct history_attack *a);
/* The attack of that id, or NULL. Under lock. */
struct history_attack *history_attacks_find(struct history_attacks *h, const char *id);

#endif
