/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * events - what happened, as one line of JSON each, in the shape of Suricata's EVE.
 *
 *     detect's events ---.
 *     workers' notices --+--> writer thread --> file | standard output | nowhere
 *     other threads -----'    at most 100 lines a second and a burst of 200
 *
 * Lines beyond the rate are left out and counted in the `suppressed` of the
 * next line; the end of an attack, audits and reloads are always written. The
 * writer also looks after links and workers once a second.
 *
 * Types   attack (status alarm, start, update, end) · block · config · list ·
 *         port · worker · audit
 * Threads events_tell_*: any but workers and the control lcore. They queue
 *         and return at once. A NULL `e` is allowed and does nothing.
 */
#ifndef EVENT_EVENTS_H
#define EVENT_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/notices.h"
#include "telemetry/telemetry.h"

struct events;

struct events_from {
	struct telemetry *telemetry;
	const char *file; /* "" is off, "-" is standard output; copied */
	/* The next notice of any worker; false when there is none. May be NULL. */
	bool (*next_notice)(void *arg, struct notice *out);
	void *arg;
	bool has_thread; /* else events_turn() is the caller's to call */
};

/* Returns NULL, with errno, when out of memory or threads. */
struct events *events_open(const struct events_from *from);
/* Write what is left and end the thread. NULL is allowed. */
void events_close(struct events *e);

/* One pass of the writer: take everything there is and write it. */
void events_turn(struct events *e);

/* The file was moved away: open it anew. Also for a signal handler. */
void events_reopen(struct events *e);

/* A reload: errors NULL or without entries when it was taken over. */
void events_tell_config(struct events *e, const struct conf_errors *errors);

/* The file of a list was read: taken, perhaps with warnings, or refused with errors. */
void events_tell_list(struct events *e, const char *list, bool is_loaded,
                      const struct conf_errors *errors);

/* Somebody changed something by API; `request` (or NULL) is what they sent, kept by us. */
void events_tell_audit(struct events *e, const char *who, const char *what,
                       const json_t *request, unsigned int status);

#endif
