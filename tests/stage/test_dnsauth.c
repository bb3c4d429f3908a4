/* SPDX-License-Identifier: BSD-3-Clause */
/* Which queries are refused, who has to prove himself, and what the keys say of it. */
#include "stage/dnsauth/dnsauth.h"

#include <errno.h>

#include "flow/flow.h"
#include "flow/source.h"
#include "inspect/dns_wire.h"
#include "packet/parse.h"
#include "rig.h"

static struct rig r;
static struct flow_table flows;
static struct source_table sources;
static struct wire frame;

static void
open_stage(const char *config)
{
	struct hash_key key;

	memset(&r, 0, sizeof(r));
	hash_key_seeded(&key, 3);
	CU_ASSERT_EQUAL_FATAL(flow_table_open(&flows, 1024, &key), 0);
	CU_ASSERT_EQUAL_FATAL(source_table_open(&sources, 1024, &key), 0);
	r.env.flows = &flows;
	r.env.sources = &sources;
	rig_open(&r, &stage_dnsauth, config);
}

static void
close_stage(void)
{
	rig_close(&r);
	source_table_close(&sources);
	flow_table_close(&flows);
}

static void
begin(bool is_ipv6)
{
	dns_begin(&frame, (struct dns_way){ .is_ipv6 = is_ipv6 });
}

static void
ask(bool is_ipv6, const char *name, unsigned int type)
{
	begin(is_ipv6);
	dns_header(&frame, 0x0100, 1, 0);
	dns_question(&frame, name, type);
}

/* What becomes of the frame, sent n times in one burst, of a sender that has proven so much. */
struct sender {
	enum standing standing;
	bool is_armed, has_flow;
	unsigned int n;
};
static const struct sender stranger = { .is_armed = true, .n = 1 };
static const struct sender known = { STANDING_VERIFIED_SOURCE, true, false, 1 };
static const struct sender calm = { .n = 1 };

static const char *
judge(struct sender s)
{
	static struct source_prefix whole;
	struct burst *b = &r.burst;
	const uint64_t lanes = lanes_first(s.n);

	dns_seal(&frame);
	source_prefix_init(&whole, 64);
	burst_start(b, r.now_ns, 0, SIDE_EXTERNAL);
	b->count = (uint16_t)s.n;
	b->live = lanes;
	for (unsigned int i = 0; i < s.n; i++) {
		b->bytes[i] = frame.bytes;
		b->bytes_len[i] = (uint16_t)frame.len;
		b->facts[i].frame_len = (uint16_t)frame.len;
		b->policy[i] = RIG_POLICY;
		b->service[i] = RIG_SERVICE;
	}
	parse_burst(b);
	for (unsigned int i = 0; i < s.n; i++) {
		source_ask(&sources, b, i, &whole);
		b->standing[i] = (uint8_t)s.standing;
		b->flow[i] = s.has_flow ? 1 : BURST_NO_FLOW;
	}
	source_find_burst(&sources, lanes, r.now_ns);
	b->armed = b->challenged = s.is_armed ? lanes : 0;
	stage_dnsauth.observe(r.state, &r.view, b, lanes);
	stage_dnsauth.decide(r.state, &r.view, b, lanes);
	return rig_reason(&r, s.n - 1);
}

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

/* The server's answer to such a query. */
static void
say(const char *name, unsigned int rcode, unsigned int answers)
{
	struct burst *b = &r.burst;

	begin(false);
	wire_patch(&frame, frame.udp, 53);
	wire_patch(&frame, frame.udp + 2, 0x1234);
	dns_header(&frame, 0x8400 | rcode, 1, 0);
	frame.bytes[frame.udp + 8 + 7] = (uint8_t)answers;
	dns_question(&frame, name, 1);
	dns_seal(&frame);
	burst_start(b, r.now_ns, 0, SIDE_INTERNAL);
	b->count = 1;
	b->live = 1;
	b->bytes[0] = frame.bytes;
	b->bytes_len[0] = (uint16_t)frame.len;
	b->facts[0].frame_len = (uint16_t)frame.len;
	b->policy[0] = RIG_POLICY;
	b->service[0] = RIG_SERVICE;
	parse_burst(b);
	stage_dnsauth.observe(r.state, &r.view, b, 1);
}

