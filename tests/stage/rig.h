/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rig - drive one stage with made-up facts: no EAL, no device, no mocks.
 *
 * rig_open() configures the stage from config text, the way an operator would;
 * rig_packets() gives blank lanes to fill; rig_decide() and rig_observe() call
 * the stage and hold it to the contract of burst.h afterwards.
 *
 * What a stage shares with others is prepared before rig_open(), and kept by it:
 * env.flows, env.sources (the test owns them), from.listed, from.entries,
 * from.routers, and rule[], the thresholds of the rig's policy. Everything else
 * of a static rig is zeroed when it opens.
 *
 * Units   now_ns is the worker clock; it starts at one second and moves only by
 *         the test's hand.
 */
#ifndef TESTS_STAGE_RIG_H
#define TESTS_STAGE_RIG_H

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/notices.h"
#include "conf/conf.h"
#include "hash/hash.h"
#include "meter/watch.h"
#include "packet/burst.h"
#include "packet/vector.h"
#include "stage/explain.h"
#include "stage/stage.h"
#include "suite.h"

#define RIG_POLICY   3
#define RIG_SERVICE  5
#define RIG_SERVICES 8
#define RIG_SECOND   UINT64_C(1000000000)
#define RIG_MS       UINT64_C(1000000)

struct rig {
	struct stage_env env;
	struct stage_compile from;
	struct watch_rule rule[VECTOR_COUNT];
	/* All below is made by rig_open(). */
	const struct stage *stage;
	void *state;
	void *params; /* NULL when the stage has none of its own */
	struct stage_view view;
	uint64_t now_ns;
	struct stage_common common;
	struct watch watch;
	struct watch_cell cell[RIG_SERVICES * VECTOR_SLOTS];
	struct notices notices;
	struct burst burst;
	struct explain explain;
};

/* Read the keys, compile and open. `config` is what stands in the stage's group. */
static inline void
rig_open(struct rig *r, const struct stage *stage, const char *config)
{
	struct conf_errors errors = { 0 };

	memset((char *)r + offsetof(struct rig, stage), 0,
	       sizeof(*r) - offsetof(struct rig, stage));
	r->stage = stage;
	r->now_ns = RIG_SECOND;
	hash_key_seeded(&r->common.key, 7);
	r->watch = (struct watch){ .services = RIG_SERVICES, .cell = r->cell };
	r->env.common = &r->common;
	r->env.watch = &r->watch;
	r->env.notices = &r->notices;
	if (r->from.rules == NULL)
		r->from.rules = r->rule;

	if (stage->params_size > 0) {
		r->params = calloc(1, stage->params_size);
		CU_ASSERT_FATAL(r->params != NULL);
	}
	if (stage->fields != NULL) {
		int status = conf_read_text(config, strlen(config), "rig", stage->fields,
		                            r->params, &errors);

		conf_errors_print(&errors, stderr);
		CU_ASSERT_EQUAL_FATAL(status, 0);
	}
	if (stage->compile != NULL)
		CU_ASSERT_EQUAL_FATAL(stage->compile(r->params, &r->from, &errors), 0);
	conf_errors_free(&errors);
	r->view.params[RIG_POLICY] = r->params != NULL ? r->params : stage;
	if (stage->open != NULL)
		CU_ASSERT_EQUAL_FATAL(stage->open(&r->state, &r->env), 0);
}

/* Close the stage; what the test prepared stays prepared. */
static inline void
rig_close(struct rig *r)
{
	if (r->stage->close != NULL)
		r->stage->close(r->state);
	if (r->stage->release != NULL)
		r->stage->release(r->params);
	if (r->stage->fields != NULL)
		conf_release(r->stage->fields, r->params);
	free(r->params);
	r->params = NULL;
	r->state = NULL;
}

/* A fresh burst of n blank packets from outside; the caller fills in the facts it needs. */
static inline struct facts *
rig_packets(struct rig *r, unsigned int n)
{
	memset(&r->burst, 0, sizeof(r->burst));
	burst_start(&r->burst, r->now_ns, 0, SIDE_EXTERNAL);
	r->burst.count = (uint16_t)n;
	r->burst.live = lanes_first(n);
	for (unsigned int i = 0; i < n; i++) {
		r->burst.policy[i] = RIG_POLICY;
		r->burst.service[i] = RIG_SERVICE;
		r->burst.flow[i] = BURST_NO_FLOW;
	}
	return r->burst.facts;
}

