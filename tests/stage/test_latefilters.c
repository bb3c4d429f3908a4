/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules that spare verified flows: who is one is written into the burst by hand. */
#include "stage/latefilters/latefilters.h"

#include "filters_rig.h"

static struct filters_rig f;

static const char rules[] =
	"{ name = \"strangers\"; action = \"drop\"; verified = false; match = { ports = "
	"[ "
	"\"443\" ]; }; },"
	"{ name = \"slow\"; action = \"meter\"; limit = \"1kpps\"; verified = false; "
	"match = "
	"{ protocols = [ \"icmp\", \"icmp6\" ]; }; },"
	"{ name = \"first\"; action = \"count\"; match = { ports = [ \"443\" ]; }; }";

static unsigned int
late(void)
{
	unsigned int s = 0;

	while (strcmp(stage_list[s]->name, "latefilters") != 0)
		s++;
	return s;
}

static void
lay(unsigned int tags)
{
	filters_begin(&f);
	filters_lay(&f, ack4, tags);
	filters_lay(&f, ack4, tags);
	filters_lay(&f, synack6, tags);
	filters_lay(&f, synack6, tags);
	filters_lay(&f, echo4, tags);
	parse_burst(&f.b);
	policy_classify(f.p, &f.b);
}

static void
verified_flows_are_spared(void)
{
	for (unsigned int tags = 0; tags < 3; tags++) {
		const struct stage *stage = &stage_latefilters;
		unsigned int s;

		filters_open(&f, rules, "mitigate");
		s = late();
		lay(tags);
		f.b.standing[1] = f.b.standing[3] = STANDING_VERIFIED_FLOW;
		stage->decide(f.pl.state[s], &f.p->view[s], &f.b, f.b.live);
		CU_ASSERT_EQUAL(f.b.live, 0x1a);
		CU_ASSERT_EQUAL(f.b.reason[0], 0);
		CU_ASSERT_STRING_EQUAL(stage->reasons[f.b.reason[0]].name, "dropped");
		CU_ASSERT_EQUAL(filters_hits(&f, "latefilters", "strangers"), 2);
		filters_close(&f);
	}
}

/* Through the pipeline, rules for everybody come first, wherever they stand in the file. */
static void
they_come_after_the_others(void)
{
	filters_open(&f, rules, "mitigate");
	lay(0);
	pipeline_run(&f.pl, f.p, &f.b);
	CU_ASSERT_STRING_EQUAL(filters_fate(&f, 0), "latefilters.dropped");
	CU_ASSERT_EQUAL(filters_hits(&f, "filters", "first"), 4);
	filters_close(&f);
	filters_open(&f, "", "mitigate");
	lay(0);
	pipeline_run(&f.pl, f.p, &f.b);
	CU_ASSERT_STRING_EQUAL(filters_fate(&f, 0), "passed");
	filters_close(&f);
}

static void
monitor_counts_the_same_and_drops_nothing(void)
{
	filters_open(&f, rules, "monitor");
	lay(0);
	pipeline_run(&f.pl, f.p, &f.b);
	pipeline_account(&f.pl, &f.b);
	CU_ASSERT_EQUAL(f.b.live, 0x1f);
	CU_ASSERT_EQUAL(filters_book(&f, "latefilters", 0, true), 4);
	filters_close(&f);
}

static void
they_meter_too(void)
{
	uint64_t metered = 0;

	filters_open(&f, rules, "mitigate");
	for (unsigned int i = 0; i < 1000; i++) {
		f.now_ns += 100000;
		lay(1);
		pipeline_run(&f.pl, f.p, &f.b);
		metered += strcmp(filters_fate(&f, 4), "latefilters.metered") == 0;
	}
	/* 1,000 in 100 ms: half of the limit is this worker's, 50, and as much is its burst. */
	CU_ASSERT_DOUBLE_EQUAL((double)metered, 900, 5);
	filters_close(&f);
}

SUITE_MAIN("latefilters", TEST(verified_flows_are_spared),
           TEST(they_come_after_the_others),
           TEST(monitor_counts_the_same_and_drops_nothing), TEST(they_meter_too))
