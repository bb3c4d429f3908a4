/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lists - whom the operator knows: allowed for good, or denied.
 *
 * One longest match on the source tells which list or timed block speaks of it;
 * the most specific prefix wins, and of equal ones the allowing (the snapshot
 * is built so). An entry that has ended gives way to what lies under it.
 */
#include "stage/lists/lists.h"

#include <string.h>

#include "packet/burst.h"
#include "prefix/prefix.h"
#include "stage/explain.h"

enum { REASON_DENIED };
static const struct stage_reason reasons[] = {
	[REASON_DENIED] = { "denied", REASON_DROP,
	                    "The source is on a deny list or under a timed block; "
	                    "`tidegate explain ADDRESS` names which." },
	{ NULL, REASON_DROP, NULL },
};

struct params {
	const struct prefix_table *listed;  /* of the snapshot; NULL: nobody is listed */
	const struct stage_listed *entries; /* by value - 1 */
};

static int
compile(void *params, const struct stage_compile *from, struct conf_errors *errors)
{
	struct params *p = params;

	(void)errors;
	p->listed = from->listed;
	p->entries = from->entries;
	return 0;
}

/* The entry in force for a value found, or NULL. */
static const struct stage_listed *
entry_of(const struct params *p, uint32_t value, uint64_t now_ns)
{
	while (value != PREFIX_NONE) {
		const struct stage_listed *e = &p->entries[value - 1];

		if (e->until_ns == 0 || e->until_ns > now_ns)
			return e;
		value = e->under; /* Less specific or of lower rank, so this ends. */
	}
	return NULL;
}

static void
decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	struct prefix_ask ask = { .first = b->facts[0].src,
		                  .stride = sizeof(b->facts[0]) };
	/* The lists are the snapshot's: every policy of it has the same ones. */
	const struct params *p = view->params[b->policy[__builtin_ctzll(todo)]];
	uint64_t found, allowed = 0, denied = 0;
	uint32_t value[LANES_MAX];
	unsigned int i;

	(void)state;
	if (p->listed == NULL)
		return;
	ask.ipv4 = todo & b->ipv4;
	ask.ipv6 = todo & b->ipv6;
	found = prefix_find_lanes(p->listed, &ask, value);
	LANES_FOREACH (i, found) {
		const struct stage_listed *e = entry_of(p, value[i], b->now_ns);

		if (e == NULL)
			continue;
		if (e->is_deny)
			denied |= lane_bit(i);
		else
			allowed |= lane_bit(i);
	}
	b->exempt |= allowed;
	if (denied != 0)
		burst_drop_lanes(b, denied, REASON_DENIED);
}

static bool
explain(void *state, const struct stage_view *view, struct explain *e, uint64_t now_ns)
{
	const struct stage_listed *entry;
	const struct params *p = NULL;
	struct explain_line *line;

	(void)state;
	for (unsigned int i = 0; i < STAGE_POLICIES && p == NULL; i++)
		p = view->params[i];
	if (p == NULL || p->listed == NULL)
		return true;
	entry = entry_of(p, prefix_find(p->listed, e->address), now_ns);
	if (entry == NULL)
		return true;
	line = explain_add(e);
	if (line == NULL)
		return true;
	line->what = entry->is_block ? "timed entry" : "list";
	line->verdict = entry->is_deny ? "denied" : "allowed";
	memcpy(line->name, entry->name, sizeof(line->name));
	if (entry->until_ns != 0) {
		line->unit = "seconds";
		line->value = (entry->until_ns - now_ns + 999999999) / 1000000000;
	}
	return true;
}

const struct stage stage_lists = {
	.name = "lists",
	.help = "Lets listed and blocked sources through or not: lists of the "
		"configuration and "
		"timed blocks.",
	.reasons = reasons,
	.params_size = sizeof(struct params),
	.compile = compile,
	.decide = decide,
	.explain = explain,
};
