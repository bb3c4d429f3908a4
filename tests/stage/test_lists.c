/* SPDX-License-Identifier: BSD-3-Clause */
/* Listed sources: denied, allowed, tagged, metered, never blocked, and the end of what was timed. */
#include "stage/lists/lists.h"

#include "prefix/prefix.h"
#include "rig.h"

static struct rig rig;

#define UNTIL (RIG_SECOND + 2500 * RIG_MS)

/* --- lists as the policy builds them --- */

enum { BAD, MONITORS, FAR, NEAR, PROXIES, GUESTS, LISTS };

static const struct stage_listed entry[] = {
	[BAD] = { .list = BAD, .action = LIST_DENY, .name = "bad" },
	[MONITORS] = { .list = MONITORS, .action = LIST_ALLOW, .name = "monitors" },
	[FAR] = { .list = FAR, .action = LIST_TAG, .name = "far" },
	[NEAR] = { .list = NEAR, .action = LIST_TAG, .name = "near" },
	[PROXIES] = { .list = PROXIES,
	              .action = LIST_NEVER_BLOCK,
	              .scale = 1,
	              .name = "proxies" },
	[GUESTS] = { .list = GUESTS, .action = LIST_TAG, .name = "guests" },
	/* The same lists again, as far as they end. */
	{ .list = BAD, .action = LIST_DENY, .until_ns = UNTIL, .name = "bad" },
	{ .list = FAR, .action = LIST_TAG, .until_ns = UNTIL, .name = "far" },
};

/* Value v is node v - 1: entry, list, under, len, is_timed. */
static const struct stage_list_node node[] = {
	{ BAD, BAD, 0, 120, false }, /* 1 */
	{ MONITORS, MONITORS, 0, 128, false },
	{ FAR, FAR, 0, 0, false }, /* 3 */
	{ NEAR, NEAR, 0, 0, false },
	{ NEAR, NEAR, 3, 0, false }, /* 5: near and far */
	{ PROXIES, PROXIES, 0, 0, false },
	{ PROXIES, PROXIES, 3, 0, false }, /* 7: a proxy that is far */
	{ BAD, BAD, 6, 120, false },       /* 8: a proxy on the deny list */
	{ 6, BAD, 0, 128, true },          /* 9: bad for a while */
	{ 7, FAR, 0, 0, true },            /* 10: far for a while */
	{ BAD, BAD, 3, 120, false },       /* 11: bad and far */
	{ GUESTS, GUESTS, 0, 0, false },   /* 12 */
	{ 6, BAD, 2, 128, true },          /* 13: bad for a while, else a monitor */
};

static const struct {
	const char *prefix;
	uint32_t value;
} listed[] = {
	{ "198.51.100.0/24", 1 },   { "198.51.100.7/32", 2 },
	{ "203.0.0.0/24", 3 },      { "203.0.1.0/24", 4 },
	{ "203.0.2.0/24", 5 },      { "192.0.2.0/28", 6 },
	{ "192.0.2.16/28", 7 },     { "192.0.2.32/28", 8 },
	{ "198.51.100.9/32", 9 },   { "203.0.3.0/24", 10 },
	{ "203.0.4.0/24", 11 },     { "203.0.5.0/24", 12 },
	{ "198.51.100.13/32", 13 }, { "2001:db8:bad::/48", 1 },
	{ "2001:db8:bad::7", 2 },   { "2001:db8:fa::/48", 3 },
	{ "2001:db8:cd::/48", 6 },  { "2001:db8:ab::/48", 12 },
};

static struct stage_lists lists = { .node = node,
	                            .entry = entry,
	                            .nodes = sizeof(node) / sizeof(*node),
	                            .entries = sizeof(entry) / sizeof(*entry),
	                            .lists = LISTS,
	                            .scale = { 1, 20 } };

/* --- blocks made at run time --- */

static const struct stage_listed block_entry[] = {
	{ .list = 0,
	  .action = LIST_DENY,
	  .until_ns = UNTIL,
	  .is_block = true,
	  .name = "scanner" },
	{ .list = 1,
	  .action = LIST_ALLOW,
	  .until_ns = UNTIL,
	  .is_block = true,
	  .name = "audit" },
	{ .list = 2, .action = LIST_DENY, .is_block = true, .name = "for good" },
};

