/* SPDX-License-Identifier: BSD-3-Clause */
/* find - the flows of a burst: keys from facts, look-ups, and records for what begins. */
#include <string.h>

#include "base/counter.h"
#include "flow/flow.h"
#include "flow/parts.h"
#include "packet/vector.h"

/* Which bytes of facts become the last block of a key, by the side a burst came in by. */
struct key_form {
	__m128i ends;       /* from where the ports begin: ports and tags */
	__m128i proto;      /* from 16 bytes before the end */
	__m128i link;       /* of the burst, in its place */
	size_t out, inside; /* where the addresses are */
};

#define ENDS_AT  offsetof(struct facts, src_port)
#define PROTO_AT (sizeof(struct facts) - 16)
static_assert(offsetof(struct facts, vlan) == ENDS_AT + 12 &&
                      offsetof(struct facts, inner_vlan) == ENDS_AT + 14 &&
                      offsetof(struct facts, dst_port) == ENDS_AT + 2,
              "one load has ports and tags");
static_assert(offsetof(struct facts, proto) == PROTO_AT + 11, "another has the protocol");
static_assert(offsetof(struct flow_key, outside_port) == 32 &&
                      offsetof(struct flow_key, vlan) == 36 &&
                      offsetof(struct flow_key, link) == 40 &&
                      offsetof(struct flow_key, proto) == 41,
              "the last block of a key is ends, link and protocol");

static inline struct key_form
form_of(const struct burst *b)
{
	const bool is_in = b->side == SIDE_EXTERNAL;
	const __m128i in =
		_mm_setr_epi8(0, 1, 2, 3, 12, 13, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1);
	const __m128i out =
		_mm_setr_epi8(2, 3, 0, 1, 12, 13, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1);

	return (struct key_form){
		.ends = is_in ? in : out,
		.proto = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, 11, -1, -1, -1,
		                       -1, -1, -1),
		.link = _mm_set_epi64x(b->link, 0),
		.out = is_in ? offsetof(struct facts, src) : offsetof(struct facts, dst),
		.inside =
			is_in ? offsetof(struct facts, dst) : offsetof(struct facts, src),
	};
}

/* The key of a packet, as whole blocks. */
static inline void
write_key(struct table_batch *batch, unsigned int i, const struct facts *f,
          const struct key_form *form)
{
	const char *at = (const char *)f;
	__m128i ends = _mm_loadu_si128((const __m128i *)(at + ENDS_AT));
	__m128i proto = _mm_load_si128((const __m128i *)(at + PROTO_AT));

	ends = _mm_or_si128(_mm_shuffle_epi8(ends, form->ends),
	                    _mm_shuffle_epi8(proto, form->proto));
	*table_key_block(batch, i, 0) = _mm_load_si128((const __m128i *)(at + form->out));
	*table_key_block(batch, i, 1) =
		_mm_load_si128((const __m128i *)(at + form->inside));
	*table_key_block(batch, i, 2) = _mm_or_si128(ends, form->link);
}

static uint32_t
insert(struct flow_table *t, struct hash128 hash, const uint8_t key[TABLE_KEY],
       uint16_t tick)
{
	recorded_add(&t->recorded, hash);
	return table_insert(&t->table, hash, key, TABLE_UNEARNED, tick);
}

/* A reset answers what was no flow, so it makes none. */
static uint32_t
make(struct flow_table *t, struct hash128 hash, const uint8_t key[TABLE_KEY],
     const struct facts *f, uint16_t tick)
{
	/* Another lane of this burst may have made it a moment ago. */
	uint32_t slot = table_find(&t->table, hash, key, tick);

	if (slot != TABLE_NONE || (f->tcp_flags & TCP_RST) != 0)
		return slot;
	return insert(t, hash, key, tick);
}

/*
 * New flows of a burst from inside; returns the lanes that have one now. One made
 * late may take the slot of one found early.
 */
