/* SPDX-License-Identifier: BSD-3-Clause */
/* Listed sources: denied, allowed, tagged, metered, never blocked, and the end of what was timed. */
#include "lists_rig.h"

/* --- lists that decide --- */

static void
the_most_specific_prefix_decides(void)
{
	open_lists("");
	expect("198.51.100.1", DENIED);
	expect("198.51.100.7", ALLOWED);
	expect("198.51.101.1", FREE);
	expect("2001:db8:bad::1", DENIED);
	expect("2001:db8:bad::7", ALLOWED);
	expect("2001:db8:bae::1", FREE);
	CU_ASSERT_EQUAL(hits_of("bad"), 2);
	CU_ASSERT_EQUAL(hits_of("monitors"), 2);
	close_lists();
}

static void
what_was_timed_ends_and_gives_way(void)
{
	open_both("");
	expect("192.0.2.66", DENIED);
	expect("198.51.100.9", DENIED);
	expect("198.51.100.13", DENIED);
	rig.now_ns = UNTIL - 1;
	expect("192.0.2.66", DENIED);
	expect("198.51.100.13", DENIED);
	rig.now_ns = UNTIL;
	expect("192.0.2.66", FREE);
	expect("198.51.100.9", FREE);
	expect("198.51.100.13", ALLOWED);
	close_lists();
}

/* Of lists and timed blocks the nearer prefix decides, of equal ones the allowing. */
static void
blocks_and_lists_are_weighed_together(void)
{
	open_both("");
	expect("198.51.100.7", ALLOWED); /* both have the address; the list allows */
	expect("198.51.100.8", ALLOWED); /* allowed by hand inside of a deny list */
	expect("198.51.100.1", ALLOWED); /* both have the network; the block allows */
	expect("198.51.100.9",
	       DENIED); /* the list has the address, the block the network */
	expect("203.0.113.1", DENIED);
	expect("203.0.113.7", ALLOWED);
	CU_ASSERT_EQUAL(hits_of("timed entries"), 4);
	rig.now_ns = UNTIL;
	expect("198.51.100.8", DENIED);
	expect("198.51.100.1", DENIED);
	expect("203.0.113.7", DENIED);
	close_lists();
}

static void
a_burst_is_judged_lane_by_lane(void)
{
	static const char *const sources[] = { "198.51.100.1", "192.0.2.77",
		                               "198.51.100.7" };
	struct facts *f;

	open_lists("");
	f = rig_packets(&rig, 64);
	for (unsigned int i = 0; i < 64; i++)
		rig_fill(&f[i], PROTO_UDP,
		         (struct rig_ends){ sources[i % 3], "203.0.113.10", 1, 2 });
	f[3] = (struct facts){ .ethertype = 0x0806 };
	rig_decide(&rig, UINT64_MAX & ~lane_bit(0) & ~lane_bit(2));
	for (unsigned int i = 0; i < 64; i++) {
		bool is_judged = i != 0 && i != 2 && i != 3;

		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, i),
		                       is_judged && i % 3 == 0 ? "denied" : "passed");
		CU_ASSERT_EQUAL(rig_is_exempt(&rig, i), is_judged && i % 3 == 2);
	}
	CU_ASSERT_EQUAL(hits_of("bad"), 20);
	CU_ASSERT_EQUAL(hits_of("monitors"), 20);
	close_lists();
}

/* More kinds of chains in one burst than are gathered: the rest goes one by one. */
static void
a_burst_of_many_kinds_is_judged_lane_by_lane(void)
{
	static const struct {
		const char *src;
		const char *reason;
	} kinds[] = { { "198.51.100.1", "denied" },  { "203.0.0.1", "tag_denied" },
		      { "203.0.1.1", "passed" },     { "203.0.2.1", "tag_denied" },
		      { "192.0.2.1", "passed" },     { "192.0.2.17", "passed" },
		      { "192.0.2.33", "passed" },    { "198.51.100.9", "denied" },
		      { "203.0.3.1", "tag_denied" }, { "203.0.4.1", "denied" },
		      { "203.0.5.1", "passed" },     { "198.51.100.13", "denied" } };
	struct facts *f;

	open_lists("deny = [\"far\"];");
	f = rig_packets(&rig, 60);
	for (unsigned int i = 0; i < 60; i++)
		rig_fill(&f[i], PROTO_UDP,
		         (struct rig_ends){ kinds[i % 12].src, "203.0.113.10", 1, 2 });
	rig_decide(&rig, lanes_first(60));
	for (unsigned int i = 0; i < 60; i++)
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, i), kinds[i % 12].reason);
	CU_ASSERT_EQUAL(hits_of("far"), 25);
	close_lists();
}

/* A denied address may be answered to: only sources are listed. */
static void
destinations_are_not_looked_up(void)
{
	open_lists("");
	rig_fill(rig_packets(&rig, 1), PROTO_UDP,
	         (struct rig_ends){ "203.0.113.10", "198.51.100.1", 1, 2 });
	rig_decide(&rig, 1);
	CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
	close_lists();
}

