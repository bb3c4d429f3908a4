/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/events.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/counter.h"
#include "event/ended.h"
#include "event/lines.h"
#include "event/look.h"
#include "event/outlets.h"
#include "event/parts.h"
#include "event/tail.h"
#include "telemetry/own.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

#define QUEUE      256
#define PER_SECOND 100
#define BURST      200
#define TURN_NS    UINT64_C(100000000)
#define SECOND_NS  UINT64_C(1000000000)

struct events {
	struct telemetry *telemetry;
	struct box *box;
	bool (*next_notice)(void *arg, struct notice *out);
	void *arg;
	struct event_outlets out;
	struct event_tail tail;

	/* Only the writer's. */
	double tokens;
	uint64_t filled_ns, beat_ns, suppressed, detect_lost, seq;
	struct event_look look;
	struct event_ended ended;

	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	bool is_over;
	unsigned int queued;
	uint64_t queue_lost;
	struct {
		json_t *line;
		bool is_important;
	} queue[QUEUE];
	bool has_settings; /* that wait to be applied */
	struct settings_events settings;
	unsigned int listeners;
	struct events_listener listener[EVENTS_LISTENERS];
};

struct box *
events_box(const struct events *e)
{
	return e->box;
}

/* Lines that nobody will read; the next one that is written tells of them. */
static void
leave_out(struct events *e, uint64_t n)
{
	e->suppressed += n;
	telemetry_count_events_dropped(e->telemetry, n);
}

/* "2026-11-21T22:30:01.123456+0000", as event_line_new() wrote it. */
static uint64_t
time_of(const char *timestamp)
{
	struct tm tm = { 0 };
	const char *rest = strptime(timestamp, "%Y-%m-%dT%H:%M:%S.", &tm);

	if (rest == NULL)
		return 0;
	return (uint64_t)timegm(&tm) * SECOND_NS + strtoull(rest, NULL, 10) * 1000;
}

static const char *
text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

static void
let_hear(struct events *e, const struct events_told *told)
{
	struct events_listener listener[EVENTS_LISTENERS];
	unsigned int n;

	pthread_mutex_lock(&e->lock);
	n = e->listeners;
	memcpy(listener, e->listener, n * sizeof(*listener));
	pthread_mutex_unlock(&e->lock);
	for (unsigned int i = 0; i < n; i++)
		listener[i].hear(listener[i].arg, told);
}

/* Give the event its number, and make of it what everybody is told. False: out of memory. */
static bool
number(struct events *e, json_t *event, char **text, struct events_told *told)
{
	const char *type = text_of(event, "event_type");

	telemetry_put_count(event, "seq", e->seq + 1);
	if (e->suppressed > 0)
		telemetry_put_count(event, "suppressed", e->suppressed);
	*text = telemetry_text(event);
	if (*text == NULL)
		return false;
	*told = (struct events_told){
		.seq = e->seq + 1,
		.unix_ns = time_of(text_of(event, "timestamp")),
		.type = type,
		.status = text_of(json_object_get(event, type), "status"),
		.event = event,
		.line = *text,
		.len = strlen(*text),
	};
	return true;
}

/* The number is used, and who keeps events or listens gets it. */
static void
spread(struct events *e, const struct events_told *told)
{
	e->seq = told->seq;
	e->suppressed = 0;
	counter_set(&telemetry_own(e->telemetry)->events_seq, e->seq);
	event_tail_add(&e->tail, e->seq, told->event);
	let_hear(e, told);
}

/* Takes over `line`. What is important passes beyond the rate. Returns whether it was told. */
static bool
write_line(struct events *e, json_t *line, bool is_important)
{
	struct events_told told;
	char *text = NULL;
	bool is_told = false;

	if (!is_important && e->tokens < 1) {
		leave_out(e, 1);
		json_decref(line);
		return false;
	}
	e->tokens = e->tokens >= 1 ? e->tokens - 1 : 0;
	if (number(e, line, &text, &told)) {
		event_outlets_write(&e->out, &told);
		spread(e, &told);
		is_told = true;
	} else {
		leave_out(e, 1);
	}
	json_decref(line);
	free(text);
	return is_told;
}

