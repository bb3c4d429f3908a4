/* SPDX-License-Identifier: BSD-3-Clause */
#include "change.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_rcu_qsbr.h>

#include "base/log.h"
#include "engine.h"
#include "lists.h"
#include "policy/list_set.h"

#define GRACE_MS                                                                         \
	1000 /* how long a change waits for workers before it leaves the rest to later */
#define ASK_MS 2000

static void
sleep_ms(unsigned int ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = (long)ms * 1000000 }, NULL);
}

/* The reader that has not come round yet. */
static unsigned int
straggler(struct engine *e)
{
	for (unsigned int id = 0; id <= e->n_workers; id++) {
		uint64_t seen =
			__atomic_load_n(&e->rcu->qsbr_cnt[id].cnt, __ATOMIC_RELAXED);

		if (seen != __RTE_QSBR_CNT_THR_OFFLINE && seen < e->token)
			return id;
	}
	return e->n_workers;
}

/* Free the retired snapshot when its grace period is over. */
static bool
collect(struct engine *e, unsigned int wait_ms)
{
	for (; e->retired != NULL; wait_ms--) {
		if (rte_rcu_qsbr_check(e->rcu, e->token, false)) {
			policy_free(e->retired);
			e->retired = NULL;
		} else if (wait_ms == 0) {
			return false;
		} else {
			sleep_ms(1);
		}
	}
	return true;
}

bool
change_is_free(struct engine *e)
{
	return collect(e, 0);
}

static int
refuse_pending(struct engine *e, struct conf_errors *errors)
{
	unsigned int id = straggler(e);

	if (id == e->n_workers)
		conf_fail(errors, NULL,
		          "the control core still holds an older configuration; "
		          "try again, and if that does not help restart");
	else
		conf_fail(errors, NULL,
		          "worker %u still holds an older configuration; try "
		          "again, and if that does not help restart",
		          id);
	return -EBUSY;
}

/* Build from `settings` and what was set by hand, and put it in force. */
int
change_apply(struct engine *e, struct settings *settings, struct conf_errors *errors)
{
	struct policies *before = atomic_load(&e->policies), *next;
	struct policy_overrides *over;
	int rc;

	if (!collect(e, 0))
		return refuse_pending(e, errors);
	over = calloc(1, sizeof(*over));
	if (over == NULL)
		return -ENOMEM;
	over->block = e->block;
	over->blocks = e->blocks;
	over->lists = e->list_set;
	over->mode_all = e->mode_all;
	over->filter = e->filters.spec;
	over->filters = e->filters.count;
	memcpy(over->mode, e->mode, sizeof(over->mode));
	rc = policy_build(settings, before, over, &next, errors);
	free(over);
	if (rc < 0)
		return rc;

	/* Readers on the control side hold box.lock; workers are waited for below. */
	pthread_mutex_lock(&e->box.lock);
	atomic_store_explicit(&e->policies, next, memory_order_release);
	e->box.policies = next;
	e->box.settings = settings;
	if (settings != e->settings) {
		settings_free(e->settings);
		e->settings = settings;
	}
	pthread_mutex_unlock(&e->box.lock);
	e->is_stale = false;
	e->token = rte_rcu_qsbr_start(e->rcu);
	e->retired = before;
	collect(e, GRACE_MS);
	return 0;
}

/* The same with other lists, which are kept when it succeeds. */
static int
apply_lists(struct engine *e, struct settings *settings, struct list_set *set,
            struct conf_errors *errors)
{
	struct list_set *before = e->list_set;
	int rc;

	e->list_set = set;
	rc = change_apply(e, settings, errors);
	if (rc < 0) {
		e->list_set = before;
		return rc;
	}
	list_set_hold(set);
	list_set_release(before);
	return 0;
}

int
change_lists(struct engine *e, struct list_set *set, struct conf_errors *errors)
{
	int rc;

	pthread_mutex_lock(&e->change_lock);
	rc = apply_lists(e, e->settings, set, errors);
	pthread_mutex_unlock(&e->change_lock);
	return rc;
}

static void
count_reload(struct engine *e, int rc)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	pthread_mutex_lock(&e->box.lock);
	e->box.is_last_reload_refused = rc != 0;
	if (rc == 0) {
		e->box.reloads_ok++;
		e->box.last_reload_unix_ns = (uint64_t)now.tv_sec * UINT64_C(1000000000) +
		                             (uint64_t)now.tv_nsec;
	} else {
		e->box.reloads_failed++;
	}
	pthread_mutex_unlock(&e->box.lock);
}

