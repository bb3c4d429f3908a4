/* SPDX-License-Identifier: BSD-3-Clause */
#include "sketch/member.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>

#include "base/memory.h"

#define GENERATIONS 3u
#define BITS        6    /* of a key */
#define WIPED       256u /* lines that one turn wipes: 16 KiB */

struct line {
	alignas(64) uint64_t word[8];
};

static inline struct line *
line_of(const struct member *m, unsigned int generation, uint64_t hash)
{
	struct line *lines = m->lines;

	return &lines[(uint64_t)generation * (m->mask + 1) + (hash & m->mask)];
}

static inline unsigned int
last_of(const struct member *m)
{
	return (m->present + GENERATIONS - 1) % GENERATIONS;
}

/* Nine bits for each place, which are no longer those that chose the line. */
static inline uint64_t
places_of(uint64_t hash)
{
	return (hash * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - 9 * BITS);
}

uint64_t
member_bytes(uint32_t lines)
{
	return (uint64_t)GENERATIONS * lines * sizeof(struct line);
}

int
member_open(struct member *m, uint32_t lines, uint64_t most, uint64_t every_ns)
{
	*m = (struct member){
		.mask = lines - 1, .wiped = lines, .most = most, .every_ns = every_ns
	};
	m->lines = memory_take(member_bytes(lines));
	return m->lines != NULL ? 0 : -ENOMEM;
}

void
member_close(struct member *m)
{
	memory_give(m->lines, member_bytes(m->mask + 1));
	m->lines = NULL;
}

void
member_turn(struct member *m, uint64_t now_ns)
{
	const unsigned int third = (m->present + 1) % GENERATIONS;
	const uint32_t left = m->mask + 1 - m->wiped;

	if (left != 0) {
		const uint32_t n = left < WIPED ? left : WIPED;

		memset(line_of(m, third, m->wiped), 0, n * sizeof(struct line));
		m->wiped += n;
		return;
	}
	if (m->keys < m->most && now_ns - m->began_ns < m->every_ns)
		return;
	/* What was the last one until now is the third one, to be wiped. */
	m->present = third;
	m->wiped = 0;
	m->keys = 0;
	m->began_ns = now_ns;
}

void
member_ask(const struct member *m, uint64_t hash)
{
	__builtin_prefetch(line_of(m, m->present, hash));
	__builtin_prefetch(line_of(m, last_of(m), hash));
}

static inline bool
has(const struct line *l, uint64_t places)
{
	uint64_t all = 1;

	for (unsigned int i = 0; i < BITS; i++, places >>= 9)
		all &= l->word[places >> 6 & 7] >> (places & 63);
	return (all & 1) != 0;
}

bool
member_has(const struct member *m, uint64_t hash)
{
	const uint64_t places = places_of(hash);

	return has(line_of(m, m->present, hash), places) ||
	       has(line_of(m, last_of(m), hash), places);
}

void
member_add(struct member *m, uint64_t hash)
{
	struct line *l = line_of(m, m->present, hash);
	uint64_t places = places_of(hash);

	if (has(l, places))
		return;
	m->keys++;
	for (unsigned int i = 0; i < BITS; i++, places >>= 9)
		l->word[places >> 6 & 7] |= UINT64_C(1) << (places & 63);
}
