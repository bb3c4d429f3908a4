/* SPDX-License-Identifier: BSD-3-Clause */
/* The cells against an exact meter of every stranger. */
#include "flow/crowd.h"

#include <stdlib.h>

#include "suite.h"

#define STRANGERS 60000u
#define EACH      1000u /* ticks of a packet */
#define PER_BYTE  10u
#define MOST      50000u

static struct crowd crowd;
static uint64_t (*paid)[2]; /* the exact twin */

static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static struct hash128
hash_of(uint32_t n)
{
	uint64_t seed = n;
	struct hash128 h;

	h.lo = next_random(&seed);
	h.hi = next_random(&seed);
	return h;
}

static void
open_crowd(void)
{
	crowd.line = aligned_alloc(64, CROWD_BYTES);
	paid = calloc(STRANGERS, sizeof(*paid));
	CU_ASSERT_FATAL(crowd.line != NULL && paid != NULL);
	memset(crowd.line, 0, CROWD_BYTES);
}

static void
close_crowd(void)
{
	free(crowd.line);
	free(paid);
}

static uint64_t
ahead(uint32_t n, unsigned int m, uint64_t now)
{
	return paid[n][m] > now ? paid[n][m] - now : 0;
}

/* One packet to both. Returns whether they agree; the cells may only be the stricter ones. */
static bool
agree(uint32_t n, uint32_t bytes, uint64_t now)
{
	const uint64_t price[2] = { EACH, bytes * PER_BYTE };
	const bool is_fine = ahead(n, 0, now) <= MOST && ahead(n, 1, now) <= MOST;
	uint64_t told[2];
	bool is_taken =
		crowd_take(&crowd, hash_of(n),
	                   _mm_set_epi64x((long long)price[1], (long long)price[0]),
	                   _mm_set1_epi64x(MOST), now, told);

	CU_ASSERT_FATAL(is_fine || !is_taken);
	for (unsigned int m = 0; m < 2; m++) {
		if (is_taken)
			paid[n][m] = now + ahead(n, m, now) + price[m];
		else
			CU_ASSERT_FATAL(told[m] >= now + ahead(n, m, now));
	}
	return is_taken == is_fine;
}

/* However crowded, no stranger gets more than an exact meter of its own would give it. */
static void
cells_never_say_less_than_was_sent(void)
{
	uint64_t seed = 1, now = 1, stricter = 0;

	open_crowd();
	for (unsigned int i = 0; i < 3000000; i++) {
		/* The lesser numbers send more. */
		uint32_t n = (uint32_t)(next_random(&seed) %
		                        (1 + next_random(&seed) % STRANGERS));

		now += next_random(&seed) % 2;
		stricter += !agree(n, (uint32_t)(64 + next_random(&seed) % 1400), now);
	}
	CU_ASSERT(stricter > 0);
	close_crowd();
}

/* Few strangers hardly ever share both cells, so that they are metered exactly. */
static void
few_strangers_are_metered_exactly(void)
{
	uint64_t seed = 2, now = 1, stricter = 0, refused = 0;

	open_crowd();
	for (unsigned int i = 0; i < 1000000; i++) {
		uint32_t n = (uint32_t)(next_random(&seed) % 500);

		now += next_random(&seed) % 3;
		refused += ahead(n, 0, now) > MOST || ahead(n, 1, now) > MOST;
		stricter += !agree(n, 90, now);
	}
	CU_ASSERT(refused > 100000);
	CU_ASSERT(stricter < 1000000 / 33);
	close_crowd();
}

/* Strangers that together stay below the limit of a cell share never reach the border. */
static void
a_thin_flood_leaves_no_trace(void)
{
	uint64_t seed = 3, now = 1, told[2], over = 0;

	open_crowd();
	for (unsigned int i = 0; i < 10000000; i++) {
		struct hash128 h = { next_random(&seed), next_random(&seed) };

		/* On average a cell is charged every 16,384 packets, EACH is paid off in half. */
		now += 2 * EACH / 16384 + (i % 8 == 0);
		over += !crowd_take(&crowd, h, _mm_set_epi64x(0, EACH),
		                    _mm_set1_epi64x(MOST), now, told);
	}
	CU_ASSERT_EQUAL(over, 0);
	close_crowd();
}

SUITE_MAIN("crowd", TEST(cells_never_say_less_than_was_sent),
           TEST(few_strangers_are_metered_exactly), TEST(a_thin_flood_leaves_no_trace))
