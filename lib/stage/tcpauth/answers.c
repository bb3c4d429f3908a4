/* SPDX-License-Identifier: BSD-3-Clause */
/* What a first SYN gets while its vector is under attack. */
#include <stdlib.h>

#include "challenge/answer.h"
#include "challenge/stamp.h"
#include "hash/hash.h"
#include "stage/tcpauth/parts.h"

#define SECOND_NS UINT64_C(1000000000)
/* One SYN in eight repeated is more than customers do, unless there are few of both. */
#define REPEATS_SHARE 8
#define REPEATS_FREE  64
#define DISTRUST_NS   (10 * SECOND_NS)

/* Of an answer to IPv6 SYNs counts the /48, of one to IPv4 SYNs the /24. */
static inline struct meter *
network_of(const struct tcpauth *s, const struct burst *b, unsigned int i)
{
	const bool is_ipv6 = (b->flags[i] & FACT_IPV6) != 0;
	const __m128i src = _mm_load_si128((const __m128i *)b->facts[i].src);
	const __m128i of_ipv6 = _mm_set_epi64x(0, 0xffffffffffff);
	const __m128i of_ipv4 = _mm_set_epi64x(0x00ffffffffffffff, -1);
	__m128i network = _mm_and_si128(src, is_ipv6 ? of_ipv6 : of_ipv4);

	return &s->answers[hash_16(&s->common->key, &network).lo % TCPAUTH_NETWORKS];
}

/*
 * The lanes whose networks may get another answer. A repeated SYN comes from a stack
 * that waits, so it may pay twice as far ahead as a first one.
 */
static uint64_t
lanes_within_budget(struct tcpauth *s, const struct tcpauth_params *p,
                    const struct burst *b, uint64_t lanes, uint64_t slack)
{
	const uint64_t each = p->answer_rate.each, now = meter_ticks(b->now_ns);
	struct meter *cell[LANES_MAX];
	uint64_t within = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		cell[i] = network_of(s, b, i);
		__builtin_prefetch(cell[i], 1);
	}
	LANES_FOREACH (i, lanes)
		within |= (uint64_t)meter_take(cell[i], each, slack, now) << i;
	return within;
}

/* Lanes that repeat a SYN of before, as long as that proves anything. */
static uint64_t
repeated_lanes(struct tcpauth *s, const struct burst *b, uint64_t lanes)
{
	const uint64_t repeated = lanes == 0 ? 0 : repeat_see(&s->repeat, b, lanes);
	struct tcpauth_trust *t = &s->trust;

	if (b->now_ns >= t->until_ns) {
		t->until_ns = b->now_ns + SECOND_NS;
		t->syns = t->repeated = 0;
	}
	t->syns += lanes_count(lanes);
	t->repeated += lanes_count(repeated);
	if (t->repeated > REPEATS_FREE && t->repeated > t->syns / REPEATS_SHARE)
		t->distrusted_ns = b->now_ns + DISTRUST_NS;
	return b->now_ns < t->distrusted_ns ? 0 : repeated;
}

/*
 * The first time dropped, the repetition goes on. When repetitions prove nothing, nobody
 * can prove himself this way, and all are left to the meters. Returns the lanes that go on.
 */
static uint64_t
drop_first(struct tcpauth *s, struct burst *b, uint64_t lanes)
{
	const uint64_t repeated = repeated_lanes(s, b, lanes);

	if (b->now_ns < s->trust.distrusted_ns)
		return lanes;
	tcpauth_drop(s, b, lanes & ~repeated, REASON_FIRST_SYN);
	return repeated;
}

static void
challenge(struct tcpauth *s, const struct tcpauth_params *p, struct burst *b,
          uint64_t lanes, enum tcpauth_method method)
{
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		s->params[i] = p;
		s->how[i] = (uint8_t)method;
		s->challenged_ns[b->service[i]] = b->now_ns;
	}
	tcpauth_stop(b, lanes, VERDICT_REPLY,
	             method == METHOD_BAD_ACK ? REASON_BAD_ACK : REASON_SYN_COOKIE);
}

