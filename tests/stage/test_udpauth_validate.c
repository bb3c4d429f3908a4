/* SPDX-License-Identifier: BSD-3-Clause */
/* Payloads: the validators that are shipped know their protocols, and floods do not pass. */
#include "flood_rig.h"
#include "policy/policy.h"
#include "policy/settings.h"
#include "stage/udpauth/udpauth.h"

#define KPPS 1000

static struct flood f;

/* What clients send first, and what attackers send to the same port. */
struct sample {
	const char *name;
	uint16_t from, to;
	size_t len; /* of the payload; zeros follow the bytes */
	const char *bytes;
	size_t n;
	bool is_valid;
};
#define B(text) text, sizeof(text) - 1

#define RAKNET "\x00\xff\xff\x00\xfe\xfe\xfe\xfe\xfd\xfd\xfd\xfd\x12\x34\x56\x78"
#define OOB    "\xff\xff\xff\xff"

static const struct sample samples[] = {
	/* ntp, which holds always */
	{ "time", 40000, 123, 48, B("\x23"), true },
	{ "time", 40000, 123, 48, B("\xe3"), true },
	{ "time", 123, 123, 68, B("\x1b"), true },
	{ "time", 123, 123, 48, B("\x24"), true },
	{ "time", 40000, 123, 48, B("\x24"), false },
	{ "time", 40000, 123, 8, B("\x17\x00\x03\x2a"), false },
	{ "time", 40000, 123, 192, B("\x17\x00\x03\x2a"), false },
	{ "time", 40000, 123, 12, B("\x16\x02"), false },
	{ "time", 40000, 123, 47, B("\x23"), false },
	{ "time", 40000, 123, 48, B("\x03"), false },
	{ "time", 40000, 123, 48, B("\x2b"), false },
	/* sip */
	{ "voice", 5060, 5060, 400, B("INVITE sip:100@203.0.113.65 SIP/2.0\r\n"), true },
	{ "voice", 5060, 5060, 400, B("REGISTER sip:203.0.113.65 SIP/2.0\r\n"), true },
	{ "voice", 5060, 5060, 400, B("OPTIONS sip:100@203.0.113.65 SIP/2.0\r\n"), true },
	{ "voice", 5060, 5060, 400, B("BYE sip:100@203.0.113.65 SIP/2.0\r\n"), true },
	{ "voice", 5060, 5060, 400, B("SIP/2.0 200 OK\r\n"), true },
	{ "voice", 5060, 5060, 4, B("\r\n\r\n"), true },
	{ "voice", 5060, 5060, 40, B("\r\n\r\n"), false },
	{ "voice", 5060, 5060, 400, B("GET / HTTP/1.1\r\n"), false },
	{ "voice", 5060, 5060, 2, B("IN"), false },
	/* teamspeak */
	{ "voice", 41000, 9987, 34, B("TS3INIT1\x00\x65\x00\x00\x88"), true },
	{ "voice", 41000, 9987, 34, B("TS3INIT1\x00\x65\x00\x01\x88"), false },
	/* source */
	{ "games", 42000, 27015, 25, B(OOB "TSource Engine Query"), true },
	{ "games", 42000, 27015, 29, B(OOB "TSource Engine Query\0abcd"), true },
	{ "games", 42000, 27015, 9, B(OOB "U\1\2\3\4"), true },
	{ "games", 42000, 27015, 9, B(OOB "V\1\2\3\4"), true },
	{ "games", 42000, 27050, 40, B(OOB "qconnect0x00000000"), true },
	{ "games", 42000, 27015, 5, B(OOB "T"), false },
	{ "games", 42000, 27015, 1200, B(OOB "V\1\2\3\4"), false },
	{ "games", 42000, 27015, 25, B("\0\0\0\0TSource Engine Query"), false },
	/* quake3 */
	{ "games", 42000, 27960, 14, B(OOB "getstatus\n"), true },
	{ "games", 42000, 27960, 17, B(OOB "getchallenge"), true },
	{ "games", 42000, 27960, 24, B(OOB "rcon secret quit"), false },
	/* bedrock */
	{ "games", 43000, 19132, 33, B("\x01\1\2\3\4\5\6\7\x08" RAKNET), true },
	{ "games", 43000, 19132, 1400, B("\x05" RAKNET "\x0b"), true },
	{ "games", 43000, 19132, 34, B("\x07" RAKNET), true },
	{ "games", 43000, 19132, 33, B("\x01\1\2\3\4\5\6\7\x08"), false },
	{ "games", 43000, 19132, 1400, B("\x84" RAKNET), false },
	/* teeworlds */
	{ "games", 44000, 8303, 15, B("xe\0\0\0\0\xff\xff\xff\xffgie3\0"), true },
	{ "games", 44000, 8303, 4, B("\x10\0\0\1"), true },
	{ "games", 44000, 8303, 15, B("xe\0\0\0\0\xff\xff\xff\xffinf3\0"), false },
	/* a port of games without a validator */
	{ "games", 44000, 9999, 4, B("abcd"), true },
	/* wireguard, openvpn */
	{ "vpn", 45000, 51820, 148, B("\1\0\0\0"), true },
	{ "vpn", 45000, 51820, 128, B("\4\0\0\0"), true },
	{ "vpn", 45000, 51820, 149, B("\1\0\0\0"), false },
	{ "vpn", 45000, 51820, 148, B("\1\0\0\1"), false },
	{ "vpn", 45000, 1194, 14, B("\x38"), true },
	{ "vpn", 45000, 1194, 14, B("\x30"), false },
};

