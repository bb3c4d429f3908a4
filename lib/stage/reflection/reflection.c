/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reflection - answers that nobody asked for.
 *
 * What an inside host asks opens the door for its answer, no wider than the protocol
 * explains. Everything else that comes from a reflecting service is dropped while it
 * floods: when its vector is under attack, or when such answers alone come faster than
 * a trigger of their own. Nobody is blocked for it: a reflector may be a real resolver.
 */
#include "stage/reflection/reflection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "base/memory.h"
#include "meter/watch.h"
#include "packet/vector.h"
#include "stage/explain.h"
#include "stage/reflection/parts.h"

#define NOTED 2 /* lanes of one burst and reason */

static const struct stage_reason reasons[] = {
	[REASON_UNASKED] = { "unasked", REASON_DROP,
	                     "The answer of a reflecting service to a question that "
	                     "nobody inside has asked, while such answers flood." },
	[REASON_UNASKED_FRAGMENT] = { "unasked_fragment", REASON_DROP,
	                              "The same in fragments; this is the first of "
	                              "them." },
	[REASON_ODD] = { "odd", REASON_DROP,
	                 "From a reflecting service's port and neither question nor "
	                 "answer, without a flow of the inside." },
	[REASON_BEYOND_BUDGET] = { "beyond_budget", REASON_DROP,
	                           "More answers, or more bytes, than the questions of "
	                           "the inside explain." },
	[REASON_OVERSIZE] = { "oversize", REASON_DROP,
	                      "Larger than everyday answers of this service are, while "
	                      "they flood; where questions go another way." },
	[REASON_QUOTA] = { "quota", REASON_DROP,
	                   "More answers of one service than `answer_quota`; where "
	                   "questions go another way." },
	[REASON_SYN_ACK] = { "syn_ack", REASON_DROP,
	                     "A SYN-ACK for a connection that nobody inside has opened, "
	                     "while they flood." },
	[REASON_MIDDLEBOX] = { "middlebox", REASON_DROP,
	                       "Data or a reset from a server's port that belongs to no "
	                       "connection, while they flood." },
	{ NULL, REASON_DROP, NULL },
};

/* The same with the stage's name, as explain tells it later. */
static const char *const full_name[REASONS] = {
	[REASON_UNASKED] = "reflection.unasked",
	[REASON_UNASKED_FRAGMENT] = "reflection.unasked_fragment",
	[REASON_ODD] = "reflection.odd",
	[REASON_BEYOND_BUDGET] = "reflection.beyond_budget",
	[REASON_OVERSIZE] = "reflection.oversize",
	[REASON_QUOTA] = "reflection.quota",
	[REASON_SYN_ACK] = "reflection.syn_ack",
	[REASON_MIDDLEBOX] = "reflection.middlebox",
};

#define QUOTA_BYTES(services) ((size_t)(services)*ROWS_MAX * sizeof(struct trigger))

static void
close_state(void *state)
{
	struct reflection *s = state;

	free(s->place);
	free(s->quota);
	free(s->seen);
	free(s);
}

