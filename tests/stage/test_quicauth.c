/* SPDX-License-Identifier: BSD-3-Clause */
/* Which QUIC packets are refused under a flood, whose, and what the keys say of it. */
#include "stage/quicauth/quicauth.h"

#include <errno.h>

#include "flow/flow.h"
#include "flow/source.h"
#include "packet/parse.h"
#include "packet/wire.h"
#include "rig.h"

static struct rig r;
static struct flow_table flows;
static struct source_table sources;
static struct wire frame;

static void
open_stage(const char *config, bool is_ingress)
{
	struct hash_key key;

	memset(&r, 0, sizeof(r));
	hash_key_seeded(&key, 3);
	CU_ASSERT_EQUAL_FATAL(flow_table_open(&flows, 1024, &key), 0);
	CU_ASSERT_EQUAL_FATAL(source_table_open(&sources, 1024, &key), 0);
	r.env.flows = &flows;
	r.env.sources = &sources;
	rig_open(&r, &stage_quicauth, config);
	if (is_ingress) {
		r.common.is_ingress = true;
		stage_quicauth.close(r.state);
		CU_ASSERT_EQUAL_FATAL(stage_quicauth.open(&r.state, &r.env), 0);
	}
}

static void
close_stage(void)
{
	rig_close(&r);
	source_table_close(&sources);
	flow_table_close(&flows);
}

/* Which way a packet takes; each is tried with and without tags, in both families. */
static unsigned int way;
#define WAYS 4

static void
begin(void)
{
	wire_ether(&frame);
	if ((way & 2) != 0)
		wire_tag(&frame, 0x8100, 77);
	if ((way & 1) != 0)
		wire_ipv6(&frame, PROTO_UDP);
	else
		wire_ipv4(&frame, PROTO_UDP, 0, 0x4000);
	wire_udp(&frame);
}

/* A long header, filled up to a datagram of `len` bytes. */
struct shape {
	unsigned int first;
	uint32_t version;
	unsigned int dcid, scid, len;
};
static const struct shape initial = { 0xc3, 1, 8, 0, 1200 };

static void
lay(struct shape s)
{
	begin();
	wire_8(&frame, s.first);
	wire_32(&frame, s.version);
	wire_8(&frame, s.dcid);
	wire_fill(&frame, 0xd1, s.dcid);
	wire_8(&frame, s.scid);
	wire_fill(&frame, 0x5c, s.scid);
	while (frame.len < frame.udp + 8 + s.len)
		wire_8(&frame, 0x99);
}

/* A short header, as all packets of an established connection have it. */
static void
lay_short(unsigned int len)
{
	begin();
	wire_8(&frame, 0x41);
	wire_fill(&frame, 0x99, len - 1);
}

struct sender {
	enum standing standing;
	bool is_calm, is_answered;
	unsigned int n;
};

/* What becomes of the last of n packets that came in one burst. */
static const char *
judge(struct sender s)
{
	static struct source_prefix whole;
	struct burst *b = &r.burst;
	uint64_t lanes;

	s.n = s.n != 0 ? s.n : 1;
	lanes = lanes_first(s.n);
	wire_seal(&frame);
	source_prefix_init(&whole, 64);
	burst_start(b, r.now_ns, 0, SIDE_EXTERNAL);
	b->count = (uint16_t)s.n;
	b->live = lanes;
	for (unsigned int i = 0; i < s.n; i++) {
		b->bytes[i] = frame.bytes;
		b->bytes_len[i] = (uint16_t)frame.len;
		b->frame_len[i] = (uint16_t)frame.len;
		b->policy[i] = RIG_POLICY;
		b->service[i] = RIG_SERVICE;
	}
	parse_burst(b);
	for (unsigned int i = 0; i < s.n; i++) {
		source_ask(&sources, b, i, &whole);
		b->standing[i] = (uint8_t)s.standing;
		b->flow[i] = s.is_answered ? 1 : BURST_NO_FLOW;
	}
	source_find_burst(&sources, lanes, r.now_ns);
	b->armed = b->challenged = s.is_calm ? 0 : lanes;
	stage_quicauth.decide(r.state, &r.view, b, lanes);
	return rig_reason(&r, s.n - 1);
}

static const struct sender stranger = { 0 };
static const struct sender answered = { .is_answered = true };
static const struct sender calm = { .is_calm = true };
static const struct sender known = { STANDING_VERIFIED_SOURCE, false, false, 1 };
static const struct sender talking = { STANDING_CONVERSATION, false, true, 1 };

