/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slow_crowd - many slow connections at once, and what became of them.
 *
 * They are opened at a rate, one after the other; each then waits the same interval
 * again and again, so who waits longest is always first in one queue.
 *
 * Books   tried = connecting + refused + failed + opened,
 *         opened = reset + closed + silent + open, always.
 * Units   ns of CLOCK_MONOTONIC.
 * Threads none.
 */
#ifndef TRAFFICGEN_SLOW_CROWD_H
#define TRAFFICGEN_SLOW_CROWD_H

#include <stdbool.h>
#include <sys/queue.h>

#include "slow_talk.h"

#define SLOW_TARGETS_MAX 16
#define SLOW_TALKS_MAX   1000000u

struct slow_plan {
	struct slow_end target[SLOW_TARGETS_MAX];
	unsigned int targets;
	struct prefix from4, from6; /* family 0: the kernel's choice */
	uint64_t sources, connections;
	enum slow_kind kind;
	uint64_t interval_ns, rate;
	bool reopens;
};

struct slow_books {
	uint64_t tried, opened, ended[SLOW_STATES];
	uint64_t connecting, open;        /* now */
	uint64_t shortest_ns, longest_ns; /* lives of those that were open and ended */
	struct slow_bytes bytes;
};

/* One of the crowd; it stands in one queue at most. */
struct slow_one {
	struct slow_talk talk;
	uint64_t step_ns; /* when it speaks again */
	bool steps;       /* stands in to_step */
	TAILQ_ENTRY(slow_one) link;
};

TAILQ_HEAD(slow_queue, slow_one);

struct slow_crowd {
	const struct slow_plan *plan;
	struct slow_one *one;
	uint32_t count;
	struct slow_queue to_open, to_step;
	uint64_t start_ns, begun;
	int epoll;
	int last_error; /* the last that was complained of */
	struct slow_books books;
};

/* Returns 0, or -errno after complaining: no memory, or too few descriptors allowed. */
int slow_crowd_open(struct slow_crowd *c, const struct slow_plan *plan);
void slow_crowd_close(struct slow_crowd *c);

/* Do what is due, and wait for more until `until_ns` at the latest. */
void slow_crowd_turn(struct slow_crowd *c, uint64_t until_ns);

#endif
