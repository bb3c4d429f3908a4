/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * notify - tell the service manager how it goes: ready, in words, reloading, ending, alive.
 *
 * Started by hand there is nobody to tell, and each call is nothing. Built without
 * libsystemd there are no words: then a unit of Type=notify would wait in vain, which
 * notify_is_heard() lets the caller say.
 *
 * Source  sd_notify(3), sd_watchdog_enabled(3).
 * Threads any but workers and control.
 */
#ifndef TIDEGATED_NOTIFY_H
#define TIDEGATED_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* Whether somebody waits for words, and whether this build has them. */
bool notify_is_wanted(void);
bool notify_is_heard(void);

/* ns within which notify_alive() is expected again; 0: nobody watches. */
uint64_t notify_watchdog_ns(void);

void notify_ready(void);
/* One sentence for `systemctl status`, of at most 400 bytes. */
void notify_status(const char *sentence);
/* A reload begins; notify_ready() ends it. */
void notify_reloading(void);
void notify_stopping(void);
/* The watchdog's ping. */
void notify_alive(void);

#endif
