/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * table - the bounded hash table that both flows and sources live in.
 *
 * A bucket is one cache line for eight slots: what a lookup compares first,
 * when the slot was last used and which class it has. The slot's record lies
 * at the same index in an array of its own, so nothing is linked, moved or
 * allocated. A key lives in its home bucket, or in one alternate bucket when
 * the home was full; the home remembers that some key went there.
 *
 *   bucket  | 8 x 32-bit signature | 8 x 16-bit last seen | 8 x class | overflow |
 *   record  [bucket * 8 + way]      key first, compared in full
 *
 * Records of one line lie behind their bucket, so that a hit walks the page tables
 * once for both; larger ones lie apart, where misses read nothing but buckets.
 *
 * Two classes carry the promise: an earned slot leaves only by expiry or by its
 * owner; an unearned one may be replaced by any other unearned one, and inserts
 * keep at most TABLE_UNEARNED_WAYS of a bucket unearned. So a flood of new keys
 * turns over its own quarter of the table and nothing else
 * (Linux conntrack's early_drop has the same idea; the sizes are measured).
 * Between them stands `earning`, for what looks good but could be forged: new
 * unearned keys never replace it, earned ones may, and at most
 * TABLE_EARNING_WAYS of a bucket have it, so that forging it fills half a table
 * at worst and never costs an earned slot.
 * A full table is a normal state: insert then returns TABLE_NONE.
 *
 * An unearned key goes to its alternate only when the home has nothing unearned
 * to give, which keeps a flood from making every lookup read two lines.
 *
 * Units   last seen counts TABLE_TICK_NS; 16 bits of it last 2.4 hours, so the
 *         sweep must come round more often than that.
 * Memory  (64 + 8 x record size) bytes a bucket, taken at open, never more.
 * Threads one worker.
 */
#ifndef FLOW_TABLE_H
#define FLOW_TABLE_H

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lanes.h"
#include "hash/hash.h"

#define TABLE_WAYS          8
#define TABLE_UNEARNED_WAYS 2
#define TABLE_EARNING_WAYS  4
#define TABLE_NONE          UINT32_MAX
#define TABLE_TICK_NS       (UINT64_C(1) << 27)
#define TABLE_KEY           48 /* bytes of every key, padded with zeros */
#define TABLE_MAX_IDLE_NS   (UINT64_C(7800) * 1000000000)

enum table_class {
	TABLE_FREE = 0,
	TABLE_UNEARNED = 1,
	TABLE_EARNING = 2, /* evictable, but only by what is earned */
	TABLE_EARNED = 3,
	TABLE_CLASSES
};

struct table_bucket {
	alignas(64) uint32_t signature[TABLE_WAYS];
	uint16_t seen[TABLE_WAYS];
	uint8_t class
		[TABLE_WAYS]; /* enum table_class, TABLE_AWAY when home is elsewhere */
	uint8_t overflow;     /* keys of this home in their alternate, saturating */
	uint8_t spare[7];
};
static_assert(sizeof(struct table_bucket) == 64, "a bucket is one cache line");
#define TABLE_AWAY 0x80

struct table {
	char *bucket;       /* the first; table_bucket() finds the others */
	char *record;       /* the first of the first bucket */
	size_t bucket_step; /* bytes from bucket to bucket */
	size_t record_step; /* bytes from a bucket's records to the next one's */
	size_t record_size; /* key included; a multiple of 64 */
	alignas(16) uint8_t compared[16]; /* bits of the key's last 16 bytes that count */
	uint32_t buckets;                 /* a power of two */
	uint16_t idle[TABLE_CLASSES];     /* ticks of silence a slot outlives, by class */
	uint16_t least_idle;              /* the shortest of them */
	uint64_t used[TABLE_CLASSES];     /* slots by class; read by anyone */
	uint64_t refused;                 /* inserts that found no room */
	uint32_t sweep;                   /* next bucket to sweep */
	/* Optional: told of every slot that expires, before its record may be reused. */
	void (*expired)(void *owner, uint32_t slot);
	void *owner;
};

/*
 * Keys and hashes of the burst in work, by lane. Whoever fills it writes whole blocks.
 * What is asked from memory in one step is remembered for the next one; record[] of
 * what was found holds until the next burst.
 */
struct table_batch {
	alignas(16) struct hash128 hash[LANES_MAX];
	alignas(16) uint8_t key[LANES_MAX][TABLE_KEY];
	struct table_bucket *bucket[LANES_MAX]; /* home, by table_ask() */
	void *record[LANES_MAX]; /* of the first way that fits, then of the key */
	uint64_t fits;           /* lanes with a way that fits, by table_ask_records() */
	uint64_t away;           /* of the others: those to look for elsewhere */
	uint8_t ways[LANES_MAX]; /* that fit */
};

/* Block `block` (0..2) of a lane's key. */
static inline __m128i *
table_key_block(struct table_batch *batch, unsigned int lane, unsigned int block)
{
	return (__m128i *)batch->key[lane] + block;
}

/* Slots a table of `entries` gets: the next power of two, at least 64. */
uint64_t table_slots(uint64_t entries);

/* Bytes that table_open() will take for so many entries. */
size_t table_bytes(uint64_t entries, size_t record_size);

/*
 * Take the memory of at least `entries` (8..2^31) slots of record_size bytes (a
 * multiple of 64). Every idle time is ten seconds until table_set_idle().
 * Returns 0, -ERANGE or -ENOMEM.
 */
int table_open(struct table *t, uint64_t entries, size_t record_size);
void table_close(struct table *t);

/*
 * Of every key only the first `bytes` (32..TABLE_KEY) count; behind them a record may
 * keep what it likes. They are zero in a new record. All count until this is called.
 */
void table_set_key_bytes(struct table *t, unsigned int bytes);

/* Silence that a slot of this class outlives, up to TABLE_MAX_IDLE_NS, rounded up to a tick. */
void table_set_idle(struct table *t, enum table_class class, uint64_t idle_ns);

static inline uint16_t
table_tick(uint64_t now_ns)
{
	return (uint16_t)(now_ns / TABLE_TICK_NS);
}

static inline void *
table_record(const struct table *t, uint32_t slot)
{
	return t->record + (size_t)(slot / TABLE_WAYS) * t->record_step +
	       (size_t)(slot % TABLE_WAYS) * t->record_size;
}

static inline struct table_bucket *
table_bucket(const struct table *t, uint32_t index)
{
	return (struct table_bucket *)(void *)(t->bucket +
	                                       (size_t)index * t->bucket_step);
}

/* Odd, because 0 is the signature of a free slot. */
static inline uint32_t
table_signature(struct hash128 h)
{
	return (uint32_t)h.hi | 1;
}

static inline uint32_t
table_home(const struct table *t, struct hash128 h)
{
	return (uint32_t)h.lo & (t->buckets - 1);
}

/*
 * The other bucket of a key that lies in `bucket`: home and alternate differ by
 * bits of the signature, which are independent of those that choose the home.
 * So a slot alone tells both, and a freed one is taken off its home's overflow.
 */
static inline uint32_t
table_other(const struct table *t, uint32_t bucket, uint32_t signature)
{
	return (bucket ^ signature) & (t->buckets - 1);
}

/* Whether the record begins with this key, as far as keys count. */
static inline bool
table_is_key(const struct table *t, const void *record, const uint8_t key[TABLE_KEY])
{
	const __m128i *r = record, *k = (const __m128i *)key;
	__m128i a = _mm_xor_si128(_mm_load_si128(r), _mm_loadu_si128(k));
	__m128i b = _mm_xor_si128(_mm_load_si128(r + 1), _mm_loadu_si128(k + 1));
	__m128i c = _mm_xor_si128(_mm_load_si128(r + 2), _mm_loadu_si128(k + 2));

	c = _mm_and_si128(c, _mm_load_si128((const __m128i *)t->compared));
	c = _mm_or_si128(_mm_or_si128(a, b), c);
	return _mm_testz_si128(c, c);
}

/*
 * Hash the keys of `lanes`. Keys written in pieces should all be written before:
 * to load one whole right away would wait for each piece to reach the cache.
 */
void table_hash_bulk(struct table_batch *batch, const struct hash_key *key,
                     uint64_t lanes);

/*
 * Find many keys at once. slot[] is indexed by lane like the batch; slot[lane] is
 * the slot or TABLE_NONE. Touches last seen of what it finds; what has expired is
 * freed, not found.
 */
void table_find_bulk(struct table *t, struct table_batch *batch, uint64_t lanes,
                     uint16_t tick, uint32_t *slot);

/*
 * The same in three steps, for who has work to do while memory answers. Each asks
 * for what the next one uses: buckets, records, slots. Give each step TABLE_BLOCK
 * lanes at a time, or the asking itself waits: a core has so many misses in flight.
 * Nothing may be inserted, and no slot freed, between the steps of one lane. The last
 * one returns the lanes that were found; it writes no slot[] where nothing fits, so
 * let them all be TABLE_NONE before.
 */
#define TABLE_BLOCK  16
#define TABLE_BLOCKS (LANES_MAX / TABLE_BLOCK)

static inline uint64_t
table_block(uint64_t lanes, unsigned int k)
{
	return lanes & (lanes_first(TABLE_BLOCK) << (k * TABLE_BLOCK));
}

/* Ask for the bucket of a lane whose hash begins with these bits. */
static inline void
table_ask(const struct table *t, struct table_batch *batch, unsigned int lane,
          uint32_t hash)
{
	batch->bucket[lane] = table_bucket(t, hash & (t->buckets - 1));
	__builtin_prefetch(batch->bucket[lane], 1);
}

/* Hash the key of a lane; returns the hash as it stands in a vector register. */
static inline __m128i
table_hash(struct table_batch *batch, const struct hash_key *key, unsigned int lane)
{
	const __m128i state = hash_48_state(key, batch->key[lane]);

	_mm_store_si128((__m128i *)(void *)&batch->hash[lane], state);
	return state;
}

/* The same, and ask for its bucket. */
static inline void
table_hash_ask(const struct table *t, struct table_batch *batch,
               const struct hash_key *key, unsigned int lane)
{
	const __m128i state = table_hash(batch, key, lane);

	table_ask(t, batch, lane, (uint32_t)_mm_cvtsi128_si32(state));
}

void table_ask_records(const struct table *t, struct table_batch *batch, uint64_t lanes);
uint64_t table_find_asked(struct table *t, struct table_batch *batch, uint64_t lanes,
                          uint16_t tick, uint32_t *slot);

/* One key; the same result. */
uint32_t table_find(struct table *t, struct hash128 hash, const uint8_t key[TABLE_KEY],
                    uint16_t tick);

/*
 * Ask memory for the slots that unearned keys of `lanes` will probably get; a
 * guess that costs nothing when it is wrong. Before many table_insert().
 */
void table_ask_bulk(const struct table *t, const struct table_batch *batch,
                    uint64_t lanes, uint16_t tick);

/*
 * A slot for a key that is not in the table; the record is zeroed and begins
 * with the key. Unearned: takes a free or expired slot while fewer than
 * TABLE_UNEARNED_WAYS of the bucket are unearned, else the oldest unearned one.
 * Earned: takes a free or expired slot, else the oldest unearned one, else the
 * oldest earning one. Returns TABLE_NONE, and counts it, when neither bucket has
 * such a slot. Nothing is inserted as TABLE_EARNING.
 */
uint32_t table_insert(struct table *t, struct hash128 hash, const uint8_t key[TABLE_KEY],
                      enum table_class class, uint16_t tick);

/*
 * Change a slot's class, or free it (TABLE_FREE; `expired` is not told). Returns
 * false, and changes nothing, when its bucket already has TABLE_EARNING_WAYS
 * earning slots and this one would be another.
 */
bool table_set_class(struct table *t, uint32_t slot, enum table_class class);
enum table_class table_class(const struct table *t, uint32_t slot);
uint16_t table_seen(const struct table *t, uint32_t slot);

/* Free the expired slots of the next `buckets` buckets, going round and round. */
void table_sweep(struct table *t, unsigned int buckets, uint16_t tick);

#endif
