/* SPDX-License-Identifier: BSD-3-Clause */
/* The ladder of countermeasures and floods that come in waves, in virtual time. */
#include "bench.h"

/* All rungs at 1,000 pps, asked for after `challenge_ms`; blocks after a second. */
static void
ladder_open(struct bench *t, enum watch_rung first, unsigned int challenge_ms)
{
	bench_open(t, 1, POLICY_MITIGATE);
	t->rule->challenge = t->rule->block = t->rule->activate;
	t->rule->first = first;
	t->rule->challenge_after_ns = challenge_ms * MS;
	t->rule->block_after_ns = 1 * S;
	t->rule->step_down_after_ns = 3 * S;
	t->rule->hold_for_ns = 20 * S;
}

static enum watch_rung
rung(struct bench *t)
{
	return watch_rung(watch_cell(&t->watch[0], 1, VECTOR_UDP_FLOOD), t->rule);
}

/* The next event must be of that kind, and its attack stand on that rung. */
static uint64_t
expect(struct bench *t, enum detect_event_kind kind, enum watch_rung at)
{
	struct detect_event e = { 0 };

	CU_ASSERT_TRUE_FATAL(detect_next_event(t->detect, &e));
	CU_ASSERT_EQUAL(e.kind, kind);
	CU_ASSERT_EQUAL(e.attack.rung, at);
	return e.time_ns;
}

static void
expect_nothing(struct bench *t)
{
	struct detect_event e;

	CU_ASSERT_FALSE(detect_next_event(t->detect, &e));
}

static void
an_attack_begins_on_its_first_rung_and_climbs_no_further_than_it_must(void)
{
	struct bench t;

	ladder_open(&t, WATCH_CHALLENGE, 0);
	flow(&t, 100, 0, 1, 500);
	flow(&t, 20000, 0, 0.04, 5000);
	CU_ASSERT_EQUAL(rung(&t), WATCH_CHALLENGE);
	expect(&t, DETECT_EVENT_START, WATCH_CHALLENGE);
	expect_nothing(&t);
	bench_close(&t);
}

static void
the_flood_that_gets_through_climbs_and_comes_down_in_order(void)
{
	uint64_t police, challenge, block;
	struct bench t;

	ladder_open(&t, WATCH_POLICE, 400);
	flow(&t, 20000, 0, 0.5, 3000);
	CU_ASSERT_EQUAL(rung(&t), WATCH_BLOCK);
	police = expect(&t, DETECT_EVENT_START, WATCH_POLICE);
	challenge = expect(&t, DETECT_EVENT_STEP, WATCH_CHALLENGE);
	block = expect(&t, DETECT_EVENT_STEP, WATCH_BLOCK);
	CU_ASSERT(challenge - police >= 400 * MS && challenge - police <= 700 * MS);
	CU_ASSERT(block - challenge >= 1 * S && block - challenge <= 1300 * MS);

	/* Now the blocks hold; what arrives still needs the challenges. */
	flow(&t, 20000, 0, 0.04, 8000);
	CU_ASSERT_EQUAL(rung(&t), WATCH_CHALLENGE);
	expect(&t, DETECT_EVENT_STEP, WATCH_CHALLENGE);
	expect_nothing(&t);
	CU_ASSERT_EQUAL(only_attack(&t).highest_rung, WATCH_BLOCK);
	bench_close(&t);
}

static void
one_noisy_window_moves_nothing(void)
{
	struct bench t;

	ladder_open(&t, WATCH_POLICE, 0);
	t.rule->challenge.per_second = 5000;
	flow(&t, 3000, 0, 0.3, 1000);
	CU_ASSERT_EQUAL(state(&t), DETECT_ACTIVE);
	for (unsigned int i = 0; i < 10; i++) {
		flow(&t, 20000, 0, 0.04, 90);
		flow(&t, 3000, 0, 0.3, 410);
	}
	CU_ASSERT_EQUAL(rung(&t), WATCH_POLICE);
	CU_ASSERT_EQUAL(only_attack(&t).highest_rung, WATCH_POLICE);
	bench_close(&t);
}

