/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/table.h"

#include <stdlib.h>
#include <string.h>

#define NO_CLASS UINT32_MAX

/* --- classes ------------------------------------------------------------------- */

static void
start(struct filter_table *t, unsigned int count)
{
	t->stride = 1 + (count + 63) / 64;
}

/* Grow `*array` of `used` elements so that `more` fit; it doubles. */
static bool
grow(void *array, size_t used, size_t more, size_t size)
{
	void **to = array;
	size_t have = used == 0 ? 0 : 64;
	void *grown;

	while (have < used)
		have *= 2;
	if (have >= used + more)
		return true;
	if (have == 0)
		have = 64;
	while (have < used + more)
		have *= 2;
	grown = realloc(*to, have * size);
	if (grown == NULL)
		return false;
	*to = grown;
	return true;
}

static void
set_bit(uint64_t *row, unsigned int rule)
{
	row[1 + rule / 64] |= UINT64_C(1) << rule % 64;
}

/* The class of that row, which may be new; NO_CLASS without memory. */
static uint32_t
class_of(struct filter_table *t, uint64_t *row)
{
	const size_t bytes = t->stride * sizeof(*row);

	row[0] = 0;
	for (unsigned int w = 1; w < t->stride; w++)
		row[0] |= (uint64_t)(row[w] != 0) << (w - 1);
	for (unsigned int c = t->classes; c-- > 0;)
		if (memcmp(filter_table_row(t, c), row, bytes) == 0)
			return c;
	if (!grow(&t->row, (size_t)t->classes * t->stride, t->stride, sizeof(*row)))
		return NO_CLASS;
	memcpy(t->row + (size_t)t->classes * t->stride, row, bytes);
	return t->classes++;
}

void
filter_table_free(struct filter_table *t)
{
	free(t->row);
	free(t->of);
	free(t->page);
	memset(t, 0, sizeof(*t));
}

/* --- small ---------------------------------------------------------------------- */

bool
filter_table_small(struct filter_table *t, const struct filter_match *const *m,
                   unsigned int count, enum filter_small which)
{
	uint64_t *row;
	bool is_done = true;

	start(t, count);
	t->of = calloc(FILTER_NO_SMALL + 1, sizeof(*t->of));
	row = malloc(t->stride * sizeof(*row));
	for (unsigned int v = 0; t->of != NULL && row != NULL && v <= FILTER_NO_SMALL;
	     v++) {
		memset(row, 0, t->stride * sizeof(*row));
		for (unsigned int i = 0; i < count; i++)
			if (!m[i]->has_small[which] ||
			    (v < FILTER_NO_SMALL &&
			     (m[i]->small[which][v / 64] >> v % 64 & 1)))
				set_bit(row, i);
		t->of[v] = class_of(t, row);
		is_done = is_done && t->of[v] != NO_CLASS;
	}
	is_done = is_done && t->of != NULL && row != NULL;
	free(row);
	return is_done;
}

/* --- wide ----------------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Where the answer can change: the first value of each range, and the one behind it. */
static uint32_t *
find_edges(const struct filter_match *const *m, unsigned int count,
           enum filter_wide which, size_t *n)
{
	uint32_t *edge = calloc(2 * (size_t)count * FILTER_VALUES + 1, sizeof(*edge));
	size_t unique = 0;

	*n = 1; /* value 0 */
	for (unsigned int i = 0; edge != NULL && i < count; i++)
		for (unsigned int k = 0; k < m[i]->wide[which].count; k++) {
			edge[(*n)++] = m[i]->wide[which].range[k].first;
			edge[(*n)++] = m[i]->wide[which].range[k].last + 1;
		}
	if (edge == NULL)
		return NULL;
	qsort(edge, *n, sizeof(*edge), compare);
	for (size_t i = 0; i < *n; i++)
		if (i == 0 || edge[i] != edge[unique - 1])
			edge[unique++] = edge[i];
	*n = unique;
	return edge;
}

/* The row of the rules that accept `value`, or name no such component. */
static void
accept(uint64_t *row, unsigned int stride, const struct filter_match *const *m,
       unsigned int count, enum filter_wide which, uint32_t value)
{
	memset(row, 0, stride * sizeof(*row));
	for (unsigned int i = 0; i < count; i++) {
		bool is_in = !m[i]->has_wide[which];

		for (unsigned int k = 0;
		     !is_in && value != FILTER_NO_WIDE && k < m[i]->wide[which].count;
		     k++)
			is_in = value >= m[i]->wide[which].range[k].first &&
			        value <= m[i]->wide[which].range[k].last;
		if (is_in)
			set_bit(row, i);
	}
}

/* The leaf of 256 classes, which may be one there is already. */
static bool
put_leaf(struct filter_table *t, uint32_t page, const uint32_t leaf[256])
{
	uint32_t at = 0;

	while (at < t->ofs && memcmp(t->of + at, leaf, 256 * sizeof(*leaf)) != 0)
		at += 256;
	if (at == t->ofs) {
		if (!grow(&t->of, t->ofs, 256, sizeof(*t->of)))
			return false;
		memcpy(t->of + at, leaf, 256 * sizeof(*leaf));
		t->ofs += 256;
	}
	t->page[page] = at;
	return true;
}