/* A resolver asks for `n` names that nobody has asked for; returns how many passed. */
static unsigned int
ask_random(const char *suffix, unsigned int n)
{
	static unsigned int asked;
	unsigned int passed = 0;

	for (unsigned int i = 0; i < n; i++) {
		char name[128];

		snprintf(name, sizeof(name), "r%u.%s", asked++, suffix);
		ask(asked % 2, name, 1);
		passed += strcmp(judge(known), "passed") == 0;
	}
	return passed;
}

#define TORTURE "queries = \"off\"; new_names = \"100pps\"; "

/*
 * Before: all of them reach the server. With the defence: the limit and its burst, and
 * whatever the server was heard to have passes, by whatever spelling.
 */
static void
random_names_are_held_and_known_ones_pass(void)
{
	open_stage("queries = \"off\"; new_names = \"off\";");
	CU_ASSERT_EQUAL(ask_random("shop.example", 1000), 1000);
	close_stage();

	open_stage(TORTURE);
	say("www.shop.example", 0, 1);
	say("mail.shop.example", 0, 0);
	CU_ASSERT_EQUAL(ask_random("shop.example", 1000), 100);
	CU_ASSERT_STRING_EQUAL(rig_reason(&r, 0), "random_names");
	ask(false, "WWW.shop.example", 28);
	CU_ASSERT_STRING_EQUAL(judge(known), "passed");
	/* An answer without a record is no proof of a name. */
	ask(false, "mail.shop.example", 28);
	CU_ASSERT_STRING_EQUAL(judge(known), "random_names");
	/* Another suffix is another matter, and calm is calm. */
	CU_ASSERT_EQUAL(ask_random("other.example", 50), 50);
	ask(false, "new.shop.example", 1);
	CU_ASSERT_STRING_EQUAL(judge(calm), "passed");
	r.now_ns += RIG_SECOND / 2;
	CU_ASSERT_EQUAL(ask_random("shop.example", 1000), 50);
	close_stage();
}

/* One that passed and was answered is known from then on, in the flood too. */
static void
names_are_learnt_while_they_flood(void)
{
	open_stage(TORTURE);
	CU_ASSERT_EQUAL(ask_random("shop.example", 200), 100);
	r.now_ns += RIG_SECOND;
	say("late.shop.example", 0, 1);
	say("never.shop.example", 3, 0);
	CU_ASSERT_EQUAL(ask_random("shop.example", 1000), 100);
	ask(false, "late.shop.example", 1);
	CU_ASSERT_STRING_EQUAL(judge(known), "passed");
	ask(false, "never.shop.example", 1);
	CU_ASSERT_STRING_EQUAL(judge(known), "random_names");
	close_stage();
}

/* Where the server has what is asked for, new names are no attack. */
static void
new_names_that_exist_are_no_attack(void)
{
	for (unsigned int share = 0; share < 2; share++) {
		open_stage(share ? TORTURE : TORTURE "nxdomain_share = \"0%\";");
		for (unsigned int i = 0; i < 100; i++) {
			char name[64];

			snprintf(name, sizeof(name), "old%u.shop.example", i);
			say(name, i < 40 ? 3 : 0, 1);
		}
		CU_ASSERT_EQUAL(ask_random("shop.example", 1000), share ? 1000 : 100);
		close_stage();
	}
}

/* A name that passed may be asked for again for some seconds, by every resolver. */
static void
a_name_is_charged_once(void)
{
	open_stage(TORTURE);
	for (unsigned int i = 0; i < 1000; i++) {
		ask(false, "again.shop.example", 1);
		CU_ASSERT_STRING_EQUAL_FATAL(judge(known), "passed");
	}
	CU_ASSERT_EQUAL(ask_random("shop.example", 1000), 99);
	close_stage();
}

