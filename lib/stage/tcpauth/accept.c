/* SPDX-License-Identifier: BSD-3-Clause */
/* What comes back of our answers. */
#include "challenge/stamp.h"
#include "packet/build.h"
#include "stage/tcpauth/parts.h"

/*
 * The record of a lane's source, made if need be; SOURCE_NONE in a full table. A lane of a
 * flow that has credit was not looked up, but its flow knows whose it is.
 */
static uint32_t
source_of(struct tcpauth *s, const struct burst *b, unsigned int i)
{
	struct source_table *sources = s->sources;
	const struct flow *flow;

	if (sources->lane[i] != SOURCE_NONE)
		return sources->lane[i];
	if ((sources->asked & lane_bit(i)) != 0)
		return source_make(sources, i, b->now_ns);
	if (b->flow[i] == BURST_NO_FLOW)
		return SOURCE_NONE;
	flow = flow_of_lane(s->flows, i);
	if (flow_is_counted(flow, flow->source, source_at(sources, flow->source)))
		sources->lane[i] = flow->source;
	return sources->lane[i];
}

/* What was agreed with the client in its SYN and our answer. */
struct agreed {
	struct tcp_options client; /* with its newest stamp, and ours that it echoes */
	uint8_t promised;          /* window scale that we answered */
	bool has_ecn;
	uint64_t epoch; /* of the cookie, by the stamp beside it */
};

/* What the third segment tells of it: all but the MSS, which the cookie holds. */
static bool
read_agreed(const struct tcpauth *s, const struct burst *b, unsigned int i,
            struct agreed *out)
{
	struct tcp_options said;
	struct stamp stamp;

	*out = (struct agreed){ .client = { .wscale = OPTIONS_NO_WSCALE },
		                .promised = OPTIONS_NO_WSCALE };
	tcpauth_read_options(b, i, &said);
	if (!said.has_ts)
		return true;
	if (!stamp_read(said.ts_echo, s->wall_ns, &stamp))
		return false;
	out->client = (struct tcp_options){ .wscale = stamp.wscale,
		                            .has_sack_permitted = stamp.has_sack,
		                            .has_ts = true,
		                            .ts_value = said.ts_value,
		                            .ts_echo = said.ts_echo };
	out->promised = stamp.promised;
	out->has_ecn = stamp.has_ecn;
	out->epoch = stamp.made_s / (COOKIE_EPOCH_NS / UINT64_C(1000000000));
	return true;
}

/* Whether a right cookie is of the epoch that its stamp tells, and so of no other key. */
static bool
is_of_epoch(const struct tcpauth *s, struct burst *b, unsigned int i, uint32_t back,
            uint64_t epoch)
{
	struct facts *f = &b->facts[i];
	uint32_t number[LANES_MAX];
	bool is_present;

	f->tcp_seq -= back;
	cookie_make(&s->keys, b, lane_bit(i), number);
	f->tcp_seq += back;
	is_present = ((number[i] ^ (f->tcp_ack - 1)) & ~(COOKIE_MSS - 1u)) == 0;
	return epoch == s->keys.epoch - !is_present;
}

/* The flow, its splice and its opening. Returns false when a table had no room. */
static bool
begin(struct tcpauth *s, const struct tcpauth_params *p, struct burst *b, unsigned int i,
      const struct agreed *agreed, uint32_t back)
{
	const struct facts *f = &b->facts[i];
	const uint32_t source = source_of(s, b, i);
	uint64_t most = FLOW_SPLICED_PER_SOURCE;
	struct opening *o;
	struct splice *splice;
	uint32_t slot, index;

	if (source == SOURCE_NONE)
		return false;
	slot = flow_make_spliced(s->flows, b, i);
	if (slot == TABLE_NONE)
		return false;
	if (s->openings.n_used >= OPENINGS_FREE)
		most = OPENINGS_PER_SOURCE;
	index = openings_take(&s->openings);
	if (index == OPENINGS_NONE || !flow_earn(s->flows, slot, source, most)) {
		if (index != OPENINGS_NONE)
			openings_give(&s->openings, index);
		flow_unsplice(s->flows, slot);
		return false;
	}
	source_verify(s->sources, source, b->now_ns, p->verified_for_ns);
	s->sources->proven |= lane_bit(i);
	b->standing[i] = STANDING_VERIFIED_FLOW;

	splice = &s->flows->splice[slot];
	*splice = (struct splice){ .ours = f->tcp_ack - 1,
		                   .theirs = f->tcp_seq - back,
		                   .stamp = agreed->client.ts_echo,
		                   .opening = index,
		                   .state = SPLICE_OPENING,
		                   .has_ts = agreed->client.has_ts,
		                   .wscale = agreed->promised };
	flow_at(s->flows, slot)->inside_next = f->tcp_ack;
	flow_at(s->flows, slot)->outside_next = splice->theirs + 1;

	o = &s->openings.entry[index];
	o->slot = slot;
	o->link = b->link;
	o->client = agreed->client;
	o->client.mss = cookie_mss(splice->ours, (f->flags & FACT_IPV6) != 0);
	o->has_ecn = agreed->has_ecn;
	o->window = (uint16_t)(b->bytes[i][f->l4_off + 14] << 8 |
	                       b->bytes[i][f->l4_off + 15]);
	build_ends(&o->ends, f, b->bytes[i], false);
	return true;
}

