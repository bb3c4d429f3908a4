/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/history_attacks.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sketch/talkers.h"
#include "telemetry/parts.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

#define SECOND_NS UINT64_C(1000000000)
#define LOUDEST   20

/* --- reasons --- */

static void
read_reasons(const struct history_attacks *h, unsigned int service, uint64_t *out)
{
	const unsigned int n = pipeline_reasons();

	for (unsigned int i = 0; i < n; i++) {
		out[i] = telemetry_service_reason(h->box, service, i, false);
		out[n + i] = telemetry_service_reason(h->box, service, i, true);
	}
}

void
history_attacks_reasons(struct history_attacks *h, unsigned int service)
{
	read_reasons(h, service, &h->reasons[(size_t)service * 2 * pipeline_reasons()]);
}

/* What grew since the attack began, most first. */
static json_t *
reasons_since(const struct history_attacks *h, const struct history_attack *a)
{
	const unsigned int n = pipeline_reasons();
	json_t *list = json_array();

	for (unsigned int i = 0; i < n; i++) {
		const uint64_t decided =
			telemetry_service_reason(h->box, a->seen.service, i, false);
		const uint64_t would =
			telemetry_service_reason(h->box, a->seen.service, i, true);
		const uint64_t grown = decided + would - a->before[i] - a->before[n + i];
		char name[TELEMETRY_REASON_NAME];
		unsigned int stage;
		size_t at = 0;
		json_t *o;

		if (grown == 0)
			continue;
		telemetry_reason_name(i, name);
		o = json_object();
		telemetry_put_text(o, "reason", name);
		telemetry_put_text(o, "help", pipeline_reason_info(i, &stage)->help);
		telemetry_put_text(o, "class",
		                   pipeline_reason_info(i, &stage)->class ==
		                                   REASON_CHALLENGE
		                           ? "challenge"
		                           : "drop");
		telemetry_put_count(o, "packets", decided - a->before[i]);
		telemetry_put_count(o, "would_packets", would - a->before[n + i]);
		telemetry_put_count(o, "sum", grown);
		while (at < json_array_size(list) &&
		       (uint64_t)json_integer_value(
			       json_object_get(json_array_get(list, at), "sum")) >= grown)
			at++;
		json_array_insert_new(list, at, o);
	}
	for (size_t i = 0; i < json_array_size(list); i++)
		json_object_del(json_array_get(list, i), "sum");
	return list;
}

/* --- who is hit, and who is loudest --- */

static json_t *
target_of(struct box *box, const struct detect_attack *a)
{
	json_t *o = NULL;

	pthread_mutex_lock(&box->lock);
	if (box->policies != NULL && a->service < box->policies->n_services &&
	    strcmp(box->policies->service[a->service].name, a->service_name) == 0) {
		const struct service *s = &box->policies->service[a->service];
		const struct policy *p = &box->policies->policy[s->policy];

		o = json_object();
		telemetry_put_target(o, s);
		telemetry_put_text(o, "policy", p->name);
		if (a->vector < VECTOR_COUNT) {
			const struct watch_rule *r = &p->rule[a->vector];

			json_object_set_new(o, "alarm_rate",
			                    telemetry_limit_object(&r->alarm));
			json_object_set_new(o, "activate_rate",
			                    telemetry_limit_object(&r->activate));
			json_object_set_new(o, "max_rate",
			                    telemetry_limit_object(&r->max));
		}
	}
	pthread_mutex_unlock(&box->lock);
	return o;
}

static json_t *
loudest(struct telemetry *t, bool by_destinations)
{
	struct telemetry_ask ask;
	json_t *d, *list, *entry;
	size_t i;

	telemetry_ask_init(&ask);
	ask.limit = LOUDEST;
	ask.by_destinations = by_destinations;
	d = telemetry_top(t, &ask);
	list = json_incref(json_object_get(d, "top"));
	json_decref(d);
	/* One packet of so many is counted in a flood, and chance decides which. */
	json_array_foreach(list, i, entry)
	{
		const double pps =
			json_number_value(json_object_get(entry, "packets_per_second"));

		telemetry_put_count(entry, "standard_error_packets_per_second",
		                    (uint64_t)(sqrt(TALKERS_SAMPLE_FULL * pps) + 0.5));
	}
	return list;
}

/* Early on, and whenever it is clearly higher than when they were asked for last. */
static bool
wants_loudest(const struct history_attack *a, uint64_t pps)
{
	return a->turns == 1 || a->turns == 3 || (double)pps > 1.1 * (double)a->loud_pps;
}

/* --- the course --- */

static void
double_steps(struct history_attack *a)
{
	for (unsigned int i = 0; i < HISTORY_POINTS / 2; i++) {
		const struct history_point *x = &a->point[2 * i], *y = x + 1;

		a->point[i] = (struct history_point){ (x->packets + y->packets) / 2,
			                              (x->bits + y->bits) / 2,
			                              (x->dropped + y->dropped) / 2,
			                              (x->would + y->would) / 2 };
	}
	a->points /= 2;
	a->point_ns *= 2;
}

