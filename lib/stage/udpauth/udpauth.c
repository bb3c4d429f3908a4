/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * udpauth - strangers prove themselves before they reach a UDP service under attack.
 *
 * UDP has no handshake, so there is little to prove with. What every client does that hears
 * nothing is to send again; a flood from random sources does not. So the first datagram of
 * a stranger is dropped and its hash is noted, and when it comes again in time its sender is
 * let in for a while. Nothing is remembered of him beside a note: the flow table has
 * records of those whom the inside answers, and these are never asked.
 *
 *     stranger ── first ─────────────► dropped, noted         first_packet
 *              ── again, at once ────► dropped                too_early
 *              ── again, in time ────► passes; admitted
 *     admitted ── whatever ──────────► passes
 *
 * Nobody is asked as long as strangers, as far as earlier stages have left them, fit into
 * max_rate together: then the flood is stopped already, or there is room for all.
 *
 * Repetition is no strong proof. When more than one of eight datagrams is a repetition, it
 * proves nothing, and for a while all strangers are left to the stages that follow.
 *
 * Whom strangers spoke to in calm is remembered alike, so that streams which nobody answers
 * go on when a flood begins.
 */
#include "stage/udpauth/udpauth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "challenge/admitted.h"
#include "challenge/repeat.h"
#include "flow/source.h"
#include "meter/watch.h"
#include "packet/vector.h"
#include "stage/udpauth/parts.h"

#define SECOND_NS UINT64_C(1000000000)

/* How far repetition is believed, as tcpauth believes it of SYNs. */
#define REPEATS_SHARE 8
#define REPEATS_FREE  64
#define DISTRUST_NS   (10 * SECOND_NS)

/* How long strangers are asked after they were last too many. */
#define CROWD_NS (2 * SECOND_NS)

enum { REASON_FIRST_PACKET, REASON_TOO_EARLY, REASON_INVALID_PAYLOAD, REASONS };
static const struct stage_reason reasons[] = {
	[REASON_FIRST_PACKET] = { "first_packet", REASON_CHALLENGE,
	                          "The first datagram of a stranger was dropped while "
	                          "UDP "
	                          "floods; a real client sends it again." },
	[REASON_TOO_EARLY] = { "too_early", REASON_CHALLENGE,
	                       "A datagram was repeated sooner than `earliest`, which "
	                       "proves nothing." },
	[REASON_INVALID_PAYLOAD] = { "invalid_payload", REASON_DROP,
	                             "The datagram looks like none of the protocols that "
	                             "`validate` names for its port." },
	{ NULL, REASON_DROP, NULL },
};

/* The same with the stage's name, as explain tells it later. */
static const char *const full_name[REASONS] = {
	[REASON_FIRST_PACKET] = "udpauth.first_packet",
	[REASON_TOO_EARLY] = "udpauth.too_early",
	[REASON_INVALID_PAYLOAD] = "udpauth.invalid_payload",
};

/* Strangers of one service. */
struct arrivals {
	struct meter met;  /* against max_rate */
	uint64_t until_ns; /* they are asked */
};

struct state {
	struct source_table *sources;
	const struct watch *watch;
	struct arrivals *crowd; /* by service */
	uint64_t *hits;
	struct repeat repeat;
	struct admitted admitted;
	uint64_t until_ns;      /* end of the second that is being counted */
	uint64_t distrusted_ns; /* until then no repetition proves anything */
	uint32_t asked, repeated;
};

static uint64_t
memory(uint64_t flow_entries)
{
	(void)flow_entries;
	return repeat_bytes() + admitted_bytes();
}

static void
close_state(void *state)
{
	struct state *s = state;

	repeat_close(&s->repeat);
	admitted_close(&s->admitted);
	free(s->crowd);
	free(s);
}

