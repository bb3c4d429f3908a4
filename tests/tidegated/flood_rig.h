/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flood_rig - one worker of the daemon, fed frames instead of a port.
 *
 * Everything from the configuration's text to the verdict is the product's own;
 * only the wire is played here. A frame is described by a `packet`; customers are
 * the outside addresses from 1 on, forgers any number above 2^32.
 *
 * Threads the one that judges, unless a function says otherwise.
 */
#ifndef TESTS_TIDEGATED_FLOOD_RIG_H
#define TESTS_TIDEGATED_FLOOD_RIG_H

#include <arpa/inet.h>
#include <string.h>

#include "base/lanes.h"
#include "engine.h"
#include "flow/flow.h"
#include "suite.h"

#define MS         UINT64_C(1000000)
#define SECOND     UINT64_C(1000000000)
#define FORGER     (UINT64_C(1) << 32)
#define CLIENT_ISN 5000u
#define SERVER_ISN 90000u

struct packet {
	enum side side;
	bool is_ipv6;
	uint8_t proto;
	uint8_t flags; /* of TCP */
	uint64_t who;
	uint16_t port; /* of the service */
	uint32_t seq, ack;
};

struct frame {
	uint8_t bytes[128];
	uint16_t len;
};

struct flood_rig {
	struct engine engine;
	struct worker *worker;
	uint64_t now_ns;
	unsigned int count; /* frames of the burst in the making */
	struct frame frame[LANES_MAX];
	enum side side;
};

static inline uint64_t
rig_mixed(uint64_t n)
{
	n += UINT64_C(0x9e3779b97f4a7c15);
	n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
	return n ^ (n >> 31);
}

/* Opens the engine by a configuration; its links need no port here. */
static inline void
rig_open(struct flood_rig *r, const char *text, uint64_t (*clock)(void))
{
	struct conf_errors errors = { 0 };
	const uint64_t seed = 7;
	struct settings *s = NULL;
	int rc = settings_read_text(text, strlen(text), "flood.conf", &s, &errors);

	memset(r, 0, sizeof(*r));
	if (rc == 0)
		rc = engine_open(&r->engine, s, 1, &seed, &errors);
	conf_errors_print(&errors, stderr);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	conf_errors_free(&errors);
	r->engine.clock = clock;
	r->worker = &r->engine.worker[0];
	r->now_ns = SECOND;
	engine_online(&r->engine, 0);
}

static inline void
rig_close(struct flood_rig *r)
{
	engine_offline(&r->engine, 0);
	engine_close(&r->engine);
}

static inline void
rig_put16(uint8_t *to, unsigned int n)
{
	to[0] = (uint8_t)(n >> 8);
	to[1] = (uint8_t)n;
}

static inline void
rig_put32(uint8_t *to, uint32_t n)
{
	rig_put16(to, n >> 16);
	rig_put16(to + 2, n & 0xffff);
}

