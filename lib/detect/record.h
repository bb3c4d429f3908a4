/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * record - the attacks that control remembers, and what it tells of them.
 *
 * A ring of slots, newest over oldest ended. Control changes its own copy of an
 * attack and publishes it once a tick; readers copy what is published. Events
 * go through a single-reader ring that drops, and counts, when nobody reads.
 *
 * Threads control writes; record_read: anyone; record_next_event: one reader.
 */
#ifndef DETECT_RECORD_H
#define DETECT_RECORD_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detect/detect.h"

struct record_slot {
	struct detect_attack own; /* control's */
	uint64_t told_ns;         /* when an event last spoke of it */
	uint64_t seq;
	struct detect_attack shown;
};

struct record {
	uint64_t last_number;
	unsigned int active;
	struct record_slot slot[DETECT_ATTACKS];
	uint64_t lost;
	struct detect_totals totals;
	alignas(64) uint64_t head;
	alignas(64) uint64_t tail;
	struct detect_event event[DETECT_EVENTS];
};

/* Number, remember and tell a new attack. Returns its slot, which stays valid until
 * record_end(), or NULL when every slot is a running attack. */
struct record_slot *record_start(struct record *r, const struct detect_attack *a);

/* Control's copy, to be changed between record_start and record_end. */
static inline struct detect_attack *
record_change(struct record_slot *slot)
{
	return &slot->own;
}

/* Publish the copy; tell an update when the last one is a minute old. */
void record_update(struct record *r, struct record_slot *slot, uint64_t now_ns);
void record_end(struct record *r, struct record_slot *slot, uint64_t now_ns);
/* What passes is within max_rate from now on. */
void record_mitigated(struct record *r, struct record_slot *slot, uint64_t now_ns);
/* It stands on another rung of the ladder now. */
void record_step(struct record *r, struct record_slot *slot, uint64_t now_ns);
void record_alarm(struct record *r, const struct detect_attack *a, const char *service,
                  uint64_t now_ns);

static inline bool
record_is_active(const struct record *r)
{
	return r->active > 0;
}

size_t record_read(const struct record *r, struct detect_attack *out, size_t n);
bool record_next_event(struct record *r, struct detect_event *out);

#endif
