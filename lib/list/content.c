/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * content - what a file said, and what was wrong with it.
 *
 * Sorting: one step apart by family, then a radix sort of each family, byte by byte from
 * the length up to the first byte of the address. Bytes that are the same everywhere cost
 * nothing, and IPv4 addresses share twelve of them: four million take five passes.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list/parts.h"

#define ROOM_FIRST 256
#define KEY_BYTES  17 /* address and length, as they lie in struct prefix */

static_assert(sizeof(struct prefix) == KEY_BYTES && offsetof(struct prefix, len) == 16,
              "the bytes of a prefix are its order");

/* --- messages --- */

const char *
list_shown(const char *text, size_t len, char shown[LIST_SHOWN])
{
	const bool is_cut = len > 48;
	size_t n = is_cut ? 48 : len;

	for (size_t i = 0; i < n; i++)
		shown[i] = (char)(text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?');
	memcpy(shown + n, is_cut ? "..." : "", is_cut ? 4 : 1);
	return shown;
}

static struct conf_place
place_of(const struct list_reading *r, char path[80])
{
	const char *file = r->spec->path != NULL ? r->spec->path : r->spec->name;
	struct conf_place place = { .path = path };

	/* conf copies the text; its type serves owners. */
	place.file = (char *)(uintptr_t)file;
	snprintf(path, 80, "lists(%.64s)", r->spec->name);
	return place;
}

void
list_broken(struct list_reading *r, const char *format, ...)
{
	const bool is_skipped = r->spec->on_error == LIST_SKIP;
	char path[80], message[512];
	struct conf_place place;
	va_list args;

	r->broken++;
	if (r->broken > (is_skipped ? LIST_WARNINGS : LIST_ERRORS))
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	place = place_of(r, path);
	place.line = r->content->lines > UINT32_MAX ? UINT32_MAX
	                                            : (unsigned int)r->content->lines;
	if (is_skipped)
		conf_warn(r->errors, &place, "%s; this line is left out", message);
	else
		conf_fail(r->errors, &place, "%s", message);
}

int
list_refuse(struct list_reading *r, int rc, const char *format, ...)
{
	char path[80], message[512];
	struct conf_place place = place_of(r, path);
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	conf_fail(r->errors, &place, "%s", message);
	return rc;
}

void
list_warn(struct list_reading *r, const char *format, ...)
{
	char path[80], message[512];
	struct conf_place place = place_of(r, path);
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	conf_warn(r->errors, &place, "%s", message);
}

/* --- keep --- */

int
list_keep(struct list_reading *r, const struct prefix *p, uint32_t until_s)
{
	struct list_content *c = r->content;

	if (c->count >= r->spec->most)
		return list_refuse(r, -E2BIG,
		                   "there are more than %" PRIu64 " prefixes, the most "
		                   "this list may hold; raise max_prefixes if that is "
		                   "right",
		                   r->spec->most);
	if (c->count == r->room) {
		const size_t room = r->room == 0 ? ROOM_FIRST : r->room * 2;
		struct list_prefix *grown = reallocarray(c->prefix, room, sizeof(*grown));

		if (grown == NULL)
			return list_refuse(r, -ENOMEM,
			                   "there is no memory for %zu prefixes", room);
		c->prefix = grown;
		r->room = room;
	}
	c->prefix[c->count++] = (struct list_prefix){ *p, until_s };
	return 0;
}

void
list_free(struct list_content *content)
{
	if (content == NULL)
		return;
	free(content->prefix);
	free(content);
}

/* --- sort --- */

static int
compare(const struct list_prefix *a, const struct list_prefix *b)
{
	return memcmp(&a->prefix, &b->prefix, KEY_BYTES);
}

static bool
is_sorted(const struct list_prefix *p, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (compare(&p[i - 1], &p[i]) > 0)
			return false;
	return true;
}

/* By one byte of the key, order kept otherwise, from `from` to `to`. */
static void
scatter(const struct list_prefix *from, struct list_prefix *to, size_t n,
        unsigned int byte, const size_t count[256])
{
	size_t at[256], sum = 0;

	for (unsigned int i = 0; i < 256; i++) {
		at[i] = sum;
		sum += count[i];
	}
	for (size_t i = 0; i < n; i++)
		to[at[((const uint8_t *)&from[i].prefix)[byte]]++] = from[i];
}

/* Sort `p` with the help of `spare`, of the same size. */
static void
radix(struct list_prefix *p, struct list_prefix *spare, size_t n)
{
	static const size_t zero[256];
	struct list_prefix *from = p, *to = spare;
	size_t count[KEY_BYTES][256];

	for (unsigned int byte = 0; byte < KEY_BYTES; byte++)
		memcpy(count[byte], zero, sizeof(zero));
	for (size_t i = 0; i < n; i++)
		for (unsigned int byte = 0; byte < KEY_BYTES; byte++)
			count[byte][((const uint8_t *)&p[i].prefix)[byte]]++;
	for (unsigned int byte = KEY_BYTES; byte-- > 0;) {
		struct list_prefix *swap = from;

		if (n == 0 || count[byte][((const uint8_t *)&p[0].prefix)[byte]] == n)
			continue;
		scatter(from, to, n, byte, count[byte]);
		from = to;
		to = swap;
	}
	if (from != p)
		memcpy(p, from, n * sizeof(*p));
}

/* Below the mapped addresses 0, they themselves 1, above them 2. */
static unsigned int
part_of(const struct list_prefix *p)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const int order = memcmp(p->prefix.address, mapped, sizeof(mapped));

	return order < 0 ? 0 : order == 0 ? 1 : 2;
}