/* Each row as a stranger, as somebody whom the server answered, and in calm. */
static void
what_no_client_sends_is_dropped(void)
{
	static const struct {
		struct shape shape;
		const char *reason, *once_answered;
	} rows[] = {
		{ { 0xc3, 1, 8, 0, 1200 }, "passed", "passed" },
		{ { 0xc3, 1, 20, 20, 1252 }, "passed", "passed" },
		{ { 0xd3, 0x6b3343cf, 8, 0, 1200 }, "passed", "passed" },
		{ { 0xc3, 1, 8, 0, 1199 }, "undersized_initial", "undersized_initial" },
		{ { 0xd3, 0x6b3343cf, 8, 0, 60 },
		  "undersized_initial",
		  "undersized_initial" },
		{ { 0xc3, 1, 7, 0, 1200 }, "connection_id", "passed" },
		{ { 0xc3, 1, 0, 8, 1200 }, "connection_id", "passed" },
		{ { 0xc3, 1, 21, 0, 1200 }, "connection_id", "connection_id" },
		{ { 0xc3, 1, 8, 21, 1200 }, "connection_id", "connection_id" },
		{ { 0xd3, 1, 8, 0, 300 }, "passed", "passed" },
		{ { 0xd3, 1, 4, 0, 300 }, "connection_id", "passed" },
		{ { 0xe3, 1, 4, 0, 300 }, "passed", "passed" },
		{ { 0xf3, 1, 8, 8, 300 }, "malformed", "malformed" },
		{ { 0xc3, 0, 8, 8, 300 }, "version", "version" },
		{ { 0xc3, 0x1a2a3a4a, 8, 8, 1200 }, "version", "version" },
		{ { 0xc3, 0xff00001d, 8, 8, 1200 }, "version", "version" },
		{ { 0xc3, 1, 255, 0, 30 }, "malformed", "malformed" },
	};

	for (way = 0; way < WAYS; way++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			open_stage("", false);
			lay(rows[i].shape);
			if (i + 1 == sizeof(rows) / sizeof(*rows))
				frame.len = frame.udp + 8 + 30;
			CU_ASSERT_STRING_EQUAL(judge(stranger), rows[i].reason);
			CU_ASSERT_STRING_EQUAL(judge(answered), rows[i].once_answered);
			CU_ASSERT_STRING_EQUAL(judge(talking), "passed");
			CU_ASSERT_STRING_EQUAL(judge(calm), "passed");
			close_stage();
		}
	/* Nothing at all, and another port. */
	way = 0;
	open_stage("", false);
	begin();
	CU_ASSERT_STRING_EQUAL(judge(stranger), "malformed");
	wire_patch(&frame, frame.udp + 2, 8443);
	CU_ASSERT_STRING_EQUAL(judge(stranger), "passed");
	close_stage();
}

static void
versions_and_ports_are_chosen(void)
{
	open_stage("versions = [ \"1\", \"0xff00001d\", \"0x1a2a3a4a\" ]; ports = [ "
	           "\"443\", \"8000-8001\" ];",
	           false);
	lay((struct shape){ 0xc3, 0xff00001d, 8, 8, 1200 });
	CU_ASSERT_STRING_EQUAL(judge(stranger), "passed");
	lay((struct shape){ 0xc3, 0x1a2a3a4a, 8, 8, 1200 });
	CU_ASSERT_STRING_EQUAL(judge(stranger), "passed");
	lay((struct shape){ 0xd3, 0x6b3343cf, 8, 0, 1200 });
	CU_ASSERT_STRING_EQUAL(judge(stranger), "version");
	wire_patch(&frame, frame.udp + 2, 8001);
	CU_ASSERT_STRING_EQUAL(judge(stranger), "version");
	wire_patch(&frame, frame.udp + 2, 8002);
	CU_ASSERT_STRING_EQUAL(judge(stranger), "passed");
	close_stage();
	open_stage("method = \"off\";", false);
	lay((struct shape){ 0xd3, 7, 8, 0, 20 });
	CU_ASSERT_STRING_EQUAL(judge(stranger), "passed");
	close_stage();
}

