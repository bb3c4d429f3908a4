/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ipv6_build - count what a table will hold, take its memory once, fill it.
 *
 * The prefixes of a node are neighbours in sorted order, those that hold others
 * first. One walk over them with a stack of those still open gives the ranges.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "prefix/ipv6.h"

/* A prefix of at most 64 bits. */
struct item {
	uint64_t high;
	uint32_t order; /* of equal ones the last wins */
	uint16_t value;
	uint16_t len;
};

struct range {
	uint16_t start, value;
};

struct builder {
	struct prefix_ipv6 *t;
	const struct hash_key *key;
	const struct prefix_entry *entries;
	size_t count;
	struct item *item; /* sorted by address, length and order */
	size_t items;
	struct range *range; /* of the node at hand, room for 65,536 */
	size_t nodes[PREFIX_IPV6_STRIDES];
	size_t longs, level[64]; /* prefixes past 64 bits: all, by length - 65 */
	size_t lines;            /* of ranges */
};

static int
compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->high != y->high)
		return x->high < y->high ? -1 : 1;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static inline bool
is_of_stride(const struct item *item, unsigned int stride)
{
	return item->len > 16 + 16 * stride && item->len <= 32 + 16 * stride;
}

/* --- the ranges of one node ----------------------------------------------------- */

struct open {
	uint32_t start, end;
	uint16_t value;
};

/* A range begins; one that would begin at the same place is taken back. */
static inline size_t
begin(struct range *range, size_t n, uint32_t start, uint16_t value)
{
	if (n > 0 && range[n - 1].start == start)
		n--;
	range[n] = (struct range){ (uint16_t)start, value };
	return n + 1;
}

/*
 * Write the ranges of the node that begins at item `at`, under a prefix of
 * value `around`. Returns how many; *next is the first item of another node.
 */
static size_t
walk_node(const struct builder *b, unsigned int stride, size_t at, uint16_t around,
          size_t *next)
{
	const uint64_t name = b->item[at].high & stride_mask(stride);
	struct open open[18] = { { 0, 65535, around } };
	unsigned int depth = 0;
	size_t n = begin(b->range, 0, 0, around);

	for (; at < b->items && (b->item[at].high & stride_mask(stride)) == name; at++) {
		const struct item *item = &b->item[at];
		uint32_t start = stride_bits(stride, item->high), end;

		if (!is_of_stride(item, stride))
			continue;
		end = start + (UINT32_C(1) << (32 + 16 * stride - item->len)) - 1;
		for (; open[depth].end < start; depth--)
			n = begin(b->range, n, open[depth].end + 1,
			          open[depth - 1].value);
		/* The same prefix again: only its value changes. */
		if (open[depth].start != start || open[depth].end != end)
			depth++;
		open[depth] = (struct open){ start, end, item->value };
		n = begin(b->range, n, start, item->value);
	}
	for (; depth > 0 && open[depth].end < 65535; depth--)
		n = begin(b->range, n, open[depth].end + 1, open[depth - 1].value);
	*next = at;
	return n;
}

static inline bool
is_one_range(const struct range *range, size_t n)
{
	return n <= 2 || (n == 3 && range[0].value == range[2].value);
}

static inline size_t
lines_for(size_t ranges)
{
	return ranges > RANGES_MOST ? DIRECT_LINES : (ranges + RANGES - 1) / RANGES;
}

/* --- filling ---------------------------------------------------------------------- */

static void
put_node(struct prefix_ipv6_hash *h, const struct hash_key *key, uint64_t name,
         const struct node *node, uint16_t first)
{
	const uint64_t hash = hash_of_node(key, name);
	const size_t bit = bit_of_node(h, hash);
	struct node_line *line = h->line;

	h->bits[bit / 64] |= UINT64_C(1) << bit % 64;
	for (uint32_t at = line_of_node(h, hash);; at = line_after(h, at)) {
		struct node_line *l = &line[at];

		for (unsigned int s = 0; s < NODE_SLOTS; s++) {
			if (l->node[s].kind & NODE_USED)
				continue;
			l->key[s] = name | first;
			l->node[s] = *node;
			return;
		}
		l->node[NODE_SLOTS - 1].kind |= NODE_FURTHER;
	}
}

