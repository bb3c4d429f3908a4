/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/ended.h"

#include <string.h>

static bool
is_same(const struct notice *a, const struct notice *b)
{
	return a->service == b->service && a->stage == b->stage &&
	       a->prefix_len == b->prefix_len &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

void
event_ended_add(struct event_ended *t, const struct notice *block)
{
	unsigned int i = 0;

	if (block->until_ns == 0)
		return;
	while (i < t->count && !is_same(&t->block[i], block))
		i++;
	if (i == EVENT_ENDED)
		return;
	if (i == t->count)
		t->block[t->count++] = *block;
	else if (t->block[i].until_ns < block->until_ns)
		t->block[i] = *block;
	if (t->next_ns == 0 || block->until_ns < t->next_ns)
		t->next_ns = block->until_ns;
}

void
event_ended_turn(struct event_ended *t, uint64_t now_ns,
                 void (*over)(void *arg, const struct notice *block), void *arg)
{
	if (t->count == 0 || now_ns < t->next_ns)
		return;
	t->next_ns = 0;
	for (unsigned int i = 0; i < t->count;) {
		if (t->block[i].until_ns <= now_ns) {
			over(arg, &t->block[i]);
			t->block[i] = t->block[--t->count];
			continue;
		}
		if (t->next_ns == 0 || t->block[i].until_ns < t->next_ns)
			t->next_ns = t->block[i].until_ns;
		i++;
	}
}
