/* SPDX-License-Identifier: BSD-3-Clause */
/* zipf - skewed keys for tests: key n comes in proportion to 1 / (n + 1). */
#ifndef TESTS_SKETCH_ZIPF_H
#define TESTS_SKETCH_ZIPF_H

#include <stdint.h>

#define ZIPF_KEYS 50000u

struct zipf {
	uint64_t state;
};

static inline struct zipf
zipf_seeded(uint64_t seed)
{
	return (struct zipf){ seed * UINT64_C(0x9e3779b97f4a7c15) + 1 };
}

static inline uint64_t
zipf_random(struct zipf *z)
{
	z->state ^= z->state << 13;
	z->state ^= z->state >> 7;
	z->state ^= z->state << 17;
	return z->state * UINT64_C(0x2545f4914f6cdd1d);
}

/* The first key whose sum of shares reaches a random point. */
static inline uint32_t
zipf_next(struct zipf *z)
{
	static double up_to[ZIPF_KEYS];
	const double where = (double)(zipf_random(z) >> 11) / 9007199254740992.0;
	uint32_t low = 0, high = ZIPF_KEYS - 1;

	for (uint32_t n = 0; up_to[ZIPF_KEYS - 1] == 0 && n < ZIPF_KEYS; n++)
		up_to[n] = (n > 0 ? up_to[n - 1] : 0) + 1.0 / (n + 1);
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (up_to[middle] < where * up_to[ZIPF_KEYS - 1])
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#endif
