/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * splice_rig - a client, a server and the gate between them, in bytes.
 *
 * A whole engine is opened from a configuration's text and fed frames, one burst at a
 * time. What leaves it is kept by side until the test takes it: forwarded, answered and
 * emitted frames alike, each with its checksums summed anew. A `talk` is one connection:
 * how its frames look, what both ends offer, and the numbers each of them has seen.
 *
 * The client is 66.0.0.0 + who (or 2001:db8:0:who::1), the server 203.0.113.10 (or
 * 2001:db8:a::10), its port 443.
 *
 * Threads one.
 */
#ifndef TESTS_TIDEGATED_SPLICE_RIG_H
#define TESTS_TIDEGATED_SPLICE_RIG_H

#include <string.h>

#include "base/counter.h"
#include "base/memory.h"
#include "engine.h"
#include "flow/flow.h"
#include "packet/build.h"
#include "packet/options.h"
#include "packet/segment.h"
#include "packet/vector.h"
#include "packet/wire.h"
#include "suite.h"

#define MS         UINT64_C(1000000)
#define SECOND     UINT64_C(1000000000)
#define WALL_NS    (UINT64_C(1790000000) * SECOND)
#define NO_SCALE   OPTIONS_NO_WSCALE
#define WINDOW     500u   /* of the client's third segment */
#define WINDOW_IN  28960u /* of the server's SYN-ACK */
#define OURS_SCALE 7u     /* promised for a server nobody has heard yet */

static const char splice_conf[] =
	"version = 1;\n"
	"dataplane = { flow_entries = \"%s\"; source_entries = \"64k\"; duplex = \"%s\"; "
	"};\n"
	"links = ( { name = \"a\"; external = \"x0\"; internal = \"x1\"; } );\n"
	"policies = ( { name = \"shop\"; mode = \"%s\"; vectors = (\n"
	"  { vector = \"tcp_syn_flood\"; activate_rate = \"100pps\"; },\n"
	"  { vector = \"tcp_other_flood\"; activate_rate = \"%s\"; max_rate = \"%s\"; "
	"} );\n"
	"  sources = { new_connections = \"%s\"; };\n"
	/* Else SYN-ACKs that nobody asked for would not get as far as tcpauth. */
	"  reflection = { unasked = \"off\"; };\n"
	"  tcpauth = { %s }; } );\n"
	"services = ( { name = \"shop\"; policy = \"shop\";\n"
	"  prefixes = [ %s ]; } );\n";

/* What a test may say of the configuration; NULL is the default. */
struct splice_keys {
	const char *flows, *mode, *others, *connections, *tcpauth, *prefixes, *duplex;
	const char *max; /* of segments of no connection */
};

/* A frame that left by `side`. */
struct left {
	struct wire frame;
	struct facts f;
	struct tcp_options said;
	uint16_t window;
	bool is_emitted;
};

struct splice_rig {
	struct engine engine;
	struct worker *worker;
	uint64_t now_ns;
	bool is_bypassed;
	enum side side;
	unsigned int count;
	struct wire frame[LANES_MAX];
	struct left left[2][2 * LANES_MAX];
	unsigned int n_left[2], taken[2];
};

struct talk {
	bool is_ipv6;
	unsigned int tags;
	uint32_t who;
	uint16_t port;
	uint32_t client_isn, server_isn;
	struct tcp_options offer,
		answer; /* of the client's SYN, of the server's SYN-ACK */
	uint32_t client_ts, server_ts;
	/* What the client was told. */
	uint32_t ours, stamp;
	struct tcp_options promised;
};

/* Everything else of one segment; options as the talk's clocks have them. */
struct segment {
	uint8_t flags;
	uint32_t seq, ack;
	uint16_t window;
	const struct tcp_options *says; /* NULL: none */
	unsigned int sacks;
	uint32_t sack[4];
	unsigned int payload;
};

static struct splice_rig r;

static uint64_t
splice_clock(void)
{
	return r.now_ns;
}

