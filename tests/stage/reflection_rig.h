/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reflection_rig - frames of both sides through `flows` and `reflection`.
 *
 * The inside is one host, the outside hosts 1, 2, 3 and so on. A burst is put together
 * by ring_add() and sent by ring_send(), which returns the lanes that passed and leaves
 * the reasons of the others in ring.reason.
 *
 * Units   now_ns is the worker clock; only the test moves it.
 */
#ifndef TESTS_STAGE_REFLECTION_RIG_H
#define TESTS_STAGE_REFLECTION_RIG_H

#include <assert.h>

#include "flow/flow.h"
#include "flow/source.h"
#include "packet/checksum.h"
#include "packet/parse.h"
#include "rig.h"
#include "stage/flows/flows.h"
#include "stage/reflection/reflection.h"

#define RING_FRAME 1600
#define RING_HITS  128

struct packet {
	enum side side;
	uint8_t proto; /* 0 is UDP */
	uint8_t flags; /* of TCP */
	uint32_t who;  /* number of the outside host */
	uint16_t outside_port, inside_port;
	const void *payload; /* len bytes at most; what is beyond seen is 0 */
	uint16_t seen, len;
	bool is_first_piece;
};

struct ring {
	struct rig flows, reflection;
	struct flow_table flow_table;
	struct source_table source_table;
	struct burst b;
	uint64_t now_ns;
	bool is_ipv6, is_vlan;
	bool is_armed; /* the vectors of the next bursts */
	bool is_monitor;
	uint64_t hits[RING_HITS];
	char hit_name[RING_HITS][32]; /* index is the id; 0 is none */
	const char *reason[LANES_MAX];
	uint8_t standing[LANES_MAX]; /* of the last burst, when it was judged */
	uint8_t frame[LANES_MAX][RING_FRAME];
};

static struct ring ring;

static inline uint16_t
ring_hit(void *hits, const char *stage, const char *name)
{
	struct ring *r = hits;
	uint16_t id = 1;

	CU_ASSERT_STRING_EQUAL(stage, "reflection");
	while (id < RING_HITS && r->hit_name[id][0] != '\0' &&
	       strcmp(r->hit_name[id], name) != 0)
		id++;
	CU_ASSERT_FATAL(id < RING_HITS);
	snprintf(r->hit_name[id], sizeof(r->hit_name[id]), "%s", name);
	return id;
}

/* How often the counter of that name was hit. */
static inline uint64_t
ring_hits(const char *name)
{
	for (unsigned int id = 1; id < RING_HITS; id++)
		if (strcmp(ring.hit_name[id], name) == 0)
			return ring.hits[id];
	return UINT64_MAX;
}

/* `conf` are the keys of reflection; learning_time is 0s unless they say otherwise. */
static inline void
ring_open(const char *conf, bool is_ingress)
{
	char text[512];
	struct hash_key key;

	memset(&ring, 0, sizeof(ring));
	snprintf(text, sizeof(text), "%s%s", conf,
	         strstr(conf, "learning_time") == NULL ? " learning_time = \"0s\";" : "");
	hash_key_seeded(&key, 5);
	ring.now_ns = RIG_SECOND;
	CU_ASSERT_EQUAL_FATAL(flow_table_open(&ring.flow_table, 4096, &key), 0);
	CU_ASSERT_EQUAL_FATAL(source_table_open(&ring.source_table, 4096, &key), 0);
	for (unsigned int i = 0; i < 2; i++) {
		struct rig *r = i == 0 ? &ring.flows : &ring.reflection;

		r->env.flows = &ring.flow_table;
		r->env.sources = &ring.source_table;
		r->env.hits = ring.hits;
		r->env.workers = 1;
		r->from.hit = ring_hit;
		r->from.hits = &ring;
		rig_open(r, i == 0 ? &stage_flows : &stage_reflection,
		         i == 0 ? "" : text);
		if (!is_ingress)
			continue;
		/* The rig opens stages for both directions. */
		r->stage->close(r->state);
		r->common.is_ingress = true;
		CU_ASSERT_EQUAL_FATAL(r->stage->open(&r->state, &r->env), 0);
	}
	burst_start(&ring.b, ring.now_ns, 0, SIDE_EXTERNAL);
}

static inline void
ring_close(void)
{
	rig_close(&ring.reflection);
	rig_close(&ring.flows);
	source_table_close(&ring.source_table);
	flow_table_close(&ring.flow_table);
}

static inline void
ring_put16(uint8_t *at, unsigned int n)
{
	at[0] = (uint8_t)(n >> 8);
	at[1] = (uint8_t)n;
}

static inline void
ring_text(uint32_t who, char out[64])
{
	snprintf(out, 64, ring.is_ipv6 ? "2001:db8:%x:%x::1" : "198.51.%u.%u", who >> 8,
	         who & 255);
}