/* Write ranges that need lines of their own; `*used` counts the lines taken. */
static struct node
write_ranges(const struct builder *b, size_t n, size_t *used)
{
	struct prefix_ipv6_ranges *r = b->t->ranges + *used;
	struct node node = { 0, (uint16_t)*used, (uint16_t)(*used >> 16),
		             NODE_USED | NODE_LINES };
	const size_t lines = lines_for(n);

	*used += lines;
	if (n > RANGES_MOST) {
		uint16_t *direct = (uint16_t *)r;

		for (size_t i = 0; i < n; i++)
			for (uint32_t at = b->range[i].start;
			     at < (i + 1 < n ? b->range[i + 1].start : 65536u); at++)
				direct[at] = b->range[i].value;
		node.kind |= NODE_DIRECT;
		return node;
	}
	for (size_t i = 0; i < lines * RANGES; i++) {
		r[i / RANGES].start[i % RANGES] = i < n ? b->range[i].start : 65535;
		r[i / RANGES].value[i % RANGES] = b->range[i < n ? i : n - 1].value;
	}
	node.span = (uint16_t)(lines - 1);
	return node;
}

static void
fill_stride(const struct builder *b, unsigned int stride, size_t *used)
{
	for (size_t at = 0, next; at < b->items; at = next) {
		const uint64_t name = b->item[at].high & stride_mask(stride);
		struct node node = { .kind = NODE_USED };
		uint16_t around, first = 0;
		size_t n;

		next = at + 1;
		if (!is_of_stride(&b->item[at], stride))
			continue;
		around = (uint16_t)prefix_ipv6_value(b->t, b->key, name, stride);
		n = walk_node(b, stride, at, around, &next);
		if (is_one_range(b->range, n)) {
			first = b->range[n > 1].start;
			node.span = (uint16_t)((n > 2 ? b->range[2].start : 65536u) -
			                       first - 1);
			node.value = b->range[n > 1].value;
			node.around = b->range[0].value;
		} else {
			node = write_ranges(b, n, used);
		}
		put_node(&b->t->node[stride], b->key, name, &node, first);
	}
}

static void
put_long(struct prefix_ipv6_hash *h, const struct hash_key *key,
         const struct prefix_entry *e)
{
	struct level_line *line = h->line;
	__m128i address;

	memcpy(&address, e->prefix.address, sizeof(address));
	for (uint32_t at = line_of(h, key, address);; at = line_after(h, at)) {
		struct level_line *l = &line[at];

		for (unsigned int s = 0; s < SLOTS; s++) {
			if (l->value[s] != PREFIX_NONE &&
			    memcmp(l->address[s], &address, sizeof(address)) != 0)
				continue;
			memcpy(l->address[s], &address, sizeof(address));
			l->value[s] = e->value;
			return;
		}
		l->further = true;
	}
}

static void
put_hint(struct prefix_ipv6_hash *h, const struct hash_key *key,
         const struct prefix_entry *e)
{
	const uint64_t high = high_of(e->prefix.address);
	struct hint_line *line = h->line;

	for (uint32_t at = line_of_high(h, key, high);; at = line_after(h, at)) {
		struct hint_line *l = &line[at];

		for (unsigned int s = 0; s < SLOTS; s++) {
			if (l->lengths[s] != 0 && l->key[s] != high)
				continue;
			l->key[s] = high;
			l->lengths[s] |= UINT64_C(1) << (e->prefix.len - 65);
			return;
		}
		l->further = true;
	}
}

static void
fill_long(const struct builder *b)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct prefix_entry *e = &b->entries[i];

		if (prefix_is_ipv4(&e->prefix) || e->prefix.len <= 64)
			continue;
		put_long(&b->t->level[e->prefix.len - 65], b->key, e);
		if (b->t->only_long == 0)
			put_hint(&b->t->hint, b->key, e);
		b->t->root[high_of(e->prefix.address) >> 48] |= ROOT_LONG;
	}
}

/* The root of one length doubles into the root of the next: every slot becomes two. */
static void
fill_root(const struct builder *b)
{
	uint32_t *root = b->t->root;

	for (unsigned int len = 0; len <= 16; len++) {
		for (size_t i = len == 0 ? 0 : (size_t)1 << len; i-- > 0;)
			root[i] = root[i >> 1];
		for (size_t i = 0; i < b->items; i++)
			if (b->item[i].len == len)
				root[len == 0 ? 0 : b->item[i].high >> (64 - len)] =
					b->item[i].value;
	}
	for (size_t i = 0; i < b->items; i++)
		for (unsigned int s = 0; s < PREFIX_IPV6_STRIDES; s++)
			if (is_of_stride(&b->item[i], s))
				root[b->item[i].high >> 48] |= ROOT_NODE << s;
}

/* --- counting ----------------------------------------------------------------------- */

