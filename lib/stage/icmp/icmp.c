/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * icmp - path-MTU discovery and diagnosis survive a flood of ICMP.
 *
 * Nothing happens below activate_rate. Above it each service has a quota for each class
 * of messages, and who has a claim to be heard goes first: errors that quote a packet
 * which the inside did send, echoes of a conversation (meter/quota.h).
 *
 * Where both directions are seen, errors about packets that nobody sent and replies to
 * echoes that nobody asked for are not even metered. Messages that a packet was too big
 * are: to lose one of them costs a customer more than a few thousand cost the service.
 */
#include "stage/icmp/icmp.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"
#include "flow/source.h"
#include "meter/quota.h"
#include "meter/watch.h"
#include "packet/burst.h"
#include "packet/quote.h"
#include "packet/vector.h"
#include "stage/icmp/parts.h"

#define OVER(what)                                                                       \
	"While ICMP floods the service, more " what " came than the quota of that name " \
	"allows."

/* The first ones are the quotas, in the order of enum icmp_class. */
enum {
	REASON_UNASKED_ERROR = ICMP_CLASSES,
	REASON_UNASKED_REPLY,
	REASON_OVERSIZED,
	REASON_TYPE,
	REASON_FIRST_ECHO,
	REASONS
};
static const struct stage_reason reasons[] = {
	[ICMP_PATH_MTU] = { "path_mtu", REASON_DROP,
	                    OVER("messages that a packet was too big") },
	[ICMP_UNREACHABLE] = { "unreachable", REASON_DROP, OVER("unreachables") },
	[ICMP_TIME_EXCEEDED] = { "time_exceeded", REASON_DROP,
	                         OVER("messages of too many routers") },
	[ICMP_ECHO_REQUEST] = { "echo_request", REASON_DROP, OVER("echo requests") },
	[ICMP_ECHO_REPLY] = { "echo_reply", REASON_DROP, OVER("echo replies") },
	[ICMP_OTHER] = { "other", REASON_DROP, OVER("messages of other types") },
	[REASON_UNASKED_ERROR] = { "unasked_error", REASON_DROP,
	                           "While ICMP floods, an error quoted a packet of no "
	                           "known connection, so nobody inside has sent it." },
	[REASON_UNASKED_REPLY] = { "unasked_reply", REASON_DROP,
	                           "While ICMP floods, an echo reply came that nobody "
	                           "inside has asked for." },
	[REASON_OVERSIZED] = { "oversized", REASON_DROP,
	                       "While ICMP floods, an echo carried more than `max_echo` "
	                       "or came in fragments." },
	[REASON_TYPE] = { "type", REASON_DROP,
	                  "The message is of a type that `deny_types` or "
	                  "`deny_types_ipv6` names." },
	[REASON_FIRST_ECHO] = { "first_echo", REASON_CHALLENGE,
	                        "While ICMP floods the service, an echo request of a "
	                        "stranger found no room in the quota; who pings again "
	                        "after a second is let in." },
	{ NULL, REASON_DROP, NULL },
};

/* The same with the stage's name, as explain tells it later. */
static const char *const full_name[REASONS] = {
	[ICMP_PATH_MTU] = "icmp.path_mtu",
	[ICMP_UNREACHABLE] = "icmp.unreachable",
	[ICMP_TIME_EXCEEDED] = "icmp.time_exceeded",
	[ICMP_ECHO_REQUEST] = "icmp.echo_request",
	[ICMP_ECHO_REPLY] = "icmp.echo_reply",
	[ICMP_OTHER] = "icmp.other",
	[REASON_UNASKED_ERROR] = "icmp.unasked_error",
	[REASON_UNASKED_REPLY] = "icmp.unasked_reply",
	[REASON_OVERSIZED] = "icmp.oversized",
	[REASON_TYPE] = "icmp.type",
	[REASON_FIRST_ECHO] = "icmp.first_echo",
};

/*
 * Of one flow so many messages a second have its claim, and the rest are a stranger's: who
 * has a connection of his own must not use up what others may be told of theirs. A meter
 * is shared by the flows whose slots meet in it.
 */
#define CLAIM_BITS  12
#define CLAIM_CELLS (1u << CLAIM_BITS)
#define CLAIM_PPS   50

/* Two lines of the cache a service. */
struct meters {
	alignas(64) struct meter of[ICMP_CLASSES];
	struct meter strangers[ICMP_CLASSES];
};

struct state {
	struct flow_table *flows;
	struct source_table *sources;
	const struct watch *watch;
	unsigned int workers;
	struct meters *meters;        /* by service */
	struct meter_rate claim_rate; /* of one flow */
	struct meter claim[CLAIM_CELLS];
	struct icmp_echoes echoes;
	const struct stage_common *common;
	struct quote quote[LANES_MAX]; /* of the burst in work */
};