static const struct stage_list_node block_node[] = {
	{ 0, 0, 0, 128, true },  /* 1: deny one address */
	{ 1, 1, 0, 120, true },  /* 2: allow a /24 */
	{ 1, 1, 0, 128, true },  /* 3: allow one address */
	{ 2, 2, 0, 120, false }, /* 4: deny a /24 */
	{ 1, 1, 4, 128, true },  /* 5: allow one address of it for a while */
};

static const struct {
	const char *prefix;
	uint32_t value;
} blocked[] = {
	{ "192.0.2.66/32", 1 },   { "198.51.100.7/32", 1 }, { "198.51.100.8/32", 3 },
	{ "203.0.113.0/24", 4 },  { "203.0.113.7/32", 5 },  { "192.0.2.3/32", 1 },
	{ "198.51.100.0/24", 2 }, { "203.0.0.9/32", 1 },
};

static struct stage_lists blocks = { .node = block_node,
	                             .entry = block_entry,
	                             .nodes = 5,
	                             .entries = 3,
	                             .lists = 0,
	                             .scale = { 1 } };

static uint64_t hits[STAGE_HITS];
static char names[16][64];

static uint16_t
hit(void *owner, const char *stage, const char *name)
{
	(void)owner;
	CU_ASSERT_STRING_EQUAL(stage, "lists");
	for (uint16_t i = 1; i < 16; i++) {
		if (names[i][0] == '\0')
			snprintf(names[i], sizeof(names[i]), "%s", name);
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return 0;
}

static uint64_t
hits_of(const char *name)
{
	return hits[hit(NULL, "lists", name)];
}

#define TABLE(of, count, out)                                                            \
	do {                                                                             \
		struct prefix_entry entry_[32];                                          \
		for (size_t i_ = 0; i_ < (count); i_++) {                                \
			CU_ASSERT_EQUAL_FATAL(                                           \
				prefix_parse((of)[i_].prefix, &entry_[i_].prefix), 0);   \
			entry_[i_].value = (of)[i_].value;                               \
		}                                                                        \
		CU_ASSERT_EQUAL_FATAL(                                                   \
			prefix_build(entry_, count, (struct prefix_table **)(out)), 0);  \
	} while (0)

static void
open_lists(const char *config)
{
	TABLE(listed, sizeof(listed) / sizeof(*listed), &lists.table);
	TABLE(blocked, sizeof(blocked) / sizeof(*blocked), &blocks.table);
	memset(hits, 0, sizeof(hits));
	memset(names, 0, sizeof(names));
	rig.env.hits = hits;
	rig.env.workers = 1;
	rig.from.policy = "shop";
	rig.from.hit = hit;
	rig.from.lists = &lists;
	rig_open(&rig, &stage_lists, config);
}

static void
open_both(const char *config)
{
	rig.from.blocks = &blocks;
	open_lists(config);
}

static void
close_lists(void)
{
	rig_close(&rig);
	prefix_free((struct prefix_table *)lists.table);
	prefix_free((struct prefix_table *)blocks.table);
	rig.from.lists = rig.from.blocks = NULL;
}

enum fate { FREE, DENIED, ALLOWED, REFUSED, METERED };

static void
deliver(const char *src)
{
	struct rig_ends ends = { src,
		                 strchr(src, ':') ? "2001:db8:a::10" : "203.0.113.10", 1,
		                 2 };

	rig_fill(rig_packets(&rig, 1), PROTO_UDP, ends);
	rig_decide(&rig, 1);
}

static void
expect(const char *src, enum fate fate)
{
	static const char *const reason[] = { "passed", "denied", "passed", "tag_denied",
		                              "metered" };

	deliver(src);
	CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), reason[fate]);
	CU_ASSERT_EQUAL(rig_is_exempt(&rig, 0), fate == ALLOWED);
}

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

