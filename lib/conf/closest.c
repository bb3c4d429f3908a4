/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * closest - "did you mean": the word fewest typing slips away.
 *
 * Counts letters left out, put in, exchanged, and two neighbours swapped
 * (optimal string alignment: F. J. Damerau, CACM 7(3), 1964).
 */
#include <string.h>

#include "conf/conf.h"

#define MAX_WORD  64
#define MAX_SLIPS 2

static unsigned int
least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static unsigned int
slips(const char *a, size_t n, const char *b, size_t m)
{
	unsigned int row[3][MAX_WORD + 1];
	unsigned int *before = row[0], *above = row[1], *here = row[2], *spare;

	for (size_t j = 0; j <= m; j++)
		above[j] = (unsigned int)j;
	for (size_t i = 1; i <= n; i++) {
		here[0] = (unsigned int)i;
		for (size_t j = 1; j <= m; j++) {
			here[j] = least(above[j - 1] + (a[i - 1] != b[j - 1]),
			                least(above[j], here[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				here[j] = least(here[j], before[j - 2] + 1);
		}
		spare = before;
		before = above;
		above = here;
		here = spare;
	}
	return above[m];
}

const char *
conf_closest(const char *word, const char *const *words)
{
	size_t n = strlen(word);
	unsigned int best = MAX_SLIPS * 2 + 2;
	const char *found = NULL;

	if (n == 0 || n > MAX_WORD)
		return NULL;
	for (; *words != NULL; words++) {
		size_t m = strlen(*words);
		unsigned int s, cost;

		/* With more slips than letters kept, the likeness is chance. */
		if (m == 0 || m > MAX_WORD || (m > n ? m - n : n - m) > MAX_SLIPS)
			continue;
		s = slips(word, n, *words, m);
		/* Few people slip on the first letter: of two equal words it decides. */
		cost = s * 2 + (word[0] != (*words)[0]);
		if (cost < best && s <= MAX_SLIPS && s * 2 <= (n > m ? n : m)) {
			best = cost;
			found = *words;
		}
	}
	return found;
}
