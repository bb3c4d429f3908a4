/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * events - what happened, as one line of JSON each, in the shape of Suricata's EVE.
 *
 *     detect's events ---.                     .--> file or standard output, journal,
 *     workers' notices --+--> writer thread ---+    webhook (outlets.h)
 *     other threads -----'    100 lines/s,     +--> the newest, in memory
 *                             a burst of 200   '--> listeners: the history
 *
 * Each event has a number, `seq`, one above the last since the start. Events beyond
 * the rate get none: they are left out and counted in the `suppressed` of the next;
 * start and end of an attack and what operators do are always written. The writer
 * also looks after links and workers once a second.
 *
 * Types   attack (status alarm, start, step, update, end) · block, unblock · mode ·
 *         bypass · config · list · port · worker · audit · daemon (start, stop) ·
 *         trouble (start, end)
 * Threads events_tell_*: any but workers and the control lcore. They queue
 *         and return at once. A NULL `e` is allowed and does nothing.
 */
#ifndef EVENT_EVENTS_H
#define EVENT_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/notices.h"
#include "policy/settings.h"
#include "telemetry/telemetry.h"

struct events;

struct events_from {
	struct telemetry *telemetry;
	const struct settings_events *settings; /* where they go; copied; NULL: nowhere */
	const char *journal_socket;             /* NULL: the journal's own */
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

/* Go elsewhere from the writer's next turn on, as `settings` say, which are copied. */
void events_configure(struct events *e, const struct settings_events *settings);

/* The file was moved away: open it anew. Also for a signal handler. */
void events_reopen(struct events *e);

/* One event as a listener hears it; all of it is the writer's. */
struct events_told {
	uint64_t seq;
	uint64_t unix_ns;          /* of its timestamp, to the microsecond */
	const char *type, *status; /* status "" where the type has none */
	json_t *event;             /* may be kept by json_incref(), and never changed */
	const char *line;          /* the same as text, without newline */
	size_t len;
};

/* Called by the writer for every event, in order; must return soon. */
struct events_listener {
	void (*hear)(void *arg, const struct events_told *told);
	void *arg;
};

#define EVENTS_LISTENERS 4

/* Any thread, until events_close(). Returns 0, or -ENOSPC. */
int events_listen(struct events *e, const struct events_listener *listener);

/* A reload: errors NULL or without entries when it was taken over. */
void events_tell_config(struct events *e, const struct conf_errors *errors);

/* The file of a list was read: taken, perhaps with warnings, or refused with errors. */
void events_tell_list(struct events *e, const char *list, bool is_loaded,
                      const struct conf_errors *errors);

/*
 * Somebody changed something by API; `request` (or NULL) is what they sent, kept by us
 * when it is short. `who` is "" when nobody was let in.
 */
void events_tell_audit(struct events *e, const char *who, const char *what,
                       const json_t *request, unsigned int status);

/* Why something set by hand changed. */
enum events_cause { EVENTS_SET, EVENTS_TAKEN_BACK, EVENTS_EXPIRED };

/* A timed entry of the deny or allow list came or went. */
void events_tell_block(struct events *e, const struct policy_block *block,
                       enum events_cause cause);

/* service NULL: all. mode as the API names it. until_ns of the worker clock; 0: no end. */
void events_tell_mode(struct events *e, const char *service, const char *mode,
                      uint64_t until_ns, enum events_cause cause);
void events_tell_bypass(struct events *e, bool is_on, uint64_t until_ns,
                        enum events_cause cause);

/* status "start" or "stop". */
void events_tell_daemon(struct events *e, const char *status);

/* Something beside the wire, such as "history", does not work, or works again. */
void events_tell_trouble(struct events *e, const char *what, bool is_over,
                         const char *message);

#endif
