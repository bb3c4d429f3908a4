/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filters - filter rules made, checked and taken back by API.
 */
#include <errno.h>
#include <string.h>

#include "api/route.h"
#include "conf/conf.h"
#include "telemetry/put.h"
#include "telemetry/telemetry.h"

static void
put_outcome(struct api_answer *out, int rc, const struct conf_errors *errors,
            const char *name, const char *result)
{
	json_t *o;

	switch (rc) {
	case 0:
		o = json_object();
		telemetry_put_text(o, "name", name);
		telemetry_put_text(o, "result", result);
		api_put_json(out, 200, o);
		break;
	case -EINVAL:
		api_put_config_problem(
			out, 422, "the rule was refused; nothing has changed", errors);
		break;
	case -EEXIST:
		api_put_problem(out, 409, "name",
		                "the configuration has a filter of that name; change it "
		                "there");
		break;
	case -ENOENT:
		api_put_problem(out, 404, NULL,
		                "no filter of that name was made through the API");
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
	default:
		api_put_config_problem(out, 503, strerror(-rc), errors);
	}
}

static void
put_rule(const struct api_call *call, const json_t *rule, bool is_check,
         struct api_answer *out)
{
	struct box *box = telemetry_box(call->context->telemetry);
	const char *name = json_string_value(json_object_get(rule, "name"));
	struct conf_errors errors = { 0 };
	const int rc = box->filter_put == NULL
	                       ? -ENOSYS
	                       : box->filter_put(box->daemon, rule, is_check, &errors);

	put_outcome(out, rc, &errors, name, is_check ? "could be used" : "in force");
	conf_errors_free(&errors);
}

void
api_post_filter(const struct api_call *call, struct api_answer *out)
{
	put_rule(call, call->body, false, out);
}

void
api_check_filter(const struct api_call *call, struct api_answer *out)
{
	put_rule(call, call->body, true, out);
}

/* The name of the path holds; one in the body must be the same. */
void
api_put_filter(const struct api_call *call, struct api_answer *out)
{
	const char *name = json_string_value(json_object_get(call->body, "name"));
	json_t *rule;

	if (name != NULL && strcmp(name, call->name) != 0) {
		api_put_problem(out, 400, "name", "the path names '%.64s'", call->name);
		return;
	}
	rule = json_copy((json_t *)(uintptr_t)call->body);
	json_object_set_new(rule, "name", json_string(call->name));
	put_rule(call, rule, false, out);
	json_decref(rule);
}

void
api_delete_filter(const struct api_call *call, struct api_answer *out)
{
	struct box *box = telemetry_box(call->context->telemetry);
	struct conf_errors errors = { 0 };
	const int rc = box->filter_del == NULL
	                       ? -ENOSYS
	                       : box->filter_del(box->daemon, call->name, &errors);

	put_outcome(out, rc, &errors, call->name, "taken back");
	conf_errors_free(&errors);
}