/* Without the limit all pass; with it the burst, then the rate; the next source has its own. */
static void
a_source_begins_only_so_many_connections(void)
{
	for (way = 0; way < WAYS; way++) {
		open_stage("initials = \"off\";", false);
		lay(initial);
		for (unsigned int i = 0; i < 10; i++)
			CU_ASSERT_STRING_EQUAL(judge((struct sender){ .n = 64 }),
			                       "passed");
		close_stage();

		open_stage("initials = \"10pps\";", false);
		lay(initial);
		judge((struct sender){ .n = 64 });
		CU_ASSERT_EQUAL(lanes_count(r.burst.live), 32);
		CU_ASSERT_STRING_EQUAL(rig_reason(&r, 63), "initial_rate");
		CU_ASSERT_STRING_EQUAL(judge(known), "initial_rate");
		CU_ASSERT_STRING_EQUAL(judge(talking), "passed");
		r.now_ns += RIG_SECOND;
		judge((struct sender){ .n = 64 });
		CU_ASSERT_EQUAL(lanes_count(r.burst.live), 10);
		frame.bytes[frame.ip + ((way & 1) != 0 ? 8 + 5 : 12 + 3)] ^= 1;
		CU_ASSERT_STRING_EQUAL(judge(stranger), "passed");
		close_stage();
	}
}

/* Packets of connections that nobody answered, of the whole service. */
static void
unknown_connections_are_limited(void)
{
	for (way = 0; way < WAYS; way++)
		for (unsigned int k = 0; k < 2; k++) {
			open_stage("unknown_flows = \"off\";", false);
			lay_short(60);
			if (k == 1)
				lay((struct shape){ 0xe3, 1, 4, 0, 300 });
			CU_ASSERT_STRING_EQUAL(judge((struct sender){ .n = 64 }),
			                       "passed");
			close_stage();

			open_stage("unknown_flows = \"100pps\";", false);
			judge((struct sender){ .n = 64 });
			CU_ASSERT_EQUAL(lanes_count(r.burst.live), 32);
			CU_ASSERT_STRING_EQUAL(rig_reason(&r, 63), "unknown_flow");
			CU_ASSERT_STRING_EQUAL(judge(answered), "passed");
			CU_ASSERT_STRING_EQUAL(judge(talking), "passed");
			CU_ASSERT_STRING_EQUAL(judge(known), "passed");
			r.now_ns += RIG_SECOND / 10;
			judge((struct sender){ .n = 64 });
			CU_ASSERT_EQUAL(lanes_count(r.burst.live), 10);
			close_stage();
			/* Where answers go another way none is known, and none is dropped. */
			open_stage("unknown_flows = \"100pps\";", true);
			CU_ASSERT_STRING_EQUAL(judge((struct sender){ .n = 64 }),
			                       "passed");
			close_stage();
		}
}

static void
browsers_fall_back_where_that_is_wanted(void)
{
	for (way = 0; way < WAYS; way++) {
		open_stage("fallback = true;", false);
		lay(initial);
		CU_ASSERT_STRING_EQUAL(judge(stranger), "fallback");
		CU_ASSERT_STRING_EQUAL(judge(answered), "fallback");
		CU_ASSERT_STRING_EQUAL(judge(known), "passed");
		CU_ASSERT_STRING_EQUAL(judge(talking), "passed");
		CU_ASSERT_STRING_EQUAL(judge(calm), "passed");
		lay_short(60);
		CU_ASSERT_STRING_EQUAL(judge(stranger), "fallback");
		close_stage();
	}
}

static void
wrong_versions_are_refused_with_a_sentence(void)
{
	static const char *const wrong[] = { "x", "0", "0x100000000", "-1", "1x" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		void *params = calloc(1, stage_quicauth.params_size);
		const struct stage_compile from = { 0 };
		struct conf_errors errors = { 0 };
		char text[64];

		CU_ASSERT_FATAL(params != NULL);
		snprintf(text, sizeof(text), "versions = [ \"%s\" ];", wrong[i]);
		CU_ASSERT_EQUAL_FATAL(conf_read_text(text, strlen(text), "rig",
		                                     stage_quicauth.fields, params,
		                                     &errors),
		                      0);
		CU_ASSERT_EQUAL(stage_quicauth.compile(params, &from, &errors), -EINVAL);
		CU_ASSERT_EQUAL_FATAL(errors.count, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(errors.error[0].message, wrong[i]));
		conf_errors_free(&errors);
		conf_release(stage_quicauth.fields, params);
		free(params);
	}
}

SUITE_MAIN("stage/quicauth", TEST(what_no_client_sends_is_dropped),
           TEST(versions_and_ports_are_chosen),
           TEST(a_source_begins_only_so_many_connections),
           TEST(unknown_connections_are_limited),
           TEST(browsers_fall_back_where_that_is_wanted),
           TEST(wrong_versions_are_refused_with_a_sentence))
