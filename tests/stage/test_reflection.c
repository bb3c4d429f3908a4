/* SPDX-License-Identifier: BSD-3-Clause */
/* UDP answers: what was asked for comes in, whatever else comes from the same ports. */
#include "reflection_rig.h"

#define DNS_QUESTION "\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0"
#define DNS_ANSWER   "\x12\x34\x81\x80\x00\x01\0\1\0\0\0\0"
#define MODE_4       "\x24\x01\x00\xe9"
#define MONLIST      "\xd7\x00\x03\x2a"

static struct packet
dns(enum side side, uint32_t who, bool is_answer)
{
	return (struct packet){ .side = side,
		                .who = who,
		                .outside_port = 53,
		                .inside_port = 40001,
		                .payload = is_answer ? DNS_ANSWER : DNS_QUESTION,
		                .seen = 12,
		                .len = is_answer ? 120 : 40 };
}

static struct packet
ntp(enum side side, uint32_t who, const char *payload)
{
	return (struct packet){ .side = side,
		                .who = who,
		                .outside_port = 123,
		                .inside_port = 123,
		                .payload = payload,
		                .seen = 4,
		                .len = 48 };
}

static const char *
send_dns(enum side side, uint32_t who, bool is_answer)
{
	const struct packet p = dns(side, who, is_answer);

	return ring_one(&p);
}

/* Each family, with and without a tag. */
static void
each_way(void (*run)(void))
{
	for (unsigned int way = 0; way < 4; way++) {
		ring_open("", false);
		ring.is_ipv6 = (way & 1) != 0;
		ring.is_vlan = (way & 2) != 0;
		run();
		ring_close();
	}
}

/* Without a flood all of them pass: 90 are below every threshold. */
static void
run_calm(void)
{
	CU_ASSERT_EQUAL(ring_flood(dns(SIDE_EXTERNAL, 0, true), 1, 90), 90);
	CU_ASSERT_EQUAL(ring_hits("dns"), 0);
}

static void
below_every_threshold_nothing_is_dropped(void)
{
	each_way(run_calm);
}

static void
run_armed(void)
{
	ring.is_armed = true;
	CU_ASSERT_STRING_EQUAL(send_dns(SIDE_INTERNAL, 7, false), "passed");
	CU_ASSERT_EQUAL(ring_flood(dns(SIDE_EXTERNAL, 0, true), 1000, 100), 0);
	CU_ASSERT_STRING_EQUAL(ring.reason[0], "unasked");
	CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, 7, true), "passed");
	CU_ASSERT_EQUAL(ring_hits("dns"), 100);
}

static void
under_attack_only_what_was_asked_comes_in(void)
{
	each_way(run_armed);
}

/* A flood a hundred times as large as what the host asks, from the very same ports. */
static void
run_flood(void)
{
	unsigned int passed = 0;

	ring_flood(dns(SIDE_EXTERNAL, 0, true), 1000,
	           500); /* The trigger has gone off. */
	for (uint32_t who = 1; who <= 50; who++) {
		ring.now_ns += 10 * RIG_MS;
		CU_ASSERT_STRING_EQUAL(send_dns(SIDE_INTERNAL, who, false), "passed");
		passed += ring_flood(dns(SIDE_EXTERNAL, 0, true), 1000, 100);
		CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, who, true), "passed");
	}
	CU_ASSERT_EQUAL(passed, 0);
}

static void
asked_answers_pass_beside_a_hundred_times_as_many(void)
{
	each_way(run_flood);
}

/* 100 a second, and all of them at once: the trigger goes off, holds, and lets go. */
static void
a_trigger_of_its_own_stops_what_no_vector_notices(void)
{
	ring_open("", false);
	CU_ASSERT_EQUAL(ring_flood(dns(SIDE_EXTERNAL, 0, true), 1, 100), 100);
	CU_ASSERT_EQUAL(ring_flood(dns(SIDE_EXTERNAL, 0, true), 1, 64), 0);
	ring.now_ns += 9 * RIG_SECOND;
	CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, 5, true), "unasked");
	ring.now_ns += 2 * RIG_SECOND;
	CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, 5, true), "passed");
	ring_close();
}

