/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/history_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "telemetry/history_parts.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

#define SECOND_NS UINT64_C(1000000000)
#define RETRY_NS  (10 * SECOND_NS)

struct store *
history_disk_store(struct history_disk *d)
{
	struct store *s;

	pthread_mutex_lock(&d->lock);
	s = d->store;
	pthread_mutex_unlock(&d->lock);
	return s;
}

/* --- what is told --- */

/* Once when it begins, once when it is over. */
static void
set_trouble(struct history_disk *d, const char *text)
{
	bool was_in, is_in = text[0] != '\0';

	pthread_mutex_lock(&d->lock);
	was_in = d->trouble[0] != '\0';
	snprintf(d->trouble, sizeof(d->trouble), "%s", text);
	pthread_mutex_unlock(&d->lock);
	if (is_in != was_in && d->tell != NULL)
		d->tell(d->arg, !is_in,
		        is_in ? text : "the history is written to the disk again");
}

static void
trouble(struct history_disk *d, const char *why)
{
	char text[sizeof(d->trouble)];

	snprintf(text, sizeof(text),
	         "the history is kept in memory alone: %.80s/" STORE_FILE ": %.120s",
	         d->folder, why);
	set_trouble(d, text);
}

static void
told_aside(struct history_disk *d, const char *why)
{
	char text[sizeof(d->set_aside)];

	snprintf(text, sizeof(text),
	         "%.80s/" STORE_FILE " was damaged (%.60s) and is now " STORE_DAMAGED
	         "; a new one was begun",
	         d->folder, why);
	pthread_mutex_lock(&d->lock);
	memcpy(d->set_aside, text, sizeof(text));
	pthread_mutex_unlock(&d->lock);
	d->next_minute = 0;
	if (d->tell != NULL)
		d->tell(d->arg, false, text);
}

/* --- attacks that nobody ended --- */

struct unfinished {
	size_t n;
	char id[HISTORY_ATTACKS][TELEMETRY_ATTACK_ID];
};

static bool
gather(void *arg, const struct store_attack *a)
{
	struct unfinished *u = arg;

	snprintf(u->id[u->n++], sizeof(u->id[0]), "%s", a->id);
	return u->n < HISTORY_ATTACKS;
}

struct ended {
	struct store_attack row;
	char id[TELEMETRY_ATTACK_ID], service[HISTORY_NAME], vector[32];
	char *attack, *details;
};

/* As it was last seen, with an end at that moment. */
static bool
end_now(void *arg, const struct store_attack *a)
{
	struct ended *e = arg;
	json_t *o = json_loads(a->attack, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(o)) {
		json_decref(o);
		o = json_object();
		telemetry_put_text(o, "attack_id", a->id);
	}
	telemetry_put_text(o, "status", "ended");
	telemetry_put_time(o, "end", (uint64_t)a->updated_s * SECOND_NS);
	telemetry_put_bool(o, "interrupted", true);
	e->row = *a;
	snprintf(e->id, sizeof(e->id), "%s", a->id);
	snprintf(e->service, sizeof(e->service), "%s", a->service);
	snprintf(e->vector, sizeof(e->vector), "%s", a->vector);
	e->attack = telemetry_text(o);
	e->details = strdup(a->details);
	json_decref(o);
	return true;
}

static int
end_one(struct store *s, const char *id)
{
	struct ended e = { 0 };
	int rc = store_read_attack(s, id, end_now, &e);

	if (rc == 0 && e.attack != NULL && e.details != NULL) {
		e.row.id = e.id;
		e.row.service = e.service;
		e.row.vector = e.vector;
		e.row.attack = e.attack;
		e.row.details = e.details;
		e.row.ended_s = e.row.updated_s;
		rc = store_put_attack(s, &e.row);
	}
	free(e.attack);
	free(e.details);
	return rc;
}

static void
end_unfinished(struct store *s)
{
	struct unfinished *u = calloc(1, sizeof(*u));
	char why[STORE_WHY];

	if (u != NULL && store_read_attacks(s, 0, true, gather, u) > 0 &&
	    store_begin(s, why) == 0) {
		int rc = 0;

		for (size_t i = 0; rc == 0 && i < u->n; i++)
			rc = end_one(s, u->id[i]);
		if (rc < 0 || store_commit(s, why) < 0)
			store_undo(s);
	}
	free(u);
}

