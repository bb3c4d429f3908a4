/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP reflection: servers answer forged SYNs with SYN-ACKs, and middleboxes answer
 * forged requests with pages and resets (Bock et al., "Weaponizing Middleboxes for TCP
 * Reflected Amplification", 2021). Neither belongs to a connection that the inside has
 * opened.
 */
#include "stage/reflection/parts.h"

struct tcp_lanes {
	uint64_t syn_acks, pages;
};

/* Ports whose traffic middleboxes meddle with, or that servers answer on. */
static inline bool
is_servers_port(uint16_t port)
{
#define PORT(n) (short)(n)
	const __m256i servers = _mm256_setr_epi16(
		PORT(21), PORT(22), PORT(23), PORT(25), PORT(53), PORT(80), PORT(110),
		PORT(143), PORT(443), PORT(587), PORT(993), PORT(3128), PORT(3389),
		PORT(8000), PORT(8080), PORT(8443));
#undef PORT
	const __m256i here = _mm256_cmpeq_epi16(_mm256_set1_epi16((short)port), servers);

	return _mm256_testz_si256(here, here) == 0;
}

static struct tcp_lanes
sort(struct reflection *s, const struct burst *b, uint64_t lanes)
{
	struct tcp_lanes sorted = { 0 };
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const struct facts *f = &b->facts[i];
		const bool has_flow = b->flow[i] != BURST_NO_FLOW;

		if (has_flow && !s->is_ingress)
			continue;
		if ((f->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) ==
		    (TCP_SYN | TCP_ACK)) {
			sorted.syn_acks |= lane_bit(i);
			s->row[i] = HIT_SYN_ACK;
		} else if (!has_flow && (f->tcp_flags & TCP_SYN) == 0 &&
		           (f->payload_len > 0 || (f->tcp_flags & TCP_RST) != 0) &&
		           is_servers_port(f->src_port)) {
			sorted.pages |= lane_bit(i);
			s->row[i] = HIT_MIDDLEBOX;
		}
	}
	return sorted;
}

/* What a trigger and the vectors condemn of these lanes of one group. */
static void
judge_asked(struct reflection *s, const struct reflection_group *g, struct burst *b,
            const struct tcp_lanes *l)
{
	const struct reflection_params *p = g->params;
	struct place *at = &s->place[g->service];
	const uint64_t syn_acks = g->lanes & l->syn_acks, pages = g->lanes & l->pages;
	const bool has_syn_acks =
		reflection_trigger(s, &at->syn_ack, &p->syn_ack, lanes_count(syn_acks),
	                           b->now_ns, p->hold_for_ns);
	const bool has_pages =
		reflection_trigger(s, &at->middlebox, &p->middlebox, lanes_count(pages),
	                           b->now_ns, p->hold_for_ns);
	const uint64_t all = p->when == WHEN_ALWAYS ? UINT64_MAX : b->armed;

	if (p->when == WHEN_OFF || reflection_is_learning(s, p, b->now_ns))
		return;
	reflection_drop(s, g, b, has_syn_acks ? syn_acks : syn_acks & all,
	                REASON_SYN_ACK);
	reflection_drop(s, g, b, has_pages ? pages : pages & all, REASON_MIDDLEBOX);
}

/* Where nobody knows what was asked, SYN-ACKs have a rate, and pages leave in a flood. */
static void
judge_unseen(struct reflection *s, const struct reflection_group *g, struct burst *b,
             const struct tcp_lanes *l)
{
	const struct reflection_params *p = g->params;
	struct meter *m = &s->place[g->service].syn_ack.meter;
	const struct reflection_part part = reflection_part(s, &p->syn_ack);
	uint64_t over = 0;
	unsigned int i;

	if (p->when == WHEN_OFF)
		return;
	LANES_FOREACH (i, part.each == 0 ? 0 : g->lanes & l->syn_acks)
		if (!meter_take(m, part.each, part.slack, meter_ticks(b->now_ns)))
			over |= lane_bit(i);
	reflection_drop(s, g, b, over, REASON_SYN_ACK);
	if (!reflection_is_learning(s, p, b->now_ns))
		reflection_drop(s, g, b, g->lanes & l->pages & b->armed,
		                REASON_MIDDLEBOX);
}

void
reflection_judge_tcp(struct reflection *s, const struct stage_view *view, struct burst *b,
                     uint64_t lanes)
{
	const struct tcp_lanes l = sort(s, b, lanes);
	uint64_t rest = l.syn_acks | l.pages;
	struct reflection_group g;

	while (reflection_next(view, b, &rest, &g)) {
		g.lanes &= ~reflection_expected(s, &g, b, g.lanes);
		if (s->is_ingress)
			judge_unseen(s, &g, b, &l);
		else
			judge_asked(s, &g, b, &l);
	}
}