static void
a_rung_that_is_off_is_passed_over(void)
{
	const struct watch_cell *c;
	struct bench t;

	ladder_open(&t, WATCH_POLICE, 0);
	t.rule->challenge.per_second = 0;
	flow(&t, 20000, 0, 0.5, 3000);
	c = watch_cell(&t.watch[0], 1, VECTOR_UDP_FLOOD);
	CU_ASSERT_EQUAL(rung(&t), WATCH_BLOCK);
	CU_ASSERT_FALSE(watch_asks(c, t.rule));
	CU_ASSERT_TRUE(watch_blocks(c, t.rule));
	flow(&t, 20000, 0, 0.04, 5000);
	CU_ASSERT_EQUAL(rung(&t), WATCH_POLICE);
	expect(&t, DETECT_EVENT_START, WATCH_POLICE);
	expect(&t, DETECT_EVENT_STEP, WATCH_BLOCK);
	expect(&t, DETECT_EVENT_STEP, WATCH_POLICE);
	expect_nothing(&t);
	bench_close(&t);

	ladder_open(&t, WATCH_CHALLENGE, 0);
	t.rule->block.per_second = 0;
	flow(&t, 20000, 0, 0.5, 4000);
	CU_ASSERT_EQUAL(rung(&t), WATCH_CHALLENGE);
	bench_close(&t);
}

static void
the_end_of_an_attack_leaves_nothing_behind(void)
{
	struct bench t;

	ladder_open(&t, WATCH_POLICE, 0);
	flow(&t, 20000, 0, 0.5, 3000);
	CU_ASSERT_EQUAL(rung(&t), WATCH_BLOCK);
	flow(&t, 100, 0, 1, 1500);
	CU_ASSERT_EQUAL(state(&t), DETECT_QUIET);
	CU_ASSERT_EQUAL(rung(&t), WATCH_POLICE);
	bench_close(&t);
}

/* Pulses of one second, with pauses longer than clear_after. */
static void
a_flood_in_waves_stays_armed_through_its_pauses(void)
{
	struct detect_attack a[4];
	struct bench t;

	ladder_open(&t, WATCH_CHALLENGE, 0);
	for (unsigned int i = 0; i < 6; i++) {
		flow(&t, 20000, 0, 0.04, 1000);
		flow(&t, 100, 0, 1, 5000);
	}
	/* The first pulse was over after clear_after; the second one made it waves. */
	CU_ASSERT_EQUAL_FATAL(detect_read_attacks(t.detect, a, 4), 2);
	CU_ASSERT_EQUAL(a[0].pulses, 5);
	CU_ASSERT_EQUAL(a[1].pulses, 1);
	CU_ASSERT_EQUAL(state(&t), DETECT_ACTIVE);
	CU_ASSERT_TRUE(watch_is_armed(watch_cell(&t.watch[0], 1, VECTOR_UDP_FLOOD)));

	/* Calm for hold_for ends it, and after as long again it is forgotten. */
	flow(&t, 100, 0, 1, 16000);
	CU_ASSERT_EQUAL(state(&t), DETECT_QUIET);
	flow(&t, 100, 0, 1, 21000);
	flow(&t, 20000, 0, 0.04, 1000);
	flow(&t, 100, 0, 1, 1500);
	CU_ASSERT_EQUAL(state(&t), DETECT_QUIET);
	bench_close(&t);
}

SUITE_MAIN("ladder",
           TEST(an_attack_begins_on_its_first_rung_and_climbs_no_further_than_it_must),
           TEST(the_flood_that_gets_through_climbs_and_comes_down_in_order),
           TEST(one_noisy_window_moves_nothing), TEST(a_rung_that_is_off_is_passed_over),
           TEST(the_end_of_an_attack_leaves_nothing_behind),
           TEST(a_flood_in_waves_stays_armed_through_its_pauses))
