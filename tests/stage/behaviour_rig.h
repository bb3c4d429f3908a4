/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * behaviour_rig - a shop, its visitors and their connections, with the frames' bytes.
 *
 * wire.h carries facts through `flows` and `sources`; here `behaviour` follows, and each
 * packet has what its stages read of a frame: link header, window, payload. What the gate
 * emits is kept, so that a test can say which resets it wants.
 *
 * Units   w.now_ns is the worker clock; only the test moves it.
 */
#ifndef TESTS_STAGE_BEHAVIOUR_RIG_H
#define TESTS_STAGE_BEHAVIOUR_RIG_H

#include "stage/behaviour/behaviour.h"
#include "wire.h"

#define IN   SIDE_EXTERNAL
#define OUT  SIDE_INTERNAL
#define ACK  TCP_ACK
#define PORT 443

struct shop {
	struct wire w;
	struct rig rig;
	uint16_t vlan;   /* 0: none */
	uint16_t router; /* last bytes of its MAC, beside 1; many of them fill a table */
	bool is_learned; /* the policy judges nobody */
	bool is_monitored;    /* the policy only counts */
	const char *reason;   /* why the last packet was dropped, or "passed" */
	uint64_t would;       /* packets that monitor spared */
	uint64_t timed[2][8]; /* [is_would][reason]: counted without a packet */
	unsigned int resets;  /* emitted since the test set it to 0 */
	struct burst_request reset[BURST_OUTBOX];
};

/* One segment; the numbers are relative to both ISNs. */
struct say {
	uint32_t seq, ack;
	const char *text; /* payload, or NULL */
	uint8_t flags;    /* beside ACK */
};

static inline void
shop_count(void *counts, const struct stage_count *what)
{
	((struct shop *)counts)->timed[what->is_would][what->reason]++;
}

static inline void
shop_open(struct shop *s, const char *config)
{
	memset(s, 0, sizeof(*s));
	wire_open(&s->w,
	          (struct wire_conf){ .flow_entries = 4096,
	                              .sources = "new_connections = \"off\"; packets = "
	                                         "\"off\"; bits = \"off\";" });
	s->rig.env.flows = &s->w.flow_table;
	s->rig.env.sources = &s->w.source_table;
	s->rig.env.count = shop_count;
	s->rig.env.counts = s;
	rig_open(&s->rig, &stage_behaviour, config);
}

static inline void
shop_close(struct shop *s)
{
	rig_close(&s->rig);
	wire_close(&s->w);
}

/* Link header, window and payload where the facts say they are. */
static inline void
shop_bytes(const struct shop *s, enum side side, struct facts *f, const char *text,
           uint8_t out[256])
{
	static const uint8_t router[6] = { 2, 0, 0, 0, 0, 1 },
			     server[6] = { 2, 0, 0, 0, 0, 2 };
	const unsigned int link = s->vlan != 0 ? 18 : 14;

	memset(out, 0, 256);
	memcpy(out, side == IN ? server : router, 6);
	memcpy(out + 6, side == IN ? router : server, 6);
	out[side == IN ? 9 : 3] = (uint8_t)(s->router >> 8);
	out[side == IN ? 10 : 4] = (uint8_t)s->router;
	if (s->vlan != 0) {
		out[12] = 0x81;
		out[14] = (uint8_t)(s->vlan >> 8);
		out[15] = (uint8_t)s->vlan;
		f->vlan = s->vlan;
		f->flags |= FACT_VLAN;
	}
	out[link - 2] = s->w.is_ipv6 ? 0x86 : 0x08;
	out[link - 1] = s->w.is_ipv6 ? 0xdd : 0x00;
	f->l3_off = (uint8_t)link;
	f->l4_off = (uint16_t)(link + (s->w.is_ipv6 ? 40 : 20));
	f->payload_off = (uint16_t)(f->l4_off + 20);
	out[f->l4_off + 12] = 0x50;
	out[f->l4_off + 14] = 0xff; /* 65,280 */
	if (text != NULL)
		memcpy(out + f->payload_off, text, f->payload_len);
}

static inline void
shop_keep(struct shop *s)
{
	for (unsigned int k = 0; k < s->w.b.requests && s->resets < BURST_OUTBOX; k++)
		s->reset[s->resets++] = s->w.b.outbox[k];
}

