/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * behaviour - connections that are kept to be kept.
 *
 * Every client here has proven that it is there and finished its handshake; what is
 * judged is what it does with the connection. The stage learns from both directions
 * (observe), refuses what comes too often and ends what comes too slowly (decide), and
 * finds with its timers what does not come at all (carry).
 *
 * Everything is off until it is configured.
 */
#include "stage/behaviour/behaviour.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/notices.h"
#include "stage/behaviour/parts.h"

static const struct stage_reason reasons[] = {
	[REASON_CONNECTIONS] = { "connections", REASON_DROP,
	                         "The source holds `max_connections` of this service "
	                         "open "
	                         "and wants another." },
	[REASON_HALF_OPEN] = { "half_open", REASON_DROP,
	                       "The source has begun `max_half_open` handshakes in ten "
	                       "seconds that it did not complete." },
	[REASON_INITIAL] = { "initial", REASON_DROP,
	                     "The connection did not bring `initial_bytes` within "
	                     "`initial_time`." },
	[REASON_HEADER] = { "header", REASON_DROP,
	                    "The first HTTP header on the connection was not finished "
	                    "within `header_time`." },
	[REASON_RATE] = { "min_rate", REASON_DROP,
	                  "The client let the server wait and sent less than `min_rate` "
	                  "for two times `min_rate_time`." },
	[REASON_IDLE] = { "idle", REASON_DROP,
	                  "Nothing new came on the connection, in either direction, for "
	                  "`idle_limit`." },
	[REASON_BLOCKED] = { "source_blocked", REASON_DROP,
	                     "The source was blocked while the connection was open; it "
	                     "was "
	                     "ended, so that the server need not wait for it." },
	{ NULL, REASON_DROP, NULL },
};

const char *const behaviour_full_name[REASONS] = {
	[REASON_CONNECTIONS] = "behaviour.connections",
	[REASON_HALF_OPEN] = "behaviour.half_open",
	[REASON_INITIAL] = "behaviour.initial",
	[REASON_HEADER] = "behaviour.header",
	[REASON_RATE] = "behaviour.min_rate",
	[REASON_IDLE] = "behaviour.idle",
	[REASON_BLOCKED] = "behaviour.source_blocked",
};

struct half {
	uint8_t key[TABLE_KEY];
	struct meter begun; /* handshakes that were not completed */
	uint8_t spare[8];
};
static_assert(sizeof(struct half) == 64, "a source of half-open handshakes is one line");

static uint64_t
memory(uint64_t flow_entries)
{
	return table_slots(flow_entries) * sizeof(struct life) +
	       table_bytes(HALVES_ENTRIES, sizeof(struct half));
}

static void
close_state(void *state)
{
	struct behaviour *s = state;

	table_close(&s->halves);
	memory_give(s->life, s->life_bytes);
	free(s);
}

