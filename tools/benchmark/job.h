/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * job - what the command line asked of one run of the program.
 *
 * Each result is one JSON object on a line of its own on stdout; everything said to people goes
 * to stderr. Status 0; 1 when a figure would mean nothing; 3 when the machine has not what it
 * takes, with the reason on stderr.
 */
#ifndef BENCHMARK_JOB_H
#define BENCHMARK_JOB_H

#include <stdbool.h>
#include <stdint.h>

#define JOB_RUNS_MAX  99
#define JOB_LOADS_MAX 8
#define JOB_CANNOT    3

struct scenario;

struct job {
	const struct scenario *scenario;
	const char *micro;     /* name of a micro-benchmark instead */
	unsigned int services; /* of the desk instead; 0: it is not asked for */
	bool is_ipv6;
	bool is_cache[2]; /* warm, cold: which are wanted */
	unsigned int runs, ms;
	unsigned int
		load[JOB_LOADS_MAX]; /* per cent of the maximum to measure latency at */
	unsigned int loads;
	bool has_hugepages;
	const char *capture;
};

/* Both return the status to exit with. */
int job_scenario(const struct job *job);
int job_micro(const struct job *job);

/* Names and help of all micro-benchmarks. */
void job_list_micro(void);

/*
 * Whether `bytes` of memory can be taken with a fifth of what is available to spare; says why
 * not.
 */
bool job_has_memory(uint64_t bytes, const char *what);

/* Start DPDK on lcores 0 and 1; false after a sentence. */
bool job_start_eal(const struct job *job);

/* Lowest, median and highest of n > 0 figures; sorts them. */
struct job_spread {
	double lowest, median, highest;
};
struct job_spread job_spread(double *figure, unsigned int n);

#endif
