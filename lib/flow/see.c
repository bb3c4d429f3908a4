/* SPDX-License-Identifier: BSD-3-Clause */
/* What a flow learns from its packets, and what it then knows of others. */
#include "base/counter.h"
#include "flow/flow.h"
#include "flow/parts.h"
#include "packet/options.h"

/* How far an acknowledgement may lag behind and still be believed of a FIN. */
#define FIN_WINDOW (UINT32_C(1) << 20)

#define TCP_WINDOW_AT 14 /* bytes from the header's start */

/*
 * The slot stays, for last segments and retransmissions, but anybody new may have it;
 * of a spliced flow only who is proven may, because nobody else can tell what they mean.
 */
void
flow_close(struct flow_table *t, uint32_t slot)
{
	struct flow *flow = flow_at(t, slot);

	flow->state |= FLOW_CLOSING;
	flow_uncount(t, flow);
	if (!flow_is_spliced(flow) || !table_set_class(&t->table, slot, TABLE_EARNING))
		table_set_class(&t->table, slot, TABLE_UNEARNED);
}

/* Its end by RST, which is told where it is a customer's. */
static void
end_by_reset(struct flow_table *t, uint32_t slot)
{
	if ((flow_at(t, slot)->state & (FLOW_VERIFIED | FLOW_CLOSING)) == FLOW_VERIFIED)
		counter_add(&t->resets, 1);
	flow_close(t, slot);
}

