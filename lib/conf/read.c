/* SPDX-License-Identifier: BSD-3-Clause */
/* read - a libconfig group into a struct, by its table of fields. */
#include "conf/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEYS 128 /* that "did you mean" looks at */

static int read_group(const config_setting_t *group, const struct conf_field *fields,
                      void *out, bool must_all, struct conf_errors *errors);

bool
conf_is_group(const config_setting_t *setting)
{
	return setting->type == CONFIG_TYPE_GROUP;
}

config_setting_t *
conf_member(const config_setting_t *group, const char *key)
{
	const config_list_t *list = conf_is_group(group) ? group->value.list : NULL;

	for (unsigned int i = 0; list != NULL && i < list->length; i++)
		if (strcmp(list->elements[i]->name, key) == 0)
			return list->elements[i];
	return NULL;
}

const char *
conf_text_at(const config_setting_t *group, const char *key)
{
	const config_setting_t *s = conf_member(group, key);

	return s != NULL && s->type == CONFIG_TYPE_STRING ? config_setting_get_string(s)
	                                                  : NULL;
}

static int
refuse_unknown(const config_setting_t *group, const struct conf_field *fields,
               struct conf_errors *errors)
{
	const config_list_t *list = group->value.list;
	const char *keys[MAX_KEYS + 1] = { NULL };
	const char *meant;
	int rc = 0;

	for (size_t i = 0; fields[i].key != NULL && i < MAX_KEYS; i++)
		keys[i] = fields[i].key;
	for (unsigned int i = 0; list != NULL && i < list->length; i++) {
		const config_setting_t *s = list->elements[i];
		const struct conf_field *f = fields;
		struct conf_place place, at;

		while (f->key != NULL && strcmp(f->key, s->name) != 0)
			f++;
		if (f->key != NULL)
			continue;
		/* The group's path at the key's line: the path of a key that is none helps nobody. */
		conf_place_of(group, &at);
		conf_place_of(s, &place);
		free(place.path);
		place.path = at.path;
		at.path = NULL;
		meant = conf_closest(s->name, keys);
		if (meant != NULL)
			conf_fail(errors, &place,
			          "unknown key \"%s\"; did you mean \"%s\"?", s->name,
			          meant);
		else
			conf_fail(errors, &place, "unknown key \"%s\"", s->name);
		conf_place_free(&place);
		conf_place_free(&at);
		rc = -EINVAL;
	}
	return rc;
}

static int
read_list(const config_setting_t *s, const struct conf_field *f, struct conf_list *out,
          struct conf_errors *errors)
{
	size_t n;
	int rc = 0;

	if (s->type != CONFIG_TYPE_LIST) {
		conf_fail_at(errors, s, "must be a list ( ) of groups { }");
		return -EINVAL;
	}
	n = (size_t)config_setting_length(s);
	out->element = conf_take(n, f->size);
	out->place = conf_take(n, sizeof(*out->place));
	out->written = conf_take(n, sizeof(*out->written));
	out->count = n;
	for (size_t i = 0; i < n; i++) {
		const config_setting_t *e = s->value.list->elements[i];
		void *element = (char *)out->element + i * f->size;

		conf_place_of(e, &out->place[i]);
		conf_defaults(f->fields, element);
		if (e->type != CONFIG_TYPE_GROUP) {
			conf_fail(errors, &out->place[i], "must be a group { }");
			rc = -EINVAL;
			continue;
		}
		out->written[i] = conf_written(e, f->fields);
		if (read_group(e, f->fields, element, true, errors) < 0)
			rc = -EINVAL;
	}
	return rc;
}

static int
keep_section(config_setting_t *s, const struct conf_field *f, void *at,
             struct conf_errors *errors)
{
	bool is_list = f->kind == CONF_SECTIONS;

	if (s->type != (is_list ? CONFIG_TYPE_LIST : CONFIG_TYPE_GROUP)) {
		conf_fail_at(errors, s,
		             is_list ? "must be a list ( ) of groups { }"
		                     : "must be a group { }");
		return -EINVAL;
	}
	*(config_setting_t **)at = s;
	return 0;
}

