/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ports - the destination ports of a burst side by side, compared all at once.
 *
 * Worth it where most lanes are asked: 64 copies cost about what a dozen comparisons do.
 *
 * Threads any; nothing is kept.
 */
#ifndef PACKET_PORTS_H
#define PACKET_PORTS_H

#include "packet/burst.h"

struct ports {
	alignas(32) uint16_t dst[LANES_MAX];
};

static inline void
ports_read(struct ports *p, const struct burst *b)
{
	for (unsigned int i = 0; i < LANES_MAX; i++)
		p->dst[i] = b->facts[i].dst_port;
}

/* The lanes that go to ports from `first` to `last`, both included. */
static inline uint64_t
ports_between(const struct ports *p, uint16_t first, uint16_t last)
{
	const __m256i from = _mm256_set1_epi16((short)first);
	const __m256i span = _mm256_set1_epi16((short)(uint16_t)(last - first));
	const __m256i *w = (const __m256i *)p->dst;
	uint64_t set = 0;

	for (unsigned int half = 0; half < 2; half++) {
		const __m256i a = _mm256_sub_epi16(_mm256_load_si256(w + 2 * half), from);
		const __m256i b =
			_mm256_sub_epi16(_mm256_load_si256(w + 2 * half + 1), from);
		const __m256i low = _mm256_cmpeq_epi16(_mm256_min_epu16(a, span), a);
		const __m256i high = _mm256_cmpeq_epi16(_mm256_min_epu16(b, span), b);
		/* Packing works in halves of 16 bytes; the permutation puts them in order. */
		const __m256i both =
			_mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xd8);

		set |= (uint64_t)(uint32_t)_mm256_movemask_epi8(both) << (32 * half);
	}
	return set;
}

#endif
