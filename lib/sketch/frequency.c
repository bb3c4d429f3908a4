/* SPDX-License-Identifier: BSD-3-Clause */
#include "sketch/frequency.h"

static_assert((FREQUENCY_LINES & (FREQUENCY_LINES - 1)) == 0, "picked with a mask");

/* The counters of a key in its line; different bits of the hash for each row. */
static void
places(uint64_t hash, unsigned int at[FREQUENCY_ROWS])
{
	const uint64_t rest = hash >> 32;

	at[0] = rest & 3;
	at[1] = 4 + (rest >> 2 & 3);
	at[2] = 8 + (rest >> 4 & 3);
	at[3] = 12 + (unsigned int)((rest >> 8 & 0xffff) * 3 >> 16);
}

static uint32_t
read_word(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

uint32_t
frequency_add(struct frequency *f, uint64_t hash, uint32_t n, uint32_t turn)
{
	struct frequency_line *line = &f->line[hash & (FREQUENCY_LINES - 1)];
	unsigned int at[FREQUENCY_ROWS];
	uint32_t least = UINT32_MAX;

	if (line->turn != turn) {
		for (unsigned int i = 0; i < 15; i++)
			__atomic_store_n(&line->count[i], 0, __ATOMIC_RELAXED);
		__atomic_store_n(&line->turn, turn, __ATOMIC_RELAXED);
	}
	places(hash, at);
	for (unsigned int row = 0; row < FREQUENCY_ROWS; row++) {
		uint32_t count = line->count[at[row]] + n;

		__atomic_store_n(&line->count[at[row]], count, __ATOMIC_RELAXED);
		least = count < least ? count : least;
	}
	return least;
}

uint32_t
frequency_read(const struct frequency *f, uint64_t hash, uint32_t turn)
{
	const struct frequency_line *line = &f->line[hash & (FREQUENCY_LINES - 1)];
	unsigned int at[FREQUENCY_ROWS];
	uint32_t least = UINT32_MAX;

	if (read_word(&line->turn) != turn)
		return 0;
	places(hash, at);
	for (unsigned int row = 0; row < FREQUENCY_ROWS; row++) {
		uint32_t count = read_word(&line->count[at[row]]);

		least = count < least ? count : least;
	}
	return least;
}
