/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sources - hold every source address to what one customer may ask for.
 *
 * What a verified flow sends charges the verified meters, anything else the
 * unverified ones, and a connection is charged only when its handshake is
 * proven. So who forges a customer's address spends nothing of what the
 * customer has proven. Only proven traffic can lead to a block, for the same
 * reason; the block then meets the whole source, because it is real.
 *
 * The sources of a burst were found by stage `flows` (flow/source.h).
 */
#include "stage/sources/sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/notices.h"
#include "conf/conf.h"
#include "flow/flow.h"
#include "flow/source.h"
#include "meter/meter.h"
#include "packet/burst.h"
#include "stage/explain.h"

#define MS_NS           UINT64_C(1000000)
#define SECOND_NS       (1000 * MS_NS)
#define BURST_NS        (200 * MS_NS) /* of packets and bits, and never less than: */
#define BURST_PACKETS   64u
#define BURST_CONN_NS   SECOND_NS /* browsers open many at once */
#define BURST_CONNS     20u
#define CALM_NS         SECOND_NS /* without a refusal: no longer over its limit */
#define DEBT_SHIFT      14        /* ticks to units of source.over_debt */
#define EXPLAIN_BUCKETS 512u

enum {
	REASON_BLOCKED,
	REASON_CONNECTIONS,
	REASON_PACKETS,
	REASON_BITS,
	REASON_VERIFIED_PACKETS,
	REASON_VERIFIED_BITS,
	REASONS
};
#define NO_REASON REASONS

static const struct stage_reason reasons[] = {
	[REASON_BLOCKED] = { "blocked", REASON_DROP,
	                     "The source is real, stayed over a limit for `block_after` "
	                     "and is blocked for `block_for`." },
	[REASON_CONNECTIONS] = { "connections", REASON_DROP,
	                         "The source completes more handshakes than "
	                         "`new_connections`; what it has open goes on." },
	[REASON_PACKETS] = { "packets", REASON_DROP,
	                     "The source sends more packets outside of verified flows "
	                     "than `packets` allows." },
	[REASON_BITS] = { "bits", REASON_DROP,
	                  "The source sends more outside of verified flows than "
	                  "`bits`." },
	[REASON_VERIFIED_PACKETS] = { "verified_packets", REASON_DROP,
	                              "The verified flows of the source send more "
	                              "packets than `verified_packets`." },
	[REASON_VERIFIED_BITS] = { "verified_bits", REASON_DROP,
	                           "The verified flows of the source send more than "
	                           "`verified_bits`." },
	{ NULL, REASON_DROP, NULL },
};

/* The same with the stage's name, as explain tells it later. */
static const char *const full_name[REASONS] = {
	[REASON_BLOCKED] = "sources.blocked",
	[REASON_CONNECTIONS] = "sources.connections",
	[REASON_PACKETS] = "sources.packets",
	[REASON_BITS] = "sources.bits",
	[REASON_VERIFIED_PACKETS] = "sources.verified_packets",
	[REASON_VERIFIED_BITS] = "sources.verified_bits",
};

static const struct meter_kind {
	const char *what, *unit;
	enum meter_unit counts;
	uint64_t burst_ns;
	unsigned int least; /* packets or connections of burst */
	uint8_t reason;
} kinds[SOURCE_METERS] = {
	[SOURCE_PACKETS] = { "packets", "packets_per_second", METER_PACKETS, BURST_NS,
	                     BURST_PACKETS, REASON_PACKETS },
	[SOURCE_BITS] = { "bits", "bits_per_second", METER_BITS, BURST_NS, BURST_PACKETS,
	                  REASON_BITS },
	[SOURCE_VERIFIED_PACKETS] = { "verified packets", "packets_per_second",
	                              METER_PACKETS, BURST_NS, BURST_PACKETS,
	                              REASON_VERIFIED_PACKETS },
	[SOURCE_VERIFIED_BITS] = { "verified bits", "bits_per_second", METER_BITS,
	                           BURST_NS, BURST_PACKETS, REASON_VERIFIED_BITS },
	[SOURCE_CONNECTIONS] = { "new connections", "connections_per_second",
	                         METER_PACKETS, BURST_CONN_NS, BURST_CONNS,
	                         REASON_CONNECTIONS },
};