static uint64_t
make_missing(struct flow_table *t, struct burst *b, uint64_t lanes, uint64_t found)
{
	const uint16_t tick = table_tick(b->now_ns);
	const struct table_batch *batch = &t->batch;
	const uint64_t missing = lanes & ~found;
	unsigned int i;

	if (missing == 0)
		return found;
	table_ask_bulk(&t->table, batch, missing, tick);
	LANES_FOREACH (i, missing)
		b->flow[i] = make(t, batch->hash[i], batch->key[i], &b->facts[i], tick);
	LANES_FOREACH (i, lanes)
		if (b->flow[i] == TABLE_NONE ||
		    !table_is_key(&t->table, flow_at(t, b->flow[i]), batch->key[i])) {
			b->flow[i] = BURST_NO_FLOW;
			lanes &= ~lane_bit(i);
		}
	LANES_FOREACH (i, lanes & missing)
		t->batch.record[i] = flow_at(t, b->flow[i]);
	return lanes;
}

/*
 * Lanes that can have a flow. Of plain ones only those that open a connection cannot,
 * and their vector tells them; the others are asked one by one.
 */
static inline uint64_t
lanes_with_flow(struct burst *b, uint64_t lanes)
{
	const uint64_t openings = lanes_where8(b->vector, VECTOR_TCP_SYN_FLOOD);
	const uint64_t plain = lanes & b->plain;
	uint64_t none = b->side == SIDE_EXTERNAL ? plain & openings : 0;
	unsigned int i;

	LANES_FOREACH (i, lanes & ~plain)
		if (flow_is_opening(&b->facts[i], (enum side)b->side) ||
		    !flow_is_possible(&b->facts[i]))
			none |= lane_bit(i);
	return lanes & ~none;
}

/* Write and hash the keys of these lanes, and ask for their buckets. */
static inline void
ask(struct flow_table *t, const struct burst *b, uint64_t lanes,
    const struct key_form *form)
{
	struct table_batch *batch = &t->batch;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		write_key(batch, i, &b->facts[i], form);
		table_hash_ask(&t->table, batch, &t->key, i);
	}
}

/*
 * Of what comes while its vector is under attack most has no flow. Write and hash the keys
 * of these lanes, and return those that may have one: the others are not looked for.
 */
static uint64_t
hash_armed(struct flow_table *t, const struct burst *b, uint64_t lanes,
           const struct key_form *form)
{
	const struct recorded recorded = t->recorded;
	struct table_batch *batch = &t->batch;
	uint64_t maybe = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		__m128i hash;

		write_key(batch, i, &b->facts[i], form);
		hash = table_hash(batch, &t->key, i);
		maybe |= (uint64_t)recorded_may_be(&recorded,
		                                   (uint64_t)_mm_extract_epi64(hash, 1))
		         << i;
	}
	return maybe;
}

/* Ask for the buckets of these lanes, whose keys are hashed. */
static inline void
ask_hashed(struct flow_table *t, uint64_t lanes)
{
	unsigned int i;

	LANES_FOREACH (i, lanes)
		table_ask(&t->table, &t->batch, i, (uint32_t)t->batch.hash[i].lo);
}

/* Most flows are not spliced, but while some are, whoever is will be asked for it soon. */
static inline void
ask_splices(const struct flow_table *t, const struct burst *b, uint64_t lanes)
{
	unsigned int i;

	LANES_FOREACH (i, lanes)
		__builtin_prefetch(&t->splice[b->flow[i]]);
}

