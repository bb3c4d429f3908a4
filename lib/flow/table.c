/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow/table.h"

#include <immintrin.h>
#include <string.h>

#include "base/counter.h"

#define NO_WAY TABLE_WAYS

static inline enum table_class
class_of(const struct table_bucket *b, unsigned int way)
{
	return (enum table_class)(b->class[way] & ~TABLE_AWAY);
}

/* Ways of that class, one bit each. */
static inline unsigned int
ways_of(const struct table_bucket *b, enum table_class class)
{
	__m128i all = _mm_loadl_epi64((const __m128i *)b->class);
	__m128i bare = _mm_andnot_si128(_mm_set1_epi8((char)TABLE_AWAY), all);
	__m128i hit = _mm_cmpeq_epi8(bare, _mm_set1_epi8((char)class));

	return (unsigned int)_mm_movemask_epi8(hit) & 0xff;
}

/* Ways that were silent for more than `idle` ticks, whatever their class. */
static inline unsigned int
ways_silent(const struct table_bucket *b, uint16_t tick, uint16_t idle)
{
	__m128i age = _mm_sub_epi16(_mm_set1_epi16((short)tick),
	                            _mm_load_si128((const __m128i *)b->seen));
	__m128i over = _mm_subs_epu16(age, _mm_set1_epi16((short)idle));
	__m128i within = _mm_cmpeq_epi16(over, _mm_setzero_si128());

	return ~(unsigned int)_mm_movemask_epi8(_mm_packs_epi16(within, within)) & 0xff;
}

static inline uint32_t
slot_of(uint32_t bucket, unsigned int way)
{
	return bucket * TABLE_WAYS + way;
}

/* Ways whose signature is the wanted one, one bit each. */
static inline unsigned int
ways_with(const struct table_bucket *b, uint32_t signature)
{
	__m256i all = _mm256_load_si256((const __m256i *)b->signature);
	__m256i hit = _mm256_cmpeq_epi32(all, _mm256_set1_epi32((int)signature));

	return (unsigned int)_mm256_movemask_ps(_mm256_castsi256_ps(hit));
}

static inline bool
is_expired(const struct table *t, const struct table_bucket *b, unsigned int way,
           uint16_t tick)
{
	return (uint16_t)(tick - b->seen[way]) > t->idle[class_of(b, way)];
}

static void
recount(struct table *t, enum table_class from, enum table_class to)
{
	if (from != TABLE_FREE)
		counter_set(&t->used[from], t->used[from] - 1);
	if (to != TABLE_FREE)
		counter_add(&t->used[to], 1);
}

/* A saturated home no longer knows how many went away, so it stays saturated. */
static void
release(struct table *t, uint32_t bucket, unsigned int way)
{
	struct table_bucket *b = table_bucket(t, bucket);

	recount(t, class_of(b, way), TABLE_FREE);
	if ((b->class[way] & TABLE_AWAY) != 0) {
		struct table_bucket *home =
			table_bucket(t, table_other(t, bucket, b->signature[way]));

		if (home->overflow != UINT8_MAX)
			home->overflow--;
	}
	b->class[way] = TABLE_FREE;
	b->signature[way] = 0;
}

static void
expire(struct table *t, uint32_t bucket, unsigned int way)
{
	if (t->expired != NULL)
		t->expired(t->owner, slot_of(bucket, way));
	release(t, bucket, way);
}

/* The slot of the key among the `ways` of one bucket, touched; or TABLE_NONE. */
static inline uint32_t
pick(struct table *t, uint32_t bucket, unsigned int ways, const uint8_t key[TABLE_KEY],
     uint16_t tick)
{
	struct table_bucket *b = table_bucket(t, bucket);

	for (; ways != 0; ways &= ways - 1) {
		unsigned int way = (unsigned int)__builtin_ctz(ways);
		uint32_t slot = slot_of(bucket, way);

		/* A slot that the lane before this one found expired keeps its record. */
		if (b->class[way] == TABLE_FREE ||
		    !table_is_key(t, table_record(t, slot), key))
			continue;
		if (is_expired(t, b, way, tick)) {
			expire(t, bucket, way);
			return TABLE_NONE;
		}
		if (b->seen[way] != tick)
			b->seen[way] = tick;
		return slot;
	}
	return TABLE_NONE;
}

