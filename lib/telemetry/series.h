/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * series - which services, vectors and reasons get time series of their own.
 *
 * A monitoring system pays for every series, so one box exports SERIES_BUDGET of
 * them at most, whatever its configuration:
 *
 *     services      the first SERIES_SERVICES have names; the others are one, "other"
 *     thresholds    SERIES_THRESHOLDS, in the order of services; the others are left out
 *     vectors       a series once a packet came, SERIES_VECTORS of them
 *     reasons       a series once it stopped a packet, SERIES_REASONS of them
 *     attacks       up to seven series once there was one, SERIES_ATTACKS times
 *     hits          a series once it met a packet, SERIES_HITS of them
 *     lists         the first SERIES_LISTS; the others are left out
 *
 * Who got a series keeps it until the program ends. But for what is left out, what comes
 * too late counts with "other", from its first packet on: no counter ever
 * goes back, because nobody changes sides.
 *
 * Threads under a lock of the caller.
 */
#ifndef TELEMETRY_SERIES_H
#define TELEMETRY_SERIES_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/vector.h"
#include "policy/policy.h"

#define SERIES_BUDGET     20000
#define SERIES_SERVICES   1000 /* besides "default" */
#define SERIES_VECTORS    3000
#define SERIES_REASONS    2000 /* stopped and spared ones together */
#define SERIES_THRESHOLDS 1500
#define SERIES_ATTACKS    300 /* services and vectors */
#define SERIES_HITS       300
#define SERIES_LISTS      60 /* nine of each */

#define SERIES_REASON_WORDS (STAGE_MAX * STAGE_MAX_REASONS / 64)

struct telemetry_split {
	unsigned int vectors, reasons, attacks, hits;     /* given so far */
	uint8_t vector[SERVICE_MAX], attack[SERVICE_MAX]; /* bit: enum vector */
	/* Bit: running index of a reason; stopped, spared. */
	uint64_t reason[2][SERVICE_MAX][SERIES_REASON_WORDS];
	uint64_t hit[STAGE_HITS / 64];
};

/* Service ids from here on are "other". */
#define SERIES_FIRST_OTHER (SERIES_SERVICES + 1)

/* Whether it has, or gets now, a series of its own. */
bool series_of_vector(struct telemetry_split *s, unsigned int service,
                      unsigned int vector);
bool series_of_attack(struct telemetry_split *s, unsigned int service,
                      unsigned int vector);
bool series_of_reason(struct telemetry_split *s, bool is_would, unsigned int service,
                      unsigned int reason);
bool series_of_hit(struct telemetry_split *s, unsigned int id);

/* The name of all others; no service can be called so. Call under box->lock. */
const char *series_other(const struct policies *p);

struct telemetry;
/* Those of this box, locked until telemetry_split_unlock(). */
struct telemetry_split *telemetry_split_lock(struct telemetry *t);
void telemetry_split_unlock(struct telemetry *t);

#endif
