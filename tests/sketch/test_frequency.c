/* SPDX-License-Identifier: BSD-3-Clause */
/* The sketch against a twin that counts every key exactly, on skewed and on even traffic. */
#include "sketch/frequency.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "hash/hash.h"
#include "suite.h"
#include "zipf.h"

#define SEEDS 24
#define ADDED 100000u

static struct frequency f;
static uint32_t truth[ZIPF_KEYS];
static struct hash_key key;

static uint64_t
hash_of(uint32_t n)
{
	uint8_t address[16] = { [10] = 0xff, [11] = 0xff };

	memcpy(address + 12, &n, sizeof(n));
	return hash_16(&key, address).hi;
}

/* Add a stream in a turn of its own, then hold every key against the twin. */
static void
one_stream(unsigned int seed, bool is_skewed)
{
	struct zipf z = zipf_seeded(seed);
	double excess = 0;
	unsigned int far = 0;

	hash_key_seeded(&key, seed);
	memset(truth, 0, sizeof(truth));
	for (unsigned int i = 0; i < ADDED; i++) {
		uint32_t n = is_skewed ? zipf_next(&z)
		                       : (uint32_t)(zipf_random(&z) % ZIPF_KEYS);

		truth[n]++;
		CU_ASSERT_FATAL(frequency_add(&f, hash_of(n), 1, seed) >= truth[n]);
	}
	for (uint32_t n = 0; n < ZIPF_KEYS; n++) {
		uint32_t estimate = frequency_read(&f, hash_of(n), seed);

		CU_ASSERT_FATAL(estimate >= truth[n]);
		excess += (double)(estimate - truth[n]);
		/* Five times the average bound: rarer than one key in fifty. */
		far += estimate - truth[n] > 5 * ADDED / FREQUENCY_SHARE;
	}
	CU_ASSERT(excess / ZIPF_KEYS <= (double)ADDED / FREQUENCY_SHARE);
	CU_ASSERT(far < ZIPF_KEYS / 50);
}

static void
skewed_traffic_stays_within_the_stated_error(void)
{
	memset(&f, 0, sizeof(f));
	for (unsigned int seed = 1; seed <= SEEDS; seed++)
		one_stream(seed, true);
}

static void
even_traffic_stays_within_the_stated_error(void)
{
	memset(&f, 0, sizeof(f));
	for (unsigned int seed = 1; seed <= SEEDS; seed++)
		one_stream(seed, false);
}

static void
a_new_turn_starts_from_nothing(void)
{
	memset(&f, 0, sizeof(f));
	hash_key_seeded(&key, 3);
	for (unsigned int i = 0; i < 1000; i++)
		frequency_add(&f, hash_of(7), 1, 1);
	CU_ASSERT_EQUAL(frequency_read(&f, hash_of(7), 1), 1000);
	CU_ASSERT_EQUAL(frequency_read(&f, hash_of(7), 2), 0);
	CU_ASSERT_EQUAL(frequency_add(&f, hash_of(7), 1, 2), 1);
	CU_ASSERT_EQUAL(frequency_read(&f, hash_of(7), 2), 1);
}

SUITE_MAIN("frequency", TEST(skewed_traffic_stays_within_the_stated_error),
           TEST(even_traffic_stays_within_the_stated_error),
           TEST(a_new_turn_starts_from_nothing))
