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
json_t *event_line_notice(struct box *box, const struct notice *n);
json_t *event_line_port(const struct box *box, const struct box_link *link,
                        unsigned int side);
json_t *event_line_worker(const struct box *box, unsigned int worker, bool is_stuck);
json_t *event_line_config(struct box *box, const struct conf_errors *errors);

#endif
