/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * writes - everything that can be changed by API, each a call of the box.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/route.h"
#include "conf/conf.h"
#include "policy/list_set.h"
#include "prefix/prefix.h"
#include "telemetry/put.h"
#include "telemetry/telemetry.h"

#define FOREVER_NS (UINT64_C(366) * 86400 * 1000000000)

static struct box *
box_of(const struct api_call *call)
{
	return telemetry_box(call->context->telemetry);
}

static const char *
text_of(const struct api_call *call, const char *name)
{
	return json_string_value(json_object_get(call->body, name));
}

bool
api_read_for(const struct api_call *call, uint64_t *ns, struct api_answer *out)
{
	const char *text = text_of(call, "for");
	char why[API_WHY];

	*ns = 0;
	if (text == NULL)
		return true;
	if (conf_parse_time(text, ns, why, sizeof(why)) < 0) {
		api_put_problem(out, 400, "for", "%s", why);
		return false;
	}
	if (*ns == 0 || *ns > FOREVER_NS) {
		api_put_problem(out, 400, "for",
		                "'for' must be more than nothing and at most a year; "
		                "leave it out for no end");
		return false;
	}
	return true;
}

/* What a box call came back with, where it is no success. */
static void
put_failure(struct api_answer *out, int rc, const struct conf_errors *errors)
{
	switch (rc) {
	case -EINVAL:
		api_put_config_problem(out, 422,
		                       "the configuration was refused; the old one stays",
		                       errors);
		break;
	case -EBUSY:
		api_put_config_problem(
			out, 409,
			"an earlier change is not taken over by every worker yet",
			errors);
		break;
	case -ENOENT:
		api_put_problem(out, 404, NULL, "there is no such entry");
		break;
	case -ENOSPC:
		api_put_problem(out, 507, NULL, "the list is full");
		break;
	case -ENOSYS:
		api_put_problem(out, 501, NULL, "this process does not offer that");
		break;
	default:
		api_put_config_problem(out, 503, strerror(-rc), errors);
	}
}

/* Why a prefix was not blocked that a list protects from that. */
static void
put_never_blocked(struct api_answer *out, struct box *box, const struct prefix *prefix)
{
	const char *name = NULL;
	char list[64], text[PREFIX_TEXT];

	prefix_format(prefix, text);
	pthread_mutex_lock(&box->lock);
	if (box->policies != NULL)
		name = list_set_never_blocks(box->policies->lists, prefix,
		                             box->now_ns(box->daemon));
	snprintf(list, sizeof(list), "%s", name != NULL ? name : "");
	pthread_mutex_unlock(&box->lock);
	api_put_problem(out, 409, "prefix",
	                "%s is never blocked: it is on the list '%s'; take it off that "
	                "list first",
	                text, list);
}

static void
put_for(json_t *o, uint64_t for_ns)
{
	if (for_ns == 0)
		json_object_set_new(o, "for_seconds", json_null());
	else
		telemetry_put_seconds(o, "for_seconds", (double)for_ns / 1e9);
}

/* The mode's number, -1 for "configured", -2 when there is no such mode. */
static int
mode_of(const char *text)
{
	for (int i = 0; policy_mode_names[i] != NULL; i++) {
		if (strcmp(text, policy_mode_names[i]) == 0)
			return i;
	}
	return strcmp(text, "configured") == 0 ? -1 : -2;
}

static void
change_mode(const struct api_call *call, int service, struct api_answer *out)
{
	static const struct conf_errors none;
	struct box *box = box_of(call);
	const char *text = text_of(call, "mode");
	const int mode = mode_of(text);
	uint64_t for_ns;
	json_t *o;
	int rc;

	if (mode == -2) {
		api_put_problem(out, 400, "mode",
		                "'%.40s' is none of learn, monitor, mitigate, configured",
		                text);
		return;
	}
	if (!api_read_for(call, &for_ns, out))
		return;
	rc = box->set_mode == NULL ? -ENOSYS
	                           : box->set_mode(box->daemon, service, mode, for_ns);
	if (rc < 0) {
		put_failure(out, rc, &none);
		return;
	}
	o = json_object();
	telemetry_put_text(o, "service", service < 0 ? "all" : call->name);
	telemetry_put_text(o, "mode", text);
	put_for(o, for_ns);
	api_put_json(out, 200, o);
}