/* Returns the header's length. The inside is 203.0.113.10. */
static inline unsigned int
rig_ipv4(uint8_t *ip, const struct packet *p, unsigned int payload)
{
	const bool is_in = p->side == SIDE_EXTERNAL;
	uint32_t sum = 0, who = (uint32_t)p->who;

	/*
	 * Forgers have 80.0.0.0/4, customers 66.0.0.0/8: who hits a customer's address and
	 * port, and is answered by the server as a new client, does replace his connection.
	 */
	if (p->who >= FORGER)
		who = 0x50000000 | (who & 0x0fffffff);
	else
		who += 0x42000000;
	ip[0] = 0x45;
	rig_put16(ip + 2, 20 + payload);
	ip[8] = 57;
	ip[9] = p->proto;
	rig_put32(ip + (is_in ? 12 : 16), who);
	rig_put32(ip + (is_in ? 16 : 12), 0xcb00710a);
	for (unsigned int i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	rig_put16(ip + 10, ~(sum + (sum >> 16)) & 0xffff);
	return 20;
}

static inline unsigned int
rig_ipv6(uint8_t *ip, const struct packet *p, unsigned int payload)
{
	const bool is_in = p->side == SIDE_EXTERNAL;
	uint8_t *outside = ip + (is_in ? 8 : 24), *inside = ip + (is_in ? 24 : 8);

	ip[0] = 0x60;
	rig_put16(ip + 4, payload);
	ip[6] = p->proto;
	ip[7] = 57;
	memcpy(outside, "\x20\x01\x0d\xb8", 4);
	/* Each in a /64 of his own. */
	rig_put32(outside + 4, (uint32_t)p->who);
	rig_put32(outside + 12, (uint32_t)(p->who >> 32) | 1);
	memcpy(inside, "\x20\x01\x0d\xb8\x00\x0a", 6);
	inside[15] = 0x10;
	return 40;
}

static inline void
rig_frame(struct frame *f, const struct packet *p)
{
	const unsigned int l4 = p->proto == PROTO_TCP ? 20 : 8;
	const bool is_in = p->side == SIDE_EXTERNAL;
	uint8_t *at = f->bytes + 14;

	memset(f, 0, sizeof(*f));
	f->bytes[5] = 2;
	f->bytes[11] = 1;
	rig_put16(f->bytes + 12, p->is_ipv6 ? 0x86dd : 0x0800);
	at += p->is_ipv6 ? rig_ipv6(at, p, l4) : rig_ipv4(at, p, l4);
	rig_put16(at + (is_in ? 0 : 2), 1024 + (unsigned int)(p->who % 60000));
	rig_put16(at + (is_in ? 2 : 0), p->port);
	if (p->proto == PROTO_TCP) {
		rig_put32(at + 4, p->seq);
		rig_put32(at + 8, p->ack);
		at[12] = 5 << 4;
		at[13] = p->flags;
		rig_put16(at + 14, 65535);
	} else {
		rig_put16(at + 4, 8);
	}
	f->len = (uint16_t)(at + l4 - f->bytes);
	if (f->len < 60)
		f->len = 60;
}

static inline void
rig_start(struct flood_rig *r, enum side side)
{
	r->side = side;
	r->count = 0;
}

/* Adds a packet to the burst in the making; returns its lane. */
static inline unsigned int
rig_add(struct flood_rig *r, const struct packet *p)
{
	rig_frame(&r->frame[r->count], p);
	return r->count++;
}

/* Hands the frames to the worker as io would, and lets it judge them. */
static inline struct burst *
rig_judge(struct flood_rig *r)
{
	struct burst *b = &r->worker->burst;
	const struct policies *policies = engine_policies(&r->engine);

	burst_start(b, r->now_ns, 0, r->side);
	for (unsigned int i = 0; i < r->count; i++) {
		b->bytes[i] = r->frame[i].bytes;
		b->bytes_len[i] = r->frame[i].len;
		b->frame_len[i] = r->frame[i].len;
	}
	b->count = (uint16_t)r->count;
	b->live = lanes_first(r->count);
	worker_judge(r->worker, policies, b);
	worker_account(r->worker, b);
	worker_upkeep(r->worker, policies, r->now_ns);
	engine_quiescent(&r->engine, 0);
	return b;
}

/* SYN, SYN-ACK, ACK of one customer, data later by CUSTOMER_DATA. */
static inline struct packet
rig_segment(enum side side, uint64_t who, uint8_t flags, bool is_ipv6)
{
	const bool is_in = side == SIDE_EXTERNAL, is_syn = (flags & TCP_SYN) != 0;

	return (struct packet){
		.side = side,
		.is_ipv6 = is_ipv6,
		.proto = PROTO_TCP,
		.flags = flags,
		.who = who,
		.port = 443,
		.seq = (is_in ? CLIENT_ISN : SERVER_ISN) + !is_syn,
		.ack = (flags & TCP_ACK) == 0 ? 0 : (is_in ? SERVER_ISN : CLIENT_ISN) + 1,
	};
}

/* A handshake of each customer first..first + n - 1 (n up to 64), in one moment. */
static inline void
rig_connect(struct flood_rig *r, uint64_t first, unsigned int n, bool is_ipv6)
{
	static const struct {
		enum side side;
		uint8_t flags;
	} step[] = { { SIDE_EXTERNAL, TCP_SYN },
		     { SIDE_INTERNAL, TCP_SYN | TCP_ACK },
		     { SIDE_EXTERNAL, TCP_ACK } };

	for (unsigned int k = 0; k < 3; k++) {
		rig_start(r, step[k].side);
		for (unsigned int i = 0; i < n; i++) {
			const struct packet p = rig_segment(step[k].side, first + i,
			                                    step[k].flags, is_ipv6);

			rig_add(r, &p);
		}
		rig_judge(r);
	}
}

#endif