static unsigned int
passed_of(const char *src, unsigned int packets)
{
	unsigned int passed = 0;

	for (unsigned int i = 0; i < packets; i++) {
		deliver(src);
		passed += rig.burst.verdict[0] == VERDICT_PASS;
	}
	return passed;
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

/* --- never blocked --- */

static void
who_is_never_blocked_passes_every_list(void)
{
	open_both("deny = [\"far\"];");
	expect("192.0.2.1", FREE);
	CU_ASSERT_EQUAL(rig.burst.trusted, 1);
	CU_ASSERT_EQUAL(rig.burst.scale[0], 1);
	expect("192.0.2.17", FREE); /* far */
	expect("192.0.2.33", FREE); /* on the deny list */
	expect("192.0.2.3", FREE);  /* under a timed block */
	CU_ASSERT_EQUAL(rig.burst.trusted, 1);
	expect("2001:db8:cd::1", FREE);
	CU_ASSERT_EQUAL(rig.burst.trusted, 1);
	expect("203.0.0.9", DENIED);
	CU_ASSERT_EQUAL(rig.burst.trusted, 0);
	CU_ASSERT_EQUAL(hits_of("proxies"), 5);
	close_lists();
}

/* --- explain --- */

static const struct explain_line *
line_of(const char *what, const char *name)
{
	for (unsigned int i = 0; i < rig.explain.lines; i++)
		if (strcmp(rig.explain.line[i].what, what) == 0 &&
		    strcmp(rig.explain.line[i].name, name) == 0)
			return &rig.explain.line[i];
	return NULL;
}

static void
explain_names_the_entry_in_force(void)
{
	const struct explain_line *line = rig.explain.line;

	open_both("");
	CU_ASSERT_EQUAL(rig_explain(&rig, "192.0.2.99"), 0);
	CU_ASSERT_EQUAL(rig_explain(&rig, "2001:db8:bad::1"), 1);
	CU_ASSERT_STRING_EQUAL(line->what, "list");
	CU_ASSERT_STRING_EQUAL(line->name, "bad");
	CU_ASSERT_STRING_EQUAL(line->verdict, "denied");

	CU_ASSERT_EQUAL(rig_explain(&rig, "192.0.2.66"), 1);
	CU_ASSERT_STRING_EQUAL(line->what, "timed entry");
	CU_ASSERT_STRING_EQUAL(line->name, "scanner");
	CU_ASSERT_STRING_EQUAL(line->unit, "seconds");
	CU_ASSERT_EQUAL(line->value, 3);

	rig.now_ns = UNTIL;
	CU_ASSERT_EQUAL(rig_explain(&rig, "192.0.2.66"), 0);
	CU_ASSERT_EQUAL(rig_explain(&rig, "2001:db8:bad::7"), 1);
	CU_ASSERT_STRING_EQUAL(line->name, "monitors");
	CU_ASSERT_STRING_EQUAL(line->verdict, "allowed");
	close_lists();
}

static void
explain_tells_tags_meters_and_who_is_never_blocked(void)
{
	const struct explain_line *line;

	open_both("allow = [\"guests\"]; deny = [\"near\"]; "
	          "meter = ( { tag = \"far\"; limit = \"1kpps\"; } );");
	passed_of("203.0.0.1", 300);
	rig_explain(&rig, "203.0.0.7");
	CU_ASSERT_PTR_NOT_NULL(line_of("tag", "far"));
	line = line_of("metered", "far");
	CU_ASSERT_PTR_NOT_NULL_FATAL(line);
	CU_ASSERT_STRING_EQUAL(line->verdict, "over");
	CU_ASSERT_EQUAL(line->policy, RIG_POLICY);
	CU_ASSERT(line->value >= 99);
	line = line_of("meter limit", "far");
	CU_ASSERT_PTR_NOT_NULL_FATAL(line);
	CU_ASSERT_EQUAL(line->value, 1000);
	CU_ASSERT_STRING_EQUAL(line->unit, "packets_per_second");

	rig_explain(&rig, "203.0.1.1");
	CU_ASSERT_EQUAL(rig.explain.lines, 2);
	CU_ASSERT_STRING_EQUAL(rig.explain.line[1].verdict, "denied");
	rig_explain(&rig, "203.0.5.1");
	CU_ASSERT_STRING_EQUAL(rig.explain.line[1].verdict, "allowed");

	rig_explain(&rig, "192.0.2.3");
	line = line_of("never blocked", "proxies");
	CU_ASSERT_PTR_NOT_NULL_FATAL(line);
	CU_ASSERT_EQUAL(line->value, 20);
	CU_ASSERT_STRING_EQUAL(line->unit, "customers");
	line = line_of("timed entry", "scanner");
	CU_ASSERT_PTR_NOT_NULL_FATAL(line);
	CU_ASSERT_STRING_EQUAL(line->verdict, "spared");
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
           TEST(names_that_are_no_tags_are_refused),
           TEST(who_is_never_blocked_passes_every_list),
           TEST(explain_names_the_entry_in_force),
           TEST(explain_tells_tags_meters_and_who_is_never_blocked))