/* IPv4 or IPv6 header with what leads to `proto`; returns its length. */
static inline unsigned int
ring_ip(uint8_t *ip, const struct packet *p, uint8_t proto, unsigned int payload)
{
	const bool is_in = p->side == SIDE_EXTERNAL;
	uint8_t outside[16], inside[16];
	char text[64];

	ring_text(p->who, text);
	rig_address(text, outside);
	rig_address(ring.is_ipv6 ? "2001:db8:ffff::10" : "203.0.113.10", inside);
	if (ring.is_ipv6) {
		const unsigned int more = p->is_first_piece ? 8 : 0;

		ip[0] = 0x60;
		ring_put16(ip + 4, payload + more);
		ip[6] = p->is_first_piece ? PROTO_FRAGMENT : proto;
		ip[7] = 57;
		memcpy(ip + 8, is_in ? outside : inside, 16);
		memcpy(ip + 24, is_in ? inside : outside, 16);
		ip[40] = more != 0 ? proto : 0;
		ip[43] = more != 0; /* more fragments follow */
		return 40 + more;
	}
	ip[0] = 0x45;
	ring_put16(ip + 2, 20 + payload);
	ip[6] = p->is_first_piece ? 0x20 : 0;
	ip[8] = 57;
	ip[9] = proto;
	memcpy(ip + 12, (is_in ? outside : inside) + 12, 4);
	memcpy(ip + 16, (is_in ? inside : outside) + 12, 4);
	ring_put16(ip + 10, checksum_fold(checksum_add(0, ip, 20)));
	return 20;
}

/* Add a packet to the burst; returns its lane. All of one burst have one side. */
static inline unsigned int
ring_add(const struct packet *p)
{
	const bool is_in = p->side == SIDE_EXTERNAL;
	const uint8_t proto = p->proto != 0 ? p->proto : PROTO_UDP;
	const unsigned int head = proto == PROTO_TCP ? 20 : 8;
	/* Of a fragment the datagram goes on after what is here, in units of 8. */
	const unsigned int here = p->is_first_piece ? (p->len + 7u) / 8 * 8 : p->len;
	const unsigned int i = ring.b.count++;
	uint8_t *frame = ring.frame[i], *at = frame + 12;

	CU_ASSERT_FATAL(i < LANES_MAX && here + 80 < RING_FRAME);
	memset(frame, 0, RING_FRAME);
	frame[5] = 2;
	frame[11] = 1;
	if (ring.is_vlan) {
		memcpy(at, "\x81\x00\x00\x07", 4);
		at += 4;
	}
	ring_put16(at, ring.is_ipv6 ? 0x86dd : 0x0800);
	at += 2;
	at += ring_ip(at, p, proto, head + here);
	ring_put16(at, is_in ? p->outside_port : p->inside_port);
	ring_put16(at + 2, is_in ? p->inside_port : p->outside_port);
	if (proto == PROTO_TCP) {
		at[12] = 5 << 4;
		at[13] = p->flags;
	} else {
		ring_put16(at + 4, head + (p->is_first_piece ? 3000 : p->len));
	}
	if (p->payload != NULL)
		memcpy(at + head, p->payload, p->seen);
	at += head + here;
	ring.b.bytes[i] = frame;
	ring.b.bytes_len[i] = (uint16_t)(at - frame < 60 ? 60 : at - frame);
	ring.b.frame_len[i] = ring.b.bytes_len[i];
	ring.b.policy[i] = RIG_POLICY;
	ring.b.service[i] = RIG_SERVICE;
	ring.b.side = (uint8_t)p->side;
	ring.b.now_ns = ring.now_ns;
	return i;
}

/* Judge the burst and begin another one; returns the lanes that passed. */
static inline uint64_t
ring_send(void)
{
	struct burst *b = &ring.b;
	struct rig *r = &ring.reflection;
	uint64_t all = lanes_first(b->count), passed;

	b->live = all;
	parse_burst(b);
	for (unsigned int i = 0; i < b->count; i++)
		CU_ASSERT_EQUAL(b->facts[i].fault, PACKET_SOUND);
	b->armed = ring.is_armed ? all : 0;
	b->watched = ring.is_monitor ? all : 0;
	stage_flows.observe(ring.flows.state, &ring.flows.view, b, all);
	stage_reflection.observe(r->state, &r->view, b, all);
	if (b->side == SIDE_EXTERNAL)
		stage_reflection.decide(r->state, &r->view, b, all);
	for (unsigned int i = 0; i < b->count; i++) {
		CU_ASSERT_EQUAL((b->live & lane_bit(i)) != 0,
		                b->verdict[i] == VERDICT_PASS);
		ring.reason[i] = b->verdict[i] == VERDICT_PASS
		                         ? "passed"
		                         : stage_reflection.reasons[b->reason[i]].name;
	}
	passed = b->live;
	memcpy(ring.standing, b->standing, sizeof(ring.standing));
	burst_start(b, ring.now_ns, 0, SIDE_EXTERNAL);
	return passed;
}

/* One packet alone; returns why it was dropped, or "passed". */
static inline const char *
ring_one(const struct packet *p)
{
	ring_add(p);
	ring_send();
	return ring.reason[0];
}

/* The same packet from the hosts first, first + 1 and so on, in bursts; returns how many passed. */
static inline unsigned int
ring_flood(struct packet p, uint32_t first, unsigned int n)
{
	unsigned int passed = 0;

	for (unsigned int k = 0; k < n; k++) {
		p.who = first + k;
		ring_add(&p);
		if (ring.b.count == LANES_MAX || k + 1 == n)
			passed += lanes_count(ring_send());
	}
	return passed;
}

#endif
