/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aim - what somebody tries who knows the code and not the key, and how to tell
 * whether it worked.
 *
 * Keys are aimed in two ways: searched under a key the attacker drew himself, or
 * built from the structure of a hash. The verdict is a chi-square over 1,024
 * buckets: 1,023 when keys fall by chance, thousands of times as much when all
 * of them fall into one.
 */
#ifndef TESTS_HASH_AIM_H
#define TESTS_HASH_AIM_H

#include <immintrin.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define AIM_BUCKETS 1024u
#define AIM_KEY     48u   /* bytes of a key */
#define AIM_KEYS    16384 /* keys of a family: 16 to a bucket */
#define AIM_DIMS    14    /* of a family that spans them */

/* Odds of 3e-7 that chance goes further than this, in standard deviations. */
#define AIM_CHANCE 5.0

static inline uint64_t
aim_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* How far the buckets' loads are from chance, in standard deviations of chi-square. */
static inline double
aim_deviation(const uint32_t bucket[AIM_BUCKETS])
{
	const double freedom = AIM_BUCKETS - 1;
	double sum = 0, chi = 0, each;

	for (unsigned int i = 0; i < AIM_BUCKETS; i++)
		sum += bucket[i];
	each = sum / AIM_BUCKETS;
	for (unsigned int i = 0; i < AIM_BUCKETS; i++)
		chi += (bucket[i] - each) * (bucket[i] - each) / each;
	return (chi - freedom) / sqrt(2 * freedom);
}

/* --- two hashes that are linear: the control group ------------------------- */

static inline uint32_t
aim_crc(const uint8_t key[AIM_KEY], uint32_t seed)
{
	uint64_t crc = seed, word;

	for (unsigned int i = 0; i < AIM_KEY; i += 8) {
		memcpy(&word, key + i, 8);
		crc = _mm_crc32_u64(crc, word);
	}
	return (uint32_t)crc;
}

/* Microsoft's RSS: every set bit adds the 32 bits of the secret that start there. */
static inline uint32_t
aim_toeplitz(const uint8_t key[AIM_KEY], const uint8_t secret[AIM_KEY + 4])
{
	uint32_t sum = 0;

	for (unsigned int bit = 0; bit < AIM_KEY * 8; bit++) {
		uint64_t window = 0;

		for (unsigned int i = 0; i < 5; i++)
			if (bit / 8 + i < AIM_KEY + 4)
				window |= (uint64_t)secret[bit / 8 + i] << (32 - 8 * i);
		if (key[bit / 8] >> (7 - bit % 8) & 1)
			sum ^= (uint32_t)(window >> (8 - bit % 8));
	}
	return sum;
}

/* --- differences that a linear hash does not see --------------------------- */

struct aim_row {
	uint64_t sees;         /* CRC above, Toeplitz below, of the difference */
	uint8_t diff[AIM_KEY]; /* the difference */
};

static inline void
aim_add(struct aim_row *to, const struct aim_row *with)
{
	to->sees ^= with->sees;
	for (unsigned int i = 0; i < AIM_KEY; i++)
		to->diff[i] ^= with->diff[i];
}

/*
 * AIM_DIMS independent differences within bytes first..first + 11 of a key that
 * neither CRC-32C with any seed nor Toeplitz with this secret can see: 96 bits
 * under the attacker's hand, 64 equations, by elimination.
 */
static inline bool
aim_blind(unsigned int first, const uint8_t secret[AIM_KEY + 4],
          uint8_t out[AIM_DIMS][AIM_KEY])
{
	static const uint8_t nothing[AIM_KEY];
	struct aim_row pivot[64];
	bool has[64] = { false };
	unsigned int n = 0;

	for (unsigned int bit = 0; bit < 96 && n < AIM_DIMS; bit++) {
		struct aim_row row = { 0 };

		row.diff[first + bit / 8] = (uint8_t)(1u << bit % 8);
		row.sees = (uint64_t)(aim_crc(row.diff, 0) ^ aim_crc(nothing, 0)) << 32 |
		           aim_toeplitz(row.diff, secret);
		while (row.sees != 0) {
			unsigned int top = 63 - (unsigned int)__builtin_clzll(row.sees);

			if (!has[top]) {
				pivot[top] = row;
				has[top] = true;
				break;
			}
			aim_add(&row, &pivot[top]);
		}
		if (row.sees == 0)
			memcpy(out[n++], row.diff, AIM_KEY);
	}
	return n == AIM_DIMS;
}

/* Key number n of the family that these differences span around `base`. */
static inline void
aim_span(uint8_t key[AIM_KEY], const uint8_t base[AIM_KEY],
         const uint8_t diff[AIM_DIMS][AIM_KEY], unsigned int n)
{
	memcpy(key, base, AIM_KEY);
	for (unsigned int d = 0; d < AIM_DIMS; d++)
		for (unsigned int i = 0; (n >> d & 1) != 0 && i < AIM_KEY; i++)
			key[i] ^= diff[d][i];
}

/* A secret whose bits are known, as the default of every driver is. */
static inline void
aim_known_secret(uint8_t secret[AIM_KEY + 4])
{
	uint64_t state = 1996;

	for (unsigned int i = 0; i < AIM_KEY + 4; i++)
		secret[i] = (uint8_t)aim_random(&state);
}

#endif