static void
put_mode_all(const struct api_call *call, struct api_answer *out)
{
	change_mode(call, -1, out);
}

static void
put_mode(const struct api_call *call, struct api_answer *out)
{
	struct box *box = box_of(call);
	int id = -1;

	pthread_mutex_lock(&box->lock);
	for (unsigned int i = 0; box->policies != NULL && i < box->policies->n_services;
	     i++) {
		const char *name = box->policies->service[i].name;

		if (name[0] != '\0' && strcmp(name, call->name) == 0)
			id = (int)i;
	}
	pthread_mutex_unlock(&box->lock);
	if (id < 0)
		api_put_problem(out, 404, NULL, "there is no service '%.64s'",
		                call->name);
	else
		change_mode(call, id, out);
}

static void
put_bypass(const struct api_call *call, struct api_answer *out)
{
	static const struct conf_errors none;
	struct box *box = box_of(call);
	const bool on = json_is_true(json_object_get(call->body, "enabled"));
	uint64_t for_ns;
	json_t *o;
	int rc;

	if (!api_read_for(call, &for_ns, out))
		return;
	rc = box->set_bypass == NULL ? -ENOSYS : box->set_bypass(box->daemon, on, for_ns);
	if (rc < 0) {
		put_failure(out, rc, &none);
		return;
	}
	o = json_object();
	telemetry_put_bool(o, "bypass", on);
	put_for(o, for_ns);
	api_put_json(out, 200, o);
}

/* Prefix and action of a block. Returns false when the answer is a refusal. */
static bool
read_block(const struct api_call *call, struct policy_block *b, struct api_answer *out)
{
	const char *action = text_of(call, "action");
	struct conf_prefix prefix;
	char why[API_WHY];

	memset(b, 0, sizeof(*b));
	if (conf_parse_prefix(text_of(call, "prefix"), &prefix, why, sizeof(why)) < 0) {
		api_put_problem(out, 400, "prefix", "%s", why);
		return false;
	}
	memcpy(b->prefix.address, prefix.address, sizeof(b->prefix.address));
	b->prefix.len = prefix.len;
	b->is_allow = action != NULL && strcmp(action, "allow") == 0;
	if (action != NULL && !b->is_allow && strcmp(action, "deny") != 0) {
		api_put_problem(out, 400, "action", "'%.40s' is neither deny nor allow",
		                action);
		return false;
	}
	return true;
}

static json_t *
block_object(const struct policy_block *b, const char *reason)
{
	const struct conf_prefix *p = (const struct conf_prefix *)&b->prefix;
	json_t *o = json_object();
	char text[CONF_PREFIX_TEXT];

	conf_format_prefix(p, text);
	telemetry_put_text(o, "prefix", text);
	telemetry_put_text(o, "action", b->is_allow ? "allow" : "deny");
	telemetry_put_text(o, "reason", reason);
	return o;
}

static void
post_block(const struct api_call *call, struct api_answer *out)
{
	static const struct conf_errors none;
	struct box *box = box_of(call);
	const char *reason = text_of(call, "reason");
	struct policy_block b;
	uint64_t for_ns;
	json_t *o;
	int rc;

	if (!read_block(call, &b, out) || !api_read_for(call, &for_ns, out))
		return;
	if (reason != NULL && strlen(reason) >= sizeof(b.reason)) {
		api_put_problem(out, 400, "reason", "at most %zu bytes",
		                sizeof(b.reason) - 1);
		return;
	}
	snprintf(b.reason, sizeof(b.reason), "%s", reason != NULL ? reason : "");
	b.until_ns = for_ns == 0 ? 0 : box->now_ns(box->daemon) + for_ns;
	rc = box->block_add == NULL ? -ENOSYS : box->block_add(box->daemon, &b);
	if (rc == -EPERM) {
		put_never_blocked(out, box, &b.prefix);
		return;
	}
	if (rc < 0) {
		put_failure(out, rc, &none);
		return;
	}
	o = block_object(&b, b.reason);
	put_for(o, for_ns);
	api_put_json(out, 200, o);
}

