/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_health - whether the box does what it is there for, and if not, what to do.
 *
 * Steps with what was counted at each, and findings: made here, so that the command,
 * the page and a program of somebody else say the same.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "telemetry/health.h"
#include "telemetry/own.h"
#include "telemetry/put.h"

#define SENTENCE_MAX 640

static const char *const step_names[] = { "link",    "rx", "parse", "service",
	                                  "verdict", "tx", "box" };
static const char *const level_names[] = { "note", "warning", "fault" };

void
health_add(struct health *h, const struct health_finding *f, const char *sentence, ...)
{
	char text[SENTENCE_MAX];
	json_t *o = json_object();
	va_list args;

	va_start(args, sentence);
	vsnprintf(text, sizeof(text), sentence, args);
	va_end(args);
	telemetry_put_text(o, "level", level_names[f->level]);
	telemetry_put_text(o, "step", step_names[f->step]);
	telemetry_put_text(o, "name", f->name);
	telemetry_put_text(o, "subject", f->subject);
	telemetry_put_text(o, "sentence", text);
	telemetry_put_text(o, "remedy", f->remedy);
	json_array_append_new(h->findings, o);
	if (f->level > h->worst[f->step])
		h->worst[f->step] = f->level;
}

static unsigned int
attacks_running(const struct box *box)
{
	size_t n;
	unsigned int running = 0;
	struct detect_attack *a = telemetry_attacks_copy(box, &n);

	for (size_t i = 0; i < n; i++)
		running += a[i].state == DETECT_ACTIVE;
	free(a);
	return running;
}

static void
begin(struct health *h, struct telemetry *t, const struct telemetry_view *v)
{
	const struct telemetry_own *own = telemetry_own(t);

	h->telemetry = t;
	h->view = v;
	h->box = v->box;
	telemetry_pulse_copy(t, &h->pulse);
	telemetry_mark_take(v->box, v->now,
	                    __atomic_load_n(&own->events_dropped, __ATOMIC_RELAXED),
	                    &h->now);
	h->before = h->pulse.mark[1];
	h->seconds = (double)(h->now.time_ns - h->before.time_ns) / 1e9;
	h->attacks = attacks_running(v->box);
	h->findings = json_array();
	for (unsigned int i = 0; i < HEALTH_STEPS; i++)
		h->counts[i] = json_object();
	pthread_mutex_lock(&v->box->lock);
	h->is_ingress = v->box->settings != NULL && v->box->settings->ingress != 0;
	pthread_mutex_unlock(&v->box->lock);
}

static json_t *
steps(struct health *h)
{
	static const char *const states[] = { "ok", "warning", "fault" };
	json_t *a = json_array();

	for (unsigned int i = 0; i < HEALTH_STEPS; i++) {
		json_t *o = json_object();

		telemetry_put_text(o, "step", step_names[i]);
		telemetry_put_text(o, "state", states[h->worst[i]]);
		json_object_set_new(o, "counts", h->counts[i]);
		json_array_append_new(a, o);
	}
	return a;
}

json_t *
telemetry_health(struct telemetry *t, const struct telemetry_ask *ask)
{
	static const char *const states[] = { "ok", "warnings", "faults" };
	enum health_level worst = HEALTH_NOTE;
	struct telemetry_view v;
	struct health h = { 0 };
	json_t *o;

	(void)ask;
	if (telemetry_view_open(t, &v) < 0) {
		errno = ENOMEM;
		return NULL;
	}
	begin(&h, t, &v);
	health_look_at_wire(&h);
	health_look_at_box(&h);
	health_look_at_files(&h);
	for (unsigned int i = 0; i < HEALTH_STEPS; i++)
		worst = h.worst[i] > worst ? h.worst[i] : worst;
	o = telemetry_document_new(v.box, NULL);
	telemetry_put_seconds(o, "window_seconds", h.seconds);
	telemetry_put_text(o, "state", states[worst]);
	json_object_set_new(o, "steps", steps(&h));
	json_object_set_new(o, "findings", h.findings);
	telemetry_view_close(&v);
	return o;
}