uint64_t
flow_find_burst(struct flow_table *t, struct burst *b, uint64_t lanes)
{
	const uint16_t tick = table_tick(b->now_ns);
	const bool is_in = b->side == SIDE_EXTERNAL;
	const struct key_form form = form_of(b);
	const bool has_splices = flow_has_splices(t, b->now_ns);
	uint64_t mine = lanes_with_flow(b, lanes), found = 0;
	const uint64_t armed = is_in ? mine & b->armed : 0;

	static_assert(BURST_NO_FLOW == TABLE_NONE,
	              "a lane without flow is a slot not found");
	memset(b->flow, 0xff, sizeof(b->flow));
	b->sought = lanes;
	if (armed != 0)
		mine &= ~armed | hash_armed(t, b, armed, &form);
	if (mine == 0)
		return 0;
	for (unsigned int k = 0; k < TABLE_BLOCKS + 2; k++) {
		if (k < TABLE_BLOCKS) {
			ask(t, b, table_block(mine & ~armed, k), &form);
			ask_hashed(t, table_block(mine & armed, k));
		}
		if (k >= 1 && k <= TABLE_BLOCKS)
			table_ask_records(&t->table, &t->batch, table_block(mine, k - 1));
		if (k >= 2) {
			const uint64_t block = table_block(mine, k - 2);

			found |= table_find_asked(&t->table, &t->batch, block, tick,
			                          b->flow);
			if (has_splices)
				ask_splices(t, b, block & found);
		}
	}
	if (!is_in)
		found = make_missing(t, b, mine, found);
	return found;
}

/*
 * Nobody follows this packet, so the numbers that are known of its connection no longer
 * hold; they are learnt anew when somebody does.
 */
static void
pass_unfollowed(struct flow_table *t, struct flow *flow, uint64_t now_ns)
{
	if (flow->key.proto != PROTO_TCP)
		return;
	flow->state &= (uint8_t) ~(FLOW_INSIDE_SEEN | FLOW_OUTSIDE_SEEN);
	if (flow_is_spliced(flow))
		counter_set(&t->spliced_ns, now_ns);
}

/* As flow_find_burst() does it, without asking in advance. */
void
flow_find_more(struct flow_table *t, struct burst *b, uint64_t lanes)
{
	const uint64_t mine = lanes_with_flow(b, lanes & ~b->sought);
	const uint16_t tick = table_tick(b->now_ns);
	const struct key_form form = form_of(b);
	unsigned int i;

	ask(t, b, mine, &form);
	LANES_FOREACH (i, mine) {
		b->flow[i] =
			table_find(&t->table, t->batch.hash[i], t->batch.key[i], tick);
		if (b->flow[i] == TABLE_NONE)
			continue;
		t->batch.record[i] = flow_at(t, b->flow[i]);
		pass_unfollowed(t, flow_at(t, b->flow[i]), b->now_ns);
	}
	b->sought |= lanes;
}

void
flow_make_one_way(struct flow_table *t, struct burst *b, uint64_t lanes)
{
	const uint16_t tick = table_tick(b->now_ns);
	struct table_batch *batch = &t->batch;
	const uint64_t mine = lanes_with_flow(b, lanes & b->sought);
	unsigned int i;

	table_ask_bulk(&t->table, batch, mine, tick);
	LANES_FOREACH (i, mine) {
		struct flow *flow;

		b->flow[i] = make(t, batch->hash[i], batch->key[i], &b->facts[i], tick);
		if (b->flow[i] == TABLE_NONE)
			continue;
		flow = batch->record[i] = flow_at(t, b->flow[i]);
		flow->opening |= FLOW_ONE_WAY;
		flow_see(t, b, i);
	}
}

/* A first segment begins its record anew, unless the old one is known and lives. */
static void
open_one_way(struct flow_table *t, uint32_t slot, const struct facts *f, uint64_t now_ns)
{
	const uint8_t known = FLOW_ONE_WAY | FLOW_IN_ORDER;
	struct flow *flow = flow_at(t, slot);

	if ((flow->opening & known) == known && (flow->state & FLOW_CLOSING) == 0)
		return;
	flow_unprove(t, slot);
	flow->state = FLOW_OUTSIDE_SEEN;
	flow->opening = FLOW_ONE_WAY | FLOW_NEWCOMER;
	flow->outside_next = f->tcp_seq + f->payload_len + 1;
	flow->inside_next = source_moment(now_ns);
	flow->window = 0;
}

