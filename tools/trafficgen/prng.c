/* SPDX-License-Identifier: BSD-3-Clause */
#include "prng.h"

#include <string.h>

#define GOLDEN 0x9e3779b97f4a7c15ull

static uint64_t
mixed(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

struct prng
prng_make(uint64_t seed, uint64_t stream)
{
	struct prng p = { .state = mixed(mixed(seed + GOLDEN) + stream * GOLDEN) };

	return p;
}

uint64_t
prng_next(struct prng *p)
{
	p->state += GOLDEN;
	return mixed(p->state);
}

uint64_t
prng_range(struct prng *p, uint64_t lo, uint64_t hi)
{
	const uint64_t span = hi - lo + 1;

	/* A span of zero is the whole 64-bit range. */
	return span == 0 ? prng_next(p) : lo + prng_next(p) % span;
}

uint64_t
prng_exponential(struct prng *p, uint64_t mean)
{
	const uint32_t u = (uint32_t)(prng_next(p) >> 32) | 1u;
	const unsigned int zeros = (unsigned int)__builtin_clz(u);
	const uint32_t fraction = (u << zeros) & 0x7fffffffu;
	const uint64_t below = ((uint64_t)(zeros + 1) << 16) - (fraction >> 15);

	/*
	 * below is -log2(u / 2^32) in 16 fractional bits, straight between powers of two.
	 * Its mean is one and a half, so two thirds of it have mean one.
	 */
	return mean * below / 3 * 2 >> 16;
}

uint64_t
prng_skewed(struct prng *p, uint64_t median, unsigned int spread)
{
	/* 2 to the power of i/16, in 16 fractional bits. */
	static const uint32_t power[16] = {
		65536, 68438, 71468,  74632,  77936,  81386,  84990,  88752,
		92682, 96785, 101070, 105545, 110218, 115098, 120194, 125515,
	};
	/* 64 coins are a bell curve with a deviation of four; the rest fills its gaps. */
	const int bell = __builtin_popcountll(prng_next(p)) - 32;
	const int fine = (int)prng_range(p, 0, spread) - (int)spread / 2;
	const int exponent = bell * (int)spread + fine + 16 * 64;
	const int octaves = exponent / 16 - 64;
	uint64_t value = median * power[exponent % 16] >> 16;

	if (octaves < 0)
		value >>= -octaves;
	else
		value <<= octaves;
	return value;
}

void
prng_fill(struct prng *p, uint8_t *to, size_t len)
{
	while (len > 0) {
		const uint64_t word = prng_next(p);
		const size_t n = len < sizeof(word) ? len : sizeof(word);

		memcpy(to, &word, n);
		to += n;
		len -= n;
	}
}
