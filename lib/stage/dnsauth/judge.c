/* SPDX-License-Identifier: BSD-3-Clause */
/* What a query is, who has to prove himself, and who asks too much. */
#include "hash/hash.h"
#include "packet/ports.h"
#include "stage/dnsauth/parts.h"

/* Records behind the question of a query: EDNS and a signature (RFC 6891, RFC 8945). */
#define MOST_ADDITIONAL 2

/* What is known of the lanes of one policy after they were read. */
struct found {
	uint64_t bad[REASONS]; /* lanes to drop, by reason */
	uint64_t queries;      /* of the others: those that can be answered by TC */
	uint64_t any;          /* of these: those that are to ask by TCP in any case */
	uint64_t others;       /* operations that cannot be */
};

static inline bool
is_type_allowed(const struct dnsauth_params *p, uint16_t type)
{
	/* Whole zones go by TCP alone (RFC 5936 4.2); mail agents are long gone. */
	if (type >= DNS_TYPE_AXFR && type <= DNS_TYPE_MAILA)
		return false;
	if (type == DNS_TYPE_ANY && p->any == ANY_DROP)
		return false;
	return !p->has_types ||
	       (type < DNSAUTH_TYPES && (p->type_set[type / 64] >> type % 64 & 1) != 0);
}

/* Of a query that is no more than one question; other operations have forms of their own. */
static inline bool
is_one_question(const struct dns *q)
{
	const unsigned int most_authorities = q->type == DNS_TYPE_IXFR ? 1 : 0;

	return q->questions == 1 && q->answers == 0 &&
	       q->authorities <= most_authorities && q->additionals <= MOST_ADDITIONAL;
}

/* The longest zone it lies in is not asked for here, only whether there is one. */
static bool
is_in_zones(const struct dnsauth_params *p, const uint8_t *message, const struct dns *q)
{
	struct dns_hashes hashes;

	if (p->zones.slot == NULL)
		return true;
	dns_hash(&p->zones.key, message, q, &hashes);
	return zones_find(&p->zones, &hashes) >= 0;
}

/* Why a message that could be read is refused, or REASONS. */
static enum dnsauth_reason
fault_of(const struct dnsauth_params *p, const uint8_t *message, const struct dns *q)
{
	const unsigned int opcode = (q->flags & DNS_OPCODE) >> DNS_OPCODE_SHIFT;

	if ((p->opcode_set >> opcode & 1) == 0)
		return REASON_NOT_ALLOWED;
	if (q->class != DNS_CLASS_IN && q->class != DNS_CLASS_CHAOS)
		return REASON_NOT_ALLOWED;
	if (opcode == DNS_QUERY) {
		if (!is_one_question(q))
			return REASON_MALFORMED;
		if (!is_type_allowed(p, q->type))
			return REASON_NOT_ALLOWED;
	}
	/* What a server says of itself (version.bind) lies in no zone. */
	if (q->class == DNS_CLASS_IN && !is_in_zones(p, message, q))
		return REASON_OUTSIDE_ZONE;
	return REASONS;
}

/* What would go back to who sent this query. */
static inline void
note_cut(struct truncated *t, const uint8_t *message, const struct dns *q)
{
	t->end = q->end;
	t->has_edns = q->has_edns;
	t->options = q->has_edns && q->edns_data != 0
	                     ? truncated_options(message + q->end, q->edns_data)
	                     : 0;
}

static inline void
look(struct dnsauth *s, const struct dnsauth_params *p, const struct burst *b,
     unsigned int i, struct found *found)
{
	const uint8_t *message = b->bytes[i] + b->facts[i].payload_off;
	const unsigned int len = dnsauth_readable(b, i);
	enum dnsauth_reason reason = REASONS;
	struct dns q;

	if (len > 2 && (message[2] & DNS_QR >> 8) != 0) {
		/* The inside may have asked from this port itself. */
		if (b->flow[i] == BURST_NO_FLOW)
			found->bad[REASON_WRONG_DIRECTION] |= lane_bit(i);
		return;
	}
	if (dns_read(message, len, &q))
		reason = fault_of(p, message, &q);
	else
		reason = REASON_MALFORMED;
	if (reason != REASONS) {
		found->bad[reason] |= lane_bit(i);
		return;
	}
	if ((q.flags & DNS_OPCODE) != 0) {
		found->others |= lane_bit(i);
		return;
	}
	found->queries |= lane_bit(i);
	if (q.type == DNS_TYPE_ANY && p->any == ANY_TCP)
		found->any |= lane_bit(i);
	note_cut(&s->cut[i], message, &q);
}

