/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow/table.h"

#include <errno.h>
#include <immintrin.h>
#include <string.h>

#include "base/counter.h"
#include "base/memory.h"

#define MIN_SLOTS   UINT64_C(64)
#define MIN_ENTRIES UINT64_C(8)
#define MAX_ENTRIES (UINT64_C(1) << 31)
#define NO_WAY      TABLE_WAYS

uint64_t
table_slots(uint64_t entries)
{
	uint64_t slots = MIN_SLOTS;

	while (slots < entries)
		slots *= 2;
	return slots;
}

static size_t
bucket_bytes(uint64_t slots)
{
	return slots / TABLE_WAYS * sizeof(struct table_bucket);
}

size_t
table_bytes(uint64_t entries, size_t record_size)
{
	uint64_t slots = table_slots(entries);

	return bucket_bytes(slots) + slots * record_size;
}

int
table_open(struct table *t, uint64_t entries, size_t record_size)
{
	struct table fresh = { .record_size = record_size };
	uint64_t slots;

	if (entries < MIN_ENTRIES || entries > MAX_ENTRIES || record_size < TABLE_KEY ||
	    record_size % 64 != 0)
		return -ERANGE;
	slots = table_slots(entries);
	fresh.buckets = (uint32_t)(slots / TABLE_WAYS);
	fresh.bucket = memory_take(bucket_bytes(slots));
	fresh.record = memory_take(slots * record_size);
	if (fresh.bucket == NULL || fresh.record == NULL) {
		memory_give(fresh.bucket, bucket_bytes(slots));
		memory_give(fresh.record, slots * record_size);
		return -ENOMEM;
	}
	*t = fresh;
	table_set_key_bytes(t, TABLE_KEY);
	for (int class = TABLE_UNEARNED; class < TABLE_CLASSES; class ++)
		table_set_idle(t, (enum table_class) class, UINT64_C(10000000000));
	return 0;
}

void
table_close(struct table *t)
{
	uint64_t slots = (uint64_t)t->buckets * TABLE_WAYS;

	memory_give(t->bucket, bucket_bytes(slots));
	memory_give(t->record, slots * t->record_size);
	*t = (struct table){ 0 };
}

void
table_set_key_bytes(struct table *t, unsigned int bytes)
{
	const unsigned int last = TABLE_KEY - sizeof(t->compared);

	assert(bytes >= last && bytes <= TABLE_KEY);
	memset(t->compared, 0, sizeof(t->compared));
	memset(t->compared, 0xff, bytes - last);
}

