/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow/fragment.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"

#define ENDS_BYTES    (FRAGMENT_ENDS * sizeof(struct fragment_ends))
#define SOURCES_BYTES (FRAGMENT_ENDS * sizeof(struct fragment_open))
#define IPV6_LEN      40
#define NO_FIRST      LANES_MAX
#define TICKS(ns)     ((uint16_t)((ns) / TABLE_TICK_NS))
#define SECOND_TICKS  8

static_assert((FRAGMENT_ENDS & (FRAGMENT_ENDS - 1)) == 0, "a cell is picked by bits");

size_t
fragment_table_bytes(void)
{
	return table_bytes(FRAGMENT_ENTRIES, sizeof(struct fragment)) + ENDS_BYTES +
	       SOURCES_BYTES;
}

int
fragment_table_open(struct fragment_table *t, const struct hash_key *key)
{
	int rc;

	memset(t, 0, sizeof(*t));
	rc = table_open(&t->table, FRAGMENT_ENTRIES, sizeof(struct fragment));
	if (rc < 0)
		return rc;
	t->ends = memory_take(ENDS_BYTES);
	t->sources = memory_take(SOURCES_BYTES);
	if (t->ends == NULL || t->sources == NULL) {
		fragment_table_close(t);
		return -ENOMEM;
	}
	table_set_key_bytes(&t->table, FRAGMENT_KEY_BYTES);
	for (int class = TABLE_UNEARNED; class < TABLE_CLASSES; class ++)
		table_set_idle(&t->table, (enum table_class) class, FRAGMENT_IDLE_NS);
	t->key = *key;
	memcpy(t->odd, key->round[2], sizeof(t->odd));
	for (unsigned int i = 0; i < 4; i++)
		t->odd[i] |= 1;
	return 0;
}

void
fragment_table_close(struct fragment_table *t)
{
	memory_give(t->ends, ENDS_BYTES);
	memory_give(t->sources, SOURCES_BYTES);
	table_close(&t->table);
	memset(t, 0, sizeof(*t));
}