static uint32_t
find_from(struct table *t, struct hash128 hash, unsigned int ways,
          const uint8_t key[TABLE_KEY], uint16_t tick)
{
	const uint32_t home = table_home(t, hash);
	const uint32_t signature = table_signature(hash);
	uint32_t slot = pick(t, home, ways, key, tick), other;

	if (slot != TABLE_NONE || table_bucket(t, home)->overflow == 0)
		return slot;
	other = table_other(t, home, signature);
	return pick(t, other, ways_with(table_bucket(t, other), signature), key, tick);
}

void
table_hash_bulk(struct table_batch *batch, const struct hash_key *key, uint64_t lanes)
{
	unsigned int i;

	if (!hash_is_aes) {
		LANES_FOREACH (i, lanes)
			batch->hash[i] = hash_48_portable(key, batch->key[i]);
		return;
	}
	LANES_FOREACH (i, lanes)
		batch->hash[i] = hash_48_by(true, key, batch->key[i]);
}

/* Into the second cache: more of its misses can be under way than of the first one's. */
static inline void
ask_record(const struct table *t, uint32_t slot)
{
	const char *record = table_record(t, slot);

	for (size_t line = 0; line < t->record_size; line += 64)
		__builtin_prefetch(record + line, 0, 2);
}

/* The record of a way of this bucket, which is the home of that hash. */
static inline char *
record_of(const struct table *t, const struct table_bucket *b, struct hash128 hash,
          unsigned int way)
{
	if (t->record_step == t->bucket_step)
		return (char *)(uintptr_t)(b + 1 + way);
	return table_record(t, slot_of(table_home(t, hash), way));
}

void
table_ask_records(const struct table *t, struct table_batch *batch, uint64_t lanes)
{
	const bool is_long = t->record_size > 64;
	uint64_t fits = batch->fits & ~lanes, away = batch->away & ~lanes;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const struct table_bucket *b = batch->bucket[i];
		const struct hash128 hash = batch->hash[i];
		const unsigned int mine = ways_with(b, table_signature(hash));
		char *record;

		if (mine != 0) {
			record = record_of(t, b, hash, (unsigned int)__builtin_ctz(mine));
			__builtin_prefetch(record, 0, 2);
			if (is_long)
				__builtin_prefetch(record + 64, 0, 2);
			batch->record[i] = record;
			batch->ways[i] = (uint8_t)mine;
			fits |= lane_bit(i);
		} else if (b->overflow != 0) {
			__builtin_prefetch(
				table_bucket(t, table_other(t, table_home(t, hash),
			                                    table_signature(hash))),
				1);
			batch->ways[i] = 0;
			away |= lane_bit(i);
		}
	}
	batch->fits = fits;
	batch->away = away;
}

/*
 * The common end of a lookup: the first way that fits is the key, and it lives. What
 * was seen this tick does; a lane before this one may have found others expired, which
 * keep their record but are free.
 */
static inline bool
is_there(const struct table *t, struct table_bucket *b, unsigned int way, uint16_t tick)
{
	if (b->seen[way] == tick)
		return true;
	if (is_expired(t, b, way, tick) || b->class[way] == TABLE_FREE)
		return false;
	b->seen[way] = tick;
	return true;
}

