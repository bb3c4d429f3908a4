/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/route.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/enter.h"
#include "api/origin.h"
#include "telemetry/own.h"
#include "telemetry/put.h"
#include "telemetry/report.h"

bool
api_path_fits(const char *pattern, const char *path, char name[API_PATH_MAX])
{
	const char *hole = strstr(pattern, "{name}");
	size_t before, after, len;

	if (hole == NULL)
		return strcmp(pattern, path) == 0;
	before = (size_t)(hole - pattern);
	after = strlen(hole + 6);
	if (strlen(path) <= before + after || strncmp(pattern, path, before) != 0)
		return false;
	len = strlen(path) - before - after;
	if (len >= API_PATH_MAX || memchr(path + before, '/', len) != NULL ||
	    strcmp(path + before + len, hole + 6) != 0)
		return false;
	memcpy(name, path + before, len);
	name[len] = '\0';
	return true;
}

/* How a document that could not be made is told. */
static void
put_error(struct api_answer *out, int error, const struct telemetry_ask *ask)
{
	switch (error) {
	case ENOENT:
		api_put_problem(out, 404, ask->name[0] == '\0' ? "service" : NULL,
		                "there is no '%s'",
		                ask->name[0] == '\0' ? ask->service : ask->name);
		break;
	case EDESTADDRREQ:
		api_put_problem(out, 400, "service", "say which service: ?service=shop");
		break;
	case EINVAL:
		api_put_problem(out, 400, "ip", "say which address: ?ip=198.51.100.7");
		break;
	case ETIMEDOUT:
		api_put_problem(out, 504, NULL,
		                "a worker did not answer within two seconds");
		break;
	case ENOSYS:
		api_put_problem(out, 501, NULL, "this process does not offer that");
		break;
	default:
		api_put_problem(out, 503, NULL, "could not be answered: %s",
		                strerror(error));
	}
}

/* Fill `ask` from the query. Returns false when the answer is already a refusal. */
static bool
read_query(const struct telemetry_document *doc, const struct api_target *t,
           struct telemetry_ask *ask, struct api_answer *out)
{
	char why[160];

	for (unsigned int i = 0; i < t->pairs; i++) {
		const char *key = t->pair[i].key;
		bool is_known = false;

		for (const char *const *k = doc->keys; k != NULL && *k != NULL; k++)
			is_known = is_known || strcmp(*k, key) == 0;
		if (!is_known) {
			api_put_problem(out, 400, key, "'%s' takes no parameter '%.40s'",
			                doc->path, key);
			return false;
		}
		if (telemetry_ask_set(ask, key, t->pair[i].value, why) < 0) {
			api_put_problem(out, 400, key, "%s", why);
			return false;
		}
	}
	return true;
}

static void
put_document(const struct api_context *c, const struct telemetry_document *doc,
             const struct api_target *t, struct telemetry_ask *ask,
             struct api_answer *out)
{
	json_t *document;

	if (!read_query(doc, t, ask, out))
		return;
	document = doc->make(c->telemetry, ask);
	if (document == NULL)
		put_error(out, errno, ask);
	else
		api_put_json(out, 200, document);
}

/* Whether a JSON value is of the type a field wants. */
static bool
is_of(const json_t *value, const char *type)
{
	if (strcmp(type, "boolean") == 0)
		return json_is_boolean(value);
	if (strcmp(type, "object") == 0)
		return json_is_object(value);
	if (strcmp(type, "array") == 0)
		return json_is_array(value);
	if (strcmp(type, "integer") == 0)
		return json_is_integer(value);
	return json_is_string(value);
}

