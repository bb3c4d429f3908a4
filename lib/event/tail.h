/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tail - the newest events, for who looks at the box now.
 *
 * A ring of a fixed number of events: the oldest goes when another comes.
 *
 * Threads any; it has a lock of its own. Events in it are never changed again, so
 * a document may refer to them.
 */
#ifndef EVENT_TAIL_H
#define EVENT_TAIL_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define EVENT_TAIL 1024 /* a power of two */

struct event_tail {
	pthread_mutex_t lock;
	uint64_t last; /* number of the newest, 0 before the first; they have no gaps */
	json_t *ring[EVENT_TAIL];
};

/* Which events, and how many at most. */
struct event_tail_ask {
	bool has_since; /* those after number `since`, oldest first; else the newest */
	uint64_t since;
	const char *from; /* NULL, or those from this timestamp on, as events write it */
	const char *type; /* "": any */
	unsigned int limit;
};

void event_tail_open(struct event_tail *t);
void event_tail_close(struct event_tail *t);

/* Keep the event of that number, one above the last; a reference is taken. */
void event_tail_add(struct event_tail *t, uint64_t seq, json_t *event);

/*
 * Put "first_seq", "last_seq", "missed" and "events" into o. Numbers are those of the
 * events in memory, 0 when there is none; missed is how many after `since` are gone.
 * Events are in the order in which they happened.
 */
void event_tail_read(struct event_tail *t, const struct event_tail_ask *ask, json_t *o);

#endif
