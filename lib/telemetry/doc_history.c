/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_history - the past as columns, in the shape that charts take.
 *
 *     GET history?service=shop&metric=bits&from=24h&step=1m
 *
 *     { "time": "2026-11-21T22:30:01.123Z",
 *       "service": "shop",               null: the whole box
 *       "vector": null,                  or the vector that was asked for
 *       "metric": "bits", "unit": "bits_per_second",
 *       "from": "2026-11-20T22:30:00Z",  beginning of the first step
 *       "to": "2026-11-21T22:31:00Z",    end of the last
 *       "step_seconds": 60,
 *       "times": [ 1795213800, ... ],    Unix time at which each step begins
 *       "series": {                      as many values each as there are times
 *         "received": [ 8000, null, ... ],  mean; null: nothing is known of that step
 *         "received_peak": [ ... ],      the highest second
 *         "forwarded": [ ... ],
 *         "dropped": [ ... ],            stopped in any way, so also what was answered
 *         "answered": [ ... ],           of the dropped: met a challenge. Packets only
 *         "would": [ ... ],              monitor would have stopped it. Packets only
 *         "verified_dropped": [ ... ],   of the dropped: of verified flows. Packets only
 *         "outbound": [ ... ] },         what the service itself sent
 *       "attack": [ 0, 1, null, ... ] }  whether an attack ran in the step
 *
 * Of the whole box "received" is what came from outside and "outbound" what came from
 * inside. A vector has neither "answered" nor "outbound", and no step below a minute.
 * Without `from` it is the last five minutes. Steps of seconds go back ten minutes at
 * most. A step that is absent, or would make too many points, is chosen so that it fits;
 * steps are whole minutes from a minute on.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "telemetry/history.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

#define POINTS_MAX     5000
#define POINTS_FIT     1500
#define FROM_DEFAULT_S 300
#define SECOND_NS      UINT64_C(1000000000)

static const int64_t steps[] = { 1,    10,   60,    300,   600,   1800,
	                         3600, 7200, 21600, 86400, 604800 };

/* The first of our steps, from `least_s` on, that needs at most so many points. */
static int64_t
step_that_fits(int64_t span_s, int64_t least_s, int64_t points)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		if (steps[i] >= least_s && span_s / steps[i] < points)
			return steps[i];
	}
	return (span_s / points / 86400 + 1) * 86400;
}

/* What was asked, put on a grid that there is data for. */
static void
plan(struct telemetry_history *h, const struct telemetry_ask *ask, int64_t now_s,
     struct telemetry_history_query *q)
{
	const int64_t to_s = telemetry_when_of(&ask->to, now_s, now_s);
	const int64_t wanted_s = telemetry_when_of(
		&ask->from, now_s, to_s < FROM_DEFAULT_S ? 0 : to_s - FROM_DEFAULT_S);
	const int64_t from_s = wanted_s < to_s ? wanted_s : to_s;
	const bool has_seconds = ask->vector == TELEMETRY_ALL_VECTORS &&
	                         now_s - from_s <= HISTORY_SECONDS &&
	                         telemetry_history_seconds_from(h) != INT64_MAX;
	int64_t step_s = (int64_t)ask->step_s;

	if (step_s == 0)
		step_s = step_that_fits(to_s - from_s, has_seconds ? 1 : 60, POINTS_FIT);
	if (step_s < 60 && !has_seconds)
		step_s = 60;
	if (step_s > 60)
		step_s -= step_s % 60;
	if ((to_s - from_s) / step_s >= POINTS_MAX - 1)
		step_s = step_that_fits(to_s - from_s, step_s, POINTS_MAX - 1);
	q->service = ask->service;
	q->vector = (uint8_t)ask->vector;
	q->step_s = step_s;
	q->from_s = from_s - from_s % step_s;
	q->points = (size_t)((to_s - q->from_s + step_s - 1) / step_s);
}

/* A rate of one step; null where nothing is known. */
static json_t *
value_of(const struct telemetry_point *p, enum telemetry_value value)
{
	const bool is_peak = value >= TELEMETRY_PEAK_PACKETS;

	if (!(p->seconds > 0))
		return json_null();
	return json_integer((json_int_t)llround(is_peak ? p->sum[value]
	                                                : p->sum[value] / p->seconds));
}

