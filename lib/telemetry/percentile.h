/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * percentile - where most values lie, and thresholds that leave them alone.
 *
 * Percentiles are of the nearest rank: the smallest value that at least so many per cent
 * of all values do not exceed.
 *
 * Threads any.
 */
#ifndef TELEMETRY_PERCENTILE_H
#define TELEMETRY_PERCENTILE_H

#include <stddef.h>
#include <stdint.h>

struct telemetry_spread {
	size_t n;
	uint64_t p50, p95, p99, highest;
};

/* Sorts the values. All 0 of none. */
void telemetry_spread_of(uint64_t *value, size_t n, struct telemetry_spread *out);

/* Thresholds for what has this spread in quiet time; of highest 0 there are none: all 0. */
struct telemetry_suggestion {
	uint64_t alarm, activate, max;
	int is_outlier; /* the highest is so far off that it was left out */
};
void telemetry_suggest(const struct telemetry_spread *s, uint64_t least,
                       struct telemetry_suggestion *out);

/* The next number of two digits and zeros behind: 12,345 is 13,000. */
uint64_t telemetry_round_up(uint64_t value);

#endif
