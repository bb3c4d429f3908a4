/* SPDX-License-Identifier: BSD-3-Clause */
/* Thresholds as configured, and what workers make of them. */
#include "meter/meter.h"
#include "policy/policy.h"

#include "settings_rig.h"

#define SECOND UINT64_C(1000000000)

static struct settings_rig rig;

/* What an idle meter lets through at one instant. */
static unsigned int
burst_of(const struct meter_rate *rate, uint32_t bytes)
{
	struct meter m = { 0 };
	unsigned int n = 0;

	while (n < 1000000 && meter_take(&m, meter_price(rate, bytes), rate->slack, 64))
		n++;
	return n;
}

static enum watch_rung
rung_of(uint64_t challenge, uint64_t block, struct settings_pace pace)
{
	enum watch_rung rung;
	struct policies *p;

	rig_settings(&rig);
	rig.policy[1].vector[VECTOR_TCP_SYN_FLOOD] =
		(struct settings_vector){ .written = true,
		                          .activate = { 5000, false },
		                          .max = { 5000, false },
		                          .challenge = { challenge, false },
		                          .block = { block, false },
		                          .pace = pace };
	p = rig_build(&rig, NULL, NULL);
	rung = p->policy[1].rule[VECTOR_TCP_SYN_FLOOD].first;
	policy_free(p);
	rig_settings_free(&rig);
	return rung;
}

static void
what_needs_no_time_is_where_an_attack_begins(void)
{
	const struct settings_pace at_once = { 0 }, later = { .block_after = SECOND },
				   patient = { .challenge_after = SECOND };

	CU_ASSERT_EQUAL(rung_of(5000, 5000, later), WATCH_CHALLENGE);
	CU_ASSERT_EQUAL(rung_of(5000, 5000, at_once), WATCH_BLOCK);
	CU_ASSERT_EQUAL(rung_of(5000, 9000, at_once), WATCH_CHALLENGE);
	CU_ASSERT_EQUAL(rung_of(9000, 5000, at_once), WATCH_POLICE);
	CU_ASSERT_EQUAL(rung_of(5000, 5000, patient), WATCH_POLICE);
	CU_ASSERT_EQUAL(rung_of(0, 5000, at_once), WATCH_POLICE);
	CU_ASSERT_EQUAL(rung_of(5000, 0, at_once), WATCH_CHALLENGE);
}

static void
thresholds_become_prices_with_their_bursts(void)
{
	struct settings_vector *v;
	const struct watch_rule *r;
	struct policies *p;

	rig_settings(&rig);
	v = &rig.policy[1].vector[VECTOR_TCP_SYN_FLOOD];
	*v = (struct settings_vector){ .written = true,
		                       .alarm = { 2000, false },
		                       .activate = { 5000, false },
		                       .max = { 4000, false },
		                       .pace = { .activate_after = 7,
		                                 .clear_after = 8 } };
	rig.policy[1].vector[VECTOR_UDP_FLOOD] =
		(struct settings_vector){ .written = true,
		                          .alarm = { 100, false },
		                          .activate = { 100, false },
		                          .max = { 100, false } };
	rig.policy[1].vector[VECTOR_ICMP_FLOOD] =
		(struct settings_vector){ .written = true,
		                          .alarm = { 1200000000, true },
		                          .activate = { 1200000000, true },
		                          .max = { 1200000000, true } };
	p = rig_build(&rig, NULL, NULL);

	r = &p->policy[1].rule[VECTOR_TCP_SYN_FLOOD];
	CU_ASSERT_EQUAL(r->alarm.per_second, 2000);
	CU_ASSERT_EQUAL(r->activate.per_second, 5000);
	CU_ASSERT_EQUAL(r->max.per_second, 4000);
	CU_ASSERT_EQUAL(r->activate.unit, METER_PACKETS);
	CU_ASSERT_EQUAL(r->activate_after_ns, 7);
	CU_ASSERT_EQUAL(r->clear_after_ns, 8);
	CU_ASSERT_EQUAL(burst_of(&r->activate_rate, 60), 500);
	CU_ASSERT_EQUAL(burst_of(&r->max_rate, 60), 40);

	/* 10 ms of 100 packets/s would be one packet; nobody is cut at one. */
	r = &p->policy[1].rule[VECTOR_UDP_FLOOD];
	CU_ASSERT_EQUAL(burst_of(&r->max_rate, 60), 16);
	r = &p->policy[1].rule[VECTOR_ICMP_FLOOD];
	CU_ASSERT_EQUAL(r->activate.unit, METER_BITS);
	CU_ASSERT_EQUAL(burst_of(&r->max_rate, 1500), 1000);

	/* Not written: no threshold, but the policy's own times. */
	r = &p->policy[1].rule[VECTOR_OTHER_FLOOD];
	CU_ASSERT_EQUAL(r->activate.per_second, 0);
	CU_ASSERT_EQUAL(r->clear_after_ns, 10 * SECOND);
	CU_ASSERT_EQUAL(burst_of(&r->activate_rate, 60), 1000000);
	policy_free(p);
	rig_settings_free(&rig);
}

SUITE_MAIN("rules", TEST(thresholds_become_prices_with_their_bursts),
           TEST(what_needs_no_time_is_where_an_attack_begins))
