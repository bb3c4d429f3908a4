/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "telemetry/history_parts.h"

/* Which rows are asked for, and where they go. */
struct reading {
	const struct telemetry_history_query *query;
	struct telemetry_point *out;
	uint32_t name;
};

/* Add what is known of `seconds` from at_s on; row NULL: nothing happened then. */
static void
add_known(const struct reading *r, int64_t at_s, double seconds,
          const struct telemetry_row *row)
{
	const int64_t i = (at_s - r->query->from_s) / r->query->step_s;
	struct telemetry_point *p;

	if (at_s < r->query->from_s || (size_t)i >= r->query->points)
		return;
	p = &r->out[i];
	p->seconds += seconds;
	if (row == NULL)
		return;
	p->is_attack |= row->is_attack;
	for (unsigned int v = 0; v < TELEMETRY_PEAK_PACKETS; v++)
		p->sum[v] += (double)row->value[v] * seconds;
	for (unsigned int v = TELEMETRY_PEAK_PACKETS; v < TELEMETRY_VALUES; v++) {
		if ((double)row->value[v] > p->sum[v])
			p->sum[v] = (double)row->value[v];
	}
}

/* Adds frames from from_s on. Returns where they end, or from_s when there are none. */
static int64_t
add_frames(const struct reading *r, const struct telemetry_frames *f, int64_t from_s,
           int64_t length_s)
{
	int64_t end_s = from_s;

	for (size_t i = telemetry_frames_from(f, from_s); i < f->count; i++) {
		const struct telemetry_frame *frame = telemetry_frames_at(f, i);

		add_known(r, frame->at_s, (double)length_s,
		          telemetry_frame_row(frame, r->name, r->query->vector));
		end_s = frame->at_s + length_s;
	}
	return end_s;
}

/* Beginning of the oldest minute in memory. */
static int64_t
oldest_minute(struct telemetry_history *h)
{
	int64_t at_s = INT64_MAX;

	pthread_mutex_lock(&h->lock);
	if (h->minutes.count > 0)
		at_s = telemetry_frames_at(&h->minutes, 0)->at_s;
	pthread_mutex_unlock(&h->lock);
	return at_s;
}

static void
add_stored(void *arg, int64_t at_s, const struct store_minute *m)
{
	struct telemetry_row row = { 0 };

	if (m != NULL) {
		row.is_attack = m->is_attack;
		memcpy(row.value, m->value, sizeof(row.value));
	}
	add_known(arg, at_s, 60, m == NULL ? NULL : &row);
}

/* What is older than memory. Returns whether the store knows the service. */
static bool
read_store(struct telemetry_history *h, struct reading *r)
{
	const struct telemetry_history_query *q = r->query;
	const int64_t to_s = q->from_s + (int64_t)q->points * q->step_s;
	const int64_t oldest_s = oldest_minute(h);
	struct store *s = history_disk_store(&h->disk);

	if (s == NULL || q->step_s < 60)
		return false;
	return store_read_minutes(
		       s, q->service == NULL ? "" : q->service,
		       q->vector < VECTOR_COUNT ? vector_info[q->vector].name : "",
		       q->from_s, oldest_s < to_s ? oldest_s : to_s, add_stored, r) == 0;
}

int
telemetry_history_read(struct telemetry_history *h,
                       const struct telemetry_history_query *query,
                       struct telemetry_point *out)
{
	const bool is_whole = query->service == NULL || query->service[0] == '\0';
	struct reading r = { .query = query, .out = out };
	int64_t from_s = query->from_s;
	bool is_known;

	memset(out, 0, query->points * sizeof(*out));
	is_known = read_store(h, &r) || is_whole;
	pthread_mutex_lock(&h->lock);
	if (!is_whole)
		r.name = history_name_find(h, query->service);
	if (is_whole || r.name != 0) {
		is_known = true;
		if (query->step_s >= 60)
			from_s = add_frames(&r, &h->minutes, from_s, 60);
		/* The minute that is not over yet is known by its seconds. */
		if (query->vector == TELEMETRY_ALL_VECTORS)
			add_frames(&r, &h->seconds, from_s, 1);
	}
	pthread_mutex_unlock(&h->lock);
	return is_known ? 0 : -ENOENT;
}

int64_t
telemetry_history_seconds_from(struct telemetry_history *h)
{
	int64_t from_s = INT64_MAX;

	pthread_mutex_lock(&h->lock);
	if (h->seconds.count > 0)
		from_s = telemetry_frames_at(&h->seconds, 0)->at_s;
	pthread_mutex_unlock(&h->lock);
	return from_s;
}