/* Of an answer to IPv6 counts the /48, of one to IPv4 the /24. */
static inline struct meter *
network_of(const struct dnsauth *s, const struct burst *b, unsigned int i)
{
	const bool is_ipv6 = (b->flags[i] & FACT_IPV6) != 0;
	const __m128i src = _mm_load_si128((const __m128i *)b->facts[i].src);
	const __m128i of_ipv6 = _mm_set_epi64x(0, 0xffffffffffff);
	const __m128i of_ipv4 = _mm_set_epi64x(0x00ffffffffffffff, -1);
	__m128i network = _mm_and_si128(src, is_ipv6 ? of_ipv6 : of_ipv4);

	return &s->answers[hash_16(&s->common->key, &network).lo % DNSAUTH_NETWORKS];
}

/* Answer these lanes, as far as their networks may get answers. */
static void
answer(struct dnsauth *s, const struct dnsauth_params *p, struct burst *b, uint64_t lanes)
{
	const struct meter_rate *rate = &p->answer_rate;
	const uint64_t now = meter_ticks(b->now_ns);
	struct meter *cell[LANES_MAX];
	uint64_t within = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		cell[i] = network_of(s, b, i);
		__builtin_prefetch(cell[i], 1);
	}
	LANES_FOREACH (i, lanes)
		within |= (uint64_t)meter_take(cell[i], rate->each, rate->slack, now)
		          << i;
	b->live &= ~within;
	lanes_fill8(b->verdict, within, VERDICT_REPLY);
	lanes_fill8(b->reason, within, REASON_TRUNCATED);
	dnsauth_drop(s, b, lanes & ~within, REASON_ANSWERS);
}

/* Of proven lanes those whose sources have asked too much. */
static uint64_t
over_their_queries(const struct dnsauth *s, const struct dnsauth_params *p,
                   const struct burst *b, uint64_t lanes)
{
	const __m128i price = _mm_set_epi64x(0, (long long)p->query_rate.each);
	const __m128i most = _mm_set_epi64x(INT64_MAX, (long long)p->query_rate.slack);
	const uint64_t now = meter_ticks(b->now_ns);
	uint64_t paid_until[2], over = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes & s->sources->asked)
		if (!crowd_take(&s->queries, s->sources->batch.hash[i], price, most, now,
		                paid_until))
			over |= lane_bit(i);
	return over;
}

/* What a name is counted under: its zone, or its last labels, but not all of them. */
static bool
ask_of(const struct dnsauth *s, const struct dnsauth_params *p, const uint8_t *message,
       const struct dns *q, struct names_asked *out)
{
	struct dns_hashes hashes;
	unsigned int labels = (unsigned int)p->suffix_labels;
	int zone = -1;

	if (q->labels == 0)
		return false;
	if (p->zones.slot != NULL) {
		dns_hash(&p->zones.key, message, q, &hashes);
		zone = zones_find(&p->zones, &hashes);
	}
	if (labels >= q->labels)
		labels = q->labels - 1u;
	if (zone >= 0)
		labels = (unsigned int)zone;
	dns_hash(&s->names.key, message, q, &hashes);
	out->name = hashes.name;
	out->suffix = dns_suffix(&s->names.key, &hashes, labels);
	return true;
}

/* Of queries that would pass those for names that nobody knows, of which there are too many. */
static uint64_t
random_names(struct dnsauth *s, const struct dnsauth_params *p, const struct burst *b,
             uint64_t lanes)
{
	struct names_limit limit = p->names;
	uint64_t random = 0;
	unsigned int i;

	/* Names of one suffix come by all workers. */
	limit.rate.each *= s->workers;
	LANES_FOREACH (i, lanes) {
		const uint8_t *message = b->bytes[i] + b->facts[i].payload_off;
		struct names_asked a = { .service = b->service[i] };
		struct dns q;

		if (dns_read(message, dnsauth_readable(b, i), &q) &&
		    ask_of(s, p, message, &q, &a) &&
		    !names_take(&s->names, &a, &limit, b->now_ns))
			random |= lane_bit(i);
	}
	return random;
}