/* What came since the last look, spread over the points it belongs to. */
static void
go_on(struct history_attack *a, const struct detect_attack *now)
{
	const uint64_t ns = now->updated_ns - a->seen.updated_ns;
	uint64_t left = ns;

	if (ns == 0 || now->updated_ns < a->seen.updated_ns)
		return;
	while (left > 0) {
		const uint64_t room = a->point_ns - a->adding_ns;
		const uint64_t take = left < room ? left : room;
		const double share = (double)take / (double)ns;

		a->adding.packets += share * (double)(now->packets - a->seen.packets);
		a->adding.bits += share * 8 * (double)(now->bytes - a->seen.bytes);
		a->adding.dropped += share * (double)(now->dropped - a->seen.dropped);
		a->adding.would += share * (double)(now->would - a->seen.would);
		a->adding_ns += take;
		left -= take;
		if (a->adding_ns == a->point_ns) {
			const double s = (double)a->point_ns / 1e9;

			a->point[a->points++] = (struct history_point){
				a->adding.packets / s, a->adding.bits / s,
				a->adding.dropped / s, a->adding.would / s
			};
			memset(&a->adding, 0, sizeof(a->adding));
			a->adding_ns = 0;
			if (a->points == HISTORY_POINTS)
				double_steps(a);
		}
	}
}

static void
add_step(struct history_attack *a, const char *name, uint64_t at_ns)
{
	if (a->steps == HISTORY_STEPS)
		return;
	if (a->steps > 0 && strcmp(a->step[a->steps - 1].name, name) == 0)
		return;
	a->step[a->steps].at_ns = at_ns;
	snprintf(a->step[a->steps].name, sizeof(a->step[0].name), "%s", name);
	a->steps++;
	a->is_dirty = true;
}

/* --- begin, see, forget --- */

static void
forget(struct history_attack *a)
{
	if (a == NULL)
		return;
	free(a->before);
	json_decref(a->reasons);
	json_decref(a->target);
	json_decref(a->sources);
	json_decref(a->destinations);
	free(a);
}

/* Make room by letting go of the oldest that has ended, stored ones first. Under lock. */
static bool
make_room(struct history_attacks *h)
{
	int found = -1;

	if (h->count < HISTORY_ATTACKS)
		return true;
	for (int i = HISTORY_ATTACKS - 1; i >= 0 && found < 0; i--)
		if (h->attack[i]->seen.state != DETECT_ACTIVE && !h->attack[i]->is_dirty)
			found = i;
	for (int i = HISTORY_ATTACKS - 1; i >= 0 && found < 0; i--)
		if (h->attack[i]->seen.state != DETECT_ACTIVE)
			found = i;
	if (found < 0)
		return false;
	forget(h->attack[found]);
	h->count--;
	memmove(&h->attack[found], &h->attack[found + 1],
	        (h->count - (unsigned int)found) * sizeof(*h->attack));
	return true;
}

static struct history_attack *
begin(struct history_attacks *h, const struct detect_attack *now)
{
	const size_t reasons = 2 * (size_t)pipeline_reasons();
	struct history_attack *a;

	if (now->service >= SERVICE_MAX || !make_room(h))
		return NULL;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return NULL;
	a->before = malloc(reasons * sizeof(*a->before));
	if (a->before == NULL) {
		free(a);
		return NULL;
	}
	memcpy(a->before, &h->reasons[now->service * reasons],
	       reasons * sizeof(*a->before));
	a->seen.number = now->number;
	a->seen.updated_ns = a->points_ns = now->detected_ns;
	a->point_ns = SECOND_NS;
	memmove(&h->attack[1], &h->attack[0], h->count * sizeof(*h->attack));
	h->attack[0] = a;
	h->count++;
	return a;
}

static void
look(struct history_attacks *h, struct history_attack *a, const struct detect_attack *now,
     uint64_t now_ns)
{
	const uint64_t before = a->seen.packets;
	const uint64_t span = now->updated_ns - a->seen.updated_ns;
	const uint64_t pps = telemetry_per_second(now->packets - before, span);

	a->turns++;
	go_on(a, now);
	a->seen = *now;
	a->is_dirty = true;
	if (a->target == NULL)
		a->target = target_of(h->box, now);
	json_decref(a->reasons);
	a->reasons = reasons_since(h, a);
	if (now->state == DETECT_ACTIVE && wants_loudest(a, pps)) {
		json_decref(a->sources);
		json_decref(a->destinations);
		a->sources = loudest(h->telemetry, false);
		a->destinations = loudest(h->telemetry, true);
		a->loud_pps = pps > a->loud_pps ? pps : a->loud_pps;
		a->loud_ns = now_ns;
	}
}

static struct history_attack *
of_number(struct history_attacks *h, uint64_t number)
{
	for (unsigned int i = 0; i < h->count; i++)
		if (h->attack[i]->seen.number == number)
			return h->attack[i];
	return NULL;
}

