/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * quicauth - QUIC servers under a UDP flood get only what a client can mean.
 *
 * Conversations, both ways for a second, are left alone. Of the rest what no client may send
 * is dropped, connections begin no faster than one source may, packets of connections
 * that nobody knows are limited, and where the operator says so browsers are made to come
 * by TCP: they do that on their own when UDP is silent (RFC 9308 2).
 */
#include "stage/quicauth/quicauth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "conf/conf.h"
#include "flow/crowd.h"
#include "flow/flow.h"
#include "flow/source.h"
#include "inspect/quic.h"
#include "meter/meter.h"
#include "meter/watch.h"
#include "packet/burst.h"
#include "packet/ports.h"
#include "packet/vector.h"

#define BURST_NS    (200 * UINT64_C(1000000))
#define SERVER_PORT 443
#define VERSIONS    16

enum reason {
	REASON_MALFORMED,
	REASON_UNDERSIZED_INITIAL,
	REASON_VERSION,
	REASON_CONNECTION_ID,
	REASON_INITIAL_RATE,
	REASON_UNKNOWN_FLOW,
	REASON_FALLBACK,
	REASONS
};

static const struct stage_reason reasons[] = {
	[REASON_MALFORMED] = { "malformed", REASON_DROP,
	                       "A datagram to a QUIC server that ends within its header, "
	                       "or "
	                       "holds what only servers send." },
	[REASON_UNDERSIZED_INITIAL] = { "undersized_initial", REASON_DROP,
	                                "An Initial in a datagram of less than 1200 "
	                                "bytes, "
	                                "which every client must fill." },
	[REASON_VERSION] = { "version", REASON_DROP,
	                     "A QUIC version that `versions` does not list." },
	[REASON_CONNECTION_ID] = { "connection_id", REASON_DROP,
	                           "A connection id longer than 20 bytes, or a client's "
	                           "first one shorter than 8." },
	[REASON_INITIAL_RATE] = { "initial_rate", REASON_DROP,
	                          "The source begins more QUIC connections than "
	                          "`initials` "
	                          "allows." },
	[REASON_UNKNOWN_FLOW] = { "unknown_flow", REASON_DROP,
	                          "Packets of QUIC connections that nobody inside has "
	                          "answered come faster than `unknown_flows`." },
	[REASON_FALLBACK] = { "fallback", REASON_CHALLENGE,
	                      "QUIC of a source that has not proven itself was dropped, "
	                      "so "
	                      "that its browser comes by TCP." },
	[REASONS] = { NULL, REASON_DROP, NULL },
};

/* The same with the stage's name, as explain tells it later. */
static const char *const full_name[REASONS] = {
	[REASON_MALFORMED] = "quicauth.malformed",
	[REASON_UNDERSIZED_INITIAL] = "quicauth.undersized_initial",
	[REASON_VERSION] = "quicauth.version",
	[REASON_CONNECTION_ID] = "quicauth.connection_id",
	[REASON_INITIAL_RATE] = "quicauth.initial_rate",
	[REASON_UNKNOWN_FLOW] = "quicauth.unknown_flow",
	[REASON_FALLBACK] = "quicauth.fallback",
};

enum method { METHOD_CHECK, METHOD_OFF };
static const char *const method_words[] = { "check", "off", NULL };

struct params {
	struct conf_ports ports; /* none: 443 */
	int method;              /* enum method */
	struct conf_texts version_names;
	uint64_t initials;      /* packets/s of one source; 0: no limit */
	uint64_t unknown_flows; /* packets/s of a service; 0: no limit */
	bool has_fallback;
	/* Derived: */
	struct conf_port_range first_ports;
	struct meter_rate initial_rate, unknown_rate;
	unsigned int versions;
	uint32_t version[VERSIONS];
};

#define AT(field) offsetof(struct params, field)

static const struct conf_field fields[] = {
	{ .key = "ports",
	  .kind = CONF_PORTS,
	  .offset = AT(ports),
	  .absent = "",
	  .help = "UDP ports of the service that speak QUIC; none written is 443." },
	{ .key = "method",
	  .kind = CONF_WORD,
	  .offset = AT(method),
	  .absent = "check",
	  .words = method_words,
	  .help = "Whether packets to these ports are checked while udp_flood is active: "
	          "off where another protocol uses them." },
	{ .key = "versions",
	  .kind = CONF_TEXTS,
	  .offset = AT(version_names),
	  .absent = "1, 2",
	  .min = 1,
	  .max = 16,
	  .help = "Versions that are let through while udp_flood is active: 1, 2, or a "
	          "number as in 0xff00001d." },
	{ .key = "initials",
	  .kind = CONF_PACKETS,
	  .offset = AT(initials),
	  .absent = "100pps",
	  .max = METER_MAX_PPS,
	  .help = "Packets with which one source may begin connections, while udp_flood "
	          "is active." },
	{ .key = "unknown_flows",
	  .kind = CONF_PACKETS,
	  .offset = AT(unknown_flows),
	  .absent = "100pps",
	  .max = METER_MAX_PPS,
	  .help = "Packets of connections that nobody inside has answered, of the whole "
	          "service, while udp_flood is active." },
	{ .key = "fallback",
	  .kind = CONF_BOOL,
	  .offset = AT(has_fallback),
	  .absent = "false",
	  .help = "Whether, while udp_flood is active, QUIC is dropped of every source "
	          "that has not proven itself, so that browsers come by TCP." },
	{ 0 },
};