static int
open_state(void **state, const struct stage_env *env)
{
	struct reflection *s = aligned_alloc(64, (sizeof(*s) + 63) / 64 * 64);

	if (s == NULL)
		return -ENOMEM;
	memset(s, 0, sizeof(*s));
	s->flows = env->flows;
	s->sources = env->sources;
	s->hits = env->hits;
	s->workers = env->workers > 0 ? env->workers : 1;
	s->is_ingress = env->common->is_ingress;
	s->place = calloc(env->watch->services, sizeof(*s->place));
	s->seen = calloc(REFLECTION_SEEN, sizeof(*s->seen));
	if (s->is_ingress)
		s->quota = calloc(1, QUOTA_BYTES(env->watch->services));
	shapes_make(&s->shapes);
	if (s->place == NULL || s->seen == NULL || (s->is_ingress && s->quota == NULL)) {
		close_state(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

bool
reflection_next(const struct stage_view *view, const struct burst *b, uint64_t *rest,
                struct reflection_group *g)
{
	unsigned int first;

	if (*rest == 0)
		return false;
	first = (unsigned int)__builtin_ctzll(*rest);
	g->service = b->service[first];
	g->params = view->params[b->policy[first]];
	g->lanes = lanes_where16(b->service, g->service) & *rest;
	g->lanes &= lanes_where16(b->policy, b->policy[first]);
	*rest &= ~g->lanes;
	return true;
}

bool
reflection_trigger(const struct reflection *s, struct trigger *t,
                   const struct meter_rate *rate, uint64_t packets, uint64_t now_ns,
                   uint64_t hold_ns)
{
	const struct reflection_part part = reflection_part(s, rate);
	const uint64_t now = meter_ticks(now_ns);
	const uint64_t ahead = meter_ahead(&t->meter, now) + packets * part.each;

	if (part.each == 0 || packets == 0)
		return false;
	if (ahead <= part.slack + part.each) {
		t->meter.paid_until = now + ahead;
	} else {
		t->meter.paid_until = now + part.slack + part.each;
		t->until_ns = now_ns + hold_ns;
	}
	return now_ns < t->until_ns;
}

bool
reflection_is_learning(const struct reflection *s, const struct reflection_params *p,
                       uint64_t now_ns)
{
	const uint64_t unseen_ns = counter_read(&s->flows->overlooked_ns);
	const uint64_t from_ns = unseen_ns > s->first_ns ? unseen_ns : s->first_ns;

	return now_ns < from_ns + p->learning_ns;
}

uint64_t
reflection_expected(struct reflection *s, const struct reflection_group *g,
                    const struct burst *b, uint64_t lanes)
{
	const struct reflection_params *p = g->params;
	struct prefix_ask ask = { .first = b->facts[0].src,
		                  .stride = sizeof(b->facts[0]),
		                  .ipv4 = lanes & b->ipv4,
		                  .ipv6 = lanes & b->ipv6 };
	const struct reflection_part part = reflection_part(s, &p->expected_price);
	uint32_t value[LANES_MAX];
	uint64_t within = 0;
	unsigned int i;

	if (p->expected == NULL || lanes == 0)
		return 0;
	LANES_FOREACH (i, prefix_find_lanes(p->expected, &ask, value))
		if (meter_take(&s->place[g->service].expected, part.each, part.slack,
		               meter_ticks(b->now_ns)))
			within |= lane_bit(i);
	return within;
}

static struct reflector *
seen_at(const struct reflection *s, const uint8_t address[16])
{
	uint64_t half[2];

	memcpy(half, address, sizeof(half));
	return &s->seen[((half[0] ^ half[1]) * UINT64_C(0x9e3779b97f4a7c15) >> 32) %
	                REFLECTION_SEEN];
}

/* Other lanes each time, so that in a flood each reflector is noted now and then. */
static void
note(struct reflection *s, const struct burst *b, uint64_t lanes,
     enum reflection_reason reason)
{
	uint64_t some = lanes;

	if (lanes_count(lanes) > NOTED) {
		const unsigned int from = s->turn++ % LANES_MAX;

		some = lanes >> from << from;
		some = some != 0 ? some : lanes;
	}
	for (unsigned int n = 0; n < NOTED && some != 0; n++, some &= some - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(some);
		struct reflector *r = seen_at(s, b->facts[i].src);

		memcpy(r->address, b->facts[i].src, sizeof(r->address));
		r->at_ns = b->now_ns;
		r->service = b->service[i];
		r->hit = s->row[i];
		r->reason = (uint8_t)reason;
	}
}

void
reflection_drop(struct reflection *s, const struct reflection_group *g, struct burst *b,
                uint64_t lanes, enum reflection_reason reason)
{
	unsigned int i;

	if (lanes == 0)
		return;
	if (s->hits != NULL)
		LANES_FOREACH (i, lanes)
			counter_add(&s->hits[g->params->hit[s->row[i]]], 1);
	note(s, b, lanes, reason);
	source_note_drops(s->sources, b, lanes, full_name[reason]);
	burst_drop_lanes(b, lanes, (uint8_t)reason);
}

/* Of these lanes the first fragments of datagrams. */
static uint64_t
first_pieces(const struct burst *b, uint64_t lanes)
{
	uint64_t first = 0;
	unsigned int i;

	lanes &= ~lanes_with16(b->flags, FACT_FRAG_REST | FACT_NO_PORTS);
	LANES_FOREACH (i, lanes)
		if (b->facts[i].proto == PROTO_UDP)
			first |= lane_bit(i);
	return first;
}

/* Questions of the inside, and nothing else, are learned from. */
static void
observe(void *state, const struct stage_view *view, struct burst *b, uint64_t lanes)
{
	struct reflection *s = state;
	uint64_t udp;

	(void)view;
	if (s->first_ns == 0)
		s->first_ns = b->now_ns;
	if (b->side == SIDE_EXTERNAL || s->is_ingress)
		return;
	udp = lanes & lanes_where8(b->vector, VECTOR_UDP_FLOOD);
	udp |= first_pieces(b, lanes & lanes_where8(b->vector, VECTOR_FRAGMENT_FLOOD));
	if (udp != 0)
		reflection_see_questions(s, b, udp);
}

/* Bytes of a lane's payload that can be read. */
static inline uint32_t
seen_of(const struct burst *b, unsigned int i)
{
	const uint32_t off = b->facts[i].payload_off, len = b->facts[i].payload_len;
	const uint32_t readable = b->bytes_len[i] > off ? b->bytes_len[i] - off : 0;

	return readable < len ? readable : len;
}

/* Of these lanes those that begin as what is known anywhere does. */
static inline uint64_t
lanes_of_head(const struct shapes *shapes, const struct burst *b, uint64_t lanes)
{
	const uint32_t wanted = shapes->anywhere_head;
	uint64_t same = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const struct facts *f = &b->facts[i];
		const unsigned int off = f->payload_off;
		uint32_t head;

		if (f->payload_len < sizeof(head) ||
		    off + sizeof(head) > b->bytes_len[i] || b->bytes[i] == NULL)
			continue;
		memcpy(&head, b->bytes[i] + off, sizeof(head));
		same |= (uint64_t)(head == wanted) << i;
	}
	return same;
}

/*
 * Datagrams that a reflecting service may have sent, by their port: here are those that
 * are plainly answers, the others are to be looked at. A stranger from another port is
 * looked at when he says what is known anywhere.
 */
static uint64_t
plain_answers(struct reflection *s, const struct burst *b, uint64_t lanes, uint64_t *rest)
{
	const struct shapes *shapes = &s->shapes;
	uint64_t from = 0, answers = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes)
		from |= (uint64_t)shapes_has_port(shapes->reflecting,
		                                  b->facts[i].src_port)
		        << i;
	LANES_FOREACH (i, from) {
		const struct facts *f = &b->facts[i];
		const uint32_t seen = b->bytes[i] != NULL ? seen_of(b, i) : 0;
		const uint8_t *payload = seen != 0 ? b->bytes[i] + f->payload_off : NULL;
		const uint8_t row = shapes->row[f->src_port];

		s->row[i] = row;
		answers |= (uint64_t)shape_is_plain(shapes, row, payload, seen) << i;
	}
	*rest = from & ~answers;
	if (lanes != from)
		*rest |= lanes_of_head(
			shapes, b, lanes & ~from & lanes_where32(b->flow, BURST_NO_FLOW));
	return answers;
}

static struct reflection_lanes
sort(struct reflection *s, const struct burst *b, uint64_t lanes)
{
	struct reflection_lanes l = { 0 };
	uint64_t rest;
	unsigned int i;

	l.answers = plain_answers(s, b, lanes, &rest);
	LANES_FOREACH (i, rest) {
		const enum shape shape =
			shape_of_lane(&s->shapes, b, i, b->facts[i].src_port, &s->row[i]);

		l.answers |= (uint64_t)(shape == SHAPE_ANSWER) << i;
		l.odd |= (uint64_t)(shape == SHAPE_ODD) << i;
	}
	return l;
}

static void
decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	const uint64_t pieces = lanes_where8(b->vector, VECTOR_FRAGMENT_FLOOD) & todo;
	const uint64_t unproven = lanes_where8(b->standing, STANDING_UNVERIFIED) & todo;
	const uint64_t tcp = lanes_where8(b->vector, VECTOR_TCP_OTHER_FLOOD) & unproven;
	uint64_t udp = lanes_where8(b->vector, VECTOR_UDP_FLOOD) & todo;
	struct reflection *s = state;
	struct reflection_lanes l;

	if (pieces != 0)
		udp |= first_pieces(b, pieces);
	if (udp != 0) {
		l = sort(s, b, udp);
		if ((l.answers | l.odd) != 0) {
			if (s->is_ingress)
				reflection_judge_one_way(s, view, b, &l);
			else
				reflection_judge_answers(s, view, b, &l);
		}
	}
	if (pieces != 0 && s->is_ingress)
		reflection_prefer_rests(s, view, b, pieces);
	if (tcp != 0)
		reflection_judge_tcp(s, view, b, tcp);
}

static bool
explain(void *state, const struct stage_view *view, struct explain *e, uint64_t now_ns)
{
	struct reflection *s = state;
	const struct reflector *r = seen_at(s, e->address);
	struct explain_line *line;

	(void)view;
	if (r->at_ns == 0 || memcmp(r->address, e->address, sizeof(r->address)) != 0 ||
	    (line = explain_add(e)) == NULL)
		return true;
	line->service = r->service;
	line->what = "reflector";
	line->verdict = reasons[r->reason].name;
	line->age_ns = now_ns - r->at_ns;
	if (r->hit < rows_count())
		strncpy(line->name, rows[r->hit].name, sizeof(line->name) - 1);
	else
		strncpy(line->name, r->hit == HIT_SYN_ACK ? "syn_ack" : "middlebox",
		        sizeof(line->name) - 1);
	return true;
}

const struct stage stage_reflection = {
	.name = "reflection",
	.help = "Drops answers of reflecting services that nobody asked for.",
	.reasons = reasons,
	.fields = reflection_fields,
	.params_size = sizeof(struct reflection_params),
	.compile = reflection_compile,
	.release = reflection_release,
	.open = open_state,
	.close = close_state,
	.observe = observe,
	.decide = decide,
	.explain = explain,
};