/* --- opening --- */

/* Try to have a store. Numbers of attacks go on where the last process ended. */
static void
open_store(struct history_disk *d)
{
	struct box *box = d->history->box;
	char why[STORE_WHY];
	struct store *s;
	bool is_new_begun;
	size_t n;
	int rc;

	rc = store_open(&d->settings, &s, &is_new_begun, why);
	if (rc == -ENOSYS || rc == -EPROTO)
		d->next_try_ns = UINT64_MAX;
	if (rc == -ENOSYS)
		log_info("%s", why);
	else if (rc < 0)
		trouble(d, why);
	if (rc < 0)
		return;
	free(telemetry_attacks_copy(box, &n));
	/* Later on, ids that were already told must not change. */
	if (n == 0)
		__atomic_store_n(&box->attack_base, store_last_number(s),
		                 __ATOMIC_RELAXED);
	end_unfinished(s);
	pthread_mutex_lock(&d->lock);
	d->store = s;
	pthread_mutex_unlock(&d->lock);
	if (is_new_begun) {
		d->is_checked = true;
		told_aside(d, why);
	}
	set_trouble(d, "");
}

static void
set_aside(struct history_disk *d, const char *damage)
{
	char why[STORE_WHY];
	struct history_attacks *attacks = &d->history->attacks;

	if (store_set_aside(d->store, why) < 0) {
		trouble(d, why);
		return;
	}
	told_aside(d, damage);
	/* The new one shall know of what runs, and of what memory still has. */
	pthread_mutex_lock(&attacks->lock);
	for (unsigned int i = 0; i < attacks->count; i++)
		attacks->attack[i]->is_dirty = true;
	pthread_mutex_unlock(&attacks->lock);
}

static void
check(struct history_disk *d)
{
	char why[STORE_WHY];

	d->is_checked = true;
	if (store_check(d->store, why) == -EUCLEAN)
		set_aside(d, why);
}

/* --- one pass --- */

static bool
has_work(struct history_disk *d, uint64_t now_ns)
{
	struct telemetry_history *h = d->history;
	bool has = false;

	pthread_mutex_lock(&h->lock);
	has = d->next_minute < h->minutes.dropped + h->minutes.count;
	pthread_mutex_unlock(&h->lock);
	pthread_mutex_lock(&d->lock);
	has = has || d->events > 0;
	pthread_mutex_unlock(&d->lock);
	pthread_mutex_lock(&h->attacks.lock);
	for (unsigned int i = 0; !has && i < h->attacks.count; i++)
		has = history_rows_due(h->attacks.attack[i], now_ns);
	pthread_mutex_unlock(&h->attacks.lock);
	return has;
}

/* All that is new in one transaction. Returns 0, or -errno with a sentence. */
static int
write_all(struct history_disk *d, uint64_t now_ns, char why[STORE_WHY])
{
	uint64_t saved[HISTORY_ATTACKS], next = d->next_minute;
	unsigned int attacks = 0, events = 0;
	int rc = store_begin(d->store, why);

	if (rc < 0)
		return rc;
	rc = history_rows_minutes(d, &next);
	if (rc == 0)
		rc = history_rows_attacks(d, now_ns, saved, &attacks);
	if (rc == 0)
		rc = history_rows_events(d, &events);
	if (rc < 0)
		store_why(d->store, why);
	else
		rc = store_commit(d->store, why);
	if (rc < 0)
		store_undo(d->store);
	history_rows_mark(d, saved, attacks, rc == 0,
	                  now_ns == HISTORY_CLOSING_NS ? 1 : now_ns);
	if (rc == 0) {
		d->next_minute = next;
		history_rows_forget(d, events);
	}
	return rc;
}

static int
write_and_trim(struct history_disk *d, uint64_t now_ns, char why[STORE_WHY])
{
	const int64_t now_s = (int64_t)(telemetry_unix_now(d->history->box) / SECOND_NS);
	int rc = write_all(d, now_ns, why);

	/* Our own size may be what is full: then there is room after this. */
	if (rc == -ENOSPC && store_trim(d->store, now_s, why) > 0)
		rc = write_all(d, now_ns, why);
	if (rc == 0 && store_trim(d->store, now_s, why) < 0)
		rc = -EIO;
	return rc;
}

