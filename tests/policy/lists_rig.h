/* SPDX-License-Identifier: BSD-3-Clause */
/* lists_rig - settings with lists, and contents as files would have brought them. */
#ifndef TESTS_POLICY_LISTS_RIG_H
#define TESTS_POLICY_LISTS_RIG_H

#include "list/list.h"
#include "policy/list_set.h"
#include "settings_rig.h"
#include <errno.h>
#include <time.h>

#define SECOND UINT64_C(1000000000)

static struct settings_rig rig;
static struct list_content content[24];
static const struct list_content *contents[24];

static inline size_t
list(const char *name, enum list_action action)
{
	struct settings_list *l = &rig.list[rig.s.lists.count];

	l->name = strdup(name);
	l->action = (int)action;
	l->scale = 1;
	return rig.s.lists.count++;
}

static inline int
compare(const void *a, const void *b)
{
	const struct list_prefix *x = a, *y = b;

	return memcmp(&x->prefix, &y->prefix, sizeof(x->prefix));
}

/* What lib/list hands over: sorted, no prefix twice. */
static inline void
give(size_t l, struct list_prefix *prefix, size_t count)
{
	size_t n = 0;

	qsort(prefix, count, sizeof(*prefix), compare);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || compare(&prefix[i], &prefix[n - 1]) != 0)
			prefix[n++] = prefix[i];
	content[l] = (struct list_content){ .count = n, .prefix = prefix };
	contents[l] = &content[l];
}

static inline int
build(uint64_t wall_ns, struct list_set **out, struct conf_errors *errors)
{
	const struct list_set_input from = { &rig.s, contents, wall_ns };

	return list_set_build(&from, out, errors);
}

static inline void
begin(void)
{
	rig_settings(&rig);
	memset(content, 0, sizeof(content));
	memset(contents, 0, sizeof(contents));
}

static inline void
end(struct list_set *set)
{
	list_set_release(set);
	for (size_t i = 0; i < rig.s.lists.count; i++)
		free(content[i].prefix);
	rig_settings_free(&rig);
}

static inline uint64_t
draw(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

#endif
