/* SPDX-License-Identifier: BSD-3-Clause */
/* What is limited only under attack, or by the operator's will, and what explain tells. */
#include "fragments_rig.h"

static void
gaps_and_pieces_are_limited_under_attack(void)
{
	struct piece p = piece(7, 1, 0);

	for (unsigned int armed = 0; armed < 2; armed++) {
		open_stage("max_pieces = \"20\";");
		how.is_armed = armed != 0;
		EACH_WIRE(p)
		{
			p.id++;
			p.at = 0;
			for (unsigned int n = 0; n < FRAGMENT_RANGES;
			     n++, p.at += 2 * UNIT)
				send_one(&p);
			send_one(&p);
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0),
			                       armed ? "scattered" : "passed");
			p.at = UNIT;
			for (unsigned int n = 0; n < 3; n++, p.at += 2 * UNIT) {
				send_one(&p);
				CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
			}
			send_one(&p);
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0),
			                       armed ? "too_many_pieces" : "passed");
		}
		close_stage();
	}
}

static unsigned int
rests_of_strangers(unsigned int n, const char *reason)
{
	unsigned int dropped = 0;

	for (unsigned int k = 0; k < n; k++) {
		struct piece p = piece(1000 + k, k, 1 + k % 2);

		p.is_ipv6 = k % 4 >= 2;
		send_one(&p);
		if (rig.burst.live == 0) {
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), reason);
			dropped++;
		}
	}
	return dropped;
}

static void
orphans_are_limited_under_attack_only(void)
{
	struct piece first = piece(7, 1, 0), rest = piece(7, 2, 1);

	open_stage("orphans = \"100pps\";");
	CU_ASSERT_EQUAL(rests_of_strangers(1000, ""), 0);
	/* These two talk in fragments; in calm nobody counts. */
	how.standing = STANDING_CONVERSATION;
	send_one(&first);
	how = (typeof(how)){ .is_armed = true };
	CU_ASSERT_EQUAL(rests_of_strangers(1000, "orphans"), 1000 - 64);
	send_one(&rest);
	CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
	rest.who++;
	send_one(&rest);
	CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "orphans");
	/* Those whose first is known are no orphans. */
	first = piece(9, 3, 0);
	rest = piece(9, 3, 2);
	send_one(&first);
	send_one(&rest);
	CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
	close_stage();
}

static void
begun_datagrams_are_limited_by_source_and_service(void)
{
	static const struct {
		const char *config, *reason;
		bool is_one;
	} cases[] = {
		{ "source_open = \"10\";", "source_open", true },
		{ "service_open = \"10\";", "service_open", false },
	};

	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		struct piece p;

		open_stage(cases[k].config);
		for (uint32_t n = 0; n < 40; n++) {
			p = piece(cases[k].is_one ? 7 : n, n, 0);
			send_one(&p);
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
		}
		how.is_armed = true;
		for (uint32_t n = 40; n < 80; n++) {
			/* Who completes his datagrams may go on. */
			add_order(7, 1000 + n, "021");
			send_all();
			CU_ASSERT_EQUAL(rig.burst.live, 7);
			p = piece(cases[k].is_one ? 7 : n, n, 0);
			send_one(&p);
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0),
			                       n < 50 ? "passed" : cases[k].reason);
		}
		/* Completed later; then there is room for as many. */
		for (uint32_t n = 40; n < 43; n++) {
			p = piece(cases[k].is_one ? 7 : n, n, 1);
			send_one(&p);
			p = piece(cases[k].is_one ? 7 : n, n, 2);
			send_one(&p);
		}
		for (uint32_t n = 90; n < 94; n++) {
			p = piece(cases[k].is_one ? 7 : n, n, 0);
			send_one(&p);
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0),
			                       n < 93 ? "passed" : cases[k].reason);
		}
		how.standing = STANDING_VERIFIED_SOURCE;
		p.id++;
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
		close_stage();
	}
}

static void
fragments_can_be_metered_or_refused_altogether(void)
{
	struct piece p = piece(7, 1, 0);

	open_stage("accept = \"drop\";");
	EACH_WIRE(p)
	{
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "unwanted");
		p.is_whole = true;
		send_one(&p);
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
		p.is_whole = false;
	}
	close_stage();

	open_stage("accept = \"meter\"; rate = \"1kpps\";");
	p = piece(7, 1, 0);
	how.standing = STANDING_CONVERSATION;
	send_one(&p);
	how.standing = STANDING_UNVERIFIED;
	/* 100 packets are the burst; half of it is for who has no first, and one is spent. */
	CU_ASSERT_EQUAL(rests_of_strangers(1000, "over_rate"), 1000 - 49);
	p = piece(7, 2, 0);
	send_one(&p);
	CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
	close_stage();
}

static void
who_was_dropped_is_told(void)
{
	struct piece p = piece(7, 1, 0);

	open_stage("");
	send_one(&p);
	p.id++;
	send_one(&p);
	CU_ASSERT_EQUAL(rig_explain(&rig, "66.0.0.7"), 1);
	CU_ASSERT_STRING_EQUAL(rig.explain.line[0].what, "datagrams in pieces");
	CU_ASSERT_EQUAL(rig.explain.line[0].value, 2);
	CU_ASSERT_EQUAL(rig_explain(&rig, "66.0.0.8"), 0);
	rig.now_ns += 5 * RIG_SECOND;
	CU_ASSERT_EQUAL(rig_explain(&rig, "66.0.0.7"), 0);
	close_stage();
}

SUITE_MAIN("limits of fragments", TEST(gaps_and_pieces_are_limited_under_attack),
           TEST(orphans_are_limited_under_attack_only),
           TEST(begun_datagrams_are_limited_by_source_and_service),
           TEST(fragments_can_be_metered_or_refused_altogether),
           TEST(who_was_dropped_is_told))
