/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a connection comes along. Only new bytes are progress: what is sent again, or
 * keeps alive, is none.
 */
#include <string.h>

#include "stage/behaviour/parts.h"

static bool
is_http(const struct behaviour_params *p, uint16_t port)
{
	for (size_t i = 0; i < p->http_ports.count; i++)
		if (port >= p->http_ports.range[i].first &&
		    port <= p->http_ports.range[i].last)
			return true;
	return false;
}

static void
wake(struct behaviour *s, const struct burst *b)
{
	struct sweep *w = &s->sweep[b->link];

	w->has_found = true;
	if (w->is_awake)
		return;
	w->is_awake = true;
	w->at_ns = b->now_ns;
	s->awake++;
}

static void
begin(struct behaviour *s, struct life *l, const struct behaviour_params *p,
      const struct burst *b, unsigned int lane)
{
	const struct flow *flow = flow_at(s->flows, b->flow[lane]);
	const uint16_t tick = table_tick(b->now_ns);

	*l = (struct life){
		.signature = behaviour_signature(s->flows, b->flow[lane]),
		.end = flow->outside_next,
		.inside_end = flow->inside_next,
		.began = tick,
		.moved = tick,
		.link = behaviour_link(s, b, lane),
		.state = LIFE_WATCHED,
		.why = (uint8_t)(LIFE_NEW << LIFE_MODE),
	};
	if (p->header_ticks == 0 || !is_http(p, flow->key.inside_port))
		l->state |= LIFE_HEADER;
	wake(s, b);
}

/*
 * Look for the empty line that ends a header, with or without carriage returns. What
 * cannot be read, because a piece is missing or lies elsewhere, is taken to hold it.
 */
static void
read_header(struct life *l, const struct burst *b, unsigned int lane)
{
	const struct facts *f = &b->facts[lane];
	const uint32_t known = l->end - f->tcp_seq;
	const uint8_t *at = b->bytes[lane], *end;

	if ((int32_t)known < 0 || at == NULL ||
	    f->payload_off + f->payload_len > b->bytes_len[lane]) {
		l->state |= LIFE_HEADER;
		return;
	}
	end = at + f->payload_off + f->payload_len;
	for (at += f->payload_off + known; at < end; at++) {
		if (*at == '\r')
			continue;
		if (*at != '\n') {
			l->state &= (uint8_t)~LIFE_NEWLINE;
		} else if ((l->state & LIFE_NEWLINE) != 0) {
			l->state |= LIFE_HEADER;
			return;
		} else {
			l->state |= LIFE_NEWLINE;
		}
	}
}

/*
 * A time of min_rate is over when the client speaks after it. One slow time may be a
 * lost radio; two in a row, without a word of the server in between, are a way to hold
 * it. Returns whether these were the second.
 */
static bool
is_too_slow(struct life *l, const struct behaviour_params *p, uint16_t tick)
{
	const uint16_t elapsed = (uint16_t)(tick - l->mark_at);
	const uint64_t bits = (uint64_t)(l->got - l->mark) * 8;
	bool was_slow = (l->state & LIFE_SLOW) != 0, is_slow;

	if (p->rate_ticks == 0 || elapsed < p->rate_ticks)
		return false;
	is_slow = bits << RATE_SHIFT < p->bits_per_tick * elapsed;
	l->mark = l->got;
	l->mark_at = tick;
	l->state &= (uint8_t)~LIFE_SLOW;
	l->state |= is_slow ? LIFE_SLOW : 0;
	return was_slow && is_slow;
}

