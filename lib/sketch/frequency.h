/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frequency - how often any key came, within one cache line per key.
 *
 * A count-min sketch (Cormode, Muthukrishnan 2005) whose four rows share a line:
 * a key's hash picks the line, and in it one counter of each row. Its estimate is
 * the least of the four.
 *
 *     line   turn | 4 of row 0 | 4 of row 1 | 4 of row 2 | 3 of row 3     (16 x 4 B)
 *
 * A line belongs to the turn it was last written in, and starts from nothing with
 * the first key of another turn; so forgetting everything costs nothing.
 *
 * Error   never below the truth; above it, on average, by at most a fraction
 *         1 / FREQUENCY_SHARE of all that was added, whatever the keys.
 * Threads one writer; readers copy a line that is no longer written.
 */
#ifndef SKETCH_FREQUENCY_H
#define SKETCH_FREQUENCY_H

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>

#define FREQUENCY_LINES 4096u
#define FREQUENCY_ROWS  4
#define FREQUENCY_SHARE (4 * FREQUENCY_LINES)

struct frequency_line {
	alignas(64) uint32_t turn; /* turns run from 1; 0: never written */
	uint32_t count[15];
};
static_assert(sizeof(struct frequency_line) == 64, "a key costs one cache line");

struct frequency {
	struct frequency_line line[FREQUENCY_LINES];
};

/* Add `n` of the key with this keyed hash in this turn; returns its estimate. */
uint32_t frequency_add(struct frequency *f, uint64_t hash, uint32_t n, uint32_t turn);

/* The estimate in a turn that is over; 0 for what never came, or had luck. */
uint32_t frequency_read(const struct frequency *f, uint64_t hash, uint32_t turn);

#endif
