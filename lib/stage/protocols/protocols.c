/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * protocols - what a service speaks beside TCP, UDP and ICMP is known beforehand.
 *
 * A web shop speaks no GRE, and a VPN gateway speaks no SCTP: so a list of protocols tells
 * most of such a flood from customers. Nothing happens below activate_rate, unless the
 * operator wants it. Above it what is not allowed is dropped, but for conversations: what
 * the inside has answered for a while somebody has use for. What is allowed is metered,
 * conversations first.
 *
 * Fragments of a protocol that is not allowed are dropped like whole packets of it; those of
 * allowed ones are the business of stage `fragments`.
 */
#include "stage/protocols/protocols.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "flow/source.h"
#include "meter/quota.h"
#include "meter/watch.h"
#include "packet/burst.h"
#include "packet/vector.h"
#include "stage/protocols/parts.h"

enum { REASON_NOT_ALLOWED, REASON_QUOTA, REASONS };
static const struct stage_reason reasons[] = {
	[REASON_NOT_ALLOWED] = { "not_allowed", REASON_DROP,
	                         "The packet is of an IP protocol that `allow` does not "
	                         "name, while other protocols flood the service or "
	                         "`others` is \"drop\"." },
	[REASON_QUOTA] = { "quota", REASON_DROP,
	                   "The service gets more of this IP protocol than its quota, "
	                   "`strangers` or `others_limit` allows." },
	{ NULL, REASON_DROP, NULL },
};

/* The same with the stage's name, as explain tells it later. */
static const char *const full_name[REASONS] = {
	[REASON_NOT_ALLOWED] = "protocols.not_allowed",
	[REASON_QUOTA] = "protocols.quota",
};

/* Two lines of the cache a service. */
struct meters {
	alignas(64) struct meter of[PROTOCOLS_SLOTS];
};

struct state {
	struct source_table *sources;
	const struct watch *watch;
	unsigned int workers;
	struct meters *meters; /* by service */
};

static void
close_state(void *state)
{
	struct state *s = state;

	free(s->meters);
	free(s);
}

static int
open_state(void **state, const struct stage_env *env)
{
	const size_t bytes = env->watch->services * sizeof(struct meters);
	struct state *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->meters = aligned_alloc(alignof(struct meters), bytes);
	if (s->meters == NULL) {
		free(s);
		return -ENOMEM;
	}
	memset(s->meters, 0, bytes);
	s->sources = env->sources;
	s->watch = env->watch;
	s->workers = env->workers > 0 ? env->workers : 1;
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
		source_note_drops(s->sources, b, lanes & b->sought & s->sources->asked,
		                  full_name[reason]);
	burst_drop_lanes(b, lanes, (uint8_t)reason);
}

static inline enum quota_grade
grade_of(const struct burst *b, unsigned int i)
{
	switch (b->standing[i]) {
	case STANDING_CONVERSATION:
	case STANDING_VERIFIED_FLOW:
		return QUOTA_PROVEN;
	case STANDING_VERIFIED_SOURCE:
		return QUOTA_KNOWN;
	default:
		return b->flow[i] != BURST_NO_FLOW ? QUOTA_KNOWN : QUOTA_STRANGER;
	}
}

/* What is asked of a packet of its slot. */
enum claim { CLAIM_PASS, CLAIM_METER, CLAIM_NONE };

static inline enum claim
claim_of(const struct protocols_params *p, unsigned int slot, enum quota_grade grade,
         bool is_armed)
{
	if (slot != 0 && (p->whole >> slot & 1) != 0)
		return is_armed ? CLAIM_METER : CLAIM_PASS;
	/* Where answers go another way everybody looks like a stranger. */
	if (slot != 0)
		return is_armed && grade == QUOTA_STRANGER && !p->is_ingress ? CLAIM_METER
		                                                             : CLAIM_PASS;
	if (p->others == OTHERS_DROP)
		return CLAIM_NONE;
	if (is_armed)
		return grade == QUOTA_PROVEN ? CLAIM_METER : CLAIM_NONE;
	return p->others == OTHERS_METER ? CLAIM_METER : CLAIM_PASS;
}