/*
 * Whose answers are used up falls back to what needs none. With the proxy the
 * repetition still has to be answered, out of what is kept back for it.
 */
void
tcpauth_answer(struct tcpauth *s, const struct tcpauth_params *p, struct burst *b,
               uint64_t lanes)
{
	const enum tcpauth_method method = tcpauth_method_of(s, p);
	const uint64_t slack = p->answer_rate.slack;
	uint64_t within, repeated, late;

	/* A source that has proven itself need not again, where that is what is proven. */
	if (method != METHOD_PROXY) {
		source_ask_deferred(s->sources, b, lanes);
		lanes &= ~lanes_where8(b->standing, STANDING_VERIFIED_SOURCE);
	}
	if (method == METHOD_DROP_FIRST) {
		drop_first(s, b, lanes);
		return;
	}
	/* Firewalls may swallow a wrong answer; who then repeats his SYN passes for that. */
	if (p->method == METHOD_AUTO && method == METHOD_BAD_ACK)
		lanes &= ~repeated_lanes(s, b, lanes);
	within = lanes_within_budget(s, p, b, lanes, slack / 2);
	challenge(s, p, b, within, method);
	if (within == lanes)
		return;
	repeated = drop_first(s, b, lanes & ~within);
	if (method != METHOD_PROXY)
		return;
	late = lanes_within_budget(s, p, b, repeated, slack);
	challenge(s, p, b, late, method);
	tcpauth_drop(s, b, repeated & ~late, REASON_ANSWERS);
}

void
tcpauth_server(const struct tcpauth *s, const struct tcpauth_params *p,
               const struct burst *b, unsigned int lane, struct server *out)
{
	const struct facts *f = &b->facts[lane];
	const bool is_in = b->side == SIDE_EXTERNAL;

	servers_find(&s->servers, is_in ? f->dst : f->src,
	             is_in ? f->dst_port : f->src_port, (f->flags & FACT_IPV6) != 0, out);
	if (p->server_mss != 0)
		out->mss = (uint16_t)p->server_mss;
	if (p->server_wscale == SCALE_NONE)
		out->wscale = OPTIONS_NO_WSCALE;
	else if (p->server_wscale >= SCALE_0)
		out->wscale = (uint8_t)(p->server_wscale - SCALE_0);
	if (p->server_sack != KNOWN_LEARNT)
		out->has_sack = p->server_sack == KNOWN_YES;
	if (p->server_timestamps != KNOWN_LEARNT)
		out->has_ts = p->server_timestamps == KNOWN_YES;
}

/* Without timestamps there is nowhere to keep window scale and SACK. */
struct tcp_options
tcpauth_agree(const struct tcp_options *offer, const struct server *server)
{
	struct tcp_options both = { .mss = offer->mss, .wscale = OPTIONS_NO_WSCALE };

	if (!offer->has_ts || !server->has_ts)
		return both;
	both.has_ts = true;
	both.ts_value = offer->ts_value;
	both.has_sack_permitted = offer->has_sack_permitted && server->has_sack;
	if (server->wscale != OPTIONS_NO_WSCALE)
		both.wscale = offer->wscale;
	return both;
}

/* What the server of the lane before promises, which mostly is this lane's too. */
struct promise {
	const struct tcpauth_params *params; /* NULL: there was none */
	__m128i address;
	uint16_t port;
	struct server server;
};

static inline const struct server *
promised(const struct tcpauth *s, const struct burst *b, unsigned int i,
         struct promise *last)
{
	const struct facts *f = &b->facts[i];
	const __m128i address = _mm_load_si128((const __m128i *)f->dst);
	const __m128i differs = _mm_xor_si128(address, last->address);

	if (last->params == s->params[i] && last->port == f->dst_port &&
	    _mm_testz_si128(differs, differs) != 0)
		return &last->server;
	last->params = s->params[i];
	last->address = address;
	last->port = f->dst_port;
	tcpauth_server(s, s->params[i], b, i, &last->server);
	return &last->server;
}

