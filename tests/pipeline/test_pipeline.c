/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline/pipeline.h"

#include <stdlib.h>
#include <string.h>

#include "stage/explain.h"
#include "suite.h"

#define EVEN UINT64_C(0x5555555555555555)

static uint64_t observed[3], judged[3], built;

/* Three toy stages: the first drops even lanes and lets lane 1 through for good, the
 * second answers lanes 3 and 7, the third drops all it sees. */
static void
watch_all(void *state, const struct stage_view *view, struct burst *b, uint64_t lanes)
{
	(void)view;
	(void)b;
	observed[*(unsigned int *)state] = lanes;
}

static void
drop_even(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	unsigned int i;

	(void)view;
	judged[*(unsigned int *)state] = todo;
	LANES_FOREACH (i, todo & EVEN)
		burst_drop(b, i, 1);
	if ((todo & lane_bit(1)) != 0)
		burst_exempt(b, 1);
}

static void
challenge(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	unsigned int i;

	(void)view;
	judged[*(unsigned int *)state] = todo;
	LANES_FOREACH (i, todo & (lane_bit(3) | lane_bit(7)))
		burst_reply(b, i, 0);
}

static void
drop_all(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	unsigned int i;

	(void)view;
	judged[*(unsigned int *)state] = todo;
	LANES_FOREACH (i, todo)
		burst_drop(b, i, 0);
}

static void
build(void *state, struct burst *b, uint64_t lanes)
{
	(void)state;
	(void)b;
	built = lanes;
}

static unsigned int opened;

static int
open_toy(void **state, const struct stage_env *env)
{
	unsigned int *s = malloc(sizeof(*s));

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT(env->flows != NULL && env->sources != NULL && env->watch != NULL);
	*s = opened++;
	*state = s;
	return 0;
}

/* Answers in two steps, one line each. */
static bool
explain_toy(void *state, const struct stage_view *view, struct explain *e,
            uint64_t now_ns)
{
	struct explain_line *line = explain_add(e);

	(void)state;
	(void)view;
	CU_ASSERT_PTR_NOT_NULL_FATAL(line);
	line->what = "toy";
	line->value = now_ns;
	return ++e->cursor == 2;
}

static const struct stage_reason two_reasons[] = { { "zero", REASON_DROP, "-" },
	                                           { "one", REASON_DROP, "-" },
	                                           { NULL, REASON_DROP, NULL } };
static const struct stage_reason one_challenge[] = { { "cookie", REASON_CHALLENGE, "-" },
	                                             { NULL, REASON_DROP, NULL } };
static const struct stage first = { .name = "first",
	                            .reasons = two_reasons,
	                            .open = open_toy,
	                            .close = free,
	                            .observe = watch_all,
	                            .decide = drop_even,
	                            .explain = explain_toy };
static const struct stage second = { .name = "second",
	                             .reasons = one_challenge,
	                             .open = open_toy,
	                             .close = free,
	                             .observe = watch_all,
	                             .decide = challenge,
	                             .reply = build };
static const struct stage third = { .name = "third",
	                            .reasons = two_reasons,
	                            .open = open_toy,
	                            .close = free,
	                            .observe = watch_all,
	                            .decide = drop_all };
const struct stage *const stage_list[] = { &first, &second, &third };
const unsigned int stage_count = 3;
const struct stage stage_io = { .name = "io", .reasons = two_reasons };

static struct pipeline pl;
static struct policies *policies;
static struct burst b;
static struct notices notices;
static const struct pipeline_sizes sizes = { 1024, 1024, 8, 256, 16, 1 };