/* New bytes from outside. Returns whether they come too slowly. */
static bool
hear_client(struct life *l, const struct behaviour_params *p, const struct burst *b,
            unsigned int lane)
{
	const struct facts *f = &b->facts[lane];
	const uint32_t fresh = f->tcp_seq + f->payload_len - l->end;
	const uint16_t tick = table_tick(b->now_ns);

	if (f->payload_len == 0 || (int32_t)fresh <= 0)
		return false;
	if ((l->state & LIFE_HEADER) == 0)
		read_header(l, b, lane);
	if ((l->state & LIFE_TURN) == 0) {
		l->state |= LIFE_TURN;
		l->mark = l->got;
		l->mark_at = tick;
	}
	l->got += fresh;
	l->end += fresh;
	l->moved = tick;
	if (l->got >= p->initial_bytes)
		l->state |= LIFE_STARTED;
	return is_too_slow(l, p, tick);
}

/* The server said something new: its greeting starts the clock, its answer ends a turn. */
static void
hear_server(struct life *l, const struct flow *flow, uint16_t tick)
{
	if (flow->inside_next == l->inside_end)
		return;
	l->inside_end = flow->inside_next;
	l->moved = tick;
	l->state &= (uint8_t) ~(LIFE_TURN | LIFE_SLOW);
	if (l->got == 0)
		l->began = tick;
	else
		l->state |= LIFE_HEADER;
}

/* It must come `ticks` after `from`, if it is asked for at all; what is due first counts. */
static void
expect(struct life *l, unsigned int reason, uint16_t from, uint16_t ticks)
{
	const uint16_t due = (uint16_t)(from + ticks + 1);

	if (ticks == 0 ||
	    ((l->why & LIFE_REASON) != NO_REASON && (int16_t)(due - l->due) >= 0))
		return;
	l->due = due;
	l->why = (uint8_t)((l->why & ~LIFE_REASON) | reason);
}

static void
expect_all(struct life *l, const struct behaviour_params *p)
{
	l->why = (uint8_t)((l->why & 3u << LIFE_MODE) |
	                   (unsigned int)p->response << LIFE_RESPONSE | NO_REASON);
	if ((l->state & LIFE_STARTED) == 0)
		expect(l, REASON_INITIAL, l->began, p->initial_ticks);
	if ((l->state & LIFE_HEADER) == 0)
		expect(l, REASON_HEADER, l->began, p->header_ticks);
	expect(l, REASON_IDLE, l->moved, p->idle_ticks);
}

/* Whether clients of this flow are watched: they opened it, and both have proven numbers. */
static bool
is_watched(const struct flow *flow)
{
	const uint8_t wanted = FLOW_VERIFIED | FLOW_INSIDE_SEEN | FLOW_OUTSIDE_SEEN;

	return flow->key.proto == PROTO_TCP && flow_is_answered(flow) &&
	       (flow->state & (wanted | FLOW_CLOSING)) == wanted;
}

void
behaviour_see(struct behaviour *s, const struct behaviour_params *p,
              const struct burst *b, unsigned int lane)
{
	const struct flow *flow = flow_at(s->flows, b->flow[lane]);
	struct life *l = behaviour_life(s, b->flow[lane]);
	const struct facts *f = &b->facts[lane];
	const uint16_t tick = table_tick(b->now_ns);
	bool is_slow = false;

	if (!is_watched(flow)) {
		/* Another connection of the same ends has begun. */
		if ((f->tcp_flags & TCP_SYN) != 0 && b->side == SIDE_INTERNAL)
			l->state = 0;
		return;
	}
	if ((l->state & LIFE_WATCHED) == 0 ||
	    l->signature != behaviour_signature(s->flows, b->flow[lane]))
		begin(s, l, p, b, lane);
	if ((l->state & LIFE_CLOSED) != 0)
		return;
	if (b->side == SIDE_EXTERNAL)
		l->why &= (uint8_t) ~(3u << LIFE_MODE); /* until this lane is judged */
	if ((f->flags & FACT_FRAGMENT) == 0 && b->side == SIDE_EXTERNAL &&
	    flow_is_in_window(flow, f))
		is_slow = hear_client(l, p, b, lane);
	hear_server(l, flow, tick);
	expect_all(l, p);
	if (is_slow) {
		l->why = (uint8_t)((l->why & ~LIFE_REASON) | REASON_RATE);
		l->due = tick;
	}
}
