/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sorted runs become one table in one pass. In order of address and length a prefix
 * comes after all that hold it, and these are on a stack; so what lies under a prefix
 * is known when it comes. The two families are never inside each other, and ::/0 goes on
 * behind all of IPv4, so each has a stack of its own.
 */
#include "policy/list_join.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS  UINT64_C(1000000000)
#define STACK_MOST 130 /* lengths, and one */

struct held {
	struct prefix prefix;
	uint16_t value;
};

struct work {
	struct list_joining *j;
	struct list_run **heap; /* the run with the first prefix is the first */
	size_t runs;
	uint16_t *entry; /* what is said of the prefix in work */
	size_t entries, room;
	struct prefix_entry *out;
	size_t count;
	struct held stack[2][STACK_MOST];
	unsigned int depth[2];
};

static int
compare_prefix(const struct prefix *a, const struct prefix *b)
{
	int order = memcmp(a->address, b->address, sizeof(a->address));

	return order != 0 ? order : (int)a->len - (int)b->len;
}

/* --- the runs side by side --- */

static void
sift(struct work *w, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1;
		struct list_run *run = w->heap[i];

		if (child >= w->runs)
			return;
		if (child + 1 < w->runs &&
		    compare_prefix(&w->heap[child + 1]->at->prefix,
		                   &w->heap[child]->at->prefix) < 0)
			child++;
		if (compare_prefix(&run->at->prefix, &w->heap[child]->at->prefix) <= 0)
			return;
		w->heap[i] = w->heap[child];
		w->heap[child] = run;
		i = child;
	}
}

static void
start(struct work *w)
{
	for (size_t i = 0; i < w->j->runs; i++)
		if (w->j->run[i].at < w->j->run[i].end)
			w->heap[w->runs++] = &w->j->run[i];
	for (size_t i = w->runs / 2; i > 0; i--)
		sift(w, i - 1);
}

static void
advance(struct work *w)
{
	struct list_run *run = w->heap[0];

	if (++run->at == run->end)
		w->heap[0] = w->heap[--w->runs];
	if (w->runs > 1)
		sift(w, 0);
}

/* --- what is said of one prefix --- */

/* The entry of a run's next prefix; -ENOENT when its time is over, -ENOSPC. */
static int
entry_of(const struct list_joining *j, const struct list_run *run)
{
	uint64_t until_s = run->at->until_s, until_ns;

	if (run->is_by_entry)
		return (int)until_s;
	if (until_s == 0)
		return run->list;
	until_s = (until_s + j->grain_s - 1) / j->grain_s * j->grain_s;
	until_ns = until_s * SECOND_NS;
	if (until_ns <= j->wall_ns)
		return -ENOENT;
	return list_nodes_entry(j->nodes, run->list, until_ns - j->wall_ns);
}

static int
note(struct work *w, uint16_t entry)
{
	if (w->entries == w->room) {
		const size_t room = w->room == 0 ? 64 : 2 * w->room;
		uint16_t *grown = realloc(w->entry, room * sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		w->entry = grown;
		w->room = room;
	}
	w->entry[w->entries++] = entry;
	return 0;
}

/* Everything that the runs say of the first prefix, which they then leave behind. */
static int
take(struct work *w, struct prefix *p)
{
	*p = w->heap[0]->at->prefix;
	w->entries = 0;
	while (w->runs > 0 && compare_prefix(&w->heap[0]->at->prefix, p) == 0) {
		int entry = entry_of(w->j, w->heap[0]);

		if (entry >= 0)
			entry = note(w, (uint16_t)entry);
		if (entry < 0 && entry != -ENOENT)
			return entry;
		advance(w);
	}
	return 0;
}

/* The nearest shorter prefix's value; what cannot hold anything any more goes. */
static uint16_t
under(struct work *w, const struct prefix *p, unsigned int family)
{
	struct held *stack = w->stack[family];
	unsigned int *depth = &w->depth[family];

	while (*depth > 0 && !prefix_holds(&stack[*depth - 1].prefix, p->address))
		--*depth;
	return *depth > 0 ? stack[*depth - 1].value : PREFIX_NONE;
}

/* A prefix of which nothing new is said needs no place in the table. */
static int
place(struct work *w, const struct prefix *p)
{
	const unsigned int family = prefix_is_ipv4(p);
	const struct list_claim claim = { .under = under(w, p, family),
		                          .len = p->len,
		                          .entry = w->entry,
		                          .count = w->entries };
	const int value = list_nodes_join(w->j->nodes, &claim);

	if (value < 0 || (uint32_t)value == claim.under)
		return value < 0 ? value : 0;
	w->stack[family][w->depth[family]++] = (struct held){ *p, (uint16_t)value };
	w->out[w->count++] = (struct prefix_entry){ *p, (uint32_t)value };
	return 0;
}

int
list_join_runs(struct list_joining *j, struct prefix_table **out)
{
	struct work w = { .j = j };
	struct prefix p;
	size_t most = 0;
	int status = 0;

	for (size_t i = 0; i < j->runs; i++)
		most += (size_t)(j->run[i].end - j->run[i].at);
	w.heap = calloc(j->runs + 1, sizeof(struct list_run *));
	w.out = malloc((most + 1) * sizeof(*w.out));
	if (w.heap == NULL || w.out == NULL)
		status = -ENOMEM;
	else
		start(&w);
	while (status == 0 && w.runs > 0) {
		status = take(&w, &p);
		if (status == 0 && w.entries > 0)
			status = place(&w, &p);
	}
	if (status == 0)
		status = prefix_build(w.out, w.count, out);
	free(w.heap);
	free(w.out);
	free(w.entry);
	return status;
}
