/* SPDX-License-Identifier: BSD-3-Clause */
#include "evidence/shelf.h"

#include <stdlib.h>
#include <string.h>

static uint16_t
kind_of(const struct evidence_note *n, const struct evidence_story *story)
{
	uint64_t h = story->attack * UINT64_C(0x9e3779b97f4a7c15);

	h ^= (uint64_t)n->service << 24 | (uint64_t)n->stage << 16 |
	     (uint64_t)n->reason << 8 | n->verdict;
	h *= UINT64_C(0xbf58476d1ce4e5b9);
	return (uint16_t)((h >> 40) % SHELF_KINDS);
}

/* The place for one more: a free one, or that of the oldest of the most frequent kind. */
static size_t
place(const struct shelf *s)
{
	size_t worst = 0;

	if (s->kept < EVIDENCE_KEPT)
		return s->kept;
	for (size_t i = 1; i < EVIDENCE_KEPT; i++) {
		const uint16_t here = s->count[s->kind[i]];
		const uint16_t most = s->count[s->kind[worst]];

		if (here > most ||
		    (here == most && s->sample[i].number < s->sample[worst].number))
			worst = i;
	}
	return worst;
}

void
shelf_put(struct shelf *s, const struct evidence_note *n,
          const struct evidence_story *story)
{
	const size_t i = place(s);
	struct evidence_sample *to = &s->sample[i];

	if (i < s->kept)
		s->count[s->kind[i]]--;
	else
		s->kept++;
	s->kind[i] = kind_of(n, story);
	s->count[s->kind[i]]++;
	to->number = ++s->last;
	to->note = *n;
	to->story = *story;
	to->bytes_len =
		n->bytes_len < EVIDENCE_KEPT_BYTES ? n->bytes_len : EVIDENCE_KEPT_BYTES;
	memcpy(to->bytes, evidence_bytes(n), to->bytes_len);
}

void
shelf_retell(struct shelf *s, size_t i, const struct evidence_story *story)
{
	s->count[s->kind[i]]--;
	s->kind[i] = kind_of(&s->sample[i].note, story);
	s->count[s->kind[i]]++;
	s->sample[i].story = *story;
}

/* "shape" is meant by "shape.udp_flood" too. */
static bool
is_of_reason(const char *reason, const char *wanted)
{
	const size_t n = strlen(wanted);

	return strncmp(reason, wanted, n) == 0 &&
	       (reason[n] == '\0' || (reason[n] == '.' && strchr(wanted, '.') == NULL));
}

static bool
fits(const struct evidence_sample *s, const struct evidence_which *w)
{
	if (s->number <= w->after)
		return false;
	if (w->attack != 0 && s->story.attack != w->attack)
		return false;
	if ((w->from_ns | w->till_ns) != 0 &&
	    (s->note.time_ns < w->from_ns || s->note.time_ns > w->till_ns))
		return false;
	if (w->address != NULL && (memcmp(s->note.facts.src, w->address, 16) != 0 &&
	                           memcmp(s->note.facts.dst, w->address, 16) != 0))
		return false;
	if (w->service != NULL && strcmp(s->story.service, w->service) != 0)
		return false;
	return w->reason == NULL || is_of_reason(s->story.reason, w->reason);
}

static int
later_first(const void *a, const void *b)
{
	const struct evidence_sample *const *x = a, *const *y = b;

	return (*x)->number < (*y)->number ? 1 : -1;
}

size_t
shelf_read(const struct shelf *s, const struct evidence_which *which,
           struct evidence_sample *out, size_t n)
{
	const struct evidence_sample *found[EVIDENCE_KEPT];
	size_t count = 0;

	for (size_t i = 0; i < s->kept; i++)
		if (fits(&s->sample[i], which))
			found[count++] = &s->sample[i];
	qsort(found, count, sizeof(*found), later_first);
	if (count > n)
		count = n;
	for (size_t i = 0; i < count; i++)
		out[i] = *found[i];
	return count;
}
