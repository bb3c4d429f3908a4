/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hook - events to a web server, by a thread of its own.
 *
 *     writer --> queue of 1,000 events, 4 MiB --> thread --> POST, up to 50 at once
 *                the oldest goes first
 *
 * The writer never waits: it puts in and goes on. Events arrive in order, each at
 * least once: what the server may not have taken is sent again. A server that is
 * gone, slow or answers 408, 429 or 5xx is asked again after 0.5, 1, 2 ... 60 s,
 * each time with some jitter, or when it said (Retry-After); an event is given up
 * when it is older than `retry`. Any other answer but 2xx refuses the events, and
 * redirects are not followed. What is not delivered is counted.
 *
 *     {"text": "...", "node": "gate-1", "lost": 0, "events": [ ... ]}
 *
 * Threads event_hook_add, event_hook_read: the event writer; open and close: any, one.
 */
#ifndef EVENT_HOOK_H
#define EVENT_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "event/events.h"
#include "policy/settings.h"

#define EVENT_HOOK_NAME  "events.webhook" /* in events of trouble */
#define EVENT_HOOK_QUEUE 1000
#define EVENT_HOOK_BYTES (4u << 20) /* of their lines */
#define EVENT_HOOK_BATCH 50
#define EVENT_HOOK_WHY   160

struct event_hook;

struct event_hook_counts {
	uint64_t sent, lost, waiting; /* events */
	uint64_t lost_since;          /* of those, since it broke last */
	bool is_broken;               /* the last post did not reach the server */
	char why[EVENT_HOOK_WHY];     /* since it broke */
};

/*
 * Start the thread; settings and node are copied. NULL with errno: -ENOSYS is what was built
 * without libcurl.
 */
struct event_hook *event_hook_open(const struct settings_webhook *settings,
                                   const char *node);

/* Try to deliver the rest for two seconds; without `waits` that goes on behind. NULL is allowed. */
void event_hook_close(struct event_hook *h, bool waits);

/* Put an event into the queue if it is of a type that is wanted. */
void event_hook_add(struct event_hook *h, const struct events_told *told);

void event_hook_read(struct event_hook *h, struct event_hook_counts *counts);

#endif