static int
open_state(void **state, const struct stage_env *env)
{
	struct behaviour *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return -ENOMEM;
	s->flows = env->flows;
	s->sources = env->sources;
	s->notices = env->notices;
	s->env = env;
	while (s->index < stage_count && stage_list[s->index] != &stage_behaviour)
		s->index++;
	rc = table_open(&s->halves, HALVES_ENTRIES, sizeof(struct half));
	if (rc != 0) {
		free(s);
		return rc;
	}
	table_set_idle(&s->halves, TABLE_UNEARNED, HALVES_NS);
	s->life_bytes = (size_t)s->flows->table.buckets * TABLE_WAYS * sizeof(*s->life);
	s->life = memory_take(s->life_bytes);
	if (s->life == NULL) {
		close_state(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

/* Lanes whose policy asks for something of connections that live. */
static uint64_t
lanes_with_lives(const struct stage_view *view, const struct burst *b, uint64_t lanes)
{
	uint64_t mine = 0;

	while (lanes != 0) {
		const uint16_t policy = b->policy[__builtin_ctzll(lanes)];
		const struct behaviour_params *p = view->params[policy];
		const uint64_t same = lanes_where16(b->policy, policy) & lanes;

		mine |= p->has_lives ? same : 0;
		lanes &= ~same;
	}
	return mine;
}

static void
observe(void *state, const struct stage_view *view, struct burst *b, uint64_t lanes)
{
	const uint64_t mine = lanes_with_lives(view, b, lanes);
	struct behaviour *s = state;
	uint64_t found = 0;
	unsigned int i;

	LANES_FOREACH (i, mine)
		if (b->flow[i] != BURST_NO_FLOW) {
			found |= lane_bit(i);
			__builtin_prefetch(behaviour_life(s, b->flow[i]), 1);
		}
	LANES_FOREACH (i, found)
		behaviour_see(s, view->params[b->policy[i]], b, i);
}

/* The handshakes a source has begun. Strangers have no record of their own elsewhere. */
static struct half *
half_of(struct behaviour *s, const struct burst *b, unsigned int lane, bool make)
{
	const struct table_batch *batch = &s->sources->batch;
	const uint16_t tick = table_tick(b->now_ns);
	const uint8_t *key = batch->key[lane];
	const struct hash128 hash = batch->hash[lane];
	uint32_t slot;

	if ((s->sources->asked & lane_bit(lane)) == 0)
		return NULL;
	slot = table_find(&s->halves, hash, key, tick);
	if (slot == TABLE_NONE && make)
		slot = table_insert(&s->halves, hash, key, TABLE_UNEARNED, tick);
	return slot == TABLE_NONE ? NULL : table_record(&s->halves, slot);
}

/* How many customers the source of a lane stands for (stage lists). */
static inline uint64_t
customers(const struct behaviour_params *p, const struct burst *b, unsigned int lane)
{
	return (b->trusted & lane_bit(lane)) == 0 ? 1 : p->scale[b->scale[lane]];
}

/* What one handshake pays; who stands for many pays a part of it. */
static inline uint64_t
half_price(const struct behaviour_params *p, const struct burst *b, unsigned int lane)
{
	const uint64_t scale = customers(p, b, lane);

	return scale == 1 ? p->half_each : p->half_each / scale;
}

static unsigned int
judge_opening(struct behaviour *s, const struct behaviour_params *p,
              const struct burst *b, unsigned int lane)
{
	const struct source *source = source_of_lane(s->sources, lane);
	struct half *half;

	if (p->max_connections != 0 && source != NULL &&
	    source->flows >= p->max_connections * customers(p, b, lane))
		return REASON_CONNECTIONS;
	if (p->max_half_open == 0 || (half = half_of(s, b, lane, true)) == NULL)
		return NO_REASON;
	return meter_take(&half->begun, half_price(p, b, lane), p->half_slack,
	                  meter_ticks(b->now_ns))
	               ? NO_REASON
	               : REASON_HALF_OPEN;
}

/* Its connections were ended again and again: a source that is real may be blocked. */
static void
block_if_due(struct behaviour *s, const struct behaviour_params *p, const struct burst *b,
             uint32_t slot)
{
	struct source *source = source_at(s->sources, slot);
	struct notice n = {
		.time_ns = b->now_ns,
		.until_ns = b->now_ns + p->block_for_ns,
		.value = source->key.strikes,
		.threshold = p->block_after,
		.unit = "connections",
		.service = source->key.service,
		.kind = NOTICE_SOURCE_BLOCKED,
		.prefix_len = source->key.prefix_len,
		.stage = s->index,
		.reason = REASON_CONNECTIONS,
	};

	if (p->block_for_ns == 0 || source->key.strikes < p->block_after)
		return;
	source->key.strikes = 0;
	source_block(s->sources, slot, b->now_ns, p->block_for_ns);
	memcpy(n.address, source->key.address, sizeof(n.address));
	notices_put(s->notices, &n);
}

/* A handshake was proven just now. */
static unsigned int
judge_proof(struct behaviour *s, const struct behaviour_params *p, struct burst *b,
            unsigned int lane)
{
	const bool is_watched = (b->watched & lane_bit(lane)) != 0;
	const struct source *source = source_of_lane(s->sources, lane);
	struct half *half = p->max_half_open != 0 ? half_of(s, b, lane, false) : NULL;

	if (half != NULL) {
		const uint64_t price = half_price(p, b, lane);
		uint64_t *paid = &half->begun.paid_until;

		*paid -= price < *paid ? price : *paid;
	}
	if (source == NULL)
		return NO_REASON;
	if (!is_watched && (b->trusted & lane_bit(lane)) == 0)
		block_if_due(s, p, b, s->sources->lane[lane]);
	if (p->max_connections == 0 ||
	    source->flows <= p->max_connections * customers(p, b, lane))
		return NO_REASON;
	if (!is_watched)
		behaviour_refuse(s, p, b, lane);
	return REASON_CONNECTIONS;
}

/* A packet of a connection that lives, or did. */
static unsigned int
judge_life(struct behaviour *s, const struct behaviour_params *p, struct burst *b,
           unsigned int lane)
{
	const bool is_watched = (b->watched & lane_bit(lane)) != 0;
	const uint32_t slot = b->flow[lane];
	const struct flow *flow = flow_at(s->flows, slot);
	struct life *l = behaviour_life(s, slot);
	const unsigned int reason = l->why & LIFE_REASON;
	const uint32_t source = flow->source;

	if ((l->state & LIFE_WATCHED) == 0 ||
	    l->signature != behaviour_signature(s->flows, slot))
		return NO_REASON;
	if ((l->state & LIFE_CLOSED) != 0)
		return reason;
	l->why |= (uint8_t)((is_watched ? LIFE_MONITOR : LIFE_MITIGATE) << LIFE_MODE);
	if (!behaviour_is_due(l, table_tick(b->now_ns)) ||
	    (flow->state & (FLOW_VERIFIED | FLOW_CLOSING)) != FLOW_VERIFIED ||
	    (is_watched && (l->state & LIFE_TOLD) != 0))
		return NO_REASON;
	if (is_watched) {
		l->state |= LIFE_TOLD;
		return reason;
	}
	if (flow_is_counted(flow, source, source_at(s->sources, source))) {
		s->sources->lane[lane] = source;
		behaviour_end(s, p, b, lane, reason);
		if ((b->trusted & lane_bit(lane)) == 0)
			block_if_due(s, p, b, source);
	} else {
		behaviour_end(s, p, b, lane, reason);
	}
	return reason;
}

static unsigned int
judge(struct behaviour *s, const struct behaviour_params *p, struct burst *b,
      unsigned int lane)
{
	const struct facts *f = &b->facts[lane];
	unsigned int reason = NO_REASON;

	if (f->proto != PROTO_TCP || (f->flags & FACT_FRAG_REST) != 0)
		return NO_REASON;
	if (flow_is_opening(f, SIDE_EXTERNAL))
		return judge_opening(s, p, b, lane);
	if (b->flow[lane] == BURST_NO_FLOW)
		return NO_REASON;
	if ((s->sources->proven & lane_bit(lane)) != 0)
		reason = judge_proof(s, p, b, lane);
	if (reason == NO_REASON && p->has_lives)
		reason = judge_life(s, p, b, lane);
	return reason;
}

static void
decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	uint64_t drops[REASONS] = { 0 };
	struct behaviour *s = state;
	uint64_t rest = todo;
	unsigned int i;

	while (rest != 0) {
		const uint16_t policy = b->policy[__builtin_ctzll(rest)];
		const struct behaviour_params *p = view->params[policy];
		const uint64_t same = lanes_where16(b->policy, policy) & rest;

		rest &= ~same;
		if (!p->has_lives && p->max_connections == 0 && p->max_half_open == 0)
			continue;
		LANES_FOREACH (i, same) {
			const unsigned int reason = judge(s, p, b, i);

			if (reason != NO_REASON)
				drops[reason] |= lane_bit(i);
		}
	}
	for (uint8_t reason = 0; reason < REASONS; reason++)
		if (drops[reason] != 0) {
			source_note_drops(s->sources, b, drops[reason],
			                  behaviour_full_name[reason]);
			burst_drop_lanes(b, drops[reason], reason);
		}
}

static void
carry(void *state, struct burst *b)
{
	behaviour_sweep(state, b);
}

static bool
is_waiting(const void *state)
{
	return ((const struct behaviour *)state)->awake != 0;
}

static void
tick(void *state, uint64_t now_ns, unsigned int budget)
{
	struct behaviour *s = state;

	table_sweep(&s->halves, (budget + TABLE_WAYS - 1) / TABLE_WAYS,
	            table_tick(now_ns));
}

const struct stage stage_behaviour = {
	.name = "behaviour",
	.help = "Ends connections that are kept open to keep a server busy.",
	.reasons = reasons,
	.fields = behaviour_fields,
	.params_size = sizeof(struct behaviour_params),
	.compile = behaviour_compile,
	.open = open_state,
	.close = close_state,
	.memory = memory,
	.observe = observe,
	.decide = decide,
	.carry = carry,
	.is_waiting = is_waiting,
	.tick = tick,
};
