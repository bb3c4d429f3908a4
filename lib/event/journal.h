/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * journal - events to the journal of systemd, with fields to ask for.
 *
 *     MESSAGE            a sentence
 *     PRIORITY           as syslog counts: 6, 4 for attacks and troubles, 2 for the worst
 *     SYSLOG_IDENTIFIER  tidegated
 *     TIDEGATE_TYPE _STATUS _SEQ _SERVICE _ATTACK_ID _PREFIX, where there is one
 *     TIDEGATE_EVENT     the whole event as JSON
 *
 * The journal's own protocol is spoken here, because the library of systemd would
 * wait for a journal that hangs: one datagram an event, and what finds no room is lost.
 *
 * Threads the event writer only.
 * Source  systemd.io/JOURNAL_NATIVE_PROTOCOL.
 */
#ifndef EVENT_JOURNAL_H
#define EVENT_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "event/events.h"

#define EVENT_JOURNAL_SOCKET "/run/systemd/journal/socket"

struct event_journal {
	const char *path; /* of its socket; a literal */
	int fd;           /* -1: off */
	bool is_broken;   /* told in the log */
	uint64_t lost;    /* since it broke, or until it was mended */
	int error;
};

/* Returns 0 or -errno; the journal itself may come later. */
int event_journal_open(struct event_journal *j, const char *path);
void event_journal_close(struct event_journal *j);

/* Returns whether it was taken; true while it is off. */
bool event_journal_write(struct event_journal *j, const struct events_told *told);

#endif