/* Whole packets of one policy. */
static void
judge(struct state *s, const struct protocols_params *p, struct burst *b, uint64_t lanes)
{
	uint64_t metered[QUOTA_GRADES] = { 0 }, denied = 0, over = 0;
	const uint64_t now = meter_ticks(b->now_ns);
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const enum quota_grade grade = grade_of(b, i);
		const enum claim claim = claim_of(p, p->slot[b->facts[i].proto], grade,
		                                  (b->armed & lane_bit(i)) != 0);

		if (claim == CLAIM_NONE)
			denied |= lane_bit(i);
		else if (claim == CLAIM_METER)
			metered[grade] |= lane_bit(i);
	}
	drop(s, b, denied, REASON_NOT_ALLOWED);
	for (unsigned int grade = QUOTA_GRADES; grade-- > 0;)
		LANES_FOREACH (i, metered[grade]) {
			const unsigned int slot = p->slot[b->facts[i].proto];
			const struct quota quota = quota_part(&p->rate[slot], s->workers);

			if (!quota_take(&quota, &s->meters[b->service[i]].of[slot],
			                (enum quota_grade)grade, now))
				over |= lane_bit(i);
		}
	drop(s, b, over, REASON_QUOTA);
}

/* Whether a fragment tells what it is a piece of, and that has no stages of its own. */
static inline bool
is_of_others(const struct facts *f)
{
	switch (f->proto) {
	case PROTO_TCP:
	case PROTO_UDP:
	case PROTO_ICMP:
	case PROTO_ICMPV6:
		return false;
	case PROTO_HOPOPTS:
	case PROTO_ROUTING:
	case PROTO_FRAGMENT:
	case PROTO_AH:
	case PROTO_DSTOPTS:
	case PROTO_MOBILITY:
	case PROTO_HIP:
	case PROTO_SHIM6:
		return (f->flags & FACT_IPV6) == 0;
	default:
		return true;
	}
}

static void
judge_pieces(struct state *s, const struct stage_view *view, struct burst *b,
             uint64_t lanes)
{
	uint64_t denied = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const struct protocols_params *p = view->params[b->policy[i]];
		const struct facts *f = &b->facts[i];

		if (!is_of_others(f) || p->slot[f->proto] != 0)
			continue;
		if (p->others == OTHERS_DROP ||
		    watch_is_armed(
			    watch_cell(s->watch, b->service[i], VECTOR_OTHER_FLOOD)))
			denied |= lane_bit(i);
	}
	drop(s, b, denied, REASON_NOT_ALLOWED);
}

static void
decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	uint64_t rest, pieces;

	/* What is no IP is the wire's own talk. */
	todo &= ~b->plain & (b->ipv4 | b->ipv6);
	if (todo == 0)
		return;
	rest = lanes_where8(b->vector, VECTOR_OTHER_FLOOD) & todo;
	pieces = lanes_where8(b->vector, VECTOR_FRAGMENT_FLOOD) & todo;
	if (pieces != 0)
		judge_pieces(state, view, b, pieces);
	while (rest != 0) {
		const uint16_t policy = b->policy[__builtin_ctzll(rest)];
		const uint64_t same = lanes_where16(b->policy, policy) & rest;
		const struct protocols_params *p = view->params[policy];

		rest &= ~same;
		if (p->others != OTHERS_PASS || (same & b->armed) != 0)
			judge(state, p, b, same);
	}
}

const struct stage stage_protocols = {
	.name = "protocols",
	.help = "Limits IP protocols beside TCP, UDP and ICMP to those the service "
		"speaks.",
	.reasons = reasons,
	.fields = protocols_fields,
	.params_size = sizeof(struct protocols_params),
	.compile = protocols_compile,
	.open = open_state,
	.close = close_state,
	.decide = decide,
};