static void
setup(enum policy_mode mode, uint32_t stages)
{
	static struct stage_common common;

	hash_key_seeded(&common.key, 1);
	opened = 0;
	CU_ASSERT_EQUAL_FATAL(pipeline_open(&pl, 0, &sizes, &common, &notices), 0);
	policies = calloc(1, sizeof(*policies));
	CU_ASSERT_PTR_NOT_NULL_FATAL(policies);
	policies->n_policies = 2;
	policies->n_services = 2;
	policies->policy[1].mode = mode;
	policies->policy[1].stages = stages;
	policies->service[1].policy = 1;

	memset(observed, 0, sizeof(observed));
	memset(judged, 0, sizeof(judged));
	built = 0;
	burst_start(&b, 1000, 0, SIDE_EXTERNAL);
	b.count = 8;
	b.live = lanes_first(8);
	for (unsigned int i = 0; i < 8; i++) {
		b.service[i] = b.policy[i] = 1;
		b.facts[i].frame_len = 100;
		b.facts[i].vector = VECTOR_UDP_FLOOD;
	}
}

static void
teardown(void)
{
	pipeline_close(&pl);
	free(policies);
}

static const struct watch_cell *
cell(unsigned int slot)
{
	return watch_cell(&pl.watch, 1, slot);
}

static void
a_later_stage_judges_only_what_is_left(void)
{
	setup(POLICY_MITIGATE, 7);
	burst_describe(&b);
	pipeline_run(&pl, policies, &b);
	CU_ASSERT_EQUAL(judged[0], 0xff);
	CU_ASSERT_EQUAL(judged[1], 0xa8); /* odd lanes without the exempt lane 1 */
	CU_ASSERT_EQUAL(judged[2], 0x20); /* 3 and 7 were answered */
	CU_ASSERT_EQUAL(b.live, 0x02);
	teardown();
}

static void
every_stage_observes_all_that_travels(void)
{
	setup(POLICY_MITIGATE, 7);
	burst_describe(&b);
	pipeline_run(&pl, policies, &b);
	CU_ASSERT_EQUAL(observed[0], 0xff);
	CU_ASSERT_EQUAL(observed[1], 0xaa);
	CU_ASSERT_EQUAL(observed[2], 0x22);
	teardown();

	/* What monitor spares is seen by every later stage. */
	setup(POLICY_MONITOR, 7);
	burst_describe(&b);
	pipeline_run(&pl, policies, &b);
	for (unsigned int s = 0; s < 3; s++)
		CU_ASSERT_EQUAL(observed[s], 0xff);
	teardown();

	setup(POLICY_MITIGATE, 7);
	b.side = SIDE_INTERNAL;
	burst_describe(&b);
	pipeline_run(&pl, policies, &b);
	CU_ASSERT_EQUAL(observed[2], 0xff);
	CU_ASSERT_EQUAL(judged[0] | judged[1] | judged[2], 0);
	CU_ASSERT_EQUAL(b.live, 0xff);
	teardown();
}

