/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lists and timed blocks become one prefix table. An entry is one list or one
 * block; a block has one prefix, so it can say what holds for that prefix once
 * it has ended: the next in rank at the same prefix, else the nearest shorter
 * prefix. The wire then needs no new snapshot at the very moment a block ends.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/parts.h"

/* One prefix of one entry. */
struct item {
	struct prefix prefix;
	uint32_t value; /* entry + 1 */
};

struct join {
	struct item *item;
	size_t count;
};

struct prefix
policy_prefix(const struct conf_prefix *from)
{
	struct prefix p;

	static_assert(sizeof(p) == sizeof(*from), "conf and prefix mean the same bytes");
	memcpy(&p, from, sizeof(p));
	return p;
}

static int
compare_prefix(const struct prefix *a, const struct prefix *b)
{
	int order = memcmp(a->address, b->address, sizeof(a->address));

	return order != 0 ? order : (int)a->len - (int)b->len;
}

/* The first of equal prefixes is the one in force. */
static int
compare_items(const void *a, const void *b, void *of)
{
	const struct item *x = a, *y = b;
	const struct stage_listed *entry = of, *ex = &entry[x->value - 1],
				  *ey = &entry[y->value - 1];
	int order = compare_prefix(&x->prefix, &y->prefix);

	if (order != 0)
		return order;
	if (ex->is_deny != ey->is_deny)
		return ex->is_deny ? 1 : -1;
	/* No end is 0 and goes first: one less makes it the latest. */
	if (ex->until_ns != ey->until_ns)
		return ex->until_ns - 1 > ey->until_ns - 1 ? -1 : 1;
	return x->value < y->value ? -1 : x->value > y->value;
}

/* The first item of that prefix, or NULL. */
static const struct item *
first_of(const struct join *j, const struct prefix *p)
{
	size_t low = 0, high = j->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_prefix(&j->item[middle].prefix, p) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < j->count && compare_prefix(&j->item[low].prefix, p) == 0
	               ? &j->item[low]
	               : NULL;
}

/* What holds for the prefix of item `i` once that item has ended. */
static uint16_t
under(const struct join *j, size_t i)
{
	struct prefix p = j->item[i].prefix;
	const unsigned int least = prefix_is_ipv4(&p) ? 96 : 0;
	const struct item *found;

	if (i + 1 < j->count && compare_prefix(&j->item[i + 1].prefix, &p) == 0)
		return (uint16_t)j->item[i + 1].value;
	while (p.len > least) {
		p.len--;
		p.address[p.len / 8] &= (uint8_t) ~(0x80u >> p.len % 8);
		found = first_of(j, &p);
		if (found != NULL)
			return (uint16_t)found->value;
	}
	return PREFIX_NONE;
}

static void
fill(struct join *j, struct stage_listed *entry, const struct settings *s,
     const struct policy_overrides *over)
{
	const struct settings_list *list = s->lists.element;
	const size_t blocks = over == NULL ? 0 : over->blocks;
	uint32_t value = 0;

	for (size_t i = 0; i < s->lists.count; i++) {
		struct stage_listed *e = &entry[value++];

		e->is_deny = list[i].action == LIST_DENY;
		snprintf(e->name, sizeof(e->name), "%s", list[i].name);
		for (size_t n = 0; n < list[i].prefixes.count; n++)
			j->item[j->count++] =
				(struct item){ policy_prefix(&list[i].prefixes.prefix[n]),
				               value };
	}
	for (size_t i = 0; i < blocks; i++) {
		const struct policy_block *b = &over->block[i];
		struct stage_listed *e = &entry[value++];

		e->is_deny = !b->is_allow;
		e->is_block = true;
		e->until_ns = b->until_ns;
		snprintf(e->name, sizeof(e->name), "%.63s", b->reason);
		j->item[j->count++] = (struct item){ b->prefix, value };
	}
}

/* Only the first item of each prefix goes into the table. */
static int
make_table(const struct join *j, struct prefix_table **out)
{
	struct prefix_entry *build = calloc(j->count + 1, sizeof(*build));
	size_t n = 0;
	int status;

	if (build == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < j->count; i++)
		if (i == 0 ||
		    compare_prefix(&j->item[i - 1].prefix, &j->item[i].prefix) != 0)
			build[n++] = (struct prefix_entry){ j->item[i].prefix,
				                            j->item[i].value };
	status = prefix_build(build, n, out);
	free(build);
	return status;
}

int
policy_lists_build(struct policies *p, const struct settings *s,
                   const struct policy_overrides *over, struct conf_errors *errors)
{
	const struct settings_list *list = s->lists.element;
	const size_t blocks = over == NULL ? 0 : over->blocks;
	const size_t entries = s->lists.count + blocks;
	struct join j = { 0 };
	size_t items = blocks;
	int status = -ENOMEM;

	for (size_t i = 0; i < s->lists.count; i++)
		items += list[i].prefixes.count;
	if (items == 0)
		return 0;
	if (entries > PREFIX_MAX_VALUE) {
		conf_fail(errors, NULL,
		          "%zu lists and timed blocks; at most %d are possible, so put "
		          "permanent prefixes into one list of the configuration",
		          entries, PREFIX_MAX_VALUE);
		return -EINVAL;
	}
	p->entry = calloc(entries, sizeof(*p->entry));
	j.item = calloc(items, sizeof(*j.item));
	if (p->entry != NULL && j.item != NULL) {
		p->n_entries = (unsigned int)entries;
		fill(&j, p->entry, s, over);
		qsort_r(j.item, j.count, sizeof(*j.item), compare_items, p->entry);
		for (size_t i = 0; i < j.count; i++)
			if (p->entry[j.item[i].value - 1].until_ns != 0)
				p->entry[j.item[i].value - 1].under = under(&j, i);
		status = make_table(&j, &p->listed);
	}
	if (status != 0)
		conf_fail(errors, NULL, "no memory for %zu listed prefixes", items);
	free(j.item);
	return status;
}
