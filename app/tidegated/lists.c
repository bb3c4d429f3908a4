/* SPDX-License-Identifier: BSD-3-Clause */
#include "lists.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "lists_parts.h"
#include "policy/list_set.h"

static void
free_all(struct lists_all *all)
{
	for (size_t i = 0; i < all->count; i++)
		lists_let_go(all->one[i].file);
	free(all->one);
	*all = (struct lists_all){ 0 };
}

size_t
lists_find(const struct lists_all *all, const char *name)
{
	size_t i = 0;

	while (i < all->count && strcmp(all->one[i].shown.name, name) != 0)
		i++;
	return i;
}

/* --- joining --- */

/* What the set is built of: contents, those with entries made by hand in copies. */
static int
join_all(struct lists *l, const struct lists_ask *ask, struct lists_next *next,
         struct conf_errors *errors)
{
	const size_t count = next->all.count;
	struct list_content **joined = calloc(count + 1, sizeof(*joined));
	const struct list_content **content = calloc(count + 1, sizeof(*content));
	struct list_set_input input = { .settings = ask->settings, .content = content };
	bool has_any = false;
	int rc = joined == NULL || content == NULL ? -ENOMEM : 0;

	input.wall_ns = __atomic_load_n(&l->engine->common.wall_ns, __ATOMIC_RELAXED);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct lists_one *one = &next->all.one[i];

		content[i] = one->file == NULL ? NULL : one->file->content;
		rc = lists_made_join(l, one->shown.name, content[i], &joined[i]);
		one->shown.made = 0;
		for (size_t k = 0; k < l->made_count; k++)
			one->shown.made += strcmp(l->made[k].list, one->shown.name) == 0;
		if (joined[i] != NULL)
			content[i] = joined[i];
		has_any |= content[i] != NULL;
	}
	if (rc == 0 && has_any)
		rc = list_set_build(&input, &next->set, errors);
	if (rc == -ENOMEM)
		conf_fail(errors, NULL, "there is no memory to join the lists");
	for (size_t i = 0; joined != NULL && i < count; i++)
		list_free(joined[i]);
	free(joined);
	free(content);
	return rc;
}

/* Whether the set in force would not say the same. */
static bool
is_changed(const struct lists *l, const struct lists_ask *ask,
           const struct lists_next *next)
{
	if (ask->is_first || ask->is_made_changed ||
	    !list_set_is_of(l->engine->list_set, ask->settings))
		return true;
	for (size_t i = 0; i < next->all.count; i++) {
		const struct lists_one *one = &next->all.one[i];
		const size_t at = lists_find(&l->now, one->shown.name);

		if (at == l->now.count || l->now.one[at].file != one->file)
			return true;
	}
	return false;
}

static void
show_totals(struct lists_next *next)
{
	for (size_t i = 0; i < next->all.count; i++) {
		struct box_list *b = &next->all.one[i].shown;

		b->total = next->set == NULL ? b->written
		                             : list_set_prefixes(next->set, b->name);
	}
}

int
lists_make_next(struct lists *l, const struct lists_ask *ask, struct lists_next **out,
                struct conf_errors *errors)
{
	struct lists_next *next = calloc(1, sizeof(*next));
	const size_t count = ask->settings->lists.count;
	struct list_set *set = l->engine->list_set;
	int rc = 0;

	*out = NULL;
	if (next != NULL)
		next->all.one = calloc(count + 1, sizeof(*next->all.one));
	if (next == NULL || next->all.one == NULL) {
		free(next);
		conf_fail(errors, NULL, "there is no memory for %zu lists", count);
		return -ENOMEM;
	}
	for (; next->all.count < count; next->all.count++) {
		struct lists_one *one = &next->all.one[next->all.count];
		const int one_rc = lists_make_one(l, ask, one, next->all.count, errors);

		/* All broken files are told in one go. */
		rc = one_rc < 0 ? one_rc : rc;
	}
	next->is_changed = is_changed(l, ask, next);
	if (rc == 0 && !next->is_changed)
		next->set = list_set_hold(set);
	else if (rc == 0)
		rc = join_all(l, ask, next, errors);
	if (rc < 0) {
		lists_next_free(next);
		return rc;
	}
	show_totals(next);
	*out = next;
	return 0;
}

void
lists_next_free(struct lists_next *next)
{
	if (next == NULL)
		return;
	free_all(&next->all);
	list_set_release(next->set);
	free(next);
}

/* --- in force --- */

/* What was next is now. */
static void
keep(struct lists *l, struct lists_next *next)
{
	struct lists_all before;

	pthread_mutex_lock(&l->lock);
	before = l->now;
	l->now = next->all;
	pthread_mutex_unlock(&l->lock);
	next->all = before;
}

int
lists_put_in_force(struct lists *l, struct lists_next *next, struct conf_errors *errors)
{
	int rc = 0;

	if (next->is_changed)
		rc = change_lists(l->engine, next->set, errors);
	if (rc == 0)
		keep(l, next);
	lists_next_free(next);
	return rc;
}

int
lists_prepare(struct lists *l, const struct settings *next, struct lists_next **out,
              struct conf_errors *errors)
{
	const struct lists_ask ask = { .settings = next, .now_ns = UINT64_MAX };
	int rc;

	pthread_mutex_lock(&l->load);
	rc = lists_make_next(l, &ask, out, errors);
	if (rc < 0)
		pthread_mutex_unlock(&l->load);
	return rc;
}

struct list_set *
lists_set_of(const struct lists_next *next)
{
	return next->set;
}

void
lists_finish(struct lists *l, struct lists_next *next, bool is_in_force)
{
	if (is_in_force)
		keep(l, next);
	lists_next_free(next);
	pthread_mutex_unlock(&l->load);
}

int
lists_open(struct engine *e, bool has_state, struct conf_errors *errors)
{
	struct lists *l = calloc(1, sizeof(*l));
	const struct lists_ask ask = { .settings = e->settings,
		                       .now_ns = UINT64_MAX,
		                       .is_first = true };
	struct lists_next *next;
	int rc;

	if (l == NULL) {
		conf_fail(errors, NULL, "there is no memory for lists");
		return -ENOMEM;
	}
	e->lists = l;
	l->engine = e;
	pthread_mutex_init(&l->load, NULL);
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->wake, NULL);
	if (has_state)
		snprintf(l->made_file, sizeof(l->made_file), "%.4000s/lists.json",
		         e->settings->state_folder);
	lists_made_load(l, errors);
	rc = lists_make_next(l, &ask, &next, errors);
	if (rc < 0)
		return rc;
	e->list_set = list_set_hold(next->set);
	keep(l, next);
	lists_next_free(next);
	return 0;
}

void
lists_close(struct lists *l)
{
	if (l == NULL)
		return;
	lists_stop(l);
	free_all(&l->now);
	free(l->made);
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->lock);
	pthread_mutex_destroy(&l->load);
	free(l);
}
