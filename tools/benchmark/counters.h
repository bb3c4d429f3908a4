/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * counters - instructions of the calling thread, where the machine counts them.
 *
 * Virtual machines often have no hardware counters; then there is no figure.
 * Source  perf_event_open(2).
 */
#ifndef BENCHMARK_COUNTERS_H
#define BENCHMARK_COUNTERS_H

#include <stdint.h>

/* A descriptor that counts this thread's instructions outside of the kernel, or -errno. */
int counters_open(void);

/* Instructions so far. */
uint64_t counters_read(int descriptor);

#endif