/* A resolver that asks our server from port 53 is a customer, flood or not. */
static void
questions_from_a_reflecting_port_are_no_answers(void)
{
	ring_open("unasked = \"always\";", false);
	ring.is_armed = true;
	CU_ASSERT_EQUAL(ring_flood(dns(SIDE_EXTERNAL, 0, false), 1, 200), 200);
	CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, 5, true), "unasked");
	ring_close();
}

/* Our own server's answer to such a question opens no door for answers. */
static void
an_answer_from_inside_asks_nothing(void)
{
	const struct packet ours = dns(SIDE_INTERNAL, 5, true);

	ring_open("unasked = \"always\";", false);
	CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, 5, false), "passed");
	CU_ASSERT_STRING_EQUAL(ring_one(&ours), "passed");
	CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, 5, true), "beyond_budget");
	CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, 5, false), "passed");
	ring_close();
}

/* One question to a time server, and then a hundred packets of its list of clients. */
static void
no_more_comes_in_than_questions_explain(void)
{
	struct packet answer = ntp(SIDE_EXTERNAL, 9, MODE_4);
	const struct packet question = ntp(SIDE_INTERNAL, 9, "\x23\0\0\0");
	unsigned int passed = 0;

	ring_open("unasked = \"always\";", false);
	CU_ASSERT_STRING_EQUAL(ring_one(&question), "passed");
	CU_ASSERT_STRING_EQUAL(ring_one(&answer), "passed");
	CU_ASSERT_STRING_EQUAL(ring_one(&answer), "passed"); /* Networks repeat. */
	CU_ASSERT_STRING_EQUAL(ring_one(&answer), "beyond_budget");
	CU_ASSERT_EQUAL(ring_hits("ntp"), 1);

	/* Bytes count as well as packets. */
	CU_ASSERT_STRING_EQUAL(ring_one(&question), "passed");
	answer.payload = MONLIST;
	answer.len = 440;
	for (unsigned int k = 0; k < 100; k++)
		passed += strcmp(ring_one(&answer), "passed") == 0;
	CU_ASSERT_EQUAL(passed, 1);
	CU_ASSERT_STRING_EQUAL(ring.reason[0], "beyond_budget");
	CU_ASSERT_EQUAL(ring_hits("ntp_monlist"), 99);
	ring_close();
}

/* A resolver that asks a thousand times from one port gets a thousand answers. */
static void
every_question_is_worth_its_answer(void)
{
	ring_open("unasked = \"always\";", false);
	for (unsigned int k = 0; k < 1000; k++) {
		CU_ASSERT_STRING_EQUAL(send_dns(SIDE_INTERNAL, 9, false), "passed");
		CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, 9, true), "passed");
	}
	ring_close();
}

/* What is a conversation has no budget: a VPN may be all download. */
static void
conversations_have_no_budget(void)
{
	struct packet p = { .side = SIDE_INTERNAL,
		            .who = 3,
		            .outside_port = 443,
		            .inside_port = 40001,
		            .payload = "\xc0\0\0\0\1",
		            .seen = 5,
		            .len = 1200 };

	ring_open("unasked = \"always\";", false);
	CU_ASSERT_STRING_EQUAL(ring_one(&p), "passed");
	p.side = SIDE_EXTERNAL;
	for (unsigned int k = 0; k < 500; k++)
		CU_ASSERT_STRING_EQUAL(ring_one(&p), "passed");
	p.who = 4;
	CU_ASSERT_STRING_EQUAL(ring_one(&p), "unasked");
	ring_close();
}