struct params {
	uint64_t limit[SOURCE_METERS]; /* as configured; 0: none */
	uint64_t block_for_ns, block_after_ns;
	struct meter_rate rate[SOURCE_METERS]; /* derived */
};

#define LIMIT(name, of, unit, off, most, text)                                           \
	{                                                                                \
		.key = name, .kind = unit, .offset = offsetof(struct params, limit[of]), \
		.absent = off, .min = 1, .max = most, .help = text                       \
	}

static const struct conf_field fields[] = {
	LIMIT("packets", SOURCE_PACKETS, CONF_PACKETS, "10kpps", METER_MAX_PPS,
	      "Packets of one source that belong to no verified flow."),
	LIMIT("bits", SOURCE_BITS, CONF_BITS, "100Mbit/s", METER_MAX_BITS,
	      "Bits of frames of one source that belong to no verified flow."),
	LIMIT("verified_packets", SOURCE_VERIFIED_PACKETS, CONF_PACKETS, "100kpps",
	      METER_MAX_PPS, "Packets of all verified flows of one source."),
	LIMIT("verified_bits", SOURCE_VERIFIED_BITS, CONF_BITS, "1Gbit/s", METER_MAX_BITS,
	      "Bits of frames of all verified flows of one source."),
	LIMIT("new_connections", SOURCE_CONNECTIONS, CONF_CPS, "200cps", METER_MAX_PPS,
	      "Completed handshakes of one source; forged ones are never counted."),
	{ .key = "block_for",
	  .kind = CONF_TIME,
	  .offset = offsetof(struct params, block_for_ns),
	  .absent = "0s",
	  .max = SOURCE_MAX_NS,
	  .help = "How long to block a real source that stays over a verified limit or "
	          "new_connections; 0s never blocks." },
	{ .key = "block_after",
	  .kind = CONF_TIME,
	  .offset = offsetof(struct params, block_after_ns),
	  .absent = "5s",
	  .min = 100 * MS_NS,
	  .max = 600 * SECOND_NS,
	  .help = "How long a source must stay over such a limit to be blocked." },
	{ 0 },
};

struct state {
	struct flow_table *flows;
	struct source_table *sources;
	struct notices *notices;
	uint8_t index; /* of this stage in the registry, for notices */
};

static int
compile(void *params, const struct stage_compile *from, struct conf_errors *errors)
{
	struct params *p = params;

	(void)from;
	for (unsigned int m = 0; m < SOURCE_METERS; m++) {
		const struct meter_limit limit = { p->limit[m], kinds[m].counts };

		if (meter_rate_init(&p->rate[m], &limit, kinds[m].burst_ns,
		                    kinds[m].least) == 0)
			continue;
		conf_fail(errors, NULL, "the limit of %s per source is out of range",
		          kinds[m].what);
		return -EINVAL;
	}
	return 0;
}

static int
open_state(void **state, const struct stage_env *env)
{
	struct state *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->flows = env->flows;
	s->sources = env->sources;
	s->notices = env->notices;
	while (s->index < stage_count && stage_list[s->index] != &stage_sources)
		s->index++;
	*state = s;
	return 0;
}

static void
close_state(void *state)
{
	free(state);
}

static inline struct meter *
meter_of(struct source *source, enum source_meter m)
{
	static_assert(sizeof(struct meter) == sizeof(source->meter[0]),
	              "a meter is one word");
	return (struct meter *)&source->meter[m];
}

static inline bool
is_over(struct source *source, const struct params *p, enum source_meter m, uint64_t now)
{
	return meter_ahead(meter_of(source, m), now) > p->rate[m].slack;
}

/* Charge the meters of packets and of bits, both or none. Returns the one that is over. */
static enum source_meter
charge(struct source *source, const struct params *p, enum source_meter packets,
       uint32_t bytes, uint64_t now)
{
	const enum source_meter bits = packets + 1;

	if (is_over(source, p, packets, now))
		return packets;
	if (is_over(source, p, bits, now))
		return bits;
	meter_take(meter_of(source, packets), meter_price(&p->rate[packets], bytes),
	           UINT64_MAX, now);
	meter_take(meter_of(source, bits), meter_price(&p->rate[bits], bytes), UINT64_MAX,
	           now);
	return SOURCE_METERS;
}

