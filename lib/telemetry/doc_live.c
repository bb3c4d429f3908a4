/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_live - what a dashboard draws once a second, in one small document.
 */
#include <errno.h>
#include <stdlib.h>

#include "telemetry/load.h"
#include "telemetry/parts.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

static json_t *
total(const struct telemetry_view *v)
{
	struct books now, base;
	json_t *whole, *rates;

	telemetry_books_total(v->box, v->now, &now);
	telemetry_books_total(v->box, v->base, &base);
	whole = telemetry_books_object(&now, &base, v->window_ns);
	rates = json_incref(json_object_get(whole, "rates"));
	json_decref(whole);
	return rates;
}

/* Only reasons that stop or would stop packets in this window. */
static json_t *
reasons(const struct telemetry_view *v)
{
	json_t *used = telemetry_reasons_array(v, true), *out = json_array(), *reason;
	size_t i;

	json_array_foreach(used, i, reason)
	{
		json_t *o;

		if (json_integer_value(json_object_get(reason, "packets_per_second")) ==
		            0 &&
		    json_integer_value(
			    json_object_get(reason, "would_packets_per_second")) == 0)
			continue;
		o = json_object();
		json_object_set(o, "reason", json_object_get(reason, "reason"));
		json_object_set(o, "packets_per_second",
		                json_object_get(reason, "packets_per_second"));
		json_object_set(o, "would_packets_per_second",
		                json_object_get(reason, "would_packets_per_second"));
		json_array_append_new(out, o);
	}
	json_decref(used);
	return out;
}

static json_t *
services(const struct telemetry_view *v)
{
	static const char *const keys[] = { "name", "mode", "state", "headroom_ratio",
		                            "rates" };
	json_t *out = json_array();

	for (unsigned int i = 0; i < v->box->policies->n_services; i++) {
		json_t *whole, *o;

		if (v->box->policies->service[i].name[0] == '\0')
			continue;
		whole = telemetry_service_object(v, i, false);
		o = json_object();
		for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
			json_object_set(o, keys[k], json_object_get(whole, keys[k]));
		json_decref(whole);
		json_array_append_new(out, o);
	}
	return out;
}

static json_t *
attacks(const struct box *box)
{
	size_t n;
	struct detect_attack *a = telemetry_attacks_copy(box, &n);
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++) {
		if (a[i].state == DETECT_ACTIVE)
			json_array_append_new(out, telemetry_attack_object(box, &a[i]));
	}
	free(a);
	return out;
}

static json_t *
health(const struct telemetry_view *v)
{
	double busiest = 0;
	uint64_t missed = 0;
	json_t *o = json_object();

	for (unsigned int i = 0; i < v->box->n_workers; i++) {
		const double ratio = telemetry_load(v, i).busy_ratio;

		busiest = ratio > busiest ? ratio : busiest;
	}
	for (unsigned int i = 0; i < 2 * v->box->n_links; i++)
		missed += v->now->link[i / 2].port[i & 1].missed -
		          v->base->link[i / 2].port[i & 1].missed;
	telemetry_put_ratio(o, "worker_busy_max_ratio", busiest);
	telemetry_put_count(o, "missed_packets_per_second",
	                    telemetry_per_second(missed, v->window_ns));
	return o;
}

json_t *
telemetry_live(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct box *box = telemetry_box(t);
	struct telemetry_view v;
	json_t *o;

	(void)ask;
	if (telemetry_view_open(t, &v) < 0) {
		errno = ENOMEM;
		return NULL;
	}
	o = telemetry_document_new(box, &v);
	telemetry_put_count(o, "seq", v.number);
	telemetry_put_text(o, "node", box->node);
	telemetry_put_bool(o, "bypass", box_is_bypassed(box));
	pthread_mutex_lock(&box->lock);
	telemetry_put_text(o, "mode", telemetry_mode_of_box(box->policies));
	if (box->policies != NULL) {
		telemetry_put_text(o, "config_sha256", box->policies->sha256);
		json_object_set_new(o, "services", services(&v));
	}
	pthread_mutex_unlock(&box->lock);
	json_object_set_new(o, "total", total(&v));
	json_object_set_new(o, "reasons", reasons(&v));
	json_object_set_new(o, "attacks", attacks(box));
	json_object_set_new(o, "box", health(&v));
	telemetry_view_close(&v);
	return o;
}