/* Every member known and of its type, nothing missing. */
static bool
check_body(const struct api_write *w, json_t *body, struct api_answer *out)
{
	const struct api_field *f;
	const char *key;
	json_t *value;

	json_object_foreach(body, key, value)
	{
		for (f = w->fields; f->name != NULL && strcmp(f->name, key) != 0; f++)
			;
		if (f->name == NULL) {
			api_put_problem(out, 400, key, "there is no field '%.40s' here",
			                key);
			return false;
		}
		if (!is_of(value, f->type)) {
			api_put_problem(out, 400, key, "'%s' must be of type %s: %s", key,
			                f->type, f->help);
			return false;
		}
	}
	for (f = w->fields; f->name != NULL; f++) {
		if (f->is_required && json_object_get(body, f->name) == NULL) {
			api_put_problem(out, 400, f->name, "'%s' is missing: %s", f->name,
			                f->help);
			return false;
		}
	}
	return true;
}

/* The body as an object, or NULL when the answer is already a refusal. */
static json_t *
read_body(const struct api_request *rq, struct api_answer *out)
{
	static const char json[] = "application/json";
	const char *type = rq->content_type != NULL ? rq->content_type : "";
	json_error_t error;
	json_t *body;

	if (strncasecmp(type, json, strlen(json)) != 0 ||
	    strchr("; \t", type[strlen(json)]) == NULL) {
		api_put_problem(out, 415, NULL, "send 'Content-Type: application/json'");
		return NULL;
	}
	/* The parser would look past one behind a word. */
	if (rq->body != NULL && memchr(rq->body, '\0', rq->body_len) != NULL) {
		api_put_problem(out, 400, NULL, "the body is no JSON: a NUL byte");
		return NULL;
	}
	body = json_loadb(rq->body != NULL ? rq->body : "", rq->body_len,
	                  JSON_REJECT_DUPLICATES, &error);
	if (body == NULL) {
		api_put_problem(out, 400, NULL,
		                "the body is no JSON: line %d, column %d: %s", error.line,
		                error.column, error.text);
	} else if (!json_is_object(body)) {
		api_put_problem(out, 400, NULL, "the body must be one JSON object");
		json_decref(body);
		body = NULL;
	}
	return body;
}

static void
write_call(const struct api_context *c, const struct api_write *w, const char *name,
           const struct api_request *rq, struct api_answer *out)
{
	char who[API_TOKEN_NAME] = "", what[API_PATH_MAX + 32];
	json_t *body = NULL;
	int role = api_enter(c, rq, who, out);

	if (role != API_ROLE_NONE && role < (int)w->role) {
		api_put_problem(out, 403, NULL,
		                "the token '%s' may not do this: its role is too low",
		                who);
	} else if (role != API_ROLE_NONE) {
		body = read_body(rq, out);
		if (body != NULL && check_body(w, body, out)) {
			const struct api_call call = { c, name, body };

			w->act(&call, out);
		}
	}
	snprintf(what, sizeof(what), "%s %.*s", w->method, (int)strcspn(rq->target, "?"),
	         rq->target);
	/* Of those who guess a few are told a second, and not the rest. */
	if (out->status != 429)
		events_tell_audit(c->events, who, what, body, out->status);
	json_decref(body);
}

/* Who the token of the request belongs to: a page asks before it offers to change things. */
static void
put_who(const struct api_context *c, const struct api_request *rq, struct api_answer *out)
{
	static const char *const roles[] = { [API_ROLE_READ] = "read",
		                             [API_ROLE_OPERATE] = "operate",
		                             [API_ROLE_ADMIN] = "admin" };
	char who[API_TOKEN_NAME] = "";
	const int role = api_enter(c, rq, who, out);
	json_t *o;

	if (role == API_ROLE_NONE)
		return;
	o = json_object();
	telemetry_put_text(o, "name", who);
	telemetry_put_text(o, "role", roles[role]);
	api_put_json(out, 200, o);
}

/* Packets hold addresses and perhaps more, so they are for operators alone, and it is told. */
static void
put_capture_file(const struct api_context *c, const struct api_request *rq,
                 const struct api_target *t, const char *name, struct api_answer *out)
{
	char who[API_TOKEN_NAME] = "", what[API_PATH_MAX + 32];
	const int role = api_enter(c, rq, who, out);

	if (role != API_ROLE_NONE && role < API_ROLE_OPERATE)
		api_put_problem(out, 403, NULL,
		                "the token '%s' may not do this: its role is too low",
		                who);
	else if (role != API_ROLE_NONE)
		api_get_capture_file(c, t, name, out);
	/* Who reads on while it runs is told of once. */
	if (t->pairs > 0 && strcmp(t->pair[0].value, "0") != 0 && out->status == 200)
		return;
	snprintf(what, sizeof(what), "GET %s", t->path);
	events_tell_audit(c->events, who, what, NULL, out->status);
}

