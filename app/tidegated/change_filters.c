/* SPDX-License-Identifier: BSD-3-Clause */
/* change_filters - filter rules made, tried and taken back at run time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "change.h"
#include "engine.h"

static bool
is_in_file(const struct engine *e, const char *name)
{
	const struct filter_spec *file = e->settings->filters.element;

	for (size_t i = 0; i < e->settings->filters.count; i++)
		if (strcmp(file[i].name, name) == 0)
			return true;
	return false;
}

/* What was agreed on is remembered, or told that it is not. */
static void
keep_filters(const struct engine *e)
{
	int rc = filters_save(&e->filters, e->settings->state_folder);

	if (rc < 0)
		log_warning(
			"filter rules are in force, but a restart will not know them: "
			"filters.json cannot be written in %s: %s",
			e->settings->state_folder, strerror(-rc));
}

/* Put `next` in force in the place of e->filters, or leave all as it is. */
static int
swap_filters(struct engine *e, struct filters *next, struct conf_errors *errors)
{
	struct filters before = e->filters;
	int rc;

	e->filters = *next;
	rc = change_apply(e, e->settings, errors);
	if (rc < 0) {
		e->filters = before;
		filters_drop(next);
		return rc;
	}
	filters_drop(&before);
	keep_filters(e);
	return 0;
}

/* A rule as it is kept: "for" has become a moment. */
static json_t *
kept(const json_t *rule, const struct filter_spec *spec)
{
	json_t *copy = json_deep_copy(rule);

	json_object_del(copy, "for");
	if (spec->until[0] != '\0')
		json_object_set_new(copy, "until", json_string(spec->until));
	return copy;
}

/* Build a snapshot with these rules and throw it away. */
static int
try_filters(struct engine *e, const struct filters *next, struct conf_errors *errors)
{
	struct policy_overrides *over = calloc(1, sizeof(*over));
	struct policies *built = NULL;
	int rc;

	if (over == NULL)
		return -ENOMEM;
	over->filter = next->spec;
	over->filters = next->count;
	over->mode_all = -1;
	for (unsigned int i = 0; i < SERVICE_MAX; i++)
		over->mode[i] = -1;
	rc = policy_build(e->settings, atomic_load(&e->policies), over, &built, errors);
	if (rc == 0)
		policy_free(built);
	free(over);
	return rc;
}

static int
filter_put(void *daemon, const json_t *rule, bool is_check, struct conf_errors *errors)
{
	struct engine *e = daemon;
	struct filter_spec spec, gone = { 0 };
	struct filters next = { 0 };
	json_t *copy, *old = NULL;
	size_t at;
	int rc = filter_spec_read(rule, (int64_t)time(NULL), &spec, errors);

	if (rc < 0)
		return rc;
	copy = kept(rule, &spec);
	pthread_mutex_lock(&e->change_lock);
	at = filters_find(&e->filters, spec.name);
	if (at < e->filters.count) {
		gone = e->filters.spec[at];
		old = e->filters.rule[at];
	}
	if (is_in_file(e, spec.name))
		rc = -EEXIST;
	else
		rc = filters_with(&e->filters, &spec, copy, &next);
	if (rc == 0 && is_check) {
		rc = try_filters(e, &next, errors);
		filters_drop(&next);
	} else if (rc == 0) {
		rc = swap_filters(e, &next, errors);
	}
	/* Whichever of the two is not in force goes. */
	if (rc == 0 && !is_check) {
		filter_spec_free(&gone);
		json_decref(old);
	} else {
		filter_spec_free(&spec);
		json_decref(copy);
	}
	pthread_mutex_unlock(&e->change_lock);
	return rc;
}

static int
filter_del(void *daemon, const char *name, struct conf_errors *errors)
{
	struct engine *e = daemon;
	struct filters next = { 0 };
	struct filter_spec gone;
	json_t *old;
	size_t at;
	int rc;

	pthread_mutex_lock(&e->change_lock);
	at = filters_find(&e->filters, name);
	rc = at == e->filters.count ? -ENOENT : filters_without(&e->filters, at, &next);
	if (rc == 0) {
		gone = e->filters.spec[at];
		old = e->filters.rule[at];
		rc = swap_filters(e, &next, errors);
		if (rc == 0) {
			filter_spec_free(&gone);
			json_decref(old);
		}
	}
	pthread_mutex_unlock(&e->change_lock);
	return rc;
}

void
change_load_filters(struct engine *e)
{
	struct conf_errors errors = { 0 };

	pthread_mutex_lock(&e->change_lock);
	if (filters_load(&e->filters, e->settings->state_folder, &errors) == 0 &&
	    e->filters.count > 0)
		change_apply(e, e->settings, &errors);
	pthread_mutex_unlock(&e->change_lock);
	for (size_t i = 0; i < errors.count; i++)
		log_error("%s", errors.error[i].message);
	conf_errors_free(&errors);
}

void
change_attach_filters(struct box *box)
{
	box->filter_put = filter_put;
	box->filter_del = filter_del;
}
