/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * history_disk - what is remembered, on its way to the disk.
 *
 * A thread of its own writes what is new, once a second at most: minutes that are over,
 * attacks that changed, events. When that fails it is told once and tried again every ten
 * seconds; meanwhile memory keeps what it can, and the oldest goes first. A damaged file
 * is set aside and a new one begun.
 *
 * Threads its own, and any but workers as marked.
 */
#ifndef TELEMETRY_HISTORY_DISK_H
#define TELEMETRY_HISTORY_DISK_H

#include <pthread.h>

#include "store/store.h"
#include "telemetry/history.h"

#define HISTORY_EVENTS 2048 /* that wait to be stored */
#define HISTORY_BUSY_S 10   /* a running attack is stored so often */

struct history_event {
	int64_t at_s;
	char type[32], service[64], attack[40];
	char *line;
};

struct history_disk {
	struct telemetry_history *history;
	struct store_settings settings;
	char folder[4096];
	history_tell *tell;
	void *arg;

	bool is_wanted; /* else nothing is stored */
	/* Only the writer's, or the opener's before it. */
	uint64_t next_try_ns,
		next_minute; /* number of the first frame that is not stored */
	bool is_checked;

	pthread_t thread;
	bool has_thread;
	pthread_cond_t wake;
	pthread_mutex_t lock; /* of what follows */
	bool is_over;
	struct store *store; /* NULL: there is none (yet); set once, never taken back */
	char trouble[256];   /* "": none */
	char set_aside[256]; /* a file was: told until the end of the process */
	unsigned int events;
	uint64_t events_lost;
	struct history_event event[HISTORY_EVENTS];
};

/*
 * Open the store and end attacks in it that nobody ended. Without a store it goes on in
 * memory. Returns 0 or -ENOMEM.
 */
int history_disk_open(struct history_disk *d, struct telemetry_history *h,
                      const struct telemetry_history_from *from);
/* Start the thread. 0 or -errno. */
int history_disk_start(struct history_disk *d);
/* One pass of it. */
void history_disk_turn(struct history_disk *d);
/* End the thread; nothing is told any more. */
void history_disk_stop(struct history_disk *d);
/* Write what is left, ending running attacks as interrupted. */
void history_disk_close(struct history_disk *d);

/* The store, or NULL. Any thread. */
struct store *history_disk_store(struct history_disk *d);

/*
 * history_rows.c, all for the writer alone. Within a transaction: put minutes, of which
 * *next is the first that was left; attacks, whose numbers are given back; events. Each
 * returns 0 or -errno. Afterwards: mark the attacks as stored or not, forget the events.
 */
#define HISTORY_CLOSING_NS UINT64_MAX /* in the place of now: all is to be written */
struct history_attack;
bool history_rows_due(const struct history_attack *a, uint64_t now_ns);
int history_rows_minutes(struct history_disk *d, uint64_t *next);
int history_rows_attacks(struct history_disk *d, uint64_t now_ns, uint64_t *saved,
                         unsigned int *n);
void history_rows_mark(struct history_disk *d, const uint64_t *saved, unsigned int n,
                       bool is_saved, uint64_t now_ns);
int history_rows_events(struct history_disk *d, unsigned int *n);
void history_rows_forget(struct history_disk *d, unsigned int n);

#endif
