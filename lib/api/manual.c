/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/manual.h"

#include <string.h>
#include <strings.h>

#include "api/route.h"

static const char *const methods[] = { "get", "post", "put", "delete" };
#define METHODS (sizeof(methods) / sizeof(*methods))

json_t *
api_manual_source(const char *version)
{
	return api_openapi_of(version);
}

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

/* scdoc takes * and _ for emphasis. */
static void
put_escaped(FILE *to, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("*_\\#<>[]|", *text) != NULL)
			putc('\\', to);
		putc(*text, to);
	}
}

static void
put_field(FILE *to, const char *name, const char *kind, const char *help)
{
	fputc('*', to);
	put_escaped(to, name);
	fprintf(to, "*%s\n\t", kind);
	put_escaped(to, help);
	fputs("\n\n", to);
}

static void
put_parameters(FILE *to, const json_t *operation)
{
	const json_t *parameters = json_object_get(operation, "parameters"), *p;
	size_t i;

	json_array_foreach((json_t *)parameters, i, p)
	{
		const bool is_path = strcmp(text_of(p, "in"), "path") == 0;

		put_field(to, text_of(p, "name"), is_path ? ", in the path" : "=",
		          text_of(p, "description"));
	}
}

static void
put_body(FILE *to, const json_t *operation)
{
	const json_t *schema = json_object_get(
		json_object_get(json_object_get(json_object_get(operation, "requestBody"),
	                                        "content"),
	                        "application/json"),
		"schema");
	const char *name;
	const json_t *field;
	char kind[64];

	json_object_foreach((json_t *)json_object_get(schema, "properties"), name, field)
	{
		snprintf(kind, sizeof(kind), ": %s in the body", text_of(field, "type"));
		put_field(to, name, kind, text_of(field, "description"));
	}
}

/* Who may: the role of a write, which the description has no word for. */
static const char *
role_of(const char *method, const char *path)
{
	static const char *const roles[] = { "", "read", "operate", "admin" };

	for (const struct api_write *w = api_writes; w->method != NULL; w++)
		if (strcasecmp(w->method, method) == 0 &&
		    strncmp(path, API_ROOT, strlen(API_ROOT)) == 0 &&
		    strcmp(w->path, path + strlen(API_ROOT)) == 0)
			return roles[w->role];
	return "";
}

static void
put_upper(FILE *to, const char *text)
{
	for (; *text != '\0'; text++)
		putc(*text & ~0x20, to);
}

static void
put_operation(FILE *to, const char *path, const char *method, const json_t *operation,
              bool is_page)
{
	const char *role = role_of(method, path);

	fputs(is_page ? "## " : "", to);
	put_upper(to, method);
	fprintf(to, is_page ? " %s\n\n" : " %s\n\t", path);
	if (is_page)
		put_escaped(to, text_of(operation, "summary"));
	else
		fputs(text_of(operation, "summary"), to);
	if (role[0] != '\0')
		fprintf(to, is_page ? " For a token of the role *%s*." : " (%s)", role);
	fputs(is_page ? "\n\n" : "\n", to);
	if (!is_page)
		return;
	put_parameters(to, operation);
	put_body(to, operation);
}

static void
put_all(const json_t *openapi, FILE *to, bool is_page)
{
	const json_t *paths = json_object_get(openapi, "paths"), *operations;
	const char *path;

	json_object_foreach((json_t *)paths, path, operations) for (size_t i = 0;
	                                                            i < METHODS; i++)
	{
		const json_t *operation = json_object_get(operations, methods[i]);

		if (operation != NULL)
			put_operation(to, path, methods[i], operation, is_page);
	}
}

void
api_manual_list(const json_t *openapi, FILE *to)
{
	put_all(openapi, to, false);
}

void
api_manual_page(const json_t *openapi, FILE *to)
{
	fputs("# PATHS\n\n", to);
	put_all(openapi, to, true);
}
