/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_filters - the operator's filter rules in force, and what each has met.
 */
#include <string.h>
#include <time.h>

#include "base/counter.h"
#include "filter/set.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

/* A counter over all workers. */
static uint64_t
hits_of(const struct box *box, uint16_t id)
{
	uint64_t sum = 0;

	for (unsigned int w = 0; w < box->n_workers && id != 0; w++)
		sum += counter_read(&box->worker[w].pipeline->hits[id]);
	return sum;
}

static bool
is_of_file(const struct box *box, const char *name)
{
	const struct filter_spec *file = box->settings->filters.element;

	for (size_t i = 0; i < box->settings->filters.count; i++)
		if (strcmp(file[i].name, name) == 0)
			return true;
	return false;
}

static void
put_end(json_t *o, const struct filter_rule *r)
{
	struct timespec now;
	uint64_t now_ns;

	clock_gettime(CLOCK_REALTIME, &now);
	now_ns = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
	telemetry_put_time(o, "until", r->until_ns);
	if (r->until_ns == 0)
		json_object_set_new(o, "remaining_seconds", json_null());
	else
		telemetry_put_seconds(
			o, "remaining_seconds",
			r->until_ns > now_ns ? (double)(r->until_ns - now_ns) / 1e9 : 0);
}

static json_t *
entry(const struct box *box, const struct filter_rule *r, const struct stage_filter *of,
      bool looks_at_verified)
{
	json_t *o = json_object(), *services = json_array();
	char limit[CONF_AMOUNT_TEXT];

	telemetry_put_text(o, "name", r->name);
	telemetry_put_text(o, "origin", is_of_file(box, r->name) ? "file" : "api");
	telemetry_put_text(o, "kind", r->expression != NULL ? "expression" : "match");
	telemetry_put_text(o, "action", filter_action_names[r->action]);
	telemetry_put_bool(o, "dry_run", r->is_dry);
	telemetry_put_bool(o, "verified", looks_at_verified);
	for (size_t i = 0; i < r->services.count; i++)
		json_array_append_new(services, json_string(r->services.text[i]));
	json_object_set_new(o, "services", services);
	put_end(o, r);
	telemetry_put_count(o, "packets", hits_of(box, of->hit));
	if (r->action != FILTER_METER)
		return o;
	conf_format_rate(&r->limit, limit);
	telemetry_put_text(o, "limit", limit);
	telemetry_put_count(o, "packets_over", hits_of(box, of->over));
	return o;
}

json_t *
telemetry_filters(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct box *box = telemetry_box(t);
	json_t *o = telemetry_document_new(box, NULL), *list = json_array();
	const struct stage_filters *f;

	(void)ask;
	pthread_mutex_lock(&box->lock);
	f = box->policies == NULL ? NULL : box->policies->filters;
	for (unsigned int k = 0; f != NULL && k < FILTER_PARTS; k++) {
		const struct filter_rules_part *part =
			filter_set_part(f->set, (enum filter_part)k);

		for (unsigned int i = 0; i < part->count; i++)
			json_array_append_new(list,
			                      entry(box, &part->rule[i], &f->of[k][i],
			                            k == FILTER_EVERYBODY));
	}
	pthread_mutex_unlock(&box->lock);
	telemetry_put_count(o, "total", json_array_size(list));
	json_object_set_new(o, "filters", list);
	return o;
}
