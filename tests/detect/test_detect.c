/* SPDX-License-Identifier: BSD-3-Clause */
#include "detect/detect.h"

#include "bench.h"

static void
quiet_traffic_makes_no_attack_and_no_event(void)
{
	struct detect_event e;
	struct detect_attack a;
	struct bench t;

	bench_open(&t, 1, POLICY_MITIGATE);
	flow(&t, 400, 0, 1, 5000);
	CU_ASSERT_EQUAL(state(&t), DETECT_QUIET);
	CU_ASSERT_EQUAL(detect_read_attacks(t.detect, &a, 1), 0);
	CU_ASSERT_FALSE(detect_next_event(t.detect, &e));
	bench_close(&t);
}

static void
an_attack_begins_is_mitigated_and_ends(void)
{
	struct detect_attack a;
	struct detect_event e;
	struct bench t;

	bench_open(&t, 1, POLICY_MITIGATE);
	flow(&t, 100, 0, 1, 1000);
	flow(&t, 20000, 0, 0.04, 1000);
	CU_ASSERT_EQUAL(state(&t), DETECT_ACTIVE);
	a = only_attack(&t);
	CU_ASSERT_STRING_EQUAL(a.service_name, "shop");
	CU_ASSERT_EQUAL(a.end_ns, 0);
	CU_ASSERT_EQUAL(a.threshold, 1000);
	CU_ASSERT(a.value >= 1000 && a.value <= 21000);
	CU_ASSERT(a.detected_ns >= a.first_ns && a.detected_ns - a.first_ns <= 20 * MS);
	CU_ASSERT(a.mitigated_ns > a.detected_ns &&
	          a.mitigated_ns - a.first_ns <= 100 * MS);
	CU_ASSERT(a.peak_pps >= 19000 && a.peak_pps <= 21000);
	CU_ASSERT(a.dropped > 18000 && a.dropped <= a.packets);
	CU_ASSERT(t.now_ns - a.updated_ns <
	          DETECT_WINDOW_NS); /* a running one is up to date */

	flow(&t, 100, 0, 1, 1500);
	CU_ASSERT_EQUAL(state(&t), DETECT_QUIET);
	CU_ASSERT_FALSE(watch_is_armed(watch_cell(&t.watch[0], 1, VECTOR_UDP_FLOOD)));
	a = only_attack(&t);
	CU_ASSERT(a.end_ns >= 3000 * MS && a.end_ns <= 3300 * MS);

	CU_ASSERT_TRUE_FATAL(detect_next_event(t.detect, &e));
	while (e.kind == DETECT_EVENT_ALARM)
		CU_ASSERT_TRUE_FATAL(detect_next_event(t.detect, &e));
	CU_ASSERT_EQUAL(e.kind, DETECT_EVENT_START);
	/* No full window is over yet, and it says all the same how strong it is. */
	CU_ASSERT(e.attack.value >= 10000 && e.attack.value <= 40000);
	CU_ASSERT_TRUE_FATAL(detect_next_event(t.detect, &e));
	CU_ASSERT_EQUAL(e.kind, DETECT_EVENT_END);
	CU_ASSERT_EQUAL(e.attack.number, a.number);
	CU_ASSERT_FALSE(detect_next_event(t.detect, &e));
	bench_close(&t);
}

/* Pulses with pauses shorter than clear_after, and a rate between 0.75 and 1 of the
 * threshold, are the same attack. */
static void
hysteresis_keeps_one_attack_one(void)
{
	struct bench t;

	bench_open(&t, 1, POLICY_MITIGATE);
	for (int pulse = 0; pulse < 5; pulse++) {
		flow(&t, 20000, 0, 0.04, 300);
		flow(&t, 10, 0, 1, 700);
		CU_ASSERT_EQUAL(state(&t), DETECT_ACTIVE);
	}
	flow(&t, 850, 0, 1, 3000);
	CU_ASSERT_EQUAL(state(&t), DETECT_ACTIVE);
	CU_ASSERT_EQUAL(only_attack(&t).end_ns, 0);
	flow(&t, 600, 0, 1, 1500);
	CU_ASSERT_NOT_EQUAL(state(&t), DETECT_ACTIVE);
	bench_close(&t);
}

