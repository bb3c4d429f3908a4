/* SPDX-License-Identifier: BSD-3-Clause */
/* Listed sources: denied, allowed for good, and the end of what was timed. */
#include "stage/lists/lists.h"

#include "prefix/prefix.h"
#include "rig.h"

static struct rig rig;

#define UNTIL (RIG_SECOND + 2500 * RIG_MS)

/* Value i + 1 of the table is entry i. */
static const struct stage_listed entries[] = {
	{ .is_deny = true, .name = "bad" },
	{ .is_deny = false, .name = "monitors" },
	{ .is_deny = true, .is_block = true, .until_ns = UNTIL, .name = "scanner" },
	{ .is_deny = false,
	  .is_block = true,
	  .until_ns = UNTIL,
	  .under = 1,
	  .name = "audit" },
	{ .is_deny = true,
	  .is_block = true,
	  .until_ns = UNTIL - 1,
	  .under = 4,
	  .name = "mistake" },
};

static const struct {
	const char *prefix;
	uint32_t value;
} listed[] = {
	{ "198.51.100.0/24", 1 }, { "198.51.100.7/32", 2 }, { "192.0.2.66/32", 3 },
	{ "198.51.100.8/32", 4 }, { "198.51.100.9/32", 5 }, { "2001:db8:bad::/48", 1 },
	{ "2001:db8:bad::7", 2 },
};

#define LISTED (sizeof(listed) / sizeof(*listed))

static void
open_lists(void)
{
	struct prefix_entry entry[LISTED];
	struct prefix_table *table;

	for (size_t i = 0; i < LISTED; i++) {
		CU_ASSERT_EQUAL_FATAL(prefix_parse(listed[i].prefix, &entry[i].prefix),
		                      0);
		entry[i].value = listed[i].value;
	}
	CU_ASSERT_EQUAL_FATAL(prefix_build(entry, LISTED, &table), 0);
	rig.from.listed = table;
	rig.from.entries = entries;
	rig_open(&rig, &stage_lists, "");
}

static void
close_lists(void)
{
	rig_close(&rig);
	prefix_free((struct prefix_table *)rig.from.listed);
	rig.from.listed = NULL;
	rig.from.entries = NULL;
}

enum fate { FREE, DENIED, ALLOWED };

static void
expect(const char *src, enum fate fate)
{
	struct rig_ends ends = { src,
		                 strchr(src, ':') ? "2001:db8:a::10" : "203.0.113.10", 1,
		                 2 };

	rig_fill(rig_packets(&rig, 1), PROTO_UDP, ends);
	rig_decide(&rig, 1);
	CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), fate == DENIED ? "denied" : "passed");
	CU_ASSERT_EQUAL(rig_is_exempt(&rig, 0), fate == ALLOWED);
}

static void
the_most_specific_prefix_decides(void)
{
	open_lists();
	expect("198.51.100.1", DENIED);
	expect("198.51.100.7", ALLOWED);
	expect("198.51.101.1", FREE);
	expect("2001:db8:bad::1", DENIED);
	expect("2001:db8:bad::7", ALLOWED);
	expect("2001:db8:bae::1", FREE);
	close_lists();
}

static void
what_was_timed_ends_and_gives_way(void)
{
	open_lists();
	expect("192.0.2.66", DENIED);
	expect("198.51.100.8", ALLOWED);
	expect("198.51.100.9", DENIED);
	rig.now_ns = UNTIL - 1;
	expect("192.0.2.66", DENIED);
	expect("198.51.100.8", ALLOWED);
	expect("198.51.100.9", ALLOWED);
	rig.now_ns = UNTIL;
	expect("192.0.2.66", FREE);
	expect("198.51.100.8", DENIED);
	expect("198.51.100.9", DENIED);
	expect("198.51.100.7", ALLOWED);
	close_lists();
}

static void
a_burst_is_judged_lane_by_lane(void)
{
	static const char *const sources[] = { "198.51.100.1", "192.0.2.1",
		                               "198.51.100.7" };
	struct facts *f;

	open_lists();
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
	close_lists();
}

/* A denied address may be answered to: only sources are listed. */
static void
destinations_are_not_looked_up(void)
{
	open_lists();
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

static void
explain_names_the_entry_in_force(void)
{
	const struct explain_line *line = rig.explain.line;

	open_lists();
	CU_ASSERT_EQUAL(rig_explain(&rig, "192.0.2.1"), 0);
	CU_ASSERT_EQUAL(rig_explain(&rig, "198.51.100.1"), 1);
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

SUITE_MAIN("lists", TEST(the_most_specific_prefix_decides),
           TEST(what_was_timed_ends_and_gives_way), TEST(a_burst_is_judged_lane_by_lane),
           TEST(destinations_are_not_looked_up), TEST(without_lists_everybody_passes),
           TEST(explain_names_the_entry_in_force))