struct state {
	struct source_table *sources;
	unsigned int workers;
	unsigned int services;
	bool is_ingress;
	struct crowd initials; /* of sources, by their hash */
	struct meter *unknown; /* by service */
};

/* Lanes of one policy, by what is to be done about them. */
struct found {
	uint64_t bad[REASONS];
	uint64_t initials; /* that begin a connection */
	uint64_t unknown;  /* of connections that nobody answered */
};

static int
read_versions(struct params *p, struct conf_errors *errors)
{
	if (p->version_names.count > VERSIONS) {
		conf_fail(errors, NULL, "quicauth.versions lists more than %d", VERSIONS);
		return -EINVAL;
	}
	for (size_t i = 0; i < p->version_names.count; i++) {
		const char *text = p->version_names.text[i];
		char *end;
		unsigned long long v;

		errno = 0;
		v = strtoull(text, &end, 0);
		if (*end != '\0' || end == text || errno != 0 || v == 0 ||
		    v > UINT32_MAX || text[0] == '-') {
			conf_fail(
				errors, NULL,
				"quicauth.versions: '%s' is no version; write 1, 2 or a "
				"number as in 0xff00001d",
				text);
			return -EINVAL;
		}
		p->version[p->versions++] = v == 2 ? QUIC_V2 : (uint32_t)v;
	}
	return 0;
}

static int
compile(void *params, const struct stage_compile *from, struct conf_errors *errors)
{
	struct params *p = params;
	const struct meter_limit initials = { p->initials, METER_PACKETS };
	const struct meter_limit unknown = { p->unknown_flows, METER_PACKETS };

	(void)from;
	p->first_ports = p->ports.count > 0
	                         ? p->ports.range[0]
	                         : (struct conf_port_range){ SERVER_PORT, SERVER_PORT };
	if (meter_rate_init(&p->initial_rate, &initials, BURST_NS, 32) != 0 ||
	    meter_rate_init(&p->unknown_rate, &unknown, BURST_NS, 32) != 0) {
		conf_fail(errors, NULL, "a limit of quicauth is out of range");
		return -EINVAL;
	}
	return read_versions(p, errors);
}

static uint64_t
memory(uint64_t flow_entries)
{
	(void)flow_entries;
	return CROWD_BYTES;
}

static void
close_state(void *state)
{
	struct state *s = state;

	memory_give(s->initials.line, CROWD_BYTES);
	free(s->unknown);
	free(s);
}

