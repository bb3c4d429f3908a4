/* SPDX-License-Identifier: BSD-3-Clause */
/* Which queries are refused, who has to prove himself, and what the keys say of it. */
#include "dnsauth_rig.h"

static void
calm_queries_are_left_alone(void)
{
	open_stage("");
	for (unsigned int k = 0; k < 2; k++) {
		ask(k, "www.example.com", 1);
		CU_ASSERT_STRING_EQUAL(judge(calm), "passed");
		begin(k);
		wire_8(&frame, 0);
		CU_ASSERT_STRING_EQUAL(judge(calm), "passed");
	}
	close_stage();
}

static void
strangers_are_asked_to_come_by_tcp(void)
{
	open_stage("");
	for (unsigned int k = 0; k < 2; k++) {
		struct facts f;

		ask(k, "www.example.com", 1);
		CU_ASSERT_STRING_EQUAL(judge(stranger), "truncated");
		CU_ASSERT_EQUAL(r.burst.verdict[0], VERDICT_REPLY);
		stage_dnsauth.reply(r.state, &r.burst, 1);
		parse_frame(r.burst.bytes[0], r.burst.bytes_len[0], r.burst.bytes_len[0],
		            &f);
		CU_ASSERT_EQUAL(f.fault, PACKET_SOUND);
		CU_ASSERT_EQUAL(f.src_port, 53);
		CU_ASSERT_EQUAL(frame.bytes[f.payload_off + 2], 0x83);

		ask(k, "www.example.com", 1);
		CU_ASSERT_STRING_EQUAL(judge(known), "passed");
		CU_ASSERT_STRING_EQUAL(
			judge((struct sender){ STANDING_CONVERSATION, true, true, 1 }),
			"passed");
	}
	close_stage();
	open_stage("method = \"off\";");
	ask(false, "www.example.com", 1);
	CU_ASSERT_STRING_EQUAL(judge(stranger), "passed");
	close_stage();
}

/* What is no proper query, whoever sends it. */
static void
what_is_no_query_is_malformed(void)
{
	static const struct {
		unsigned int at, value; /* of the message */
	} spoilt[] = { { 5, 0 }, { 5, 2 }, { 7, 1 }, { 9, 1 }, { 11, 3 }, { 12, 0xc0 } };

	for (unsigned int strict = 0; strict < 2; strict++) {
		open_stage(strict ? "strict = true;" : "");
		for (unsigned int k = 0; k < 2; k++) {
			for (size_t i = 0; i < sizeof(spoilt) / sizeof(*spoilt); i++) {
				ask(k, "www.example.com", 1);
				frame.bytes[frame.udp + 8 + spoilt[i].at] =
					(uint8_t)spoilt[i].value;
				CU_ASSERT_STRING_EQUAL(judge(strict ? calm : known),
				                       "malformed");
			}
			begin(k);
			CU_ASSERT_STRING_EQUAL(judge(strict ? calm : known), "malformed");
			/* IXFR tells in the authority section what it has (RFC 1995 3). */
			ask(k, "example.com", 251);
			frame.bytes[frame.udp + 8 + 9] = 1;
			CU_ASSERT_STRING_EQUAL(judge(strict ? calm : known), "passed");
		}
		close_stage();
	}
}

static void
answers_to_a_server_that_did_not_ask_go(void)
{
	open_stage("");
	for (unsigned int k = 0; k < 2; k++) {
		begin(k);
		dns_header(&frame, 0x8180, 1, 0);
		dns_question(&frame, "www.example.com", 1);
		CU_ASSERT_STRING_EQUAL(judge(stranger), "wrong_direction");
		CU_ASSERT_STRING_EQUAL(
			judge((struct sender){ STANDING_UNVERIFIED, true, true, 1 }),
			"passed");
	}
	/* To another port it is an answer that a resolver inside may wait for. */
	wire_patch(&frame, frame.udp + 2, 5353);
	CU_ASSERT_STRING_EQUAL(judge(stranger), "passed");
	close_stage();
}

static void
operations_classes_and_types_are_chosen(void)
{
	static const struct {
		const char *config;
		unsigned int flags, type, class;
		const char *reason;
	} rows[] = {
		{ "", 0, 1, 1, "passed" },
		{ "", 0, 16, 3, "passed" },
		{ "", 0, 1, 2, "not_allowed" },
		{ "", 0, 1, 255, "not_allowed" },
		{ "", 0, 252, 1, "not_allowed" },
		{ "", 0, 251, 1, "passed" },
		{ "", 0, 255, 1, "truncated" },
		{ "any = \"pass\";", 0, 255, 1, "passed" },
		{ "any = \"drop\";", 0, 255, 1, "not_allowed" },
		{ "types = [ \"A\", \"AAAA\" ];", 0, 28, 1, "passed" },
		{ "types = [ \"A\", \"AAAA\" ];", 0, 16, 1, "not_allowed" },
		{ "types = [ \"A\", \"AAAA\" ];", 0, 255, 1, "not_allowed" },
		{ "types = [ \"TYPE65\", \"CAA\" ];", 0, 257, 1, "passed" },
		{ "types = [ \"A\" ];", 0, 700, 1, "not_allowed" },
		{ "", 0x1000, 1, 1, "not_allowed" },
		{ "", 0x7800, 1, 1, "not_allowed" },
		{ "", 0x2000, 6, 1, "passed" },
		{ "opcodes = [ \"query\" ];", 0x2000, 6, 1, "not_allowed" },
		{ "opcodes = [ \"query\", \"status\" ];", 0x1000, 1, 1, "passed" },
	};

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
		const size_t k = i / 2;

		open_stage(rows[k].config);
		begin(i % 2);
		dns_header(&frame, rows[k].flags, 1, 0);
		dns_name(&frame, "example.com");
		wire_16(&frame, rows[k].type);
		wire_16(&frame, rows[k].class);
		CU_ASSERT_STRING_EQUAL(judge(known), rows[k].reason);
		close_stage();
	}
}