/* The path exists, but not for this method: say for which. */
static void
put_not_allowed(struct api_answer *out, const char *path, bool is_read)
{
	char name[API_PATH_MAX];
	size_t n = 0;

	out->header = "Allow";
	if (is_read)
		n = (size_t)snprintf(out->header_value, sizeof(out->header_value),
		                     "GET, HEAD");
	for (const struct api_write *w = api_writes; path != NULL && w->method != NULL;
	     w++) {
		if (api_path_fits(w->path, path, name) && n < sizeof(out->header_value))
			n += (size_t)snprintf(out->header_value + n,
			                      sizeof(out->header_value) - n, "%s%s",
			                      n > 0 ? ", " : "", w->method);
	}
	api_put_problem(out, 405, NULL, "allowed here: %s", out->header_value);
}

static bool
is_get(const struct api_request *rq)
{
	return strcmp(rq->method, "GET") == 0 || strcmp(rq->method, "HEAD") == 0;
}

/* The report of an attack to read and to print; it may do nothing but look well. */
static void
put_report_page(const struct api_context *c, const struct telemetry_ask *ask,
                struct api_answer *out)
{
	json_t *report = telemetry_report(c->telemetry, ask);
	const int error = errno;
	char *page = report != NULL ? telemetry_report_html(report) : NULL;

	json_decref(report);
	if (page == NULL) {
		put_error(out, report == NULL ? error : ENOMEM, ask);
		return;
	}
	free(out->body);
	out->status = 200;
	out->type = TELEMETRY_REPORT_TYPE;
	out->header = "Content-Security-Policy";
	static_assert(sizeof(TELEMETRY_REPORT_POLICY) <= sizeof(out->header_value),
	              "the policy fits its place");
	strcpy(out->header_value, TELEMETRY_REPORT_POLICY);
	out->body = page;
	out->len = strlen(page);
}

/* A path below API_ROOT. */
static void
answer_api(const struct api_context *c, const struct api_request *rq,
           const struct api_target *t, struct api_answer *out)
{
	const char *path = t->path + strlen(API_ROOT);
	const struct telemetry_document *doc;
	struct telemetry_ask ask;
	char name[API_PATH_MAX] = "";
	bool is_known, is_read;

	telemetry_ask_init(&ask);
	doc = telemetry_find(path, &ask);
	is_read = doc != NULL || strcmp(path, "openapi.json") == 0 ||
	          strcmp(path, "whoami") == 0;
	is_known = is_read;
	if (is_known && is_get(rq)) {
		if (doc != NULL)
			put_document(c, doc, t, &ask, out);
		else if (strcmp(path, "whoami") == 0)
			put_who(c, rq, out);
		else
			api_put_json(out, 200, api_openapi(c));
		return;
	}
	if (is_get(rq) && api_path_fits("attacks/{name}/report.html", path, name) &&
	    strlen(name) < sizeof(ask.name)) {
		strcpy(ask.name, name);
		put_report_page(c, &ask, out);
		return;
	}
	if (is_get(rq) && api_path_fits("captures/{name}/file", path, name)) {
		put_capture_file(c, rq, t, name, out);
		return;
	}
	for (const struct api_write *w = api_writes; w->method != NULL; w++) {
		if (!api_path_fits(w->path, path, name))
			continue;
		if (strcmp(w->method, rq->method) != 0) {
			is_known = true;
			continue;
		}
		if (t->pairs > 0)
			api_put_problem(
				out, 400, t->pair[0].key,
				"this takes no parameters; send them in the body");
		else
			write_call(c, w, name, rq, out);
		return;
	}
	if (is_known)
		put_not_allowed(out, path, is_read);
	else
		api_put_problem(out, 404, NULL,
		                "nothing is here; " API_ROOT
		                "openapi.json tells what there is");
}