/* A group that is not written is read as an empty one, which may lack keys. */
static int
read_missing(const config_setting_t *parent, const struct conf_field *fields,
             const char *path, struct conf_errors *errors)
{
	struct conf_place place;
	int rc = 0;

	for (const struct conf_field *f = fields; f->key != NULL; f++) {
		if (f->absent != NULL || f->kind == CONF_SECTION ||
		    f->kind == CONF_SECTIONS || f->kind == CONF_GROUP)
			continue;
		conf_place_of(parent, &place);
		conf_fail(errors, &place,
		          "the key \"%s%s\" is missing; it has no default", path, f->key);
		conf_place_free(&place);
		rc = -EINVAL;
	}
	return rc;
}

static int
read_absent(const config_setting_t *group, const struct conf_field *f,
            struct conf_errors *errors)
{
	char path[128];

	if (f->kind == CONF_SECTION || f->kind == CONF_SECTIONS)
		return 0;
	if (f->kind == CONF_GROUP) {
		snprintf(path, sizeof(path), "%s.", f->key);
		return read_missing(group, f->fields, path, errors);
	}
	return read_missing(group, (const struct conf_field[]){ *f, { .key = NULL } }, "",
	                    errors);
}

/* One key that stands there. What it held before, a default or an heirloom, goes. */
static int
read_field(const config_setting_t *s, const struct conf_field *f, void *out,
           bool must_all, struct conf_errors *errors)
{
	void *at = conf_at(out, f);

	switch (f->kind) {
	case CONF_GROUP:
		if (s->type != CONFIG_TYPE_GROUP) {
			conf_fail_at(errors, s, "must be a group { }");
			return -EINVAL;
		}
		return read_group(s, f->fields, at, must_all, errors);
	case CONF_LIST:
		conf_release_field(f, out);
		return read_list(s, f, at, errors);
	case CONF_TEXTS:
	case CONF_PREFIXES:
	case CONF_PORTS:
		conf_release_field(f, out);
		return conf_values_at(s, f, at, errors);
	case CONF_SECTION:
	case CONF_SECTIONS:
		return keep_section((config_setting_t *)(uintptr_t)s, f, at, errors);
	default:
		return conf_value_at(s, f, at, errors);
	}
}

static int
read_group(const config_setting_t *group, const struct conf_field *fields, void *out,
           bool must_all, struct conf_errors *errors)
{
	int rc = refuse_unknown(group, fields, errors);

	for (const struct conf_field *f = fields; f->key != NULL; f++) {
		const config_setting_t *s = conf_member(group, f->key);
		int one = 0;

		if (s != NULL)
			one = read_field(s, f, out, must_all, errors);
		else if (must_all)
			one = read_absent(group, f, errors);
		if (one < 0)
			rc = -EINVAL;
	}
	return rc;
}

int
conf_read_over(config_setting_t *group, const struct conf_field *fields, void *out,
               struct conf_errors *errors)
{
	return read_group(group, fields, out, false, errors);
}

int
conf_read_group(config_setting_t *group, const struct conf_field *fields, void *out,
                struct conf_errors *errors)
{
	conf_defaults(fields, out);
	return read_group(group, fields, out, true, errors);
}

uint64_t
conf_written(const config_setting_t *group, const struct conf_field *fields)
{
	uint64_t written = 0;

	for (unsigned int i = 0; fields[i].key != NULL && i < 64; i++)
		if (conf_member(group, fields[i].key) != NULL)
			written |= UINT64_C(1) << i;
	return written;
}

size_t
conf_sections(const config_setting_t *list)
{
	return list != NULL ? (size_t)config_setting_length(list) : 0;
}

config_setting_t *
conf_section(const config_setting_t *list, size_t i)
{
	return list->value.list->elements[i];
}

/* --- whole files --- */

static int
read_doc(int opened, struct conf_doc *doc, const struct conf_field *fields, void *out,
         struct conf_errors *errors)
{
	int rc = opened;

	if (doc == NULL)
		conf_defaults(fields, out);
	else if (conf_read_group(conf_root(doc), fields, out, errors) < 0)
		rc = -EINVAL;
	conf_close(doc);
	return rc;
}

int
conf_read_file(const char *path, const struct conf_field *fields, void *out,
               struct conf_errors *errors)
{
	struct conf_doc *doc;
	int rc = conf_open_file(path, &doc, errors);

	return read_doc(rc, doc, fields, out, errors);
}

int
conf_read_text(const char *text, size_t len, const char *name,
               const struct conf_field *fields, void *out, struct conf_errors *errors)
{
	struct conf_doc *doc;
	int rc = conf_open_text(text, len, name, &doc, errors);

	return read_doc(rc, doc, fields, out, errors);
}