static void
delete_block(const struct api_call *call, struct api_answer *out)
{
	static const struct conf_errors none;
	struct box *box = box_of(call);
	struct policy_block b;
	int rc;

	if (!read_block(call, &b, out))
		return;
	rc = box->block_del == NULL ? -ENOSYS
	                            : box->block_del(box->daemon, &b.prefix, b.is_allow);
	if (rc < 0)
		put_failure(out, rc, &none);
	else
		api_put_json(out, 200, block_object(&b, ""));
}

/* Answer of a reload or a dry run. */
static void
put_result(struct api_answer *out, struct box *box, int rc, struct conf_errors *errors)
{
	json_t *o;

	if (rc < 0) {
		put_failure(out, rc, errors);
		return;
	}
	o = json_object();
	telemetry_put_bool(o, "ok", true);
	pthread_mutex_lock(&box->lock);
	if (box->policies != NULL) {
		telemetry_put_text(o, "sha256", box->policies->sha256);
		telemetry_put_count(o, "generation", box->policies->generation);
	}
	pthread_mutex_unlock(&box->lock);
	json_object_set_new(o, "warnings", telemetry_errors_array(errors, true));
	api_put_json(out, 200, o);
}

static void
post_check(const struct api_call *call, struct api_answer *out)
{
	struct box *box = box_of(call);
	const char *text = text_of(call, "text");
	struct conf_errors errors = { 0 };
	const int rc = box->check == NULL
	                       ? -ENOSYS
	                       : box->check(box->daemon, text,
	                                    text != NULL ? strlen(text) : 0, &errors);

	put_result(out, box, rc, &errors);
	conf_errors_free(&errors);
}

static void
post_reload(const struct api_call *call, struct api_answer *out)
{
	struct box *box = box_of(call);
	struct conf_errors errors = { 0 };
	const int rc = box->reload == NULL ? -ENOSYS : box->reload(box->daemon, &errors);

	put_result(out, box, rc, &errors);
	if (rc == 0 || rc == -EINVAL)
		events_tell_config(call->context->events, &errors);
	conf_errors_free(&errors);
}

#define FOR_FIELD                                                                        \
	{                                                                                \
		"for", "string", false,                                                  \
			"How long, as in \"30m\"; without it, until taken back."         \
	}

static const struct api_field mode_fields[] = {
	{ "mode", "string", true,
	  "learn, monitor, mitigate, or configured for the file's." },
	FOR_FIELD,
	{ NULL, NULL, false, NULL },
};
static const struct api_field bypass_fields[] = {
	{ "enabled", "boolean", true, "true forwards without judging." },
	FOR_FIELD,
	{ NULL, NULL, false, NULL },
};
static const struct api_field block_fields[] = {
	{ "prefix", "string", true, "\"198.51.100.0/24\", or a bare address." },
	FOR_FIELD,
	{ "reason", "string", false, "Why, for those who find it later." },
	{ "action", "string", false, "deny (the default) or allow." },
	{ NULL, NULL, false, NULL },
};
static const struct api_field unblock_fields[] = {
	{ "prefix", "string", true, "As it was added." },
	{ "action", "string", false, "deny (the default) or allow." },
	{ NULL, NULL, false, NULL },
};
static const struct api_field entry_fields[] = {
	{ "prefix", "string", true, "\"198.51.100.0/24\", or a bare address." },
	FOR_FIELD,
	{ NULL, NULL, false, NULL },
};
static const struct api_field no_entry_fields[] = {
	{ "prefix", "string", true, "As it was put in." },
	{ NULL, NULL, false, NULL },
};
static const struct api_field check_fields[] = {
	{ "text", "string", false,
	  "The configuration; without it, the file that is in use." },
	{ NULL, NULL, false, NULL },
};
#define FILTER_FIELDS                                                                    \
	{ "action", "string", true, "drop, pass, meter, count or tag." },                \
		{ "expression", "string", false,                                         \
		  "What it matches, in tcpdump's syntax without names." },               \
		{ "match", "object", false,                                              \
		  "What it matches, by components as in the configuration." },           \
		{ "limit", "string", false, "Of meter, as in \"5kpps\"." },              \
		{ "services", "array", false, "Names; without it, all." },               \
		{ "until", "string", false, "When it ends, \"2026-12-24T12:00:00Z\"." }, \
		{ "for", "string", false, "Instead: how long, as in \"30m\"." },         \
		{ "dry_run", "boolean", false, "Count, and do nothing." },               \
		{ "verified", "boolean", false,                                          \
		  "false spares packets of verified flows." },                           \
	{                                                                                \
		NULL, NULL, false, NULL                                                  \
	}

