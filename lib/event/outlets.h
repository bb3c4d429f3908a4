/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outlets - where events leave the box: file, journal, webhook; each may be absent.
 *
 * None of them waits, and none knows of the others: what one cannot take is counted
 * as lost to it alone, and told to the others as an event of trouble.
 *
 * Threads the event writer, but for event_outlets_reopen().
 */
#ifndef EVENT_OUTLETS_H
#define EVENT_OUTLETS_H

#include "event/hook.h"
#include "event/journal.h"
#include "event/lines.h"
#include "event/sink.h"
#include "telemetry/own.h"

struct event_outlets {
	struct settings_events set;    /* in force; a copy */
	struct telemetry_sink *counts; /* by TELEMETRY_SINK_*; ours to write */
	struct event_sink sink;
	struct event_journal journal;
	struct event_hook *hook;
	const char *journal_socket;
	bool is_told[TELEMETRY_SINKS]; /* trouble with it */
};

/* All closed. */
void event_outlets_open(struct event_outlets *o, struct telemetry_sink *counts,
                        const char *journal_socket);
/* What the webhook still has is given two seconds. */
void event_outlets_close(struct event_outlets *o);

/* From now on as `set` says, which is copied; what does not change goes on. */
void event_outlets_apply(struct event_outlets *o, const struct settings_events *set,
                         const char *node);

void event_outlets_reopen(struct event_outlets *o);

void event_outlets_write(struct event_outlets *o, const struct events_told *told);
/* The same where the file has it already. */
void event_outlets_write_rest(struct event_outlets *o, const struct events_told *told);

/* About once a second: look after the file. */
void event_outlets_check(struct event_outlets *o);

/* Trouble that began or ended since the last call. */
void event_outlets_troubles(struct event_outlets *o, const struct box *box,
                            struct event_line_to *to);

/* The event that the file works again, to be tried on it; NULL when it is not broken. */
json_t *event_outlets_hope(const struct event_outlets *o, const struct box *box);
/* The file took it. */
void event_outlets_hope_came_true(struct event_outlets *o);

#endif