static void
garbage_from_a_port_of_servers_is_odd(void)
{
	struct packet p = { .who = 3,
		            .outside_port = 111,
		            .inside_port = 80,
		            .payload = "garbage ...............",
		            .seen = 23,
		            .len = 23 };

	ring_open("unasked = \"always\";", false);
	CU_ASSERT_STRING_EQUAL(ring_one(&p), "odd");
	CU_ASSERT_EQUAL(ring_hits("portmap"), 1);
	/* A client may have any port from 1,024 on, so there the shape has to fit. */
	p.outside_port = 11211;
	CU_ASSERT_STRING_EQUAL(ring_one(&p), "passed");
	p.payload = "\0\1\0\0\0\1\0\0VALUE x 0 1000";
	CU_ASSERT_STRING_EQUAL(ring_one(&p), "unasked");
	ring_close();
}

/* Short headers of QUIC have no shape; alone they are no flood, and in a flood they go. */
static void
the_rest_of_a_conversation_pulls_no_trigger(void)
{
	struct packet p = { .outside_port = 443,
		            .inside_port = 40001,
		            .payload = "\x41...........",
		            .seen = 12,
		            .len = 1200 };

	ring_open("", false);
	CU_ASSERT_EQUAL(ring_flood(p, 1, 500), 500);
	CU_ASSERT_EQUAL(ring_flood(dns(SIDE_EXTERNAL, 0, true), 1, 500),
	                100 / LANES_MAX * LANES_MAX);
	CU_ASSERT_EQUAL(ring_flood(p, 1, 500), 500);
	ring.is_armed = true;
	CU_ASSERT_EQUAL(ring_flood(p, 1, 500), 0);
	CU_ASSERT_STRING_EQUAL(ring.reason[0], "odd");
	ring_close();
}

static void
devices_that_answer_from_any_port_are_known_by_what_they_say(void)
{
	const struct packet p = { .who = 3,
		                  .outside_port = 32817,
		                  .inside_port = 80,
		                  .payload = "HTTP/1.1 200 OK\r\nCACHE",
		                  .seen = 22,
		                  .len = 298 };

	ring_open("unasked = \"always\";", false);
	CU_ASSERT_STRING_EQUAL(ring_one(&p), "unasked");
	CU_ASSERT_EQUAL(ring_hits("ssdp"), 1);
	ring_close();
}

static void
run_pieces(void)
{
	struct packet p = dns(SIDE_EXTERNAL, 5, true);

	ring.is_armed = true;
	p.is_first_piece = true;
	p.len = 1400;
	CU_ASSERT_STRING_EQUAL(ring_one(&p), "unasked_fragment");
	CU_ASSERT_STRING_EQUAL(send_dns(SIDE_INTERNAL, 5, false), "passed");
	CU_ASSERT_STRING_EQUAL(ring_one(&p), "passed");

	/* A question may be in fragments as well. */
	p = dns(SIDE_INTERNAL, 6, false);
	p.is_first_piece = true;
	p.len = 1400;
	CU_ASSERT_STRING_EQUAL(ring_one(&p), "passed");
	CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, 6, true), "passed");
}

static void
fragments_are_judged_by_their_first(void)
{
	each_way(run_pieces);
}

static void
whom_the_site_expects_passes_within_a_quota(void)
{
	ring_open("unasked = \"always\"; expected_answers = [ \"198.51.0.9\" ];"
	          "expected_rate = \"100pps\";",
	          false);
	for (unsigned int k = 0; k < 32; k++)
		CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, 9, true), "passed");
	CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, 10, true), "unasked");
	CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, 9, true), "unasked");
	ring.now_ns += RIG_SECOND;
	CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, 9, true), "passed");
	ring_close();
}

static void
what_is_excepted_is_left_alone(void)
{
	ring_open("unasked = \"always\"; except = [ \"dns\" ];", false);
	CU_ASSERT_EQUAL(ring_flood(dns(SIDE_EXTERNAL, 0, true), 1, 200), 200);
	CU_ASSERT_EQUAL(ring_flood(ntp(SIDE_EXTERNAL, 0, MODE_4), 1, 1), 0);
	ring_close();
}

