/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pace - when packets may go, and how to wait for that.
 *
 * The schedule is absolute, so short delays are made up for and the mean rate holds. A
 * stall longer than PACE_SLACK_NS moves the whole schedule instead: what was missed is
 * not sent in a burst, so in no stretch of time more goes out than rate * (time + slack).
 *
 * Units   ns of CLOCK_MONOTONIC.
 * Threads none.
 */
#ifndef TRAFFICGEN_PACE_H
#define TRAFFICGEN_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_SLACK_NS 1000000ull

struct pace {
	uint64_t began_ns;
	uint64_t start_ns; /* where the schedule's time 0 lies; grows with each stall */
	uint64_t late_ns;  /* by how much in all */
};

uint64_t pace_now(void);

void pace_begin(struct pace *p);

/* Whether a packet of this time of the schedule may go at now; a stall is taken out. */
bool pace_is_due(struct pace *p, uint64_t at_ns, uint64_t now);

/*
 * Sleep until that packet is due or limit_ns of the clock is reached; signals end it too.
 */
void pace_wait(const struct pace *p, uint64_t at_ns, uint64_t limit_ns);

/* Let SIGINT and SIGTERM ask for an orderly end instead of killing. */
void pace_catch_signals(void);
bool pace_is_stopped(void);

#endif