static void
without_lists_everybody_passes(void)
{
	rig_open(&rig, &stage_lists, "");
	expect("198.51.100.1", FREE);
	CU_ASSERT_EQUAL(rig_explain(&rig, "198.51.100.1"), 0);
	rig_close(&rig);
}

/* --- tags --- */

static void
a_tag_means_what_the_policy_says(void)
{
	open_lists("");
	expect("203.0.0.1", FREE);
	expect("2001:db8:fa::1", FREE);
	CU_ASSERT_EQUAL(hits_of("far"), 2);
	close_lists();

	open_lists("deny = [\"far\"]; allow = [\"near\"];");
	expect("203.0.0.1", REFUSED);
	expect("2001:db8:fa::1", REFUSED);
	expect("203.0.1.1", ALLOWED);
	expect("203.0.2.1", ALLOWED); /* both: a policy that allows means it */
	expect("203.0.3.1", REFUSED);
	expect("203.0.4.1", DENIED);
	expect("203.0.5.1", FREE);
	rig.now_ns = UNTIL;
	expect("203.0.3.1", FREE);
	close_lists();
}

static void
metered_sources_share_their_limit(void)
{
	open_lists("meter = ( { tag = \"far\"; limit = \"1kpps\"; }, "
	           "{ tag = \"guests\"; limit = \"80kbit/s\"; } );");
	/* 200 ms of the rate at once, and then the rate. */
	CU_ASSERT_EQUAL(passed_of("203.0.0.1", 150) + passed_of("203.0.2.1", 150) +
	                        passed_of("2001:db8:fa::1", 100),
	                200);
	expect("203.0.0.1", METERED);
	CU_ASSERT_EQUAL(hits_of("far@shop"), 201);
	/* Others never pay for them, nor does who is never blocked. */
	CU_ASSERT_EQUAL(passed_of("203.0.1.1", 400), 400);
	CU_ASSERT_EQUAL(passed_of("192.0.2.17", 400), 400);
	rig.now_ns += 100 * RIG_MS;
	CU_ASSERT_EQUAL(passed_of("203.0.0.1", 150), 100);
	/* Bits: 15 packets of 1,500 bytes ahead, and one more, are the least. */
	CU_ASSERT_EQUAL(passed_of("203.0.5.1", 300), 226);
	expect("2001:db8:ab::1", METERED);
	close_lists();
}

static void
a_limit_is_divided_among_the_workers(void)
{
	open_lists("meter = ( { tag = \"far\"; limit = \"1kpps\"; } );");
	rig.env.workers = 4;
	CU_ASSERT_EQUAL(passed_of("203.0.0.1", 150), 50);
	close_lists();
}

/* A packet with two metered tags is paid for in both or in none. */
static void
two_meters_are_paid_both_or_none(void)
{
	open_lists("meter = ( { tag = \"far\"; limit = \"1kpps\"; }, "
	           "{ tag = \"near\"; limit = \"100pps\"; } );");
	CU_ASSERT_EQUAL(passed_of("203.0.2.1", 400), 20);
	CU_ASSERT_EQUAL(passed_of("203.0.0.1", 400), 180);
	close_lists();
}

static void
names_that_are_no_tags_are_refused(void)
{
	static const struct {
		const char *config, *said;
	} cases[] = {
		{ "deny = [\"fra\"];", "did you mean \"far\"" },
		{ "deny = [\"bad\"];", "no list with action \"tag\"" },
		{ "allow = [\"far\"]; deny = [\"far\"];", "something else" },
		{ "meter = ( { tag = \"nobody\"; limit = \"1kpps\"; } );",
		  "lists.meter" },
		{ "deny = [\"far\"]; meter = ( { tag = \"far\"; limit = \"1kpps\"; } );",
		  "something as well" },
	};

	open_lists("");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct conf_errors errors = { 0 };
		void *params = calloc(1, stage_lists.params_size);

		CU_ASSERT_EQUAL_FATAL(conf_read_text(cases[i].config,
		                                     strlen(cases[i].config), "rig",
		                                     stage_lists.fields, params, &errors),
		                      0);
		CU_ASSERT_EQUAL(stage_lists.compile(params, &rig.from, &errors), -EINVAL);
		CU_ASSERT_EQUAL_FATAL(errors.count, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(errors.error[0].message, cases[i].said));
		CU_ASSERT_PTR_NOT_NULL(strstr(errors.error[0].message, "shop"));
		conf_errors_free(&errors);
		conf_release(stage_lists.fields, params);
		free(params);
	}
	close_lists();
}

SUITE_MAIN("lists", TEST(the_most_specific_prefix_decides),
           TEST(what_was_timed_ends_and_gives_way),
           TEST(blocks_and_lists_are_weighed_together),
           TEST(a_burst_is_judged_lane_by_lane),
           TEST(a_burst_of_many_kinds_is_judged_lane_by_lane),
           TEST(destinations_are_not_looked_up), TEST(without_lists_everybody_passes),
           TEST(a_tag_means_what_the_policy_says),
           TEST(metered_sources_share_their_limit),
           TEST(a_limit_is_divided_among_the_workers),
           TEST(two_meters_are_paid_both_or_none),
           TEST(names_that_are_no_tags_are_refused))
