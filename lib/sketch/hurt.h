/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hurt - about how many customers lost a packet here lately.
 *
 * A packet of a flow that proved itself is dropped seldom and never lightly. How many
 * such packets there were says little: one customer may have lost them all, or each of
 * thousands one. So their addresses are counted, by a sketch for each span of time and
 * one for the span before it; what is told reaches back one span to two.
 *
 * Units   a span is 2^36 ns, 69 s.
 * Memory  4 KiB a worker.
 * Threads hurt_add: one worker. hurt_merge: any but workers; a span that begins
 *         meanwhile may be told a little low.
 */
#ifndef SKETCH_HURT_H
#define SKETCH_HURT_H

#include <stdint.h>

#include "hash/hash.h"
#include "sketch/distinct.h"

#define HURT_SPAN_BITS 36
#define HURT_SPAN_NS   (UINT64_C(1) << HURT_SPAN_BITS)

struct hurt {
	struct distinct of[2]; /* by the lowest bit of the span's number */
	uint64_t span;         /* number of the newest that was counted in */
};

static inline uint64_t
hurt_span(uint64_t now_ns)
{
	return now_ns >> HURT_SPAN_BITS;
}

/* One customer lost a packet now; times never go back. */
void hurt_add(struct hurt *h, const struct hash_key *key, const uint8_t address[16],
              uint64_t now_ns);

/* Add those of this span and the one before to `to`, which several workers may share. */
void hurt_merge(struct distinct *to, const struct hurt *h, uint64_t now_ns);

#endif
