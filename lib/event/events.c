/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/events.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/counter.h"
#include "event/lines.h"
#include "event/sink.h"
#include "telemetry/own.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

#define QUEUE      256
#define PER_SECOND 100
#define BURST      200
#define TURN_NS    UINT64_C(100000000)
#define SECOND_NS  UINT64_C(1000000000)
#define STUCK_NS   (2 * SECOND_NS)

struct events {
	struct telemetry *telemetry;
	struct box *box;
	bool (*next_notice)(void *arg, struct notice *out);
	void *arg;
	struct event_sink sink;

	/* Only the writer's. */
	double tokens;
	uint64_t filled_ns, beat_ns, suppressed, detect_lost;
	bool is_seen; /* links and workers below are known */
	bool was_up[BOX_LINKS_MAX][2];
	bool was_stuck[BOX_WORKERS_MAX];

	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	bool is_over;
	unsigned int queued;
	uint64_t queue_lost;
	json_t *queue[QUEUE];
};

/* Lines that nobody will read; the next one that is written tells of them. */
static void
leave_out(struct events *e, uint64_t n)
{
	e->suppressed += n;
	telemetry_count_events_dropped(e->telemetry, n);
}

/* Takes over `line`. What is important passes beyond the rate. */
static void
write_line(struct events *e, json_t *line, bool is_important)
{
	char *text;
	size_t len;

	if (!is_important && e->tokens < 1) {
		leave_out(e, 1);
		json_decref(line);
		return;
	}
	e->tokens = e->tokens >= 1 ? e->tokens - 1 : 0;
	if (e->suppressed > 0)
		telemetry_put_count(line, "suppressed", e->suppressed);
	text = telemetry_text(line);
	json_decref(line);
	if (text == NULL) {
		leave_out(e, 1);
		return;
	}
	len = strlen(text);
	text[len] = '\n'; /* In the place of its NUL: the line is told by its length. */
	if (event_sink_write(&e->sink, text, len + 1))
		e->suppressed = 0;
	else
		leave_out(e, 1);
	free(text);
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
		           event.kind == DETECT_EVENT_END);
	lost = detect_events_lost(e->box->detect);
	leave_out(e, lost - e->detect_lost);
	e->detect_lost = lost;
}

/* What other threads queued. */
static void
take_queue(struct events *e)
{
	json_t *line[QUEUE];
	unsigned int n;

	pthread_mutex_lock(&e->lock);
	n = e->queued;
	memcpy(line, e->queue, n * sizeof(*line));
	e->queued = 0;
	leave_out(e, e->queue_lost);
	e->queue_lost = 0;
	pthread_mutex_unlock(&e->lock);
	for (unsigned int i = 0; i < n; i++)
		write_line(e, line[i], true);
}

static void
look_at_links(struct events *e)
{
	struct box_link link[BOX_LINKS_MAX];

	if (e->box->read_links == NULL)
		return;
	memset(link, 0, sizeof(link));
	e->box->read_links(e->box->daemon, link, e->box->n_links);
	for (unsigned int i = 0; i < 2 * e->box->n_links; i++) {
		const bool is_up = link[i / 2].port[i & 1].is_up;

		if (e->is_seen && is_up != e->was_up[i / 2][i & 1])
			write_line(e, event_line_port(e->box, &link[i / 2], i & 1),
			           false);
		e->was_up[i / 2][i & 1] = is_up;
	}
}

static void
look_at_workers(struct events *e, uint64_t now_ns)
{
	for (unsigned int i = 0; i < e->box->n_workers; i++) {
		const uint64_t last = counter_read(&e->box->worker[i].last_turn_ns);
		const bool is_stuck = now_ns > last + STUCK_NS;

		if (e->is_seen && is_stuck != e->was_stuck[i])
			write_line(e, event_line_worker(e->box, i, is_stuck), false);
		e->was_stuck[i] = is_stuck;
	}
}

void
events_turn(struct events *e)
{
	const uint64_t now = e->box->now_ns(e->box->daemon);
	struct notice notice;

	refill(e, now);
	take_attacks(e);
	take_queue(e);
	while (e->next_notice != NULL && e->next_notice(e->arg, &notice))
		write_line(e, event_line_notice(e->box, &notice), false);
	if (now < e->beat_ns + SECOND_NS && e->is_seen)
		return;
	e->beat_ns = now;
	event_sink_check(&e->sink);
	telemetry_beat(e->telemetry);
	look_at_links(e);
	look_at_workers(e, now);
	e->is_seen = true;
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
	event_sink_open(&e->sink, from->file);
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
	event_sink_close(&e->sink);
	pthread_cond_destroy(&e->wake);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

void
events_reopen(struct events *e)
{
	if (e != NULL)
		event_sink_reopen(&e->sink);
}

/* Takes over `line`. */
static void
put(struct events *e, json_t *line)
{
	pthread_mutex_lock(&e->lock);
	if (e->queued < QUEUE) {
		e->queue[e->queued++] = line;
		line = NULL;
	} else {
		e->queue_lost++;
	}
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&e->lock);
	json_decref(line);
}

void
events_tell_config(struct events *e, const struct conf_errors *errors)
{
	if (e != NULL)
		put(e, event_line_config(e->box, errors));
}

void
events_tell_list(struct events *e, const char *list, bool is_loaded,
                 const struct conf_errors *errors)
{
	json_t *line, *o;

	if (e == NULL)
		return;
	line = event_line_new(e->box, "list", telemetry_unix_now(e->box));
	o = json_object();
	telemetry_put_text(o, "name", list);
	telemetry_put_text(o, "result", is_loaded ? "loaded" : "failed");
	telemetry_put_count(o, "messages", errors->count + errors->warnings);
	if (errors->count + errors->warnings > 0) {
		telemetry_put_count(o, "first_line", errors->error[0].line);
		telemetry_put_text(o, "first_message", errors->error[0].message);
	}
	json_object_set_new(line, "list", o);
	put(e, line);
}

void
events_tell_audit(struct events *e, const char *who, const char *what,
                  const json_t *request, unsigned int status)
{
	json_t *line, *audit;

	if (e == NULL)
		return;
	line = event_line_new(e->box, "audit", telemetry_unix_now(e->box));
	audit = json_object();
	telemetry_put_text(audit, "who", who);
	telemetry_put_text(audit, "what", what);
	telemetry_put_count(audit, "status", status);
	if (request != NULL)
		json_object_set_new(audit, "request", json_deep_copy(request));
	json_object_set_new(line, "audit", audit);
	put(e, line);
}
