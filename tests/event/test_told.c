/* SPDX-License-Identifier: BSD-3-Clause */
/* What is told once and when it is over: workers, ports, blocks, what operators set. */
#include "events_rig.h"

/* A second goes by, and everybody moves. */
static void
second(void)
{
	hand.now_ns += 1000000000;
	for (unsigned int i = 0; i < 2; i++)
		box->worker[i].last_turn_ns = hand.now_ns;
	events_turn(e);
}

static void
a_worker_that_moves_again_is_told(void)
{
	json_t *all;

	begin_in_folder();
	events_turn(e);
	hand.now_ns += 4000000000;
	events_turn(e);
	second();
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 4);
	CU_ASSERT_PTR_NOT_NULL(find(all, "worker", "stuck"));
	CU_ASSERT_PTR_NOT_NULL(find(all, "worker", "moving"));
	json_decref(all);
	end();
}

static void
a_port_that_loses_packets_is_told_once_until_it_is_calm(void)
{
	json_t *all, *o;

	begin_in_folder();
	second();
	for (unsigned int i = 0; i < 5; i++) {
		hand.lost += 100;
		second();
	}
	for (unsigned int i = 0; i < 9; i++)
		second();
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 1);
	o = json_object_get(find(all, "port", "overload"), "port");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(o, "lost_packets")), 100);
	json_decref(all);
	second();
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 2);
	o = json_object_get(find(all, "port", "calm"), "port");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(o, "lost_packets")), 500);
	json_decref(all);
	end();
}

/* The first worker has so much to do that only a hundredth is left; or nothing at all. */
static void
work(unsigned int seconds, bool is_busy)
{
	for (unsigned int i = 0; i < seconds; i++) {
		box->worker[0].turns += 100;
		box->worker[0].busy_turns += is_busy ? 99 : 0;
		box->worker[0].busy_cycles += is_busy ? 99000000 : 0;
		box->worker[0].idle_cycles += is_busy ? 1000000 : 100000000;
		second();
	}
}

static void
a_worker_at_its_end_is_told_until_it_is_calm(void)
{
	json_t *all, *o;

	begin_in_folder();
	work(3, false);
	work(2, true);
	work(1, false);
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 0);
	json_decref(all);
	work(5, true);
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 1);
	o = json_object_get(find(all, "worker", "overload"), "worker");
	CU_ASSERT(json_real_value(json_object_get(o, "busy_ratio")) > 0.95);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(o, "worker")), 0);
	json_decref(all);
	work(12, false);
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 2);
	CU_ASSERT_PTR_NOT_NULL(find(all, "worker", "calm"));
	json_decref(all);
	end();
}

static void
a_full_ring_of_a_worker_is_overload(void)
{
	json_t *all;

	begin_in_folder();
	box->handoff_room = 1000;
	box->worker[1].waiting = 750;
	for (unsigned int i = 0; i < 5; i++)
		second();
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 1);
	CU_ASSERT_PTR_NOT_NULL(find(all, "worker", "overload"));
	json_decref(all);
	end();
}

static void
a_block_by_a_rule_is_told_when_it_is_over(void)
{
	json_t *all, *o;

	begin_in_folder();
	notices = 1;
	events_turn(e);
	hand.now_ns += 30000000000;
	notices = 1; /* again, for another minute */
	second();
	for (unsigned int i = 0; i < 59; i++)
		second();
	all = lines_of(file);
	CU_ASSERT_PTR_NULL(find(all, "unblock", NULL));
	json_decref(all);
	second();
	second();
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 3);
	o = find(all, "unblock", NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_STRING_EQUAL(text(o, "unblock", "prefix"), "192.0.2.66/32");
	CU_ASSERT_STRING_EQUAL(text(o, "unblock", "cause"), "expired");
	CU_ASSERT_STRING_EQUAL(text(o, "unblock", "made_by"), "rule");
	CU_ASSERT_STRING_EQUAL(text(o, "unblock", "reason"), "io.tx_full");
	json_decref(all);
	end();
}