/* Options that only a timestamp can keep. */
static void
promise_more(const struct tcpauth *s, const struct server *server,
             const struct tcp_options *offer, bool wants_ecn, struct answer *a)
{
	const struct tcp_options both = tcpauth_agree(offer, server);
	const bool has_ecn = both.has_ts && server->has_ecn && wants_ecn;

	a->options = both;
	if (!both.has_ts)
		return;
	if (both.wscale != OPTIONS_NO_WSCALE)
		a->options.wscale = server->wscale;
	a->options.ts_echo = offer->ts_value;
	a->options.ts_value =
		stamp_make(&(struct stamp){ .wscale = both.wscale,
	                                    .promised = a->options.wscale,
	                                    .has_sack = both.has_sack_permitted,
	                                    .has_ecn = has_ecn },
	                   s->wall_ns);
	if (has_ecn)
		a->tcp_flags |= TCP_ECE;
}

/*
 * Window 0 keeps the client from sending before the server has answered. Our own
 * promises are the server's, and only where the client made an offer.
 */
static inline void
answer_cookie(struct tcpauth *s, struct burst *b, unsigned int i, uint32_t number,
              struct promise *last)
{
	const struct facts *f = &b->facts[i];
	const struct server *server = promised(s, b, i, last);
	const uint8_t ecn = TCP_ECE | TCP_CWR;
	struct answer a = { .ack = f->tcp_seq + 1,
		            .tcp_flags = TCP_SYN | TCP_ACK,
		            .options = { .wscale = OPTIONS_NO_WSCALE } };
	struct tcp_options offer;

	if ((f->flags & FACT_TCP_OPTIONS) != 0) {
		answer_read_offer(b, i, &offer);
		if (offer.has_ts)
			promise_more(s, server, &offer, (f->tcp_flags & ecn) == ecn, &a);
		a.options.mss = offer.mss != 0 ? server->mss : 0;
		number |= cookie_mss_index(offer.mss, (f->flags & FACT_IPV6) != 0);
	}
	a.seq = number;
	answer_write(b, i, &a);
}

static void
answer_wrongly(struct burst *b, unsigned int i, uint32_t number)
{
	const struct answer a = { .seq = b->facts[i].tcp_ack,
		                  .ack = number,
		                  .tcp_flags = TCP_SYN | TCP_ACK,
		                  .options = { .wscale = OPTIONS_NO_WSCALE } };

	answer_write(b, i, &a);
}

/* Who has proven himself with his third segment is told to come again. */
static void
answer_reset(struct burst *b, unsigned int i)
{
	const struct answer a = { .seq = b->facts[i].tcp_ack,
		                  .tcp_flags = TCP_RST,
		                  .options = { .wscale = OPTIONS_NO_WSCALE } };

	answer_write(b, i, &a);
}

void
tcpauth_reply(void *state, struct burst *b, uint64_t lanes)
{
	struct tcpauth *s = state;
	struct promise last = { .params = NULL };
	uint32_t number[LANES_MAX];
	const uint64_t wrong = lanes_where8(s->how, METHOD_BAD_ACK) & lanes;
	const uint64_t reset = lanes & lanes_where8(b->reason, REASON_RESET);
	unsigned int i;

	cookie_keys_turn(&s->keys, s->wall_ns);
	LANES_FOREACH (i, reset)
		answer_reset(b, i);
	lanes &= ~reset;
	if (lanes != wrong) {
		cookie_make(&s->keys, b, lanes & ~wrong, number);
		LANES_FOREACH (i, lanes & ~wrong)
			answer_cookie(s, b, i, number[i], &last);
	}
	if (wrong != 0) {
		cookie_make_bad_ack(&s->keys, b, wrong, number);
		LANES_FOREACH (i, wrong)
			answer_wrongly(b, i, number[i]);
	}
}