static void
notify(struct state *s, const struct source *source, const struct params *p,
       enum source_meter m, uint64_t now_ns)
{
	const uint64_t elapsed_ns = source_since(source->over_since, now_ns);
	struct notice n = {
		.time_ns = now_ns,
		.until_ns = now_ns + p->block_for_ns,
		.threshold = p->limit[m],
		.unit = kinds[m].unit,
		.service = source->key.service,
		.kind = NOTICE_SOURCE_BLOCKED,
		.prefix_len = source->key.prefix_len,
		.stage = s->index,
		.reason = kinds[m].reason,
	};

	/* It used its limit up, and was refused so much on top. */
	n.value = p->limit[m] + (uint64_t)((unsigned __int128)p->limit[m] *
	                                   source->over_debt * 256 / elapsed_ns);
	memcpy(n.address, source->key.address, sizeof(n.address));
	notices_put(s->notices, &n);
}

/*
 * Proven traffic was refused. When that has gone on for block_after without a
 * second of calm, the source is blocked. Monitor blocks nobody.
 */
static void
note_over(struct state *s, const struct params *p, const struct burst *b, unsigned int i,
          enum source_meter m)
{
	struct source *source = source_of_lane(s->sources, i);
	uint64_t debt = meter_price(&p->rate[m], b->facts[i].frame_len) >> DEBT_SHIFT;

	if (source->over_since == 0 ||
	    source_since(source->over_last, b->now_ns) > CALM_NS) {
		source->over_since = source_moment(b->now_ns);
		source->over_debt = 0;
	}
	source->over_last = source_moment(b->now_ns);
	debt += source->over_debt;
	source->over_debt = debt > UINT32_MAX ? UINT32_MAX : (uint32_t)debt;

	if (p->block_for_ns == 0 || (b->watched & lane_bit(i)) != 0 ||
	    source_since(source->over_since, b->now_ns) < p->block_after_ns)
		return;
	source_block(s->sources, s->sources->lane[i], b->now_ns, p->block_for_ns);
	notify(s, source, p, m, b->now_ns);
	source->over_since = 0;
}

/* A handshake that would be one too many did not happen: the next acknowledgement tries again. */
static bool
is_connection_refused(struct state *s, const struct params *p, const struct burst *b,
                      unsigned int i, uint64_t now)
{
	const struct meter_rate *rate = &p->rate[SOURCE_CONNECTIONS];
	struct source *source = source_of_lane(s->sources, i);

	if ((s->sources->proven & lane_bit(i)) == 0)
		return (b->facts[i].tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN &&
		       is_over(source, p, SOURCE_CONNECTIONS, now);
	if (meter_take(meter_of(source, SOURCE_CONNECTIONS), meter_price(rate, 0),
	               rate->slack, now))
		return false;
	if ((b->watched & lane_bit(i)) == 0)
		flow_unprove(s->flows, b->flow[i]);
	note_over(s, p, b, i, SOURCE_CONNECTIONS);
	return true;
}

static unsigned int
judge(struct state *s, const struct params *p, const struct burst *b, unsigned int i)
{
	const uint64_t now = meter_ticks(b->now_ns);
	const bool is_verified = b->standing[i] == STANDING_VERIFIED_FLOW;
	struct source *source = source_of_lane(s->sources, i);
	enum source_meter over;

	source->policy = (uint8_t)b->policy[i];
	if (source_is_ahead(source->blocked_until, b->now_ns))
		return REASON_BLOCKED;
	if (is_connection_refused(s, p, b, i, now))
		return REASON_CONNECTIONS;
	over = charge(source, p, is_verified ? SOURCE_VERIFIED_PACKETS : SOURCE_PACKETS,
	              b->facts[i].frame_len, now);
	if (over == SOURCE_METERS)
		return NO_REASON;
	if (is_verified)
		note_over(s, p, b, i, over);
	return kinds[over].reason;
}

static void
decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	struct state *s = state;
	unsigned int i, reason;

	/* The first line of each record was touched when it was found; the second is asked for. */
	LANES_FOREACH (i, todo)
		if (s->sources->lane[i] != SOURCE_NONE)
			__builtin_prefetch(
				(const char *)source_at(s->sources, s->sources->lane[i]) +
					64,
				1);

	LANES_FOREACH (i, todo) {
		if (s->sources->lane[i] == SOURCE_NONE)
			continue;
		reason = judge(s, view->params[b->policy[i]], b, i);
		if (reason == NO_REASON)
			continue;
		source_note_drop(s->sources, i, full_name[reason], b->now_ns);
		burst_drop(b, i, (uint8_t)reason);
	}
}

