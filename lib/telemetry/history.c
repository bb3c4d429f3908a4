/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "telemetry/history_parts.h"
#include "telemetry/own.h"
#include "telemetry/view.h"

#define SECOND_NS UINT64_C(1000000000)

/* --- names --- */

uint32_t
history_name_find(const struct telemetry_history *h, const char *name)
{
	for (size_t i = 1; i < h->names; i++) {
		if (strcmp(h->name[i], name) == 0)
			return (uint32_t)i;
	}
	return 0;
}

uint32_t
history_name(struct telemetry_history *h, const char *name)
{
	uint32_t found = history_name_find(h, name);

	if (found != 0 || h->names == HISTORY_NAMES)
		return found;
	if (h->names == h->names_room) {
		const size_t room = h->names_room * 2;
		void *grown = realloc(h->name, room * sizeof(*h->name));

		if (grown == NULL)
			return 0;
		h->name = grown;
		h->names_room = room;
	}
	snprintf(h->name[h->names], HISTORY_NAME, "%s", name);
	return (uint32_t)h->names++;
}

/* --- one second --- */

static void
keep(struct telemetry_history *h, struct telemetry_frames *frames, int64_t at_s,
     size_t rows)
{
	pthread_mutex_lock(&h->lock);
	/* Without memory there is a hole in what is drawn, and nothing worse. */
	(void)telemetry_frames_add(frames, at_s, h->row, rows);
	pthread_mutex_unlock(&h->lock);
}

static void
end_minute(struct telemetry_history *h, int64_t next_s)
{
	if (h->minute_ns > 0)
		keep(h, &h->minutes, h->minute_s, history_count_minute(h));
	h->minute_s = next_s;
}

void
telemetry_history_turn(struct telemetry_history *h)
{
	const uint64_t now_ns = h->box->now_ns(h->box->daemon);
	const int64_t now_s = (int64_t)(telemetry_unix(h->box, now_ns) / SECOND_NS);
	const int64_t at_s = now_s - 1; /* what was counted since is the second before */
	size_t rows;

	if (now_s == h->last_s)
		return;
	h->last_s = now_s;
	if (h->minute_s != at_s / 60 * 60)
		end_minute(h, at_s / 60 * 60);
	rows = history_count(h, now_ns);
	if (rows > 0)
		keep(h, &h->seconds, at_s, rows);
}

/* --- the thread --- */

/* Until shortly after the next whole second of the wall. */
static struct timespec
next_turn(const struct telemetry_history *h)
{
	const uint64_t unix_ns = telemetry_unix_now(h->box);
	const uint64_t wait_ns = SECOND_NS - unix_ns % SECOND_NS + 500000;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(wait_ns / SECOND_NS);
	until.tv_nsec += (long)(wait_ns % SECOND_NS);
	if (until.tv_nsec >= (long)SECOND_NS) {
		until.tv_nsec -= (long)SECOND_NS;
		until.tv_sec++;
	}
	return until;
}

static void *
remember(void *arg)
{
	struct telemetry_history *h = arg;
	bool is_over = false;

	while (!is_over) {
		const struct timespec until = next_turn(h);

		telemetry_history_turn(h);
		pthread_mutex_lock(&h->lock);
		if (!h->is_over)
			pthread_cond_timedwait(&h->wake, &h->lock, &until);
		is_over = h->is_over;
		pthread_mutex_unlock(&h->lock);
	}
	return NULL;
}

/* --- open and close --- */

static int
take_memory(struct telemetry_history *h, uint64_t memory)
{
	const size_t half = (size_t)(memory / 2);

	h->place = calloc(HISTORY_PLACES, sizeof(*h->place));
	h->row = calloc((size_t)HISTORY_PLACES * HISTORY_SLOTS, sizeof(*h->row));
	h->now_name = calloc(SERVICE_MAX, sizeof(*h->now_name));
	h->attacked = calloc(SERVICE_MAX, sizeof(*h->attacked));
	h->names_room = 64;
	h->names = 1;
	h->name = calloc(h->names_room, sizeof(*h->name));
	if (h->place == NULL || h->row == NULL || h->now_name == NULL ||
	    h->attacked == NULL || h->name == NULL)
		return -ENOMEM;
	if (telemetry_frames_open(&h->seconds, HISTORY_SECONDS, half) < 0)
		return -ENOMEM;
	return telemetry_frames_open(&h->minutes, HISTORY_MINUTES, half);
}

static int
start_thread(struct telemetry_history *h)
{
	int rc = -pthread_create(&h->thread, NULL, remember, h);

	if (rc < 0)
		return rc;
	h->has_thread = true;
	pthread_setname_np(h->thread, "tg-history");
	return 0;
}

struct telemetry_history *
telemetry_history_open(const struct telemetry_history_from *from)
{
	struct telemetry_history *h = calloc(1, sizeof(*h));
	pthread_condattr_t clock;
	int rc;

	if (h == NULL)
		return NULL;
	h->telemetry = from->telemetry;
	h->box = telemetry_box(from->telemetry);
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&h->wake, &clock);
	pthread_condattr_destroy(&clock);
	history_count_open(h);
	rc = take_memory(h, from->memory);
	if (rc == 0)
		rc = history_attacks_open(&h->attacks, h->telemetry);
	if (rc == 0)
		rc = history_disk_open(&h->disk, h, from);
	if (rc == 0)
		telemetry_history_turn(h);
	if (rc == 0 && from->has_thread)
		rc = start_thread(h);
	if (rc == 0 && from->has_thread)
		rc = history_disk_start(&h->disk);
	if (rc < 0) {
		telemetry_history_close(h);
		errno = -rc;
		return NULL;
	}
	telemetry_history_attach(h->telemetry, h);
	return h;
}

void
telemetry_history_stop(struct telemetry_history *h)
{
	if (h == NULL)
		return;
	if (h->has_thread) {
		pthread_mutex_lock(&h->lock);
		h->is_over = true;
		pthread_cond_signal(&h->wake);
		pthread_mutex_unlock(&h->lock);
		pthread_join(h->thread, NULL);
		h->has_thread = false;
	}
	history_disk_stop(&h->disk);
}

void
telemetry_history_close(struct telemetry_history *h)
{
	if (h == NULL)
		return;
	telemetry_history_stop(h);
	telemetry_history_attach(h->telemetry, NULL);
	/* Of the minute that is not over at least its beginning is kept. */
	if (h->place != NULL && h->minutes.frame != NULL)
		end_minute(h, h->minute_s);
	history_disk_close(&h->disk);
	history_attacks_close(&h->attacks);
	if (h->seconds.frame != NULL)
		telemetry_frames_close(&h->seconds);
	if (h->minutes.frame != NULL)
		telemetry_frames_close(&h->minutes);
	free(h->place);
	free(h->row);
	free(h->now_name);
	free(h->attacked);
	free(h->name);
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
