/* SPDX-License-Identifier: BSD-3-Clause */
/* lists_watch - the thread that looks after the files, and what is done by call. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "lists_parts.h"

#define NICENESS 10 /* joining takes seconds, and the tick of control shall not wait */

static void
tell_log(const struct conf_errors *errors)
{
	for (size_t i = 0; i < errors->count + errors->warnings; i++) {
		const struct conf_error *e = &errors->error[i];

		if (e->line > 0)
			log_warning("%s:%u: %s", e->file, e->line, e->message);
		else
			log_warning("%s%s%s", e->file, e->file[0] == '\0' ? "" : ": ",
			            e->message);
	}
}

/* Under `lock`: whether anything is due. */
static bool
is_due(const struct lists *l, uint64_t now_ns)
{
	for (size_t i = 0; i < l->now.count; i++)
		if (l->now.one[i].due_ns != 0 && now_ns >= l->now.one[i].due_ns)
			return true;
	return false;
}

void
lists_turn(struct lists *l, uint64_t now_ns)
{
	struct lists_ask ask = { .now_ns = now_ns };
	struct conf_errors errors = { 0 };
	struct lists_next *next;
	bool due;

	pthread_mutex_lock(&l->lock);
	due = is_due(l, now_ns);
	pthread_mutex_unlock(&l->lock);
	if (!due)
		return;
	pthread_mutex_lock(&l->load);
	ask.settings = l->engine->settings;
	if (lists_make_next(l, &ask, &next, &errors) == 0)
		lists_put_in_force(l, next, &errors);
	pthread_mutex_unlock(&l->load);
	tell_log(&errors);
	conf_errors_free(&errors);
}

/* --- by call --- */

static int
reload_one(void *daemon, const char *name, struct conf_errors *errors)
{
	struct lists *l = ((struct engine *)daemon)->lists;
	struct lists_ask ask = { .name = name };
	struct lists_next *next;
	size_t at;
	int rc = 0;

	pthread_mutex_lock(&l->load);
	ask.settings = l->engine->settings;
	at = lists_find(&l->now, name);
	if (at == l->now.count)
		rc = -ENOENT;
	else if (l->now.one[at].shown.file[0] == '\0')
		rc = -ENODATA;
	if (rc == 0)
		rc = lists_make_next(l, &ask, &next, errors);
	if (rc == 0) {
		const bool is_failed = next->all.one[at].shown.state == BOX_LIST_FAILED;

		rc = lists_put_in_force(l, next, errors);
		if (rc == 0 && is_failed)
			rc = -EINVAL;
	}
	pthread_mutex_unlock(&l->load);
	return rc;
}

static size_t
read_lists(void *daemon, struct box_list *out, size_t n)
{
	struct lists *l = ((struct engine *)daemon)->lists;
	size_t count;

	pthread_mutex_lock(&l->lock);
	count = l->now.count;
	for (size_t i = 0; i < count && i < n; i++)
		out[i] = l->now.one[i].shown;
	pthread_mutex_unlock(&l->lock);
	return count;
}

void
lists_attach(struct engine *e)
{
	e->box.lists_read = read_lists;
	e->box.list_reload = reload_one;
	e->box.list_entry = lists_made_change;
	e->box.list_entries = lists_made_read;
}

/* --- the thread --- */

static void *
look_after(void *arg)
{
	struct lists *l = arg;
	struct timespec until;

	setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
	pthread_mutex_lock(&l->lock);
	while (!l->is_stopping) {
		pthread_mutex_unlock(&l->lock);
		lists_turn(l, l->engine->clock());
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 250000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_mutex_lock(&l->lock);
		if (!l->is_stopping)
			pthread_cond_timedwait(&l->wake, &l->lock, &until);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

int
lists_start(struct lists *l, const struct lists_ear *ear)
{
	int rc;

	pthread_mutex_lock(&l->load);
	l->ear = *ear;
	pthread_mutex_unlock(&l->load);
	rc = -pthread_create(&l->thread, NULL, look_after, l);
	l->is_started = rc == 0;
	return rc;
}

void
lists_stop(struct lists *l)
{
	if (!l->is_started)
		return;
	pthread_mutex_lock(&l->lock);
	l->is_stopping = true;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	l->is_started = false;
	/* Who would be told ends now too. */
	l->ear = (struct lists_ear){ 0 };
}