static inline unsigned int
be16(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

static inline uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

/* Bytes from the IPv6 header to the fragment header, which a sound fragment has. */
static size_t
fragment_header_at(const uint8_t *ip)
{
	size_t at = IPV6_LEN;
	uint8_t next = ip[6];

	while (next != PROTO_FRAGMENT) {
		const uint8_t *h = ip + at;

		at += next == PROTO_AH ? (h[1] + 2u) * 4 : (h[1] + 1u) * 8;
		next = h[0];
	}
	return at;
}

/* Which stretch of which datagram the fragment is: the piece, and the last block of its key. */
static void
read_piece(struct fragment_table *t, const struct burst *b, unsigned int i)
{
	const struct facts *f = &b->facts[i];
	const uint8_t *ip = b->bytes[i] + f->l3_off;
	struct fragment_piece *p = &t->piece[i];
	unsigned int from, bytes;
	uint64_t about = b->link;
	uint32_t id;

	if ((f->flags & FACT_IPV6) != 0) {
		const size_t at = fragment_header_at(ip);
		const unsigned int word = be16(ip + at + 2);

		from = word >> 3;
		p->has_more = (word & 1) != 0;
		bytes = (unsigned int)(IPV6_LEN + be16(ip + 4) - at - 8);
		id = be32(ip + at + 4);
	} else {
		const unsigned int word = be16(ip + 6);

		from = word & 0x1fff;
		p->has_more = (word & 0x2000) != 0;
		bytes = be16(ip + 2) - (ip[0] & 15u) * 4;
		id = be16(ip + 4);
		about |= (uint64_t)ip[9] << 8;
	}
	p->from = (uint16_t)from;
	p->to = (uint16_t)(from + (bytes + 7) / 8);
	p->end = (uint16_t)(from * 8 + bytes);
	*table_key_block(&t->batch, i, 0) = _mm_load_si128((const __m128i *)f->src);
	*table_key_block(&t->batch, i, 1) = _mm_load_si128((const __m128i *)f->dst);
	*table_key_block(&t->batch, i, 2) = _mm_set_epi64x(
		(long long)about, (long long)((uint64_t)f->inner_vlan << 48 |
	                                      (uint64_t)f->vlan << 32 | id));
}

/* The group of the datagram that a lane belongs to; it may be a new one. */
static unsigned int
group_of(struct fragment_table *t, unsigned int i)
{
	const struct hash128 hash = t->batch.hash[i];
	unsigned int at = (unsigned int)(hash.hi >> 32) % sizeof(t->place);
	struct fragment_group *g;

	for (; t->place[at] != 0; at = (at + 1) % sizeof(t->place)) {
		const unsigned int lane = t->group[t->place[at] - 1].lane;

		if (t->batch.hash[lane].lo == hash.lo &&
		    table_is_key(&t->table, t->batch.key[lane], t->batch.key[i]))
			return t->place[at] - 1u;
	}
	g = &t->group[t->groups];
	*g = (struct fragment_group){ .at = &t->fresh[t->groups],
		                      .slot = t->slot[i],
		                      .lane = (uint8_t)i,
		                      .first = NO_FIRST };
	if (g->slot != TABLE_NONE) {
		g->at = table_record(&t->table, g->slot);
	} else {
		/* Stretches are written before they are counted. */
		memset(g->at, 0, offsetof(struct fragment, range));
		memcpy(g->at, t->batch.key[i], TABLE_KEY);
	}
	t->place[at] = (uint8_t)++t->groups;
	return t->groups - 1;
}

/* Another datagram under the same identification; who repeats it in time is the sender's. */
static void
restart(struct fragment *f)
{
	memset((char *)f + FRAGMENT_KEY_BYTES, 0, sizeof(*f) - FRAGMENT_KEY_BYTES);
}

/*
 * What the first says holds for its rests. One that comes again changes nothing, unless
 * its datagram is complete and this begins the next, or the one before was dropped: who
 * guesses an identification and is found out shall not stand in the way of its owner.
 */
static void
take_first(struct fragment_table *t, const struct burst *b, unsigned int i)
{
	struct fragment_group *g = fragment_group_of(t, i);
	const struct facts *facts = &b->facts[i];
	struct fragment *f = g->at;

	if ((f->state & (FRAGMENT_COMPLETE | FRAGMENT_DROPPED)) != 0)
		restart(f);
	if ((f->state & FRAGMENT_FIRST) != 0 && b->side == SIDE_EXTERNAL)
		return;
	f->state |= FRAGMENT_FIRST;
	f->state &= (uint8_t)~FRAGMENT_PORTS;
	if ((facts->flags & FACT_NO_PORTS) == 0)
		f->state |= FRAGMENT_PORTS;
	f->src_port = facts->src_port;
	f->dst_port = facts->dst_port;
	f->proto = facts->proto;
	f->tcp_flags = facts->tcp_flags;
	g->first = (uint8_t)i;
}

/* Protocols whose flows have no ports, so that a rest tells as much as its first. */
static bool
is_portless(const struct facts *f)
{
	switch (f->proto) {
	case PROTO_ESP:
	case PROTO_GRE:
	case PROTO_TUNNEL4:
	case PROTO_TUNNEL6:
		return true;
	case PROTO_AH:
		return (f->flags & FACT_IPV6) == 0;
	default:
		return false;
	}
}

static void
fill_rest(struct fragment_table *t, struct burst *b, unsigned int i)
{
	const struct fragment *f = fragment_group_of(t, i)->at;
	struct facts *facts = &b->facts[i];

	if ((f->state & FRAGMENT_FIRST) == 0) {
		t->orphans |= lane_bit(i);
		if (is_portless(facts))
			facts->flags |= FACT_PAIRED;
	} else {
		facts->src_port = f->src_port;
		facts->dst_port = f->dst_port;
		facts->proto = f->proto;
		facts->tcp_flags = f->tcp_flags;
		facts->flags |= FACT_PAIRED;
		if ((f->state & FRAGMENT_PORTS) != 0)
			facts->flags &= (uint16_t)~FACT_NO_PORTS;
		if ((f->state & FRAGMENT_DROPPED) != 0)
			t->dropped |= lane_bit(i);
	}
	b->flags[i] = facts->flags;
}

/* First fragments will most likely need a place in the table when the burst is over. */
static void
ask_for_places(const struct fragment_table *t, uint64_t firsts, uint16_t tick)
{
	uint64_t fresh = 0;
	unsigned int i;

	LANES_FOREACH (i, firsts)
		if (t->slot[i] == TABLE_NONE)
			fresh |= lane_bit(i);
	table_ask_bulk(&t->table, &t->batch, fresh, tick);
}

void
fragment_pair_lanes(struct fragment_table *t, struct burst *b, uint64_t lanes)
{
	unsigned int i;

	LANES_FOREACH (i, lanes)
		if (b->facts[i].fault != PACKET_SOUND)
			lanes &= ~lane_bit(i);
	b->pieces = lanes;
	t->rests = lanes & lanes_with16(b->flags, FACT_FRAG_REST);
	t->orphans = t->dropped = t->good = 0;
	t->groups = 0;
	if (lanes == 0)
		return;
	LANES_FOREACH (i, lanes)
		read_piece(t, b, i);
	table_hash_bulk(&t->batch, &t->key, lanes);
	table_find_bulk(&t->table, &t->batch, lanes, table_tick(b->now_ns), t->slot);

	memset(t->place, 0, sizeof(t->place));
	LANES_FOREACH (i, lanes) {
		const unsigned int g = group_of(t, i);

		t->piece[i].group = (uint8_t)g;
		t->group[g].lanes |= lane_bit(i);
	}
	ask_for_places(t, lanes & ~t->rests, table_tick(b->now_ns));
	LANES_FOREACH (i, lanes & ~t->rests)
		take_first(t, b, i);
	LANES_FOREACH (i, t->rests)
		fill_rest(t, b, i);
}

uint64_t
fragment_followers(const struct fragment_table *t, const struct burst *b)
{
	const uint64_t stopped = ~b->live | b->spared;
	uint64_t followers = 0;

	for (unsigned int k = 0; k < t->groups; k++) {
		const struct fragment_group *g = &t->group[k];

		if (g->first != NO_FIRST && (stopped & lane_bit(g->first)) != 0)
			followers |= g->lanes & t->rests;
	}
	return followers;
}

/* A sum of products under secret odd numbers; the upper bits are used. */
static uint64_t
spread(const struct fragment_table *t, const uint8_t outside[16],
       const uint8_t inside[16])
{
	uint64_t a[2], c[2];

	memcpy(a, outside, sizeof(a));
	memcpy(c, inside, sizeof(c));
	return a[0] * t->odd[0] + a[1] * t->odd[1] + c[0] * t->odd[2] + c[1] * t->odd[3];
}

static struct fragment_ends *
ends_of(const struct fragment_table *t, const struct burst *b, unsigned int i,
        uint16_t *mark)
{
	const bool is_in = b->side == SIDE_EXTERNAL;
	const struct facts *f = &b->facts[i];
	const uint64_t n = spread(t, is_in ? f->src : f->dst, is_in ? f->dst : f->src);
	const unsigned int shift = 64 - (unsigned int)__builtin_ctz(FRAGMENT_ENDS);

	*mark = (uint16_t)(n >> (shift - 16));
	return &t->ends[n >> shift];
}

bool
fragment_has_good_ends(const struct fragment_table *t, const struct burst *b,
                       unsigned int lane)
{
	uint16_t mark;
	const struct fragment_ends *e = ends_of(t, b, lane, &mark);

	return e->until != 0 && e->mark == mark &&
	       (int16_t)(e->until - table_tick(b->now_ns)) > 0;
}

/*
 * The tick comes round every 2.4 hours, so what is long past would seem to lie ahead
 * again; who looked at the cell last has cleared it by then, or 1.2 hours of somebody
 * else's good name cost nothing but a little of the flood's quota.
 */
void
fragment_call_good(struct fragment_table *t, const struct burst *b, unsigned int lane)
{
	const uint16_t until =
		(uint16_t)(table_tick(b->now_ns) + TICKS(FRAGMENT_GOOD_NS));
	uint16_t mark;
	struct fragment_ends *e = ends_of(t, b, lane, &mark);

	*e = (struct fragment_ends){ mark, until != 0 ? until : 1 };
}

unsigned int
fragment_ease_open(struct fragment_open *o, uint64_t now_ns)
{
	const uint16_t now = table_tick(now_ns);
	const unsigned int seconds = (uint16_t)(now - o->tick) / SECOND_TICKS;

	if (seconds > 0) {
		o->count = (uint16_t)(seconds < 16 ? o->count >> seconds : 0);
		o->tick = now;
	}
	return o->count;
}

void
fragment_count_open(struct fragment_open *o, int change, uint64_t now_ns)
{
	const unsigned int n = fragment_ease_open(o, now_ns);

	if (change > 0 && n < UINT16_MAX)
		o->count++;
	else if (change < 0 && n > 0)
		o->count--;
}

struct fragment_open *
fragment_open_of(const struct fragment_table *t, const uint8_t src[16])
{
	static const uint8_t nobody[16];
	const unsigned int shift = 64 - (unsigned int)__builtin_ctz(FRAGMENT_ENDS);

	return &t->sources[spread(t, src, nobody) >> shift];
}

/* The class that the standing of the first fragment gives to its datagram. */
static enum table_class
class_of(const struct fragment *f, enum standing standing)
{
	if ((f->state & (FRAGMENT_COMPLETE | FRAGMENT_DROPPED)) != 0)
		return TABLE_UNEARNED;
	if (standing >= STANDING_CONVERSATION)
		return TABLE_EARNED;
	return standing == STANDING_VERIFIED_SOURCE ? TABLE_EARNING : TABLE_UNEARNED;
}

/* What became of the first that holds for its datagram. */
static void
note_first(struct fragment_table *t, const struct burst *b,
           const struct fragment_group *g)
{
	const uint64_t lane = lane_bit(g->first);

	g->at->state &= (uint8_t)~FRAGMENT_DROPPED;
	if ((b->live & ~b->spared & lane) == 0)
		g->at->state |= FRAGMENT_DROPPED;
	else if (b->standing[g->first] >= STANDING_CONVERSATION)
		fragment_call_good(t, b, g->first);
}

/* A new record for a datagram of which something passed, and more must come. */
static void
keep(struct fragment_table *t, const struct burst *b, const struct fragment_group *g)
{
	const enum standing standing = g->first != NO_FIRST
	                                       ? (enum standing)b->standing[g->first]
	                                       : STANDING_UNVERIFIED;
	const enum table_class class = class_of(g->at, standing);
	uint32_t slot;

	slot = table_insert(&t->table, t->batch.hash[g->lane], t->batch.key[g->lane],
	                    class == TABLE_EARNED ? class : TABLE_UNEARNED,
	                    table_tick(b->now_ns));
	if (slot == TABLE_NONE)
		return;
	memcpy(table_record(&t->table, slot), g->at, sizeof(*g->at));
	if (class == TABLE_EARNING)
		table_set_class(&t->table, slot, class);
}

/* Records that are there come first: a new one may take the place of one of them. */
void
fragment_note_lanes(struct fragment_table *t, struct burst *b)
{
	const uint64_t passed = b->live & ~b->spared;
	uint64_t fresh = 0;
	unsigned int k;

	for (k = 0; k < t->groups; k++) {
		const struct fragment_group *g = &t->group[k];

		if (g->first != NO_FIRST)
			note_first(t, b, g);
		if (g->slot == TABLE_NONE) {
			if ((g->at->state & FRAGMENT_COMPLETE) == 0 &&
			    (g->first != NO_FIRST || (g->lanes & passed) != 0))
				fresh |= lane_bit(k);
		} else if ((g->at->state & FRAGMENT_COMPLETE) != 0) {
			table_set_class(&t->table, g->slot, TABLE_UNEARNED);
		} else if (g->first != NO_FIRST) {
			table_set_class(&t->table, g->slot,
			                class_of(g->at, b->standing[g->first]));
		}
	}
	LANES_FOREACH (k, fresh)
		keep(t, b, &t->group[k]);
}
