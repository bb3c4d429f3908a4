/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ended - blocks that workers made by themselves, until their time is up.
 *
 * A worker tells when it blocks a source; that the block is over nobody tells, so
 * the time is kept here. What finds no room is not told when it ends.
 *
 * Units   ns of the worker clock.
 * Threads none: it belongs to the writer.
 */
#ifndef EVENT_ENDED_H
#define EVENT_ENDED_H

#include <stdint.h>

#include "base/notices.h"

#define EVENT_ENDED 1024

struct event_ended {
	unsigned int count;
	uint64_t next_ns; /* nothing ends before */
	struct notice block[EVENT_ENDED];
};

/* Remember a block that has an end; one more of the same source moves it. */
void event_ended_add(struct event_ended *t, const struct notice *block);

/* Hand over, and forget, every block that is over at now_ns. */
void event_ended_turn(struct event_ended *t, uint64_t now_ns,
                      void (*over)(void *arg, const struct notice *block), void *arg);

#endif
