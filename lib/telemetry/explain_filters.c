/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * explain_filters - which of the operator's rules meet an address.
 *
 * A protected address is asked for as destination, any other as source. Rules that
 * cannot meet it are left out.
 */
#include <time.h>

#include "filter/reach.h"
#include "filter/set.h"
#include "telemetry/parts.h"
#include "telemetry/put.h"

static enum filter_reach
reach(const struct filter_rule *r, const uint8_t address[16], enum filter_end end)
{
	return r->text != NULL ? filter_reach_expression(r->text, address, end)
	                       : filter_reach_match(&r->match, address, end);
}

static void
add(json_t *all, const struct filter_rule *r, enum filter_reach found)
{
	json_t *o = json_object(), *services = json_array();

	telemetry_put_text(o, "name", r->name);
	telemetry_put_text(o, "action", filter_action_names[r->action]);
	telemetry_put_bool(o, "dry_run", r->is_dry);
	/* A rule for some services alone does not meet all packets. */
	telemetry_put_text(o, "matches",
	                   found == FILTER_ALWAYS && r->services.count == 0 ? "always"
	                                                                    : "maybe");
	telemetry_put_text(o, "expression", r->text != NULL ? r->text : "components");
	for (size_t i = 0; i < r->services.count; i++)
		json_array_append_new(services, json_string(r->services.text[i]));
	json_object_set_new(o, "services", services);
	telemetry_put_time(o, "until", r->until_ns);
	json_array_append_new(all, o);
}

json_t *
telemetry_explain_filters(const struct box *box, const uint8_t address[16],
                          bool is_protected)
{
	const enum filter_end end = is_protected ? FILTER_DST : FILTER_SRC;
	const struct stage_filters *f =
		box->policies == NULL ? NULL : box->policies->filters;
	json_t *all = json_array();
	struct timespec now;
	uint64_t now_ns;

	clock_gettime(CLOCK_REALTIME, &now);
	now_ns = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
	for (unsigned int k = 0; f != NULL && k < FILTER_PARTS; k++) {
		const struct filter_rules_part *part =
			filter_set_part(f->set, (enum filter_part)k);

		for (unsigned int i = 0; i < part->count; i++) {
			const struct filter_rule *r = &part->rule[i];
			const enum filter_reach found = reach(r, address, end);

			if (found != FILTER_NEVER &&
			    (r->until_ns == 0 || r->until_ns > now_ns))
				add(all, r, found);
		}
	}
	return all;
}