/* Lanes of one policy, by what they are. */
struct sorted {
	uint64_t class[ICMP_CLASSES + 1]; /* and those that are denied */
	uint64_t errors;                  /* that quote */
	uint64_t grade[QUOTA_GRADES];
};

static void
close_state(void *state)
{
	struct state *s = state;

	icmp_echoes_close(&s->echoes);
	free(s->meters);
	free(s);
}

static uint64_t
memory(uint64_t flow_entries)
{
	(void)flow_entries;
	return icmp_echoes_bytes();
}

static int
open_state(void **state, const struct stage_env *env)
{
	const size_t bytes = env->watch->services * sizeof(struct meters);
	struct state *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->meters = aligned_alloc(alignof(struct meters), bytes);
	if (s->meters == NULL || icmp_echoes_open(&s->echoes, &env->common->key) < 0) {
		free(s->meters);
		free(s);
		return -ENOMEM;
	}
	memset(s->meters, 0, bytes);
	s->common = env->common;
	s->flows = env->flows;
	s->sources = env->sources;
	s->watch = env->watch;
	s->workers = env->workers > 0 ? env->workers : 1;
	*state = s;
	return quota_rate_init(&s->claim_rate, CLAIM_PPS);
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

/* What a message is; neighbours' talk that comes here exceeds wiretalk's own quota. */
static inline unsigned int
kind_of(const struct icmp_params *p, const struct facts *f)
{
	const bool is_ipv6 = (f->flags & FACT_IPV6) != 0;
	const unsigned int kind = p->kind[is_ipv6][f->icmp_type];

	if (!is_ipv6 && f->icmp_type == 3 && f->icmp_code == 4)
		return ICMP_PATH_MTU;
	if (is_ipv6 && f->icmp_type >= 133 && f->icmp_type <= 137 && f->ttl == 255)
		return ICMP_OTHER;
	return kind;
}

static void
sort(const struct icmp_params *p, const struct burst *b, uint64_t lanes,
     struct sorted *to)
{
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		/* Stage `sanity` judges what is broken. */
		if (b->facts[i].fault != PACKET_SOUND)
			continue;
		to->class[kind_of(p, &b->facts[i])] |= lane_bit(i);
		to->errors |= (uint64_t)quote_is_there(&b->facts[i]) << i;
	}
	to->errors &= ~to->class[ICMP_DENIED];
}

/* Whether one more message may have the claim of the flow in this slot. */
static inline bool
has_claim(struct state *s, uint32_t slot, uint64_t now_ns)
{
	/* Slots of a bucket are used in order, so their last bits tell little. */
	const uint32_t cell = slot * UINT32_C(2654435761) >> (32 - CLAIM_BITS);

	return meter_take(&s->claim[cell], s->claim_rate.each, s->claim_rate.slack,
	                  meter_ticks(now_ns));
}

/*
 * The errors that quote what nobody inside has sent. The others are graded: a flow that
 * is quoted may be proven, or merely known, and of some quotes none can be told.
 */
static uint64_t
judge_errors(struct state *s, const struct burst *b, struct sorted *sorted)
{
	uint64_t told = 0, known, unasked = 0;
	uint32_t slot[LANES_MAX];
	unsigned int i;

	LANES_FOREACH (i, sorted->errors & b->sought) {
		const struct facts *f = &b->facts[i];
		struct quote *q = &s->quote[i];

		if (!quote_read(f, b->bytes[i], b->bytes_len[i], q) ||
		    memcmp(q->src, f->dst, sizeof(q->src)) != 0)
			unasked |= lane_bit(i);
		else if (q->has_ends)
			told |= lane_bit(i);
	}
	known = flow_find_quoted_lanes(s->flows, b, told, s->quote, slot);
	LANES_FOREACH (i, known) {
		const struct flow *flow = flow_at(s->flows, slot[i]);
		const bool is_proven = (flow->state & FLOW_VERIFIED) != 0 ||
		                       (flow->key.proto != PROTO_TCP &&
		                        (flow->state & FLOW_CONVERSATION) != 0);

		if (has_claim(s, slot[i], b->now_ns))
			sorted->grade[is_proven ? QUOTA_PROVEN : QUOTA_KNOWN] |=
				lane_bit(i);
	}
	return unasked | (told & ~known);
}

/*
 * Pings of senders who are known by repetition; each lends its claim as a flow does.
 * Returns those of unknown ones.
 */
