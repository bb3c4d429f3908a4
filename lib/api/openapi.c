/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * openapi - the description of the interface, made from the tables it runs on.
 *
 * Source  OpenAPI Specification 3.0.3.
 */
#include <stdio.h>
#include <string.h>

#include "api/route.h"
#include "api/schema.h"
#include "telemetry/put.h"

/* Takes over the schema of what is answered when all is well. */
static json_t *
answers(const char *what, json_t *schema)
{
	json_t *o = json_object();

	json_object_set_new(o, "200",
	                    json_pack("{s:s, s:{s:{s:o}}}", "description", what,
	                              "content", "application/json", "schema", schema));
	json_object_set_new(o, "default",
	                    json_pack("{s:s, s:{s:{s:{s:s}}}}", "description",
	                              "A problem document (RFC 9457).", "content",
	                              "application/problem+json", "schema", "$ref",
	                              "#/components/schemas/Problem"));
	return o;
}

static json_t *
parameter(const char *name, const char *in, const char *help)
{
	return json_pack("{s:s, s:s, s:b, s:s, s:{s:s}}", "name", name, "in", in,
	                 "required", strcmp(in, "path") == 0, "description", help,
	                 "schema", "type",
	                 strcmp(name, "limit") == 0    ? "integer"
	                 : strcmp(name, "active") == 0 ? "boolean"
	                                               : "string");
}

/* The object of one path, made when it is not there yet. */
static json_t *
path_object(json_t *paths, const char *path)
{
	json_t *o = json_object_get(paths, path);

	if (o == NULL) {
		o = json_object();
		json_object_set_new(paths, path, o);
	}
	return o;
}

static void
add_read(json_t *paths, const struct telemetry_document *d)
{
	const bool is_named = telemetry_is_named(d);
	const bool is_open = d->path[strlen(d->path) - 1] == '/';
	json_t *o = json_object(), *parameters = json_array();
	char path[96];

	snprintf(path, sizeof(path), API_ROOT "%s%s", d->path, is_open ? "{name}" : "");
	if (is_named)
		json_array_append_new(parameters,
		                      parameter("name", "path",
		                                "Name of the service, attack, list or "
		                                "capture."));
	for (const char *const *k = d->keys; k != NULL && *k != NULL; k++)
		json_array_append_new(parameters,
		                      parameter(*k, "query", telemetry_key_help(*k)));
	telemetry_put_text(o, "summary", d->help);
	json_object_set_new(o, "parameters", parameters);
	json_object_set_new(o, "responses",
	                    answers(d->help, api_schema_of_document(d->path)));
	json_object_set_new(path_object(paths, path), "get", o);
}

static json_t *
body(const struct api_write *w)
{
	json_t *properties = json_object(), *required = json_array();
	json_t *schema = json_object();

	for (const struct api_field *f = w->fields; f->name != NULL; f++) {
		json_object_set_new(
			properties, f->name,
			json_pack("{s:s, s:s}", "type", f->type, "description", f->help));
		if (f->is_required)
			json_array_append_new(required, json_string(f->name));
	}
	telemetry_put_text(schema, "type", "object");
	telemetry_put_bool(schema, "additionalProperties", false);
	json_object_set_new(schema, "properties", properties);
	if (json_array_size(required) > 0)
		json_object_set(schema, "required", required);
	json_decref(required);
	return json_pack("{s:b, s:{s:{s:o}}}", "required", 1, "content",
	                 "application/json", "schema", schema);
}

static void
add_write(json_t *paths, const struct api_write *w)
{
	json_t *o = json_object();
	char path[96], method[16];
	size_t i;

	snprintf(path, sizeof(path), API_ROOT "%s", w->path);
	for (i = 0; w->method[i] != '\0' && i < sizeof(method) - 1; i++)
		method[i] = (char)(w->method[i] | 0x20);
	method[i] = '\0';
	telemetry_put_text(o, "summary", w->help);
	if (strstr(path, "{name}") != NULL)
		json_object_set_new(
			o, "parameters",
			json_pack("[o]",
		                  parameter("name", "path",
		                            "Name of the service, list or capture.")));
	json_object_set_new(o, "security", json_pack("[{s:[]}]", "token"));
	json_object_set_new(o, "requestBody", body(w));
	json_object_set_new(o, "responses",
	                    answers(w->help, json_pack("{s:s}", "type", "object")));
	json_object_set_new(path_object(paths, path), method, o);
}

