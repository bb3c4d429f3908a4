/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scenario - what the benchmark sends, and the configuration it meets.
 */
#ifndef BENCHMARK_SCENARIO_H
#define BENCHMARK_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frames.h"

struct worker;
struct policies;

struct traffic {
	bool is_ipv6;
	size_t frames; /* how many are precomputed; sent round and round */
	struct frame *frame;
	uint16_t *len; /* of each, bytes */
};

struct scenario {
	const char *name, *help;
	size_t frames;
	size_t flows; /* established before the measurement; 0: none */
	/* Write the configuration (malloc'd text, the caller frees). */
	char *(*configure)(const struct scenario *s);
	/* What frame `i` is. */
	void (*frame)(const struct scenario *s, size_t i, struct frame_spec *spec);
	double forwarded; /* share of packets that must come through, for a check of the run */
	bool is_pcap; /* from a pcap device that repeats a file, instead of stamped */
};

/* All scenarios, ended by a NULL name. */
extern const struct scenario scenarios[];

const struct scenario *scenario_by_name(const char *name);

/* Precompute the frames. Returns 0 or -ENOMEM. */
int scenario_traffic(const struct scenario *s, bool is_ipv6, struct traffic *t);
void scenario_release(struct traffic *t);

/* Establish s->flows connections through the worker, at a virtual time up to *now_ns. */
void scenario_prime(const struct scenario *s, bool is_ipv6, struct worker *w,
                    const struct policies *policies, uint64_t *now_ns);

#endif
