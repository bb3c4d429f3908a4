/* SPDX-License-Identifier: BSD-3-Clause */
#include "sketch/talkers.h"

#include <errno.h>
#include <immintrin.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "base/lanes.h"
#include "base/memory.h"
#include "base/seq.h"
#include "packet/burst.h"

#define SLOTS ((size_t)TALKERS_LINES * TALKERS_WAYS)

static_assert((TALKERS_LINES & (TALKERS_LINES - 1)) == 0, "a line is picked with a mask");
static_assert(sizeof(struct talker) % sizeof(uint64_t) == 0, "slots are copied by words");

int
talkers_open(struct talkers *t, const struct hash_key *key)
{
	static const uint8_t zero[16];

	memset(t, 0, sizeof(*t));
	t->epoch = memory_take(2 * sizeof(*t->epoch));
	if (t->epoch == NULL)
		return -ENOMEM;
	t->key = *key;
	t->random = hash_16(key, zero).hi;
	return 0;
}

void
talkers_close(struct talkers *t)
{
	if (t->epoch != NULL)
		memory_give(t->epoch, 2 * sizeof(*t->epoch));
	t->epoch = NULL;
}

/*
 * A reader that is a second late meets the next epoch's first packets; it
 * throws that copy away, and words written one by one keep the race defined.
 */
static void
clear(struct talker *line)
{
	uint64_t *word = (uint64_t *)(void *)line;

	for (size_t i = 0; i < TALKERS_WAYS * sizeof(*line) / sizeof(*word); i++)
		counter_set(&word[i], 0);
}

static void
put_address(struct talker *to, const uint8_t address[16])
{
	uint64_t half[2];

	memcpy(half, address, sizeof(half));
	seq_copy_words((uint64_t *)(void *)to->address, half, sizeof(half));
}

/* The slot of `address` in its line, or else the one with the fewest packets. */
static struct talker *
slot_of(struct talker *line, const uint8_t address[16], bool *is_own)
{
	struct talker *least = line;

	*is_own = true;
	for (unsigned int i = 0; i < TALKERS_WAYS; i++) {
		if (line[i].packets != 0 && memcmp(line[i].address, address, 16) == 0)
			return &line[i];
		if (line[i].packets < least->packets)
			least = &line[i];
	}
	*is_own = false;
	return least;
}

/* A newcomer may have come as often as what it replaces, which it inherits as error. */
static void
replace(struct talker *slot, const uint8_t address[16])
{
	put_address(slot, address);
	counter_set(&slot->error, slot->packets);
	/* Bytes are no part of the bound: the newcomer starts its own. */
	counter_set(&slot->bytes, 0);
}

/* Both bounds hold, so the smaller does; what is sure stays sure. */
static void
bound(struct talker *slot, uint64_t most)
{
	const uint64_t sure = slot->packets - slot->error;

	if (most >= slot->packets)
		return;
	counter_set(&slot->packets, most > sure ? most : sure);
	counter_set(&slot->error, slot->packets - sure);
}

static void
count(struct talkers *t, enum talkers_table which, const uint8_t address[16],
      uint32_t bytes, uint32_t weight)
{
	struct talkers_epoch *e = &t->epoch[t->turn & 1];
	const struct hash128 hash = hash_16(&t->key, address);
	const uint64_t at = hash.lo & (TALKERS_LINES - 1);
	struct talker *line = &e->slot[which][at * TALKERS_WAYS], *slot;
	uint64_t most = UINT64_MAX;
	bool is_own;

	if (e->filled[which][at] != t->turn + 1) {
		clear(line);
		counter_set(&e->filled[which][at], t->turn + 1);
	}
	if (which == TALKERS_SOURCES)
		most = frequency_add(&e->sources, hash.hi, weight, (uint32_t)t->turn + 1);
	slot = slot_of(line, address, &is_own);
	if (!is_own && most <= slot->packets)
		return;
	if (!is_own)
		replace(slot, address);
	counter_add(&slot->packets, weight);
	counter_add(&slot->bytes, (uint64_t)bytes * weight);
	bound(slot, most);
}

static void
count_both(struct talkers *t, const uint8_t src[16], const uint8_t dst[16],
           uint32_t bytes, uint32_t weight)
{
	struct talkers_epoch *e = &t->epoch[t->turn & 1];

	counter_add(&e->sampled, 1);
	counter_add(&e->stood_for, weight);
	count(t, TALKERS_SOURCES, src, bytes, weight);
	count(t, TALKERS_DESTINATIONS, dst, bytes, weight);
}

/*
 * Gaps are counted in packets of full bursts; a packet of another burst is as long as
 * CALM of them, and so is counted more often, each time for fewer.
 */
#define CALM_SHIFT 2
#define CALM       (1u << CALM_SHIFT)
static_assert(TALKERS_SAMPLE * CALM == TALKERS_SAMPLE_FULL, "gaps have one mean");

/* Gaps of 1 to 2 * TALKERS_SAMPLE_FULL - 1, all as likely (Knuth's MMIX generator). */
static uint32_t
gap(struct talkers *t)
{
	t->random =
		t->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(((t->random >> 32) * (2 * TALKERS_SAMPLE_FULL - 1)) >> 32) + 1;
}

