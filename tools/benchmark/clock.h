/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clock - cycles of the core, not of the time-stamp counter.
 *
 * The counter ticks at a fixed rate while the core's clock floats with load and
 * temperature. A chain of dependent multiplications takes three core cycles each,
 * so its length against the counter gives the ratio of the moment. (Additions
 * will not do: recent cores fold them before they execute.)
 */
#ifndef BENCHMARK_CLOCK_H
#define BENCHMARK_CLOCK_H

#include <stdint.h>

/* Core cycles per tick of the time-stamp counter, measured now (about 2 ms). */
double clock_ratio(void);

/* Core frequency in GHz, from the ratio and the counter's own rate in Hz. */
double clock_ghz(double ratio, uint64_t tsc_hz);

#endif