static int
open_state(void **state, const struct stage_env *env)
{
	struct state *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->sources = env->sources;
	s->watch = env->watch;
	s->hits = env->hits;
	s->crowd = calloc(env->watch->services, sizeof(*s->crowd));
	if (s->crowd == NULL || repeat_open(&s->repeat, &env->common->key) < 0 ||
	    admitted_open(&s->admitted, &env->common->key) < 0) {
		close_state(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

/* Drop lanes, and remember of their sources why, as far as anybody looked for them. */
static void
drop(const struct state *s, struct burst *b, uint64_t lanes, unsigned int reason)
{
	if (lanes == 0)
		return;
	if (s->sources != NULL)
		source_note_drops(s->sources, b,
		                  lanes & b->sought & source_noted(s->sources),
		                  full_name[reason]);
	burst_drop_lanes(b, lanes, (uint8_t)reason);
}

/* DNS and QUIC have stages of their own. */
static inline bool
is_others_port(uint16_t port)
{
	return port == 53 || port == 443;
}

/*
 * Of lanes without a flow those whose senders have to prove themselves by this policy.
 * Where answers to the inside cannot be told by flows, and nobody sends an answer twice,
 * those of name and time servers are left to `reflection`. There QUIC has no connections
 * that could be known either, but its clients send their first packet again.
 */
static uint64_t
to_be_asked(const struct udpauth_params *p, const struct burst *b, uint64_t lanes)
{
	uint64_t others = 0;
	unsigned int i;

	if (p->method == METHOD_OFF || lanes == 0)
		return 0;
	if (p->is_ingress)
		LANES_FOREACH (i, lanes)
			others |= (uint64_t)(is_others_port(b->facts[i].src_port) ||
			                     b->facts[i].src_port == 123)
			          << i;
	if (p->ports.count > 0)
		return udpauth_to_ports(&p->ports, b, lanes & ~others);
	LANES_FOREACH (i, lanes)
		others |= (uint64_t)(is_others_port(b->facts[i].dst_port) &&
		                     !(p->is_ingress && b->facts[i].dst_port == 443))
		          << i;
	return lanes & ~others;
}

/*
 * In calm, senders whom nobody answers are remembered: of most the inside's answer made a
 * flow, and there is nothing to do.
 */
static void
observe(void *state, const struct stage_view *view, struct burst *b, uint64_t lanes)
{
	struct state *s = state;
	uint64_t rest;

	if (b->side != SIDE_EXTERNAL)
		return;
	rest = lanes_where8(b->vector, VECTOR_UDP_FLOOD) & lanes & ~b->armed;
	/* The inside has never spoken to their senders, or long ago. */
	rest &= rest != 0 ? lanes_where32(b->flow, BURST_NO_FLOW) : 0;
	while (rest != 0) {
		const uint16_t policy = b->policy[__builtin_ctzll(rest)];
		const uint64_t same = lanes_where16(b->policy, policy) & rest;
		const uint64_t mine = to_be_asked(view->params[policy], b, same);

		rest &= ~same;
		if (mine != 0)
			admitted_add(&s->admitted, b, mine);
	}
}

/* The lanes that repeat an earlier datagram in time, while that proves anything. */
static uint64_t
repeated_lanes(struct state *s, const struct udpauth_params *p, const struct burst *b,
               uint64_t lanes)
{
	uint64_t repeated;

	repeat_set_times(&s->repeat, p->earliest_ns, p->latest_ns);
	repeated = repeat_see(&s->repeat, b, lanes);
	if (b->now_ns >= s->until_ns) {
		s->until_ns = b->now_ns + SECOND_NS;
		s->asked = s->repeated = 0;
	}
	s->asked += lanes_count(lanes);
	s->repeated += lanes_count(repeated);
	if (s->repeated > REPEATS_FREE && s->repeated > s->asked / REPEATS_SHARE)
		s->distrusted_ns = b->now_ns + DISTRUST_NS;
	return repeated;
}

/*
 * The lanes whose service meets more strangers than fit into its max_rate, or did a moment
 * ago. What is owed beyond the burst is forgotten, or a long flood would be asked for long.
 */
static uint64_t
crowded(struct state *s, const struct udpauth_params *p, const struct burst *b,
        uint64_t lanes)
{
	const struct watch_rule *rule = &p->rules[VECTOR_UDP_FLOOD];
	const uint64_t now = meter_ticks(b->now_ns), slack = rule->max_rate.slack;
	uint64_t rest = lanes, many = 0;

	if (rule->max.per_second == 0)
		return lanes;
	while (rest != 0) {
		const uint16_t service = b->service[__builtin_ctzll(rest)];
		const uint64_t same = lanes_where16(b->service, service) & rest;
		const struct watch_cell *cell =
			watch_cell(s->watch, service, VECTOR_UDP_FLOOD);
		struct arrivals *c = &s->crowd[service];

		rest &= ~same;
		c->met.paid_until =
			now + meter_ahead(&c->met, now) +
			watch_share(cell,
		                    meter_price_all(&rule->max_rate, lanes_count(same),
		                                    lanes_sum16(b->frame_len, same)));
		if (meter_ahead(&c->met, now) > slack) {
			c->met.paid_until = now + slack;
			c->until_ns = b->now_ns + CROWD_NS;
		}
		many |= b->now_ns < c->until_ns ? same : 0;
	}
	return many;
}

/* Lanes of strangers, of one policy; those to other ports take their part of max_rate. */
static void
challenge(struct state *s, const struct udpauth_params *p, struct burst *b,
          uint64_t strangers)
{
	uint64_t lanes = to_be_asked(p, b, strangers), admitted = 0, repeated, early;

	if (p->method == METHOD_OFF)
		return;
	if (lanes != 0)
		admitted = admitted_find(&s->admitted, b, lanes, p->admit_ns);
	lanes &= ~admitted & crowded(s, p, b, strangers & ~admitted);
	if (lanes == 0)
		return;
	repeated = repeated_lanes(s, p, b, lanes);
	if (b->now_ns < s->distrusted_ns)
		return;
	admitted_add(&s->admitted, b, repeated);
	early = s->repeat.early;
	drop(s, b, early, REASON_TOO_EARLY);
	drop(s, b, lanes & ~repeated & ~early, REASON_FIRST_PACKET);
}

static void
decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	uint64_t rest = lanes_where8(b->vector, VECTOR_UDP_FLOOD) & todo, unknown;
	struct state *s = state;

	if (rest == 0)
		return;
	unknown = (rest & b->armed) == 0
	                  ? 0
	                  : lanes_where32(b->flow, BURST_NO_FLOW) & rest & b->armed;
	while (rest != 0) {
		const uint16_t policy = b->policy[__builtin_ctzll(rest)];
		const uint64_t same = lanes_where16(b->policy, policy) & rest;
		const struct udpauth_params *p = view->params[policy];
		uint64_t strangers;

		rest &= ~same;
		if (p->validators == 0 && p->method == METHOD_OFF)
			continue;
		if (s->sources != NULL)
			source_ask_verified(s->sources, b, same & unknown);
		strangers = lanes_where8(b->standing, STANDING_UNVERIFIED) & unknown;
		if (p->validators > 0 && (p->has_always || (same & strangers) != 0))
			drop(s, b,
			     udpauth_invalid(p, b,
			                     p->has_always ? same : same & strangers,
			                     strangers, s->hits),
			     REASON_INVALID_PAYLOAD);
		if ((same & strangers & b->challenged & b->live) != 0)
			challenge(s, p, b, same & strangers & b->challenged & b->live);
	}
}

const struct stage stage_udpauth = {
	.name = "udpauth",
	.help = "Lets strangers prove themselves by repetition while UDP floods, and "
		"knows what a port's payload looks like.",
	.reasons = reasons,
	.fields = udpauth_fields,
	.params_size = sizeof(struct udpauth_params),
	.compile = udpauth_compile,
	.release = udpauth_release,
	.open = open_state,
	.close = close_state,
	.memory = memory,
	.observe = observe,
	.decide = decide,
};
