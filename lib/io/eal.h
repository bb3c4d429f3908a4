/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * eal - start and stop DPDK's environment with what preflight found.
 *
 * Lcore 0 is control, lcores 1..workers are the workers. They are mapped to
 * cores, so that control and worker may share the only core of a small
 * machine. Memory is anonymous: two processes never disturb each other, and
 * nothing is left behind by one that was killed.
 *
 * Threads the main thread, which becomes lcore 0.
 */
#ifndef IO_EAL_H
#define IO_EAL_H

#include <stdbool.h>

#include "io/end.h"

struct eal_plan {
	const char *prefix;       /* name below /run/dpdk, as in dpdk-telemetry.py -f */
	unsigned int n_cores;     /* lcores */
	const unsigned int *core; /* core of lcore i */
	bool has_hugepages;
	bool has_telemetry;
	unsigned int memory_mib; /* taken at once without hugepages, else as needed */
	unsigned int n_ends;     /* PCI devices among them are allowed, others ignored */
	const char *const *ends;
};

/* 0, or -errno with a sentence in why[IO_WHY]. May be called once in a process. */
int eal_start(const struct eal_plan *plan, char *why);

/* After all ports are closed. */
void eal_stop(void);

#endif