void
flow_open_one_way(struct flow_table *t, const struct burst *b, uint64_t lanes)
{
	const struct key_form form = form_of(b);
	const uint16_t tick = table_tick(b->now_ns);
	struct table_batch *batch = &t->batch;
	unsigned int i;

	ask(t, b, lanes, &form);
	table_ask_bulk(&t->table, batch, lanes, tick);
	LANES_FOREACH (i, lanes) {
		const uint32_t slot =
			make(t, batch->hash[i], batch->key[i], &b->facts[i], tick);

		if (slot != TABLE_NONE)
			open_one_way(t, slot, &b->facts[i], b->now_ns);
	}
}

/* The quoted packet came from where its error goes to. */
static inline void
write_quoted_key(struct flow_key *key, const struct burst *b, unsigned int lane,
                 const struct quote *q)
{
	const bool is_in = b->side == SIDE_EXTERNAL;
	const struct facts *f = &b->facts[lane];

	*key = (struct flow_key){
		.outside_port = is_in ? q->dst_port : q->src_port,
		.inside_port = is_in ? q->src_port : q->dst_port,
		.vlan = f->vlan,
		.inner_vlan = f->inner_vlan,
		.link = b->link,
		.proto = q->proto,
	};
	memcpy(key->outside, is_in ? q->dst : q->src, 16);
	memcpy(key->inside, is_in ? q->src : q->dst, 16);
}

uint32_t
flow_find_quoted(struct flow_table *t, const struct burst *b, unsigned int lane,
                 const struct quote *q)
{
	alignas(16) struct flow_key key;

	write_quoted_key(&key, b, lane, q);
	return table_find(&t->table, hash_48(&t->key, &key), (const uint8_t *)&key,
	                  table_tick(b->now_ns));
}

/* The batch of the burst's own flows stays as it is: later stages rely on it. */
uint64_t
flow_find_quoted_lanes(struct flow_table *t, const struct burst *b, uint64_t lanes,
                       const struct quote *quote, uint32_t *slot)
{
	alignas(16) struct flow_key key[LANES_MAX];
	const uint16_t tick = table_tick(b->now_ns);
	struct hash128 hash[LANES_MAX];
	uint64_t found = 0;
	unsigned int i;

	static_assert(sizeof(struct flow_key) % 16 == 0, "every key is aligned");
	LANES_FOREACH (i, lanes)
		write_quoted_key(&key[i], b, i, &quote[i]);
	LANES_FOREACH (i, lanes) {
		hash[i] = hash_48(&t->key, &key[i]);
		__builtin_prefetch(
			table_bucket(&t->table, table_home(&t->table, hash[i])), 1);
	}
	LANES_FOREACH (i, lanes) {
		slot[i] = table_find(&t->table, hash[i], (const uint8_t *)&key[i], tick);
		if (slot[i] != TABLE_NONE)
			found |= lane_bit(i);
	}
	return found;
}

uint32_t
flow_make_spliced(struct flow_table *t, struct burst *b, unsigned int lane)
{
	const uint16_t tick = table_tick(b->now_ns);
	const struct hash128 hash = t->batch.hash[lane];
	const uint8_t *key = t->batch.key[lane];
	uint32_t slot = table_find(&t->table, hash, key, tick);
	struct flow *flow;

	if (slot == TABLE_NONE)
		slot = insert(t, hash, key, tick);
	if (slot == TABLE_NONE)
		return TABLE_NONE;
	flow = flow_at(t, slot);
	flow_uncount(t, flow);
	table_set_class(&t->table, slot, TABLE_UNEARNED);
	flow->state = FLOW_VERIFIED | FLOW_SPLICED;
	counter_add(&t->proven, 1);
	flow->opening = FLOW_ANSWERED;
	flow->window = 0;
	b->flow[lane] = slot;
	t->batch.record[lane] = flow;
	counter_set(&t->spliced_ns, b->now_ns);
	return slot;
}