/* The source has proven that it is there, for this service. */
static bool
verify(struct tcpauth *s, const struct tcpauth_params *p, struct burst *b, unsigned int i)
{
	const uint32_t source = source_of(s, b, i);

	if (source == SOURCE_NONE)
		return false;
	source_verify(s->sources, source, b->now_ns, p->verified_for_ns);
	return true;
}

/* A lane that acknowledges a cookie: `back` as cookie_check() has it. */
static void
welcome(struct tcpauth *s, const struct tcpauth_params *p, struct burst *b,
        unsigned int i, uint32_t back)
{
	struct agreed agreed;

	if (!read_agreed(s, b, i, &agreed))
		return;
	if (agreed.client.has_ts && !is_of_epoch(s, b, i, back, agreed.epoch))
		return;
	if (p->method == METHOD_RESET) {
		if (!verify(s, p, b, i)) {
			burst_drop(b, i, REASON_NO_ROOM);
			return;
		}
		s->how[i] = METHOD_RESET;
		burst_reply(b, i, REASON_RESET);
		return;
	}
	if (begin(s, p, b, i, &agreed, back))
		s->begun |= lane_bit(i);
	else
		burst_drop(b, i, REASON_NO_ROOM);
}

/*
 * Segments that may be the third of a handshake: those of no flow, of one that is over or
 * not proven, and those that do not fit their flow, whose ports a new connection may have.
 */
static uint64_t
third_segments(const struct tcpauth *s, const struct burst *b, uint64_t lanes)
{
	uint64_t third = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const struct facts *f = &b->facts[i];
		const struct flow *flow;

		if ((f->tcp_flags & (TCP_ACK | TCP_SYN | TCP_RST)) != TCP_ACK)
			continue;
		if (b->flow[i] != BURST_NO_FLOW) {
			flow = flow_of_lane(s->flows, i);
			/* This very connection's first number: its third segment or FIN. */
			if (flow_is_spliced(flow) &&
			    f->tcp_seq - s->flows->splice[b->flow[i]].theirs <= 1)
				continue;
			if ((flow->state & (FLOW_VERIFIED | FLOW_CLOSING)) ==
			            FLOW_VERIFIED &&
			    flow_is_in_window(flow, f))
				continue;
		}
		third |= lane_bit(i);
	}
	return third;
}

/* Of spliced flows among these lanes facts say what the client said, or what the server reads. */
static void
say_client(const struct tcpauth *s, struct burst *b, uint64_t lanes, bool is_client)
{
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		uint32_t delta;

		if (b->flow[i] == BURST_NO_FLOW ||
		    !flow_is_spliced(flow_of_lane(s->flows, i)))
			continue;
		delta = s->flows->splice[b->flow[i]].delta;
		b->facts[i].tcp_ack += is_client ? delta : -delta;
	}
}

/*
 * A client that lost its third segment on the way believes to be connected and probes
 * our window: with the number before its first one. That is believed only with a
 * stamp of ours beside it: it halves the keys that a guess could meet, as this second
 * number doubles them.
 */
static uint64_t
probes(const struct tcpauth *s, const struct burst *b, uint64_t lanes)
{
	struct agreed agreed;
	uint64_t found = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes & lanes_with16(b->flags, FACT_TCP_OPTIONS))
		if (b->facts[i].payload_len <= 1 && read_agreed(s, b, i, &agreed) &&
		    agreed.client.has_ts)
			found |= lane_bit(i);
	return found;
}

static void
accept_cookies(struct tcpauth *s, const struct tcpauth_params *p, struct burst *b,
               uint64_t lanes)
{
	const uint64_t third = third_segments(s, b, lanes);
	uint64_t right, late;
	unsigned int i;

	if (third == 0)
		return;
	say_client(s, b, third, true);
	right = cookie_check(&s->keys, b, third, 1);
	late = probes(s, b, third & ~right);
	if (late != 0)
		late = cookie_check(&s->keys, b, late, 0);
	say_client(s, b, third & ~right & ~late, false);
	LANES_FOREACH (i, right)
		welcome(s, p, b, i, 1);
	LANES_FOREACH (i, late)
		welcome(s, p, b, i, 0);
}

static void
accept_resets(struct tcpauth *s, const struct tcpauth_params *p, struct burst *b,
              uint64_t lanes)
{
	uint64_t resets = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes)
		if ((b->facts[i].tcp_flags & TCP_RST) != 0)
			resets |= lane_bit(i);
	if (resets == 0)
		return;
	LANES_FOREACH (i, cookie_check_bad_ack(&s->keys, b, resets)) {
		if (verify(s, p, b, i))
			burst_consume(b, i, REASON_BAD_ACK_ACCEPTED);
		else
			burst_drop(b, i, REASON_NO_ROOM);
	}
}

void
tcpauth_accept(struct tcpauth *s, const struct tcpauth_params *p, struct burst *b,
               uint64_t lanes)
{
	const enum tcpauth_method method = tcpauth_method_of(s, p);

	/* Where only monitored, nothing was sent that could come back. */
	lanes &= ~b->watched;
	if (lanes == 0)
		return;
	cookie_keys_turn(&s->keys, s->wall_ns);
	if (method == METHOD_BAD_ACK)
		accept_resets(s, p, b, lanes);
	else if (method != METHOD_DROP_FIRST)
		accept_cookies(s, p, b, lanes);
}
