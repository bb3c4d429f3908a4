/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a connection is ended, and the timers that find the ones that say nothing.
 *
 * A reset must carry exactly the number its reader expects next (RFC 5961 3.2). The
 * client's is known: it follows what the server sent last, in the numbers the client
 * knows. The server's lies between what it has acknowledged and what was passed on to
 * it, because it acknowledges late; both get a reset where they differ, and the one that
 * does not fit is answered by nothing worse than an ACK.
 */
#include <string.h>

#include "packet/build.h"
#include "stage/behaviour/parts.h"

#define STRIKES_TICKS UINT16_C(447) /* a minute without another: forgotten */
#define SWEEP_LEAST   64u           /* slots worth a visit */
#define SWEEP_MOST    1024u         /* slots of one visit: a few microseconds */
#define SWEEP_SHIFT   30            /* all slots in 2^30 ns */

/* What the resets of one connection say, in the server's numbers. */
struct ending {
	struct burst_ends ends; /* client to server */
	uint32_t seq[2];        /* towards the server: both may be what it expects */
	uint32_t ack;           /* what the server sent, all told */
	uint32_t delta;         /* what the client knows as more */
};

static bool
emit(struct burst *b, const struct burst_ends *ends, enum side side,
     const uint32_t numbers[2])
{
	struct burst_request *r = burst_emit(b);

	if (r == NULL)
		return false;
	r->ends = *ends;
	r->side = (uint8_t)side;
	r->tcp_flags = TCP_RST | TCP_ACK;
	r->seq = numbers[0];
	r->ack = numbers[1];
	return true;
}

/* All of it or nothing. */
static bool
reset(struct burst *b, const struct ending *e, enum response response)
{
	if (response == RESPONSE_DROP)
		return true;
	if (b->requests + 3 > BURST_OUTBOX)
		return false;
	if (response == RESPONSE_BOTH) {
		struct burst_ends back;

		build_turn(&back, &e->ends);
		emit(b, &back, SIDE_EXTERNAL,
		     (const uint32_t[]){ e->ack + e->delta, e->seq[0] });
	}
	emit(b, &e->ends, SIDE_INTERNAL, (const uint32_t[]){ e->seq[0], e->ack });
	if (e->seq[1] != e->seq[0])
		emit(b, &e->ends, SIDE_INTERNAL, (const uint32_t[]){ e->seq[1], e->ack });
	return true;
}

static uint32_t
delta_of(const struct behaviour *s, uint32_t slot)
{
	return flow_is_spliced(flow_at(s->flows, slot)) ? s->flows->splice[slot].delta
	                                                : 0;
}

/* The source has proven that it is there, so what its connections do is its own doing. */
static void
strike(struct behaviour *s, const struct flow *flow, uint16_t tick)
{
	struct source *source = source_at(s->sources, flow->source);

	if (!flow_is_counted(flow, flow->source, source))
		return;
	if ((uint16_t)(tick - source->key.struck_at) > STRIKES_TICKS)
		source->key.strikes = 0;
	source->key.struck_at = tick;
	if (source->key.strikes != UINT16_MAX)
		source->key.strikes++;
}

static void
close_life(struct behaviour *s, uint32_t slot, unsigned int reason, uint16_t tick)
{
	struct life *l = behaviour_life(s, slot);

	l->state |= LIFE_CLOSED;
	l->why = (uint8_t)((l->why & ~LIFE_REASON) | reason);
	if (reason != REASON_BLOCKED)
		strike(s, flow_at(s->flows, slot), tick);
	if ((l->why >> LIFE_RESPONSE & 3) != RESPONSE_DROP)
		flow_close(s->flows, slot);
}

/* What lies further on, of two numbers of one direction. */
static uint32_t
further(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0 ? a : b;
}

bool
behaviour_end(struct behaviour *s, const struct behaviour_params *p, struct burst *b,
              unsigned int lane, unsigned int reason)
{
	const uint32_t slot = b->flow[lane];
	const struct flow *flow = flow_at(s->flows, slot);
	/* What this lane brings is not passed on. */
	struct ending e = {
		.seq = { further(b->facts[lane].tcp_seq, flow->outside_next),
		         flow->outside_next },
		.ack = flow->inside_next,
		.delta = delta_of(s, slot),
	};

	if (p->response != RESPONSE_DROP &&
	    (b->bytes[lane] == NULL ||
	     !build_ends(&e.ends, &b->facts[lane], b->bytes[lane], false) ||
	     !reset(b, &e, (enum response)p->response)))
		return false;
	close_life(s, slot, reason, table_tick(b->now_ns));
	return true;
}

/*
 * The server holds the handshake half open, the client believes it is done. Of a flow
 * that waits for its second half nobody knows the server's numbers: that the proof is
 * not believed is enough, and the next segment tries again.
 */
void
behaviour_refuse(struct behaviour *s, const struct behaviour_params *p, struct burst *b,
                 unsigned int lane)
{
	const struct facts *f = &b->facts[lane];
	const uint32_t slot = b->flow[lane];
	struct ending e = { .seq = { f->tcp_seq, f->tcp_seq }, .ack = f->tcp_ack };

	if (!flow_is_spliced(flow_at(s->flows, slot)) && p->response != RESPONSE_DROP &&
	    b->bytes[lane] != NULL && build_ends(&e.ends, f, b->bytes[lane], false) &&
	    reset(b, &e, (enum response)p->response))
		flow_close(s->flows, slot);
	else
		flow_unprove(s->flows, slot);
}

