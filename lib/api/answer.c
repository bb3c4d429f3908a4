/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "telemetry/put.h"

static const struct {
	unsigned int status;
	const char *name;
} names[] = {
	{ 200, "OK" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 409, "Conflict" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 507, "Insufficient Storage" },
};

const char *
api_status_name(unsigned int status)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (names[i].status == status)
			return names[i].name;
	}
	return "Unknown";
}

static void
put(struct api_answer *out, unsigned int status, const char *type, char *body)
{
	free(out->body);
	out->status = status;
	out->type = type;
	out->body = body;
	out->len = strlen(body);
}

/* The answer when there is no memory left for one. */
static void
put_nothing(struct api_answer *out)
{
	free(out->body);
	out->status = 503;
	out->type = "text/plain; charset=utf-8";
	out->body = NULL;
	out->len = 0;
}

static void
put_document(struct api_answer *out, unsigned int status, const char *type,
             json_t *document)
{
	char *text = document != NULL ? telemetry_text(document) : NULL;

	json_decref(document);
	if (text == NULL)
		put_nothing(out);
	else
		put(out, status, type, text);
}

void
api_put_json(struct api_answer *out, unsigned int status, json_t *document)
{
	put_document(out, status, "application/json", document);
}

void
api_put_text(struct api_answer *out, unsigned int status, const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		put_nothing(out);
	else
		put(out, status, "text/plain; charset=utf-8", copy);
}

static json_t *
problem(unsigned int status, const char *field, const char *detail)
{
	json_t *o = json_object();

	telemetry_put_text(o, "type", "about:blank");
	telemetry_put_text(o, "title", api_status_name(status));
	telemetry_put_count(o, "status", status);
	telemetry_put_text(o, "detail", detail);
	if (field != NULL)
		telemetry_put_text(o, "field", field);
	return o;
}

void
api_put_problem(struct api_answer *out, unsigned int status, const char *field,
                const char *format, ...)
{
	char detail[512];
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	put_document(out, status, "application/problem+json",
	             problem(status, field, detail));
}

void
api_put_config_problem(struct api_answer *out, unsigned int status, const char *detail,
                       const struct conf_errors *errors)
{
	json_t *o = problem(status, NULL, detail);

	json_object_set_new(o, "errors", telemetry_errors_array(errors, false));
	json_object_set_new(o, "warnings", telemetry_errors_array(errors, true));
	put_document(out, status, "application/problem+json", o);
}