void
dnsauth_learn(struct dnsauth *s, const struct stage_view *view, const struct burst *b,
              uint64_t lanes)
{
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const struct dnsauth_params *p = view->params[b->policy[i]];
		const uint8_t *message = b->bytes[i] + b->facts[i].payload_off;
		struct names_asked a = { .service = b->service[i] };
		unsigned int rcode;
		struct dns q;

		if (p->new_names == 0 || !dnsauth_is_served(p, b->facts[i].src_port) ||
		    !dns_read(message, dnsauth_readable(b, i), &q) ||
		    (q.flags & (DNS_QR | DNS_OPCODE)) != DNS_QR ||
		    !ask_of(s, p, message, &q, &a))
			continue;
		rcode = q.flags & DNS_RCODE;
		names_learn(&s->names, &a, rcode == DNS_NOERROR && q.answers != 0,
		            rcode == DNS_NXDOMAIN, b->now_ns);
	}
}

/* Strangers have to prove themselves, others may ask only so much. */
static void
challenge(struct dnsauth *s, const struct dnsauth_params *p, struct burst *b,
          uint64_t lanes, const struct found *found)
{
	uint64_t strangers, proven;

	if (lanes == 0)
		return;
	source_ask_verified(s->sources, b, lanes);
	strangers = lanes_where8(b->standing, STANDING_UNVERIFIED) & lanes;
	answer(s, p, b, found->queries & (strangers | (found->any & lanes)));
	dnsauth_drop(s, b, found->others & strangers, REASON_UNPROVEN);
	proven = lanes & b->live & ~strangers;
	if (p->queries != 0)
		dnsauth_drop(s, b, over_their_queries(s, p, b, proven), REASON_QUERIES);
}

static inline uint64_t
served_lanes(const struct dnsauth_params *p, const struct burst *b, uint64_t lanes)
{
	struct ports ports;
	uint64_t served;

	ports_read(&ports, b);
	served = ports_between(&ports, p->first_ports.first, p->first_ports.last);
	for (size_t i = 1; i < p->ports.count; i++)
		served |= ports_between(&ports, p->ports.range[i].first,
		                        p->ports.range[i].last);
	return served & lanes;
}

/* The lanes of one policy, of which those that are no DNS go on. */
static void
judge(struct dnsauth *s, const struct dnsauth_params *p, struct burst *b, uint64_t lanes)
{
	struct found found = { 0 };
	uint64_t served = served_lanes(p, b, lanes);
	unsigned int i;

	if (served == 0)
		return;
	LANES_FOREACH (i, served)
		look(s, p, b, i, &found);
	for (unsigned int reason = 0; reason < REASONS; reason++)
		dnsauth_drop(s, b, found.bad[reason], (enum dnsauth_reason)reason);
	if (p->method != METHOD_OFF)
		challenge(s, p, b, served & b->live & b->challenged, &found);
	served &= b->live & found.queries;
	if (p->new_names != 0 && served != 0)
		dnsauth_drop(s, b, random_names(s, p, b, served), REASON_RANDOM_NAMES);
}

void
dnsauth_decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	uint64_t rest = lanes_where8(b->vector, VECTOR_UDP_FLOOD) & todo;

	while (rest != 0) {
		const uint16_t policy = b->policy[__builtin_ctzll(rest)];
		const uint64_t same = lanes_where16(b->policy, policy) & rest;
		const struct dnsauth_params *p = view->params[policy];
		const uint64_t judged = p->is_strict ? same : same & b->armed;

		rest &= ~same;
		if (judged != 0)
			judge(state, p, b, judged);
	}
}

void
dnsauth_reply(void *state, struct burst *b, uint64_t lanes)
{
	const struct dnsauth *s = state;
	unsigned int i;

	LANES_FOREACH (i, lanes)
		truncated_write(b, i, &s->cut[i]);
}
