/* SPDX-License-Identifier: BSD-3-Clause */
/* Counting the different, against counts that are known by construction or kept exactly. */
#include "sketch/distinct.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hash/hash.h"
#include "packet/burst.h"
#include "sketch/census.h"
#include "suite.h"
#include "zipf.h"

#define SEEDS 64

static struct hash_key key;

/* The n-th address of a flood, as the parser carries it. */
static uint64_t
hash_of(uint32_t n)
{
	uint8_t address[16] = { [10] = 0xff, [11] = 0xff };

	memcpy(address + 12, &n, sizeof(n));
	return hash_16(&key, address).hi;
}

/* Relative error of an estimate, in standard errors. */
static double
off_by(uint64_t estimate, uint64_t truth)
{
	return ((double)estimate / (double)truth - 1) / (DISTINCT_ERROR_PPM / 1e6);
}

static void
nothing_is_nothing_and_few_are_exact(void)
{
	static struct distinct d;

	distinct_clear(&d);
	CU_ASSERT_EQUAL(distinct_estimate(&d), 0);
	for (uint32_t n = 1; n <= 20; n++) {
		hash_key_seeded(&key, n);
		distinct_clear(&d);
		for (uint32_t i = 0; i < 100 * n; i++)
			distinct_add(&d, hash_of(i % n));
		/* Two that share a register are one: rare, and never more than one less here. */
		CU_ASSERT(distinct_estimate(&d) <= n && distinct_estimate(&d) + 1 >= n);
	}
}

/*
 * Neighbouring addresses, each once: at every size the error over 64 keys is the
 * stated one, it has no bias, and no key is far off.
 */
static void
the_error_is_the_stated_one_at_every_size(void)
{
	static const uint32_t sizes[] = { 100, 1000, 3000, 5000, 8000, 20000, 100000 };
	static struct distinct d;

	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		double square = 0, sum = 0;

		for (unsigned int seed = 1; seed <= SEEDS; seed++) {
			double off;

			hash_key_seeded(&key, seed);
			distinct_clear(&d);
			for (uint32_t i = 0; i < sizes[k]; i++)
				distinct_add(&d, hash_of(i));
			off = off_by(distinct_estimate(&d), sizes[k]);
			CU_ASSERT(fabs(off) < 4.5);
			square += off * off / SEEDS;
			sum += off / SEEDS;
		}
		CU_ASSERT(sqrt(square) < 1.3);
		CU_ASSERT(fabs(sum) < 4 / sqrt(SEEDS));
	}
}

/* Skewed traffic: what counts is how many there are, not how often each comes. */
static void
repeated_sources_count_once(void)
{
	static bool seen[ZIPF_KEYS];
	static struct distinct d;
	double square = 0;

	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		struct zipf z = zipf_seeded(seed);
		uint32_t truth = 0;
		double off;

		hash_key_seeded(&key, seed);
		distinct_clear(&d);
		memset(seen, 0, sizeof(seen));
		for (unsigned int i = 0; i < 200000; i++) {
			uint32_t n = zipf_next(&z);

			truth += !seen[n];
			seen[n] = true;
			distinct_add(&d, hash_of(n));
		}
		off = off_by(distinct_estimate(&d), truth);
		CU_ASSERT(fabs(off) < 4.5);
		square += off * off / SEEDS;
	}
	CU_ASSERT(sqrt(square) < 1.3);
}

/* Three workers that see some of the same sources give what one would have given. */
static void
workers_merge_without_counting_twice(void)
{
	static struct distinct all, part[3], merged;

	hash_key_seeded(&key, 5);
	for (uint32_t i = 0; i < 30000; i++) {
		distinct_add(&all, hash_of(i));
		distinct_add(&part[i % 3], hash_of(i));
		distinct_add(&part[(i + 1) % 3], hash_of(i));
	}
	for (int i = 0; i < 3; i++)
		distinct_merge(&merged, &part[i]);
	CU_ASSERT_EQUAL(memcmp(&all, &merged, sizeof(all)), 0);
}

/* A ticket makes a room anew; a worker that has not seen the ticket adds nothing. */
static void
a_ticket_counts_from_nothing(void)
{
	struct census worker[2];
	struct census *both[] = { &worker[0], &worker[1] };
	const uint64_t first = census_ticket(1, 3), second = census_ticket(2, 3);
	uint8_t src[16] = { 0 }, dst[16] = { 1 };

	hash_key_seeded(&key, 6);
	for (int w = 0; w < 2; w++)
		CU_ASSERT_EQUAL_FATAL(census_open(&worker[w], &key), 0);
	for (uint32_t i = 0; i < 5000; i++) {
		struct census *c = both[i % 2];

		memcpy(src + 4, &i, sizeof(i));
		dst[15] = (uint8_t)(i % 100);
		census_add(c, census_room(c, first), src, dst);
	}
	CU_ASSERT_DOUBLE_EQUAL((double)census_read(both, 2, first).sources, 5000.0,
	                       500.0);
	CU_ASSERT_DOUBLE_EQUAL((double)census_read(both, 2, first).destinations, 100.0,
	                       5.0);
	census_add(both[0], census_room(both[0], second), src, dst);
	CU_ASSERT_EQUAL(census_read(both, 2, second).sources, 1);
	CU_ASSERT_EQUAL(census_read(both, 2, census_ticket(1, 4)).sources, 0);
	for (int w = 0; w < 2; w++)
		census_close(&worker[w]);
}

/* Lanes of a burst are counted as their packets one by one, and no others are. */
static void
lanes_count_as_their_packets_do(void)
{
	static struct census one, many;
	static struct burst b;
	const uint64_t ticket = census_ticket(1, 0), lanes = UINT64_C(0xf00000f0ff00a5a5);
	struct census_count *x, *y;
	unsigned int i;

	hash_key_seeded(&key, 7);
	CU_ASSERT_EQUAL_FATAL(census_open(&one, &key), 0);
	CU_ASSERT_EQUAL_FATAL(census_open(&many, &key), 0);
	for (i = 0; i < LANES_MAX; i++) {
		b.facts[i].src[15] = (uint8_t)(3 * i);
		b.facts[i].dst[12] = (uint8_t)(i / 2);
	}
	x = census_room(&one, ticket);
	y = census_room(&many, ticket);
	LANES_FOREACH (i, lanes)
		census_add(&one, x, b.facts[i].src, b.facts[i].dst);
	census_add_sources(&many, y, &b, lanes);
	census_add_destinations(&many, y, &b, lanes);
	CU_ASSERT_EQUAL(memcmp(x, y, sizeof(*x)), 0);
	census_close(&one);
	census_close(&many);
}

SUITE_MAIN("distinct", TEST(nothing_is_nothing_and_few_are_exact),
           TEST(the_error_is_the_stated_one_at_every_size),
           TEST(repeated_sources_count_once), TEST(workers_merge_without_counting_twice),
           TEST(a_ticket_counts_from_nothing), TEST(lanes_count_as_their_packets_do))
