/* SPDX-License-Identifier: BSD-3-Clause */
#include "words.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 32

/* Bytes of the character at `text`, and which it is; 0 where it is no UTF-8 (RFC 3629). */
static size_t
character(const unsigned char *text, uint32_t *out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char first = text[0];
	const size_t n = first < 0x80             ? 1
	                 : (first & 0xe0) == 0xc0 ? 2
	                 : (first & 0xf0) == 0xe0 ? 3
	                 : (first & 0xf8) == 0xf0 ? 4
	                                          : 0;

	if (n == 0)
		return 0;
	*out = n == 1 ? first : first & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*out = *out << 6 | (text[i] & 0x3f);
	}
	return *out < least[n] || *out > 0x10ffff || (*out >> 11) == 0x1b ? 0 : n;
}

/* Control characters of both sets, marks of direction, and what has no width. */
static bool
is_harmless(uint32_t c)
{
	return c >= ' ' && (c < 0x7f || c >= 0xa0) && (c < 0x200b || c > 0x200f) &&
	       (c < 0x2028 || c > 0x202e) && (c < 0x2060 || c > 0x206f) && c != 0x61c &&
	       c != 0xfeff;
}

void
words_clean(const char *text, char *out, size_t size)
{
	size_t used = 0;

	while (*text != '\0') {
		uint32_t c = 0;
		const size_t n = character((const unsigned char *)text, &c);
		const bool is_kept = n > 0 && is_harmless(c);
		const size_t room = is_kept ? n : 1;

		if (used + room >= size)
			break;
		if (is_kept)
			memcpy(out + used, text, n);
		else
			out[used] = '?';
		used += room;
		text += n > 0 ? n : 1;
	}
	out[used] = '\0';
}

static void
clean_string(json_t *string)
{
	const char *text = json_string_value(string);
	const size_t size = json_string_length(string) + 1;
	char *clean = malloc(size);

	if (clean == NULL)
		abort();
	words_clean(text, clean, size);
	if (strcmp(clean, text) != 0)
		json_string_set(string, clean);
	free(clean);
}

void
words_clean_document(json_t *document)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_string(document))
		clean_string(document);
	json_object_foreach(document, key, value) words_clean_document(value);
	json_array_foreach(document, i, value) words_clean_document(value);
}

/* Letters to insert, leave out, replace or swap with their neighbour. */
static unsigned int
slips(const char *a, const char *b)
{
	unsigned int row[3][WORD_MAX + 1];
	const size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned int *now = row[i % 3];
		const unsigned int *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];

		now[0] = (unsigned int)i;
		for (size_t j = 1; j <= lb; j++) {
			const bool same = a[i - 1] == b[j - 1];
			unsigned int least = last[j - 1] + !same;

			least = last[j] + 1 < least ? last[j] + 1 : least;
			least = now[j - 1] + 1 < least ? now[j - 1] + 1 : least;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && before[j - 2] + 1 < least)
				least = before[j - 2] + 1;
			now[j] = least;
		}
	}
	return row[la % 3][lb];
}

const char *
words_closest(const char *typed, const char *const *words)
{
	const char *best = NULL;
	unsigned int least = 3;

	for (size_t i = 0; words[i] != NULL; i++) {
		const size_t len = strlen(words[i]);
		/* What was begun is meant, when nothing else is. */
		const unsigned int n =
			strlen(typed) > 1 && strncmp(words[i], typed, strlen(typed)) == 0
				? 2
				: slips(typed, words[i]);

		if (n < least && n < len) {
			least = n;
			best = words[i];
		}
	}
	return best;
}
