/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy/list_set.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/list_join.h"
#include "policy/parts.h"

#define SECOND_NS UINT64_C(1000000000)

/* Entries with an end, and nodes, need numbers too. */
#define LIST_MOST 4096

/* A prefix that is never blocked, kept to refuse blocks of it. */
struct kept {
	struct prefix prefix;
	uint16_t list;
	uint64_t until_ns; /* 0: for good */
};

struct list_set {
	atomic_uint holds;
	struct stage_lists lists;
	struct list_nodes nodes; /* owns what lists points to */
	struct prefix_table *table;
	uint64_t *prefixes; /* by list */
	struct kept *kept;
	size_t n_kept;
	uint64_t mark; /* of what the settings say of lists */
};

/* --- one list, one set --- */

/* Multiply and fold, eight bytes at a time; it tells configurations of one operator apart. */
static uint64_t
mark_bytes(uint64_t mark, const void *from, size_t len)
{
	const unsigned char *at = from;

	for (uint64_t word = 0; len > 0; word = 0) {
		const size_t n = len < sizeof(word) ? len : sizeof(word);

		memcpy(&word, at, n);
		mark = (mark ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		mark ^= mark >> 29;
		at += n;
		len -= n;
	}
	return mark;
}

static uint64_t
mark_of(const struct settings *s)
{
	const struct settings_list *list = s->lists.element;
	uint64_t mark = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < s->lists.count; i++) {
		mark = mark_bytes(mark, list[i].name, strlen(list[i].name) + 1);
		mark = mark_bytes(mark, &list[i].action, sizeof(list[i].action));
		mark = mark_bytes(mark, &list[i].scale, sizeof(list[i].scale));
		mark = mark_bytes(mark, &list[i].prefixes.count,
		                  sizeof(list[i].prefixes.count));
		mark = mark_bytes(mark, list[i].prefixes.prefix,
		                  list[i].prefixes.count *
		                          sizeof(*list[i].prefixes.prefix));
	}
	return mark;
}

static struct list_set *
new_set(void)
{
	struct list_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	atomic_init(&set->holds, 1);
	set->lists.scale[0] = 1;
	if (list_nodes_open(&set->nodes) == 0)
		return set;
	free(set);
	return NULL;
}

/* Entries and nodes get the size they need, and the workers something to look into. */
static void
settle(struct list_set *set)
{
	struct list_nodes *n = &set->nodes;
	void *entry = realloc(n->entry, (n->entries + 1) * sizeof(*n->entry));
	void *node = realloc(n->node, (n->nodes + 1) * sizeof(*n->node));

	n->entry = entry != NULL ? entry : n->entry;
	n->node = node != NULL ? node : n->node;
	free(n->entry_place);
	free(n->node_place);
	free(n->memo);
	n->entry_place = n->node_place = NULL;
	n->memo = NULL;
	set->lists.table = set->table;
	set->lists.entry = n->entry;
	set->lists.entries = n->entries;
	set->lists.node = n->node;
	set->lists.nodes = n->nodes;
}

struct list_set *
list_set_hold(struct list_set *set)
{
	if (set != NULL)
		atomic_fetch_add_explicit(&set->holds, 1, memory_order_relaxed);
	return set;
}

void
list_set_release(struct list_set *set)
{
	if (set == NULL ||
	    atomic_fetch_sub_explicit(&set->holds, 1, memory_order_acq_rel) != 1)
		return;
	prefix_free(set->table);
	list_nodes_close(&set->nodes);
	free(set->prefixes);
	free(set->kept);
	free(set);
}

/* --- blocks --- */

static int
compare_items(const void *a, const void *b)
{
	const struct list_prefix *x = a, *y = b;
	int order =
		memcmp(x->prefix.address, y->prefix.address, sizeof(x->prefix.address));

	return order != 0 ? order : (int)x->prefix.len - (int)y->prefix.len;
}

static void
fill_blocks(struct list_nodes *n, struct list_prefix *item,
            const struct policy_block *block, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct stage_listed *e = &n->entry[n->entries];

		e->until_ns = block[i].until_ns;
		e->list = (uint16_t)n->entries;
		e->action = block[i].is_allow ? LIST_ALLOW : LIST_DENY;
		e->is_block = true;
		snprintf(e->name, sizeof(e->name), "%.63s", block[i].reason);
		item[i] = (struct list_prefix){ block[i].prefix, n->entries++ };
	}
	qsort(item, count, sizeof(*item), compare_items);
}

int
list_set_of_blocks(const struct policy_block *block, size_t count, struct list_set **out)
{
	struct list_prefix *item;
	struct list_run run = { .is_by_entry = true };
	struct list_joining j = { .run = &run, .runs = 1, .grain_s = 1 };
	struct list_set *set;
	int status = -ENOMEM;

	if (count > PREFIX_MAX_VALUE)
		return -ENOSPC;
	set = new_set();
	item = calloc(count + 1, sizeof(*item));
	if (set != NULL && item != NULL) {
		fill_blocks(&set->nodes, item, block, count);
		run.at = item;
		run.end = item + count;
		j.nodes = &set->nodes;
		status = list_join_runs(&j, &set->table);
	}
	free(item);
	if (status != 0) {
		list_set_release(set);
		return status;
	}
	settle(set);
	*out = set;
	return 0;
}