int
change_reload(struct engine *e, struct conf_errors *errors)
{
	struct settings *next = NULL;
	struct lists_next *lists = NULL;
	int rc;

	/* Reload by reload: settings change here alone. */
	pthread_mutex_lock(&e->reload_lock);
	rc = settings_read(e->settings->file, &next, errors);
	if (rc == 0)
		rc = settings_check_live(e->settings, next, errors);
	/* Files are read before the lock of all other changes is taken. */
	if (rc == 0)
		rc = lists_prepare(e->lists, next, &lists, errors);
	if (rc == 0) {
		pthread_mutex_lock(&e->change_lock);
		rc = apply_lists(e, next, lists_set_of(lists), errors);
		pthread_mutex_unlock(&e->change_lock);
		lists_finish(e->lists, lists, rc == 0);
	}
	if (rc < 0 && next != NULL)
		settings_free(next);
	if (rc == 0 && e->ear.settings != NULL)
		e->ear.settings(e->ear.arg, e->settings);
	count_reload(e, rc);
	pthread_mutex_unlock(&e->reload_lock);
	return rc;
}

static int
reload(void *daemon, struct conf_errors *errors)
{
	return change_reload(daemon, errors);
}

/* A dry run: everything that a reload would find, and nothing put in force. */
static int
check(void *daemon, const char *text, size_t len, struct conf_errors *errors)
{
	struct engine *e = daemon;
	struct settings *next = NULL;
	struct policies *built = NULL;
	struct policy_overrides *over = calloc(1, sizeof(*over));
	int rc;

	if (over == NULL)
		return -ENOMEM;
	over->mode_all = -1;
	memset(over->mode, 0xff, sizeof(over->mode));
	pthread_mutex_lock(&e->reload_lock);
	if (text == NULL)
		rc = settings_read(e->settings->file, &next, errors);
	else
		rc = settings_read_text(text, len, "request", &next, errors);
	if (rc == 0)
		rc = settings_check_live(e->settings, next, errors);
	if (rc == 0)
		rc = lists_try(next, e->settings->file, &over->lists, errors);
	if (rc == 0) {
		pthread_mutex_lock(&e->change_lock);
		rc = policy_build(next, atomic_load(&e->policies), over, &built, errors);
		pthread_mutex_unlock(&e->change_lock);
	}
	if (built != NULL)
		policy_free(built);
	if (next != NULL)
		settings_free(next);
	pthread_mutex_unlock(&e->reload_lock);
	list_set_release(over->lists);
	free(over);
	return rc;
}

static bool
has_answered(struct engine *e)
{
	for (unsigned int i = 0; i < e->n_workers; i++)
		if (__atomic_load_n(&e->worker[i].asked, __ATOMIC_ACQUIRE))
			return false;
	return true;
}

/* The answers are the engine's own memory, so a worker that answers too late harms nobody. */
static int
ask(void *daemon, const uint8_t address[16], struct explain *by_worker)
{
	struct engine *e = daemon;
	unsigned int waited = 0;
	int rc = -ETIMEDOUT;

	pthread_mutex_lock(&e->ask_lock);
	if (has_answered(e)) {
		for (unsigned int i = 0; i < e->n_workers; i++) {
			struct worker *w = &e->worker[i];

			memset(&w->answer, 0, sizeof(w->answer));
			memcpy(w->answer.address, address, 16);
			w->answer_stage = 0;
			__atomic_store_n(&w->asked, true, __ATOMIC_RELEASE);
		}
		while (!has_answered(e) && waited++ < ASK_MS)
			sleep_ms(1);
		if (has_answered(e)) {
			for (unsigned int i = 0; i < e->n_workers; i++)
				by_worker[i] = e->worker[i].answer;
			rc = 0;
		}
	}
	pthread_mutex_unlock(&e->ask_lock);
	return rc;
}

static uint64_t
now_ns(void *daemon)
{
	return ((struct engine *)daemon)->clock();
}

void
change_attach(struct engine *e)
{
	struct box *box = &e->box;

	box->daemon = e;
	box->policies = atomic_load(&e->policies);
	box->settings = e->settings;
	box->now_ns = now_ns;
	box->reload = reload;
	box->check = check;
	change_attach_hand(box);
	change_attach_filters(box);
	box->ask = ask;
}
