/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wire - a service and its visitors, for the stages that know both directions.
 *
 * Each visitor is a number that becomes an address; wire_send() carries packets
 * of one side through `flows`, `sources` and `shape` on one burst and one pair
 * of tables, in the order of the registry, with the cells of the watch armed as
 * the pipeline arms them.
 *
 * Units   now_ns is the worker clock; only the test moves it.
 */
#ifndef TESTS_STAGE_WIRE_H
#define TESTS_STAGE_WIRE_H

#include "alone.h"
#include "flow/flow.h"
#include "flow/source.h"
#include "group.h"
#include "rig.h"
#include "stage/flows/flows.h"
#include "stage/shape/shape.h"
#include "stage/sources/sources.h"

#define WIRE_SHOP UINT32_C(0xcb007100) /* 203.0.113.0, or the same bits in IPv6 */

struct wire {
	struct rig flows, sources,
		shape; /* each with its own params, all with these tables: */
	struct flow_table flow_table;
	struct source_table source_table;
	struct burst b;
	uint64_t now_ns;
	bool is_ipv6;
	uint64_t watched; /* lanes that only monitor, for the next sends */
	uint64_t trusted; /* lanes on a never_block list, and which scale they have: */
	uint8_t scale;
	uint64_t armed, blocking; /* lanes under attack, and of these on that rung */
	uint64_t passed, dropped; /* packets from outside, since the test set them to 0 */
	const char *reason
		[LANES_MAX]; /* why a lane of the last send was dropped, or "passed" */
};

struct wire_conf {
	const char *flows, *sources;           /* groups of the configuration */
	uint64_t flow_entries, source_entries; /* 0: 64 k */
	const struct stage_lists *lists;       /* that the stages are compiled from */
};

static inline void
wire_open(struct wire *w, struct wire_conf c)
{
	struct rig *rigs[] = { &w->flows, &w->sources, &w->shape };
	const struct stage *stages[] = { &stage_flows, &stage_sources, &stage_shape };
	const char *conf[] = { c.flows != NULL ? c.flows : "",
		               c.sources != NULL ? c.sources : "", "" };
	struct watch_rule rule[VECTOR_COUNT];
	struct hash_key key;

	memcpy(rule, w->shape.rule, sizeof(rule)); /* prepared by the test */
	memset(w, 0, sizeof(*w));
	memcpy(w->shape.rule, rule, sizeof(rule));
	hash_key_seeded(&key, 11);
	w->now_ns = RIG_SECOND;
	CU_ASSERT_EQUAL_FATAL(
		flow_table_open(&w->flow_table,
	                        c.flow_entries != 0 ? c.flow_entries : 65536, &key),
		0);
	CU_ASSERT_EQUAL_FATAL(
		source_table_open(&w->source_table,
	                          c.source_entries != 0 ? c.source_entries : 65536, &key),
		0);
	for (unsigned int i = 0; i < 3; i++) {
		rigs[i]->env.flows = &w->flow_table;
		rigs[i]->env.sources = &w->source_table;
		rigs[i]->from.lists = c.lists;
		rig_open(rigs[i], stages[i], conf[i]);
	}
}

static inline void
wire_close(struct wire *w)
{
	rig_close(&w->shape);
	rig_close(&w->sources);
	rig_close(&w->flows);
	source_table_close(&w->source_table);
	flow_table_close(&w->flow_table);
}

/* Thresholds of one vector for the next wire_open(): armed above it, limited to it. */
static inline void
wire_limit(struct wire *w, enum vector vector, struct meter_limit limit)
{
	struct watch_rule *r = &w->shape.rule[vector];

	r->activate = r->max = limit;
	CU_ASSERT_EQUAL_FATAL(meter_rate_init(&r->activate_rate, &limit, 100 * RIG_MS, 1),
	                      0);
	CU_ASSERT_EQUAL_FATAL(meter_rate_init(&r->max_rate, &limit, 10 * RIG_MS, 16), 0);
}

/* Visitor n as an address; in IPv6 each has a /64 of its own. */
static inline void
wire_address(const struct wire *w, uint32_t n, uint8_t out[16])
{
	const uint32_t be = htonl(n);

	memset(out, 0, 16);
	if (w->is_ipv6) {
		memcpy(out, "\x20\x01\x0d\xb8", 4);
		memcpy(out + 4, &be, 4);
		out[15] = 1;
		return;
	}
	out[10] = out[11] = 0xff;
	memcpy(out + 12, &be, 4);
}

/* A packet between visitor n (port) and the shop (port 443), 100 bytes long. */
static inline struct facts
wire_packet(const struct wire *w, enum side side, uint8_t proto, uint32_t n,
            uint16_t port)
{
	struct facts f = {
		.flags = (uint16_t)(FACT_IP | (w->is_ipv6 ? FACT_IPV6 : 0)),
		.proto = proto,
		.frame_len = 100,
		.ttl = 57,
		.src_port = side == SIDE_EXTERNAL ? port : 443,
		.dst_port = side == SIDE_EXTERNAL ? 443 : port,
		.vector = proto == PROTO_TCP   ? VECTOR_TCP_OTHER_FLOOD
		          : proto == PROTO_UDP ? VECTOR_UDP_FLOOD
		          : proto == PROTO_ICMP || proto == PROTO_ICMPV6
		                  ? VECTOR_ICMP_FLOOD
		                  : VECTOR_OTHER_FLOOD,
	};

	wire_address(w, n, side == SIDE_EXTERNAL ? f.src : f.dst);
	wire_address(w, WIRE_SHOP, side == SIDE_EXTERNAL ? f.dst : f.src);
	return f;
}

