/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow/source.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"

size_t
source_table_bytes(uint64_t entries)
{
	return table_bytes(entries, sizeof(struct source)) + CROWD_BYTES + DROPS_BYTES +
	       recorded_bytes(table_slots(entries));
}

int
source_table_open(struct source_table *t, uint64_t entries, const struct hash_key *key)
{
	int rc;

	memset(t, 0, sizeof(*t));
	rc = table_open(&t->table, entries, sizeof(struct source));
	if (rc < 0)
		return rc;
	t->crowd.line = memory_take(CROWD_BYTES);
	if (t->crowd.line == NULL || drops_open(&t->drops, key) != 0 ||
	    recorded_open(&t->recorded, table_slots(entries)) != 0) {
		source_table_close(t);
		return -ENOMEM;
	}
	table_set_key_bytes(&t->table, SOURCE_KEY_BYTES);
	t->epoch = 1;
	t->key = *key;
	/* Flows and sources must not share their collisions. */
	for (unsigned int i = 0; i < sizeof(t->key.round); i++)
		((uint8_t *)t->key.round)[i] ^= 0x53;
	table_set_idle(&t->table, TABLE_UNEARNED, SOURCE_IDLE_NS);
	table_set_idle(&t->table, TABLE_EARNED, SOURCE_IDLE_NS);
	memset(t->lane, 0xff, sizeof(t->lane));
	return 0;
}

void
source_table_close(struct source_table *t)
{
	recorded_close(&t->recorded);
	drops_close(&t->drops);
	memory_give(t->crowd.line, CROWD_BYTES);
	t->crowd.line = NULL;
	table_close(&t->table);
}

