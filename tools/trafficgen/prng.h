/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * prng - repeatable randomness without floating point.
 *
 * One 64-bit counter run through a mixing function (Steele, Lea, Flood: "Fast splittable
 * pseudorandom number generators", 2014). Integers only, so the same seed gives the same
 * bytes on every machine. Not for secrets.
 *
 * Threads none: whoever holds the state owns it.
 */
#ifndef TRAFFICGEN_PRNG_H
#define TRAFFICGEN_PRNG_H

#include <stddef.h>
#include <stdint.h>

struct prng {
	uint64_t state;
};

/* A generator of its own for each pair of seed and stream. */
struct prng prng_make(uint64_t seed, uint64_t stream);

uint64_t prng_next(struct prng *p);

/* A number in lo..hi, both included; lo <= hi. */
uint64_t prng_range(struct prng *p, uint64_t lo, uint64_t hi);

/* The waiting time of a memoryless arrival with this mean; mean <= 1e12. */
uint64_t prng_exponential(struct prng *p, uint64_t mean);

/*
 * A log-normal-like number: half of them lie below median, the base-two logarithm
 * deviates by spread quarters of an octave. median <= 1e12, spread 1..12.
 */
uint64_t prng_skewed(struct prng *p, uint64_t median, unsigned int spread);

void prng_fill(struct prng *p, uint8_t *to, size_t len);

#endif