/* The numbers of one TCP segment. */
struct wire_tcp {
	uint8_t flags;
	uint32_t seq, ack;
	uint16_t len;
};

static inline struct facts
wire_segment(const struct wire *w, enum side side, uint32_t n, uint16_t port,
             struct wire_tcp t)
{
	struct facts f = wire_packet(w, side, PROTO_TCP, n, port);

	f.tcp_flags = t.flags;
	f.tcp_seq = t.seq;
	f.tcp_ack = t.ack;
	f.payload_len = t.len;
	if ((t.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		f.vector = VECTOR_TCP_SYN_FLOOD;
	return f;
}

/* As pipeline_run() does it: observe and decide, stage by stage. */
static inline void
wire_stage(struct wire *w, struct rig *r)
{
	struct burst *b = &w->b;
	uint64_t before = b->live;
	unsigned int i;

	if (r->stage->observe != NULL)
		r->stage->observe(r->state, &r->view, b, before);
	if (r->stage->decide != NULL && b->side == SIDE_EXTERNAL)
		r->stage->decide(r->state, &r->view, b, before & ~b->spared);
	LANES_FOREACH (i, before & ~b->live) {
		w->reason[i] = r->stage->reasons[b->reason[i]].name;
		if ((b->watched & lane_bit(i)) != 0) {
			b->spared |= lane_bit(i);
			b->live |= lane_bit(i);
			b->verdict[i] = VERDICT_PASS;
		}
	}
}

/* Up to 64 packets of one side; returns the lanes that passed. */
static inline uint64_t
wire_send(struct wire *w, enum side side, const struct facts *f, unsigned int n)
{
	struct burst *b = &w->b;

	burst_start(b, w->now_ns, 0, side);
	b->count = (uint16_t)n;
	b->live = lanes_first(n);
	b->watched = w->watched;
	b->trusted = side == SIDE_EXTERNAL ? w->trusted & b->live : 0;
	memset(b->scale, w->scale, sizeof(b->scale));
	b->armed = b->challenged = w->armed & b->live;
	b->blocking = w->blocking & b->live;
	for (unsigned int i = 0; i < n; i++) {
		b->facts[i] = f[i];
		b->policy[i] = RIG_POLICY;
		b->service[i] = RIG_SERVICE;
		b->verdict[i] = VERDICT_PASS;
		w->reason[i] = "passed";
		if (side == SIDE_EXTERNAL &&
		    arrive_alone(watch_cell(&w->shape.watch, RIG_SERVICE, f[i].vector),
		                 &w->shape.rule[f[i].vector], f[i].frame_len, w->now_ns))
			b->armed |= lane_bit(i);
	}
	burst_describe(b);
	group_lanes(b);
	wire_stage(w, &w->flows);
	wire_stage(w, &w->sources);
	wire_stage(w, &w->shape);
	if (side == SIDE_EXTERNAL) {
		w->passed += lanes_count(b->live);
		w->dropped += n - lanes_count(b->live);
	}
	return b->live;
}

/* One packet; returns what it has proven. */
static inline enum standing
wire_one(struct wire *w, enum side side, struct facts f)
{
	wire_send(w, side, &f, 1);
	return (enum standing)w->b.standing[0];
}

static inline enum standing
wire_in(struct wire *w, uint32_t n, uint16_t port, struct wire_tcp t)
{
	return wire_one(w, SIDE_EXTERNAL, wire_segment(w, SIDE_EXTERNAL, n, port, t));
}

static inline enum standing
wire_out(struct wire *w, uint32_t n, uint16_t port, struct wire_tcp t)
{
	return wire_one(w, SIDE_INTERNAL, wire_segment(w, SIDE_INTERNAL, n, port, t));
}

/* Initial numbers of visitor n on a port, as unlike each other as real ones. */
static inline uint32_t
wire_isn(uint32_t n, uint16_t port, enum side side)
{
	return (n * 2654435761u) ^ (port * 40503u) ^
	       (side == SIDE_INTERNAL ? 0xdeadbeefu : 0);
}

/* SYN, SYN-ACK, ACK. Returns whether all passed and the last one proved the flow. */
static inline bool
wire_connect(struct wire *w, uint32_t n, uint16_t port)
{
	const uint32_t c = wire_isn(n, port, SIDE_EXTERNAL),
		       s = wire_isn(n, port, SIDE_INTERNAL);

	wire_in(w, n, port, (struct wire_tcp){ TCP_SYN, c, 0, 0 });
	if (w->b.live == 0)
		return false;
	wire_out(w, n, port, (struct wire_tcp){ TCP_SYN | TCP_ACK, s, c + 1, 0 });
	return wire_in(w, n, port, (struct wire_tcp){ TCP_ACK, c + 1, s + 1, 0 }) ==
	               STANDING_VERIFIED_FLOW &&
	       w->b.live != 0;
}

/* A segment with data on a connection of wire_connect(); it acknowledges only the SYN-ACK. */
static inline struct facts
wire_data(const struct wire *w, uint32_t n, uint16_t port)
{
	return wire_segment(w, SIDE_EXTERNAL, n, port,
	                    (struct wire_tcp){ TCP_ACK | TCP_PSH,
	                                       wire_isn(n, port, SIDE_EXTERNAL) + 1,
	                                       wire_isn(n, port, SIDE_INTERNAL) + 1,
	                                       10 });
}

#endif
