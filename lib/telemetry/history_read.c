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

int
telemetry_history_read(struct telemetry_history *h,
                       const struct telemetry_history_query *query,
                       struct telemetry_point *out)
{
	const bool is_whole = query->service == NULL || query->service[0] == '\0';
	struct reading r = { .query = query, .out = out };
	int64_t from_s = query->from_s;

	memset(out, 0, query->points * sizeof(*out));
	pthread_mutex_lock(&h->lock);
	if (!is_whole)
		r.name = history_name_find(h, query->service);
	if (is_whole || r.name != 0) {
		if (query->step_s >= 60)
			from_s = add_frames(&r, &h->minutes, from_s, 60);
		/* The minute that is not over yet is known by its seconds. */
		if (query->vector == TELEMETRY_ALL_VECTORS)
			add_frames(&r, &h->seconds, from_s, 1);
	}
	pthread_mutex_unlock(&h->lock);
	return is_whole || r.name != 0 ? 0 : -ENOENT;
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