static void
put_metrics(const struct api_context *c, struct api_answer *out)
{
	char *text = telemetry_metrics(c->telemetry);

	if (text == NULL) {
		api_put_problem(out, 503, NULL, "out of memory");
		return;
	}
	free(out->body);
	out->status = 200;
	out->type = TELEMETRY_METRICS_TYPE;
	out->body = text;
	out->len = strlen(text);
}

/* One of the files compiled in. */
static void
put_asset(const struct api_request *rq, const struct api_asset *asset,
          struct api_answer *out)
{
	if (!is_get(rq)) {
		put_not_allowed(out, NULL, true);
	} else if (!api_asset_takes_gzip(rq->accept_encoding)) {
		api_put_problem(
			out, 406, NULL,
			"this file is kept compressed; send 'Accept-Encoding: gzip' "
			"(curl --compressed)");
	} else {
		out->status = api_asset_is_known(asset, rq->if_none_match) ? 304 : 200;
		out->type = asset->type;
		out->asset = asset;
	}
}

/* What is not below API_ROOT. Returns false when there is nothing of that name. */
static bool
answer_root(const struct api_context *c, const struct api_request *rq, const char *path,
            struct api_answer *out)
{
	char why[160], text[176];
	bool is_ready;

	if (strcmp(path, "/metrics") != 0 && strcmp(path, "/healthz") != 0 &&
	    strcmp(path, "/readyz") != 0)
		return false;
	if (!is_get(rq)) {
		put_not_allowed(out, NULL, true);
	} else if (strcmp(path, "/metrics") == 0) {
		put_metrics(c, out);
	} else if (strcmp(path, "/healthz") == 0) {
		api_put_text(out, 200, "ok\n");
	} else {
		is_ready = telemetry_ready(c->telemetry, why);
		snprintf(text, sizeof(text), "%s\n", is_ready ? "ready" : why);
		api_put_text(out, is_ready ? 200 : 503, text);
	}
	return true;
}

static void
answer(const struct api_context *c, const struct api_request *rq, struct api_answer *out)
{
	const struct api_asset *asset;
	struct api_target t;
	char who[API_TOKEN_NAME];
	int rc;

	memset(out, 0, sizeof(*out));
	if (c->guard != NULL && rq->peer != NULL &&
	    !api_guard_request(c->guard, rq->peer, rq->now_ns)) {
		api_put_too_often(out, "too many requests");
		return;
	}
	rc = api_target_parse(rq->target, &t);
	if (rc < 0) {
		api_put_problem(out, rc == -E2BIG ? 414 : 400, NULL,
		                "the address of the request cannot be read");
		return;
	}
	if (!rq->is_unix && !api_host_is_ours(c, rq->host)) {
		api_put_problem(out, 403, NULL,
		                "the Host of the request is not this machine's; "
		                "ask 127.0.0.1 or localhost");
		return;
	}
	if (!api_origin_is_ours(c, rq)) {
		api_put_problem(out, 403, NULL,
		                "a page of another site asks; nothing is told to it");
		return;
	}
	asset = api_asset_find(c->assets, t.path);
	if (asset != NULL) {
		put_asset(rq, asset, out);
		return;
	}
	if (!rq->is_local && is_get(rq) && strcmp(t.path, "/healthz") != 0 &&
	    api_enter(c, rq, who, out) == API_ROLE_NONE)
		return;
	if (strncmp(t.path, API_ROOT, strlen(API_ROOT)) == 0)
		answer_api(c, rq, &t, out);
	else if (!answer_root(c, rq, t.path, out))
		api_put_problem(out, 404, NULL,
		                "nothing is here; " API_ROOT
		                "openapi.json tells what there is");
}

void
api_answer(const struct api_context *c, const struct api_request *rq,
           struct api_answer *out)
{
	answer(c, rq, out);
	telemetry_count_request(c->telemetry, rq->method, out->status);
}