bool
filter_table_wide(struct filter_table *t, const struct filter_match *const *m,
                  unsigned int count, enum filter_wide which)
{
	uint32_t leaf[256], class = 0;
	uint64_t *row;
	uint32_t *edge;
	size_t edges, next = 0;
	bool is_done;

	start(t, count);
	t->pages = which == FILTER_LABEL ? 4096 : 256;
	t->page = calloc(t->pages, sizeof(*t->page));
	row = malloc(t->stride * sizeof(*row));
	edge = find_edges(m, count, which, &edges);
	is_done = t->page != NULL && row != NULL && edge != NULL;
	if (is_done) {
		accept(row, t->stride, m, count, which, FILTER_NO_WIDE);
		t->none = class_of(t, row);
		is_done = t->none != NO_CLASS;
	}
	for (uint32_t v = 0; is_done && v < t->pages * 256; v++) {
		if (next < edges && edge[next] == v) {
			accept(row, t->stride, m, count, which, v);
			class = class_of(t, row);
			next++;
		}
		leaf[v % 256] = class;
		is_done = class != NO_CLASS &&
		          (v % 256 != 255 || put_leaf(t, v / 256, leaf));
	}
	free(row);
	free(edge);
	return is_done;
}

/* --- addresses -------------------------------------------------------------------- */

/* A prefix of one family as bits from its first on, and a rule that names it. */
struct place {
	uint8_t address[16];
	uint8_t bits;
	uint16_t rule;
};

static int
compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	/* Shorter ones first, so that what is more specific is put over them. */
	if (x->bits != y->bits)
		return x->bits < y->bits ? -1 : 1;
	return memcmp(x->address, y->address, sizeof(x->address));
}

static size_t
gather(const struct filter_match *const *m, unsigned int count, enum filter_end which,
       bool is_ipv6, struct place *to)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	size_t n = 0;

	for (unsigned int i = 0; i < count; i++)
		for (unsigned int k = 0; k < m[i]->end[which].count; k++) {
			const struct conf_prefix *p = &m[i]->end[which].prefix[k];
			const bool is_ipv4 =
				p->len >= 96 && memcmp(p->address, mapped, 12) == 0;
			struct place *at = &to[n];

			if (is_ipv4 == is_ipv6)
				continue;
			memset(at, 0, sizeof(*at));
			memcpy(at->address, p->address + (is_ipv4 ? 12 : 0),
			       is_ipv4 ? 4 : 16);
			at->bits = (uint8_t)(p->len - (is_ipv4 ? 96 : 0));
			at->rule = (uint16_t)i;
			n++;
		}
	qsort(to, n, sizeof(*to), compare_places);
	return n;
}

/* A node all of whose entries are `entry`; its own entry, or NO_CLASS without memory. */
static uint32_t
new_node(struct filter_table *t, uint32_t entry)
{
	const uint32_t number = t->ofs / 256;

	if (!grow(&t->of, t->ofs, 256, sizeof(*t->of)))
		return NO_CLASS;
	for (unsigned int i = 0; i < 256; i++)
		t->of[t->ofs + i] = entry;
	t->ofs += 256;
	return FILTER_TABLE_NODE | number;
}

/*
 * Put `rules` places of one prefix over what is there: they accept what the prefix that
 * holds them accepts, and their own.
 */
static bool
put_prefix(struct filter_table *t, uint32_t *root, const struct place *p, size_t rules,
           uint64_t *row)
{
	unsigned int step = 0, first, n;
	uint32_t entry = *root, class;
	uint32_t at = UINT32_MAX; /* place in of[] of the entry; the root has none */

	for (; 8 * step < p->bits; step++) {
		if (!(entry & FILTER_TABLE_NODE)) {
			entry = new_node(t, entry);
			if (entry == NO_CLASS)
				return false;
			if (at == UINT32_MAX)
				*root = entry;
			else
				t->of[at] = entry;
		}
		at = (entry & ~FILTER_TABLE_NODE) * 256 + p->address[step];
		entry = t->of[at];
	}
	memcpy(row, filter_table_row(t, entry), t->stride * sizeof(*row));
	for (size_t i = 0; i < rules; i++)
		set_bit(row, p[i].rule);
	class = class_of(t, row);
	if (class == NO_CLASS)
		return false;
	if (at == UINT32_MAX) {
		*root = class;
		return true;
	}
	n = 1u << (8 * step - p->bits);
	first = at & ~(n - 1);
	for (unsigned int i = 0; i < n; i++)
		t->of[first + i] = class;
	return true;
}

bool
filter_table_end(struct filter_table *t, const struct filter_match *const *m,
                 unsigned int count, enum filter_end which)
{
	struct place *p = calloc((size_t)count * FILTER_VALUES, sizeof(*p));
	uint64_t *row;
	bool is_done;

	start(t, count);
	row = calloc(t->stride, sizeof(*row));
	/* Node 0 is none: who stays where he is reads there. */
	is_done = p != NULL && row != NULL && new_node(t, 0) != NO_CLASS;
	for (unsigned int i = 0; is_done && i < count; i++)
		if (!m[i]->has_end[which])
			set_bit(row, i);
	if (is_done) {
		t->none = class_of(t, row);
		is_done = t->none != NO_CLASS;
	}
	for (unsigned int family = 0; is_done && family < 2; family++) {
		const size_t n = gather(m, count, which, family == 1, p);
		size_t same;

		t->root[family] = t->none;
		for (size_t i = 0; is_done && i < n; i += same) {
			for (same = 1;
			     i + same < n && compare_places(&p[i], &p[i + same]) == 0;)
				same++;
			is_done = put_prefix(t, &t->root[family], &p[i], same, row);
		}
	}
	free(row);
	free(p);
	return is_done;
}
