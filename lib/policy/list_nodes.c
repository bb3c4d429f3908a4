/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Chains of entries, each kept once: equal chains have equal nodes, so that millions of
 * prefixes need no more values than there are ways in which lists lie over one another.
 */
#include "policy/list_nodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PLACES (UINT32_C(1) << 17) /* twice what there may be */
#define MEMOS  4096

/* The value of one entry at a length over another value. */
struct list_memo {
	uint64_t key;
	uint16_t value; /* 0: free */
};

struct link {
	uint16_t entry;
	uint8_t len;
};

struct chain {
	unsigned int deciders, others;
	struct link decider[LIST_CHAIN_MAX], other[LIST_CHAIN_MAX];
};

/* Multiply and fold (Knuth, TAOCP 6.4); the operator's own lists attack nobody. */
static uint32_t
mix(uint64_t key, uint32_t places)
{
	key *= UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)((key ^ key >> 32) >> 7) & (places - 1);
}

int
list_nodes_open(struct list_nodes *n)
{
	*n = (struct list_nodes){ 0 };
	n->entry = calloc(PREFIX_MAX_VALUE, sizeof(*n->entry));
	n->node = calloc(PREFIX_MAX_VALUE, sizeof(*n->node));
	n->entry_place = calloc(PLACES, sizeof(*n->entry_place));
	n->node_place = calloc(PLACES, sizeof(*n->node_place));
	n->memo = calloc(MEMOS, sizeof(*n->memo));
	if (n->entry != NULL && n->node != NULL && n->entry_place != NULL &&
	    n->node_place != NULL && n->memo != NULL)
		return 0;
	list_nodes_close(n);
	return -ENOMEM;
}

void
list_nodes_close(struct list_nodes *n)
{
	free(n->entry);
	free(n->node);
	free(n->entry_place);
	free(n->node_place);
	free(n->memo);
	*n = (struct list_nodes){ 0 };
}

int
list_nodes_entry(struct list_nodes *n, uint16_t list, uint64_t until_ns)
{
	uint32_t at = mix(until_ns ^ (uint64_t)list << 48, PLACES);

	if (until_ns == 0)
		return list;
	for (; n->entry_place[at] != 0; at = (at + 1) & (PLACES - 1)) {
		const struct stage_listed *e = &n->entry[n->entry_place[at] - 1];

		if (e->list == list && e->until_ns == until_ns)
			return n->entry_place[at] - 1;
	}
	if (n->entries == PREFIX_MAX_VALUE)
		return -ENOSPC;
	n->entry[n->entries] = n->entry[list];
	n->entry[n->entries].until_ns = until_ns;
	n->entry_place[at] = (uint16_t)(n->entries + 1);
	return (int)n->entries++;
}

static bool
is_deciding(const struct stage_listed *e)
{
	return e->action == LIST_ALLOW || e->action == LIST_DENY;
}

/* No end is 0, which one less makes the latest. */
static bool
outlasts(const struct stage_listed *a, const struct stage_listed *b)
{
	return a->until_ns - 1 > b->until_ns - 1;
}

/* Who ends before all that go before it never decides. Returns false when there is no room. */
static bool
add_decider(const struct list_nodes *n, struct chain *c, struct link link)
{
	const struct stage_listed *last;

	if (c->deciders > 0) {
		last = &n->entry[c->decider[c->deciders - 1].entry];
		if (!outlasts(&n->entry[link.entry], last))
			return true;
	}
	if (c->deciders == LIST_CHAIN_MAX)
		return false;
	c->decider[c->deciders++] = link;
	return true;
}

/* A list is told once, by the entry that lasts longest. */
static bool
add_other(const struct list_nodes *n, struct chain *c, uint16_t entry)
{
	for (unsigned int i = 0; i < c->others; i++) {
		const struct stage_listed *have = &n->entry[c->other[i].entry];

		if (have->list != n->entry[entry].list)
			continue;
		if (outlasts(&n->entry[entry], have))
			c->other[i].entry = entry;
		return true;
	}
	if (c->others == LIST_CHAIN_MAX)
		return false;
	c->other[c->others++] = (struct link){ entry, 0 };
	return true;
}