static uint64_t
judge_pings(struct state *s, const struct burst *b, uint64_t pings, struct sorted *sorted)
{
	const uint64_t known = icmp_echoes_known(&s->echoes, b, pings);
	unsigned int i;

	LANES_FOREACH (i, known) {
		const __m128i src = _mm_load_si128((const __m128i *)b->facts[i].src);
		const struct hash128 hash = hash_16(&s->common->key, &src);

		if (has_claim(s, (uint32_t)hash.lo, b->now_ns))
			sorted->grade[QUOTA_KNOWN] |= lane_bit(i);
	}
	return pings & ~known;
}

/* Echoes and the rest are graded by what their senders have proven. */
static void
grade_others(struct state *s, const struct burst *b, uint64_t lanes,
             struct sorted *sorted)
{
	const uint64_t talks = lanes_where8(b->standing, STANDING_CONVERSATION);
	const uint64_t sources = lanes_where8(b->standing, STANDING_VERIFIED_SOURCE);
	unsigned int i;

	LANES_FOREACH (i, lanes & talks)
		if (has_claim(s, b->flow[i], b->now_ns))
			sorted->grade[QUOTA_PROVEN] |= lane_bit(i);
	sorted->grade[QUOTA_KNOWN] |= lanes & sources;
}

/* Take what the quota lets pass of some lanes of one class, the better first. */
static uint64_t
refused(struct state *s, const struct icmp_params *p, const struct burst *b,
        unsigned int class, uint64_t lanes, const struct sorted *sorted)
{
	const struct quota quota = quota_part(&p->rate[class], s->workers);
	const struct quota part = quota_part(&p->strangers[class], s->workers);
	const uint64_t now = meter_ticks(b->now_ns);
	uint64_t stopped = 0;
	unsigned int i;

	for (unsigned int grade = QUOTA_GRADES; grade-- > 0;)
		LANES_FOREACH (i, lanes & sorted->grade[grade]) {
			struct meters *m = &s->meters[b->service[i]];

			if ((grade == QUOTA_STRANGER &&
			     !quota_take(&part, &m->strangers[class], QUOTA_PROVEN,
			                 now)) ||
			    !quota_take(&quota, &m->of[class], (enum quota_grade)grade,
			                now))
				stopped |= lane_bit(i);
		}
	return stopped;
}

/* Of pings that found no room those that are repeated take a better part of the quota. */
static void
drop_pings(struct state *s, const struct icmp_params *p, struct burst *b,
           uint64_t stopped, uint64_t strangers)
{
	const struct quota quota = quota_part(&p->rate[ICMP_ECHO_REQUEST], s->workers);
	const uint64_t now = meter_ticks(b->now_ns);
	uint64_t first, again;
	unsigned int i;

	again = icmp_echoes_again(&s->echoes, b, stopped & strangers, &first);
	LANES_FOREACH (i, again)
		if (quota_take(&quota, &s->meters[b->service[i]].of[ICMP_ECHO_REQUEST],
		               QUOTA_KNOWN, now))
			stopped &= ~lane_bit(i);
	drop(s, b, first, REASON_FIRST_ECHO);
	drop(s, b, stopped & ~first, ICMP_ECHO_REQUEST);
}

/* Echoes that carry more than anybody needs; a conversation may. */
static uint64_t
oversized(const struct icmp_params *p, const struct burst *b, const struct sorted *sorted)
{
	uint64_t large = 0;
	unsigned int i;

	LANES_FOREACH (i,
	               sorted->class[ICMP_ECHO_REQUEST] | sorted->class[ICMP_ECHO_REPLY])
		large |= (uint64_t)(b->facts[i].payload_len > p->max_echo) << i;
	return large & ~lanes_where8(b->standing, STANDING_CONVERSATION);
}

/* Echo replies that nobody asked for; those that somebody did are known. */
static uint64_t
judge_replies(struct state *s, const struct burst *b, struct sorted *sorted)
{
	const uint64_t replies = sorted->class[ICMP_ECHO_REPLY] & b->live & b->sought;
	uint64_t unasked = 0;
	unsigned int i;

	LANES_FOREACH (i, replies & ~lanes_where8(b->standing, STANDING_CONVERSATION)) {
		if (b->flow[i] == BURST_NO_FLOW)
			unasked |= lane_bit(i);
		else if (has_claim(s, b->flow[i], b->now_ns))
			sorted->grade[QUOTA_KNOWN] |= lane_bit(i);
	}
	return unasked;
}