static bool
is_ipv4(const uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

void
source_key_of(struct source_key *key, const uint8_t address[16], uint16_t service,
              uint8_t prefix_len)
{
	unsigned int whole;

	*key = (struct source_key){ .service = service, .prefix_len = 128 };
	memcpy(key->address, address, sizeof(key->address));
	if (prefix_len >= 128 || is_ipv4(address))
		return;
	key->prefix_len = prefix_len;
	whole = prefix_len / 8u;
	key->address[whole] &= (uint8_t)(0xff00 >> (prefix_len % 8));
	memset(&key->address[whole + 1], 0, 15 - whole);
}

void
source_prefix_init(struct source_prefix *p, unsigned int ipv6_len)
{
	assert(ipv6_len >= 1 && ipv6_len <= 128);
	memset(p->mask, 0xff, sizeof(p->mask));
	for (unsigned int bit = ipv6_len; bit < 128; bit++)
		p->mask[1][bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	p->len[0] = 128;
	p->len[1] = (uint8_t)ipv6_len;
}

/* Whether it was blocked so lately that the next time counts as another one. */
static bool
is_remembered(const struct source_table *t, const struct source *s, uint64_t now_ns)
{
	return t->memory_ns != 0 && s->blocks != 0 &&
	       source_since(s->blocked_until, now_ns) < t->memory_ns;
}

/* Verified time and blocks run out in silence; the class follows when somebody looks. */
static void
settle_class(struct source_table *t, uint32_t slot, uint64_t now_ns)
{
	const struct source *s = source_at(t, slot);

	if (table_class(&t->table, slot) == TABLE_EARNED &&
	    !source_is_ahead(s->verified_until, now_ns) &&
	    !source_is_ahead(s->blocked_until, now_ns) && !is_remembered(t, s, now_ns))
		table_set_class(&t->table, slot, TABLE_UNEARNED);
}

/*
 * Hash lanes whose keys are written, and note which of them have no record for sure. A key
 * is an address and little more, which is the same for most lanes of a burst.
 */
static inline __attribute__((always_inline)) void
hash_lanes_by(bool is_aes, struct source_table *t, uint64_t lanes)
{
	const struct recorded recorded = t->recorded;
	const __m128i none = _mm_setzero_si128();
	struct table_batch *batch = &t->batch;
	uint64_t last = UINT64_MAX, maybe = 0;
	__m128i tail = none;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const __m128i rest = _mm_load_si128(table_key_block(batch, i, 1));
		__m128i state;

		if ((uint64_t)_mm_cvtsi128_si64(rest) != last) {
			last = (uint64_t)_mm_cvtsi128_si64(rest);
			tail = hash_48_tail_by(is_aes, &t->key, rest, none);
		}
		state = hash_48_head_by(is_aes, &t->key,
		                        _mm_load_si128(table_key_block(batch, i, 0)),
		                        tail);
		_mm_store_si128((__m128i *)(void *)&batch->hash[i], state);
		maybe |= (uint64_t)recorded_may_be(&recorded,
		                                   (uint64_t)_mm_extract_epi64(state, 1))
		         << i;
	}
	t->hashed |= lanes;
	t->absent |= lanes & ~maybe;
}

static void
hash_lanes(struct source_table *t, uint64_t lanes)
{
	static_assert(offsetof(struct source_key, zero) <= 24 &&
	                      offsetof(struct source_key, lent) == 32,
	              "behind the address only eight bytes differ");
	if (lanes == 0)
		return;
	if (hash_is_aes)
		hash_lanes_by(true, t, lanes);
	else
		hash_lanes_by(false, t, lanes);
}

/* What lanes will touch: buckets of those with a record, and the cells of strangers. */
static inline void
ask(struct source_table *t, uint64_t lanes)
{
	struct table_batch *batch = &t->batch;
	unsigned int i;

	LANES_FOREACH (i, lanes)
		__builtin_prefetch(crowd_line_of(&t->crowd, batch->hash[i]), 1);
	LANES_FOREACH (i, lanes & ~t->absent)
		table_ask(&t->table, batch, i, (uint32_t)batch->hash[i].lo);
}

/* Look up lanes whose keys are written, beside those that were looked up before. */
static void
find_lanes(struct source_table *t, uint64_t lanes, uint64_t now_ns)
{
	const uint16_t tick = table_tick(now_ns);
	uint64_t known = 0, there;
	unsigned int i;

	t->asked |= lanes;
	hash_lanes(t, lanes & ~t->hashed);
	there = lanes & ~t->absent;
	for (unsigned int k = 0; k < TABLE_BLOCKS + 2; k++) {
		if (k < TABLE_BLOCKS)
			ask(t, table_block(lanes, k));
		if (k >= 1 && k <= TABLE_BLOCKS)
			table_ask_records(&t->table, &t->batch,
			                  table_block(there, k - 1));
		if (k >= 2)
			known |= table_find_asked(&t->table, &t->batch,
			                          table_block(there, k - 2), tick,
			                          t->lane);
	}
	LANES_FOREACH (i, known)
		settle_class(t, t->lane[i], now_ns);
	t->known |= known;
}

void
source_find_burst(struct source_table *t, uint64_t lanes, uint64_t now_ns)
{
	t->asked = t->known = t->deferred = t->hashed = t->absent = 0;
	memset(t->lane, 0xff, sizeof(t->lane));
	if (lanes != 0)
		find_lanes(t, lanes, now_ns);
}

void
source_tell_standing(const struct source_table *t, struct burst *b, uint64_t lanes)
{
	uint64_t strangers =
		lanes_where8(b->standing, STANDING_UNVERIFIED) & t->known & lanes;
	unsigned int i;

	LANES_FOREACH (i, strangers) {
		const struct source *source = source_of_lane(t, i);

		if (source != NULL && source_is_ahead(source->verified_until, b->now_ns))
			b->standing[i] = STANDING_VERIFIED_SOURCE;
	}
}

/* How the source of a deferred lane is told from others. */
static inline const struct source_prefix *
prefix_of(const struct source_table *t, const struct burst *b, unsigned int lane)
{
	const char *params = t->params[b->policy[lane]];

	return (const struct source_prefix *)(const void *)(params + t->prefix_at);
}

static void
write_keys(struct source_table *t, const struct burst *b, uint64_t lanes)
{
	unsigned int i;

	LANES_FOREACH (i, lanes & b->ipv4)
		source_ask_ipv4(t, b, i);
	LANES_FOREACH (i, lanes & ~b->ipv4)
		source_ask(t, b, i, prefix_of(t, b, i));
}

void
source_ask_deferred(struct source_table *t, struct burst *b, uint64_t lanes)
{
	lanes &= t->deferred;
	if (lanes == 0)
		return;
	t->deferred &= ~lanes;
	write_keys(t, b, lanes & ~t->hashed);
	find_lanes(t, lanes, b->now_ns);
	source_tell_standing(t, b, lanes);
}

void
source_ask_verified(struct source_table *t, struct burst *b, uint64_t lanes)
{
	lanes &= t->deferred & ~t->hashed;
	write_keys(t, b, lanes);
	hash_lanes(t, lanes);
	source_ask_deferred(t, b, lanes & ~t->absent);
}

/* The slot serves somebody else from now on. */
static void
take_from_lanes(struct source_table *t, uint32_t slot)
{
	for (unsigned int i = 0; i < LANES_MAX; i++)
		t->lane[i] |= t->lane[i] == slot ? SOURCE_NONE : 0;
}

uint32_t
source_make(struct source_table *t, unsigned int lane, uint64_t now_ns)
{
	const uint8_t *key = t->batch.key[lane];
	const struct hash128 hash = t->batch.hash[lane];
	const uint16_t tick = table_tick(now_ns);
	/* Another lane of this burst may have made it a moment ago. */
	uint32_t slot = table_find(&t->table, hash, key, tick);

	assert((t->asked & lane_bit(lane)) != 0);
	if (slot == TABLE_NONE) {
		slot = table_insert(&t->table, hash, key, TABLE_UNEARNED, tick);
		if (slot == TABLE_NONE)
			return SOURCE_NONE;
		take_from_lanes(t, slot);
		recorded_add(&t->recorded, hash);
		/* Lanes that are still deferred may be of this source. */
		t->absent = 0;
		source_at(t, slot)->birth = ++t->births;
	}
	t->lane[lane] = slot;
	return slot;
}

uint32_t
source_find(struct source_table *t, const struct source_key *key, uint64_t now_ns)
{
	return table_find(&t->table, hash_48(&t->key, key), (const uint8_t *)key,
	                  table_tick(now_ns));
}

/* An earned source must outlive the silence that its time allows. */
static void
earn(struct source_table *t, uint32_t slot, uint64_t for_ns)
{
	uint16_t ticks = (uint16_t)(for_ns / TABLE_TICK_NS + 1);

	assert(for_ns <= 2 * SOURCE_MAX_NS);
	if (t->table.idle[TABLE_EARNED] < ticks)
		t->table.idle[TABLE_EARNED] = ticks;
	table_set_class(&t->table, slot, TABLE_EARNED);
}

void
source_verify(struct source_table *t, uint32_t slot, uint64_t now_ns, uint64_t for_ns)
{
	struct source *s = source_at(t, slot);

	if (!source_is_ahead(s->verified_until, now_ns + for_ns))
		s->verified_until = source_moment(now_ns + for_ns);
	earn(t, slot, for_ns);
}

void
source_block(struct source_table *t, uint32_t slot, uint64_t now_ns, uint64_t for_ns)
{
	struct source *s = source_at(t, slot);

	t->epoch = (uint8_t)(t->epoch == UINT8_MAX ? 1 : t->epoch + 1);
	s->blocked_until = source_moment(now_ns + for_ns);
	if (s->blocks != UINT16_MAX)
		s->blocks++;
	earn(t, slot, for_ns);
}

uint64_t
source_punish(struct source_table *t, uint32_t slot, uint64_t now_ns,
              const struct source_penalty *penalty)
{
	struct source *s = source_at(t, slot);
	uint64_t for_ns = penalty->first_ns;

	if (source_since(s->blocked_until, now_ns) >= penalty->memory_ns &&
	    !source_is_ahead(s->blocked_until, now_ns))
		s->blocks = 0;
	for (unsigned int n = 0; n < s->blocks && for_ns < penalty->most_ns; n++)
		for_ns *= penalty->factor;
	if (for_ns > penalty->most_ns)
		for_ns = penalty->most_ns;
	if (t->memory_ns < penalty->memory_ns)
		t->memory_ns = penalty->memory_ns;
	source_block(t, slot, now_ns, for_ns);
	/* The record must outlive the silence until it is forgotten. */
	earn(t, slot, for_ns + penalty->memory_ns);
	return for_ns;
}

/* Lanes without a record, all at once. */
static uint64_t
strangers_of(const struct source_table *t)
{
	const __m256i none = _mm256_set1_epi32(-1);
	uint64_t lanes = 0;

	static_assert(SOURCE_NONE == UINT32_MAX, "no slot is all ones");
	for (unsigned int i = 0; i < LANES_MAX; i += 8) {
		__m256i here = _mm256_cmpeq_epi32(
			_mm256_loadu_si256((const __m256i *)&t->lane[i]), none);

		lanes |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(here))
		         << i;
	}
	return lanes;
}

void
source_note_drops(struct source_table *t, const struct burst *b, uint64_t lanes,
                  const char *reason)
{
	const uint64_t strangers = lanes & strangers_of(t);
	const uint32_t now = source_moment(b->now_ns);
	unsigned int i;

	LANES_FOREACH (i, lanes & ~strangers) {
		struct source *s = source_at(t, t->lane[i]);

		s->last_reason = reason;
		s->last_drop = now;
	}
	if (strangers != 0)
		drops_add(&t->drops, b, strangers, reason);
}

void
source_sweep(struct source_table *t, unsigned int buckets, uint64_t now_ns)
{
	recorded_turn(&t->recorded, &t->table, &t->key, SOURCE_KEY_BYTES, buckets == 1);
	table_sweep(&t->table, buckets, table_tick(now_ns));
}
