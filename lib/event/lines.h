/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lines - the JSON of each kind of event.
 *
 * Threads any but workers; each object belongs to the caller.
 */
#ifndef EVENT_LINES_H
#define EVENT_LINES_H

#include <jansson.h>

#include "base/notices.h"
#include "telemetry/telemetry.h"

/* timestamp, schema, event_type and node. */
json_t *event_line_new(const struct box *box, const char *type, uint64_t unix_ns);

json_t *event_line_attack(struct box *box, const struct detect_event *event);

/* A worker blocked a source by itself; and that block is over. */
json_t *event_line_notice(struct box *box, const struct notice *n);
json_t *event_line_notice_over(struct box *box, const struct notice *n);

/* status "up" or "down". */
json_t *event_line_port(const struct box *box, const struct box_link *link,
                        unsigned int side, const char *status);
/* It loses packets, or does so no more; `lost` since that began. */
json_t *event_line_port_loss(const struct box *box, const struct box_link *link,
                             unsigned int side, bool is_losing, uint64_t lost);

/* status "stuck" or "moving". */
json_t *event_line_worker(const struct box *box, unsigned int worker, const char *status);
/* It has more to do than it can, or no more so; ratios of its cycles and of its ring. */
json_t *event_line_worker_load(const struct box *box, unsigned int worker,
                               bool is_overloaded, double busy_ratio,
                               double waiting_ratio);

json_t *event_line_config(struct box *box, const struct conf_errors *errors);

/* Something beside the wire does not work, or works again. */
json_t *event_line_trouble(const struct box *box, const char *what, bool is_over,
                           const char *message);

/* Where a maker of several lines puts them; each is taken over. */
struct event_line_to {
	void (*put)(void *arg, json_t *line);
	void *arg;
};

#endif