void
table_set_idle(struct table *t, enum table_class class, uint64_t idle_ns)
{
	assert(idle_ns <= TABLE_MAX_IDLE_NS);
	t->idle[class] = (uint16_t)((idle_ns + TABLE_TICK_NS - 1) / TABLE_TICK_NS);
	t->least_idle = UINT16_MAX;
	for (int c = TABLE_UNEARNED; c < TABLE_CLASSES; c++)
		if (t->idle[c] < t->least_idle)
			t->least_idle = t->idle[c];
}

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
slot_of(const struct table *t, const struct table_bucket *b, unsigned int way)
{
	return (uint32_t)(b - t->bucket) * TABLE_WAYS + way;
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
release(struct table *t, struct table_bucket *b, unsigned int way)
{
	recount(t, class_of(b, way), TABLE_FREE);
	if ((b->class[way] & TABLE_AWAY) != 0) {
		uint32_t home =
			table_other(t, (uint32_t)(b - t->bucket), b->signature[way]);

		if (t->bucket[home].overflow != UINT8_MAX)
			t->bucket[home].overflow--;
	}
	b->class[way] = TABLE_FREE;
	b->signature[way] = 0;
}

static void
expire(struct table *t, struct table_bucket *b, unsigned int way)
{
	if (t->expired != NULL)
		t->expired(t->owner, slot_of(t, b, way));
	release(t, b, way);
}

/* The slot of the key among the `ways` of one bucket, touched; or TABLE_NONE. */
static inline uint32_t
pick(struct table *t, struct table_bucket *b, unsigned int ways,
     const uint8_t key[TABLE_KEY], uint16_t tick)
{
	for (; ways != 0; ways &= ways - 1) {
		unsigned int way = (unsigned int)__builtin_ctz(ways);
		uint32_t slot = slot_of(t, b, way);

		/* A slot that the lane before this one found expired keeps its record. */
		if (b->class[way] == TABLE_FREE ||
		    !table_is_key(t, table_record(t, slot), key))
			continue;
		if (is_expired(t, b, way, tick)) {
			expire(t, b, way);
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
	struct table_bucket *b = &t->bucket[home];
	uint32_t slot = pick(t, b, ways, key, tick);

	if (slot != TABLE_NONE || b->overflow == 0)
		return slot;
	b = &t->bucket[table_other(t, home, table_signature(hash))];
	return pick(t, b, ways_with(b, table_signature(hash)), key, tick);
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

void
table_ask_records(const struct table *t, struct table_batch *batch, uint64_t lanes)
{
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const uint32_t home = table_home(t, batch->hash[i]);
		const uint32_t signature = table_signature(batch->hash[i]);
		const struct table_bucket *b = &t->bucket[home];
		const unsigned int mine = ways_with(b, signature);

		batch->ways[i] = (uint8_t)mine;
		if (mine != 0)
			ask_record(t,
			           home * TABLE_WAYS + (unsigned int)__builtin_ctz(mine));
		else if (b->overflow != 0)
			__builtin_prefetch(&t->bucket[table_other(t, home, signature)],
			                   1);
	}
}

/* The common end of a lookup: one way fits, it is the key, and it lives. Else TABLE_NONE. */
static inline uint32_t
pick_first(struct table *t, uint32_t home, unsigned int ways,
           const uint8_t key[TABLE_KEY], uint16_t tick)
{
	const unsigned int way = (unsigned int)__builtin_ctz(ways);
	const uint32_t slot = home * TABLE_WAYS + way;
	struct table_bucket *b = &t->bucket[home];

	/* What a lane before this one found expired keeps its record, but is free. */
	if (!table_is_key(t, table_record(t, slot), key) || is_expired(t, b, way, tick) ||
	    b->class[way] == TABLE_FREE)
		return TABLE_NONE;
	if (b->seen[way] != tick)
		b->seen[way] =
			tick; /* A line that did not change need not be written back. */
	return slot;
}

void
table_find_asked(struct table *t, const struct table_batch *batch, uint64_t lanes,
                 uint16_t tick, uint32_t *slot)
{
	unsigned int i;

	/* An expired slot may be freed on the way, but nothing is inserted: ways[] stay true. */
	LANES_FOREACH (i, lanes) {
		const struct hash128 hash = batch->hash[i];
		const uint32_t home = table_home(t, hash);
		const unsigned int ways = batch->ways[i];

		slot[i] = ways != 0 ? pick_first(t, home, ways, batch->key[i], tick)
		                    : TABLE_NONE;
		if (slot[i] == TABLE_NONE && (ways | t->bucket[home].overflow) != 0)
			slot[i] = find_from(t, hash, ways, batch->key[i], tick);
	}
}

void
table_find_bulk(struct table *t, struct table_batch *batch, uint64_t lanes, uint16_t tick,
                uint32_t *slot)
{
	unsigned int i;

	for (unsigned int k = 0; k < TABLE_BLOCKS + 2; k++) {
		LANES_FOREACH (i, k < TABLE_BLOCKS ? table_block(lanes, k) : 0)
			table_ask_bucket(t, batch->hash[i]);
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
	const struct table_bucket *b = &t->bucket[table_home(t, hash)];

	return find_from(t, hash, ways_with(b, table_signature(hash)), key, tick);
}

/* Free what expired, so that what follows sees only living slots. */
static void
expire_bucket(struct table *t, struct table_bucket *b, uint16_t tick)
{
	unsigned int ways = ways_silent(b, tick, t->least_idle) & ~ways_of(b, TABLE_FREE);

	for (; ways != 0; ways &= ways - 1) {
		unsigned int way = (unsigned int)__builtin_ctz(ways);

		if (is_expired(t, b, way, tick))
			expire(t, b, way);
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

	LANES_FOREACH (i, lanes) {
		const struct table_bucket *b = &t->bucket[table_home(t, batch->hash[i])];
		unsigned int way = room_for_unearned(b, tick);

		if (way != NO_WAY)
			ask_record(t, slot_of(t, b, way));
	}
}

/*
 * Chooses between home (pair[0]) and alternate (pair[1]); returns the way, or
 * NO_WAY. A flood inserts unearned keys, and finds room at home: only when it
 * does not is the alternate's line asked from memory.
 */
static unsigned int
choose(struct table *t, struct table_bucket *const pair[2], enum table_class class,
       uint16_t tick, unsigned int *which)
{
	static const enum table_class victims[] = { TABLE_FREE, TABLE_UNEARNED,
		                                    TABLE_EARNING };
	unsigned int way;

	if (class == TABLE_UNEARNED) {
		for (*which = 0; *which < 2; ++*which) {
			expire_bucket(t, pair[*which], tick);
			if ((way = room_for_unearned(pair[*which], tick)) != NO_WAY)
				return way;
		}
		return NO_WAY;
	}
	expire_bucket(t, pair[0], tick);
	expire_bucket(t, pair[1], tick);
	for (size_t v = 0; v < sizeof(victims) / sizeof(*victims); v++)
		for (*which = 0; *which < 2; ++*which)
			if ((way = oldest(pair[*which], victims[v], tick)) != NO_WAY)
				return way;
	return NO_WAY;
}

uint32_t
table_insert(struct table *t, struct hash128 hash, const uint8_t key[TABLE_KEY],
             enum table_class class, uint16_t tick)
{
	const uint32_t signature = table_signature(hash), home = table_home(t, hash);
	struct table_bucket *pair[2] = { &t->bucket[home],
		                         &t->bucket[table_other(t, home, signature)] };
	unsigned int which, way;
	uint32_t slot;

	assert(class == TABLE_UNEARNED || class == TABLE_EARNED);
	way = choose(t, pair, class, tick, &which);
	if (way == NO_WAY) {
		counter_add(&t->refused, 1);
		return TABLE_NONE;
	}
	if (class_of(pair[which], way) != TABLE_FREE)
		release(t, pair[which], way);

	pair[which]->signature[way] = signature;
	pair[which]->seen[way] = tick;
	pair[which]->class[way] =
		(uint8_t)((unsigned int)class | (which == 1 ? TABLE_AWAY : 0));
	if (which == 1 && pair[0]->overflow != UINT8_MAX)
		pair[0]->overflow++;
	recount(t, TABLE_FREE, class);

	slot = slot_of(t, pair[which], way);
	memset(table_record(t, slot), 0, t->record_size);
	memcpy(table_record(t, slot), key, TABLE_KEY);
	return slot;
}

bool
table_set_class(struct table *t, uint32_t slot, enum table_class class)
{
	struct table_bucket *b = &t->bucket[slot / TABLE_WAYS];
	const unsigned int way = slot % TABLE_WAYS;
	const enum table_class now = class_of(b, way);

	if (now == class)
		return true;
	if (class == TABLE_FREE) {
		release(t, b, way);
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
	return class_of(&t->bucket[slot / TABLE_WAYS], slot % TABLE_WAYS);
}

uint16_t
table_seen(const struct table *t, uint32_t slot)
{
	return t->bucket[slot / TABLE_WAYS].seen[slot % TABLE_WAYS];
}

void
table_sweep(struct table *t, unsigned int buckets, uint16_t tick)
{
	for (; buckets > 0; buckets--) {
		expire_bucket(t, &t->bucket[t->sweep], tick);
		t->sweep = (t->sweep + 1) & (t->buckets - 1);
	}
}
