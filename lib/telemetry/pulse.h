/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pulse - what only shows over several seconds: silence, one-sidedness, a clock that
 * was set.
 *
 * Fed with every stored sample, about once a second. Two marks are kept, the older one
 * TELEMETRY_MARK_NS to twice that old, so that what is said of a port rests on some
 * seconds and not on one.
 *
 * Units   packets; ns of the worker clock.
 * Threads whoever feeds or copies it holds telemetry's lock.
 */
#ifndef TELEMETRY_PULSE_H
#define TELEMETRY_PULSE_H

#include <stdbool.h>
#include <stdint.h>

#include "telemetry/sample.h"

struct telemetry;

#define TELEMETRY_MARK_NS UINT64_C(3000000000)

/* What was counted up to one moment. */
struct telemetry_mark {
	uint64_t time_ns;
	uint64_t received[BOX_LINKS_MAX][2], sent[BOX_LINKS_MAX][2];
	uint64_t missed[BOX_LINKS_MAX][2], no_buffers[BOX_LINKS_MAX][2];
	uint64_t claimed, unclaimed; /* packets to services, and to none */
	uint64_t malformed;          /* decided or would be by stage `sanity` */
	uint64_t tx_full, too_long;
	uint64_t verified_dropped;
	uint64_t events_dropped;
};

struct telemetry_pulse {
	struct telemetry_mark mark[2];               /* [1] is the older one */
	uint64_t last_received_ns[BOX_LINKS_MAX][2]; /* 0: never */
	uint64_t last_received[BOX_LINKS_MAX][2];    /* the count then */
	uint64_t bypassed_ns;                        /* since when; 0: it is not */
	/* The wall clock over the worker clock, as it was last and as it jumped since the start. */
	int64_t wall_offset_ns, jumped_ns;
	uint64_t jumped_at_ns; /* the last time; 0: never */
	bool has_offset;
};

/* Count up to this sample. */
void telemetry_mark_take(const struct box *box, const struct telemetry_sample *s,
                         uint64_t events_dropped, struct telemetry_mark *out);

/* Begin: both marks are the first sample. */
void telemetry_pulse_start(struct telemetry_pulse *p, const struct box *box,
                           const struct telemetry_sample *s);

/* One more sample was stored. */
void telemetry_pulse_feed(struct telemetry_pulse *p, const struct box *box,
                          const struct telemetry_sample *s, uint64_t events_dropped);

/* A copy, under telemetry's lock (telemetry.c). Any thread. */
void telemetry_pulse_copy(struct telemetry *t, struct telemetry_pulse *out);

#endif
