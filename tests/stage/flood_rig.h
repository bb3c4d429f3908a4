/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flood_rig - a service and whoever talks to it, in frames that the parser reads.
 *
 * A stage under test stands behind `flows`, on one flow table, as pipeline_run() has them.
 * Frames are laid by the rig as IPv4 or IPv6, with or without a VLAN tag; visitor n is an
 * address. The vector under attack arms itself by its threshold, as in the pipeline.
 *
 *     flood_udp(&f, IN, n, port, "payload", 7);   lays a frame ...
 *     flood_send(&f, IN);                         ... and sends all that were laid
 *
 * Units   now_ns is the worker clock; only the test moves it.
 */
#ifndef TESTS_STAGE_FLOOD_RIG_H
#define TESTS_STAGE_FLOOD_RIG_H

#include "alone.h"
#include "flow/flow.h"
#include "flow/source.h"
#include "group.h"
#include "packet/checksum.h"
#include "packet/parse.h"
#include "rig.h"
#include "stage/flows/flows.h"

#define IN         SIDE_EXTERNAL
#define OUT        SIDE_INTERNAL
#define FLOOD_SHOP UINT32_C(0xcb007100) /* 203.0.113.0, or the same bits in IPv6 */
#define FLOOD_ROOM 2048                 /* of a frame */

struct flood {
	struct rig flows, rig; /* of `flows`, of the stage under test */
	struct flow_table flow_table;
	struct source_table source_table;
	struct burst b;
	uint64_t now_ns;
	bool is_ipv6;
	uint16_t vlan;     /* 0: no tag */
	bool is_monitored; /* the policy only counts */
	unsigned int n;    /* frames that were laid */
	uint64_t passed;   /* from outside, and so are: */
	uint64_t dropped[STAGE_MAX_REASONS], would[STAGE_MAX_REASONS];
	const char *why[LANES_MAX]; /* of the last send, or "passed" */
	uint8_t bytes[LANES_MAX][FLOOD_ROOM];
};

/* One way a link may look like. */
struct flood_link {
	bool is_ipv6;
	uint16_t vlan;
};
static const struct flood_link flood_links[] = {
	{ false, 0 }, { true, 0 }, { false, 42 }, { true, 42 }
};
#define FLOOD_LINKS (sizeof(flood_links) / sizeof(*flood_links))

/* A threshold for the next flood_open(). */
static inline void
flood_limit(struct flood *f, enum vector vector, uint64_t pps)
{
	const struct meter_limit limit = { pps, METER_PACKETS };
	struct watch_rule *r = &f->rig.rule[vector];

	r->activate = r->max = limit;
	r->first = WATCH_BLOCK;
	CU_ASSERT_EQUAL_FATAL(meter_rate_init(&r->activate_rate, &limit, 100 * RIG_MS, 1),
	                      0);
	CU_ASSERT_EQUAL_FATAL(meter_rate_init(&r->max_rate, &limit, 10 * RIG_MS, 16), 0);
}

/* rig.env, rig.from and thresholds stay as the test prepared them. */
static inline void
flood_open(struct flood *f, const struct stage *stage, const char *config,
           const struct flood_link *link)
{
	struct hash_key key;

	memset((char *)f + offsetof(struct flood, flow_table), 0,
	       sizeof(*f) - offsetof(struct flood, flow_table));
	hash_key_seeded(&key, 11);
	f->now_ns = RIG_SECOND;
	f->is_ipv6 = link->is_ipv6;
	f->vlan = link->vlan;
	CU_ASSERT_EQUAL_FATAL(flow_table_open(&f->flow_table, 65536, &key), 0);
	CU_ASSERT_EQUAL_FATAL(source_table_open(&f->source_table, 65536, &key), 0);
	f->flows.env.flows = f->rig.env.flows = &f->flow_table;
	f->flows.env.sources = f->rig.env.sources = &f->source_table;
	rig_open(&f->flows, &stage_flows, "");
	rig_open(&f->rig, stage, config);
}