static struct policies *
shipped(void)
{
	struct conf_errors errors = { 0 };
	struct policies *p = NULL;
	struct settings *s;

	CU_ASSERT_EQUAL_FATAL(
		settings_read(CONFIG_DIR "/examples/udp-services.conf", &s, &errors), 0);
	CU_ASSERT_EQUAL_FATAL(policy_build(s, NULL, NULL, &p, &errors), 0);
	settings_free(s);
	conf_errors_free(&errors);
	return p;
}

/* The keys of a policy of the file, for the policy of the rig. */
static const void *
keys_of(const struct policies *p, const char *name)
{
	for (unsigned int s = 0; s < stage_count; s++)
		for (unsigned int i = 0;
		     stage_list[s] == &stage_udpauth && i < p->n_policies; i++)
			if (strcmp(p->policy[i].name, name) == 0)
				return p->view[s].params[i];
	CU_FAIL_FATAL("no such policy");
	return NULL;
}

static void
lay(uint32_t n, const struct sample *s)
{
	uint8_t payload[FLOOD_ROOM] = { 0 };

	memcpy(payload, s->bytes, s->n < s->len ? s->n : s->len);
	flood_udp_to(&f, IN, n, s->from, s->to, payload, s->len);
}

/* Datagrams to a port that no validator is for, until the vector is armed. */
static void
arm(void)
{
	for (unsigned int i = 0; i < 2000; i++) {
		f.now_ns += 10000;
		flood_udp_to(&f, IN, i, 1, 443, "x", 1);
		flood_send(&f, IN);
	}
	CU_ASSERT_EQUAL(f.b.armed, 1);
}

static void
open_udpauth(const char *config, const struct flood_link *link)
{
	memset(f.rig.rule, 0, sizeof(f.rig.rule));
	flood_limit(&f, VECTOR_UDP_FLOOD, 5 * KPPS);
	flood_open(&f, &stage_udpauth, config, link);
}

