/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_diff - the configuration file against what is in force, key by key.
 *
 * Both are walked by the tables that read them, so no key can be forgotten. Entries of
 * lists are matched by name (a vector by its vector), others by their place.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "telemetry/parts.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

#define PATH_ROOM 512

static void compare(json_t *out, const char *path, const json_t *old, const json_t *new);

static void
tell(json_t *out, const char *path, const char *change, const json_t *old,
     const json_t *new)
{
	json_t *o = json_object();

	telemetry_put_text(o, "path", path);
	telemetry_put_text(o, "change", change);
	json_object_set(o, "old", old != NULL ? (json_t *)old : json_null());
	json_object_set(o, "new", new != NULL ? (json_t *)new : json_null());
	json_array_append_new(out, o);
}

static void
compare_members(json_t *out, const char *path, const json_t *old, const json_t *new)
{
	char below[PATH_ROOM];
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)old, key, v)
	{
		snprintf(below, sizeof(below), "%s%s%s", path, path[0] != '\0' ? "." : "",
		         key);
		compare(out, below, v, json_object_get(new, key));
	}
	json_object_foreach((json_t *)new, key, v)
	{
		snprintf(below, sizeof(below), "%s%s%s", path, path[0] != '\0' ? "." : "",
		         key);
		if (json_object_get(old, key) == NULL)
			compare(out, below, NULL, v);
	}
}

/* What an entry of a list is called, or NULL. */
static const char *
name_of(const json_t *entry)
{
	const char *name = json_string_value(json_object_get(entry, "name"));

	return name != NULL ? name : json_string_value(json_object_get(entry, "vector"));
}

static const json_t *
find(const json_t *list, const char *name, size_t at)
{
	const json_t *e;
	size_t i;

	if (name == NULL)
		return json_array_get(list, at);
	json_array_foreach((json_t *)list, i, e)
	{
		const char *its = name_of(e);

		if (its != NULL && strcmp(its, name) == 0)
			return e;
	}
	return NULL;
}

static void
compare_entries(json_t *out, const char *path, const json_t *old, const json_t *new)
{
	const json_t *lists[2] = { old, new }, *e;
	char below[PATH_ROOM];
	size_t i;

	for (unsigned int k = 0; k < 2; k++) {
		json_array_foreach((json_t *)lists[k], i, e)
		{
			const char *name = name_of(e);
			const json_t *other = find(lists[!k], name, i);

			if (name != NULL)
				snprintf(below, sizeof(below), "%s[%s]", path, name);
			else
				snprintf(below, sizeof(below), "%s[%zu]", path, i);
			if (k == 0)
				compare(out, below, e, other);
			else if (other == NULL)
				compare(out, below, NULL, e);
		}
	}
}

static bool
holds_objects(const json_t *list)
{
	return json_is_object(json_array_get(list, 0));
}

static void
compare(json_t *out, const char *path, const json_t *old, const json_t *new)
{
	if (old == NULL || new == NULL)
		tell(out, path, old == NULL ? "added" : "removed", old, new);
	else if (json_is_object(old) && json_is_object(new))
		compare_members(out, path, old, new);
	else if (holds_objects(old) || holds_objects(new))
		compare_entries(out, path, old, new);
	else if (!json_equal(old, new))
		tell(out, path, "changed", old, new);
}

/* Modes that were set by hand. Under box->lock. */
static json_t *
by_hand(const struct box *box)
{
	const struct policies *p = box->policies;
	const struct settings *s = box->settings;
	const struct settings_service *service = s->services.element;
	json_t *all = json_array();
	char path[128];

	for (unsigned int i = 1; p != NULL && i < p->n_services; i++) {
		const unsigned int running = p->policy[p->service[i].policy].mode;

		for (size_t k = 0; k < s->services.count; k++) {
			size_t m = 0;
			json_t *o;

			if (strcmp(service[k].name, p->service[i].name) != 0)
				continue;
			while (m < s->n_policies &&
			       strcmp(s->policy[m].name, service[k].policy) != 0)
				m++;
			if (m == s->n_policies ||
			    (unsigned int)s->policy[m].mode == running)
				continue;
			o = json_object();
			snprintf(path, sizeof(path), "mode of service %.63s",
			         service[k].name);
			telemetry_put_text(o, "path", path);
			telemetry_put_text(o, "running", policy_mode_names[running]);
			telemetry_put_text(o, "file",
			                   policy_mode_names[s->policy[m].mode]);
			json_array_append_new(all, o);
		}
	}
	return all;
}

/* What a reload would refuse, and so needs a restart. */
static json_t *
restarts(const struct settings *now, const struct settings *next)
{
	struct conf_errors errors = { 0 };
	json_t *all = json_array();

	settings_check_live(now, next, &errors);
	for (size_t i = 0; i < errors.count + errors.warnings; i++)
		if (!errors.error[i].is_warning)
			json_array_append_new(all,
			                      json_sprintf("%s: %s",
			                                   errors.error[i].path != NULL
			                                           ? errors.error[i].path
			                                           : "",
			                                   errors.error[i].message));
	conf_errors_free(&errors);
	return all;
}

/* Under box->lock. */
static void
put_difference(json_t *o, const struct box *box, const struct settings *next)
{
	json_t *changes = json_array();
	json_t *old = telemetry_config_whole(box->settings);
	json_t *new = telemetry_config_whole(next);

	compare(changes, "", old, new);
	json_decref(old);
	json_decref(new);
	telemetry_put_bool(o, "same_text",
	                   strcmp(box->settings->sha256, next->sha256) == 0);
	json_object_set_new(o, "changes", changes);
	json_object_set_new(o, "needs_restart", restarts(box->settings, next));
	json_object_set_new(o, "by_hand", by_hand(box));
}

json_t *
telemetry_diff(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct box *box = telemetry_box(t);
	struct conf_errors errors = { 0 };
	struct settings *next = NULL;
	char *file = NULL;
	json_t *o;

	(void)ask;
	pthread_mutex_lock(&box->lock);
	if (box->settings != NULL && box->settings->file != NULL)
		file = strdup(box->settings->file);
	pthread_mutex_unlock(&box->lock);
	if (file == NULL) {
		errno = ENOENT;
		return NULL;
	}
	o = telemetry_document_new(box, NULL);
	telemetry_put_text(o, "file", file);
	if (settings_read(file, &next, &errors) == 0) {
		telemetry_put_bool(o, "readable", true);
		pthread_mutex_lock(&box->lock);
		put_difference(o, box, next);
		pthread_mutex_unlock(&box->lock);
	} else {
		telemetry_put_bool(o, "readable", false);
		telemetry_put_text(o, "detail",
		                   "the file would be refused, so there is nothing to "
		                   "compare with");
		json_object_set_new(o, "errors", telemetry_errors_array(&errors, false));
	}
	settings_free(next);
	conf_errors_free(&errors);
	free(file);
	return o;
}
