/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_status - the whole box on one page: who it is, how it is, and its books.
 */
#include <errno.h>

#include "telemetry/history.h"
#include "telemetry/load.h"
#include "telemetry/own.h"
#include "telemetry/parts.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

/* Under box->lock. */
static json_t *
configuration(const struct box *box)
{
	json_t *o = json_object();

	if (box->settings != NULL && box->settings->file != NULL)
		telemetry_put_text(o, "file", box->settings->file);
	if (box->policies != NULL) {
		telemetry_put_text(o, "sha256", box->policies->sha256);
		telemetry_put_count(o, "generation", box->policies->generation);
	}
	telemetry_put_count(o, "reloads_ok", box->reloads_ok);
	telemetry_put_count(o, "reloads_failed", box->reloads_failed);
	telemetry_put_time(o, "last_reload", box->last_reload_unix_ns);
	return o;
}

/* Under box->lock. */
static json_t *
warnings(const struct box *box)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < box->n_warnings; i++)
		json_array_append_new(a, json_string(box->warnings[i]));
	return a;
}

static unsigned int
services(const struct policies *p)
{
	unsigned int n = 0;

	for (unsigned int i = 1; p != NULL && i < p->n_services; i++)
		n += p->service[i].name[0] != '\0';
	return n;
}

static void
put_snapshot(json_t *o, struct box *box)
{
	pthread_mutex_lock(&box->lock);
	telemetry_put_text(o, "mode", telemetry_mode_of_box(box->policies));
	telemetry_put_count(o, "services", services(box->policies));
	json_object_set_new(o, "config", configuration(box));
	json_object_set_new(o, "warnings", warnings(box));
	pthread_mutex_unlock(&box->lock);
	telemetry_lists_warn(box, json_object_get(o, "warnings"));
}

static size_t
attacks_active(const struct box *box)
{
	size_t n, active = 0;
	struct detect_attack *a = telemetry_attacks_copy(box, &n);

	for (size_t i = 0; i < n; i++)
		active += a[i].state == DETECT_ACTIVE;
	free(a);
	return active;
}

static json_t *
total(const struct telemetry_view *v)
{
	struct books now, base;
	json_t *o;
	int64_t off = 0, out = 0;

	telemetry_books_total(v->box, v->now, &now);
	telemetry_books_total(v->box, v->base, &base);
	o = telemetry_books_object(&now, &base, v->window_ns);
	for (unsigned int i = 0; i < 2 * v->box->n_links; i++) {
		off += v->now->unaccounted[i / 2][i & 1];
		out += v->now->unsent[i / 2][i & 1];
	}
	telemetry_put_balance(o, v->box, off, out);
	return o;
}

json_t *
telemetry_status(struct telemetry *t, const struct telemetry_ask *ask)
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
	telemetry_put_text(o, "version", box->version);
	telemetry_put_text(o, "dpdk_version", box->dpdk_version);
	telemetry_put_text(o, "node", box->node);
	telemetry_put_time(o, "started", box->started_unix_ns);
	telemetry_put_seconds(o, "uptime_seconds",
	                      (double)(telemetry_unix_now(box) - box->started_unix_ns) /
	                              1e9);
	telemetry_put_bool(o, "bypass", box_is_bypassed(box));
	put_snapshot(o, box);
	telemetry_put_count(o, "attacks_active", attacks_active(box));
	telemetry_put_count(o, "workers", box->n_workers);
	telemetry_history_warn(telemetry_history_of(t), json_object_get(o, "warnings"));
	json_object_set_new(o, "load", telemetry_load_array(&v));
	json_object_set_new(o, "queues", telemetry_queues_object(&v));
	json_object_set_new(o, "total", total(&v));
	json_object_set_new(o, "ports", telemetry_ports_array(&v));
	json_object_set_new(o, "events", telemetry_events_object(t));
	telemetry_view_close(&v);
	return o;
}
