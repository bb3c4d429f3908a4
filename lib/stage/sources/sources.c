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
#include "stage/sources/charge.h"
#include "stage/sources/tell.h"

#define MS_NS         UINT64_C(1000000)
#define SECOND_NS     (1000 * MS_NS)
#define BURST_NS      (200 * MS_NS) /* of packets and bits, and never less than: */
#define BURST_PACKETS 64u
#define BURST_CONN_NS SECOND_NS /* browsers open many at once */
#define BURST_CONNS   20u
#define CALM_NS       SECOND_NS /* without a refusal: no longer over its limit */
#define DEBT_SHIFT    14        /* ticks to units of source.over_debt */

#define NO_REASON REASONS

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
	const char *unit;
	enum meter_unit counts;
	uint64_t burst_ns;
	unsigned int least; /* packets or connections of burst */
	uint8_t reason;
} kinds[SOURCE_METERS] = {
	[SOURCE_PACKETS] = { "packets_per_second", METER_PACKETS, BURST_NS, BURST_PACKETS,
	                     REASON_PACKETS },
	[SOURCE_BITS] = { "bits_per_second", METER_BITS, BURST_NS, BURST_PACKETS,
	                  REASON_BITS },
	[SOURCE_VERIFIED_PACKETS] = { "packets_per_second", METER_PACKETS, BURST_NS,
	                              BURST_PACKETS, REASON_VERIFIED_PACKETS },
	[SOURCE_VERIFIED_BITS] = { "bits_per_second", METER_BITS, BURST_NS, BURST_PACKETS,
	                           REASON_VERIFIED_BITS },
	[SOURCE_CONNECTIONS] = { "connections_per_second", METER_PACKETS, BURST_CONN_NS,
	                         BURST_CONNS, REASON_CONNECTIONS },
};

struct state {
	struct flow_table *flows;
	struct source_table *sources;
	struct notices *notices;
	uint8_t index; /* of this stage in the registry, for notices */
};

static int
make_rates(struct sources_params *p, struct conf_errors *errors)
{
	for (unsigned int m = 0; m < SOURCE_METERS; m++) {
		const struct meter_limit limit = { p->limit[m], kinds[m].counts };

		if (meter_rate_init(&p->rate[m], &limit, kinds[m].burst_ns,
		                    kinds[m].least) == 0)
			continue;
		conf_fail(errors, NULL, "the limit of %s per source is out of range",
		          sources_what[m]);
		return -EINVAL;
	}
	charge_prepare(p);
	return 0;
}

static void
release(void *params)
{
	struct sources_params *p = params;

	free(p->scaled);
	p->scaled = NULL;
}

/* Beyond what can be metered there is no limit. */
static uint64_t
times(unsigned int m, uint64_t limit, uint64_t scale)
{
	const uint64_t most =
		kinds[m].counts == METER_BITS ? METER_MAX_BITS : METER_MAX_PPS;

	return limit > most / scale ? 0 : limit * scale;
}

static int
make_scaled(struct sources_params *p, const struct stage_lists *lists,
            struct conf_errors *errors)
{
	int status = 0;

	p->scaled = calloc(STAGE_LIST_SCALES, sizeof(*p->scaled));
	if (p->scaled == NULL)
		return -ENOMEM;
	for (unsigned int k = 0; k < STAGE_LIST_SCALES && status == 0; k++) {
		const uint64_t scale = lists->scale[k] == 0 ? 1 : lists->scale[k];

		p->scaled[k] = *p;
		p->scaled[k].scaled = NULL;
		for (unsigned int m = 0; m < SOURCE_METERS; m++)
			p->scaled[k].limit[m] = times(m, p->limit[m], scale);
		status = make_rates(&p->scaled[k], errors);
	}
	if (status != 0)
		release(p);
	return status;
}

