/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker's part of a limit: never exceeded, and better claims find room in it. */
#include "meter/quota.h"

#include "suite.h"

#define MS    UINT64_C(1000000)
#define STEPS 10000 /* of 1 ms */

/* Demand of each grade in packets a step; returns what passed of each. */
static void
demand(unsigned int workers, uint64_t limit, const unsigned int each[QUOTA_GRADES],
       uint64_t passed[QUOTA_GRADES])
{
	struct meter_rate rate;
	struct meter m = { 0 };
	struct quota q;

	CU_ASSERT_EQUAL_FATAL(quota_rate_init(&rate, limit), 0);
	q = quota_part(&rate, workers);
	for (unsigned int g = 0; g < QUOTA_GRADES; g++)
		passed[g] = 0;
	for (uint64_t step = 1; step <= STEPS; step++)
		for (unsigned int g = 0; g < QUOTA_GRADES; g++)
			for (unsigned int i = 0; i < each[g]; i++)
				passed[g] += quota_take(&q, &m, (enum quota_grade)g,
				                        meter_ticks(step * MS));
}

static void
the_part_of_a_worker_holds(void)
{
	static const uint64_t limits[] = { 100, 1000, 64000 };

	for (unsigned int workers = 1; workers <= 16; workers *= 2)
		for (unsigned int i = 0; i < 3; i++) {
			const double part = (double)limits[i] / workers;
			const double burst = part / 10 > 16 ? part / 10 : 16;
			uint64_t passed[QUOTA_GRADES];

			demand(workers, limits[i], (unsigned int[]){ 0, 0, 100 }, passed);
			CU_ASSERT((double)passed[2] >= 10 * part - 1);
			CU_ASSERT((double)passed[2] <= 10 * part + workers * burst + 1);
		}
}

/* Worst first in every step, which is the hardest order. */
static void
better_claims_find_room_first(void)
{
	static const struct {
		unsigned int each[QUOTA_GRADES];
		uint64_t expected[QUOTA_GRADES]; /* packets/s */
	} table[] = {
		{ { 5, 0, 0 }, { 1000, 0, 0 } },
		{ { 5, 2, 0 }, { 0, 1000, 0 } },
		{ { 5, 2, 2 }, { 0, 0, 1000 } },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		uint64_t passed[QUOTA_GRADES];

		demand(1, 1000, table[i].each, passed);
		for (unsigned int g = 0; g < QUOTA_GRADES; g++)
			CU_ASSERT_DOUBLE_EQUAL((double)passed[g],
			                       10.0 * (double)table[i].expected[g],
			                       101.0);
	}
}

static void
no_limit_lets_everything_pass(void)
{
	uint64_t passed[QUOTA_GRADES];

	demand(8, 0, (unsigned int[]){ 3, 3, 3 }, passed);
	for (unsigned int g = 0; g < QUOTA_GRADES; g++)
		CU_ASSERT_EQUAL(passed[g], 3 * STEPS);
}

static void
limits_out_of_range_are_refused(void)
{
	struct meter_rate rate = { 1, 2, 3 };

	CU_ASSERT(quota_rate_init(&rate, METER_MAX_PPS + 1) < 0);
	CU_ASSERT_EQUAL(rate.each, 1);
}

SUITE_MAIN("quota", TEST(the_part_of_a_worker_holds), TEST(better_claims_find_room_first),
           TEST(no_limit_lets_everything_pass), TEST(limits_out_of_range_are_refused))
