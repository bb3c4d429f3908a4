/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/schema.h"

#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 12
#define NAME_MAX_ 64

/* What is left of the text. */
struct reading {
	const char *at;
	unsigned int depth;
};

static json_t *type(struct reading *r);

static json_t *
word(const char *text, size_t len)
{
	static const struct {
		const char *word, *type, *key, *value;
	} words[] = {
		{ "text", "string", NULL, NULL },
		{ "time", "string", "format", "date-time" },
		{ "flag", "boolean", NULL, NULL },
		{ "int", "integer", NULL, NULL },
		{ "number", "number", NULL, NULL },
		{ "object", "object", NULL, NULL },
	};

	if (len == strlen("any") && memcmp(text, "any", len) == 0)
		return json_object();
	if (len == strlen("count") && memcmp(text, "count", len) == 0)
		return json_pack("{s:s, s:i}", "type", "integer", "minimum", 0);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strlen(words[i].word) != len || memcmp(words[i].word, text, len) != 0)
			continue;
		if (words[i].key == NULL)
			return json_pack("{s:s}", "type", words[i].type);
		return json_pack("{s:s, s:s}", "type", words[i].type, words[i].key,
		                 words[i].value);
	}
	return NULL;
}

static size_t
name_len(const char *at)
{
	return strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                  "0123456789_");
}

/* Behind '{': one member after the other. */
static json_t *
members(struct reading *r)
{
	json_t *properties = json_object(), *required = json_array(), *schema;

	while (*r->at != '}') {
		const size_t len = name_len(r->at);
		char name[NAME_MAX_];
		json_t *value;

		if (len == 0 || len >= sizeof(name))
			goto wrong;
		memcpy(name, r->at, len);
		name[len] = '\0';
		r->at += len;
		if (*r->at == '?')
			r->at++;
		else
			json_array_append_new(required, json_string(name));
		if (*r->at++ != ':')
			goto wrong;
		value = type(r);
		if (value == NULL || json_object_get(properties, name) != NULL) {
			json_decref(value);
			goto wrong;
		}
		json_object_set_new(properties, name, value);
		if (*r->at == ' ')
			r->at++;
	}
	r->at++;
	schema = json_pack("{s:s, s:O}", "type", "object", "properties", properties);
	if (json_array_size(required) > 0)
		json_object_set(schema, "required", required);
	json_decref(properties);
	json_decref(required);
	return schema;
wrong:
	json_decref(properties);
	json_decref(required);
	return NULL;
}

static json_t *
reference(struct reading *r)
{
	const size_t len = name_len(r->at);
	char to[NAME_MAX_ + 32];

	if (len == 0 || len >= NAME_MAX_)
		return NULL;
	snprintf(to, sizeof(to), "#/components/schemas/%.*s", (int)len, r->at);
	r->at += len;
	return json_pack("{s:s}", "$ref", to);
}

static json_t *
list(struct reading *r)
{
	json_t *of = type(r);

	if (of == NULL || *r->at++ != ']') {
		json_decref(of);
		return NULL;
	}
	return json_pack("{s:s, s:o}", "type", "array", "items", of);
}

/* Nothing may stand beside a reference, so a null one is wrapped. */
static json_t *
or_null(json_t *schema)
{
	if (json_object_get(schema, "$ref") != NULL)
		schema = json_pack("{s:[o]}", "allOf", schema);
	json_object_set_new(schema, "nullable", json_true());
	return schema;
}

static json_t *
type(struct reading *r)
{
	json_t *schema;
	size_t len;

	if (++r->depth > DEPTH_MAX)
		return NULL;
	switch (*r->at) {
	case '{':
		r->at++;
		schema = members(r);
		break;
	case '[':
		r->at++;
		schema = list(r);
		break;
	case '@':
		r->at++;
		schema = reference(r);
		break;
	default:
		len = name_len(r->at);
		schema = word(r->at, len);
		r->at += len;
		break;
	}
	r->depth--;
	if (schema != NULL && *r->at == '~') {
		r->at++;
		schema = or_null(schema);
	}
	return schema;
}

json_t *
api_schema(const char *text)
{
	struct reading r = { .at = text };
	json_t *schema = type(&r);

	if (schema != NULL && *r.at != '\0') {
		json_decref(schema);
		return NULL;
	}
	return schema;
}

json_t *
api_schema_of_document(const char *path)
{
	json_t *schema = NULL;

	for (const struct api_form *f = api_documents_forms; f->name != NULL; f++)
		if (strcmp(f->name, path) == 0)
			schema = api_schema(f->text);
	return schema != NULL ? schema : json_pack("{s:s}", "type", "object");
}
