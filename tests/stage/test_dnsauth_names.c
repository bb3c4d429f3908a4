/* SPDX-License-Identifier: BSD-3-Clause */
/* Names that nobody has asked for: which are held, which are known. */
#include "dnsauth_rig.h"

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
	b->frame_len[0] = (uint16_t)frame.len;
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

SUITE_MAIN("stage/dnsauth_names", TEST(random_names_are_held_and_known_ones_pass),
           TEST(names_are_learnt_while_they_flood),
           TEST(new_names_that_exist_are_no_attack), TEST(a_name_is_charged_once),
           TEST(suffixes_follow_zones_and_labels),
           TEST(the_limit_is_divided_among_workers),
           TEST(other_ports_are_served_when_named),
           TEST(wrong_keys_are_refused_with_a_sentence))
