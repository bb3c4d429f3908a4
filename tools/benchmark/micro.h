/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * micro - one table, meter or function alone, against what DPDK has for it.
 *
 * A measured call works on a batch of 64 items, which are made before each call
 * and outside of the measured time: items come from random numbers, so that no
 * list of them has to be streamed through the cache. The cost of reading the
 * clock twice a batch is taken off. Ours and the reference alternate run by run,
 * so that what the neighbours on the machine do meets both.
 *
 * Units   cycles of the core an item; median, lowest and highest of the runs.
 * Threads the main thread.
 */
#ifndef BENCHMARK_MICRO_H
#define BENCHMARK_MICRO_H

#include <stdbool.h>
#include <stdint.h>

#include "job.h"

#define MICRO_BATCH 64
#define MICRO_ANY   (-1.0) /* whatever share */

/* One thing to measure. */
struct micro_case {
	const char *name; /* NULL: there is none */
	void *state;
	/* Make batch number n. */
	void (*make)(void *state, uint64_t n);
	/* What is measured: work through the batch. Returns how many items did what they should. */
	unsigned int (*run)(void *state);
};

struct micro_row {
	const char *micro, *item; /* "flow_1m", "hit" */
	struct micro_case ours, reference;
	double good; /* share of our items that must do what they should; also the reference's */
	uint64_t batches; /* a run */
};

/* Measure and tell one row. Returns false, after a sentence, when the share is not `good`. */
bool micro_tell(const struct job *job, const struct micro_row *row);

/* Tell a row that was timed once, over many items; 0: no reference. */
void micro_tell_once(const struct micro_row *row, double ours, double reference);

/* For what happens only once: add up batches, but none during which the core was taken away. */
struct micro_sum {
	uint64_t ticks, items;
};
void micro_add(struct micro_sum *sum, uint64_t ticks, uint64_t items);
/* Core cycles an item. */
double micro_cycles(const struct micro_sum *sum);

/* Say on stderr, and as a row, what is left out and why. */
void micro_skip(const char *micro, const char *what, const char *why);

/* A group of rows; returns the status to exit with. */
struct micro {
	const char *name, *help;
	int (*run)(const struct job *job, const struct micro *m);
	uint64_t size; /* entries, where the group has a size */
};

int micro_flow(const struct job *job, const struct micro *m);
int micro_hash(const struct job *job, const struct micro *m);
int micro_parse(const struct job *job, const struct micro *m);
int micro_translate(const struct job *job, const struct micro *m);
int micro_meter(const struct job *job, const struct micro *m);
int micro_prefix(const struct job *job, const struct micro *m);
int micro_cookie(const struct job *job, const struct micro *m);
int micro_answer(const struct job *job, const struct micro *m);
int micro_repeat(const struct job *job, const struct micro *m);
int micro_acl(const struct job *job, const struct micro *m);

#endif
