/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts - what the files behind events.h share, and nobody else sees.
 *
 *     events.c  the writer: rate, numbers, queue, thread
 *     tell.c    what other threads tell
 *     look.c    what the writer looks after by itself
 *     ended.c   blocks that workers made, until they end
 *     lines.c   the JSON of what detection and workers tell
 *     tail.c    the newest events in memory
 */
#ifndef EVENT_PARTS_H
#define EVENT_PARTS_H

#include "event/events.h"

struct box *events_box(const struct events *e);

/*
 * Queue a line, which is taken over; the writer gives it its number. What is not
 * important may be left out, and never takes the last half of the queue.
 */
void events_put(struct events *e, json_t *line, bool is_important);

#endif
