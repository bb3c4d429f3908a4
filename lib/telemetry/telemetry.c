/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/telemetry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "telemetry/own.h"
#include "telemetry/pulse.h"
#include "telemetry/put.h"
#include "telemetry/series.h"
#include "telemetry/view.h"

#define SPACING_NS UINT64_C(1000000000)

/* stored[0] is the newest; both are at least a second apart. */
struct telemetry {
	struct box *box;
	pthread_mutex_t lock;
	struct telemetry_sample *stored[2];
	uint64_t number;
	unsigned int services; /* the most that ever were in force */
	struct telemetry_own own;
	struct telemetry_pulse pulse;
	pthread_mutex_t split_lock;
	struct telemetry_split split;
	struct telemetry_history *history; /* NULL: nobody remembers */
};

/*
 * How many services are read: also those that a reload took away, for what was
 * counted of them stays counted.
 */
static unsigned int
services_of(struct telemetry *t)
{
	unsigned int n;

	pthread_mutex_lock(&t->box->lock);
	if (t->box->policies != NULL && t->box->policies->n_services > t->services)
		t->services = t->box->policies->n_services;
	n = t->services;
	pthread_mutex_unlock(&t->box->lock);
	return n;
}

struct telemetry *
telemetry_open(struct box *box)
{
	struct telemetry *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->box = box;
	pthread_mutex_init(&t->lock, NULL);
	pthread_mutex_init(&t->split_lock, NULL);
	for (int i = 0; i < 2; i++) {
		t->stored[i] = telemetry_sample_new();
		if (t->stored[i] == NULL) {
			telemetry_close(t);
			return NULL;
		}
	}
	telemetry_sample_take(box, services_of(t), t->stored[0]);
	memcpy(t->stored[1], t->stored[0], sizeof(*t->stored[1]));
	telemetry_pulse_start(&t->pulse, box, t->stored[0]);
	return t;
}

void
telemetry_close(struct telemetry *t)
{
	if (t == NULL)
		return;
	free(t->stored[0]);
	free(t->stored[1]);
	pthread_mutex_destroy(&t->lock);
	pthread_mutex_destroy(&t->split_lock);
	free(t);
}

struct box *
telemetry_box(struct telemetry *t)
{
	return t->box;
}

struct telemetry_own *
telemetry_own(struct telemetry *t)
{
	return &t->own;
}

struct telemetry_split *
telemetry_split_lock(struct telemetry *t)
{
	pthread_mutex_lock(&t->split_lock);
	return &t->split;
}

void
telemetry_split_unlock(struct telemetry *t)
{
	pthread_mutex_unlock(&t->split_lock);
}

void
telemetry_history_attach(struct telemetry *t, struct telemetry_history *history)
{
	t->history = history;
}

struct telemetry_history *
telemetry_history_of(struct telemetry *t)
{
	return t->history;
}

/* Under lock: keep `now` when the newest stored one is old enough. */
static void
store(struct telemetry *t, const struct telemetry_sample *now)
{
	struct telemetry_sample *oldest = t->stored[1];

	if (now->time_ns < t->stored[0]->time_ns + SPACING_NS)
		return;
	memcpy(oldest, now, sizeof(*oldest));
	t->stored[1] = t->stored[0];
	t->stored[0] = oldest;
	t->number++;
	telemetry_pulse_feed(&t->pulse, t->box, now,
	                     __atomic_load_n(&t->own.events_dropped, __ATOMIC_RELAXED));
}

void
telemetry_pulse_copy(struct telemetry *t, struct telemetry_pulse *out)
{
	pthread_mutex_lock(&t->lock);
	*out = t->pulse;
	pthread_mutex_unlock(&t->lock);
}

void
telemetry_beat(struct telemetry *t)
{
	struct telemetry_view v;

	if (telemetry_view_open(t, &v) == 0)
		telemetry_view_close(&v);
}

