/* SPDX-License-Identifier: BSD-3-Clause */
/* words_ipv6 - an expression written again so that libpcap reads IPv6 by it too. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "filter/words.h"

struct writing {
	const struct filter_words *w;
	char *to;
	size_t room, used;
	bool is_full;
};

static void
put(struct writing *o, const char *text)
{
	const size_t n = strlen(text);

	if (o->used + n + 2 > o->room) {
		o->is_full = true;
		return;
	}
	memcpy(o->to + o->used, text, n);
	o->used += n;
	o->to[o->used++] = ' ';
	o->to[o->used] = '\0';
}

static bool
is_sign(const struct filter_words *w, unsigned int i, char sign)
{
	return i < w->count && w->word[i].size == 1 && w->text[w->word[i].at] == sign;
}

/* The bracket that closes the one at `i`; w->count when none does. */
static unsigned int
closing(const struct filter_words *w, unsigned int i)
{
	unsigned int depth = 0;

	for (; i < w->count; i++) {
		if (is_sign(w, i, '(') || is_sign(w, i, '['))
			depth++;
		else if ((is_sign(w, i, ')') || is_sign(w, i, ']')) && --depth == 0)
			break;
	}
	return i;
}

/* Where a part of a sum that begins at `i` ends, or `i` when none begins there. */
static unsigned int
after_part(const struct filter_words *w, unsigned int i)
{
	unsigned int end;

	if (i >= w->count)
		return i;
	switch (w->word[i].kind) {
	case FILTER_NUMBER:
	case FILTER_SUM:
	case FILTER_RELATION:
		return i + 1;
	case FILTER_READ:
		end = closing(w, i + 1);
		return end < w->count ? end + 1 : i;
	case FILTER_WORD: /* `ip[9]`; else it is no sum. */
		end = is_sign(w, i + 1, '[') ? closing(w, i + 1) : w->count;
		return end < w->count ? end + 1 : i;
	case FILTER_BRACKET:
		if (!is_sign(w, i, '('))
			return i;
		end = closing(w, i);
		/* A bracket around a condition is none of a sum. */
		for (unsigned int k = i + 1; k < end;) {
			unsigned int next = after_part(w, k);

			if (next == k || w->word[k].kind == FILTER_RELATION)
				return i;
			k = next;
		}
		return end < w->count ? end + 1 : i;
	default:
		return i;
	}
}

static const char *
word_of(const struct filter_words *w, unsigned int i, char to[64])
{
	snprintf(to, 64, "%.*s", w->word[i].size, w->text + w->word[i].at);
	return to;
}

static const struct reads {
	const char *proto, *test;
} reads[] = {
	{ "tcp", "ip6 [ 6 ] = 6 and" },
	{ "udp", "ip6 [ 6 ] = 17 and" },
	{ "sctp", "ip6 [ 6 ] = 132 and" },
};

/* Words `from` up to `end` of a sum; what reads a payload reads that of IPv6. */
static void
put_sum(struct writing *o, unsigned int from, unsigned int end)
{
	const struct filter_words *w = o->w;
	char word[64];

	for (unsigned int i = from; i < end; i++) {
		unsigned int colon, close, depth = 0;

		if (w->word[i].kind != FILTER_READ) {
			put(o, word_of(w, i, word));
			continue;
		}
		/* `udp [ offset : size ]` */
		close = closing(w, i + 1);
		for (colon = i + 2; colon < close; colon++) {
			if (is_sign(w, colon, '[') || is_sign(w, colon, '('))
				depth++;
			else if (is_sign(w, colon, ']') || is_sign(w, colon, ')'))
				depth--;
			else if (depth == 0 && is_sign(w, colon, ':'))
				break;
		}
		put(o, "ip6 [ 40 + (");
		put_sum(o, i + 2, colon);
		put(o, ")");
		i = colon - 1;
	}
}

/* One comparison, which holds for the protocols alone whose payload it reads. */
static void
put_comparison(struct writing *o, unsigned int from, unsigned int end)
{
	char word[64];

	put(o, "(");
	for (size_t k = 0; k < sizeof(reads) / sizeof(*reads); k++)
		for (unsigned int i = from; i < end; i++)
			if (o->w->word[i].kind == FILTER_READ &&
			    strcmp(word_of(o->w, i, word), reads[k].proto) == 0) {
				put(o, reads[k].test);
				break;
			}
	put_sum(o, from, end);
	put(o, ")");
}

int
filter_words_ipv6(const struct filter_words *w, char *to, size_t room)
{
	struct writing o = { .w = w, .to = to, .room = room };
	char word[64];

	for (unsigned int i = 0; i < w->count;) {
		unsigned int end = i, next;
		bool is_comparison = false, has_read = false;

		while ((next = after_part(w, end)) != end) {
			if (w->word[end].kind == FILTER_RELATION)
				is_comparison = true;
			for (unsigned int k = end; k < next; k++)
				has_read |= w->word[k].kind == FILTER_READ;
			end = next;
		}
		if (is_comparison && has_read) {
			put_comparison(&o, i, end);
			i = end;
			continue;
		}
		put(&o, word_of(w, i, word));
		i++;
	}
	return o.is_full ? -E2BIG : 0;
}
