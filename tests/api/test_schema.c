/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The description of the interface against what it answers: every member of every
 * document is described, and has the type it is said to have.
 */
#include "api/schema.h"

#include <math.h>

#include "api/route.h"
#include "suite.h"
#include "telemetry/by_hand.h"

static struct box *box;
static struct telemetry *t;
static json_t *described; /* the whole openapi.json */
static unsigned int faults;

static void
complain(const char *where, const char *what)
{
	printf("\n(%s: %s; mend lib/api/forms.c) ", where, what);
	faults++;
}

static const json_t *
resolve(const json_t *schema)
{
	static const char root[] = "#/components/schemas/";
	const char *to = json_string_value(json_object_get(schema, "$ref"));
	const json_t *all =
		json_object_get(json_object_get(described, "components"), "schemas");

	if (to == NULL && json_object_get(schema, "allOf") != NULL)
		return resolve(json_array_get(json_object_get(schema, "allOf"), 0));
	return to == NULL ? schema : json_object_get(all, to + strlen(root));
}

static bool
has_type(const json_t *v, const char *type)
{
	if (strcmp(type, "string") == 0)
		return json_is_string(v);
	if (strcmp(type, "boolean") == 0)
		return json_is_boolean(v);
	if (strcmp(type, "integer") == 0)
		return json_is_integer(v);
	if (strcmp(type, "number") == 0)
		return json_is_number(v) && isfinite(json_number_value(v));
	if (strcmp(type, "array") == 0)
		return json_is_array(v);
	return json_is_object(v);
}

static void check(const json_t *v, const json_t *said, const char *where);

static void
check_object(const json_t *v, const json_t *schema, const char *where)
{
	const json_t *properties = json_object_get(schema, "properties"), *name;
	const char *key;
	json_t *member;
	char path[256];
	size_t i;

	if (properties == NULL)
		return;
	json_object_foreach((json_t *)(uintptr_t)v, key, member)
	{
		const json_t *said = json_object_get(properties, key);

		snprintf(path, sizeof(path), "%s.%s", where, key);
		if (said == NULL)
			complain(path, "is not described");
		else
			check(member, said, path);
	}
	json_array_foreach(json_object_get(schema, "required"), i, name)
	{
		snprintf(path, sizeof(path), "%s.%s", where, json_string_value(name));
		if (json_object_get(v, json_string_value(name)) == NULL)
			complain(path, "is missing");
	}
}

static void
check(const json_t *v, const json_t *said, const char *where)
{
	const json_t *schema = resolve(said), *element;
	const char *type = json_string_value(json_object_get(schema, "type"));
	char path[256];
	size_t i;

	if (json_is_null(v)) {
		if (!json_is_true(json_object_get(said, "nullable")))
			complain(where, "is null");
		return;
	}
	if (schema == NULL || (type != NULL && !has_type(v, type))) {
		complain(where, "has another type");
		return;
	}
	if (json_object_get(schema, "minimum") != NULL && json_integer_value(v) < 0)
		complain(where, "is negative");
	if (json_is_object(v))
		check_object(v, schema, where);
	json_array_foreach((json_t *)(uintptr_t)v, i, element)
	{
		snprintf(path, sizeof(path), "%s[]", where);
		check(element, json_object_get(schema, "items"), path);
	}
}

/* The schema of GET path. */
static const json_t *
said_of(const char *path)
{
	const json_t *o = json_object_get(described, "paths");
	static const char *const way[] = { "get",     "responses",        "200",
		                           "content", "application/json", "schema" };

	o = json_object_get(o, path);
	for (size_t i = 0; i < sizeof(way) / sizeof(*way); i++)
		o = json_object_get(o, way[i]);
	return o;
}

static void
begin(void)
{
	static const char token[] = "none";

	box = hand_open();
	t = telemetry_open(box);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	described = api_openapi(
		&(struct api_context){ .telemetry = t, .tokens_file = token });
	CU_ASSERT_PTR_NOT_NULL_FATAL(described);
	faults = 0;
}

static void
end(void)
{
	json_decref(described);
	telemetry_close(t);
	hand_close(box);
}

static void
every_form_is_well_written(void)
{
	const struct api_form *const tables[] = { api_documents_forms, api_shared_forms };

	for (size_t i = 0; i < 2; i++)
		for (const struct api_form *f = tables[i]; f->name != NULL; f++) {
			json_t *schema = api_schema(f->text);

			if (schema == NULL)
				printf("\n(%s) ", f->name);
			CU_ASSERT_PTR_NOT_NULL(schema);
			json_decref(schema);
		}
}