/* A notification cannot be asked to come by TCP: no answer of ours would be one. */
static void
a_stranger_may_only_ask(void)
{
	open_stage("");
	begin(false);
	dns_header(&frame, 0x2400, 1, 0);
	dns_question(&frame, "example.com", 6);
	CU_ASSERT_STRING_EQUAL(judge(stranger), "unproven");
	CU_ASSERT_STRING_EQUAL(judge(known), "passed");
	CU_ASSERT_STRING_EQUAL(judge(calm), "passed");
	close_stage();
}

static void
names_outside_the_zones_go(void)
{
	static const struct {
		const char *name, *reason;
	} rows[] = {
		{ "example.com", "passed" },          { "WWW.Example.com", "passed" },
		{ "a.b.c.example.com", "passed" },    { "example.net", "outside_zone" },
		{ "notexample.com", "outside_zone" }, { "com", "outside_zone" },
		{ "b.sub.example.org", "passed" },    { "sub.example.org", "passed" },
		{ "example.org", "outside_zone" },    { "", "outside_zone" },
	};

	open_stage("zones = [ \"example.com\", \"Sub.example.org.\" ];");
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
		ask(i % 2, rows[i / 2].name, 1);
		CU_ASSERT_STRING_EQUAL(judge(known), rows[i / 2].reason);
	}
	/* What a server says of itself. */
	ask(false, "version.bind", 16);
	wire_patch(&frame, frame.len - 2, 3);
	CU_ASSERT_STRING_EQUAL(judge(known), "passed");
	close_stage();
	open_stage("zones = [ \".\" ];");
	ask(false, "anything.at.all", 1);
	CU_ASSERT_STRING_EQUAL(judge(known), "passed");
	close_stage();
}

/* One network gets no more than `answers`, with a burst of 64 at least. */
static void
answers_to_a_network_are_metered(void)
{
	for (unsigned int k = 0; k < 2; k++) {
		unsigned int answered = 0;

		open_stage("answers = \"100pps\";");
		for (unsigned int i = 0; i < 100; i++) {
			ask(k, "www.example.com", 1);
			answered += strcmp(judge(stranger), "truncated") == 0;
		}
		CU_ASSERT_EQUAL(answered, 64);
		CU_ASSERT_STRING_EQUAL(rig_reason(&r, 0), "answers");
		r.now_ns += RIG_SECOND / 10;
		for (unsigned int i = 0; i < 100; i++) {
			ask(k, "www.example.com", 1);
			answered += strcmp(judge(stranger), "truncated") == 0;
		}
		CU_ASSERT_EQUAL(answered, 74);
		/* The next network has its own. */
		ask(k, "www.example.com", 1);
		frame.bytes[frame.ip + (k ? 8 + 5 : 12 + 2)] ^= 1;
		wire_seal(&frame);
		CU_ASSERT_STRING_EQUAL(judge(stranger), "truncated");
		close_stage();
	}
}

static void
a_proven_source_asks_no_more_than_queries(void)
{
	unsigned int passed = 0;

	open_stage("queries = \"100pps\";");
	for (unsigned int i = 0; i < 200; i++) {
		ask(false, "www.example.com", 1);
		passed += strcmp(judge(known), "passed") == 0;
	}
	CU_ASSERT_EQUAL(passed, 64);
	CU_ASSERT_STRING_EQUAL(rig_reason(&r, 0), "queries");
	CU_ASSERT_STRING_EQUAL(judge(calm), "passed");
	r.now_ns += RIG_SECOND;
	CU_ASSERT_STRING_EQUAL(judge(known), "passed");
	close_stage();
	open_stage("queries = \"off\";");
	for (unsigned int i = 0; i < 200; i++) {
		ask(false, "www.example.com", 1);
		CU_ASSERT_STRING_EQUAL_FATAL(judge(known), "passed");
	}
	close_stage();
}

SUITE_MAIN("stage/dnsauth", TEST(calm_queries_are_left_alone),
           TEST(strangers_are_asked_to_come_by_tcp), TEST(what_is_no_query_is_malformed),
           TEST(answers_to_a_server_that_did_not_ask_go),
           TEST(operations_classes_and_types_are_chosen), TEST(a_stranger_may_only_ask),
           TEST(names_outside_the_zones_go), TEST(answers_to_a_network_are_metered),
           TEST(a_proven_source_asks_no_more_than_queries))