static inline const char *
splice_or(const char *key, const char *otherwise)
{
	return key != NULL ? key : otherwise;
}

static inline struct settings *
splice_settings(const struct splice_keys *k, struct conf_errors *errors)
{
	char text[2048];
	struct settings *s = NULL;

	snprintf(text, sizeof(text), splice_conf, splice_or(k->flows, "64k"),
	         splice_or(k->duplex, "inline"), splice_or(k->mode, "mitigate"),
	         splice_or(k->others, "1Mpps"), splice_or(k->max, "1Mpps"),
	         splice_or(k->connections, "100000cps"), splice_or(k->tcpauth, ""),
	         splice_or(k->prefixes, "\"203.0.113.0/24\", \"2001:db8:a::/64\""));
	CU_ASSERT_EQUAL(settings_read_text(text, strlen(text), "splice.conf", &s, errors),
	                0);
	return s;
}

static inline void
splice_open(struct splice_keys keys)
{
	struct conf_errors errors = { 0 };
	const uint64_t seed = 7;
	struct settings *s;

	memset(&r, 0, sizeof(r));
	s = splice_settings(&keys, &errors);
	conf_errors_print(&errors, stderr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	memory_be_lazy();
	CU_ASSERT_EQUAL_FATAL(engine_open(&r.engine, s, 1, &seed, &errors), 0);
	conf_errors_free(&errors);
	r.engine.clock = splice_clock;
	r.engine.common.wall_ns = WALL_NS;
	r.worker = &r.engine.worker[0];
	r.now_ns = SECOND;
	engine_online(&r.engine, 0);
}

static inline void
splice_close(void)
{
	engine_offline(&r.engine, 0);
	engine_close(&r.engine);
}

/* Another snapshot in force, as a reload puts it there. */
static inline void
splice_reload(struct splice_keys keys)
{
	struct conf_errors errors = { 0 };
	struct settings *s = splice_settings(&keys, &errors);
	struct policies *next, *old;

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_EQUAL_FATAL(policy_build(s, NULL, NULL, &next, &errors), 0);
	settings_free(s);
	conf_errors_free(&errors);
	old = atomic_exchange(&r.engine.policies, next);
	policy_free(old);
}

/* --- frames ------------------------------------------------------------------- */

static inline void
splice_link(struct wire *w, const struct talk *t, enum side side)
{
	static const unsigned int tpid[3][2] = { { 0, 0 },
		                                 { 0x8100, 0 },
		                                 { 0x88a8, 0x8100 } };

	wire_ether(w); /* to ..dd from ..55 */
	w->bytes[5] = side == SIDE_EXTERNAL ? 0x10 : 0xc1;
	w->bytes[11] = side == SIDE_EXTERNAL ? 0xc1 : 0x10;
	for (unsigned int k = 0; k < t->tags; k++)
		wire_tag(w, tpid[t->tags][k], 0x2000 + 100 + k);
}

static inline void
splice_addresses(struct wire *w, const struct talk *t, enum side side)
{
	static const uint8_t server4[4] = { 203, 0, 113, 10 };
	static const uint8_t server6[16] = {
		0x20, 0x01, 0x0d, 0xb8, 0, 0x0a, [15] = 0x10
	};
	const size_t n = t->is_ipv6 ? 16 : 4;
	uint8_t *src = w->bytes + w->ip + (t->is_ipv6 ? 8 : 12), *dst = src + n;
	uint8_t client[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };

	if (t->is_ipv6)
		segment_put32(client + 4, t->who);
	else
		segment_put32(client, 0x42000000 + t->who);
	memcpy(side == SIDE_EXTERNAL ? src : dst, client, n);
	memcpy(side == SIDE_EXTERNAL ? dst : src, t->is_ipv6 ? server6 : server4, n);
}

static inline unsigned int
splice_options(uint8_t out[OPTIONS_MAX], const struct segment *s)
{
	size_t n = 0;

	if (s->says != NULL && (s->flags & TCP_SYN) != 0)
		n = options_write_opening(out, s->says);
	else if (s->says != NULL)
		n = options_write_stamp(out, s->says);
	if (s->sacks > 0) {
		out[n++] = OPTION_NOP;
		out[n++] = OPTION_NOP;
		out[n++] = OPTION_SACK;
		out[n++] = (uint8_t)(2 + 8 * s->sacks);
		for (unsigned int k = 0; k < 2 * s->sacks; k++, n += 4)
			segment_put32(out + n, s->sack[k]);
	}
	return (unsigned int)n;
}

static inline void
splice_frame(struct wire *w, const struct talk *t, enum side side,
             const struct segment *s)
{
	const bool is_in = side == SIDE_EXTERNAL;
	uint8_t options[OPTIONS_MAX];
	const unsigned int n = splice_options(options, s);
	uint8_t *tcp;

	splice_link(w, t, side);
	if (t->is_ipv6)
		wire_ipv6(w, PROTO_TCP);
	else
		wire_ipv4(w, PROTO_TCP, 0, 0x4000);
	splice_addresses(w, t, side);
	tcp = w->bytes + w->len;
	wire_tcp(w, s->flags, options, n);
	segment_put16(tcp, is_in ? t->port : 443);
	segment_put16(tcp + 2, is_in ? 443 : t->port);
	segment_put32(tcp + 4, s->seq);
	segment_put32(tcp + 8, s->ack);
	segment_put16(tcp + 14, s->window);
	wire_fill(w, 'd', s->payload);
	segment_seal(w);
}

/* --- bursts ------------------------------------------------------------------- */

/* A frame leaves: its checksums must be right, its MACs and tags its connection's. */
static inline void
splice_keep(enum side side, const uint8_t *bytes, size_t len, bool is_emitted)
{
	struct left *l = &r.left[side][r.n_left[side]++];

	CU_ASSERT_FATAL(r.n_left[side] <= 2 * LANES_MAX);
	memset(l, 0, sizeof(*l));
	memcpy(l->frame.bytes, bytes, len);
	l->frame.len = len;
	l->is_emitted = is_emitted;
	l->f = segment_facts(&l->frame);
	CU_ASSERT_EQUAL(l->f.fault, PACKET_SOUND);
	CU_ASSERT_EQUAL(segment_checksum(bytes, &l->f), 0);
	CU_ASSERT_EQUAL(bytes[5], side == SIDE_EXTERNAL ? 0xc1 : 0x10);
	CU_ASSERT_EQUAL(bytes[11], side == SIDE_EXTERNAL ? 0x10 : 0xc1);
	if (l->f.proto != PROTO_TCP)
		return;
	CU_ASSERT_TRUE(options_read(bytes + l->f.l4_off,
	                            (size_t)(l->f.payload_off - l->f.l4_off), &l->said));
	l->window = (uint16_t)segment_16(bytes + l->f.l4_off + 14);
}

static inline void
splice_settle(const struct burst *b)
{
	for (unsigned int i = 0; i < b->count; i++)
		if (b->verdict[i] == VERDICT_PASS)
			splice_keep(b->side == SIDE_EXTERNAL ? SIDE_INTERNAL
			                                     : SIDE_EXTERNAL,
			            b->bytes[i], b->bytes_len[i], false);
		else if (b->verdict[i] == VERDICT_REPLY)
			splice_keep((enum side)b->side, b->bytes[i], b->bytes_len[i],
			            false);
	for (unsigned int k = 0; k < b->requests; k++) {
		uint8_t out[BUILD_MAX];
		const size_t len = build_tcp(out, &b->outbox[k]);

		CU_ASSERT_FATAL(len > 0);
		splice_keep((enum side)b->outbox[k].side, out, len, true);
	}
}

static inline void
splice_start(enum side side)
{
	r.side = side;
	r.count = 0;
}

static inline struct wire *
splice_add(const struct talk *t, struct segment s)
{
	splice_frame(&r.frame[r.count], t, r.side, &s);
	return &r.frame[r.count++];
}

/* The burst in the making goes its whole way. Nothing may be left that nobody took. */
static inline struct burst *
splice_judge(void)
{
	struct burst *b = &r.worker->burst;
	const struct policies *policies = engine_policies(&r.engine);

	for (unsigned int side = 0; side < 2; side++)
		r.n_left[side] = r.taken[side] = 0;
	burst_start(b, r.now_ns, 0, r.side);
	for (unsigned int i = 0; i < r.count; i++) {
		b->bytes[i] = r.frame[i].bytes;
		b->bytes_len[i] = (uint16_t)r.frame[i].len;
		b->frame_len[i] = (uint16_t)r.frame[i].len;
	}
	b->count = (uint16_t)r.count;
	b->live = lanes_first(r.count);
	if (r.is_bypassed) {
		worker_overlook(r.worker, r.now_ns);
		parse_burst(b);
		worker_carry(r.worker, b);
		splice_settle(b);
		return b;
	}
	worker_judge(r.worker, policies, b);
	splice_settle(b);
	worker_account(r.worker, b);
	worker_upkeep(r.worker, policies, r.now_ns);
	engine_quiescent(&r.engine, 0);
	return b;
}

static inline struct burst *
splice_send(const struct talk *t, enum side side, struct segment s)
{
	splice_start(side);
	splice_add(t, s);
	return splice_judge();
}

/* What a live worker does when no packet comes. */
static inline void
splice_wait(uint64_t ns)
{
	struct burst *b = &r.worker->burst;

	r.now_ns += ns;
	for (unsigned int side = 0; side < 2; side++)
		r.n_left[side] = r.taken[side] = 0;
	burst_start(b, r.now_ns, 0, SIDE_EXTERNAL);
	if (worker_is_waiting(r.worker))
		worker_carry(r.worker, b);
	splice_settle(b);
}

/* The next frame that left by this side, or a failure. */
static inline const struct left *
splice_take(enum side side)
{
	CU_ASSERT_FATAL(r.taken[side] < r.n_left[side]);
	return &r.left[side][r.taken[side]++];
}

/* Everything that left was taken. */
static inline void
splice_done(void)
{
	CU_ASSERT_EQUAL(r.taken[SIDE_EXTERNAL], r.n_left[SIDE_EXTERNAL]);
	CU_ASSERT_EQUAL(r.taken[SIDE_INTERNAL], r.n_left[SIDE_INTERNAL]);
}

/* "tcpauth.syn_cookie", or "passed". */
static inline const char *
splice_reason(unsigned int lane)
{
	const struct burst *b = &r.worker->burst;

	if (b->verdict[lane] == VERDICT_PASS)
		return "passed";
	return stage_list[b->stage[lane]]->reasons[b->reason[lane]].name;
}

/* How often a reason of tcpauth stopped a packet, or in monitor would have. */
static inline uint64_t
splice_books(const char *reason, bool would)
{
	const struct pipeline_books *books = &r.worker->pipeline.books;

	for (unsigned int s = 0; s < stage_count; s++)
		for (unsigned int k = 0; strcmp(stage_list[s]->name, "tcpauth") == 0 &&
		                         stage_list[s]->reasons[k].name != NULL;
		     k++)
			if (strcmp(stage_list[s]->reasons[k].name, reason) == 0)
				return would ? books->would[s][k] : books->decided[s][k];
	CU_FAIL("no such reason");
	return 0;
}

static inline struct watch_cell *
splice_cell(enum vector vector)
{
	/* Service 0 is what no service protects; the shop is the first. */
	return watch_cell(&r.worker->pipeline.watch, 1, vector);
}

/* Under attack from now on, or no longer, as control would say. */
static inline void
splice_arm(enum vector vector, bool on)
{
	counter_set(on ? &splice_cell(vector)->armed_ns
	               : &splice_cell(vector)->disarmed_ns,
	            r.now_ns);
}

#endif