static void
what_is_no_form_is_refused(void)
{
	static const char *const wrong[] = { "",
		                             "{",
		                             "{a:text",
		                             "{a}",
		                             "{a:}",
		                             "{a:words}",
		                             "[text",
		                             "text}",
		                             "{a:text a:text}",
		                             "{a?text}",
		                             "@",
		                             "{:text}",
		                             "[[[[[[[[[[[[[text]]]]]]]]]]]]]" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		json_t *schema = api_schema(wrong[i]);

		if (schema != NULL)
			printf("\n(%s) ", wrong[i]);
		CU_ASSERT_PTR_NULL(schema);
		json_decref(schema);
	}
}

static void
a_form_is_told_as_openapi_has_it(void)
{
	json_t *schema = api_schema("{n:count when?:time~ of:[@Rate] to:@Rate~}");
	char *text = json_dumps(schema, JSON_COMPACT | JSON_SORT_KEYS);

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_STRING_EQUAL(
		text,
		"{\"properties\":{\"n\":{\"minimum\":0,\"type\":\"integer\"},\"of\":{"
		"\"items\":{\"$ref\":\"#/components/schemas/Rate\"},\"type\":\"array\"},"
		"\"to\":{\"allOf\":[{\"$ref\":\"#/components/schemas/Rate\"}],"
		"\"nullable\":true},\"when\":{\"format\":\"date-time\",\"nullable\":true,"
		"\"type\":\"string\"}},\"required\":[\"n\",\"of\",\"to\"],\"type\":"
		"\"object\"}");
	free(text);
	json_decref(schema);
}

/* Every reference leads somewhere. */
static void
references_are_defined(void)
{
	const json_t *all;
	char *text, *at;

	begin();
	all = json_object_get(json_object_get(described, "components"), "schemas");
	text = json_dumps(described, JSON_COMPACT);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	for (at = text; (at = strstr(at, "components/schemas/")) != NULL;) {
		char name[64];

		at += strlen("components/schemas/");
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "\""), at);
		CU_ASSERT_PTR_NOT_NULL(json_object_get(all, name));
	}
	free(text);
	end();
}

static void
every_document_has_the_form_it_is_said_to_have(void)
{
	static const char *const names[][2] = { { "services/", "shop" },
		                                { "lists/", "feed" } };
	unsigned int answered = 0;

	begin();
	hand_flood(box, 10000, 500);
	hand.line[0] = (struct explain_line){ .what = "flow",
		                              .verdict = "verified",
		                              .unit = "packets",
		                              .value = 7,
		                              .peer = { 1 } };
	for (const struct telemetry_document *d = telemetry_documents; d->path != NULL;
	     d++) {
		const bool is_named = d->path[strlen(d->path) - 1] == '/';
		struct telemetry_ask ask;
		char path[128];
		json_t *document;

		telemetry_ask_init(&ask);
		hand_address("203.0.113.10", ask.address);
		ask.has_address = true;
		for (size_t i = 0; i < 2; i++)
			if (strcmp(d->path, names[i][0]) == 0)
				strcpy(ask.name, names[i][1]);
		if (strcmp(d->path, "attacks/") == 0) {
			size_t n;
			struct detect_attack *a = calloc(8, sizeof(*a));

			n = detect_read_attacks(box->detect, a, 8);
			CU_ASSERT(n > 0);
			telemetry_attack_id(box, a, ask.name);
			free(a);
		}
		document = d->make(t, &ask);
		snprintf(path, sizeof(path), "/api/v1/%s%s", d->path,
		         is_named ? "{name}" : "");
		CU_ASSERT_PTR_NOT_NULL(said_of(path));
		if (document != NULL) {
			check(document, said_of(path), d->path);
			/* "any object" is no description. */
			if (json_object_get(said_of(path), "properties") == NULL)
				complain(d->path, "has no form");
			answered++;
		}
		json_decref(document);
	}
	CU_ASSERT_EQUAL(faults, 0);
	CU_ASSERT(answered > 15);
	end();
}

SUITE_MAIN("api/schema", TEST(every_form_is_well_written),
           TEST(what_is_no_form_is_refused), TEST(a_form_is_told_as_openapi_has_it),
           TEST(references_are_defined),
           TEST(every_document_has_the_form_it_is_said_to_have))