static void
an_exception_without_a_row_is_refused(void)
{
	static const char text[] = "except = [ \"dsn\" ];";
	struct stage_compile from = { .is_ingress = false };
	void *params = calloc(1, stage_reflection.params_size);
	struct conf_errors errors = { 0 };

	CU_ASSERT_FATAL(params != NULL);
	CU_ASSERT_EQUAL(conf_read_text(text, strlen(text), "rig", stage_reflection.fields,
	                               params, &errors),
	                0);
	CU_ASSERT_EQUAL(stage_reflection.compile(params, &from, &errors), -EINVAL);
	CU_ASSERT_EQUAL_FATAL(errors.count, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(errors.error[0].message, "\"dsn\""));
	stage_reflection.release(params);
	conf_release(stage_reflection.fields, params);
	conf_errors_free(&errors);
	free(params);
}

/* Questions asked before the start, or past us in bypass, were not seen. */
static void
after_the_start_and_after_a_bypass_answers_pass(void)
{
	ring_open("unasked = \"always\"; learning_time = \"5s\";", false);
	CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, 5, true), "passed");
	ring.now_ns += 6 * RIG_SECOND;
	CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, 5, true), "unasked");
	ring.flow_table.overlooked_ns = ring.now_ns;
	CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, 5, true), "passed");
	ring.now_ns += 6 * RIG_SECOND;
	CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, 5, true), "unasked");
	ring_close();
}

static void
switched_off_nothing_is_dropped(void)
{
	ring_open("unasked = \"off\";", false);
	ring.is_armed = true;
	CU_ASSERT_EQUAL(ring_flood(dns(SIDE_EXTERNAL, 0, true), 1, 500), 500);
	ring_close();
}

/* Where nobody sees the questions each kind of answers has a quota, each its own. */
static void
one_way_each_kind_has_a_quota(void)
{
	struct packet p = dns(SIDE_EXTERNAL, 9, true);
	unsigned int passed;

	ring_open("answer_quota = \"100pps\"; expected_answers = [ \"198.51.0.9\" ];",
	          true);
	CU_ASSERT_EQUAL(ring_flood(dns(SIDE_EXTERNAL, 0, true), 100, 32), 32);
	passed = ring_flood(dns(SIDE_EXTERNAL, 0, true), 100, 100);
	CU_ASSERT(passed <= 1);
	CU_ASSERT_STRING_EQUAL(ring.reason[0], "quota");
	CU_ASSERT_STRING_EQUAL(ring_one(&p), "passed"); /* a resolver of the site */
	CU_ASSERT_EQUAL(ring_flood(ntp(SIDE_EXTERNAL, 0, MODE_4), 100, 20), 20);

	/* Time has passed, but it floods still, and this is no everyday answer. */
	ring.now_ns += RIG_SECOND;
	p.who = 200;
	CU_ASSERT_STRING_EQUAL(ring_one(&p), "passed");
	p.len = 1400;
	CU_ASSERT_STRING_EQUAL(ring_one(&p), "oversize");
	ring.now_ns += 11 * RIG_SECOND;
	CU_ASSERT_STRING_EQUAL(ring_one(&p), "passed");
	ring_close();
}

/* What is expected goes before strangers in `shape`, as far as `expected_rate` goes. */
static void
one_way_expected_answers_go_before_strangers(void)
{
	for (unsigned int k = 0; k < 2; k++) {
		struct packet p = dns(SIDE_EXTERNAL, 9, true);
		unsigned int preferred = 0;

		ring_open("expected_rate = \"100pps\"; expected_answers = [ "
		          "\"198.51.0.9\", \"2001:db8:0:9::/64\" ];",
		          true);
		ring.is_ipv6 = k;
		ring.is_armed = true;
		for (unsigned int i = 0; i < 64; i++) {
			ring_one(&p);
			preferred += ring.standing[0] == STANDING_VERIFIED_SOURCE;
		}
		CU_ASSERT_EQUAL(preferred, 32);
		p.who = 10;
		ring.now_ns += RIG_SECOND;
		ring_one(&p);
		CU_ASSERT_EQUAL(ring.standing[0], STANDING_UNVERIFIED);
		/* In pieces, too. */
		p.who = 9;
		p.is_first_piece = true;
		ring_one(&p);
		CU_ASSERT_EQUAL(ring.standing[0], STANDING_VERIFIED_SOURCE);
		ring_close();
	}
}