/* What the router itself answers. */
static void
add_who(json_t *paths)
{
	static const char help[] =
		"Name and role of the token that was sent; 401 without.";
	json_t *o = json_object();

	telemetry_put_text(o, "summary", help);
	json_object_set_new(o, "security", json_pack("[{s:[]}]", "token"));
	json_object_set_new(o, "responses",
	                    answers(help, api_schema_of_document("whoami")));
	json_object_set_new(path_object(paths, API_ROOT "whoami"), "get", o);
}

/* A capture's file, which is no JSON. */
static void
add_file(json_t *paths)
{
	static const char help[] = "What a capture has so far, as pcapng.";
	json_t *o = json_object(), *parameters = json_array();

	json_array_append_new(parameters,
	                      parameter("name", "path", "Id of the capture."));
	json_array_append_new(parameters,
	                      parameter("from", "query",
	                                "The first byte that is wanted; 0 when absent."));
	telemetry_put_text(o, "summary", help);
	json_object_set_new(o, "security", json_pack("[{s:[]}]", "token"));
	json_object_set_new(o, "parameters", parameters);
	json_object_set_new(o, "responses",
	                    json_pack("{s:{s:s, s:{s:{s:{s:s, s:s}}}}}", "200",
	                              "description", help, "content",
	                              "application/x-pcapng", "schema", "type", "string",
	                              "format", "binary"));
	json_object_set_new(path_object(paths, API_ROOT "captures/{name}/file"), "get",
	                    o);
}

/* The three paths at the root, which answer with text. */
static void
add_roots(json_t *paths)
{
	static const char *const roots[][2] = {
		{ API_ROOT "attacks/{name}/report.html",
		  "One attack as a page to read and to print." },
		{ "/metrics", "All counters in the text format of Prometheus." },
		{ "/healthz", "200 while the process answers." },
		{ "/readyz",
		  "200 while workers move, links are up, a configuration is in force." },
	};

	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++)
		json_object_set_new(path_object(paths, roots[i][0]), "get",
		                    json_pack("{s:s, s:{s:{s:s, s:{s:{s:{s:s}}}}}}",
		                              "summary", roots[i][1], "responses", "200",
		                              "description", roots[i][1], "content",
		                              "text/plain", "schema", "type", "string"));
}

json_t *
api_openapi(const struct api_context *context)
{
	return api_openapi_of(telemetry_box(context->telemetry)->version);
}

json_t *
api_openapi_of(const char *version)
{
	json_t *o = json_object(), *paths = json_object(), *schemas;

	telemetry_put_text(o, "openapi", "3.0.3");
	json_object_set_new(
		o, "info",
		json_pack("{s:s, s:s, s:s}", "title", "Tidegate", "version", version,
	                  "description",
	                  "Rates are computed by the server over window_seconds; "
	                  "names of fields carry their unit; times are UTC."));
	for (const struct telemetry_document *d = telemetry_documents; d->path != NULL;
	     d++)
		add_read(paths, d);
	for (const struct api_write *w = api_writes; w->method != NULL; w++)
		add_write(paths, w);
	add_who(paths);
	add_file(paths);
	add_roots(paths);
	json_object_set_new(o, "paths", paths);
	json_object_set_new(o, "components",
	                    json_pack("{s:{s:{s:s, s:s}}, s:{s:{s:s, s:{s:{s:s}, "
	                              "s:{s:s}, s:{s:s}, s:{s:s}, "
	                              "s:{s:s}}}}}",
	                              "securitySchemes", "token", "type", "http",
	                              "scheme", "bearer", "schemas", "Problem", "type",
	                              "object", "properties", "type", "type", "string",
	                              "title", "type", "string", "status", "type",
	                              "integer", "detail", "type", "string", "field",
	                              "type", "string"));
	schemas = json_object_get(json_object_get(o, "components"), "schemas");
	for (const struct api_form *f = api_shared_forms; f->name != NULL; f++)
		json_object_set_new(schemas, f->name, api_schema(f->text));
	return o;
}
