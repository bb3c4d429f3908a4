/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/lanes.h"

#include "suite.h"

static void
the_first_lanes_of_any_count(void)
{
	uint64_t expect = 0;

	for (unsigned int n = 0; n < LANES_MAX; n++) {
		CU_ASSERT_EQUAL(lanes_first(n), expect);
		CU_ASSERT_EQUAL(lanes_count(lanes_first(n)), n);
		expect |= lane_bit(n);
	}
	CU_ASSERT_EQUAL(lanes_first(LANES_MAX), UINT64_MAX);
}

/* The set is read once, so a stage may drop lanes while it visits them. */
static void
a_set_is_visited_in_rising_order_as_it_was_at_the_start(void)
{
	uint64_t set = lane_bit(0) | lane_bit(5) | lane_bit(6) | lane_bit(63), seen = 0;
	unsigned int i, last = 0, visits = 0;

	LANES_FOREACH (i, set) {
		CU_ASSERT(visits == 0 || i > last);
		last = i;
		visits++;
		seen |= lane_bit(i);
		set = 0;
	}
	CU_ASSERT_EQUAL(visits, 4);
	CU_ASSERT_EQUAL(seen, lane_bit(0) | lane_bit(5) | lane_bit(6) | lane_bit(63));
	LANES_FOREACH (i, set)
		CU_FAIL("an empty set was visited");
}

SUITE_MAIN("base/lanes", TEST(the_first_lanes_of_any_count),
           TEST(a_set_is_visited_in_rising_order_as_it_was_at_the_start))