/* A connection that is ended, or would be, with no packet in hand. */
static void
count(const struct behaviour *s, uint32_t slot, bool is_would)
{
	const struct flow *flow = flow_at(s->flows, slot);
	const struct source *source = source_at(s->sources, flow->source);
	const struct stage_count what = {
		.stage = s->index,
		.reason = behaviour_life(s, slot)->why & LIFE_REASON,
		.is_would = is_would,
		.service = flow_is_counted(flow, flow->source, source)
		                   ? source->key.service
		                   : 0,
	};

	if (s->env->count != NULL)
		s->env->count(s->env->counts, &what);
}

static struct burst_ends
ends_of(const struct flow *flow, const struct link_header *h)
{
	struct burst_ends ends = {
		.src_port = flow->key.outside_port,
		.dst_port = flow->key.inside_port,
		.is_ipv6 = h->bytes[h->len - 2] == 0x86,
		.link_len = h->len,
	};

	memcpy(ends.src, flow->key.outside, sizeof(ends.src));
	memcpy(ends.dst, flow->key.inside, sizeof(ends.dst));
	memcpy(ends.link, h->bytes, sizeof(ends.link));
	return ends;
}

/* Time is up for this connection. Without room in the outbox it comes round again. */
static void
time_out(struct behaviour *s, struct burst *b, uint32_t slot)
{
	const struct flow *flow = flow_at(s->flows, slot);
	struct life *l = behaviour_life(s, slot);
	const enum response response = (enum response)(l->why >> LIFE_RESPONSE & 3);
	const enum life_mode mode = (enum life_mode)(l->why >> LIFE_MODE);
	struct ending e = {
		.seq = { further(l->end, flow->outside_next), flow->outside_next },
		.ack = flow->inside_next,
		.delta = delta_of(s, slot),
	};

	if (mode == LIFE_MONITOR && (l->state & LIFE_TOLD) == 0) {
		l->state |= LIFE_TOLD;
		count(s, slot, true);
	}
	if (mode != LIFE_MITIGATE || l->link == LINKS_NONE)
		return;
	e.ends = ends_of(flow, &s->link[l->link]);
	if (!reset(b, &e, response))
		return;
	count(s, slot, false);
	close_life(s, slot, l->why & LIFE_REASON, table_tick(b->now_ns));
}

/* Whether the slot holds a living connection of this link that is watched. */
static bool
is_alive(const struct behaviour *s, const struct burst *b, uint32_t slot)
{
	const struct life *l = behaviour_life(s, slot);
	const struct flow *flow = flow_at(s->flows, slot);

	return (l->state & (LIFE_WATCHED | LIFE_CLOSED)) == LIFE_WATCHED &&
	       table_class(&s->flows->table, slot) != TABLE_FREE &&
	       flow->key.link == b->link &&
	       l->signature == behaviour_signature(s->flows, slot) &&
	       (flow->state & (FLOW_VERIFIED | FLOW_CLOSING)) == FLOW_VERIFIED;
}

/*
 * Whether the source of a living connection was blocked: none of its packets passes any
 * more. That may be so before the first one did.
 */
static bool
is_orphan(const struct behaviour *s, const struct life *l, uint32_t slot, uint64_t now_ns)
{
	const struct flow *flow = flow_at(s->flows, slot);
	const struct source *source = source_at(s->sources, flow->source);

	return l->why >> LIFE_MODE >= LIFE_MITIGATE &&
	       flow_is_counted(flow, flow->source, source) &&
	       source_is_ahead(source->blocked_until, now_ns);
}

static void
visit(struct behaviour *s, struct sweep *w, struct burst *b)
{
	struct life *l = behaviour_life(s, w->slot);

	if (!is_alive(s, b, w->slot))
		return;
	w->has_found = true;
	if (w->is_asking && is_orphan(s, l, w->slot, b->now_ns)) {
		l->why = (uint8_t)((l->why & 3u << LIFE_RESPONSE) |
		                   LIFE_MITIGATE << LIFE_MODE | REASON_BLOCKED);
		time_out(s, b, w->slot);
		if ((l->state & LIFE_CLOSED) == 0 && l->link != LINKS_NONE)
			w->epoch =
				0; /* no epoch of sources: the next round asks as well */
	} else if (behaviour_is_due(l, table_tick(b->now_ns))) {
		time_out(s, b, w->slot);
	}
}

/*
 * The round is over; when it found nobody, there is nothing to wait for. Sources are
 * looked at only when one was blocked lately, because each is a line from memory.
 */
static void
turn_round(struct behaviour *s, struct sweep *w)
{
	w->slot = 0;
	if (!w->has_found) {
		w->is_awake = false;
		s->awake--;
	}
	w->has_found = false;
	w->is_asking = w->epoch != s->sources->epoch;
	w->epoch = s->sources->epoch;
}

void
behaviour_sweep(struct behaviour *s, struct burst *b)
{
	const uint32_t slots = s->flows->table.buckets * TABLE_WAYS;
	struct sweep *w = &s->sweep[b->link];
	uint64_t elapsed, slots_due;

	if (!w->is_awake)
		return;
	elapsed = b->now_ns - w->at_ns;
	elapsed = elapsed < UINT64_C(1) << SWEEP_SHIFT ? elapsed
	                                               : UINT64_C(1) << SWEEP_SHIFT;
	slots_due = elapsed * slots >> SWEEP_SHIFT;
	if (slots_due < SWEEP_LEAST)
		return;
	w->at_ns = b->now_ns;
	for (slots_due = slots_due < SWEEP_MOST ? slots_due : SWEEP_MOST; slots_due > 0;
	     slots_due--) {
		visit(s, w, b);
		if (++w->slot == slots)
			turn_round(s, w);
		if (!w->is_awake)
			return;
	}
}