/* A file that is broken is tried with the event that it works again, once a second. */
static void
hope(struct events *e)
{
	json_t *line = event_outlets_hope(&e->out, e->box);
	struct events_told told;
	char *text = NULL;

	if (line == NULL)
		return;
	if (number(e, line, &text, &told) &&
	    event_sink_try(&e->out.sink, told.line, told.len)) {
		event_outlets_hope_came_true(&e->out);
		event_outlets_write_rest(&e->out, &told);
		spread(e, &told);
	}
	json_decref(line);
	free(text);
}

static void
write_usual(void *arg, json_t *line)
{
	write_line(arg, line, false);
}

static void
write_important(void *arg, json_t *line)
{
	write_line(arg, line, true);
}

static void
refill(struct events *e, uint64_t now_ns)
{
	if (now_ns > e->filled_ns)
		e->tokens += (double)(now_ns - e->filled_ns) / 1e9 * PER_SECOND;
	if (e->tokens > BURST)
		e->tokens = BURST;
	e->filled_ns = now_ns;
}

static void
take_attacks(struct events *e)
{
	struct detect_event event;
	uint64_t lost;

	if (e->box->detect == NULL)
		return;
	while (detect_next_event(e->box->detect, &event))
		write_line(e, event_line_attack(e->box, &event),
		           event.kind == DETECT_EVENT_START ||
		                   event.kind == DETECT_EVENT_END);
	lost = detect_events_lost(e->box->detect);
	leave_out(e, lost - e->detect_lost);
	e->detect_lost = lost;
}

/* What other threads queued. */
static void
take_queue(struct events *e)
{
	typeof(e->queue) taken;
	unsigned int n;

	pthread_mutex_lock(&e->lock);
	n = e->queued;
	memcpy(taken, e->queue, n * sizeof(*taken));
	e->queued = 0;
	leave_out(e, e->queue_lost);
	e->queue_lost = 0;
	pthread_mutex_unlock(&e->lock);
	for (unsigned int i = 0; i < n; i++)
		write_line(e, taken[i].line, taken[i].is_important);
}

static void
take_notices(struct events *e)
{
	struct notice n;

	while (e->next_notice != NULL && e->next_notice(e->arg, &n)) {
		/* The end of what was never told would surprise. */
		if (write_line(e, event_line_notice(e->box, &n), false))
			event_ended_add(&e->ended, &n);
	}
}

static void
end_block(void *arg, const struct notice *block)
{
	struct events *e = arg;

	write_line(e, event_line_notice_over(e->box, block), false);
}

/* Under way to elsewhere, if somebody said so. */
static void
take_settings(struct events *e)
{
	struct settings_events set = { 0 };
	bool has;

	pthread_mutex_lock(&e->lock);
	has = e->has_settings;
	if (has)
		set = e->settings;
	e->has_settings = false;
	pthread_mutex_unlock(&e->lock);
	if (!has)
		return;
	event_outlets_apply(&e->out, &set, e->box->node);
	conf_release(settings_event_fields, &set);
}

/* What needs a look only once a second. */
static void
beat(struct events *e, uint64_t now_ns)
{
	event_outlets_check(&e->out);
	hope(e);
	event_ended_turn(&e->ended, now_ns, end_block, e);
	event_look(&e->look, e->telemetry, now_ns,
	           &(struct event_line_to){ .put = write_usual, .arg = e });
}

void
events_turn(struct events *e)
{
	const uint64_t now = e->box->now_ns(e->box->daemon);

	refill(e, now);
	take_settings(e);
	take_attacks(e);
	take_queue(e);
	take_notices(e);
	if (now >= e->beat_ns + SECOND_NS || !e->look.is_seen) {
		e->beat_ns = now;
		beat(e, now);
	}
	event_outlets_troubles(
		&e->out, e->box,
		&(struct event_line_to){ .put = write_important, .arg = e });
}