static int
sort_items(struct builder *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->count; i++) {
		const struct prefix *p = &b->entries[i].prefix;

		if (prefix_is_ipv4(p))
			continue;
		b->items += p->len <= 64;
		if (p->len > 64) {
			b->longs++;
			b->level[p->len - 65]++;
		}
	}
	b->item = malloc((b->items + 1) * sizeof(*b->item));
	b->range = malloc(65536 * sizeof(*b->range));
	if (b->item == NULL || b->range == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < b->count; i++) {
		const struct prefix_entry *e = &b->entries[i];

		if (e->prefix.len <= 64 && !prefix_is_ipv4(&e->prefix))
			b->item[n++] =
				(struct item){ high_of(e->prefix.address), (uint32_t)i,
				               (uint16_t)e->value, e->prefix.len };
	}
	qsort(b->item, b->items, sizeof(*b->item), compare_items);
	return 0;
}

/* Ranges that lie next to each other stay apart, so their number knows no values. */
static void
count_nodes(struct builder *b)
{
	for (unsigned int s = 0; s < PREFIX_IPV6_STRIDES; s++) {
		for (size_t at = 0, next; at < b->items; at = next) {
			size_t n;

			next = at + 1;
			if (!is_of_stride(&b->item[at], s))
				continue;
			n = walk_node(b, s, at, PREFIX_NONE, &next);
			b->nodes[s]++;
			b->lines += is_one_range(b->range, n) ? 0 : lines_for(n);
		}
	}
}

/* Lines of a hash table that is 40 % full: one node in forty is not in its own line. */
static inline uint32_t
lines_to_hold(size_t count, size_t slots)
{
	return (uint32_t)(count <= slots ? count > 0
	                                 : (count * 5 + 2 * slots - 1) / (2 * slots));
}

static inline size_t
lines_of_bits(size_t nodes)
{
	return (nodes * NODE_BITS + 511) / 512;
}

static char *
lay_out(struct prefix_ipv6_hash *h, uint32_t lines, char *at)
{
	h->line = at;
	h->lines = lines;
	return at + (size_t)lines * 64;
}

static int
take_memory(struct builder *b)
{
	const size_t root = sizeof(uint32_t) << 16;
	struct prefix_ipv6 *t = b->t;
	unsigned int lengths = 0;
	size_t lines = b->lines;
	char *at;

	for (unsigned int n = 0; n < 64; n++) {
		lines += lines_to_hold(b->level[n], SLOTS);
		lengths += b->level[n] > 0;
		if (b->level[n] > 0)
			t->only_long = n + 65;
	}
	if (lengths > 1) {
		t->only_long = 0;
		lines += lines_to_hold(b->longs, SLOTS);
	}
	for (unsigned int s = 0; s < PREFIX_IPV6_STRIDES; s++)
		lines += lines_to_hold(b->nodes[s], NODE_SLOTS) +
		         lines_of_bits(b->nodes[s]);
	at = memory_take(root + lines * 64);
	if (at == NULL)
		return -ENOMEM;
	t->memory = at;
	t->bytes = root + lines * 64;

	t->root = (uint32_t *)at;
	at += root;
	t->ranges = (struct prefix_ipv6_ranges *)at;
	at += b->lines * 64;
	for (unsigned int s = 0; s < PREFIX_IPV6_STRIDES; s++)
		at = lay_out(&t->node[s], lines_to_hold(b->nodes[s], NODE_SLOTS), at);
	for (unsigned int s = 0; s < PREFIX_IPV6_STRIDES; s++) {
		t->node[s].bits = (uint64_t *)at;
		t->node[s].n_bits = lines_of_bits(b->nodes[s]) * 512;
		at += lines_of_bits(b->nodes[s]) * 64;
	}
	for (unsigned int n = 0; n < 64; n++)
		at = lay_out(&t->level[n], lines_to_hold(b->level[n], SLOTS), at);
	if (lengths > 1)
		lay_out(&t->hint, lines_to_hold(b->longs, SLOTS), at);
	return 0;
}

int
prefix_ipv6_build(struct prefix_ipv6 *t, const struct hash_key *key,
                  const struct prefix_entry *entries, size_t count)
{
	struct builder b = { .t = t, .key = key, .entries = entries, .count = count };
	size_t used = 0;
	int status = sort_items(&b);

	if (status != 0)
		goto out;
	if (b.longs == 0 && (b.items == 0 || b.item[b.items - 1].len == 0)) {
		t->any = b.items == 0 ? PREFIX_NONE : b.item[b.items - 1].value;
		goto out;
	}
	count_nodes(&b);
	status = take_memory(&b);
	if (status != 0)
		goto out;
	fill_root(&b);
	for (unsigned int s = 0; s < PREFIX_IPV6_STRIDES; s++)
		fill_stride(&b, s, &used);
	fill_long(&b);
out:
	free(b.range);
	free(b.item);
	return status;
}