static inline bool
is_newer(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/* Whether a SYN-ACK answers the SYN that opened the inner half of this spliced flow. */
static bool
is_half_of(const struct splice *s, const struct facts *f)
{
	return (f->tcp_flags & TCP_ACK) != 0 && f->tcp_ack == s->theirs + 1 &&
	       (s->state == SPLICE_OPENING || f->tcp_seq == s->ours - s->delta);
}

/* The window scale of an opening segment + 1, or 0 when it cannot be told. */
static uint8_t
scale_of(const struct facts *f, const uint8_t *bytes)
{
	struct tcp_options o;

	if (bytes == NULL ||
	    !options_read(bytes + f->l4_off, (size_t)f->payload_off - f->l4_off, &o))
		return 0;
	return (uint8_t)(o.wscale == OPTIONS_NO_WSCALE ? 1 : o.wscale + 1);
}

/* The window that stands in a segment from inside, which is `scale` bits longer than there. */
static inline void
see_window(struct flow *flow, const struct facts *f, const uint8_t *bytes,
           unsigned int scale)
{
	uint32_t window;

	if (bytes == NULL)
		return;
	bytes += f->l4_off + TCP_WINDOW_AT;
	window = ((uint32_t)bytes[0] << 8 | bytes[1]) << scale;
	if (window > UINT32_C(1) << flow->window)
		flow->window = (uint8_t)(32 - __builtin_clz(window - 1));
}

static inline unsigned int
scale_in(const struct flow *flow)
{
	const unsigned int scale = flow->opening & FLOW_SCALE;

	return scale == 0 ? FLOW_GUESS_SCALE : scale - 1;
}

/* The inside begins, or answers: its first numbers, its window and how that is scaled. */
static void
learn_opening(struct flow *flow, const struct facts *f, const uint8_t *bytes)
{
	flow->inside_next = f->tcp_seq + f->payload_len + 1;
	flow->state |= FLOW_INSIDE_SEEN;
	flow->opening = scale_of(f, bytes);
	flow->window = 0;
	see_window(flow, f, bytes, 0); /* never scaled here (RFC 7323 2.2) */
	if ((f->tcp_flags & TCP_ACK) == 0)
		return;
	flow->opening |= FLOW_ANSWERED;
	flow->outside_next = f->tcp_ack;
	flow->state |= FLOW_OUTSIDE_SEEN;
}

/* SYN or SYN-ACK from inside: a new connection, unless the same one is told again. */
static void
begin(struct flow_table *t, uint32_t slot, const struct facts *f, const uint8_t *bytes)
{
	struct flow *flow = flow_at(t, slot);

	if (flow_is_spliced(flow) && is_half_of(&t->splice[slot], f)) {
		if (t->splice[slot].state == SPLICE_OPENING)
			learn_opening(flow, f, bytes);
		return;
	}
	if ((flow->state & (FLOW_VERIFIED | FLOW_CLOSING)) == FLOW_VERIFIED &&
	    flow->inside_next == f->tcp_seq + f->payload_len + 1)
		return;
	flow_unprove(t, slot);
	flow->state = 0;
	learn_opening(flow, f, bytes);
}

/* The inside is trusted: what it says of sequence numbers and of the end is so. */
static void
see_tcp_inside(struct flow_table *t, uint32_t slot, const struct facts *f,
               const uint8_t *bytes)
{
	struct flow *flow = flow_at(t, slot);
	const bool is_fin = (f->tcp_flags & TCP_FIN) != 0;
	const uint32_t next = f->tcp_seq + f->payload_len + is_fin;

	if ((f->tcp_flags & TCP_RST) != 0) {
		end_by_reset(t, slot);
		return;
	}
	if ((f->tcp_flags & TCP_SYN) != 0) {
		begin(t, slot, f, bytes);
		return;
	}
	if ((flow->state & FLOW_INSIDE_SEEN) == 0 || is_newer(next, flow->inside_next))
		flow->inside_next = next;
	flow->state |= (uint8_t)(FLOW_INSIDE_SEEN | (is_fin ? FLOW_FIN_INSIDE : 0));
	see_window(flow, f, bytes, scale_in(flow));
	if ((f->tcp_flags & TCP_ACK) != 0) {
		if ((flow->state & FLOW_OUTSIDE_SEEN) == 0 ||
		    is_newer(f->tcp_ack, flow->outside_next))
			flow->outside_next = f->tcp_ack;
		flow->state |= FLOW_OUTSIDE_SEEN;
	}
}

/* An RST that a stranger could not have written: it knows one of the two numbers. */
static bool
is_true_reset(const struct flow *flow, const struct facts *f)
{
	if ((flow->state & FLOW_OUTSIDE_SEEN) != 0 && f->tcp_seq == flow->outside_next)
		return true;
	return (f->tcp_flags & TCP_ACK) != 0 && (flow->state & FLOW_INSIDE_SEEN) != 0 &&
	       f->tcp_ack == flow->inside_next;
}

/* Numbers that go on where the last ones ended, give or take a window. */
static inline bool
is_in_order(const struct flow *flow, const struct facts *f)
{
	return f->tcp_seq - flow->outside_next + FLOW_GUESS_WINDOW <
	       2 * FLOW_GUESS_WINDOW;
}

/* inside_next, which nobody will ever tell, holds when the flow was first seen. */
static void
see_one_way(struct flow_table *t, uint32_t slot, const struct facts *f, uint64_t now_ns)
{
	const bool is_end = (f->tcp_flags & (TCP_FIN | TCP_RST)) != 0;
	struct flow *flow = flow_at(t, slot);
	const uint32_t next = f->tcp_seq + f->payload_len;

	if ((flow->state & FLOW_OUTSIDE_SEEN) == 0) {
		flow->state |= FLOW_OUTSIDE_SEEN;
		flow->outside_next = next;
		flow->inside_next = source_moment(now_ns);
		flow->window = 0;
	} else if (!is_in_order(flow, f)) {
		return;
	} else if (is_newer(next, flow->outside_next)) {
		flow->outside_next = next;
	}
	if (is_end && f->tcp_seq + f->payload_len == flow->outside_next) {
		flow->opening &= (uint8_t)~FLOW_IN_ORDER;
		flow_close(t, slot);
		return;
	}
	if (flow->window < FLOW_TALK_PACKETS && ++flow->window < FLOW_TALK_PACKETS)
		return;
	if ((flow->state & FLOW_CLOSING) != 0 || (flow->opening & FLOW_NEWCOMER) != 0 ||
	    source_since(flow->inside_next, now_ns) < FLOW_TALK_NS)
		return;
	flow->opening |= FLOW_IN_ORDER;
	table_set_class(&t->table, slot, TABLE_EARNING);
}

static bool
see_tcp_outside(struct flow_table *t, uint32_t slot, const struct facts *f,
                uint64_t now_ns)
{
	struct flow *flow = flow_at(t, slot);

	if ((flow->opening & FLOW_ONE_WAY) != 0) {
		see_one_way(t, slot, f, now_ns);
		return false;
	}
	if ((f->tcp_flags & TCP_RST) != 0) {
		if (is_true_reset(flow, f))
			end_by_reset(t, slot);
		return false;
	}
	if ((f->tcp_flags & TCP_ACK) == 0 || (flow->state & FLOW_INSIDE_SEEN) == 0)
		return false;
	if ((f->tcp_flags & TCP_FIN) != 0 && flow->inside_next - f->tcp_ack < FIN_WINDOW)
		flow->state |= FLOW_FIN_OUTSIDE;
	if ((flow->state & (FLOW_VERIFIED | FLOW_CLOSING)) != 0 ||
	    f->tcp_ack != flow->inside_next)
		return false;
	flow->state |= FLOW_VERIFIED;
	counter_add(&t->proven, 1);
	return true;
}

static void
see_talk(struct flow_table *t, uint32_t slot, enum side side, uint64_t now_ns)
{
	struct flow *flow = flow_at(t, slot);
	uint8_t *packets = side == SIDE_EXTERNAL ? &flow->in : &flow->out;

	if (flow->first == 0)
		flow->first = source_moment(now_ns);
	if (*packets != UINT8_MAX)
		++*packets;
	if (flow->in < FLOW_TALK_PACKETS || flow->out < FLOW_TALK_PACKETS)
		return;
	if ((flow->state & FLOW_CONVERSATION) == 0) {
		if (source_since(flow->first, now_ns) < FLOW_TALK_NS)
			return;
		flow->state |= FLOW_CONVERSATION;
	}
	table_set_class(&t->table, slot, TABLE_EARNING);
}

bool
flow_see(struct flow_table *t, const struct burst *b, unsigned int lane)
{
	const uint8_t both = FLOW_FIN_INSIDE | FLOW_FIN_OUTSIDE;
	const struct facts *f = &b->facts[lane];
	const uint32_t slot = b->flow[lane];
	struct flow *flow = flow_at(t, slot);
	bool is_proven = false;

	/* A datagram counts once, by its first fragment. */
	if (f->proto != PROTO_TCP) {
		if ((f->flags & FACT_FRAG_REST) == 0)
			see_talk(t, slot, (enum side)b->side, b->now_ns);
		return false;
	}
	/* The length of a fragmented segment is not known here, so nothing is learned of it. */
	if ((f->flags & FACT_FRAGMENT) != 0) {
		if (b->side == SIDE_INTERNAL)
			flow->opening |= FLOW_IN_PIECES;
		return false;
	}
	/* Who is heard in calm is no newcomer any more. */
	if (flow_is_newcomer(flow) && (b->armed & lane_bit(lane)) == 0)
		flow->opening &= (uint8_t)~FLOW_NEWCOMER;
	if (b->side == SIDE_EXTERNAL)
		is_proven = see_tcp_outside(t, slot, f, b->now_ns);
	else
		see_tcp_inside(t, slot, f, b->bytes[lane]);
	if ((flow->state & both) == both && (flow->state & FLOW_CLOSING) == 0)
		flow_close(t, slot);
	return is_proven;
}

/* How far from what it expects the inside may be willing to hear. */
static uint32_t
window_of(const struct flow *flow)
{
	const uint32_t least =
		(flow->opening & FLOW_SCALE) != 0 ? FLOW_LEAST_WINDOW : FLOW_GUESS_WINDOW;
	const uint32_t offered = UINT32_C(1) << flow->window;

	return offered > least ? offered : least;
}

static bool
is_in_window(const struct flow *flow, const struct facts *f)
{
	const bool is_reset = (f->tcp_flags & TCP_RST) != 0;
	const uint32_t window = window_of(flow);
	/* Who has sent a FIN may reset with the number before it, and is heard. */
	const uint32_t behind = is_reset ? 1 : window;

	if ((flow->state & FLOW_OUTSIDE_SEEN) != 0 &&
	    f->tcp_seq - flow->outside_next + behind > window + behind)
		return false;
	if (is_reset)
		return true;
	if ((f->tcp_flags & TCP_ACK) == 0)
		return false;
	return (flow->state & FLOW_INSIDE_SEEN) == 0 ||
	       (flow->opening & FLOW_IN_PIECES) != 0 ||
	       flow->inside_next - f->tcp_ack <= FLOW_ACK_LAG;
}

bool
flow_is_in_window(const struct flow *flow, const struct facts *f)
{
	if ((flow->opening & FLOW_ONE_WAY) != 0)
		return is_in_order(flow, f);
	return is_in_window(flow, f);
}
