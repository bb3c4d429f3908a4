/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may say that the wire is alive: all workers and control together, or nobody. */
#include "heart.h"

#include "suite.h"

#define WORKERS 3

static struct box_worker worker[WORKERS];
static uint64_t control;

/* All of them move, but for the one of this number; WORKERS is control, more is nobody. */
static void
move_all_but(unsigned int still)
{
	for (unsigned int i = 0; i < WORKERS; i++)
		worker[i].turns += i != still;
	control += still != WORKERS;
}

static void
it_is_alive_only_when_all_moved(void)
{
	struct heart h;
	unsigned int still = 99;

	heart_init(&h, worker, WORKERS, &control, 0);
	CU_ASSERT_FALSE(heart_has_moved(&h, &still));
	CU_ASSERT_EQUAL(still, 0);
	for (unsigned int one = 0; one <= WORKERS; one++) {
		move_all_but(WORKERS + 1);
		CU_ASSERT_TRUE(heart_has_moved(&h, &still));
		move_all_but(one);
		CU_ASSERT_FALSE(heart_has_moved(&h, &still));
		CU_ASSERT_EQUAL(still, one);
		move_all_but(WORKERS + 1);
		CU_ASSERT_TRUE(heart_has_moved(&h, &still));
	}
	/* A movement counts once. */
	CU_ASSERT_FALSE(heart_has_moved(&h, NULL));
}

static void
the_first_that_stands_still_is_named(void)
{
	struct heart h;
	unsigned int still = 99;

	heart_init(&h, worker, WORKERS, &control, 0);
	CU_ASSERT_TRUE(heart_has_moved(&h, &still));
	worker[0].turns++;
	CU_ASSERT_FALSE(heart_has_moved(&h, &still));
	CU_ASSERT_EQUAL(still, 1);
	/* What moved while others stood is no news at the next look. */
	worker[1].turns++;
	worker[2].turns++;
	control++;
	CU_ASSERT_FALSE(heart_has_moved(&h, &still));
	CU_ASSERT_EQUAL(still, 0);
}

static void
it_looks_four_times_as_often_as_it_has_to_tell(void)
{
	struct heart h;

	heart_init(&h, worker, WORKERS, &control, UINT64_C(10000000000));
	CU_ASSERT_EQUAL(h.period_ns, UINT64_C(2500000000));
	heart_init(&h, worker, WORKERS, &control, 0);
	CU_ASSERT_EQUAL(h.period_ns, 0);
}

/* Also while it waits for workers that never come. */
static void
it_ends_at_once_when_asked(void)
{
	uint64_t never = 0;
	struct heart h;

	heart_init(&h, worker, WORKERS, &never, UINT64_C(3600000000000));
	CU_ASSERT_EQUAL_FATAL(heart_start(&h), 0);
	heart_stop(&h);
	heart_init(&h, worker, WORKERS, &control, UINT64_C(3600000000000));
	CU_ASSERT_EQUAL_FATAL(heart_start(&h), 0);
	heart_stop(&h);
}

SUITE_MAIN("heart", TEST(it_is_alive_only_when_all_moved),
           TEST(the_first_that_stands_still_is_named),
           TEST(it_looks_four_times_as_often_as_it_has_to_tell),
           TEST(it_ends_at_once_when_asked))