static void
what_operators_set_is_told_and_why_it_ends(void)
{
	static const struct policy_block block = {
		.prefix = { { [10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2 },
		            120 },
		.until_ns = 61000000000,
		.reason = "<script>",
	};
	json_t *all, *o;

	begin_in_folder();
	events_tell_block(e, &block, EVENTS_SET);
	events_tell_block(e, &block, EVENTS_EXPIRED);
	events_tell_mode(e, "shop", "monitor", 61000000000, EVENTS_SET);
	events_tell_mode(e, NULL, "configured", 0, EVENTS_TAKEN_BACK);
	events_tell_bypass(e, true, 0, EVENTS_SET);
	events_tell_daemon(e, "start");
	events_tell_trouble(e, "history", false, "the disk is full");
	events_tell_trouble(e, "history", true, "12 minutes were not kept");
	events_turn(e);
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 8);
	o = find(all, "block", NULL);
	CU_ASSERT_STRING_EQUAL(text(o, "block", "prefix"), "192.0.2.0/24");
	CU_ASSERT_STRING_EQUAL(text(o, "block", "made_by"), "operator");
	CU_ASSERT_STRING_EQUAL(text(o, "block", "until"), "2026-11-21T22:31:01.000Z");
	CU_ASSERT_STRING_EQUAL(text(o, "block", "reason"), "<script>");
	o = find(all, "unblock", NULL);
	CU_ASSERT_STRING_EQUAL(text(o, "unblock", "cause"), "expired");
	o = find(all, "mode", NULL);
	CU_ASSERT_STRING_EQUAL(text(o, "mode", "mode"), "monitor");
	CU_ASSERT_STRING_EQUAL(text(o, "mode", "scope"), "service");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(o, "service")), "shop");
	o = json_array_get(all, 3);
	CU_ASSERT_STRING_EQUAL(text(o, "mode", "scope"), "all");
	CU_ASSERT_STRING_EQUAL(text(o, "mode", "cause"), "taken_back");
	o = json_object_get(find(all, "bypass", NULL), "bypass");
	CU_ASSERT(json_is_true(json_object_get(o, "enabled")));
	CU_ASSERT(json_is_null(json_object_get(o, "until")));
	CU_ASSERT_PTR_NOT_NULL(find(all, "daemon", "start"));
	CU_ASSERT_PTR_NOT_NULL(find(all, "trouble", "start"));
	CU_ASSERT_PTR_NOT_NULL(find(all, "trouble", "end"));
	json_decref(all);
	end();
}

static void
a_long_request_is_told_by_its_size(void)
{
	static char long_text[5000];
	json_t *all, *o, *request;

	memset(long_text, 'x', sizeof(long_text) - 1);
	request = json_pack("{s:s}", "text", long_text);
	begin_in_folder();
	events_tell_audit(e, "alice", "POST /api/v1/config/check", request, 200);
	events_turn(e);
	all = lines_of(file);
	o = json_object_get(find(all, "audit", NULL), "audit");
	CU_ASSERT_PTR_NULL(json_object_get(o, "request"));
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(o, "request_bytes")), 5010);
	json_decref(all);
	json_decref(request);
	end();
}

/* What nobody was let in for leaves half of the queue, and of the rate, to the others. */
static void
strangers_cannot_crowd_out_what_counts(void)
{
	json_t *all;

	begin_in_folder();
	for (unsigned int i = 0; i < 1000; i++)
		events_tell_audit(e, "", "PUT /api/v1/mode", NULL, 401);
	for (unsigned int i = 0; i < 100; i++)
		events_tell_audit(e, "alice", "PUT /api/v1/mode", NULL, 200);
	events_turn(e);
	all = lines_of(file);
	CU_ASSERT_EQUAL(json_array_size(all), 228);
	CU_ASSERT_STRING_EQUAL(text(json_array_get(all, 227), "audit", "who"), "alice");
	json_decref(all);
	end();
}

static json_t *
ask_tail(const char *since, const char *type, const char *limit)
{
	struct telemetry_ask ask;
	char why[160];

	telemetry_ask_init(&ask);
	if (since != NULL)
		CU_ASSERT_EQUAL(telemetry_ask_set(&ask, "since", since, why), 0);
	if (type != NULL)
		CU_ASSERT_EQUAL(telemetry_ask_set(&ask, "type", type, why), 0);
	if (limit != NULL)
		CU_ASSERT_EQUAL(telemetry_ask_set(&ask, "limit", limit, why), 0);
	return telemetry_events(t, &ask);
}

