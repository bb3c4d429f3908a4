/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DNS answers that nobody asked for through a whole worker, beside one that was: what
 * happens without the stage, in monitor and in mitigate, and what is counted.
 */
#include <stdio.h>

#include "flood_rig.h"
#include "stage/stage.h"

#define ANSWERS 300u /* in bursts of 50, all at once: 100 of them are no flood yet */
#define BURST   50u
#define CALM    100u
#define BODY    12u

static const char text[] =
	"version = 1;\n"
	"dataplane = { flow_entries = \"64k\"; source_entries = \"64k\"; };\n"
	"links = ( { name = \"a\"; external = \"x0\"; internal = \"x1\"; } );\n"
	"policies = ( { name = \"shop\"; mode = \"%s\";\n"
	"  reflection = { unasked = \"%s\"; learning_time = \"0s\"; }; } );\n"
	"services = ( { name = \"shop\"; policy = \"shop\";\n"
	"  prefixes = [ \"203.0.113.10/32\", \"2001:db8:a::10/128\" ]; } );\n";

static struct flood_rig r;

static uint64_t
rig_clock(void)
{
	return r.now_ns;
}

/* A DNS message between outside host `who` and us, from or to his port 53. */
static void
add_message(uint64_t who, bool is_answer, bool is_ipv6)
{
	const struct packet p = { .side = is_answer ? SIDE_EXTERNAL : SIDE_INTERNAL,
		                  .is_ipv6 = is_ipv6,
		                  .proto = PROTO_UDP,
		                  .who = who,
		                  .port = 40001 };
	struct frame *f = &r.frame[r.count];
	uint8_t *ip = f->bytes + 14, *l4 = ip + (is_ipv6 ? 40 : 20);
	uint32_t sum = 0;

	rig_add(&r, &p);
	rig_put16(l4 + (is_answer ? 0 : 2), 53);
	rig_put16(l4 + 4, 8 + BODY);
	memcpy(l4 + 8, is_answer ? "\x12\x34\x81\x80\0\1\0\1\0\0\0" : "\x12\x34\1\0\0\1",
	       is_answer ? BODY : 7);
	f->len = (uint16_t)(l4 + 8 + BODY - f->bytes);
	if (f->len < 60)
		f->len = 60;
	rig_put16(ip + (is_ipv6 ? 4 : 2), (is_ipv6 ? 0u : 20u) + 8 + BODY);
	if (is_ipv6)
		return;
	rig_put16(ip + 10, 0);
	for (unsigned int i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	rig_put16(ip + 10, ~(sum + (sum >> 16)) & 0xffff);
}

static uint64_t
count_of(const uint64_t counts[STAGE_MAX][STAGE_MAX_REASONS])
{
	uint64_t n = 0;

	for (unsigned int s = 0; s < stage_count; s++) {
		const bool is_ours = strcmp(stage_list[s]->name, "reflection") == 0;

		for (unsigned int k = 0; k < STAGE_MAX_REASONS; k++) {
			CU_ASSERT(counts[s][k] == 0 || (is_ours && k == 0));
			n += counts[s][k];
		}
	}
	return n;
}

struct outcome {
	uint64_t passed; /* of the flood */
	uint64_t dropped, would_drop;
	bool is_answered; /* the question of ours */
};

static struct outcome
flood(const char *mode, const char *unasked, bool is_ipv6)
{
	struct outcome o = { 0 };
	char conf[1024];

	snprintf(conf, sizeof(conf), text, mode, unasked);
	rig_open(&r, conf, rig_clock);
	rig_start(&r, SIDE_INTERNAL);
	add_message(7, false, is_ipv6);
	CU_ASSERT_EQUAL(rig_judge(&r)->live, 1);
	for (uint32_t n = 0; n < ANSWERS; n += BURST) {
		rig_start(&r, SIDE_EXTERNAL);
		for (uint32_t k = 0; k < BURST; k++)
			add_message(1000 + n + k, true, is_ipv6);
		o.passed += lanes_count(rig_judge(&r)->live);
	}
	rig_start(&r, SIDE_EXTERNAL);
	add_message(7, true, is_ipv6);
	o.is_answered = rig_judge(&r)->live == 1;
	o.dropped = count_of(r.worker->pipeline.books.decided);
	o.would_drop = count_of(r.worker->pipeline.books.would);
	rig_close(&r);
	return o;
}

static void
without_the_stage_all_of_it_arrives(void)
{
	for (unsigned int k = 0; k < 2; k++) {
		const struct outcome o = flood("mitigate", "off", k != 0);

		CU_ASSERT_EQUAL(o.passed, ANSWERS);
		CU_ASSERT_EQUAL(o.dropped + o.would_drop, 0);
		CU_ASSERT_TRUE(o.is_answered);
	}
}

static void
in_mitigate_only_the_answer_arrives(void)
{
	for (unsigned int k = 0; k < 2; k++) {
		const struct outcome o = flood("mitigate", "armed", k != 0);

		CU_ASSERT_EQUAL(o.passed, CALM);
		CU_ASSERT_EQUAL(o.dropped, ANSWERS - CALM);
		CU_ASSERT_EQUAL(o.would_drop, 0);
		CU_ASSERT_TRUE(o.is_answered);
	}
}

static void
in_monitor_nothing_changes_and_all_is_counted(void)
{
	for (unsigned int k = 0; k < 2; k++) {
		const struct outcome o = flood("monitor", "armed", k != 0);

		CU_ASSERT_EQUAL(o.passed, ANSWERS);
		CU_ASSERT_EQUAL(o.dropped, 0);
		CU_ASSERT_EQUAL(o.would_drop, ANSWERS - CALM);
		CU_ASSERT_TRUE(o.is_answered);
	}
}

SUITE_MAIN("reflection", TEST(without_the_stage_all_of_it_arrives),
           TEST(in_mitigate_only_the_answer_arrives),
           TEST(in_monitor_nothing_changes_and_all_is_counted))