/* Every sample passes in calm but what holds always; under attack only what is valid. */
static void
the_shipped_validators_know_their_protocols(void)
{
	struct policies *p = shipped();

	for (size_t k = 0; k < FLOOD_LINKS; k++) {
		open_udpauth("", &flood_links[k]);
		for (int is_armed = 0; is_armed < 2; is_armed++) {
			if (is_armed)
				arm();
			for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
				const struct sample *s = &samples[i];
				const bool is_ntp = strcmp(s->name, "time") == 0;
				bool is_invalid;

				f.rig.view.params[RIG_POLICY] = keys_of(p, s->name);
				lay(0x01000000 + (uint32_t)i, s);
				flood_send(&f, IN);
				is_invalid = strcmp(f.why[0], "invalid_payload") == 0;
				if (is_invalid == s->is_valid && (is_armed || is_ntp))
					printf("sample %zu of %s\n", i, s->name);
				CU_ASSERT_EQUAL(is_invalid,
				                !s->is_valid && (is_armed || is_ntp));
			}
		}
		flood_close(&f);
	}
	policy_free(p);
}

/*
 * Forged monlist questions to a time server pass where nothing is configured, and never
 * where the validator is; who asks for the time is answered beside it.
 */
static void
a_time_server_answers_no_monlist(void)
{
	const struct sample ask = samples[0], monlist = samples[5];
	struct policies *p = shipped();

	for (size_t k = 0; k < FLOOD_LINKS; k++)
		for (int is_guarded = 0; is_guarded < 2; is_guarded++) {
			open_udpauth("method = \"off\";", &flood_links[k]);
			if (is_guarded)
				f.rig.view.params[RIG_POLICY] = keys_of(p, "time");
			/* Far below any threshold: one victim's address, ten a second. */
			for (unsigned int i = 0; i < 100; i++) {
				f.now_ns += 100 * RIG_MS;
				lay(0x0a0a0a0a, &monlist);
				lay(i, &ask);
				CU_ASSERT_EQUAL(flood_send(&f, IN), is_guarded ? 2 : 3);
			}
			CU_ASSERT_EQUAL(flood_why(&f, f.dropped, "invalid_payload"),
			                is_guarded ? 100 : 0);
			flood_close(&f);
		}
	policy_free(p);
}

/* 50,000 datagrams a second of junk, or of calls without a method; the phones go on. */
static void
attack(const struct sample *s, unsigned int steps)
{
	for (unsigned int step = 0; step < steps; step++) {
		f.now_ns += RIG_MS;
		for (uint32_t i = 0; i < 50; i++)
			lay(0x30000000 + step * 50 + i, s);
		flood_send(&f, IN);
	}
}

static void
sip_and_game_floods_are_stopped_and_callers_are_not(void)
{
	static const struct {
		struct sample bad, good;
	} table[] = {
		{ { "voice", 5060, 5060, 300, B("\xff\xff\xff\xff"), false },
		  { "voice", 5060, 5060, 400, B("REGISTER sip:x SIP/2.0\r\n"), true } },
		{ { "games", 30000, 27015, 1000, B("flood"), false },
		  { "games", 30000, 27015, 25, B(OOB "TSource Engine Query"), true } },
	};
	struct policies *p = shipped();

	for (size_t k = 0; k < 2 * FLOOD_LINKS; k++) {
		const struct sample *bad = &table[k % 2].bad, *good = &table[k % 2].good;

		memset(f.rig.rule, 0, sizeof(f.rig.rule));
		flood_open(&f, &stage_udpauth, "", &flood_links[k / 2]);
		f.rig.view.params[RIG_POLICY] = keys_of(p, bad->name);
		attack(bad, 20);
		CU_ASSERT_EQUAL(f.passed, 1000);
		flood_close(&f);

		open_udpauth("", &flood_links[k / 2]);
		f.rig.view.params[RIG_POLICY] = keys_of(p, bad->name);
		attack(bad, 100);
		flood_restart(&f);
		attack(bad, 500);
		CU_ASSERT_EQUAL(f.passed, 0);
		CU_ASSERT_EQUAL(flood_why(&f, f.dropped, "invalid_payload"), 25000);
		/* A newcomer finds room; once he is answered he may say what he likes. */
		lay(7, good);
		CU_ASSERT_EQUAL(flood_send(&f, IN), 1);
		flood_udp_to(&f, OUT, 7, good->from, good->to, "ok", 2);
		flood_send(&f, OUT);
		flood_udp_to(&f, IN, 7, good->from, good->to, "in the game", 11);
		CU_ASSERT_EQUAL(flood_send(&f, IN), 1);

		/* Monitor: all of it passes, and is counted alike. */
		flood_restart(&f);
		f.is_monitored = true;
		attack(bad, 100);
		CU_ASSERT_EQUAL(f.passed, 5000);
		CU_ASSERT_EQUAL(flood_why(&f, f.would, "invalid_payload"), 5000);
		CU_ASSERT_EQUAL(flood_all(f.would), 5000);
		CU_ASSERT_EQUAL(flood_all(f.dropped), 0);
		flood_close(&f);
	}
	policy_free(p);
}

