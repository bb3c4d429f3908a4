/* SPDX-License-Identifier: BSD-3-Clause */
/* bench - one service under UDP, with one or two workers, in virtual time. */
#ifndef TESTS_DETECT_BENCH_H
#define TESTS_DETECT_BENCH_H

#include <stdlib.h>
#include <string.h>

#include "alone.h"
#include "detect/detect.h"
#include "suite.h"

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

/* One service, UDP at 1,000 pps, one or two workers, virtual time in milliseconds. */
struct bench {
	struct watch watch[2];
	struct policies *policies;
	struct watch_rule *rule;
	struct detect *detect;
	unsigned int workers;
	uint64_t now_ns;
	double owed[2]; /* parts of packets */
};

static inline void
bench_open(struct bench *t, unsigned int workers, enum policy_mode mode)
{
	struct watch *watches[2] = { &t->watch[0], &t->watch[1] };

	memset(t, 0, sizeof(*t));
	t->workers = workers;
	t->now_ns = MS;
	t->policies = calloc(1, sizeof(*t->policies));
	CU_ASSERT_PTR_NOT_NULL_FATAL(t->policies);
	t->policies->n_policies = t->policies->n_services = 2;
	t->policies->policy[1].mode = mode;
	t->policies->service[1].policy = 1;
	strcpy(t->policies->service[1].name, "shop");
	t->rule = &t->policies->policy[1].rule[VECTOR_UDP_FLOOD];
	t->rule->alarm = (struct meter_limit){ 500, METER_PACKETS };
	t->rule->activate = t->rule->max = (struct meter_limit){ 1000, METER_PACKETS };
	t->rule->activate_after_ns = 300 * MS;
	t->rule->clear_after_ns = 1 * S;
	CU_ASSERT_EQUAL_FATAL(
		meter_rate_init(&t->rule->activate_rate, &t->rule->activate, 100 * MS, 1),
		0);
	for (unsigned int w = 0; w < workers; w++)
		CU_ASSERT_EQUAL_FATAL(watch_open(&t->watch[w], 8), 0);
	t->detect = detect_open(watches, workers);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t->detect);
}

static inline void
bench_close(struct bench *t)
{
	detect_close(t->detect);
	for (unsigned int w = 0; w < t->workers; w++)
		watch_close(&t->watch[w]);
	free(t->policies);
}

/* `pps` arrive at each worker for `ms`; of what arrives while armed, `passed` pass. */
static inline void
flow(struct bench *t, double pps0, double pps1, double passed, unsigned int ms)
{
	const double pps[2] = { pps0, pps1 };

	for (unsigned int i = 0; i < ms; i++) {
		t->now_ns += MS;
		for (unsigned int w = 0; w < t->workers; w++) {
			struct watch_cell *c =
				watch_cell(&t->watch[w], 1, VECTOR_UDP_FLOOD);

			for (t->owed[w] += pps[w] / 1000; t->owed[w] >= 1; t->owed[w]--) {
				bool armed = arrive_alone(c, t->rule, 100, t->now_ns);

				if (armed)
					t->watch[w].hot_ns = t->now_ns;
				if (armed && (c->packets % 1000) >= passed * 1000) {
					counter_add(&c->dropped_packets, 1);
				} else {
					counter_add(&c->passed_packets, 1);
					counter_add(&c->limited_packets, 1);
				}
			}
		}
		if (t->now_ns % DETECT_TICK_NS == 0)
			detect_tick(t->detect, t->policies, t->now_ns);
	}
}

static inline enum detect_state
state(struct bench *t)
{
	struct detect_rates r;

	detect_read_rates(t->detect, 1, VECTOR_UDP_FLOOD, &r);
	return (enum detect_state)r.state;
}

static inline struct detect_attack
only_attack(struct bench *t)
{
	struct detect_attack a[4] = { 0 };

	CU_ASSERT_EQUAL_FATAL(detect_read_attacks(t->detect, a, 4), 1);
	return a[0];
}

#endif