static void
an_alarm_waits_for_activate_after_and_is_told_once(void)
{
	struct detect_event e;
	struct bench t;

	bench_open(&t, 1, POLICY_MITIGATE);
	flow(&t, 700, 0, 1, 250);
	flow(&t, 100, 0, 1, 500);
	CU_ASSERT_FALSE(detect_next_event(t.detect, &e));
	flow(&t, 700, 0, 1, 2000);
	CU_ASSERT_EQUAL(state(&t), DETECT_ALARM);
	CU_ASSERT_TRUE_FATAL(detect_next_event(t.detect, &e));
	CU_ASSERT_EQUAL(e.kind, DETECT_EVENT_ALARM);
	CU_ASSERT_EQUAL(e.attack.threshold, 500);
	CU_ASSERT_FALSE(detect_next_event(t.detect, &e));
	flow(&t, 100, 0, 1, 1500);
	CU_ASSERT_EQUAL(state(&t), DETECT_QUIET);
	bench_close(&t);
}

static void
learn_sees_no_attacks_and_monitor_never_mitigates(void)
{
	struct detect_attack a;
	struct bench t;

	bench_open(&t, 1, POLICY_LEARN);
	flow(&t, 20000, 0, 1, 1000);
	CU_ASSERT_EQUAL(detect_read_attacks(t.detect, &a, 1), 0);
	bench_close(&t);

	bench_open(&t, 1, POLICY_MONITOR);
	flow(&t, 20000, 0, 1, 1000);
	CU_ASSERT_EQUAL(only_attack(&t).mitigated_ns, 0);
	CU_ASSERT_EQUAL(only_attack(&t).mode, POLICY_MONITOR);
	bench_close(&t);
}

/* Two workers, 700 pps each: neither passes 1,000 alone, the sum does. */
static void
the_sum_of_workers_arms_and_the_shares_add_up(void)
{
	uint64_t p0, p1;
	struct bench t;

	bench_open(&t, 2, POLICY_MITIGATE);
	flow(&t, 700, 700, 1, 2000);
	CU_ASSERT_EQUAL(state(&t), DETECT_ACTIVE);

	flow(&t, 9000, 1000, 0.1, 500);
	p0 = watch_cell(&t.watch[0], 1, VECTOR_UDP_FLOOD)->price;
	p1 = watch_cell(&t.watch[1], 1, VECTOR_UDP_FLOOD)->price;
	CU_ASSERT(p0 > WATCH_PRICE_ONE && p1 > p0);
	/* 1 / price is the share: together never above one, and not wasteful. */
	CU_ASSERT(256.0 / (double)p0 + 256.0 / (double)p1 <= 1.02);
	CU_ASSERT(256.0 / (double)p0 + 256.0 / (double)p1 >= 0.95);

	flow(&t, 10, 10, 1, 1500);
	CU_ASSERT_EQUAL(state(&t), DETECT_QUIET);
	CU_ASSERT_EQUAL(watch_cell(&t.watch[0], 1, VECTOR_UDP_FLOOD)->price, 0);
	bench_close(&t);
}

static void
a_threshold_taken_away_by_a_reload_ends_the_attack(void)
{
	struct bench t;

	bench_open(&t, 1, POLICY_MITIGATE);
	flow(&t, 20000, 0, 0.04, 500);
	CU_ASSERT_EQUAL(state(&t), DETECT_ACTIVE);
	t.rule->activate.per_second = t.rule->alarm.per_second = 0;
	flow(&t, 20000, 0, 1, 1300);
	CU_ASSERT_EQUAL(state(&t), DETECT_QUIET);
	CU_ASSERT_NOT_EQUAL(only_attack(&t).end_ns, 0);
	bench_close(&t);
}

static void
an_attack_on_a_service_that_a_reload_removed_ends(void)
{
	struct bench t;

	bench_open(&t, 1, POLICY_MITIGATE);
	flow(&t, 20000, 0, 0.04, 500);
	CU_ASSERT_EQUAL(state(&t), DETECT_ACTIVE);
	t.policies->n_services = 1;
	t.policies->service[1].policy = 0;
	t.policies->service[1].name[0] = '\0';
	flow(&t, 0, 0, 1, 300);
	CU_ASSERT_EQUAL(state(&t), DETECT_QUIET);
	CU_ASSERT_NOT_EQUAL(only_attack(&t).end_ns, 0);
	bench_close(&t);
}

SUITE_MAIN("detect", TEST(quiet_traffic_makes_no_attack_and_no_event),
           TEST(an_attack_begins_is_mitigated_and_ends),
           TEST(hysteresis_keeps_one_attack_one),
           TEST(an_alarm_waits_for_activate_after_and_is_told_once),
           TEST(learn_sees_no_attacks_and_monitor_never_mitigates),
           TEST(the_sum_of_workers_arms_and_the_shares_add_up),
           TEST(a_threshold_taken_away_by_a_reload_ends_the_attack),
           TEST(an_attack_on_a_service_that_a_reload_removed_ends))