static uint16_t
give_id(void *hits, const char *stage, const char *name)
{
	CU_ASSERT_STRING_EQUAL(stage, "udpauth");
	snprintf(hits, 40, "%s", name);
	return 9;
}

/* What a validator knew is counted under its name; two may be for one port. */
static void
validators_of_one_port_help_each_other(void)
{
	static uint64_t cells[STAGE_HITS];
	static char name[40];

	f.rig.env.hits = cells;
	f.rig.from.hit = give_id;
	f.rig.from.hits = name;
	open_udpauth("validate = ( { name = \"a\"; ports = [ \"5000\" ]; expression = "
	             "\"udp[8] = 0x61\"; always = true; }, { name = \"b\"; ports = [ "
	             "\"5000-5001\" ]; expression = \"udp[8] = 0x62\"; } );",
	             &flood_links[1]);
	CU_ASSERT_STRING_EQUAL(name, "b");
	flood_udp_to(&f, IN, 1, 1, 5000, "a", 1);
	flood_udp_to(&f, IN, 1, 1, 5000, "b", 1);
	flood_udp_to(&f, IN, 1, 1, 5000, "c", 1);
	flood_udp_to(&f, IN, 1, 1, 5001, "c", 1);
	flood_udp_to(&f, IN, 1, 1, 5002, "c", 1);
	CU_ASSERT_EQUAL(flood_send(&f, IN), 0x1b);
	CU_ASSERT_EQUAL(cells[9], 2);
	flood_close(&f);
	f.rig.env.hits = NULL;
	f.rig.from.hit = NULL;
}

static void
what_is_configured_wrong_is_told(void)
{
	const struct stage_compile from = { 0 };

	CU_ASSERT_STRING_EQUAL(flood_told(&stage_udpauth, &from, ""), "accepted");
	CU_ASSERT_STRING_EQUAL(
		flood_told(&stage_udpauth, &from, "earliest = \"2s\"; latest = \"1s\";"),
		"udpauth.earliest must be less than udpauth.latest");
	CU_ASSERT_STRING_EQUAL(
		flood_told(&stage_udpauth, &from,
	                   "validate = ( { name = \"a\"; expression = \"udp\"; } );"),
		"udpauth: validator 'a' needs ports, for example [ \"123\" ]");
	CU_ASSERT_PTR_NOT_NULL(strstr(
		flood_told(&stage_udpauth, &from,
	                   "validate = ( { name = \"a\"; ports = [ \"1\" ]; expression = "
	                   "\"udp\"; }, { name = \"b\"; ports = [ \"1\" ]; expression = "
	                   "\"udp[8 = 1\"; } );"),
		"udpauth: the expression of 'b': "));
}

SUITE_MAIN("udpauth_validate", TEST(the_shipped_validators_know_their_protocols),
           TEST(a_time_server_answers_no_monlist),
           TEST(sip_and_game_floods_are_stopped_and_callers_are_not),
           TEST(validators_of_one_port_help_each_other),
           TEST(what_is_configured_wrong_is_told))