int
telemetry_view_open(struct telemetry *t, struct telemetry_view *v)
{
	const unsigned int services = services_of(t);
	const struct telemetry_sample *from;

	v->box = t->box;
	v->now = telemetry_sample_new();
	v->base = telemetry_sample_new();
	if (v->now == NULL || v->base == NULL) {
		telemetry_view_close(v);
		return -ENOMEM;
	}
	pthread_mutex_lock(&t->lock);
	telemetry_sample_take(t->box, services, v->now);
	store(t, v->now);
	from = v->now->time_ns >= t->stored[0]->time_ns + SPACING_NS ? t->stored[0]
	                                                             : t->stored[1];
	memcpy(v->base, from, sizeof(*v->base));
	v->number = t->number;
	pthread_mutex_unlock(&t->lock);
	v->window_ns = v->now->time_ns - v->base->time_ns;
	return 0;
}

void
telemetry_view_close(struct telemetry_view *v)
{
	free(v->now);
	free(v->base);
	v->now = v->base = NULL;
}

uint64_t
telemetry_unix(const struct box *box, uint64_t worker_ns)
{
	return worker_ns == 0 ? 0 : worker_ns + (uint64_t)box->wall_offset_ns;
}

uint64_t
telemetry_unix_now(const struct box *box)
{
	return telemetry_unix(box, box->now_ns(box->daemon));
}

json_t *
telemetry_document_new(const struct box *box, const struct telemetry_view *v)
{
	json_t *o = json_object();

	telemetry_put_time(o, "time", telemetry_unix_now(box));
	if (v != NULL)
		telemetry_put_seconds(o, "window_seconds", (double)v->window_ns / 1e9);
	return o;
}

json_t *
telemetry_document_of(struct telemetry *t, const char *name,
                      json_t *(*make)(const struct telemetry_view *v))
{
	struct telemetry_view v;
	json_t *o;

	if (telemetry_view_open(t, &v) < 0) {
		errno = ENOMEM;
		return NULL;
	}
	o = telemetry_document_new(v.box, &v);
	json_object_set_new(o, name, make(&v));
	telemetry_view_close(&v);
	return o;
}

struct detect_attack *
telemetry_attacks_copy(const struct box *box, size_t *n)
{
	struct detect_attack *a = malloc(DETECT_ATTACKS * sizeof(*a));

	*n = 0;
	if (a != NULL && box->detect != NULL)
		*n = detect_read_attacks(box->detect, a, DETECT_ATTACKS);
	return a;
}

const char *
telemetry_mode_of_box(const struct policies *p)
{
	int mode = -1;

	if (p == NULL)
		return "none";
	for (unsigned int i = 1; i < p->n_services; i++) {
		const struct service *s = &p->service[i];

		if (s->name[0] == '\0')
			continue;
		if (mode >= 0 && mode != (int)p->policy[s->policy].mode)
			return "mixed";
		mode = (int)p->policy[s->policy].mode;
	}
	return policy_mode_names[mode >= 0 ? mode : (int)p->policy[0].mode];
}

void
telemetry_books_total(const struct box *box, const struct telemetry_sample *s,
                      struct books *total)
{
	memset(total, 0, sizeof(*total));
	for (unsigned int link = 0; link < box->n_links; link++) {
		telemetry_books_add(total, &s->books[link][0]);
		telemetry_books_add(total, &s->books[link][1]);
	}
}

bool
telemetry_ready(struct telemetry *t, char why[160])
{
	struct box *box = t->box;
	struct telemetry_view v;

	why[0] = '\0';
	pthread_mutex_lock(&box->lock);
	if (box->policies == NULL)
		strcpy(why, "no configuration is in force");
	pthread_mutex_unlock(&box->lock);
	if (why[0] == '\0' && telemetry_view_open(t, &v) < 0)
		strcpy(why, "out of memory");
	if (why[0] != '\0')
		return false;
	for (unsigned int i = 0; i < box->n_workers && why[0] == '\0'; i++) {
		if (v.now->time_ns > v.now->worker[i].last_turn_ns + 2 * SPACING_NS)
			snprintf(why, 160, "worker %u has not moved for two seconds", i);
	}
	for (unsigned int i = 0; i < 2 * box->n_links && why[0] == '\0'; i++) {
		const struct box_link *link = &v.now->link[i / 2];

		if (box->read_links != NULL && !link->port[i & 1].is_up)
			snprintf(why, 160, "link %s: port %s is down", link->name,
			         link->port[i & 1].name);
	}
	telemetry_view_close(&v);
	return why[0] == '\0';
}
