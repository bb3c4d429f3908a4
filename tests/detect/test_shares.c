/* SPDX-License-Identifier: BSD-3-Clause */
/* One limit between workers: never above it, quick to follow, and whole while it is calm. */
#include "detect/shares.h"

#include <stdlib.h>
#include <string.h>

#include "detect/detect.h"
#include "suite.h"

#define MS      UINT64_C(1000000)
#define TICK_MS 10
#define BURST   20 /* packets of the limit's 10 ms */
#define RATE    2000

static uint64_t dice_state;

static uint64_t
dice(uint64_t sides)
{
	dice_state = dice_state * UINT64_C(6364136223846793005) + 1;
	return (dice_state >> 33) % sides;
}

/* Workers with one limiting cell each, as shape uses them. */
struct crew {
	struct watch_cell cell[DETECT_WORKERS];
	uint64_t arrived[DETECT_WORKERS];
	struct meter_rate rate;
	unsigned int workers;
	uint64_t now_ns;
};

static void
crew_open(struct crew *c, unsigned int workers)
{
	const struct meter_limit limit = { RATE, METER_PACKETS };

	memset(c, 0, sizeof(*c));
	c->workers = workers;
	c->now_ns = MS;
	CU_ASSERT_EQUAL_FATAL(meter_rate_init(&c->rate, &limit, TICK_MS * MS, 16), 0);
}

/* `n` packets at one worker; returns how many pass. */
static uint64_t
send(struct crew *c, unsigned int w, uint64_t n)
{
	struct watch_cell *cell = &c->cell[w];
	uint64_t passed = 0;

	cell->packets += n;
	watch_ease(cell, &cell->limit, &c->rate, 100, meter_ticks(c->now_ns));
	for (; n > 0; n--)
		passed += meter_take(&cell->limit, watch_price(cell, &c->rate, 100),
		                     c->rate.slack, meter_ticks(c->now_ns));
	return passed;
}

static void
rebalance(struct crew *c)
{
	uint64_t demand[DETECT_WORKERS], price[DETECT_WORKERS];

	for (unsigned int w = 0; w < c->workers; w++) {
		demand[w] = c->cell[w].packets - c->arrived[w];
		c->arrived[w] = c->cell[w].packets;
	}
	shares_divide(demand, c->workers, price);
	for (unsigned int w = 0; w < c->workers; w++)
		c->cell[w].price = price[w];
}

static void
shares_never_add_up_to_more_than_one(void)
{
	uint64_t demand[DETECT_WORKERS], price[DETECT_WORKERS];

	dice_state = 1;
	for (unsigned int round = 0; round < 200000; round++) {
		const unsigned int workers = 1 + (unsigned int)dice(16);
		const unsigned int shift = (unsigned int)dice(40);
		double sum = 0;

		for (unsigned int w = 0; w < workers; w++)
			demand[w] = dice(3) == 0 ? 0 : dice(UINT64_C(1) << (shift % 31));
		shares_divide(demand, workers, price);
		for (unsigned int w = 0; w < workers; w++) {
			CU_ASSERT_FATAL(price[w] >= WATCH_PRICE_ONE);
			sum += (double)WATCH_PRICE_ONE / (double)price[w];
		}
		CU_ASSERT(sum <= 1.0000001);
		CU_ASSERT(sum >= 0.97);
		if (workers == 1)
			CU_ASSERT_EQUAL(price[0], WATCH_PRICE_ONE);
	}
}

/*
 * Random demand that jumps between 1 to 8 workers from tick to tick: over any
 * stretch of ticks no more passes than the limit and one burst per worker and
 * interval.
 */
static void
the_sum_stays_within_the_limit_and_a_burst_each(void)
{
	static struct crew c;

	for (unsigned int seed = 1; seed <= 80; seed++) {
		const unsigned int workers = 1 + seed % 8;
		uint64_t passed[200] = { 0 };

		dice_state = seed;
		crew_open(&c, workers);
		rebalance(&c);
		for (unsigned int tick = 0; tick < 200; tick++) {
			unsigned int loud = (unsigned int)dice(workers);

			for (unsigned int ms = 0; ms < TICK_MS; ms++, c.now_ns += MS) {
				for (unsigned int w = 0; w < workers; w++)
					passed[tick] +=
						send(&c, w, dice(w == loud ? 100 : 12));
			}
			rebalance(&c);
		}
		for (unsigned int from = 0; from < 200; from++) {
			uint64_t sum = 0;

			for (unsigned int to = from; to < 200; to++) {
				const uint64_t ticks = to - from + 1;

				sum += passed[to];
				CU_ASSERT_FATAL(sum <= ticks * RATE * TICK_MS / 1000 +
				                               ticks * workers * BURST);
			}
		}
	}
}

/* The long run: a steady flood spread in any way passes the limit, not more, not much less. */
static void
a_steady_flood_is_held_to_the_limit(void)
{
	static struct crew c;

	for (unsigned int seed = 1; seed <= 40; seed++) {
		const unsigned int workers = 1 + seed % 8;
		uint64_t part[8], passed = 0;

		dice_state = seed;
		crew_open(&c, workers);
		for (unsigned int w = 0; w < workers; w++)
			part[w] = 3 + dice(40);
		for (unsigned int tick = 0; tick < 300; tick++) {
			rebalance(&c);
			for (unsigned int ms = 0; ms < TICK_MS; ms++, c.now_ns += MS)
				for (unsigned int w = 0; w < workers; w++)
					passed += send(&c, w, part[w]);
		}
		CU_ASSERT(passed <= 3 * RATE + 8 * BURST);
		CU_ASSERT(passed >= 3 * RATE * 96 / 100);
	}
}

