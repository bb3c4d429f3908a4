/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * view - two samples with a window between them, for the length of one question.
 *
 * Threads the store of samples has a lock of its own; a view belongs to who opened it.
 */
#ifndef TELEMETRY_VIEW_H
#define TELEMETRY_VIEW_H

#include <jansson.h>
#include <stdint.h>

#include "telemetry/sample.h"
#include "telemetry/telemetry.h"

struct telemetry_view {
	struct box *box;
	struct telemetry_sample *now, *base;
	uint64_t window_ns; /* now - base */
	uint64_t number;    /* rises with every stored sample */
};

/* Returns 0 or -ENOMEM; nothing stays open then. */
int telemetry_view_open(struct telemetry *t, struct telemetry_view *v);
void telemetry_view_close(struct telemetry_view *v);

/* Unix time of a moment of the worker clock; 0 stays 0. */
uint64_t telemetry_unix(const struct box *box, uint64_t worker_ns);
uint64_t telemetry_unix_now(const struct box *box);

/* A new object with "time", and "window_seconds" when v is not NULL. */
json_t *telemetry_document_new(const struct box *box, const struct telemetry_view *v);

/* A document with one member, made from a view of its own; NULL with errno ENOMEM. */
json_t *telemetry_document_of(struct telemetry *t, const char *name,
                              json_t *(*make)(const struct telemetry_view *v));

/* Attacks in memory, newest first; *n gets the count. free() it; NULL when out of memory. */
struct detect_attack *telemetry_attacks_copy(const struct box *box, size_t *n);

/* The mode all services share, or "mixed". Call under box->lock. */
const char *telemetry_mode_of_box(const struct policies *p);

/* Adds a sentence for each list whose file was refused. Takes locks of the daemon, not box->lock. */
void telemetry_lists_warn(const struct box *box, json_t *warnings);

/* What documents of the past ask; NULL where nobody remembers. Set before anybody asks. */
struct telemetry_history;
void telemetry_history_attach(struct telemetry *t, struct telemetry_history *history);
struct telemetry_history *telemetry_history_of(struct telemetry *t);

/* The sum over links and sides. */
void telemetry_books_total(const struct box *box, const struct telemetry_sample *s,
                           struct books *total);

#endif
