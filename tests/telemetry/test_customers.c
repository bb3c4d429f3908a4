/* SPDX-License-Identifier: BSD-3-Clause */
/* Those who proved to be real: every figure from the counter it is named for, over all workers. */
#include "flow/flow.h"
#include "flow/source.h"
#include "suite.h"
#include "telemetry/by_hand.h"

static struct box *box;
static struct telemetry *t;
static struct telemetry_ask ask;
static struct flow_table flows[2];
static struct source_table sources[2];
static struct hurt hurt[2];
static struct hash_key key;

static void
begin(void)
{
	box = hand_open();
	memset(flows, 0, sizeof(flows));
	memset(sources, 0, sizeof(sources));
	memset(hurt, 0, sizeof(hurt));
	hash_key_seeded(&key, 1);
	for (unsigned int i = 0; i < 2; i++) {
		struct pipeline *pl = box->worker[i].pipeline;

		pl->env.flows = &flows[i];
		pl->env.sources = &sources[i];
		pl->hurt = &hurt[i];
	}
	t = telemetry_open(box);
	telemetry_ask_init(&ask);
}

static void
end(void)
{
	telemetry_close(t);
	hand_close(box);
}

/* The object inside the document; give the document back. */
static json_t *
customers(json_t **document)
{
	*document = telemetry_customers(t, &ask);
	return json_object_get(*document, "customers");
}

static json_int_t
number(const json_t *o, const char *name)
{
	const json_t *value = json_object_get(o, name);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

/* Count packets of a reason that some stage must have, or the figure means nothing. */
static void
meet(struct pipeline *pl, const char *wanted, uint64_t packets)
{
	unsigned int stage, found = 0;
	char name[96];

	for (unsigned int i = 0; i < pipeline_reasons(); i++) {
		const struct stage_reason *r = pipeline_reason_info(i, &stage);
		const struct stage *s =
			stage < stage_count ? stage_list[stage] : &stage_io;

		snprintf(name, sizeof(name), "%s.%s", s->name, r->name);
		if (strcmp(name, wanted) != 0)
			continue;
		pl->books.decided[stage][r - s->reasons] += packets;
		found++;
	}
	CU_ASSERT_EQUAL(found, 1);
}

static void
nobody_there_is_nothing_to_tell(void)
{
	json_t *d, *c;

	begin();
	c = customers(&d);
	CU_ASSERT_EQUAL(number(c, "verified_flows"), 0);
	CU_ASSERT_EQUAL(number(c, "flows_proven_per_second"), 0);
	CU_ASSERT_EQUAL(number(c, "hit_estimate"), 0);
	CU_ASSERT(json_is_null(json_object_get(c, "challenge_pass_ratio")));
	json_decref(d);
	end();
}

static void
workers_are_added_up_and_rates_are_of_the_window(void)
{
	json_t *d, *c;

	begin();
	for (unsigned int i = 0; i < 2; i++) {
		flows[i].table.used[TABLE_EARNED] = 100;
		flows[i].table.used[TABLE_EARNING] = 10;
		sources[i].table.used[TABLE_EARNED] = 40;
		flows[i].proven = 1000;
		flows[i].resets = 50;
	}
	meet(box->worker[0].pipeline, "tcpauth.syn_cookie", 1500);
	meet(box->worker[1].pipeline, "tcpauth.bad_ack", 500);
	meet(box->worker[0].pipeline, "tcpauth.cookie_accepted", 60);
	meet(box->worker[1].pipeline, "tcpauth.bad_ack_accepted", 40);
	hand.now_ns += 2000000000;
	c = customers(&d);
	CU_ASSERT_EQUAL(number(c, "verified_flows"), 200);
	CU_ASSERT_EQUAL(number(c, "likely_flows"), 20);
	CU_ASSERT_EQUAL(number(c, "verified_sources"), 80);
	CU_ASSERT_EQUAL(number(c, "flows_proven_per_second"), 1000);
	CU_ASSERT_EQUAL(number(c, "resets_per_second"), 50);
	CU_ASSERT_EQUAL(number(c, "challenges_sent_per_second"), 1000);
	CU_ASSERT_EQUAL(number(c, "challenges_passed_per_second"), 50);
	CU_ASSERT_DOUBLE_EQUAL(
		json_real_value(json_object_get(c, "challenge_pass_ratio")), 0.05, 1e-9);
	json_decref(d);
	end();
}

static void
who_lost_packets_is_told_by_packets_and_by_customers(void)
{
	uint8_t address[16] = { 0 };
	struct watch_cell *cell;
	json_t *d, *c;

	begin();
	hand.now_ns += 2000000000;
	cell = watch_cell(&box->worker[0].pipeline->watch, 1, VECTOR_UDP_FLOOD);
	counter_add(&cell->packets, 100);
	counter_add(&cell->verified_dropped, 30);
	for (unsigned int i = 0; i < 3; i++) {
		address[15] = (uint8_t)i;
		hurt_add(&hurt[0], &key, address, hand.now_ns);
		hurt_add(&hurt[1], &key, address, hand.now_ns);
	}
	c = customers(&d);
	CU_ASSERT_EQUAL(number(c, "verified_dropped_packets_per_second"), 15);
	CU_ASSERT_EQUAL(number(c, "hit_estimate"), 3);
	json_decref(d);
	end();
}

SUITE_MAIN("telemetry/customers", TEST(nobody_there_is_nothing_to_tell),
           TEST(workers_are_added_up_and_rates_are_of_the_window),
           TEST(who_lost_packets_is_told_by_packets_and_by_customers))
