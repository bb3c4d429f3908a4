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
 * Two classes: an earned slot leaves only by expiry or by its owner; an
 * unearned one may be replaced by any other unearned one, and at most
 * TABLE_UNEARNED_WAYS of a bucket are unearned. So a flood of new keys turns
 * over its own quarter of the table and nothing else
 * (Linux conntrack's early_drop has the same idea; the sizes are measured).
 * A full table is a normal state: insert then returns TABLE_NONE.
 *
 * Units   last seen counts TABLE_TICK_NS; 16 bits of it last 2.4 hours.
 * Memory  (64 + 8 x record size) bytes a bucket, taken at open, never more.
 * Threads one worker.
 */
#ifndef FLOW_TABLE_H
#define FLOW_TABLE_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hash/hash.h"

#define TABLE_WAYS          8
#define TABLE_UNEARNED_WAYS 2
#define TABLE_NONE          UINT32_MAX
#define TABLE_TICK_NS       (UINT64_C(1) << 27)
#define TABLE_KEY           48 /* bytes of every key, padded with zeros */

enum table_class { TABLE_FREE = 0, TABLE_UNEARNED = 1, TABLE_EARNED = 2 };

struct table_bucket {
	alignas(64) uint32_t signature[TABLE_WAYS];
	uint16_t seen[TABLE_WAYS];
	uint8_t class[TABLE_WAYS]; /* enum table_class */
	uint8_t overflow;          /* keys that went to their alternate, saturating */
	uint8_t spare[7];
};

struct table {
	struct table_bucket *bucket;
	char *record;
	size_t record_size; /* key included; a multiple of 64 */
	uint32_t buckets;   /* a power of two */
	uint16_t idle_unearned, idle_earned; /* ticks until a slot counts as expired */
	uint64_t earned, unearned; /* slots in use; read by anyone */
	uint64_t refused;          /* inserts that found no room */
	uint32_t sweep;            /* next bucket to sweep */
};

/* Slots a table of `entries` gets: the next power of two, at least 64. */
uint64_t table_slots(uint64_t entries);

/* Bytes that table_open() will take for so many entries. */
size_t table_bytes(uint64_t entries, size_t record_size);

/*
 * Take the memory of at least `entries` (8..2^31) slots; idle times in ns up to
 * two hours. Returns 0, -ERANGE or -ENOMEM.
 */
int table_open(struct table *t, uint64_t entries, size_t record_size);
void table_close(struct table *t);

static inline uint16_t
table_tick(uint64_t now_ns)
{
	return (uint16_t)(now_ns / TABLE_TICK_NS);
}

static inline void *
table_record(const struct table *t, uint32_t slot)
{
	return t->record + (size_t)slot * t->record_size;
}

/* Home and alternate bucket come from independent bits of the hash. */
static inline uint32_t
table_home(const struct table *t, struct hash128 h)
{
	return (uint32_t)h.lo & (t->buckets - 1);
}

static inline uint32_t
table_alternate(const struct table *t, struct hash128 h)
{
	return (uint32_t)(h.lo >> 32) & (t->buckets - 1);
}

/*
 * Find many keys at once in three passes, each of which asks memory before the
 * next one uses it. hash[], key[] and slot[] are indexed by lane; slot[lane] is
 * the slot or TABLE_NONE. Touches last seen of what it finds.
 */
void table_find_bulk(struct table *t, const struct hash128 *hash,
                     const uint8_t (*key)[TABLE_KEY], uint64_t lanes, uint16_t tick,
                     uint32_t *slot);

/* One key; the same result. */
uint32_t table_find(struct table *t, struct hash128 hash, const uint8_t key[TABLE_KEY],
                    uint16_t tick);

/*
 * A slot for a key that is not in the table; the record is zeroed and begins
 * with the key. Unearned: takes a free or expired slot while fewer than
 * TABLE_UNEARNED_WAYS of the bucket are unearned, else the oldest unearned one.
 * Earned: takes a free or expired slot, else the oldest unearned one. Returns
 * TABLE_NONE, and counts it, when all slots of both buckets are earned.
 */
uint32_t table_insert(struct table *t, struct hash128 hash, const uint8_t key[TABLE_KEY],
                      enum table_class class, uint16_t tick);

/* Change a slot's class, or free it (TABLE_FREE). */
void table_set_class(struct table *t, uint32_t slot, enum table_class class);
enum table_class table_class(const struct table *t, uint32_t slot);
uint16_t table_seen(const struct table *t, uint32_t slot);

/* Free the expired slots of the next `buckets` buckets, going round and round. */
void table_sweep(struct table *t, unsigned int buckets, uint16_t tick);

#endif