/* first_seq, last_seq, missed, how many, number of the first of them. */
static void
expect_tail(const char *since, const char *type, const char *limit,
            const json_int_t expected[5])
{
	json_t *d = ask_tail(since, type, limit), *a = json_object_get(d, "events");

	CU_ASSERT_EQUAL(json_integer_value(json_object_get(d, "first_seq")), expected[0]);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(d, "last_seq")), expected[1]);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(d, "missed")), expected[2]);
	CU_ASSERT_EQUAL(json_array_size(a), (size_t)expected[3]);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(json_array_get(a, 0), "seq")),
	                expected[4]);
	json_decref(d);
}

static void
the_newest_are_read_from_memory(void)
{
	begin("");
	expect_tail(NULL, NULL, NULL, (json_int_t[]){ 0, 0, 0, 0, 0 });
	expect_tail("7", NULL, NULL, (json_int_t[]){ 0, 0, 0, 0, 0 });
	for (unsigned int i = 0; i < 1500; i++) {
		if (i % 500 == 0)
			events_tell_bypass(e, true, 0, EVENTS_SET);
		else
			events_tell_audit(e, "alice", "PUT /api/v1/mode", NULL, 200);
		if (i % 100 == 99) {
			hand.now_ns += 1000000000;
			events_turn(e);
		}
	}
	/* Two of them are the workers, which do not move. */
	expect_tail(NULL, NULL, NULL, (json_int_t[]){ 479, 1502, 0, 20, 1483 });
	expect_tail("0", NULL, "7", (json_int_t[]){ 479, 1502, 478, 7, 479 });
	expect_tail("1500", NULL, NULL, (json_int_t[]){ 479, 1502, 0, 2, 1501 });
	expect_tail("1502", NULL, NULL, (json_int_t[]){ 479, 1502, 0, 0, 0 });
	expect_tail("9223372036854775807", NULL, NULL,
	            (json_int_t[]){ 479, 1502, 0, 0, 0 });
	expect_tail(NULL, "bypass", NULL, (json_int_t[]){ 479, 1502, 0, 2, 503 });
	expect_tail(NULL, "bypass", "1", (json_int_t[]){ 479, 1502, 0, 1, 1003 });
	expect_tail("2s", NULL, "256", (json_int_t[]){ 479, 1502, 0, 200, 1303 });
	expect_tail("1d", NULL, "1", (json_int_t[]){ 479, 1502, 0, 1, 1502 });
	end();
}

static unsigned int heard;
static char heard_last[256];

static void
hear(void *arg, const struct events_told *told)
{
	CU_ASSERT_PTR_EQUAL(arg, &heard);
	CU_ASSERT_EQUAL(told->seq, ++heard);
	CU_ASSERT_EQUAL(told->len, strlen(told->line));
	snprintf(heard_last, sizeof(heard_last), "%s/%s %llu", told->type, told->status,
	         (unsigned long long)told->unix_ns);
}

static void
listeners_hear_every_event_in_order(void)
{
	static const struct events_listener listener = { hear, &heard };

	begin("");
	heard = 0;
	CU_ASSERT_EQUAL(events_listen(e, &listener), 0);
	events_tell_audit(e, "alice", "PUT /api/v1/mode", NULL, 200);
	hand.now_ns += 123456789;
	events_tell_trouble(e, "history", false, "the disk is full");
	events_turn(e);
	CU_ASSERT_EQUAL(heard, 2);
	CU_ASSERT_STRING_EQUAL(heard_last, "trouble/start 1795300201123456000");
	for (unsigned int i = 1; i < EVENTS_LISTENERS; i++)
		CU_ASSERT_EQUAL(events_listen(e, &listener), 0);
	CU_ASSERT_EQUAL(events_listen(e, &listener), -ENOSPC);
	end();
}

SUITE_MAIN("event/told", TEST(a_worker_that_moves_again_is_told),
           TEST(a_port_that_loses_packets_is_told_once_until_it_is_calm),
           TEST(a_worker_at_its_end_is_told_until_it_is_calm),
           TEST(a_full_ring_of_a_worker_is_overload),
           TEST(a_block_by_a_rule_is_told_when_it_is_over),
           TEST(what_operators_set_is_told_and_why_it_ends),
           TEST(a_long_request_is_told_by_its_size),
           TEST(strangers_cannot_crowd_out_what_counts),
           TEST(the_newest_are_read_from_memory),
           TEST(listeners_hear_every_event_in_order))
