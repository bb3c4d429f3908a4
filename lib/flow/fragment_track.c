/* SPDX-License-Identifier: BSD-3-Clause */
/* Each piece of a datagram beside those that came before it. */
#include <string.h>

#include "flow/fragment.h"

#define PROTO_DCCP 33
#define PROTO_SCTP 132

/* Bytes that every header of the protocol has. Nothing is asked of others. */
static const uint8_t header_of[256] = {
	[PROTO_ICMP] = 8,  [PROTO_TCP] = 20,     [PROTO_UDP] = 8,      [PROTO_DCCP] = 12,
	[PROTO_GRE] = 4,   [PROTO_ESP] = 8,      [PROTO_AH] = 12,      [PROTO_ICMPV6] = 8,
	[PROTO_SCTP] = 12, [PROTO_TUNNEL4] = 20, [PROTO_TUNNEL6] = 40,
};

/*
 * RFC 1858: a first that does not show the whole header, or a later one that begins in
 * it, so that what was judged is not what is read in the end.
 */
static bool
is_tiny(const struct facts *f, const struct fragment_piece *p)
{
	const unsigned int header = header_of[f->proto];

	if (p->from > 0)
		return p->from * 8u < header;
	return f->l4_off != 0 &&
	       (unsigned int)(f->payload_off - f->l4_off + f->payload_len) < header;
}

/* Where a stretch lies beside those that are known. */
enum place { APART, INSIDE, ACROSS, NO_ROOM };

static void
insert_range(struct fragment *f, unsigned int k, const struct fragment_piece *p)
{
	memmove(&f->range[k + 1], &f->range[k], (f->ranges - k) * sizeof(f->range[0]));
	f->range[k] = (struct fragment_range){ p->from, p->to };
	f->ranges++;
}

/* The gap before range[k] is closed from the left: both become one. */
static void
join_range(struct fragment *f, unsigned int k)
{
	f->range[k - 1].to = f->range[k].to;
	f->ranges--;
	memmove(&f->range[k], &f->range[k + 1], (f->ranges - k) * sizeof(f->range[0]));
}

/* Add a stretch to those that are known, unless it touches what they have. */
static enum place
add_range(struct fragment *f, const struct fragment_piece *p)
{
	unsigned int k = f->ranges;

	/* Most come in order, so it is looked for from the end. */
	while (k > 0 && f->range[k - 1].to > p->from)
		k--;
	/* All before k end where it begins or earlier, and range[k] ends behind that. */
	if (k < f->ranges && f->range[k].from < p->to)
		return f->range[k].from <= p->from && p->to <= f->range[k].to ? INSIDE
		                                                              : ACROSS;
	if (k > 0 && f->range[k - 1].to == p->from) {
		f->range[k - 1].to = p->to;
		if (k < f->ranges && f->range[k].from == p->to)
			join_range(f, k);
		return APART;
	}
	if (k < f->ranges && f->range[k].from == p->to) {
		f->range[k].from = p->from;
		return APART;
	}
	if (f->ranges == FRAGMENT_RANGES)
		return NO_ROOM;
	insert_range(f, k, p);
	return APART;
}

static inline unsigned int
reach_of(const struct fragment *f)
{
	return f->ranges == 0 ? 0 : f->range[f->ranges - 1].to;
}

/* Whether the datagram ends elsewhere than this piece says or allows. */
static bool
is_beyond(const struct fragment *f, const struct fragment_piece *p)
{
	if (p->has_more)
		return f->total != 0 && p->end >= f->total;
	return (f->total != 0 && f->total != p->end) || reach_of(f) > p->to;
}

/*
 * What is known already may be said again by the same piece. Where each piece ended is
 * forgotten, but all that others follow have one length, unless they were cut again on
 * the way; then nobody can tell, and the repeated one is not needed.
 */
static bool
is_repeated(const struct fragment *f, const struct fragment_piece *p,
            const struct facts *facts)
{
	if (!p->has_more)
		return f->total != 0 && p->from == f->last_from;
	if (p->from == 0)
		return p->to == f->first_len && f->src_port == facts->src_port &&
		       f->dst_port == facts->dst_port && f->proto == facts->proto &&
		       f->tcp_flags == facts->tcp_flags;
	return p->to - p->from == f->unit && p->from % f->unit == 0;
}

static void
remember(struct fragment *f, const struct fragment_piece *p)
{
	if (!p->has_more) {
		f->total = p->end;
		f->last_from = p->from;
	} else if (f->unit == 0) {
		f->unit = p->to - p->from;
	} else if (f->unit != p->to - p->from) {
		f->state |= FRAGMENT_ODD;
	}
	if (p->from == 0)
		f->first_len = p->to;
	if (f->total != 0 && f->ranges == 1 && f->range[0].from == 0 &&
	    f->range[0].to * 8u >= f->total)
		f->state |= FRAGMENT_COMPLETE;
}

/*
 * IPv6 discards the whole datagram (RFC 8200 4.5); under IPv4 what came first stands.
 * Of pieces that were cut twice it is not known for sure, so only the piece is dropped.
 */
static enum fragment_finding
overlap(struct fragment *f, bool is_ipv6)
{
	if (is_ipv6 && (f->state & FRAGMENT_ODD) == 0)
		f->state |= FRAGMENT_CONDEMNED;
	return FRAGMENT_OVERLAPPING;
}

/* After the last piece of a datagram its identification serves the next one. */
static bool
begins_anew(const struct fragment *f, const struct fragment_piece *p,
            const struct facts *facts)
{
	return (f->state & FRAGMENT_COMPLETE) != 0 &&
	       (is_beyond(f, p) || !is_repeated(f, p, facts));
}

enum fragment_finding
fragment_track(struct fragment_table *t, const struct burst *b, unsigned int lane)
{
	const struct facts *facts = &b->facts[lane];
	const bool is_ipv6 = (facts->flags & FACT_IPV6) != 0;
	const struct fragment_piece *p = &t->piece[lane];
	struct fragment *f = t->group[p->group].at;

	if (is_tiny(facts, p))
		return FRAGMENT_TINY;
	if (begins_anew(f, p, facts))
		memset((char *)f + FRAGMENT_KEY_BYTES, 0,
		       sizeof(*f) - FRAGMENT_KEY_BYTES);
	if ((f->state & FRAGMENT_CONDEMNED) != 0)
		return FRAGMENT_OVERLAPPING;
	if (f->pieces == FRAGMENT_MOST || is_beyond(f, p))
		return FRAGMENT_ENDLESS;
	f->pieces++;
	switch (add_range(f, p)) {
	case APART:
		remember(f, p);
		return FRAGMENT_FITS;
	case INSIDE:
		return is_repeated(f, p, facts) ? FRAGMENT_FITS : overlap(f, is_ipv6);
	case ACROSS:
		return overlap(f, is_ipv6);
	default:
		return FRAGMENT_SCATTERED;
	}
}