/* What is counted together: a zone where there are some, else so many labels. */
static void
suffixes_follow_zones_and_labels(void)
{
	open_stage(TORTURE "suffix_labels = 3;");
	CU_ASSERT_EQUAL(ask_random("a.shop.example", 150), 100);
	CU_ASSERT_EQUAL(ask_random("b.shop.example", 150), 100);
	close_stage();
	open_stage(TORTURE "suffix_labels = 3; zones = [ \"shop.example\" ];");
	CU_ASSERT_EQUAL(ask_random("a.shop.example", 150), 100);
	CU_ASSERT_EQUAL(ask_random("b.shop.example", 150), 0);
	close_stage();
	/* Two labels are not counted each under itself. */
	open_stage(TORTURE);
	CU_ASSERT_EQUAL(ask_random("example", 150), 100);
	close_stage();
}

/* Each of several workers holds its part. */
static void
the_limit_is_divided_among_workers(void)
{
	struct hash_key key;

	memset(&r, 0, sizeof(r));
	hash_key_seeded(&key, 3);
	CU_ASSERT_EQUAL_FATAL(flow_table_open(&flows, 1024, &key), 0);
	CU_ASSERT_EQUAL_FATAL(source_table_open(&sources, 1024, &key), 0);
	r.env.flows = &flows;
	r.env.sources = &sources;
	r.env.workers = 4;
	rig_open(&r, &stage_dnsauth, TORTURE);
	CU_ASSERT_EQUAL(ask_random("shop.example", 1000), 25);
	close_stage();
}

static void
other_ports_are_served_when_named(void)
{
	open_stage("ports = [ \"5300-5301\", \"853\" ];");
	for (unsigned int port = 0; port < 2; port++) {
		static const unsigned int served[] = { 5301, 853 },
					  other[] = { 53, 5302 };

		ask(false, "www.example.com", 1);
		wire_patch(&frame, frame.udp + 2, served[port]);
		CU_ASSERT_STRING_EQUAL(judge(stranger), "truncated");
		ask(false, "www.example.com", 1);
		wire_patch(&frame, frame.udp + 2, other[port]);
		CU_ASSERT_STRING_EQUAL(judge(stranger), "passed");
	}
	close_stage();
}

static void
wrong_keys_are_refused_with_a_sentence(void)
{
	static const char *const wrong[] = {
		"zones = [ \"a..b\" ];",
		"types = [ \"AAAAA\" ];",
		"types = [ \"TYPE512\" ];",
		"opcodes = [ \"ask\" ];",
	};
	static const char *const said[] = { "a..b", "AAAAA", "TYPE512", "ask" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		void *params = calloc(1, stage_dnsauth.params_size);
		const struct stage_compile from = { 0 };
		struct conf_errors errors = { 0 };

		CU_ASSERT_FATAL(params != NULL);
		CU_ASSERT_EQUAL_FATAL(conf_read_text(wrong[i], strlen(wrong[i]), "rig",
		                                     stage_dnsauth.fields, params,
		                                     &errors),
		                      0);
		CU_ASSERT_EQUAL(stage_dnsauth.compile(params, &from, &errors), -EINVAL);
		CU_ASSERT_EQUAL_FATAL(errors.count, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(errors.error[0].message, said[i]));
		conf_errors_free(&errors);
		conf_release(stage_dnsauth.fields, params);
		free(params);
	}
}

SUITE_MAIN("stage/dnsauth", TEST(calm_queries_are_left_alone),
           TEST(strangers_are_asked_to_come_by_tcp), TEST(what_is_no_query_is_malformed),
           TEST(answers_to_a_server_that_did_not_ask_go),
           TEST(operations_classes_and_types_are_chosen), TEST(a_stranger_may_only_ask),
           TEST(names_outside_the_zones_go), TEST(answers_to_a_network_are_metered),
           TEST(a_proven_source_asks_no_more_than_queries),
           TEST(random_names_are_held_and_known_ones_pass),
           TEST(names_are_learnt_while_they_flood),
           TEST(new_names_that_exist_are_no_attack), TEST(a_name_is_charged_once),
           TEST(suffixes_follow_zones_and_labels),
           TEST(the_limit_is_divided_among_workers),
           TEST(other_ports_are_served_when_named),
           TEST(wrong_keys_are_refused_with_a_sentence))