uint64_t
table_find_asked(struct table *t, struct table_batch *batch, uint64_t lanes,
                 uint16_t tick, uint32_t *slot)
{
	const uint64_t fits = batch->fits & lanes;
	const uint32_t homes = t->buckets - 1;
	uint64_t rest = batch->away & lanes, found;
	unsigned int i;

	LANES_FOREACH (i, fits) {
		const unsigned int way = (unsigned int)__builtin_ctz(batch->ways[i]);

		if (table_is_key(t, batch->record[i], batch->key[i]) &&
		    is_there(t, batch->bucket[i], way, tick))
			slot[i] = slot_of((uint32_t)batch->hash[i].lo & homes, way);
		else
			rest |= lane_bit(i);
	}
	found = fits & ~rest;
	/* An expired slot may be freed on the way, but nothing is inserted: ways[] stay true. */
	LANES_FOREACH (i, rest) {
		slot[i] =
			find_from(t, batch->hash[i], batch->ways[i], batch->key[i], tick);
		if (slot[i] == TABLE_NONE)
			continue;
		batch->record[i] = table_record(t, slot[i]);
		found |= lane_bit(i);
	}
	return found;
}

void
table_find_bulk(struct table *t, struct table_batch *batch, uint64_t lanes, uint16_t tick,
                uint32_t *slot)
{
	unsigned int i;

	for (unsigned int k = 0; k < TABLE_BLOCKS + 2; k++) {
		LANES_FOREACH (i, k < TABLE_BLOCKS ? table_block(lanes, k) : 0) {
			table_ask(t, batch, i, (uint32_t)batch->hash[i].lo);
			slot[i] = TABLE_NONE;
		}
		if (k >= 1 && k <= TABLE_BLOCKS)
			table_ask_records(t, batch, table_block(lanes, k - 1));
		if (k >= 2)
			table_find_asked(t, batch, table_block(lanes, k - 2), tick, slot);
	}
}

uint32_t
table_find(struct table *t, struct hash128 hash, const uint8_t key[TABLE_KEY],
           uint16_t tick)
{
	const struct table_bucket *b = table_bucket(t, table_home(t, hash));

	return find_from(t, hash, ways_with(b, table_signature(hash)), key, tick);
}

/* Free what expired, so that what follows sees only living slots. */
static void
expire_bucket(struct table *t, uint32_t bucket, uint16_t tick)
{
	const struct table_bucket *b = table_bucket(t, bucket);
	unsigned int ways = ways_silent(b, tick, t->least_idle) & ~ways_of(b, TABLE_FREE);

	for (; ways != 0; ways &= ways - 1) {
		unsigned int way = (unsigned int)__builtin_ctz(ways);

		if (is_expired(t, b, way, tick))
			expire(t, bucket, way);
	}
}

/* The way of that class that was silent longest, or NO_WAY. */
static unsigned int
oldest(const struct table_bucket *b, enum table_class class, uint16_t tick)
{
	unsigned int best = NO_WAY, best_age = 0;

	for (unsigned int ways = ways_of(b, class); ways != 0; ways &= ways - 1) {
		unsigned int way = (unsigned int)__builtin_ctz(ways);
		unsigned int age = (uint16_t)(tick - b->seen[way]);

		if (best == NO_WAY || age > best_age) {
			best = way;
			best_age = age;
		}
	}
	return best;
}

/* Where an unearned key may lie in this bucket, or NO_WAY. */
static unsigned int
room_for_unearned(const struct table_bucket *b, uint16_t tick)
{
	unsigned int free = ways_of(b, TABLE_FREE);

	if (free != 0 &&
	    __builtin_popcount(ways_of(b, TABLE_UNEARNED)) < TABLE_UNEARNED_WAYS)
		return (unsigned int)__builtin_ctz(free);
	return oldest(b, TABLE_UNEARNED, tick);
}

void
table_ask_bulk(const struct table *t, const struct table_batch *batch, uint64_t lanes,
               uint16_t tick)
{
	unsigned int i;

	LANES_FOREACH (i, lanes)
		__builtin_prefetch(table_bucket(t, table_home(t, batch->hash[i])), 1);
	LANES_FOREACH (i, lanes) {
		const uint32_t home = table_home(t, batch->hash[i]);
		unsigned int way = room_for_unearned(table_bucket(t, home), tick);

		if (way != NO_WAY)
			ask_record(t, slot_of(home, way));
	}
}