static void
monitor_counts_each_packet_once_and_spares_all(void)
{
	setup(POLICY_MONITOR, 7);
	burst_describe(&b);
	pipeline_run(&pl, policies, &b);
	pipeline_account(&pl, &b);
	CU_ASSERT_EQUAL(b.live, 0xff);
	CU_ASSERT_EQUAL(pl.books.would[0][1], 4);
	CU_ASSERT_EQUAL(pl.books.would[1][0], 2);
	CU_ASSERT_EQUAL(pl.books.would[2][0], 1);
	CU_ASSERT_EQUAL(pl.books.decided[0][1] + pl.books.decided[1][0] +
	                        pl.books.decided[2][0],
	                0);
	CU_ASSERT_EQUAL(cell(VECTOR_UDP_FLOOD)->would_packets, 7);
	CU_ASSERT_EQUAL(cell(VECTOR_UDP_FLOOD)->passed_packets, 8);
	CU_ASSERT_EQUAL(built, 0);
	for (int i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(b.verdict[i], VERDICT_PASS);
	teardown();
}

static void
learn_judges_nothing(void)
{
	setup(POLICY_LEARN, 7);
	burst_describe(&b);
	pipeline_run(&pl, policies, &b);
	CU_ASSERT_EQUAL(judged[0] | judged[1] | judged[2], 0);
	CU_ASSERT_EQUAL(observed[0], 0xff);
	CU_ASSERT_EQUAL(b.live, 0xff);
	teardown();
}

static void
a_policy_meets_only_its_own_stages(void)
{
	setup(POLICY_MITIGATE, 4);
	b.policy[5] = 0;
	burst_describe(&b);
	pipeline_run(&pl, policies, &b);
	CU_ASSERT_EQUAL(judged[0], 0);
	CU_ASSERT_EQUAL(observed[0], 0);
	CU_ASSERT_EQUAL(observed[2], 0xff & ~lane_bit(5));
	CU_ASSERT_EQUAL(judged[2], 0xff & ~lane_bit(5));
	CU_ASSERT_EQUAL(b.live, lane_bit(5));
	teardown();
}

static void
answers_are_built_only_when_they_will_be_sent(void)
{
	setup(POLICY_MITIGATE, 2);
	burst_describe(&b);
	pipeline_run(&pl, policies, &b);
	CU_ASSERT_EQUAL(built, 0x88);
	CU_ASSERT_EQUAL(b.verdict[3], VERDICT_REPLY);
	CU_ASSERT_EQUAL(b.verdict[7], VERDICT_REPLY);
	teardown();
}

/* Those of the newest span, as the worker's sketch has them. */
static uint64_t
customers_hurt(void)
{
	static struct distinct all;

	distinct_clear(&all);
	hurt_merge(&all, pl.hurt, b.now_ns);
	return distinct_estimate(&all);
}

static void
the_books_of_a_vector_balance_also_when_the_port_is_full(void)
{
	const struct watch_cell *c;

	setup(POLICY_MITIGATE, 3);
	b.standing[0] = STANDING_VERIFIED_FLOW;
	b.standing[3] = STANDING_VERIFIED_FLOW; /* is answered, which is no loss */
	burst_describe(&b);
	pipeline_run(&pl, policies, &b);
	CU_ASSERT_EQUAL(b.live, 0x22);
	burst_drop(&b, 5, STAGE_IO_TX_FULL); /* as io_settle does */
	b.stage[5] = (uint8_t)stage_count;
	pipeline_account(&pl, &b);

	c = cell(VECTOR_UDP_FLOOD);
	CU_ASSERT_EQUAL(c->packets, 8);
	CU_ASSERT_EQUAL(c->bytes, 800);
	CU_ASSERT_EQUAL(c->packets, c->passed_packets + c->dropped_packets);
	CU_ASSERT_EQUAL(c->bytes, c->passed_bytes + c->dropped_bytes);
	CU_ASSERT_EQUAL(c->verified_dropped, 1);
	CU_ASSERT_EQUAL(customers_hurt(), 1);
	CU_ASSERT_EQUAL(c->limited_packets, 0); /* lane 1 is exempt */
	CU_ASSERT_EQUAL(pl.books.decided[0][1], 4);
	CU_ASSERT_EQUAL(pl.books.decided[1][0], 2);
	CU_ASSERT_EQUAL(pl.books.decided[3][STAGE_IO_TX_FULL], 1);
	CU_ASSERT_EQUAL(pl.service_reasons[pipeline_reasons() + pipeline_reason(0, 1)],
	                4);
	CU_ASSERT_EQUAL(pl.service_reasons[pipeline_reasons() + pipeline_reason(3, 0)],
	                1);
	teardown();
}

static void
what_the_service_sends_is_counted_apart(void)
{
	setup(POLICY_MITIGATE, 7);
	b.side = SIDE_INTERNAL;
	burst_describe(&b);
	pipeline_run(&pl, policies, &b);
	pipeline_account(&pl, &b);
	CU_ASSERT_EQUAL(cell(VECTOR_OUTBOUND)->packets, 8);
	CU_ASSERT_EQUAL(cell(VECTOR_OUTBOUND)->passed_packets, 8);
	CU_ASSERT_EQUAL(cell(VECTOR_UDP_FLOOD)->packets, 0);
	teardown();
}

static void
lanes_of_an_armed_vector_are_marked(void)
{
	struct watch_rule *rule;

	setup(POLICY_MITIGATE, 0);
	rule = &policies->policy[1].rule[VECTOR_UDP_FLOOD];
	rule->activate = (struct meter_limit){ 10, METER_PACKETS };
	CU_ASSERT_EQUAL_FATAL(
		meter_rate_init(&rule->activate_rate, &rule->activate, 100000000, 1), 0);
	b.facts[7].vector = VECTOR_ICMP_FLOOD;
	burst_describe(&b);
	pipeline_run(&pl, policies, &b);
	CU_ASSERT_EQUAL(b.armed & lane_bit(0), 0);
	CU_ASSERT_NOT_EQUAL(b.armed & lane_bit(6), 0);
	CU_ASSERT_EQUAL(b.armed & lane_bit(7), 0);
	CU_ASSERT_EQUAL(pl.watch.hot_ns, b.now_ns);
	teardown();
}

static void
explain_asks_stage_after_stage(void)
{
	struct explain *e = calloc(1, sizeof(*e));
	unsigned int stage = 0, calls = 1;

	setup(POLICY_MITIGATE, 7);
	while (!pipeline_explain(&pl, policies, e, &stage, 42))
		calls++;
	CU_ASSERT_EQUAL(calls, 4); /* two of the first stage, one each of the others */
	CU_ASSERT_EQUAL(e->lines, 2);
	CU_ASSERT_EQUAL(e->line[1].stage, 0);
	CU_ASSERT_EQUAL(e->line[1].value, 42);
	teardown();
	free(e);
}

static void
reasons_have_one_running_index(void)
{
	unsigned int stage;

	CU_ASSERT_EQUAL(pipeline_reasons(), 7);
	CU_ASSERT_EQUAL(pipeline_reason(2, 1), 4);
	CU_ASSERT_STRING_EQUAL(pipeline_reason_info(2, &stage)->name, "cookie");
	CU_ASSERT_EQUAL(stage, 1);
	CU_ASSERT_STRING_EQUAL(pipeline_reason_info(6, &stage)->name, "one");
	CU_ASSERT_EQUAL(stage, 3);
}

/* A connection that a timer ended had no packet to be stopped; its service's books know it too. */
static void
what_a_timer_ends_stands_in_the_books(void)
{
	const struct stage_count ended = { .stage = 1, .reason = 0, .service = 2 };
	const struct stage_count would = {
		.stage = 2, .reason = 1, .service = 1, .is_would = true
	};
	const unsigned int n = pipeline_reasons();

	setup(POLICY_MITIGATE, 7);
	pl.env.count(pl.env.counts, &ended);
	pl.env.count(pl.env.counts, &ended);
	pl.env.count(pl.env.counts, &would);
	CU_ASSERT_EQUAL(pl.books.decided[1][0], 2);
	CU_ASSERT_EQUAL(pl.books.would[1][0], 0);
	CU_ASSERT_EQUAL(pl.books.would[2][1], 1);
	CU_ASSERT_EQUAL(pl.service_reasons[2 * n + pipeline_reason(1, 0)], 2);
	CU_ASSERT_EQUAL(pl.service_would[1 * n + pipeline_reason(2, 1)], 1);
	teardown();
}

SUITE_MAIN("pipeline", TEST(a_later_stage_judges_only_what_is_left),
           TEST(every_stage_observes_all_that_travels),
           TEST(monitor_counts_each_packet_once_and_spares_all),
           TEST(learn_judges_nothing), TEST(a_policy_meets_only_its_own_stages),
           TEST(answers_are_built_only_when_they_will_be_sent),
           TEST(the_books_of_a_vector_balance_also_when_the_port_is_full),
           TEST(what_the_service_sends_is_counted_apart),
           TEST(lanes_of_an_armed_vector_are_marked),
           TEST(explain_asks_stage_after_stage), TEST(reasons_have_one_running_index),
           TEST(what_a_timer_ends_stands_in_the_books))
