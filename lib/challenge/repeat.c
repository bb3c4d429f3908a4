/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sixteen SYNs share a cache line, the newest first: a new one moves the others by
 * one place and the oldest falls off the end. A note is
 *
 *     note  | 20 bits of hash, never 0 | 12 bits: ns / 2^22 |
 *
 * so a stranger's SYN is taken for a repetition once in 2^16 times at most. The
 * clock of 12 bits comes round after 17 s, which lets a SYN pass that comes again
 * 18 to 21 s after it came first; no harm.
 */
#include "challenge/repeat.h"

#include <errno.h>
#include <immintrin.h>
#include <string.h>

#include "base/memory.h"

#define LINE_BITS  18
#define LINES      (UINT64_C(1) << LINE_BITS)
#define PLACES     16
#define TICK_SHIFT 22
#define TICK_BITS  12
#define TICK_MASK  ((1u << TICK_BITS) - 1)

struct line {
	uint32_t note[PLACES];
};
static_assert(sizeof(struct line) == 64, "one line of the cache");

struct ask {
	struct line *line;
	uint32_t tag; /* in its place in a note */
};

uint64_t
repeat_bytes(void)
{
	return LINES * sizeof(struct line);
}

int
repeat_open(struct repeat *r, const struct hash_key *key)
{
	r->key = *key;
	/* Whoever meets another in one table must not meet him in the next. */
	for (unsigned int i = 0; i < sizeof(r->key.round); i++)
		((uint8_t *)r->key.round)[i] ^= 0x72;
	r->early = 0;
	repeat_set_times(r, REPEAT_MIN_NS, REPEAT_MAX_NS);
	r->cells = memory_take(repeat_bytes());
	return r->cells != NULL ? 0 : -ENOMEM;
}

void
repeat_close(struct repeat *r)
{
	memory_give(r->cells, repeat_bytes());
	r->cells = NULL;
}

void
repeat_set_times(struct repeat *r, uint64_t min_ns, uint64_t max_ns)
{
	r->min_ticks = (uint32_t)(min_ns >> TICK_SHIFT) + 1;
	r->max_ticks = (uint32_t)(max_ns >> TICK_SHIFT);
}

/* Written as whole blocks: hashing would wait for pieces of one to reach the cache. */
static inline struct ask
ask_of(const struct repeat *r, const struct facts *f)
{
	const uint32_t seq = f->proto == PROTO_TCP ? f->tcp_seq : f->payload_len;
	const uint32_t ports = (uint32_t)f->src_port << 16 | f->dst_port;
	const __m128i *ends = (const __m128i *)f->src;
	struct line *lines = r->cells;
	__m128i message[3];
	struct hash128 h;
	uint32_t tag;

	message[0] = _mm_load_si128(ends);
	message[1] = _mm_load_si128(ends + 1);
	message[2] = _mm_set_epi32(0, 0, (int)ports, (int)seq);
	h = hash_48(&r->key, message);
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

static inline void
put_first(struct line *l, uint32_t note)
{
	const __m256i low = _mm256_loadu_si256((const __m256i *)l->note);
	const __m256i high = _mm256_loadu_si256((const __m256i *)(l->note + 7));

	_mm256_storeu_si256((__m256i *)(l->note + 1), low);
	_mm256_storeu_si256((__m256i *)(l->note + 8), high);
	l->note[0] = note;
}

/*
 * A SYN that stands in its line at `places`. One that comes too early changes nothing, or
 * a stack that is in a hurry would never pass; of one that comes too late a new time begins.
 */
static bool
is_in_time(struct repeat *r, const struct ask *a, uint32_t places, unsigned int lane,
           uint32_t tick)
{
	uint32_t *note_at = &a->line->note[__builtin_ctz(places)];
	const uint32_t age = (tick - *note_at) & TICK_MASK;

	if (age < r->min_ticks) {
		r->early |= lane_bit(lane);
		return false;
	}
	*note_at = 0;
	if (age <= r->max_ticks)
		return true;
	put_first(a->line, a->tag | tick);
	return false;
}

uint64_t
repeat_see(struct repeat *r, const struct burst *b, uint64_t lanes)
{
	const uint32_t tick = (uint32_t)(b->now_ns >> TICK_SHIFT) & TICK_MASK;
	struct ask ask[LANES_MAX];
	uint64_t repeats = 0;
	unsigned int i;

	r->early = 0;
	/* First ask memory for every line, then use them: the misses overlap. */
	LANES_FOREACH (i, lanes) {
		ask[i] = ask_of(r, &b->facts[i]);
		__builtin_prefetch(ask[i].line, 1);
	}
	LANES_FOREACH (i, lanes) {
		const uint32_t places = places_of(ask[i].line, ask[i].tag);

		if (places == 0)
			put_first(ask[i].line, ask[i].tag | tick);
		else if (is_in_time(r, &ask[i], places, i, tick))
			repeats |= lane_bit(i);
	}
	return repeats;
}
