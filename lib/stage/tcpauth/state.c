/* SPDX-License-Identifier: BSD-3-Clause */
/* Segments of no connection, and of connections that they do not fit. */
#include "base/counter.h"
#include "stage/tcpauth/parts.h"

static enum tcpauth_reason
stray_reason(uint8_t tcp_flags)
{
	if ((tcp_flags & TCP_RST) != 0)
		return REASON_STRAY_RST;
	if ((tcp_flags & TCP_SYN) != 0)
		return REASON_STRAY_SYN_ACK;
	return (tcp_flags & TCP_FIN) != 0 ? REASON_STRAY_FIN : REASON_STRAY_ACK;
}

/*
 * What a flow proves, its numbers must fit. Who has no flow but has proven his address
 * lately may have been forgotten or be older than we, as everybody may be shortly
 * after the start: these are left to the meters. A connection that is not proven yet
 * is left to them too, as long as its numbers go on from its SYN.
 */
void
tcpauth_judge_state(struct tcpauth *s, const struct tcpauth_params *p, struct burst *b,
                    uint64_t lanes)
{
	const uint64_t unseen_ns = counter_read(&s->flows->overlooked_ns);
	const uint64_t from_ns = unseen_ns > s->first_ns ? unseen_ns : s->first_ns;
	const bool is_learning = b->now_ns < from_ns + p->learning_ns;
	const uint64_t known = lanes_where8(b->standing, STANDING_VERIFIED_FLOW) |
	                       lanes_where8(b->standing, STANDING_CONVERSATION);
	const uint64_t unknown = lanes_where8(b->standing, STANDING_UNVERIFIED);
	/* What went on in bypass left its numbers behind. */
	const bool is_behind = unseen_ns != 0 && b->now_ns < unseen_ns + p->learning_ns;
	uint64_t drops[REASONS] = { 0 }, newcomers = 0;
	unsigned int i;

	LANES_FOREACH (i, is_behind ? 0 : lanes & known)
		if (!flow_is_in_window(flow_of_lane(s->flows, i), &b->facts[i]))
			drops[REASON_OUT_OF_WINDOW] |= lane_bit(i);
	LANES_FOREACH (i, is_learning ? 0 : lanes & unknown)
		if (b->flow[i] == BURST_NO_FLOW)
			drops[stray_reason(b->facts[i].tcp_flags)] |= lane_bit(i);
	LANES_FOREACH (i, lanes & unknown)
		if (b->flow[i] != BURST_NO_FLOW &&
		    flow_is_newcomer(flow_of_lane(s->flows, i))) {
			if (flow_is_in_window(flow_of_lane(s->flows, i), &b->facts[i]))
				newcomers |= lane_bit(i);
			else
				drops[REASON_OUT_OF_WINDOW] |= lane_bit(i);
		}
	if (newcomers != 0)
		tcpauth_judge_newcomers(s, p, b, newcomers);
	for (unsigned int reason = 0; reason < REASONS; reason++)
		tcpauth_drop(s, b, drops[reason], (enum tcpauth_reason)reason);
}
