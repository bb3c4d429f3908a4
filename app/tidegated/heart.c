/* SPDX-License-Identifier: BSD-3-Clause */
#include "heart.h"

#include <string.h>
#include <time.h>

#include "base/counter.h"
#include "base/log.h"
#include "notify.h"

#define NS       UINT64_C(1000000000)
#define START_NS UINT64_C(20000000) /* between two looks until all of them run */
#define LOOKS    4                  /* in the time that the watchdog allows */

void
heart_init(struct heart *h, const struct box_worker *worker, unsigned int n_workers,
           const uint64_t *control_turns, uint64_t watchdog_ns)
{
	memset(h, 0, sizeof(*h));
	h->worker = worker;
	h->n_workers = n_workers;
	h->control_turns = control_turns;
	h->period_ns = watchdog_ns / LOOKS;
}

bool
heart_has_moved(struct heart *h, unsigned int *still)
{
	bool moved = true;

	for (unsigned int i = 0; i <= h->n_workers; i++) {
		const uint64_t *turns =
			i < h->n_workers ? &h->worker[i].turns : h->control_turns;
		const uint64_t now = counter_read(turns);

		if (now == h->last[i] && moved) {
			moved = false;
			if (still != NULL)
				*still = i;
		}
		h->last[i] = now;
	}
	return moved;
}

/* Sleep, or return true because the end has come. */
static bool
is_over_after(struct heart *h, uint64_t ns)
{
	struct timespec until;
	bool is_ending;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	ns += (uint64_t)until.tv_nsec;
	until.tv_sec += (time_t)(ns / NS);
	until.tv_nsec = (long)(ns % NS);
	pthread_mutex_lock(&h->lock);
	while (!h->is_ending && rc == 0)
		rc = pthread_cond_timedwait(&h->end, &h->lock, &until);
	is_ending = h->is_ending;
	pthread_mutex_unlock(&h->lock);
	return is_ending;
}

/* Once for each time that something stands still: the journal is no drum. */
static void
complain(struct heart *h, unsigned int still)
{
	if (h->has_complained)
		return;
	h->has_complained = true;
	if (still == h->n_workers)
		log_error("control has not moved for %.1f s: the watchdog is not fed",
		          (double)h->period_ns / 1e9);
	else
		log_error("worker %u has not moved for %.1f s: the watchdog is not fed",
		          still, (double)h->period_ns / 1e9);
}

static void *
beat(void *arg)
{
	struct heart *h = arg;
	unsigned int still = 0;

	/* Nothing counts below zero, so the first look sees who has moved at all. */
	while (!heart_has_moved(h, NULL))
		if (is_over_after(h, START_NS))
			return NULL;
	notify_ready();
	while (h->period_ns != 0 && !is_over_after(h, h->period_ns)) {
		if (!heart_has_moved(h, &still)) {
			complain(h, still);
			continue;
		}
		h->has_complained = false;
		notify_alive();
	}
	return NULL;
}

int
heart_start(struct heart *h)
{
	pthread_condattr_t attributes;
	int rc;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&h->end, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&h->lock, NULL);
	rc = -pthread_create(&h->thread, NULL, beat, h);
	if (rc == 0)
		pthread_setname_np(h->thread, "heart");
	return rc;
}

void
heart_stop(struct heart *h)
{
	pthread_mutex_lock(&h->lock);
	h->is_ending = true;
	pthread_cond_signal(&h->end);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
	pthread_cond_destroy(&h->end);
	pthread_mutex_destroy(&h->lock);
}