/* Lanes of one policy, whose services are under a flood of ICMP. */
static void
judge(struct state *s, const struct icmp_params *p, struct burst *b, uint64_t lanes)
{
	struct sorted sorted = { 0 };
	uint64_t left, pings, stopped;

	sort(p, b, lanes, &sorted);
	drop(s, b, sorted.class[ICMP_DENIED], REASON_TYPE);
	drop(s, b, oversized(p, b, &sorted), REASON_OVERSIZED);
	grade_others(s, b, lanes & ~sorted.errors & b->live, &sorted);
	if (!p->is_ingress) {
		drop(s, b, judge_replies(s, b, &sorted), REASON_UNASKED_REPLY);
		drop(s, b, judge_errors(s, b, &sorted) & ~sorted.class[ICMP_PATH_MTU],
		     REASON_UNASKED_ERROR);
	}
	left = lanes & b->live;
	pings = sorted.class[ICMP_ECHO_REQUEST] & left &
	        lanes_where8(b->standing, STANDING_UNVERIFIED);
	pings = judge_pings(s, b, pings, &sorted);
	sorted.grade[QUOTA_KNOWN] &= ~sorted.grade[QUOTA_PROVEN];
	sorted.grade[QUOTA_STRANGER] =
		left & ~(sorted.grade[QUOTA_KNOWN] | sorted.grade[QUOTA_PROVEN]);
	for (unsigned int class = 0; class < ICMP_CLASSES; class ++)
		if ((sorted.class[class] & left) != 0) {
			stopped = refused(s, p, b, class, sorted.class[class] & left,
			                  &sorted);
			if (class == ICMP_ECHO_REQUEST)
				drop_pings(s, p, b, stopped, pings);
			else
				drop(s, b, stopped, class);
		}
	/* They belong to a connection, and no ceiling of strangers is theirs. */
	b->exempt |= sorted.errors & b->live &
	             (sorted.grade[QUOTA_PROVEN] | sorted.grade[QUOTA_KNOWN]);
}

/* Types that are denied at any time. */
static void
judge_types(struct state *s, const struct icmp_params *p, struct burst *b, uint64_t lanes)
{
	struct sorted sorted = { 0 };

	if (p->deny_when != ICMP_ALWAYS || lanes == 0)
		return;
	sort(p, b, lanes, &sorted);
	drop(s, b, sorted.class[ICMP_DENIED], REASON_TYPE);
}

/* Nobody sends errors that long, so what comes in pieces is an echo, and no small one. */
static void
judge_pieces(struct state *s, struct burst *b, uint64_t lanes)
{
	uint64_t echoes = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const struct facts *f = &b->facts[i];

		if (f->proto != ((f->flags & FACT_IPV6) ? PROTO_ICMPV6 : PROTO_ICMP))
			continue;
		if ((b->armed & lane_bit(i)) != 0 ||
		    watch_is_armed(
			    watch_cell(s->watch, b->service[i], VECTOR_ICMP_FLOOD)))
			echoes |= lane_bit(i);
	}
	drop(s, b, echoes, REASON_OVERSIZED);
}

/* Where the inside's answers are seen, they tell who pings. */
static void
observe(void *state, const struct stage_view *view, struct burst *b, uint64_t lanes)
{
	struct state *s = state;
	uint64_t calm;

	(void)view;
	if (!s->common->is_ingress || b->side != SIDE_EXTERNAL ||
	    (lanes & ~b->plain) == 0)
		return;
	calm = lanes_where8(b->vector, VECTOR_ICMP_FLOOD) & lanes & ~b->armed;
	if (calm != 0)
		icmp_echoes_see(&s->echoes, b, calm);
}

static void
decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	uint64_t icmp, pieces;

	if ((todo & ~b->plain) == 0)
		return;
	icmp = lanes_where8(b->vector, VECTOR_ICMP_FLOOD) & todo;
	pieces = lanes_where8(b->vector, VECTOR_FRAGMENT_FLOOD) & todo;
	if (pieces != 0)
		judge_pieces(state, b, pieces);
	while (icmp != 0) {
		const uint16_t policy = b->policy[__builtin_ctzll(icmp)];
		const uint64_t same = lanes_where16(b->policy, policy) & icmp;
		const struct icmp_params *p = view->params[policy];

		icmp &= ~same;
		judge_types(state, p, b, same & ~b->armed);
		if ((same & b->armed) != 0)
			judge(state, p, b, same & b->armed);
	}
}

const struct stage stage_icmp = {
	.name = "icmp",
	.help = "Keeps path-MTU discovery and diagnosis alive while ICMP floods.",
	.reasons = reasons,
	.fields = icmp_fields,
	.params_size = sizeof(struct icmp_params),
	.compile = icmp_compile,
	.open = open_state,
	.close = close_state,
	.memory = memory,
	.observe = observe,
	.decide = decide,
};