static void
turn(struct history_disk *d, uint64_t now_ns, uint64_t clock_ns)
{
	char why[STORE_WHY] = "";
	int rc;

	if (d->store == NULL && clock_ns >= d->next_try_ns) {
		d->next_try_ns = clock_ns + RETRY_NS;
		open_store(d);
	}
	if (d->store == NULL)
		return;
	if (!d->is_checked)
		check(d);
	if (clock_ns < d->next_try_ns || !has_work(d, now_ns))
		return;
	rc = write_and_trim(d, now_ns, why);
	if (rc == -EUCLEAN)
		set_aside(d, why);
	else if (rc < 0)
		trouble(d, why);
	else
		set_trouble(d, "");
	d->next_try_ns = rc < 0 ? clock_ns + RETRY_NS : 0;
}

void
history_disk_turn(struct history_disk *d)
{
	const uint64_t now_ns = d->history->box->now_ns(d->history->box->daemon);

	if (d->is_wanted)
		turn(d, now_ns, now_ns);
}

struct store *
telemetry_history_store(struct telemetry_history *h)
{
	return h == NULL ? NULL : history_disk_store(&h->disk);
}

void
telemetry_history_write(struct telemetry_history *h)
{
	history_disk_turn(&h->disk);
}

void
telemetry_history_warn(struct telemetry_history *h, json_t *warnings)
{
	if (h == NULL)
		return;
	pthread_mutex_lock(&h->disk.lock);
	if (h->disk.trouble[0] != '\0')
		json_array_append_new(warnings, json_string(h->disk.trouble));
	if (h->disk.set_aside[0] != '\0')
		json_array_append_new(warnings, json_string(h->disk.set_aside));
	pthread_mutex_unlock(&h->disk.lock);
}

int
telemetry_history_trouble(struct telemetry_history *h)
{
	int is_in;

	if (h == NULL || !h->disk.is_wanted)
		return -1;
	pthread_mutex_lock(&h->disk.lock);
	is_in = h->disk.trouble[0] != '\0';
	pthread_mutex_unlock(&h->disk.lock);
	return is_in;
}

static void *
writer(void *arg)
{
	struct history_disk *d = arg;
	bool is_over = false;

	while (!is_over) {
		struct timespec until;

		history_disk_turn(d);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec++;
		pthread_mutex_lock(&d->lock);
		if (!d->is_over)
			pthread_cond_timedwait(&d->wake, &d->lock, &until);
		is_over = d->is_over;
		pthread_mutex_unlock(&d->lock);
	}
	return NULL;
}

/* --- open and close --- */

int
history_disk_open(struct history_disk *d, struct telemetry_history *h,
                  const struct telemetry_history_from *from)
{
	pthread_condattr_t clock;

	d->history = h;
	d->tell = from->tell;
	d->arg = from->arg;
	d->is_wanted = from->folder != NULL;
	pthread_mutex_init(&d->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&d->wake, &clock);
	pthread_condattr_destroy(&clock);
	if (!d->is_wanted)
		return 0;
	snprintf(d->folder, sizeof(d->folder), "%s", from->folder);
	d->settings = (struct store_settings){ .folder = d->folder,
		                               .most_bytes = from->size,
		                               .keep_s = from->keep_s };
	open_store(d);
	return 0;
}

int
history_disk_start(struct history_disk *d)
{
	int rc;

	if (!d->is_wanted)
		return 0;
	rc = -pthread_create(&d->thread, NULL, writer, d);
	if (rc == 0) {
		d->has_thread = true;
		pthread_setname_np(d->thread, "tg-store");
	}
	return rc;
}

void
history_disk_stop(struct history_disk *d)
{
	if (d->has_thread) {
		pthread_mutex_lock(&d->lock);
		d->is_over = true;
		pthread_cond_signal(&d->wake);
		pthread_mutex_unlock(&d->lock);
		pthread_join(d->thread, NULL);
		d->has_thread = false;
	}
	d->tell = NULL;
}

void
history_disk_close(struct history_disk *d)
{
	if (d->history == NULL)
		return;
	/* The last minute is not whole, and yet what it knows is not to be lost. */
	if (d->store != NULL) {
		turn(d, HISTORY_CLOSING_NS, UINT64_MAX);
		end_unfinished(d->store);
	}
	history_rows_forget(d, d->events);
	store_close(d->store);
	pthread_cond_destroy(&d->wake);
	pthread_mutex_destroy(&d->lock);
}
