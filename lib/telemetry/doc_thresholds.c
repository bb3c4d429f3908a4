/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_thresholds - what history says about where thresholds should stand.
 *
 *     GET thresholds?service=shop[&since=7d][&force=true]
 *
 *     { "time", "service",
 *       "from", "to",              the window that was looked at
 *       "minutes": 9870,           in it that were watched, without attacks
 *       "minutes_attacked": 12,    left out: an attack ran on the service
 *       "minutes_needed": 1440,
 *       "enough": true,            else there are no suggestions
 *       "why": null,               or the sentence that says what is missing
 *       "vectors": [ { "vector",
 *           "packets": { "p50", "p95", "p99", "max" },  of the highest second a minute
 *           "bits": { ... },
 *           "now": { "alarm_rate", "activate_rate", "max_rate" },  objects or null
 *           "suggested": { "unit",
 *               "alarm_rate", "activate_rate", "max_rate",         numbers
 *               "written": { "alarm_rate": "14kpps", ... } },      or null
 *           "reasons": [ "sentence", ... ] } ] }
 *
 * activate_rate is twice what 99 of 100 minutes stayed below, or half above the highest
 * minute, whichever is more: detection looks at tenths of a second and history at whole
 * ones. A highest minute of more than five times p99 is an event of its own and is left
 * out. alarm_rate is seven tenths of it, max_rate a fifth above p99, so that in an attack
 * as much may pass as in quiet time. All of it is advice: nothing is changed here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "telemetry/history.h"
#include "telemetry/parts.h"
#include "telemetry/percentile.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

#define NEEDED     1440        /* minutes */
#define WINDOW_S   (7 * 86400) /* when nobody asks otherwise */
#define WINDOW_MAX (31 * 86400)
#define LEAST_PPS  100 /* below that chance decides */
#define LEAST_BITS UINT64_C(1000000)
#define SECOND_NS  UINT64_C(1000000000)

/* One service and its window. */
struct study {
	struct telemetry_history *h;
	const char *service;
	int64_t from_s, to_s;
	size_t points;
	bool *is_quiet; /* by minute: watched, and no attack on the service */
	size_t quiet, attacked;
	struct telemetry_point *point; /* room for one series */
	uint64_t *value;
};

static int
read_series(struct study *s, unsigned int vector)
{
	const struct telemetry_history_query q = { .service = s->service,
		                                   .vector = (uint8_t)vector,
		                                   .from_s = s->from_s,
		                                   .step_s = 60,
		                                   .points = s->points };

	return telemetry_history_read(s->h, &q, s->point);
}

static int
open_study(struct study *s)
{
	int rc;

	s->points = (size_t)((s->to_s - s->from_s) / 60);
	s->is_quiet = calloc(s->points + 1, sizeof(*s->is_quiet));
	s->point = calloc(s->points + 1, sizeof(*s->point));
	s->value = calloc(s->points + 1, sizeof(*s->value));
	if (s->is_quiet == NULL || s->point == NULL || s->value == NULL)
		return -ENOMEM;
	rc = read_series(s, TELEMETRY_ALL_VECTORS);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < s->points; i++) {
		const struct telemetry_point *p = &s->point[i];

		s->is_quiet[i] = p->seconds > 0 && !p->is_attack;
		s->quiet += s->is_quiet[i];
		s->attacked += p->seconds > 0 && p->is_attack;
	}
	return 0;
}

static void
close_study(struct study *s)
{
	free(s->is_quiet);
	free(s->point);
	free(s->value);
}

/* The highest seconds of all quiet minutes; the series has been read. */
static void
spread_of(struct study *s, enum telemetry_value peak, struct telemetry_spread *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s->points; i++)
		if (s->is_quiet[i])
			s->value[n++] = (uint64_t)s->point[i].sum[peak];
	telemetry_spread_of(s->value, n, out);
}

static json_t *
spread_object(const struct telemetry_spread *s)
{
	json_t *o = json_object();

	telemetry_put_count(o, "p50", s->p50);
	telemetry_put_count(o, "p95", s->p95);
	telemetry_put_count(o, "p99", s->p99);
	telemetry_put_count(o, "max", s->highest);
	return o;
}

static void
put_rate(json_t *o, json_t *written, const char *key, uint64_t value, bool is_bits)
{
	const struct conf_rate rate = { value, is_bits };
	char text[CONF_AMOUNT_TEXT];

	telemetry_put_count(o, key, value);
	conf_format_rate(&rate, text);
	telemetry_put_text(written, key, text);
}

static json_t *
suggestion_object(const struct telemetry_suggestion *s, bool is_bits)
{
	json_t *o = json_object(), *written = json_object();

	telemetry_put_text(o, "unit", is_bits ? "bits_per_second" : "packets_per_second");
	put_rate(o, written, "alarm_rate", s->alarm, is_bits);
	put_rate(o, written, "activate_rate", s->activate, is_bits);
	put_rate(o, written, "max_rate", s->max, is_bits);
	json_object_set_new(o, "written", written);
	return o;
}