struct history_attack *
history_attacks_find(struct history_attacks *h, const char *id)
{
	for (unsigned int i = 0; i < h->count; i++) {
		char own[TELEMETRY_ATTACK_ID];

		telemetry_attack_id(h->box, &h->attack[i]->seen, own);
		if (strcmp(own, id) == 0)
			return h->attack[i];
	}
	return NULL;
}

void
history_attacks_see(struct history_attacks *h, const struct detect_attack *a, size_t n,
                    uint64_t now_ns)
{
	pthread_mutex_lock(&h->lock);
	/* Oldest first, so that the newest come to stand in front. */
	for (size_t i = n; i-- > 0;) {
		struct history_attack *known = of_number(h, a[i].number);

		/* What is over and was never seen either went long ago, or lasted less
		 * than a second. */
		if (known == NULL &&
		    (a[i].state == DETECT_ACTIVE || a[i].end_ns + 3 * SECOND_NS > now_ns))
			known = begin(h, &a[i]);
		if (known != NULL &&
		    (known->turns == 0 || known->seen.state == DETECT_ACTIVE))
			look(h, known, &a[i], now_ns);
	}
	for (unsigned int i = 0; i < h->heard; i++) {
		struct history_attack *known = history_attacks_find(h, h->hearing[i].id);

		if (known != NULL)
			add_step(known, h->hearing[i].step.name,
			         h->hearing[i].step.at_ns);
	}
	h->heard = 0;
	pthread_mutex_unlock(&h->lock);
}

void
history_attacks_hear(struct history_attacks *h, const char *id, const char *step,
                     uint64_t at_ns)
{
	pthread_mutex_lock(&h->lock);
	if (h->heard < HISTORY_HEARD) {
		snprintf(h->hearing[h->heard].id, TELEMETRY_ATTACK_ID, "%s", id);
		snprintf(h->hearing[h->heard].step.name, sizeof(h->hearing[0].step.name),
		         "%s", step);
		h->hearing[h->heard++].step.at_ns = at_ns;
	}
	pthread_mutex_unlock(&h->lock);
}

/* --- told --- */

static json_t *
course(const struct history_attacks *h, const struct history_attack *a)
{
	json_t *o = json_object();
	json_t *packets = json_array(), *bits = json_array(), *dropped = json_array(),
	       *would = json_array();

	for (unsigned int i = 0; i < a->points; i++) {
		const struct history_point *p = &a->point[i];

		json_array_append_new(packets,
		                      json_integer((json_int_t)(p->packets + 0.5)));
		json_array_append_new(bits, json_integer((json_int_t)(p->bits + 0.5)));
		json_array_append_new(dropped,
		                      json_integer((json_int_t)(p->dropped + 0.5)));
		json_array_append_new(would, json_integer((json_int_t)(p->would + 0.5)));
	}
	telemetry_put_time(o, "from", telemetry_unix(h->box, a->points_ns));
	telemetry_put_seconds(o, "step_seconds", (double)a->point_ns / 1e9);
	json_object_set_new(o, "received_packets_per_second", packets);
	json_object_set_new(o, "received_bits_per_second", bits);
	json_object_set_new(o, "dropped_packets_per_second", dropped);
	json_object_set_new(o, "would_packets_per_second", would);
	return o;
}

static void
put_or_null(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value == NULL ? json_null() : json_deep_copy(value));
}

json_t *
history_attack_details(const struct history_attacks *h, const struct history_attack *a)
{
	json_t *o = json_object(), *steps = json_array();

	for (unsigned int i = 0; i < a->steps; i++) {
		json_t *s = json_object();

		telemetry_put_time(s, "at", telemetry_unix(h->box, a->step[i].at_ns));
		telemetry_put_text(s, "step", a->step[i].name);
		json_array_append_new(steps, s);
	}
	json_object_set_new(o, "course", course(h, a));
	json_object_set_new(o, "steps", steps);
	put_or_null(o, "reasons", a->reasons);
	put_or_null(o, "target", a->target);
	telemetry_put_time(o, "loudest_at",
	                   a->loud_ns == 0 ? 0 : telemetry_unix(h->box, a->loud_ns));
	put_or_null(o, "sources", a->sources);
	put_or_null(o, "destinations", a->destinations);
	return o;
}

/* --- open and close --- */

int
history_attacks_open(struct history_attacks *h, struct telemetry *t)
{
	memset(h, 0, sizeof(*h));
	h->telemetry = t;
	h->box = telemetry_box(t);
	h->reasons =
		calloc((size_t)SERVICE_MAX * 2 * pipeline_reasons(), sizeof(*h->reasons));
	if (h->reasons == NULL)
		return -ENOMEM;
	pthread_mutex_init(&h->lock, NULL);
	return 0;
}

void
history_attacks_close(struct history_attacks *h)
{
	if (h->reasons == NULL)
		return;
	while (h->count > 0)
		forget(h->attack[--h->count]);
	free(h->reasons);
	h->reasons = NULL;
	pthread_mutex_destroy(&h->lock);
}
