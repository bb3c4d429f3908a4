/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A note is
 *
 *     | 20 bits of hash, never 0 | 12 bits: ns / 2^27 |
 *
 * of a young one the moment it was proven, of a settled one the moment it was last heard
 * of. A stranger is taken for one of the sixteen of his line once in 2^16 times at most.
 * The clock of 12 bits comes round after 550 s, which may prolong the life of who was
 * silent for so long; no harm.
 */
#include "challenge/admitted.h"

#include <errno.h>
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "base/memory.h"

#define LINES        (UINT64_C(1) << 16)
#define PLACES       16
#define YOUNG        4
#define TICK_SHIFT   27
#define TICK_BITS    12
#define TICK_MASK    ((1u << TICK_BITS) - 1)
#define SETTLE_TICKS (ADMITTED_SETTLE_NS >> TICK_SHIFT)
#define SILENT_TICKS (ADMITTED_SILENT_NS >> TICK_SHIFT)

static_assert(ADMITTED_MAX_NS >> TICK_SHIFT < TICK_MASK, "a life is told by the clock");

struct line {
	uint32_t note[PLACES];
};
static_assert(sizeof(struct line) == 64, "one line of the cache");

struct ask {
	struct line *line;
	uint32_t tag; /* in its place in a note */
};

uint64_t
admitted_bytes(void)
{
	return LINES * sizeof(struct line);
}

int
admitted_open(struct admitted *a, const struct hash_key *key)
{
	a->key = *key;
	/* Whoever meets another in one table must not meet him in the next. */
	for (unsigned int i = 0; i < sizeof(a->key.round); i++)
		((uint8_t *)a->key.round)[i] ^= 0x61;
	a->lines = memory_take(admitted_bytes());
	return a->lines != NULL ? 0 : -ENOMEM;
}

void
admitted_close(struct admitted *a)
{
	memory_give(a->lines, admitted_bytes());
	a->lines = NULL;
}

/* Written as whole blocks: hashing would wait for pieces of one to reach the cache. */
static inline struct ask
ask_of(const struct admitted *a, const struct burst *b, unsigned int i)
{
	const struct facts *f = &b->facts[i];
	const uint32_t ports = (uint32_t)f->src_port << 16 | f->dst_port;
	const uint32_t vlans = (uint32_t)f->vlan << 16 | f->inner_vlan;
	const __m128i *ends = (const __m128i *)f->src;
	struct line *lines = a->lines;
	__m128i message[3];
	struct hash128 h;
	uint32_t tag;

	message[0] = _mm_load_si128(ends);
	message[1] = _mm_load_si128(ends + 1);
	message[2] = _mm_set_epi32(f->proto, b->link, (int)vlans, (int)ports);
	h = hash_48(&a->key, message);
	tag = (uint32_t)h.hi & ~TICK_MASK;
	return (struct ask){ &lines[h.lo & (LINES - 1)], tag != 0 ? tag : TICK_MASK + 1 };
}

/* The places whose tag is this one's, a bit each. */
static inline uint32_t
places_of(const struct line *l, uint32_t tag)
{
	const __m256i wanted = _mm256_set1_epi32((int)(tag >> TICK_BITS));
	const __m256i *v = (const __m256i *)l;
	const __m256i low = _mm256_cmpeq_epi32(
		_mm256_srli_epi32(_mm256_load_si256(v), TICK_BITS), wanted);
	const __m256i high = _mm256_cmpeq_epi32(
		_mm256_srli_epi32(_mm256_load_si256(v + 1), TICK_BITS), wanted);

	return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(low)) |
	       (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(high)) << 8;
}

static inline uint32_t
age_of(uint32_t note, uint32_t tick)
{
	return (tick - note) & TICK_MASK;
}

/* The place among some that is free, or else the oldest; *age is TICK_MASK of a free one. */
static unsigned int
oldest(const struct line *l, unsigned int first, unsigned int end, uint32_t tick,
       uint32_t *age)
{
	unsigned int best = first;

	*age = 0;
	for (unsigned int i = first; i < end; i++) {
		const uint32_t here =
			l->note[i] == 0 ? TICK_MASK : age_of(l->note[i], tick);

		if (here >= *age) {
			*age = here;
			best = i;
		}
	}
	return best;
}

/*
 * The sender at `place` is heard. A young one that is old enough takes a settled place,
 * when there is one to be had; if not he is young anew.
 */
static void
hear(const struct ask *a, unsigned int place, uint32_t tick)
{
	uint32_t *note_at = &a->line->note[place];
	uint32_t age;
	unsigned int room;

	if (place >= YOUNG) {
		*note_at = a->tag | tick;
		return;
	}
	if (age_of(*note_at, tick) <= SETTLE_TICKS)
		return;
	room = oldest(a->line, YOUNG, PLACES, tick, &age);
	if (age > SILENT_TICKS) {
		*note_at = 0;
		note_at = &a->line->note[room];
	}
	*note_at = a->tag | tick;
}

static inline void
ask_lanes(const struct admitted *a, const struct burst *b, uint64_t lanes,
          struct ask ask[LANES_MAX])
{
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		ask[i] = ask_of(a, b, i);
		__builtin_prefetch(ask[i].line, 1);
	}
}

uint64_t
admitted_find(struct admitted *a, const struct burst *b, uint64_t lanes, uint64_t life_ns)
{
	const uint32_t tick = (uint32_t)(b->now_ns >> TICK_SHIFT) & TICK_MASK;
	const uint32_t life = (uint32_t)(life_ns >> TICK_SHIFT);
	struct ask ask[LANES_MAX];
	uint64_t found = 0;
	unsigned int i;

	ask_lanes(a, b, lanes, ask);
	LANES_FOREACH (i, lanes) {
		const uint32_t places = places_of(ask[i].line, ask[i].tag);
		unsigned int place;

		if (places == 0)
			continue;
		place = (unsigned int)__builtin_ctz(places);
		if (age_of(ask[i].line->note[place], tick) > life) {
			ask[i].line->note[place] = 0;
			continue;
		}
		hear(&ask[i], place, tick);
		found |= lane_bit(i);
	}
	return found;
}

void
admitted_add(struct admitted *a, const struct burst *b, uint64_t lanes)
{
	const uint32_t tick = (uint32_t)(b->now_ns >> TICK_SHIFT) & TICK_MASK;
	struct ask ask[LANES_MAX];
	unsigned int i;

	ask_lanes(a, b, lanes, ask);
	LANES_FOREACH (i, lanes) {
		const uint32_t places = places_of(ask[i].line, ask[i].tag);
		uint32_t age;

		if (places != 0)
			hear(&ask[i], (unsigned int)__builtin_ctz(places), tick);
		else
			ask[i].line->note[oldest(ask[i].line, 0, YOUNG, tick, &age)] =
				ask[i].tag | tick;
	}
}