void
talkers_add(struct talkers *t, const uint8_t src[16], const uint8_t dst[16],
            uint32_t bytes)
{
	for (; t->skip < CALM; t->skip += gap(t))
		count_both(t, src, dst, bytes, TALKERS_SAMPLE);
	t->skip -= CALM;
}

void
talkers_see(struct talkers *t, const struct burst *b)
{
	const unsigned int shift = b->count == LANES_MAX ? 0 : CALM_SHIFT;
	const uint32_t length = (uint32_t)lanes_count(b->live) << shift;

	for (; t->skip < length; t->skip += gap(t)) {
		/* The lowest bit, put where the live lane of that number is. */
		const uint64_t lane =
			_pdep_u64(UINT64_C(1) << (t->skip >> shift), b->live);
		const struct facts *f = &b->facts[__builtin_ctzll(lane)];

		if ((f->flags & FACT_IP) != 0)
			count_both(t, f->src, f->dst, f->frame_len,
			           TALKERS_SAMPLE_FULL >> shift);
	}
	t->skip -= length;
}

void
talkers_turn(struct talkers *t, uint64_t now_ns)
{
	struct talkers_epoch *e = &t->epoch[t->turn & 1];
	struct talkers_epoch *next = &t->epoch[(t->turn + 1) & 1];

	if (now_ns - e->began_ns < TALKERS_EPOCH_NS)
		return;
	counter_set(&e->ended_ns, now_ns);
	__atomic_store_n(&t->turn, t->turn + 1, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	counter_set(&next->began_ns, now_ns);
	counter_set(&next->sampled, 0);
	counter_set(&next->stood_for, 0);
}

static int
order(uint64_t x, uint64_t y, const struct talker *a, const struct talker *b)
{
	if (x != y)
		return x > y ? -1 : 1;
	/* Equals stand by address, so that two runs print the same. */
	return memcmp(a->address, b->address, sizeof(a->address));
}

static int
by_packets(const void *a, const void *b)
{
	const struct talker *x = a, *y = b;

	return order(x->packets, y->packets, x, y);
}

static int
by_bytes_first(const void *a, const void *b)
{
	const struct talker *x = a, *y = b;

	return order(x->bytes, y->bytes, x, y);
}

/* Copy the lines that the epoch of `turn` filled; returns the slots in use. */
static size_t
collect(const struct talkers_epoch *e, enum talkers_table which, uint64_t turn,
        struct talker *to)
{
	size_t used = 0;

	for (size_t line = 0; line < TALKERS_LINES; line++) {
		struct talker copy[TALKERS_WAYS];

		if (counter_read(&e->filled[which][line]) != turn + 1)
			continue;
		seq_copy_words((uint64_t *)(void *)copy,
		               (const uint64_t *)(const void *)&e
		                       ->slot[which][line * TALKERS_WAYS],
		               sizeof(copy));
		for (size_t i = 0; i < TALKERS_WAYS; i++)
			if (copy[i].packets != 0)
				to[used++] = copy[i];
	}
	return used;
}

uint32_t
talkers_one_in(const struct talkers *t)
{
	const uint64_t turn = __atomic_load_n(&t->turn, __ATOMIC_ACQUIRE);
	const struct talkers_epoch *e = &t->epoch[(turn + 1) & 1];
	const uint64_t sampled = counter_read(&e->sampled);

	if (turn == 0 || sampled == 0)
		return TALKERS_SAMPLE;
	return (uint32_t)((counter_read(&e->stood_for) + sampled / 2) / sampled);
}

size_t
talkers_read(const struct talkers *t, enum talkers_table which, int by_bytes,
             struct talker *out, size_t n, uint64_t *length_ns)
{
	struct talker *all = malloc(SLOTS * sizeof(*all));
	uint64_t before, after;
	size_t used;

	*length_ns = 0;
	if (all == NULL)
		return 0;
	do {
		const struct talkers_epoch *e;

		before = __atomic_load_n(&t->turn, __ATOMIC_ACQUIRE);
		e = &t->epoch[(before + 1) & 1];
		used = before == 0 ? 0 : collect(e, which, before - 1, all);
		if (before != 0)
			*length_ns =
				counter_read(&e->ended_ns) - counter_read(&e->began_ns);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		after = __atomic_load_n(&t->turn, __ATOMIC_RELAXED);
	} while (before != after);

	qsort(all, used, sizeof(*all), by_bytes ? by_bytes_first : by_packets);
	if (used > n)
		used = n;
	memcpy(out, all, used * sizeof(*out));
	free(all);
	return used;
}

struct talkers_estimate
talkers_estimate(const struct talkers *t, const uint8_t source[16])
{
	const uint64_t hash = hash_16(&t->key, source).hi;
	struct talkers_estimate found = { 0 };
	uint64_t before, after;

	do {
		const struct talkers_epoch *e;

		before = __atomic_load_n(&t->turn, __ATOMIC_ACQUIRE);
		if (before == 0)
			return found;
		e = &t->epoch[(before + 1) & 1];
		found.packets = frequency_read(&e->sources, hash, (uint32_t)before);
		found.error = counter_read(&e->stood_for) / FREQUENCY_SHARE;
		found.length_ns = counter_read(&e->ended_ns) - counter_read(&e->began_ns);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		after = __atomic_load_n(&t->turn, __ATOMIC_RELAXED);
	} while (before != after);
	return found;
}
