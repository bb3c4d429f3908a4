/* SPDX-License-Identifier: BSD-3-Clause */
#include "stage/lists/tell.h"

#include <string.h>

#include "prefix/prefix.h"
#include "stage/explain.h"
#include "stage/lists/params.h"

#define SECOND_NS UINT64_C(1000000000)

/* Everybody that holds the address and has not ended. */
struct findings {
	const struct stage_lists *lists;
	uint32_t value;
	uint64_t now_ns;
};

static const struct stage_list_node *
next(struct findings *f)
{
	while (f->value != PREFIX_NONE) {
		const struct stage_list_node *node = &f->lists->node[f->value - 1];

		f->value = node->under;
		if (!lists_has_ended(f->lists, node, f->now_ns))
			return node;
	}
	return NULL;
}

static struct findings
find(const struct stage_lists *lists, const struct explain *e, uint64_t now_ns)
{
	struct findings f = { lists, PREFIX_NONE, now_ns };

	if (lists != NULL)
		f.value = prefix_find(lists->table, e->address);
	return f;
}

static struct explain_line *
add(struct explain *e, const char *what, const char *verdict, const char *name)
{
	struct explain_line *line = explain_add(e);

	if (line == NULL)
		return NULL;
	line->what = what;
	line->verdict = verdict;
	memcpy(line->name, name, sizeof(line->name));
	return line;
}

static bool
is_deciding(const struct stage_listed *entry)
{
	return entry->action == LIST_ALLOW || entry->action == LIST_DENY;
}

/* The one that decides, of lists and blocks together: as stage/lists/lists.c does it. */
static const struct stage_listed *
decider(const struct lists_params *p, const struct explain *e, uint64_t now_ns)
{
	struct findings block = find(p->blocks, e, now_ns),
			listed = find(p->lists, e, now_ns);
	const struct stage_list_node *b = next(&block), *l = next(&listed);
	const struct stage_listed *by_block =
		b == NULL ? NULL : &p->blocks->entry[b->entry];
	const struct stage_listed *by_list =
		l == NULL ? NULL : &p->lists->entry[l->entry];

	if (by_list == NULL || !is_deciding(by_list))
		return by_block;
	if (by_block == NULL || l->len > b->len ||
	    (l->len == b->len && by_list->action == LIST_ALLOW))
		return by_list;
	return by_block;
}

static void
tell_until(struct explain_line *line, const struct stage_listed *entry, uint64_t now_ns)
{
	if (line == NULL || entry->until_ns == 0)
		return;
	line->unit = "seconds";
	line->value = (entry->until_ns - now_ns + SECOND_NS - 1) / SECOND_NS;
}

/* Returns whether the address is never blocked, which the caller must know to tell the rest. */
static bool
tell_trust(const struct lists_params *p, struct explain *e, uint64_t now_ns)
{
	struct findings f = find(p->lists, e, now_ns);
	const struct stage_list_node *node;
	bool is_trusted = false;

	while ((node = next(&f)) != NULL) {
		const struct stage_listed *entry = &p->lists->entry[node->entry];
		struct explain_line *line;

		if (entry->action != LIST_NEVER_BLOCK)
			continue;
		is_trusted = true;
		line = add(e, "never blocked", "yes", entry->name);
		if (line != NULL && p->lists->scale[entry->scale] > 1) {
			line->unit = "customers";
			line->value = p->lists->scale[entry->scale];
		}
	}
	return is_trusted;
}

static void
tell_meter(const struct lists_params *p, const struct list_meaning *m,
           const struct meter *meter, struct explain *e, uint64_t now_ns)
{
	const struct list_price *price = &p->price[m->meter];
	const struct list_meter *written =
		&((const struct list_meter *)p->meter.element)[m->meter];
	const uint64_t ahead = meter_ahead(&meter[price->hit], meter_ticks(now_ns));
	const char *name = p->lists->entry[price->list].name;
	struct explain_line *line =
		add(e, "metered", ahead > price->rate.slack ? "over" : "within", name);

	if (line != NULL) {
		line->unit = "percent_of_burst";
		line->value = ahead / (price->rate.slack / 100 + 1);
		line->threshold = 100;
	}
	line = add(e, "meter limit", "", name);
	if (line != NULL) {
		line->unit =
			written->limit.is_bits ? "bits_per_second" : "packets_per_second";
		line->value = written->limit.per_second;
	}
}

/* What one policy makes of the address's tags. */
static void
tell_tags(const struct lists_params *p, const struct meter *meter, struct explain *e,
          uint64_t now_ns)
{
	struct findings f = find(p->lists, e, now_ns);
	const struct stage_list_node *node;

	while ((node = next(&f)) != NULL) {
		const struct list_meaning *m = &p->list[node->list];
		const char *name = p->lists->entry[node->entry].name;

		if ((m->means & MEANS_TAG_ALLOW) != 0)
			add(e, "tag", "allowed", name);
		if ((m->means & MEANS_TAG_DENY) != 0)
			add(e, "tag", "denied", name);
		if ((m->means & MEANS_METER) != 0)
			tell_meter(p, m, meter, e, now_ns);
	}
}

/* What no policy has to do with. */
static void
tell_all(const struct lists_params *p, struct explain *e, uint64_t now_ns)
{
	const bool is_trusted = tell_trust(p, e, now_ns);
	const struct stage_listed *by = decider(p, e, now_ns);
	struct findings f = find(p->lists, e, now_ns);
	const struct stage_list_node *node;

	if (by != NULL)
		tell_until(add(e, by->is_block ? "timed entry" : "list",
		               by->action == LIST_ALLOW ? "allowed"
		               : is_trusted             ? "spared"
		                                        : "denied",
		               by->name),
		           by, now_ns);
	while ((node = next(&f)) != NULL) {
		const struct stage_listed *entry = &p->lists->entry[node->entry];

		if (entry->action == LIST_TAG)
			tell_until(add(e, "tag", "", entry->name), entry, now_ns);
	}
}

void
lists_tell(const struct stage_view *view, const struct meter *meter, struct explain *e,
           uint64_t now_ns)
{
	const struct lists_params *p = NULL;
	unsigned int before;

	for (unsigned int i = 0; i < STAGE_POLICIES; i++) {
		/* A policy in another mode shares what the first one has. */
		if (view->params[i] == NULL || (p != NULL && view->params[i] == p))
			continue;
		if (p == NULL)
			tell_all(view->params[i], e, now_ns);
		p = view->params[i];
		before = e->lines;
		tell_tags(p, meter, e, now_ns);
		for (; before < e->lines; before++)
			e->line[before].policy = (uint16_t)i;
	}
}
