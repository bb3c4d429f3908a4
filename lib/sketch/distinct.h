/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * distinct - how many different keys were seen, in two kilobytes.
 *
 * HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007): a key's hash picks one
 * register, which keeps the longest run of zeros it ever met. The estimate is
 * Ertl's improved one (arXiv 1702.01284, algorithm 4), which has no bias to
 * correct at either end. Registers of several workers merge by their maximum.
 *
 * Error   standard error 1.04 / sqrt(DISTINCT_REGISTERS) = 2.3 %, for any number.
 * Threads one writer; readers merge a copy with relaxed loads.
 */
#ifndef SKETCH_DISTINCT_H
#define SKETCH_DISTINCT_H

#include <stdalign.h>
#include <stdint.h>

#define DISTINCT_BITS      11
#define DISTINCT_REGISTERS (1u << DISTINCT_BITS)

/* Standard error in parts per million, for those who show an estimate. */
#define DISTINCT_ERROR_PPM 22981u

struct distinct {
	alignas(64) uint8_t longest[DISTINCT_REGISTERS];
};

/* See a key by its keyed hash: an attacker who knew it could keep the count down. */
static inline void
distinct_add(struct distinct *d, uint64_t hash)
{
	uint8_t *r = &d->longest[hash & (DISTINCT_REGISTERS - 1)];
	/* The bit set keeps the run within what is left of the hash. */
	uint8_t run = (uint8_t)(1 + __builtin_clzll(hash | DISTINCT_REGISTERS));

	if (run > __atomic_load_n(r, __ATOMIC_RELAXED))
		__atomic_store_n(r, run, __ATOMIC_RELAXED);
}

/* Forget everything. The writer's. */
void distinct_clear(struct distinct *d);

/* Add what `from` saw to `to`; from may be written meanwhile. */
void distinct_merge(struct distinct *to, const struct distinct *from);

/* How many different keys were added. Slow path. */
uint64_t distinct_estimate(const struct distinct *d);

#endif