/* One packet through all stages, as pipeline_run() does it. Returns whether it passed. */
static inline bool
shop_send(struct shop *s, enum side side, struct facts f, const char *text)
{
	static uint8_t bytes[256];
	struct burst *b = &s->w.b;
	struct wire *w = &s->w;
	struct rig *rigs[] = { &w->flows, &w->sources, &s->rig };

	shop_bytes(s, side, &f, text, bytes);
	burst_start(b, w->now_ns, 0, side);
	b->count = 1;
	b->live = 1;
	b->watched = s->is_monitored;
	b->facts[0] = f;
	b->bytes[0] = bytes;
	b->bytes_len[0] = sizeof(bytes);
	b->policy[0] = RIG_POLICY;
	b->service[0] = RIG_SERVICE;
	w->reason[0] = "passed";
	burst_describe(b);
	group_lanes(b);
	for (size_t i = 0; i < sizeof(rigs) / sizeof(*rigs) && b->live != 0; i++)
		if (!s->is_learned)
			wire_stage(w, rigs[i]);
		else if (rigs[i]->stage->observe != NULL)
			rigs[i]->stage->observe(rigs[i]->state, &rigs[i]->view, b,
			                        b->live);
	s->reason = w->reason[0];
	s->would += b->spared != 0;
	s->rig.stage->carry(s->rig.state, b);
	shop_keep(s);
	return b->live != 0;
}

static inline bool
shop_say(struct shop *s, enum side side, uint32_t n, uint16_t port, struct say what)
{
	const uint32_t c = wire_isn(n, port, IN), v = wire_isn(n, port, OUT);
	struct wire_tcp t = {
		.flags = (uint8_t)(what.flags | ACK),
		.seq = (side == IN ? c : v) + what.seq,
		.ack = (side == IN ? v : c) + what.ack,
		.len = (uint16_t)(what.text != NULL ? strlen(what.text) : 0),
	};

	return shop_send(s, side, wire_segment(&s->w, side, n, port, t), what.text);
}

/* The three segments of a handshake, until one is refused. Returns whether all passed. */
static inline bool
shop_connect(struct shop *s, uint32_t n, uint16_t port)
{
	struct wire_tcp syn = { TCP_SYN, wire_isn(n, port, IN), 0, 0 };

	return shop_send(s, IN, wire_segment(&s->w, IN, n, port, syn), NULL) &&
	       shop_say(s, OUT, n, port, (struct say){ 0, 1, NULL, TCP_SYN }) &&
	       shop_say(s, IN, n, port, (struct say){ 1, 1, NULL, 0 });
}

/* Time passes without a packet; timers run every 50 ms. */
static inline void
shop_wait(struct shop *s, uint64_t ns)
{
	const uint64_t until = s->w.now_ns + ns;

	while (s->w.now_ns < until) {
		struct burst *b = &s->w.b;

		s->w.now_ns += 50 * RIG_MS < until - s->w.now_ns ? 50 * RIG_MS
		                                                 : until - s->w.now_ns;
		if (!s->rig.stage->is_waiting(s->rig.state))
			continue;
		burst_start(b, s->w.now_ns, 0, IN);
		s->rig.stage->carry(s->rig.state, b);
		shop_keep(s);
	}
}

/* Whether a reset of this visitor's connection went out by that side with this number. */
static inline bool
shop_was_reset(const struct shop *s, enum side side, uint32_t n, uint16_t port,
               uint32_t seq)
{
	const uint32_t isn = wire_isn(n, port, side == OUT ? IN : OUT);
	uint8_t visitor[16];

	wire_address(&s->w, n, visitor);
	for (unsigned int k = 0; k < s->resets; k++) {
		const struct burst_request *r = &s->reset[k];
		const struct burst_ends *e = &r->ends;
		const bool is_out = side == OUT; /* to the server */
		const uint8_t *who = is_out ? e->src : e->dst;

		if (r->side == (uint8_t)side && (r->tcp_flags & TCP_RST) != 0 &&
		    r->seq == isn + seq && memcmp(who, visitor, 16) == 0 &&
		    (is_out ? e->src_port : e->dst_port) == port &&
		    (is_out ? e->dst_port : e->src_port) == PORT &&
		    e->link[5] == (is_out ? 2 : 1) && e->link[11] == (is_out ? 1 : 2) &&
		    e->link_len == (s->vlan != 0 ? 18 : 14) &&
		    (s->vlan == 0 || e->link[15] == s->vlan) &&
		    e->is_ipv6 == s->w.is_ipv6)
			return true;
	}
	return false;
}

#endif