/* All traffic moves from one worker to another: in the third interval it has the limit. */
static void
shares_follow_a_move_within_three_intervals(void)
{
	static struct crew c;
	uint64_t passed = 0;

	for (unsigned int workers = 2; workers <= 8; workers++) {
		crew_open(&c, workers);
		for (unsigned int tick = 0; tick < 60; tick++) {
			passed = 0;
			for (unsigned int ms = 0; ms < TICK_MS; ms++, c.now_ns += MS)
				passed += send(&c, tick < 30 ? 0 : 1, 50);
			rebalance(&c);
			if (tick == 29 || tick >= 32)
				/* One packet may fall on the other side of a tick. */
				CU_ASSERT(passed + 1 >= RATE * TICK_MS / 1000 * 9 / 10);
		}
	}
}

/* With one worker the meter and an exact bucket of tokens decide alike, packet by packet. */
static void
one_worker_is_the_exact_bucket(void)
{
	static struct crew c;

	for (unsigned int seed = 1; seed <= 30; seed++) {
		/* Tokens in parts of 1 / 64 ns of the rate, as the meter counts. */
		const uint64_t cost = UINT64_C(64000000000) / RATE;
		uint64_t bucket = BURST * cost, last;

		dice_state = seed;
		crew_open(&c, 1);
		CU_ASSERT_EQUAL_FATAL(c.rate.slack, (BURST - 1) * cost);
		last = c.now_ns;
		for (unsigned int i = 0; i < 20000; i++) {
			bool expected;

			c.now_ns += dice(MS);
			bucket += (c.now_ns - last) * METER_TICKS_PER_NS;
			bucket = bucket > BURST * cost ? BURST * cost : bucket;
			last = c.now_ns;
			expected = bucket >= cost;
			bucket -= expected ? cost : 0;
			CU_ASSERT_EQUAL_FATAL(send(&c, 0, 1), expected);
			if (i % 50 == 0)
				rebalance(&c);
		}
	}
}

/* What arrives at each of two workers, through detection itself. */
struct desk {
	struct watch watch[2];
	struct policies policies;
	struct detect *detect;
	uint64_t now_ns;
};

static struct watch_cell *
desk_cell(struct desk *t, unsigned int w)
{
	return watch_cell(&t->watch[w], 1, VECTOR_UDP_FLOOD);
}

static void
desk_run(struct desk *t, unsigned int pps0, unsigned int pps1, unsigned int ms)
{
	const struct watch_rule *rule = &t->policies.policy[1].rule[VECTOR_UDP_FLOOD];
	const unsigned int pps[2] = { pps0, pps1 };
	alignas(32) uint16_t frame_len[LANES_MAX] = { 100, 100, 100, 100, 100 };

	for (; ms > 0; ms--) {
		t->now_ns += MS;
		for (unsigned int w = 0; w < 2; w++)
			if (pps[w] > 0 && watch_arrive(desk_cell(t, w), rule,
			                               lanes_first(pps[w] / 1000),
			                               frame_len, t->now_ns) != 0)
				t->watch[w].hot_ns = t->now_ns;
		if (t->now_ns % DETECT_TICK_NS == 0)
			detect_tick(t->detect, &t->policies, t->now_ns);
	}
}

/* An elephant below the threshold keeps the whole limit, wherever the rest is. */
static void
one_elephant_below_the_threshold_is_never_cut(void)
{
	static struct desk t;
	struct watch *watches[] = { &t.watch[0], &t.watch[1] };
	struct watch_rule *rule = &t.policies.policy[1].rule[VECTOR_UDP_FLOOD];

	t.policies.n_policies = t.policies.n_services = 2;
	t.policies.policy[1].mode = POLICY_MITIGATE;
	t.policies.service[1].policy = 1;
	strcpy(t.policies.service[1].name, "shop");
	rule->alarm = rule->activate = rule->max =
		(struct meter_limit){ 5000, METER_PACKETS };
	rule->clear_after_ns = 500 * MS;
	CU_ASSERT_EQUAL_FATAL(
		meter_rate_init(&rule->activate_rate, &rule->activate, 100 * MS, 16), 0);
	for (int w = 0; w < 2; w++)
		CU_ASSERT_EQUAL_FATAL(watch_open(&t.watch[w], 4), 0);
	t.detect = detect_open(watches, 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t.detect);

	desk_run(&t, 4000, 0, 5000);
	for (unsigned int w = 0; w < 2; w++) {
		CU_ASSERT_EQUAL(desk_cell(&t, w)->price, 0);
		CU_ASSERT_FALSE(watch_is_armed(desk_cell(&t, w)));
	}
	/* The sum passes the threshold, no worker alone does: the limit is divided. */
	desk_run(&t, 4000, 2000, 1000);
	CU_ASSERT(desk_cell(&t, 0)->price > WATCH_PRICE_ONE);
	CU_ASSERT(desk_cell(&t, 1)->price > desk_cell(&t, 0)->price);
	CU_ASSERT_TRUE(watch_is_armed(desk_cell(&t, 0)) ||
	               watch_is_armed(desk_cell(&t, 1)));
	desk_run(&t, 1000, 0, 2000);
	CU_ASSERT_EQUAL(desk_cell(&t, 0)->price, 0);
	CU_ASSERT_FALSE(watch_is_armed(desk_cell(&t, 0)));
	detect_close(t.detect);
	for (int w = 0; w < 2; w++)
		watch_close(&t.watch[w]);
}

SUITE_MAIN("shares", TEST(shares_never_add_up_to_more_than_one),
           TEST(the_sum_stays_within_the_limit_and_a_burst_each),
           TEST(a_steady_flood_is_held_to_the_limit),
           TEST(shares_follow_a_move_within_three_intervals),
           TEST(one_worker_is_the_exact_bucket),
           TEST(one_elephant_below_the_threshold_is_never_cut))