static int
open_state(void **state, const struct stage_env *env)
{
	struct state *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->sources = env->sources;
	s->workers = env->workers != 0 ? env->workers : 1;
	s->services = env->watch->services;
	s->is_ingress = env->common->is_ingress;
	s->unknown = calloc(s->services, sizeof(*s->unknown));
	s->initials.line = memory_take(CROWD_BYTES);
	if (s->unknown == NULL || s->initials.line == NULL) {
		close_state(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static inline uint64_t
served_lanes(const struct params *p, const struct burst *b, uint64_t lanes)
{
	struct ports ports;
	uint64_t served;

	ports_read(&ports, b);
	served = ports_between(&ports, p->first_ports.first, p->first_ports.last);
	for (size_t i = 1; i < p->ports.count; i++)
		served |= ports_between(&ports, p->ports.range[i].first,
		                        p->ports.range[i].last);
	return served & lanes;
}

static bool
is_listed(const struct params *p, uint32_t version)
{
	for (unsigned int i = 0; i < p->versions; i++)
		if (p->version[i] == version)
			return true;
	return false;
}

/* Where the inside answered, the client uses the id that the server chose (RFC 9000 7.2). */
static enum reason
fault_of(const struct params *p, const struct quic *q, unsigned int datagram,
         bool is_answered)
{
	if (q->kind == QUIC_BROKEN)
		return REASON_MALFORMED;
	if (q->kind == QUIC_SHORT)
		return REASONS;
	if (!is_listed(p, q->version))
		return REASON_VERSION;
	if (q->kind == QUIC_UNKNOWN)
		return REASONS;
	if (q->dcid_len > QUIC_MAX_CID || q->scid_len > QUIC_MAX_CID)
		return REASON_CONNECTION_ID;
	if (q->kind == QUIC_RETRY)
		return REASON_MALFORMED;
	if (q->kind == QUIC_INITIAL && datagram < QUIC_DATAGRAM)
		return REASON_UNDERSIZED_INITIAL;
	if (q->kind != QUIC_HANDSHAKE && !is_answered && q->dcid_len < QUIC_MIN_DCID)
		return REASON_CONNECTION_ID;
	return REASONS;
}

static inline void
look(const struct params *p, const struct burst *b, unsigned int i, struct found *found)
{
	const struct facts *f = &b->facts[i];
	const unsigned int shown = b->bytes_len[i], at = f->payload_off;
	const unsigned int there = shown > at ? shown - at : 0;
	const bool is_answered = b->flow[i] != BURST_NO_FLOW;
	enum reason reason;
	struct quic q;

	quic_read(b->bytes[i] + at, there < f->payload_len ? there : f->payload_len, &q);
	reason = fault_of(p, &q, f->payload_len, is_answered);
	if (reason != REASONS)
		found->bad[reason] |= lane_bit(i);
	else if (q.kind == QUIC_SHORT || q.kind == QUIC_HANDSHAKE)
		found->unknown |= is_answered ? 0 : lane_bit(i);
	else
		found->initials |= lane_bit(i);
}

static void
drop(const struct state *s, struct burst *b, uint64_t lanes, enum reason reason)
{
	if (lanes == 0)
		return;
	source_note_drops(s->sources, b, lanes & source_noted(s->sources),
	                  full_name[reason]);
	burst_drop_lanes(b, lanes, (uint8_t)reason);
}

/* Of lanes that begin connections those whose sources have begun too many. */
static uint64_t
over_their_initials(const struct state *s, const struct params *p, struct burst *b,
                    uint64_t lanes)
{
	const __m128i price = _mm_set_epi64x(0, (long long)p->initial_rate.each);
	const __m128i most = _mm_set_epi64x(INT64_MAX, (long long)p->initial_rate.slack);
	const uint64_t now = meter_ticks(b->now_ns);
	uint64_t paid_until[2], over = 0;
	unsigned int i;

	/* Strangers are counted too, by the hash that is made when they are asked for. */
	source_ask_deferred(s->sources, b, lanes);
	LANES_FOREACH (i, lanes & s->sources->asked)
		if (!crowd_take(&s->initials, s->sources->batch.hash[i], price, most, now,
		                paid_until))
			over |= lane_bit(i);
	return over;
}

/* Of lanes of unknown connections those that are more than the service may get. */
static uint64_t
over_unknown(const struct state *s, const struct params *p, const struct burst *b,
             uint64_t lanes)
{
	const uint64_t price = p->unknown_rate.each * s->workers;
	const uint64_t now = meter_ticks(b->now_ns);
	uint64_t over = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes)
		if (!meter_take(&s->unknown[b->service[i]], price, p->unknown_rate.slack,
		                now))
			over |= lane_bit(i);
	return over;
}

/* The lanes of one policy. */
static void
judge(const struct state *s, const struct params *p, struct burst *b, uint64_t lanes)
{
	struct found found = { 0 };
	uint64_t served = served_lanes(p, b, lanes), strangers;
	unsigned int i;

	if (served == 0)
		return;
	LANES_FOREACH (i, served)
		look(p, b, i, &found);
	for (unsigned int reason = 0; reason < REASONS; reason++)
		drop(s, b, found.bad[reason], (enum reason)reason);
	served &= b->live & b->challenged;
	if (served == 0)
		return;
	source_ask_verified(s->sources, b, served);
	strangers = lanes_where8(b->standing, STANDING_UNVERIFIED);
	if (p->has_fallback) {
		drop(s, b, served & strangers, REASON_FALLBACK);
		served &= ~strangers;
	}
	if (p->initials != 0)
		drop(s, b, over_their_initials(s, p, b, served & found.initials),
		     REASON_INITIAL_RATE);
	/* Where answers go another way no connection is known, and all would be strange. */
	if (p->unknown_flows != 0 && !s->is_ingress)
		drop(s, b, over_unknown(s, p, b, served & found.unknown & strangers),
		     REASON_UNKNOWN_FLOW);
}

static void
decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	uint64_t rest = lanes_where8(b->vector, VECTOR_UDP_FLOOD) & todo & b->armed;

	if (rest == 0)
		return;
	rest &= ~lanes_where8(b->standing, STANDING_CONVERSATION);
	while (rest != 0) {
		const uint16_t policy = b->policy[__builtin_ctzll(rest)];
		const uint64_t same = lanes_where16(b->policy, policy) & rest;

		const struct params *p = view->params[policy];

		rest &= ~same;
		if (p->method != METHOD_OFF)
			judge(state, p, b, same);
	}
}

const struct stage stage_quicauth = {
	.name = "quicauth",
	.help = "Passes of a flood to QUIC servers what a client can mean, and makes "
		"browsers come by TCP where that is wanted.",
	.reasons = reasons,
	.fields = fields,
	.params_size = sizeof(struct params),
	.compile = compile,
	.open = open_state,
	.memory = memory,
	.close = close_state,
	.decide = decide,
};
