/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * write_lists - what can be changed about lists: read a file now, entries by hand.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/route.h"
#include "conf/conf.h"
#include "telemetry/put.h"
#include "telemetry/telemetry.h"

#define SECOND_NS UINT64_C(1000000000)

static struct box *
box_of(const struct api_call *call)
{
	return telemetry_box(call->context->telemetry);
}

/* What a call came back with, where it is no success. */
static void
put_failure(struct api_answer *out, int rc, const char *name,
            const struct conf_errors *errors)
{
	const char *first = errors->count > 0 ? errors->error[0].message : NULL;

	switch (rc) {
	case -ENOENT:
		if (first != NULL)
			api_put_problem(out, 404, NULL, "%s", first);
		else
			api_put_problem(out, 404, NULL, "there is no list '%.64s'", name);
		break;
	case -ENODATA:
		api_put_problem(out, 409, NULL,
		                "the list '%.64s' has no file; config/reload reads the "
		                "prefixes of the configuration",
		                name);
		break;
	case -EDOM:
		api_put_problem(out, 400, "prefix", "%s",
		                first != NULL ? first : "this prefix cannot be listed");
		break;
	case -ENOSPC:
		api_put_problem(out, 507, NULL,
		                "there are too many entries made by hand; put them into "
		                "the file of the list");
		break;
	case -EBUSY:
		api_put_config_problem(
			out, 409,
			"an earlier change is not taken over by every worker yet",
			errors);
		break;
	case -ENOSYS:
		api_put_problem(out, 501, NULL, "this process does not offer that");
		break;
	case -EINVAL:
		api_put_config_problem(out, 422,
		                       "the file was refused; what was loaded before "
		                       "stays in force",
		                       errors);
		break;
	default:
		api_put_config_problem(out, 503, strerror(-rc), errors);
	}
}

void
api_post_list_reload(const struct api_call *call, struct api_answer *out)
{
	struct box *box = box_of(call);
	struct conf_errors errors = { 0 };
	const int rc = box->list_reload == NULL
	                       ? -ENOSYS
	                       : box->list_reload(box->daemon, call->name, &errors);
	struct telemetry_ask ask;
	json_t *o;

	if (rc < 0) {
		put_failure(out, rc, call->name, &errors);
		conf_errors_free(&errors);
		return;
	}
	telemetry_ask_init(&ask);
	snprintf(ask.name, sizeof(ask.name), "%s", call->name);
	o = telemetry_list(call->context->telemetry, &ask);
	o = o == NULL ? json_object() : o;
	json_object_set_new(o, "warnings", telemetry_errors_array(&errors, true));
	api_put_json(out, 200, o);
	conf_errors_free(&errors);
}

/* The prefix and its end. Returns false when the answer is a refusal. */
static bool
read_entry(const struct api_call *call, struct box_list_entry *e, struct api_answer *out)
{
	const char *text = json_string_value(json_object_get(call->body, "prefix"));
	struct conf_prefix prefix;
	char why[API_WHY];
	uint64_t for_ns;

	memset(e, 0, sizeof(*e));
	if (strlen(call->name) >= sizeof(e->list)) {
		api_put_problem(out, 404, NULL, "there is no list '%.64s'", call->name);
		return false;
	}
	if (conf_parse_prefix(text, &prefix, why, sizeof(why)) < 0) {
		api_put_problem(out, 400, "prefix", "%s", why);
		return false;
	}
	if (!api_read_for(call, &for_ns, out))
		return false;
	snprintf(e->list, sizeof(e->list), "%s", call->name);
	memcpy(e->prefix.address, prefix.address, sizeof(e->prefix.address));
	e->prefix.len = prefix.len;
	/* Rounded up to whole seconds of Unix time, or a short time would be none. */
	if (for_ns > 0)
		e->until_s = (uint32_t)((uint64_t)time(NULL) +
		                        (for_ns + SECOND_NS - 1) / SECOND_NS);
	return true;
}

static void
change(const struct api_call *call, bool is_add, struct api_answer *out)
{
	struct box *box = box_of(call);
	struct conf_errors errors = { 0 };
	struct box_list_entry e;
	char text[PREFIX_TEXT];
	json_t *o;
	int rc;

	if (!read_entry(call, &e, out))
		return;
	rc = box->list_entry == NULL ? -ENOSYS
	                             : box->list_entry(box->daemon, &e, is_add, &errors);
	if (rc < 0) {
		put_failure(out, rc, call->name, &errors);
		conf_errors_free(&errors);
		return;
	}
	prefix_format(&e.prefix, text);
	o = json_object();
	telemetry_put_text(o, "list", e.list);
	telemetry_put_text(o, "prefix", text);
	telemetry_put_time(o, "until", (uint64_t)e.until_s * SECOND_NS);
	json_object_set_new(o, "warnings", telemetry_errors_array(&errors, true));
	api_put_json(out, 200, o);
	conf_errors_free(&errors);
}

void
api_put_list_entry(const struct api_call *call, struct api_answer *out)
{
	change(call, true, out);
}

void
api_delete_list_entry(const struct api_call *call, struct api_answer *out)
{
	change(call, false, out);
}