static inline void
flood_close(struct flood *f)
{
	rig_close(&f->rig);
	rig_close(&f->flows);
	source_table_close(&f->source_table);
	flow_table_close(&f->flow_table);
}

static inline void
flood_put16(uint8_t *at, unsigned int v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* Visitor n as its bytes in a header; in IPv6 each has a /64 of its own. Returns how many. */
static inline unsigned int
flood_address(const struct flood *f, uint32_t n, uint8_t *at)
{
	const uint32_t be = htonl(n);

	if (!f->is_ipv6) {
		memcpy(at, &be, 4);
		return 4;
	}
	memset(at, 0, 16);
	memcpy(at, "\x20\x01\x0d\xb8", 4);
	memcpy(at + 4, &be, 4);
	at[15] = 1;
	return 16;
}

/* An IP header and its payload; returns the length of both. `fragment`: flags and offset. */
static inline size_t
flood_ip(const struct flood *f, uint8_t *at, uint32_t from, uint32_t to, uint8_t proto,
         const void *payload, size_t len, uint16_t fragment)
{
	size_t header = f->is_ipv6 ? 40 : 20;
	uint16_t sum;

	memset(at, 0, 48);
	if (!f->is_ipv6) {
		at[0] = 0x45;
		flood_put16(at + 2, (unsigned int)(header + len));
		flood_put16(at + 6, fragment);
		at[8] = 57;
		at[9] = proto;
		flood_address(f, from, at + 12);
		flood_address(f, to, at + 16);
		sum = checksum_fold(checksum_add(0, at, 20));
		flood_put16(at + 10, sum);
	} else {
		at[0] = 0x60;
		at[6] = fragment != 0 ? PROTO_FRAGMENT : proto;
		at[7] = 57;
		flood_address(f, from, at + 8);
		flood_address(f, to, at + 24);
		if (fragment != 0) {
			at[40] = proto;
			/* Offset and flag have other places here. */
			flood_put16(at + 42, (unsigned int)(fragment & 0x1fff) << 3 |
			                             (fragment & 0x2000 ? 1 : 0));
			header += 8;
		}
		flood_put16(at + 4, (unsigned int)(header - 40 + len));
	}
	memcpy(at + header, payload, len);
	return header + len;
}

/* Lay a frame between the shop and visitor n, as its next. */
static inline void
flood_lay(struct flood *f, enum side side, uint32_t n, uint8_t proto, const void *payload,
          size_t len, uint16_t fragment)
{
	const size_t link = f->vlan != 0 ? 18 : 14;
	uint8_t *frame = f->bytes[f->n];
	size_t whole;

	CU_ASSERT_FATAL(f->n < LANES_MAX && len + 80 < FLOOD_ROOM);
	memset(frame, 2, 12);
	if (f->vlan != 0) {
		flood_put16(frame + 12, 0x8100);
		flood_put16(frame + 14, f->vlan);
	}
	flood_put16(frame + link - 2, f->is_ipv6 ? 0x86dd : 0x0800);
	whole = link + flood_ip(f, frame + link, side == IN ? n : FLOOD_SHOP,
	                        side == IN ? FLOOD_SHOP : n, proto, payload, len,
	                        fragment);
	f->b.facts[f->n].frame_len = (uint16_t)whole;
	f->n++;
}

/* A datagram between a port of visitor n and one of the shop. */
static inline void
flood_udp_to(struct flood *f, enum side side, uint32_t n, uint16_t port, uint16_t shop,
             const void *payload, size_t len)
{
	uint8_t l4[FLOOD_ROOM];

	flood_put16(l4, side == IN ? port : shop);
	flood_put16(l4 + 2, side == IN ? shop : port);
	flood_put16(l4 + 4, (unsigned int)(8 + len));
	flood_put16(l4 + 6, 0);
	memcpy(l4 + 8, payload, len);
	flood_lay(f, side, n, PROTO_UDP, l4, 8 + len, 0);
}

static inline void
flood_count(struct flood *f, uint64_t before)
{
	struct burst *b = &f->b;
	unsigned int i;

	LANES_FOREACH (i, before & ~b->live) {
		f->why[i] = f->rig.stage->reasons[b->reason[i]].name;
		(f->is_monitored ? f->would : f->dropped)[b->reason[i]]++;
		if (!f->is_monitored)
			continue;
		b->verdict[i] = VERDICT_PASS;
		b->live |= lane_bit(i);
		b->spared |= lane_bit(i);
	}
	f->passed += lanes_count(b->live);
}

/* Send what was laid; returns the lanes that passed. */
static inline uint64_t
flood_send(struct flood *f, enum side side)
{
	struct burst *b = &f->b;
	const unsigned int n = f->n;
	const struct stage *stage = f->rig.stage;
	uint64_t before;

	burst_start(b, f->now_ns, 0, side);
	b->count = (uint16_t)n;
	b->live = before = lanes_first(n);
	f->n = 0;
	for (unsigned int i = 0; i < n; i++) {
		const uint16_t len = b->facts[i].frame_len;
		struct watch_cell *cell;
		const struct watch_rule *rule;

		parse_frame(f->bytes[i], len, len, &b->facts[i]);
		b->bytes[i] = f->bytes[i];
		b->bytes_len[i] = len;
		b->policy[i] = RIG_POLICY;
		b->service[i] = RIG_SERVICE;
		f->why[i] = "passed";
		if (side == OUT)
			continue;
		cell = watch_cell(&f->rig.watch, RIG_SERVICE, b->facts[i].vector);
		rule = &f->rig.rule[b->facts[i].vector];
		if (!arrive_alone(cell, rule, len, f->now_ns))
			continue;
		b->armed |= lane_bit(i);
		b->challenged |= (uint64_t)(watch_rung(cell, rule) >= WATCH_CHALLENGE)
		                 << i;
	}
	b->watched = f->is_monitored ? before : 0;
	burst_describe(b);
	group_lanes(b);
	f->flows.stage->observe(f->flows.state, &f->flows.view, b, before);
	if (stage->observe != NULL)
		stage->observe(f->rig.state, &f->rig.view, b, before);
	if (side == OUT)
		return b->live;
	f->rig.stage->decide(f->rig.state, &f->rig.view, b, before);
	flood_count(f, before);
	return b->live;
}

/* What was dropped for that reason, or would have been. */
static inline uint64_t
flood_why(const struct flood *f, const uint64_t count[STAGE_MAX_REASONS],
          const char *name)
{
	const struct stage_reason *r = f->rig.stage->reasons;

	for (unsigned int i = 0; r[i].name != NULL; i++)
		if (strcmp(r[i].name, name) == 0)
			return count[i];
	CU_FAIL_FATAL("no such reason");
	return 0;
}

static inline uint64_t
flood_all(const uint64_t count[STAGE_MAX_REASONS])
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < STAGE_MAX_REASONS; i++)
		sum += count[i];
	return sum;
}

/* Forget what was counted. */
static inline void
flood_restart(struct flood *f)
{
	f->passed = 0;
	memset(f->dropped, 0, sizeof(f->dropped));
	memset(f->would, 0, sizeof(f->would));
}

/* Configure the stage from text that is wrong; returns what is told, for the next call. */
static inline const char *
flood_told(const struct stage *stage, const struct stage_compile *from,
           const char *config)
{
	static char told[512];
	struct conf_errors errors = { 0 };
	void *params = calloc(1, stage->params_size);

	told[0] = '\0';
	CU_ASSERT_FATAL(params != NULL);
	if (conf_read_text(config, strlen(config), "rig", stage->fields, params,
	                   &errors) == 0 &&
	    stage->compile(params, from, &errors) == 0)
		snprintf(told, sizeof(told), "accepted");
	else if (errors.count > 0)
		snprintf(told, sizeof(told), "%s", errors.error[0].message);
	if (stage->release != NULL)
		stage->release(params);
	conf_release(stage->fields, params);
	conf_errors_free(&errors);
	free(params);
	return told;
}

#endif