static void
one_way_conversations_have_a_quota_only_in_a_flood(void)
{
	struct packet p = { .outside_port = 443,
		            .inside_port = 40001,
		            .payload = "\xc0\0\0\0\1",
		            .seen = 5,
		            .len = 1200 };

	ring_open("answer_quota = \"100pps\";", true);
	CU_ASSERT_EQUAL(ring_flood(p, 1, 300), 300);
	ring.is_armed = true;
	CU_ASSERT_EQUAL(ring_flood(p, 1, 100), 32);
	ring_close();
}

/* Who asks on the phone is told which answers were refused. */
static void
explain_names_the_service_that_was_not_asked(void)
{
	struct rig *r = &ring.reflection;

	ring_open("unasked = \"always\";", false);
	send_dns(SIDE_EXTERNAL, 5, true);
	r->now_ns = ring.now_ns;
	CU_ASSERT_EQUAL_FATAL(rig_explain(r, "198.51.0.5"), 1);
	CU_ASSERT_STRING_EQUAL(r->explain.line[0].what, "reflector");
	CU_ASSERT_STRING_EQUAL(r->explain.line[0].verdict, "unasked");
	CU_ASSERT_STRING_EQUAL(r->explain.line[0].name, "dns");
	CU_ASSERT_EQUAL(rig_explain(r, "198.51.0.6"), 0);
	ring_close();
}

/* Each of four workers gets a quarter of what one service may get. */
static void
workers_share_a_rate(void)
{
	struct rig *r = &ring.reflection;

	ring_open("unasked_rate = \"400pps\"; hold_for = \"1s\";", false);
	stage_reflection.close(r->state);
	r->env.workers = 4;
	CU_ASSERT_EQUAL_FATAL(stage_reflection.open(&r->state, &r->env), 0);
	for (unsigned int k = 0; k < 100; k++, ring.now_ns += 11 * RIG_MS)
		CU_ASSERT_STRING_EQUAL(send_dns(SIDE_EXTERNAL, 5, true), "passed");
	for (unsigned int k = 0; k < 400; k++, ring.now_ns += 5 * RIG_MS)
		send_dns(SIDE_EXTERNAL, 5, true);
	CU_ASSERT_STRING_EQUAL(ring.reason[0], "unasked");
	ring_close();
}

SUITE_MAIN("stage/reflection", TEST(below_every_threshold_nothing_is_dropped),
           TEST(under_attack_only_what_was_asked_comes_in),
           TEST(asked_answers_pass_beside_a_hundred_times_as_many),
           TEST(a_trigger_of_its_own_stops_what_no_vector_notices),
           TEST(questions_from_a_reflecting_port_are_no_answers),
           TEST(an_answer_from_inside_asks_nothing),
           TEST(no_more_comes_in_than_questions_explain),
           TEST(every_question_is_worth_its_answer), TEST(conversations_have_no_budget),
           TEST(garbage_from_a_port_of_servers_is_odd),
           TEST(the_rest_of_a_conversation_pulls_no_trigger),
           TEST(devices_that_answer_from_any_port_are_known_by_what_they_say),
           TEST(fragments_are_judged_by_their_first),
           TEST(whom_the_site_expects_passes_within_a_quota),
           TEST(what_is_excepted_is_left_alone),
           TEST(an_exception_without_a_row_is_refused),
           TEST(after_the_start_and_after_a_bypass_answers_pass),
           TEST(switched_off_nothing_is_dropped), TEST(one_way_each_kind_has_a_quota),
           TEST(one_way_expected_answers_go_before_strangers),
           TEST(one_way_conversations_have_a_quota_only_in_a_flood),
           TEST(explain_names_the_service_that_was_not_asked), TEST(workers_share_a_rate))