static const struct api_field filter_rule_fields[] = {
	{ "name", "string", true, "What the rule is called where it is counted." },
	FILTER_FIELDS,
};
static const struct api_field filter_named_fields[] = {
	{ "name", "string", false, "As in the path." },
	FILTER_FIELDS,
};
static const struct api_field capture_fields[] = {
	{ "verdict", "string", false,
	  "passed, dropped, answered, consumed, would, or any (the default)." },
	{ "reason", "string", false,
	  "Of what was stopped: a reason, as shape.udp_flood, or a stage, as shape." },
	{ "service", "string", false, "Name of the service." },
	{ "expression", "string", false, "In tcpdump's syntax without names." },
	{ "packets", "integer", false, "Ends after so many, 1 to 1000000 (1000)." },
	{ "seconds", "integer", false, "Ends after so long, 1 to 3600 (60)." },
	{ "bytes", "integer", false,
	  "Ends before its file is longer, 131072 to 16777216 (4194304)." },
	{ NULL, NULL, false, NULL },
};
static const struct api_field no_fields[] = { { NULL, NULL, false, NULL } };

const struct api_write api_writes[] = {
	{ "PUT", "services/{name}/mode", API_ROLE_OPERATE, mode_fields,
	  "Set the mode of one service.", put_mode },
	{ "PUT", "mode", API_ROLE_OPERATE, mode_fields, "Set the mode of all services.",
	  put_mode_all },
	{ "PUT", "bypass", API_ROLE_OPERATE, bypass_fields,
	  "Forward everything without judging, or judge again.", put_bypass },
	{ "POST", "blocks", API_ROLE_OPERATE, block_fields,
	  "Add a timed entry to the deny or allow list; again is no mistake.",
	  post_block },
	{ "DELETE", "blocks", API_ROLE_OPERATE, unblock_fields,
	  "Take such an entry back.", delete_block },
	{ "POST", "filters", API_ROLE_OPERATE, filter_rule_fields,
	  "Make a filter rule, or replace one made here; it stands behind the file's.",
	  api_post_filter },
	{ "POST", "filters/check", API_ROLE_OPERATE, filter_rule_fields,
	  "Tell what is wrong with a filter rule, and change nothing.",
	  api_check_filter },
	{ "PUT", "filters/{name}", API_ROLE_OPERATE, filter_named_fields,
	  "Make or replace the filter rule of that name.", api_put_filter },
	{ "DELETE", "filters/{name}", API_ROLE_OPERATE, no_fields,
	  "Take back a filter rule made here.", api_delete_filter },
	{ "POST", "lists/{name}/reload", API_ROLE_OPERATE, no_fields,
	  "Read the file of a list now; answers when it is in force.",
	  api_post_list_reload },
	{ "PUT", "lists/{name}/entries", API_ROLE_OPERATE, entry_fields,
	  "Put a prefix into a list, beside its file; kept over restarts until it ends.",
	  api_put_list_entry },
	{ "DELETE", "lists/{name}/entries", API_ROLE_OPERATE, no_entry_fields,
	  "Take back what was put into a list by hand.", api_delete_list_entry },
	{ "POST", "captures", API_ROLE_OPERATE, capture_fields,
	  "Take packets as they come, into memory; some run at once.", api_post_capture },
	{ "DELETE", "captures/{name}", API_ROLE_OPERATE, no_fields,
	  "End a capture, and forget what it has.", api_delete_capture },
	{ "POST", "config/check", API_ROLE_ADMIN, check_fields,
	  "Tell what a reload would find, and change nothing.", post_check },
	{ "POST", "config/reload", API_ROLE_ADMIN, no_fields,
	  "Read the configuration again, all or nothing; answers when it is in force.",
	  post_reload },
	{ NULL, NULL, API_ROLE_NONE, NULL, NULL, NULL },
};