static bool
add(const struct list_nodes *n, struct chain *c, struct link link)
{
	return is_deciding(&n->entry[link.entry]) ? add_decider(n, c, link)
	                                          : add_other(n, c, link.entry);
}

/* Of one prefix: allow first, then what lasts longer, then the first in the file. */
static int
compare_entries(const void *a, const void *b, void *of)
{
	const uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;
	const struct list_nodes *n = of;
	const struct stage_listed *ex = &n->entry[x], *ey = &n->entry[y];

	if (ex->action != ey->action)
		return ex->action < ey->action ? -1 : 1;
	if (ex->until_ns != ey->until_ns)
		return outlasts(ex, ey) ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int
compare_links(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

static bool
gather(struct list_nodes *n, struct chain *c, const struct list_claim *claim)
{
	c->deciders = c->others = 0;
	if (claim->count > 1)
		qsort_r(claim->entry, claim->count, sizeof(*claim->entry),
		        compare_entries, n);
	for (size_t i = 0; i < claim->count; i++)
		if (!add(n, c, (struct link){ claim->entry[i], claim->len }))
			return false;
	for (uint32_t v = claim->under; v != PREFIX_NONE; v = n->node[v - 1].under) {
		const struct stage_list_node *node = &n->node[v - 1];

		if (!add(n, c, (struct link){ node->entry, node->len }))
			return false;
	}
	/* In one order, so that equal sets make equal chains. */
	qsort(c->other, c->others, sizeof(*c->other), compare_links);
	return true;
}

static bool
is_timed(const struct list_nodes *n, const struct stage_listed *e, uint16_t under)
{
	return e->until_ns != 0 || (under != PREFIX_NONE && n->node[under - 1].is_timed);
}

/* The node of this link over `under`. Returns its value or -ENOSPC. */
static int
intern(struct list_nodes *n, struct link link, uint16_t under)
{
	const uint64_t key = (uint64_t)link.entry << 24 | (uint64_t)under << 8 | link.len;
	const struct stage_listed *e = &n->entry[link.entry];
	uint32_t at = mix(key, PLACES);

	for (; n->node_place[at] != 0; at = (at + 1) & (PLACES - 1)) {
		const struct stage_list_node *have = &n->node[n->node_place[at] - 1];

		if (have->entry == link.entry && have->under == under &&
		    have->len == link.len)
			return n->node_place[at];
	}
	if (n->nodes == PREFIX_MAX_VALUE)
		return -ENOSPC;
	n->node[n->nodes] = (struct stage_list_node){ link.entry, e->list, under,
		                                      link.len, is_timed(n, e, under) };
	n->node_place[at] = (uint16_t)(++n->nodes);
	return (int)n->nodes;
}

static int
join(struct list_nodes *n, const struct list_claim *claim)
{
	struct chain c;
	int value = PREFIX_NONE;

	if (!gather(n, &c, claim))
		return -E2BIG;
	for (unsigned int i = c.others; i > 0 && value >= 0; i--)
		value = intern(n, c.other[i - 1], (uint16_t)value);
	for (unsigned int i = c.deciders; i > 0 && value >= 0; i--)
		value = intern(n, c.decider[i - 1], (uint16_t)value);
	return value;
}

/* Millions of prefixes in a row say the same over the same. */
int
list_nodes_join(struct list_nodes *n, const struct list_claim *claim)
{
	const uint64_t key = (uint64_t)claim->entry[0] << 24 |
	                     (uint64_t)claim->under << 8 | claim->len;
	struct list_memo *memo = &n->memo[mix(key, MEMOS)];
	int value;

	if (claim->count == 1 && memo->value != 0 && memo->key == key)
		return memo->value;
	value = join(n, claim);
	if (claim->count == 1 && value > 0)
		*memo = (struct list_memo){ key, (uint16_t)value };
	return value;
}