/*
 * Chooses between home (pair[0]) and alternate (pair[1]); returns the way, or
 * NO_WAY. Most find room at home; only who does not has the alternate's line asked
 * from memory.
 */
static unsigned int
choose(struct table *t, const uint32_t pair[2], enum table_class class, uint16_t tick,
       unsigned int *which)
{
	static const enum table_class victims[] = { TABLE_FREE, TABLE_UNEARNED,
		                                    TABLE_EARNING };
	unsigned int way;

	if (class == TABLE_UNEARNED) {
		for (*which = 0; *which < 2; ++*which) {
			expire_bucket(t, pair[*which], tick);
			if ((way = room_for_unearned(table_bucket(t, pair[*which]),
			                             tick)) != NO_WAY)
				return way;
		}
		return NO_WAY;
	}
	expire_bucket(t, pair[0], tick);
	*which = 0;
	if ((way = oldest(table_bucket(t, pair[0]), TABLE_FREE, tick)) != NO_WAY)
		return way;
	expire_bucket(t, pair[1], tick);
	for (size_t v = 0; v < sizeof(victims) / sizeof(*victims); v++)
		for (*which = 0; *which < 2; ++*which)
			if ((way = oldest(table_bucket(t, pair[*which]), victims[v],
			                  tick)) != NO_WAY)
				return way;
	return NO_WAY;
}

uint32_t
table_insert(struct table *t, struct hash128 hash, const uint8_t key[TABLE_KEY],
             enum table_class class, uint16_t tick)
{
	const uint32_t signature = table_signature(hash), home = table_home(t, hash);
	const uint32_t pair[2] = { home, table_other(t, home, signature) };
	unsigned int which, way;
	struct table_bucket *b;
	uint32_t slot;

	assert(class == TABLE_UNEARNED || class == TABLE_EARNED);
	way = choose(t, pair, class, tick, &which);
	if (way == NO_WAY) {
		counter_add(&t->refused, 1);
		return TABLE_NONE;
	}
	b = table_bucket(t, pair[which]);
	if (class_of(b, way) != TABLE_FREE)
		release(t, pair[which], way);

	b->signature[way] = signature;
	b->seen[way] = tick;
	b->class[way] = (uint8_t)((unsigned int)class | (which == 1 ? TABLE_AWAY : 0));
	if (which == 1 && table_bucket(t, home)->overflow != UINT8_MAX)
		table_bucket(t, home)->overflow++;
	recount(t, TABLE_FREE, class);

	slot = slot_of(pair[which], way);
	memset(table_record(t, slot), 0, t->record_size);
	memcpy(table_record(t, slot), key, TABLE_KEY);
	return slot;
}

bool
table_set_class(struct table *t, uint32_t slot, enum table_class class)
{
	struct table_bucket *b = table_bucket(t, slot / TABLE_WAYS);
	const unsigned int way = slot % TABLE_WAYS;
	const enum table_class now = class_of(b, way);

	if (now == class)
		return true;
	if (class == TABLE_FREE) {
		release(t, slot / TABLE_WAYS, way);
		return true;
	}
	if (class == TABLE_EARNING &&
	    __builtin_popcount(ways_of(b, TABLE_EARNING)) >= TABLE_EARNING_WAYS)
		return false;
	recount(t, now, class);
	b->class[way] = (uint8_t)((unsigned int)class | (b->class[way] & TABLE_AWAY));
	return true;
}

enum table_class
table_class(const struct table *t, uint32_t slot)
{
	return class_of(table_bucket(t, slot / TABLE_WAYS), slot % TABLE_WAYS);
}

uint16_t
table_seen(const struct table *t, uint32_t slot)
{
	return table_bucket(t, slot / TABLE_WAYS)->seen[slot % TABLE_WAYS];
}

void
table_sweep(struct table *t, unsigned int buckets, uint16_t tick)
{
	for (; buckets > 0; buckets--) {
		expire_bucket(t, t->sweep, tick);
		t->sweep = (t->sweep + 1) & (t->buckets - 1);
	}
}
