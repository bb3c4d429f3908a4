/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/percentile.h"

#include <stdlib.h>
#include <string.h>

/* The highest minute is taken for an event of its own from so many times p99 on. */
#define OUTLIER 5

static int
by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t
rank(const uint64_t *value, size_t n, unsigned int percent)
{
	return value[(n * percent + 99) / 100 - 1];
}

void
telemetry_spread_of(uint64_t *value, size_t n, struct telemetry_spread *out)
{
	memset(out, 0, sizeof(*out));
	out->n = n;
	if (n == 0)
		return;
	qsort(value, n, sizeof(*value), by_value);
	out->p50 = rank(value, n, 50);
	out->p95 = rank(value, n, 95);
	out->p99 = rank(value, n, 99);
	out->highest = value[n - 1];
}

uint64_t
telemetry_round_up(uint64_t value)
{
	uint64_t power = 1;

	while (value / power >= 100)
		power *= 10;
	return (value + power - 1) / power * power;
}

static uint64_t
times(uint64_t value, unsigned int tenths)
{
	return (uint64_t)((double)value * tenths / 10 + 0.5);
}

void
telemetry_suggest(const struct telemetry_spread *s, uint64_t least,
                  struct telemetry_suggestion *out)
{
	uint64_t by_p99, by_highest;

	memset(out, 0, sizeof(*out));
	if (s->highest == 0)
		return;
	out->is_outlier = s->p99 > 0 && s->highest / OUTLIER > s->p99;
	by_p99 = times(s->p99, 20);
	by_highest = out->is_outlier ? 0 : times(s->highest, 15);
	out->activate = by_p99 > by_highest ? by_p99 : by_highest;
	if (out->activate < least)
		out->activate = least;
	out->activate = telemetry_round_up(out->activate);
	out->alarm = telemetry_round_up(times(out->activate, 7));
	out->max = telemetry_round_up(times(s->p99, 12));
	if (out->max < telemetry_round_up(times(out->activate, 3)))
		out->max = telemetry_round_up(times(out->activate, 3));
	if (out->max > out->activate)
		out->max = out->activate;
}