/* --- lists --- */

/* What is only needed while a set is built. */
struct building {
	const struct list_set_input *from;
	struct list_set *set;
	struct list_prefix *
		*written; /* by list: what stands in the configuration, sorted */
	struct list_run *run;
	size_t runs;
};

/* The index of a scale, made when there is none; 0 is 1 customer. -1: no room. */
static int
scale_of(struct stage_lists *lists, uint64_t scale)
{
	for (int i = 0; i < STAGE_LIST_SCALES; i++) {
		if (lists->scale[i] == 0)
			lists->scale[i] = (uint32_t)scale;
		if (lists->scale[i] == scale)
			return i;
	}
	return -1;
}

static int
compare_scales(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Indices in the order of the scales, so that the highest index is the highest scale. */
static int
make_scales(struct list_set *set, const struct settings *s, struct conf_errors *errors)
{
	const struct settings_list *list = s->lists.element;
	unsigned int used = 0;

	for (size_t i = 0; i < s->lists.count; i++)
		if (list[i].action == LIST_NEVER_BLOCK && list[i].scale > 1 &&
		    scale_of(&set->lists, list[i].scale) < 0) {
			conf_fail(errors, NULL,
			          "never_block lists have more than %d different scales; "
			          "use fewer",
			          STAGE_LIST_SCALES - 1);
			return -EINVAL;
		}
	while (used < STAGE_LIST_SCALES && set->lists.scale[used] != 0)
		used++;
	qsort(set->lists.scale, used, sizeof(*set->lists.scale), compare_scales);
	return 0;
}

static void
name_lists(struct list_set *set, const struct settings *s)
{
	const struct settings_list *list = s->lists.element;

	for (size_t i = 0; i < s->lists.count; i++) {
		struct stage_listed *e = &set->nodes.entry[i];
		uint64_t scale = list[i].scale > 1 ? list[i].scale : 1;

		*e = (struct stage_listed){ .list = (uint16_t)i };
		e->action = (uint8_t)list[i].action;
		if (e->action == LIST_NEVER_BLOCK)
			e->scale = (uint8_t)scale_of(&set->lists, scale);
		snprintf(e->name, sizeof(e->name), "%s", list[i].name);
	}
	set->nodes.entries = (unsigned int)s->lists.count;
	set->lists.lists = (unsigned int)s->lists.count;
}

static int
sort_written(struct building *b, size_t i)
{
	const struct settings_list *list = b->from->settings->lists.element;
	const struct conf_prefixes *p = &list[i].prefixes;
	struct list_prefix *item = calloc(p->count + 1, sizeof(*item));

	if (item == NULL)
		return -ENOMEM;
	for (size_t k = 0; k < p->count; k++)
		item[k].prefix = policy_prefix(&p->prefix[k]);
	qsort(item, p->count, sizeof(*item), compare_items);
	b->written[i] = item;
	return 0;
}

static const struct list_content *
content_of(const struct list_set_input *from, size_t list)
{
	return from->content == NULL ? NULL : from->content[list];
}

/* All runs from their start; a second try needs them again. */
static void
fill_runs(struct building *b)
{
	const struct settings *s = b->from->settings;
	const struct settings_list *list = s->lists.element;

	b->runs = 0;
	for (size_t i = 0; i < s->lists.count; i++) {
		const struct list_content *c = content_of(b->from, i);
		const struct list_prefix *p = b->written[i];

		b->run[b->runs++] = (struct list_run){ p, p + list[i].prefixes.count,
			                               (uint16_t)i, false };
		if (c != NULL && c->count > 0)
			b->run[b->runs++] =
				(struct list_run){ c->prefix, c->prefix + c->count,
				                   (uint16_t)i, false };
	}
}

static int
keep(struct list_set *set, const struct list_run *run, uint64_t wall_ns)
{
	const size_t count = (size_t)(run->end - run->at);
	struct kept *grown =
		realloc(set->kept, (set->n_kept + count + 1) * sizeof(*grown));

	if (grown == NULL)
		return -ENOMEM;
	set->kept = grown;
	for (const struct list_prefix *p = run->at; p < run->end; p++) {
		const uint64_t until_ns = p->until_s * SECOND_NS;

		if (until_ns == 0 || until_ns > wall_ns)
			grown[set->n_kept++] =
				(struct kept){ p->prefix, run->list,
				               until_ns == 0 ? 0 : until_ns - wall_ns };
	}
	return 0;
}

/* Numbers, and what blocks are held against, from runs that are still whole. */
static int
count_runs(struct building *b)
{
	struct list_set *set = b->set;
	int status = 0;

	for (size_t i = 0; i < b->runs && status == 0; i++) {
		const struct list_run *run = &b->run[i];

		set->prefixes[run->list] += (uint64_t)(run->end - run->at);
		if (set->nodes.entry[run->list].action == LIST_NEVER_BLOCK)
			status = keep(set, run, b->from->wall_ns);
	}
	return status;
}

/* Ends are told to the second, or more coarsely where there are too many of them. */
static int
join_runs(struct building *b, struct conf_errors *errors)
{
	static const uint64_t grains_s[] = { 1, 60, 3600, 86400 };
	struct list_joining j = { .nodes = &b->set->nodes,
		                  .run = b->run,
		                  .runs = b->runs,
		                  .wall_ns = b->from->wall_ns };
	int status = -ENOSPC;

	for (size_t i = 0; i < sizeof(grains_s) / sizeof(*grains_s); i++) {
		if (i > 0) {
			list_nodes_close(&b->set->nodes);
			if (list_nodes_open(&b->set->nodes) != 0)
				return -ENOMEM;
			name_lists(b->set, b->from->settings);
			fill_runs(b);
		}
		j.grain_s = grains_s[i];
		status = list_join_runs(&j, &b->set->table);
		if (status == 0 && i > 0)
			conf_warn(errors, NULL,
			          "the lists have so many different ends that each is "
			          "rounded up to a multiple of %" PRIu64 " s",
			          grains_s[i]);
		if (status != -ENOSPC)
			break;
	}
	return status;
}

static int
build(struct building *b, struct conf_errors *errors)
{
	const struct settings *s = b->from->settings;
	int status = 0;

	b->written = calloc(s->lists.count + 1, sizeof(*b->written));
	b->run = calloc(2 * s->lists.count + 1, sizeof(*b->run));
	b->set->prefixes = calloc(s->lists.count + 1, sizeof(*b->set->prefixes));
	if (b->written == NULL || b->run == NULL || b->set->prefixes == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->lists.count && status == 0; i++)
		status = sort_written(b, i);
	if (status == 0)
		status = make_scales(b->set, s, errors);
	if (status != 0)
		return status;
	name_lists(b->set, s);
	fill_runs(b);
	status = count_runs(b);
	return status != 0 ? status : join_runs(b, errors);
}

static void
tell(int status, struct conf_errors *errors)
{
	if (status == -ENOSPC)
		conf_fail(
			errors, NULL,
			"the lists lie over one another in more than %d ways; use fewer "
			"lists that overlap, or fewer different ends",
			PREFIX_MAX_VALUE);
	else if (status == -E2BIG)
		conf_fail(errors, NULL,
		          "one address is on more than %d lists, or under so many "
		          "different ends",
		          LIST_CHAIN_MAX);
	else if (status != -EINVAL)
		conf_fail(errors, NULL, "the lists cannot be joined: %s",
		          strerror(-status));
}

int
list_set_build(const struct list_set_input *from, struct list_set **out,
               struct conf_errors *errors)
{
	struct building b = { .from = from, .set = NULL };
	int status = -ENOMEM;

	if (from->settings->lists.count > LIST_MOST) {
		conf_fail(errors, NULL, "%zu lists; at most %d are possible",
		          from->settings->lists.count, LIST_MOST);
		return -EINVAL;
	}
	b.set = new_set();
	if (b.set != NULL)
		status = build(&b, errors);
	for (size_t i = 0; b.written != NULL && i < from->settings->lists.count; i++)
		free(b.written[i]);
	free(b.written);
	free(b.run);
	if (status != 0) {
		tell(status, errors);
		list_set_release(b.set);
		return status == -ENOMEM ? status : -EINVAL;
	}
	b.set->mark = mark_of(from->settings);
	settle(b.set);
	*out = b.set;
	return 0;
}

/* --- what can be asked --- */

bool
list_set_is_of(const struct list_set *set, const struct settings *settings)
{
	return set != NULL && set->lists.lists == settings->lists.count &&
	       set->mark == mark_of(settings);
}

uint64_t
list_set_prefixes(const struct list_set *set, const char *name)
{
	for (unsigned int i = 0; set != NULL && i < set->lists.lists; i++)
		if (strcmp(set->lists.entry[i].name, name) == 0)
			return set->prefixes[i];
	return 0;
}

size_t
list_set_bytes(const struct list_set *set)
{
	if (set == NULL)
		return 0;
	return sizeof(*set) + prefix_bytes(set->table) +
	       set->nodes.entries * sizeof(*set->nodes.entry) +
	       set->nodes.nodes * sizeof(*set->nodes.node) +
	       set->n_kept * sizeof(*set->kept);
}

const char *
list_set_never_blocks(const struct list_set *set, const struct prefix *prefix,
                      uint64_t now_ns)
{
	for (size_t i = 0; set != NULL && i < set->n_kept; i++) {
		const struct kept *k = &set->kept[i];

		if (k->prefix.len <= prefix->len &&
		    (k->until_ns == 0 || k->until_ns > now_ns) &&
		    prefix_holds(&k->prefix, prefix->address))
			return set->lists.entry[k->list].name;
	}
	return NULL;
}

const struct stage_lists *
list_set_lists(const struct list_set *set)
{
	return set == NULL ? NULL : &set->lists;
}