static void
tick(void *state, uint64_t now_ns, unsigned int budget)
{
	struct state *s = state;

	table_sweep(&s->sources->table, (budget + TABLE_WAYS - 1) / TABLE_WAYS,
	            table_tick(now_ns));
}

/* A line of this source, or NULL when there is no room left. */
static struct explain_line *
add(struct explain *e, const struct source *source, const char *what, const char *verdict)
{
	struct explain_line *line = explain_add(e);

	if (line != NULL) {
		line->service = source->key.service;
		line->what = what;
		line->verdict = verdict;
	}
	return line;
}

static void
tell_until(struct explain *e, const struct source *source, const char *what,
           uint32_t until, uint64_t now_ns)
{
	struct explain_line *line;

	if (!source_is_ahead(until, now_ns) ||
	    (line = add(e, source, what, "yes")) == NULL)
		return;
	line->unit = "seconds";
	line->value =
		(uint64_t)(until - source_tick(now_ns)) * SOURCE_TICK_NS / SECOND_NS;
}

/* A meter knows how much of its burst is used, not a rate; that is what is told. */
static void
tell_meters(struct explain *e, struct source *source, const struct params *p,
            uint64_t now_ns)
{
	const uint64_t now = meter_ticks(now_ns);

	for (unsigned int m = 0; m < SOURCE_METERS; m++) {
		const uint64_t whole = p->rate[m].slack + p->rate[m].each;
		struct explain_line *line;

		if (p->limit[m] == 0)
			continue;
		line = add(e, source, kinds[m].what,
		           is_over(source, p, m, now) ? "over" : "within");
		if (line == NULL)
			return;
		line->unit = "percent_of_burst";
		line->value = meter_ahead(meter_of(source, m), now) / (whole / 100 + 1);
		line->threshold = 100;
	}
}

static void
tell(struct explain *e, const struct stage_view *view, struct source *source,
     uint64_t now_ns)
{
	struct source_key wanted;
	struct explain_line *line;

	source_key_of(&wanted, e->address, source->key.service, source->key.prefix_len);
	if (memcmp(&wanted, &source->key, sizeof(wanted)) != 0)
		return;
	tell_until(e, source, "verified source", source->verified_until, now_ns);
	tell_until(e, source, "blocked", source->blocked_until, now_ns);
	if (view->params[source->policy] != NULL)
		tell_meters(e, source, view->params[source->policy], now_ns);
	line = add(e, source, "verified flows", "");
	if (line != NULL)
		line->value = source->flows;
	if (source->last_reason == NULL)
		return;
	line = add(e, source, "last drop", source->last_reason);
	if (line != NULL)
		line->age_ns = source_since(source->last_drop, now_ns);
}

static bool
explain(void *state, const struct stage_view *view, struct explain *e, uint64_t now_ns)
{
	const struct source_table *t = ((struct state *)state)->sources;
	const uint64_t end = e->cursor + EXPLAIN_BUCKETS < t->table.buckets
	                             ? e->cursor + EXPLAIN_BUCKETS
	                             : t->table.buckets;

	for (uint32_t slot = (uint32_t)e->cursor * TABLE_WAYS; slot < end * TABLE_WAYS;
	     slot++)
		if (table_class(&t->table, slot) != TABLE_FREE)
			tell(e, view, source_at(t, slot), now_ns);
	e->cursor = end;
	return end == t->table.buckets;
}

const struct stage stage_sources = {
	.name = "sources",
	.help = "Holds every source address to limits of its own.",
	.reasons = reasons,
	.fields = fields,
	.params_size = sizeof(struct params),
	.compile = compile,
	.open = open_state,
	.close = close_state,
	.decide = decide,
	.tick = tick,
	.explain = explain,
};