static void *
writer(void *arg)
{
	struct events *e = arg;
	bool is_over = false;
	sigset_t all;

	/* A reader of standard output that went away must not end the process. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	while (!is_over) {
		struct timespec until;

		events_turn(e);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += (long)TURN_NS;
		if (until.tv_nsec >= (long)SECOND_NS) {
			until.tv_nsec -= (long)SECOND_NS;
			until.tv_sec++;
		}
		pthread_mutex_lock(&e->lock);
		if (!e->is_over)
			pthread_cond_timedwait(&e->wake, &e->lock, &until);
		is_over = e->is_over;
		pthread_mutex_unlock(&e->lock);
	}
	return NULL;
}

/* For telemetry, which cannot know this room. */
static json_t *
read_tail(void *arg, const struct telemetry_ask *ask)
{
	struct events *e = arg;
	const uint64_t now = telemetry_unix_now(e->box);
	struct event_tail_ask want = { .has_since = ask->has_since,
		                       .since = ask->since,
		                       .type = ask->type,
		                       .limit = ask->limit };
	json_t *o = telemetry_document_new(e->box, NULL);
	char from[TELEMETRY_TIME_TEXT];

	if (!ask->has_since && ask->since_when.kind != TELEMETRY_NEVER) {
		const int64_t at_s = telemetry_when_of(&ask->since_when,
		                                       (int64_t)(now / SECOND_NS), 0);

		telemetry_time_eve((uint64_t)at_s * SECOND_NS, from);
		want.from = from;
	}
	event_tail_read(&e->tail, &want, o);
	return o;
}

struct events *
events_open(const struct events_from *from)
{
	struct events *e = calloc(1, sizeof(*e));
	int rc;

	if (e == NULL)
		return NULL;
	e->telemetry = from->telemetry;
	e->box = telemetry_box(from->telemetry);
	e->next_notice = from->next_notice;
	e->arg = from->arg;
	e->tokens = BURST;
	e->filled_ns = e->box->now_ns(e->box->daemon);
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->wake, NULL);
	event_tail_open(&e->tail);
	event_outlets_open(&e->out, telemetry_own(from->telemetry)->sink,
	                   from->journal_socket != NULL ? from->journal_socket
	                                                : EVENT_JOURNAL_SOCKET);
	/* Before the first event, so that none goes nowhere. */
	if (from->settings != NULL)
		event_outlets_apply(&e->out, from->settings, e->box->node);
	telemetry_set_events(e->telemetry, read_tail, e);
	if (!from->has_thread)
		return e;
	rc = pthread_create(&e->thread, NULL, writer, e);
	if (rc != 0) {
		events_close(e);
		errno = rc;
		return NULL;
	}
	e->has_thread = true;
	pthread_setname_np(e->thread, "tg-events");
	return e;
}

void
events_close(struct events *e)
{
	if (e == NULL)
		return;
	if (e->has_thread) {
		pthread_mutex_lock(&e->lock);
		e->is_over = true;
		pthread_cond_signal(&e->wake);
		pthread_mutex_unlock(&e->lock);
		pthread_join(e->thread, NULL);
	}
	events_turn(e);
	telemetry_set_events(e->telemetry, NULL, NULL);
	event_outlets_close(&e->out);
	event_tail_close(&e->tail);
	if (e->has_settings)
		conf_release(settings_event_fields, &e->settings);
	pthread_cond_destroy(&e->wake);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

void
events_reopen(struct events *e)
{
	if (e != NULL)
		event_outlets_reopen(&e->out);
}

void
events_configure(struct events *e, const struct settings_events *settings)
{
	struct settings_events set = { 0 }, before = { 0 };

	if (e == NULL)
		return;
	conf_copy(settings_event_fields, settings, &set);
	pthread_mutex_lock(&e->lock);
	if (e->has_settings)
		before = e->settings;
	e->settings = set;
	e->has_settings = true;
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&e->lock);
	conf_release(settings_event_fields, &before);
}

int
events_listen(struct events *e, const struct events_listener *listener)
{
	int rc = 0;

	pthread_mutex_lock(&e->lock);
	if (e->listeners < EVENTS_LISTENERS)
		e->listener[e->listeners++] = *listener;
	else
		rc = -ENOSPC;
	pthread_mutex_unlock(&e->lock);
	return rc;
}

void
events_put(struct events *e, json_t *line, bool is_important)
{
	const unsigned int room = is_important ? QUEUE : QUEUE / 2;

	pthread_mutex_lock(&e->lock);
	if (e->queued < room) {
		e->queue[e->queued].line = line;
		e->queue[e->queued++].is_important = is_important;
		line = NULL;
	} else {
		e->queue_lost++;
	}
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&e->lock);
	json_decref(line);
}