/* "192.0.2.1" or "2001:db8::1" as the parser carries it. */
static inline void
rig_address(const char *text, uint8_t out[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (strchr(text, ':') != NULL) {
		CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET6, text, out), 1);
		return;
	}
	memcpy(out, mapped, sizeof(mapped));
	CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET, text, out + 12), 1);
}

/* The two ends of a packet in text; ports only where the protocol has them. */
struct rig_ends {
	const char *src, *dst;
	uint16_t src_port, dst_port;
};

/* Facts of a sound packet of 100 bytes as it came over some routers: TTL 57, TCP is an ACK. */
static inline void
rig_fill(struct facts *f, uint8_t proto, struct rig_ends ends)
{
	const bool is_ipv6 = strchr(ends.src, ':') != NULL;
	const bool has_ports = proto == PROTO_TCP || proto == PROTO_UDP;

	memset(f, 0, sizeof(*f));
	rig_address(ends.src, f->src);
	rig_address(ends.dst, f->dst);
	f->flags = (uint16_t)(FACT_IP | (is_ipv6 ? FACT_IPV6 : 0) |
	                      (has_ports ? 0 : FACT_NO_PORTS));
	f->proto = proto;
	f->src_port = ends.src_port;
	f->dst_port = ends.dst_port;
	f->frame_len = 100;
	f->l3_off = 14;
	f->l4_off = is_ipv6 ? 54 : 34;
	f->ttl = 57;
	f->vector = VECTOR_OTHER_FLOOD;
	if (proto == PROTO_UDP) {
		f->vector = VECTOR_UDP_FLOOD;
	} else if (proto == PROTO_TCP) {
		f->vector = VECTOR_TCP_OTHER_FLOOD;
		f->tcp_flags = TCP_ACK;
	} else if (proto == PROTO_ICMP || proto == PROTO_ICMPV6) {
		f->vector = VECTOR_ICMP_FLOOD;
	}
	f->payload_off = (uint16_t)(f->l4_off + (proto == PROTO_TCP ? 20 : 8));
	f->payload_len = (uint16_t)(f->frame_len - f->payload_off);
}

/* After a stage had the burst: live and verdicts agree, and nobody else was touched. */
static inline void
rig_check(const struct rig *r, uint64_t before, uint64_t allowed)
{
	const struct burst *b = &r->burst;

	for (unsigned int i = 0; i < b->count; i++)
		CU_ASSERT_EQUAL((b->live & lane_bit(i)) != 0,
		                b->verdict[i] == VERDICT_PASS);
	CU_ASSERT_EQUAL(before & ~b->live & ~allowed, 0);
}

/* decide() for lanes that may be stopped. */
static inline void
rig_decide(struct rig *r, uint64_t todo)
{
	const uint64_t before = r->burst.live;

	burst_describe(&r->burst);
	r->stage->decide(r->state, &r->view, &r->burst, todo);
	rig_check(r, before, todo);
}

/* observe() may stop nobody. */
static inline void
rig_observe(struct rig *r, uint64_t lanes)
{
	const uint64_t before = r->burst.live;

	burst_describe(&r->burst);
	r->stage->observe(r->state, &r->view, &r->burst, lanes);
	rig_check(r, before, 0);
}

/* Name of the reason for which a lane was stopped, or "passed". */
static inline const char *
rig_reason(const struct rig *r, unsigned int lane)
{
	if (r->burst.verdict[lane] == VERDICT_PASS)
		return "passed";
	return r->stage->reasons[r->burst.reason[lane]].name;
}

static inline bool
rig_is_exempt(const struct rig *r, unsigned int lane)
{
	return (r->burst.exempt & lane_bit(lane)) != 0;
}

/* Ask for an address until the stage has told everything; returns the lines it filled. */
static inline unsigned int
rig_explain(struct rig *r, const char *address)
{
	unsigned int calls = 0;

	memset(&r->explain, 0, sizeof(r->explain));
	rig_address(address, r->explain.address);
	while (!r->stage->explain(r->state, &r->view, &r->explain, r->now_ns))
		CU_ASSERT_FATAL(++calls < 100000);
	return r->explain.lines;
}

#endif
