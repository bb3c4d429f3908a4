/* SPDX-License-Identifier: BSD-3-Clause */
/* dnsauth_rig - DNS messages to a stage that is open, and what becomes of them. */
#ifndef TESTS_STAGE_DNSAUTH_RIG_H
#define TESTS_STAGE_DNSAUTH_RIG_H

#include "flow/flow.h"
#include "flow/source.h"
#include "inspect/dns_wire.h"
#include "packet/parse.h"
#include "rig.h"
#include "stage/dnsauth/dnsauth.h"
#include <errno.h>

static struct rig r;
static struct flow_table flows;
static struct source_table sources;
static struct wire frame;

static inline void
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

static inline void
close_stage(void)
{
	rig_close(&r);
	source_table_close(&sources);
	flow_table_close(&flows);
}

static inline void
begin(bool is_ipv6)
{
	dns_begin(&frame, (struct dns_way){ .is_ipv6 = is_ipv6 });
}

static inline void
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

static inline const char *
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
		b->frame_len[i] = (uint16_t)frame.len;
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

#endif
