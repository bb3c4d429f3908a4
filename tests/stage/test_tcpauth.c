/* SPDX-License-Identifier: BSD-3-Clause */
/* Who has to prove himself, and when. */
#include "stage/tcpauth/tcpauth.h"

#include "flow/flow.h"
#include "packet/parse.h"
#include "packet/wire.h"
#include "rig.h"

static struct rig r;
static struct flow_table flows;
static struct source_table sources;
static struct wire frame; /* of bytes */

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
	rig_open(&r, &stage_tcpauth, config);
}

static void
close_stage(void)
{
	rig_close(&r);
	source_table_close(&sources);
	flow_table_close(&flows);
}

/* A burst of one SYN; returns whether it travels on. */
static bool
send_syn(bool is_armed)
{
	struct burst *b = &r.burst;

	wire_ether(&frame);
	wire_ipv4(&frame, PROTO_TCP, 0, 0x4000);
	wire_tcp(&frame, TCP_SYN, NULL, 0);
	wire_seal(&frame);
	burst_start(b, r.now_ns, 0, SIDE_EXTERNAL);
	b->count = 1;
	b->live = 1;
	b->bytes[0] = frame.bytes;
	b->bytes_len[0] = (uint16_t)frame.len;
	b->frame_len[0] = (uint16_t)frame.len;
	b->policy[0] = RIG_POLICY;
	b->service[0] = RIG_SERVICE;
	parse_burst(b);
	b->armed = b->challenged = is_armed ? 1 : 0;
	b->groups = 1;
	b->group[0] = (struct burst_group){ 1, RIG_SERVICE, VECTOR_TCP_SYN_FLOOD };
	stage_tcpauth.observe(r.state, &r.view, b, 1);
	stage_tcpauth.decide(r.state, &r.view, b, 1);
	return b->live != 0;
}

static void
calm_handshakes_are_left_alone(void)
{
	open_stage("");
	CU_ASSERT_TRUE(send_syn(false));
	close_stage();
}

static void
a_flood_is_answered_by_us(void)
{
	struct facts f;

	open_stage("");
	CU_ASSERT_FALSE(send_syn(true));
	CU_ASSERT_EQUAL(r.burst.verdict[0], VERDICT_REPLY);
	stage_tcpauth.reply(r.state, &r.burst, 1);
	parse_frame(r.burst.bytes[0], r.burst.bytes_len[0], r.burst.bytes_len[0], &f);
	CU_ASSERT_EQUAL(f.fault, PACKET_SOUND);
	CU_ASSERT_EQUAL(f.tcp_flags, TCP_SYN | TCP_ACK);
	CU_ASSERT_EQUAL(f.tcp_ack, r.burst.facts[0].tcp_seq + 1);
	CU_ASSERT_EQUAL(f.src_port, r.burst.facts[0].dst_port);
	close_stage();
}

static void
switched_off_nobody_is_asked(void)
{
	open_stage("method = \"off\";");
	CU_ASSERT_TRUE(send_syn(true));
	close_stage();
}

/* Where answers return another way nobody could translate them. */
static void
the_proxy_needs_both_directions(void)
{
	static const char proxy[] = "method = \"proxy\";";
	void *params = calloc(1, stage_tcpauth.params_size);
	struct stage_compile from = { .is_ingress = true };
	struct conf_errors errors = { 0 };

	CU_ASSERT_FATAL(params != NULL);
	CU_ASSERT_EQUAL_FATAL(conf_read_text(proxy, strlen(proxy), "rig",
	                                     stage_tcpauth.fields, params, &errors),
	                      0);
	CU_ASSERT_EQUAL(stage_tcpauth.compile(params, &from, &errors), -EINVAL);
	CU_ASSERT_EQUAL(errors.count, 1);
	from.is_ingress = false;
	CU_ASSERT_EQUAL(stage_tcpauth.compile(params, &from, &errors), 0);
	conf_errors_free(&errors);
	free(params);
}

SUITE_MAIN("stage/tcpauth", TEST(the_proxy_needs_both_directions),
           TEST(calm_handshakes_are_left_alone), TEST(a_flood_is_answered_by_us),
           TEST(switched_off_nobody_is_asked))