static int
compile(void *params, const struct stage_compile *from, struct conf_errors *errors)
{
	struct sources_params *p = params;
	int status = make_rates(p, errors);

	p->lists = from->lists;
	p->scaled = NULL;
	if (p->block_for_ns > p->block_max_ns) {
		conf_fail(errors, NULL,
		          "sources.block_for is longer than sources.block_max; no block "
		          "would last so long");
		return -EINVAL;
	}
	if (status == 0 && from->lists != NULL && from->lists->scale[1] > 1)
		status = make_scaled(p, from->lists, errors);
	return status;
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

static void
notify(struct state *s, const struct source *source, const struct sources_params *p,
       enum source_meter m, uint64_t now_ns, uint64_t for_ns)
{
	const uint64_t elapsed_ns = source_since(source->over_since, now_ns);
	struct notice n = {
		.time_ns = now_ns,
		.until_ns = now_ns + for_ns,
		.threshold = p->limit[m],
		.unit = kinds[m].unit,
		.service = source->key.service,
		.times = source->blocks,
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
 * Monitor blocks nobody, and no ladder is jumped: a vector under attack blocks from the
 * rung `block` on. Outside of an attack the policy's word is enough. Who is never
 * blocked goes on being metered.
 */
static bool
may_block(const struct sources_params *p, const struct burst *b, unsigned int i)
{
	const uint64_t not_yet = b->armed & ~b->blocking;

	return p->block_for_ns != 0 &&
	       ((b->watched | b->trusted | not_yet) & lane_bit(i)) == 0;
}

/*
 * Proven traffic was refused. When that has gone on for block_after without a
 * second of calm, the source is blocked, longer each time.
 */
static void
note_over(struct state *s, const struct sources_params *p, const struct burst *b,
          unsigned int i, enum source_meter m)
{
	struct source *source = source_of_lane(s->sources, i);
	uint64_t debt = meter_price(&p->rate[m], b->facts[i].frame_len) >> DEBT_SHIFT;
	uint64_t for_ns;

	if (source->over_since == 0 ||
	    source_since(source->over_last, b->now_ns) > CALM_NS) {
		source->over_since = source_moment(b->now_ns);
		source->over_debt = 0;
	}
	source->over_last = source_moment(b->now_ns);
	debt += source->over_debt;
	source->over_debt = debt > UINT32_MAX ? UINT32_MAX : (uint32_t)debt;

	if (!may_block(p, b, i) ||
	    source_since(source->over_since, b->now_ns) < p->block_after_ns)
		return;
	for_ns = source_punish(s->sources, s->sources->lane[i], b->now_ns,
	                       &(struct source_penalty){ p->block_for_ns, p->block_repeat,
	                                                 p->block_max_ns,
	                                                 p->block_memory_ns });
	notify(s, source, p, m, b->now_ns, for_ns);
	source->over_since = 0;
}

/* A handshake that would be one too many did not happen: the next acknowledgement tries again. */
static bool
is_connection_refused(struct state *s, const struct sources_params *p,
                      const struct burst *b, unsigned int i, uint64_t now)
{
	const struct meter_rate *rate = &p->rate[SOURCE_CONNECTIONS];
	struct source *source = source_of_lane(s->sources, i);

	if ((s->sources->proven & lane_bit(i)) == 0)
		return (b->facts[i].tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN &&
		       sources_is_over(source, p, SOURCE_CONNECTIONS, now);
	if (meter_take(sources_meter(source, SOURCE_CONNECTIONS), meter_price(rate, 0),
	               rate->slack, now))
		return false;
	if ((b->watched & lane_bit(i)) == 0)
		flow_unprove(s->flows, b->flow[i]);
	note_over(s, p, b, i, SOURCE_CONNECTIONS);
	return true;
}

/*
 * The source of a packet of a verified flow, or NULL. When its lot was spent within
 * this very burst the source was not asked for; the flow, which it counts, knows it.
 */
static struct source *
source_of_flow(struct state *s, const struct burst *b, unsigned int i)
{
	const struct flow *flow = flow_at(s->flows, b->flow[i]);

	if ((s->sources->asked & lane_bit(i)) == 0 &&
	    flow_is_counted(flow, flow->source, source_at(s->sources, flow->source)))
		s->sources->lane[i] = flow->source;
	return source_of_lane(s->sources, i);
}

/*
 * A stranger is due a record, which starts from what the cells say. Returns false when
 * there is no room for it: then it is not judged.
 */
static bool
promote(struct state *s, unsigned int i, const uint64_t meters[2], uint64_t now_ns)
{
	struct source *source;

	if (source_make(s->sources, i, now_ns) == SOURCE_NONE)
		return false;
	source = source_of_lane(s->sources, i);
	for (unsigned int m = 0; m < 2; m++)
		if (source->meter[SOURCE_PACKETS + m] < meters[m])
			source->meter[SOURCE_PACKETS + m] = meters[m];
	return true;
}

/* What to do with a packet that is not paid for by its flow's lot. */
static unsigned int
judge(struct state *s, const struct sources_params *p, const struct burst *b,
      unsigned int i)
{
	const uint64_t now = meter_ticks(b->now_ns);
	const bool is_verified = b->standing[i] == STANDING_VERIFIED_FLOW;
	struct source *source =
		is_verified ? source_of_flow(s, b, i) : source_of_lane(s->sources, i);
	enum source_meter over;
	struct flow *flow;

	if (source == NULL)
		return NO_REASON;
	source->policy = (uint8_t)b->policy[i];
	if (source_is_ahead(source->blocked_until, b->now_ns) &&
	    (b->trusted & lane_bit(i)) == 0)
		return REASON_BLOCKED;
	if (is_connection_refused(s, p, b, i, now))
		return REASON_CONNECTIONS;
	if (!is_verified) {
		over = charge_stranger(source, p, b->facts[i].frame_len, now);
		return over == SOURCE_METERS ? NO_REASON : kinds[over].reason;
	}
	flow = flow_at(s->flows, b->flow[i]);
	over = charge_flow(source,
	                   flow_is_counted(flow, s->sources->lane[i], source)
	                           ? &flow->key.credit
	                           : NULL,
	                   p, b->facts[i].frame_len, now);
	if (over == SOURCE_METERS)
		return NO_REASON;
	note_over(s, p, b, i, over);
	return kinds[over].reason;
}

/* Judge one lane; what is dropped joins the lanes of its reason. */
static void
judge_lane(struct state *s, const struct stage_view *view, const struct burst *b,
           unsigned int i, uint64_t drops[REASONS])
{
	const unsigned int reason = judge(s, sources_params_of(view, b, i), b, i);

	if (reason == NO_REASON)
		return;
	drops[reason] |= lane_bit(i);
}

/*
 * Verified flows in their order, because one may use up what the next one lacks, or
 * bring about a block. Most of their packets are paid for already.
 */
static void
decide_flows(struct state *s, const struct stage_view *view, const struct burst *b,
             uint64_t lanes, uint64_t drops[REASONS])
{
	const uint16_t tick = table_tick(b->now_ns);
	uint8_t epoch = s->sources->epoch;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		struct flow *flow = flow_of_lane(s->flows, i);

		if (credit_spend(&flow->key.credit, b->frame_len[i], epoch, tick))
			continue;
		judge_lane(s, view, b, i, drops);
		epoch = s->sources->epoch;
	}
}

/*
 * Strangers without a record, all under one policy and of one scale. Whom the cells do not pay for gets
 * a record that is judged.
 */
static void
decide_crowd(struct state *s, const struct stage_view *view, const struct burst *b,
             uint64_t lanes, uint64_t drops[REASONS])
{
	const struct crowd_prices prices = charge_prices(
		sources_params_of(view, b, (unsigned int)__builtin_ctzll(lanes)));
	const uint64_t now = meter_ticks(b->now_ns);
	const struct crowd crowd = s->sources->crowd;
	const struct hash128 *hash = s->sources->batch.hash;
	uint64_t meters[2];
	unsigned int i;

	LANES_FOREACH (i, lanes)
		if (!charge_crowd(&crowd, hash[i], &prices, b->frame_len[i], now,
		                  meters) &&
		    promote(s, i, meters, b->now_ns))
			judge_lane(s, view, b, i, drops);
}

/* Lanes that stand for as many customers as the first of them. */
static uint64_t
alike(const struct burst *b, uint64_t lanes)
{
	const unsigned int i = (unsigned int)__builtin_ctzll(lanes);

	if ((b->trusted & lane_bit(i)) == 0)
		return lanes & ~b->trusted;
	return lanes_where8(b->scale, b->scale[i]) & lanes & b->trusted;
}

/* No packet of these leads to a block, so they need not keep their place among flows. */
static void
decide_strangers(struct state *s, const struct stage_view *view, const struct burst *b,
                 uint64_t lanes, uint64_t drops[REASONS])
{
	const uint64_t known = s->sources->known & lanes;
	uint64_t crowd = lanes & s->sources->asked & ~known;
	unsigned int i;

	/* A record may have given way to one that this burst made. */
	LANES_FOREACH (i, known) {
		if (s->sources->lane[i] != SOURCE_NONE)
			judge_lane(s, view, b, i, drops);
		else
			crowd |= lane_bit(i);
	}
	while (crowd != 0) {
		const uint16_t policy = b->policy[__builtin_ctzll(crowd)];
		uint64_t same = lanes_where16(b->policy, policy) & crowd;

		if ((b->trusted & same) != 0)
			same &= alike(b, crowd);
		decide_crowd(s, view, b, same, drops);
		crowd &= ~same;
	}
}

static void
decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	const uint64_t verified =
		lanes_where8(b->standing, STANDING_VERIFIED_FLOW) & todo;
	uint64_t drops[REASONS] = { 0 };
	struct state *s = state;

	source_ask_deferred(s->sources, b, todo);
	if (verified != 0)
		decide_flows(s, view, b, verified, drops);
	if (todo != verified)
		decide_strangers(s, view, b, todo & ~verified, drops);
	for (uint8_t reason = 0; reason < REASONS; reason++)
		if (drops[reason] != 0) {
			source_note_drops(s->sources, b, drops[reason],
			                  full_name[reason]);
			burst_drop_lanes(b, drops[reason], reason);
		}
}

static void
tick(void *state, uint64_t now_ns, unsigned int budget)
{
	struct state *s = state;

	source_sweep(s->sources, (budget + TABLE_WAYS - 1) / TABLE_WAYS, now_ns);
}

static bool
explain(void *state, const struct stage_view *view, struct explain *e, uint64_t now_ns)
{
	return sources_tell(((struct state *)state)->sources, view, e, now_ns);
}

const struct stage stage_sources = {
	.name = "sources",
	.help = "Holds every source address to limits of its own.",
	.reasons = sources_reasons,
	.fields = sources_fields,
	.params_size = sizeof(struct sources_params),
	.compile = compile,
	.release = release,
	.open = open_state,
	.close = close_state,
	.decide = decide,
	.tick = tick,
	.explain = explain,
};