static json_t *
series(const struct telemetry_ask *ask, const struct telemetry_point *point, size_t n)
{
	static const struct {
		const char *name;
		int packets, bits; /* enum telemetry_value; -1: not counted */
		bool of_vectors;
	} columns[] = {
		{ "received", TELEMETRY_RECEIVED_PACKETS, TELEMETRY_RECEIVED_BITS, true },
		{ "received_peak", TELEMETRY_PEAK_PACKETS, TELEMETRY_PEAK_BITS, true },
		{ "forwarded", TELEMETRY_FORWARDED_PACKETS, TELEMETRY_FORWARDED_BITS,
		  true },
		{ "dropped", TELEMETRY_DROPPED_PACKETS, TELEMETRY_DROPPED_BITS, true },
		{ "answered", TELEMETRY_ANSWERED_PACKETS, -1, false },
		{ "would", TELEMETRY_WOULD_PACKETS, -1, true },
		{ "verified_dropped", TELEMETRY_VERIFIED_DROPPED, -1, true },
		{ "outbound", TELEMETRY_OUTBOUND_PACKETS, TELEMETRY_OUTBOUND_BITS,
		  false },
	};
	const bool is_vector = ask->vector != TELEMETRY_ALL_VECTORS;
	json_t *o = json_object();

	for (size_t c = 0; c < sizeof(columns) / sizeof(*columns); c++) {
		const int value = ask->by_bits ? columns[c].bits : columns[c].packets;
		json_t *a;

		if (value < 0 || (is_vector && !columns[c].of_vectors))
			continue;
		a = json_array();
		for (size_t i = 0; i < n; i++)
			json_array_append_new(
				a, value_of(&point[i], (enum telemetry_value)value));
		json_object_set_new(o, columns[c].name, a);
	}
	return o;
}

static json_t *
document(const struct telemetry_ask *ask, const struct box *box,
         const struct telemetry_history_query *q, const struct telemetry_point *point)
{
	json_t *o = telemetry_document_new(box, NULL);
	json_t *times = json_array(), *attack = json_array();
	const int64_t to_s = q->from_s + (int64_t)q->points * q->step_s;

	if (ask->service[0] != '\0')
		telemetry_put_text(o, "service", ask->service);
	else
		json_object_set_new(o, "service", json_null());
	if (ask->vector < VECTOR_COUNT)
		telemetry_put_text(o, "vector", vector_info[ask->vector].name);
	else
		json_object_set_new(o, "vector", json_null());
	telemetry_put_text(o, "metric", ask->by_bits ? "bits" : "packets");
	telemetry_put_text(o, "unit",
	                   ask->by_bits ? "bits_per_second" : "packets_per_second");
	telemetry_put_time(o, "from", (uint64_t)q->from_s * SECOND_NS);
	telemetry_put_time(o, "to", (uint64_t)to_s * SECOND_NS);
	telemetry_put_count(o, "step_seconds", (uint64_t)q->step_s);
	for (size_t i = 0; i < q->points; i++) {
		json_array_append_new(times,
		                      json_integer(q->from_s + (int64_t)i * q->step_s));
		json_array_append_new(attack, point[i].seconds > 0
		                                      ? json_integer(point[i].is_attack)
		                                      : json_null());
	}
	json_object_set_new(o, "times", times);
	json_object_set_new(o, "series", series(ask, point, q->points));
	json_object_set_new(o, "attack", attack);
	return o;
}

json_t *
telemetry_history(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct telemetry_history *h = telemetry_history_of(t);
	const struct box *box = telemetry_box(t);
	struct telemetry_history_query q;
	struct telemetry_point *point;
	json_t *o = NULL;
	int rc;

	if (h == NULL) {
		errno = ENOSYS;
		return NULL;
	}
	plan(h, ask, (int64_t)(telemetry_unix_now(box) / SECOND_NS), &q);
	point = calloc(q.points + 1, sizeof(*point));
	rc = point == NULL ? -ENOMEM : telemetry_history_read(h, &q, point);
	if (rc == 0)
		o = document(ask, box, &q, point);
	free(point);
	errno = -rc;
	return o;
}