static json_t *
reasons(const struct telemetry_spread *s, const struct telemetry_suggestion *to,
        bool is_bits, uint64_t activate_now)
{
	const char *unit = is_bits ? "bit/s" : "pps";
	json_t *a = json_array();

	if (s->highest == 0) {
		json_array_append_new(a, json_string("Nothing of this vector came."));
		return a;
	}
	json_array_append_new(
		a, json_sprintf("In 99 of 100 minutes no second had more than %llu %s.",
	                        (unsigned long long)s->p99, unit));
	if (to->is_outlier)
		json_array_append_new(
			a, json_sprintf(
				   "The highest second had %llu %s, more than five times "
				   "that: an event of its own, which was left out.",
				   (unsigned long long)s->highest, unit));
	else
		json_array_append_new(a,
		                      json_sprintf("The highest second had %llu %s.",
		                                   (unsigned long long)s->highest, unit));
	if (activate_now > 0 && activate_now < s->highest)
		json_array_append_new(
			a, json_string("The activate_rate in force lies below that: what "
		                       "customers send may arm the defence."));
	else if (activate_now > 10 * to->activate)
		json_array_append_new(
			a,
			json_string("The activate_rate in force is more than ten times "
		                    "higher: small floods pass below it."));
	return a;
}

static json_t *
vector_object(struct study *s, unsigned int vector, const struct watch_rule *rule,
              bool is_enough)
{
	const bool is_bits =
		rule->activate.per_second != 0 && rule->activate.unit == METER_BITS;
	struct telemetry_spread packets, bits;
	struct telemetry_suggestion to;
	json_t *o = json_object(), *now = json_object();

	spread_of(s, TELEMETRY_PEAK_PACKETS, &packets);
	spread_of(s, TELEMETRY_PEAK_BITS, &bits);
	telemetry_suggest(is_bits ? &bits : &packets, is_bits ? LEAST_BITS : LEAST_PPS,
	                  &to);
	telemetry_put_text(o, "vector", vector_info[vector].name);
	json_object_set_new(o, "packets", spread_object(&packets));
	json_object_set_new(o, "bits", spread_object(&bits));
	json_object_set_new(now, "alarm_rate", telemetry_limit_object(&rule->alarm));
	json_object_set_new(now, "activate_rate",
	                    telemetry_limit_object(&rule->activate));
	json_object_set_new(now, "max_rate", telemetry_limit_object(&rule->max));
	json_object_set_new(o, "now", now);
	json_object_set_new(o, "suggested",
	                    is_enough && to.activate > 0 ? suggestion_object(&to, is_bits)
	                                                 : json_null());
	json_object_set_new(o, "reasons",
	                    is_enough ? reasons(is_bits ? &bits : &packets, &to, is_bits,
	                                        rule->activate.per_second)
	                              : json_array());
	return o;
}

/* The rules in force for the service; false when there is none of that name. */
static bool
rules_of(struct box *box, const char *service, struct watch_rule rule[VECTOR_COUNT])
{
	const struct policies *p;
	bool is_found = false;

	pthread_mutex_lock(&box->lock);
	p = box->policies;
	for (unsigned int i = 0; p != NULL && !is_found && i < p->n_services; i++) {
		if (strcmp(p->service[i].name, service) != 0)
			continue;
		memcpy(rule, p->policy[p->service[i].policy].rule,
		       VECTOR_COUNT * sizeof(*rule));
		is_found = true;
	}
	pthread_mutex_unlock(&box->lock);
	return is_found;
}

static json_t *
document(struct study *s, const struct box *box, const struct watch_rule *rule,
         bool is_forced)
{
	const bool is_enough = s->quiet >= NEEDED || (is_forced && s->quiet > 0);
	json_t *o = telemetry_document_new(box, NULL), *list = json_array();

	telemetry_put_text(o, "service", s->service);
	telemetry_put_time(o, "from", (uint64_t)s->from_s * SECOND_NS);
	telemetry_put_time(o, "to", (uint64_t)s->to_s * SECOND_NS);
	telemetry_put_count(o, "minutes", s->quiet);
	telemetry_put_count(o, "minutes_attacked", s->attacked);
	telemetry_put_count(o, "minutes_needed", NEEDED);
	telemetry_put_bool(o, "enough", is_enough);
	json_object_set_new(
		o, "why",
		is_enough ? json_null()
			  : json_sprintf("There are %zu h %zu min of history without "
	                                 "attacks, and %d h are needed: a day has hours "
	                                 "that others have not. Ask again later, or with "
	                                 "force=true to take what there is.",
	                                 s->quiet / 60, s->quiet % 60, NEEDED / 60));
	for (unsigned int v = 0; v < VECTOR_COUNT; v++) {
		if (read_series(s, v) < 0)
			memset(s->point, 0, s->points * sizeof(*s->point));
		json_array_append_new(list, vector_object(s, v, &rule[v], is_enough));
	}
	json_object_set_new(o, "vectors", list);
	return o;
}

json_t *
telemetry_thresholds(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct box *box = telemetry_box(t);
	const int64_t now_s = (int64_t)(telemetry_unix_now(box) / SECOND_NS);
	struct study s = { .h = telemetry_history_of(t), .service = ask->service };
	struct watch_rule rule[VECTOR_COUNT];
	json_t *o = NULL;
	int rc;

	if (ask->service[0] == '\0') {
		errno = EDESTADDRREQ;
		return NULL;
	}
	if (s.h == NULL || !rules_of(box, ask->service, rule)) {
		errno = s.h == NULL ? ENOSYS : ENOENT;
		return NULL;
	}
	s.to_s = now_s / 60 * 60;
	s.from_s = telemetry_when_of(&ask->since_when, now_s, now_s - WINDOW_S) / 60 * 60;
	if (s.from_s > s.to_s)
		s.from_s = s.to_s;
	if (s.from_s < s.to_s - WINDOW_MAX)
		s.from_s = s.to_s - WINDOW_MAX;
	rc = open_study(&s);
	if (rc == 0)
		o = document(&s, box, rule, ask->is_forced);
	close_study(&s);
	errno = -rc;
	return o;
}
