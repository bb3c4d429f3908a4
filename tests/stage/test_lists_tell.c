/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is never blocked, and what is told of a listed source. */
#include "lists_rig.h"

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

SUITE_MAIN("lists_tell", TEST(who_is_never_blocked_passes_every_list),
           TEST(explain_names_the_entry_in_force),
           TEST(explain_tells_tags_meters_and_who_is_never_blocked))