static int
sort(struct list_content *c)
{
	struct list_prefix *spare;
	size_t at[4] = { 0 }, next[3];

	if (is_sorted(c->prefix, c->count))
		return 0;
	spare = malloc(c->count * sizeof(*spare));
	if (spare == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < c->count; i++)
		at[part_of(&c->prefix[i]) + 1]++;
	for (unsigned int i = 1; i < 4; i++) {
		at[i] += at[i - 1];
		next[i - 1] = at[i - 1];
	}
	for (size_t i = 0; i < c->count; i++)
		spare[next[part_of(&c->prefix[i])]++] = c->prefix[i];
	for (unsigned int i = 0; i < 3; i++)
		radix(spare + at[i], c->prefix + at[i], at[i + 1] - at[i]);
	free(c->prefix);
	c->prefix = spare;
	return 0;
}

int
list_sort(struct list_content *c)
{
	struct list_prefix *trimmed;
	size_t n = 0;

	if (sort(c) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < c->count; i++) {
		struct list_prefix *last = n > 0 ? &c->prefix[n - 1] : NULL;

		if (last == NULL || compare(last, &c->prefix[i]) != 0)
			c->prefix[n++] = c->prefix[i];
		/* No end is 0, and one less makes it the latest. */
		else if (c->prefix[i].until_s - 1 > last->until_s - 1)
			last->until_s = c->prefix[i].until_s;
	}
	c->count = n;
	trimmed = realloc(c->prefix, (n + 1) * sizeof(*trimmed));
	if (trimmed != NULL)
		c->prefix = trimmed;
	return 0;
}

int
list_merge(const struct list_content *file, const struct list_prefix *more, size_t count,
           struct list_content **out)
{
	const size_t first = file == NULL ? 0 : file->count;
	struct list_content *c = calloc(1, sizeof(*c));

	if (c != NULL)
		c->prefix = calloc(first + count + 1, sizeof(*c->prefix));
	if (c == NULL || c->prefix == NULL) {
		list_free(c);
		return -ENOMEM;
	}
	if (first > 0)
		memcpy(c->prefix, file->prefix, first * sizeof(*c->prefix));
	if (count > 0)
		memcpy(c->prefix + first, more, count * sizeof(*c->prefix));
	c->count = first + count;
	if (list_sort(c) < 0) {
		list_free(c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}
