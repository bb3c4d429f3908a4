/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/hook.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/log.h"
#include "event/hook_parts.h"

#define SECOND_NS   UINT64_C(1000000000)
#define FIRST_NS    (SECOND_NS / 2) /* the first pause; each next is twice as long */
#define LONGEST_NS  (60 * SECOND_NS)
#define GATHER_NS   (SECOND_NS / 50) /* what comes together is sent together */
#define FAREWELL_NS (2 * SECOND_NS)
#define LAST_NS     (5 * SECOND_NS) /* no longer is the end of the process delayed */

struct waiting {
	json_t *event; /* held */
	size_t len;
	uint64_t id, since_ns;
};

struct event_hook {
	struct settings_webhook settings; /* a copy */
	char node[64];
	struct hook_post *post;
	pthread_t thread;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	bool is_over, is_left; /* is_left: nobody waits for the thread, it frees this */
	uint64_t over_ns;
	/* A ring: the oldest at `first`. */
	unsigned int first, count;
	size_t bytes;
	uint64_t last_id;
	uint64_t lost_before; /* not told to the server yet */
	uint64_t lost_whole;  /* as it was when it broke */
	struct event_hook_counts counts;
	struct waiting ring[EVENT_HOOK_QUEUE];
};

static uint64_t
clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

/* --- the queue, under lock ---------------------------------------------------- */

static void
drop_first(struct event_hook *h)
{
	struct waiting *w = &h->ring[h->first];

	json_decref(w->event);
	h->bytes -= w->len;
	h->first = (h->first + 1) % EVENT_HOOK_QUEUE;
	h->count--;
}

static void
lose_first(struct event_hook *h)
{
	drop_first(h);
	h->counts.lost++;
	h->lost_before++;
}

static void
lose_old(struct event_hook *h, uint64_t now_ns)
{
	while (h->count > 0 && now_ns - h->ring[h->first].since_ns > h->settings.retry_ns)
		lose_first(h);
}

/* The oldest, to be sent; they stay in the queue. Returns the last's id. */
static uint64_t
take_batch(struct event_hook *h, struct hook_batch *batch)
{
	uint64_t id = 0;

	batch->count = 0;
	batch->lost = h->lost_before;
	while (batch->count < EVENT_HOOK_BATCH && batch->count < h->count) {
		const struct waiting *w =
			&h->ring[(h->first + batch->count) % EVENT_HOOK_QUEUE];

		batch->event[batch->count++] = json_incref(w->event);
		id = w->id;
	}
	return id;
}

/* Those that are still there: some may have been lost for room meanwhile. */
static uint64_t
remove_batch(struct event_hook *h, uint64_t last_id)
{
	uint64_t n = 0;

	for (; h->count > 0 && h->ring[h->first].id <= last_id; n++)
		drop_first(h);
	return n;
}

/* --- the thread ----------------------------------------------------------------- */

static bool
must_end(void *arg)
{
	struct event_hook *h = arg;
	bool is_late;

	pthread_mutex_lock(&h->lock);
	is_late = h->is_over && clock_ns() >= h->over_ns;
	pthread_mutex_unlock(&h->lock);
	return is_late;
}

/* Under lock: wait until then, or until there is a reason to look sooner. */
static void
wait_until(struct event_hook *h, uint64_t ns)
{
	const struct timespec until = { .tv_sec = (time_t)(ns / SECOND_NS),
		                        .tv_nsec = (long)(ns % SECOND_NS) };

	pthread_cond_timedwait(&h->wake, &h->lock, &until);
}

/* Doubled with every failure, and somewhere in its upper half, so that boxes part. */
static uint64_t
pause_ns(unsigned int failures, unsigned int wait_s)
{
	uint64_t ns = FIRST_NS << (failures < 8 ? failures - 1 : 7);
	uint32_t dice = 0;

	if (getrandom(&dice, sizeof(dice), 0) < 0)
		dice = UINT32_MAX / 2;
	ns = ns < LONGEST_NS ? ns : LONGEST_NS;
	ns = ns / 2 + (ns / 2) * dice / UINT32_MAX;
	return ns > wait_s * SECOND_NS ? ns : wait_s * SECOND_NS;
}

/* Under lock: book how a post ended. Returns whether to go on at once. */
static bool
settle(struct event_hook *h, const struct hook_result *result,
       const struct hook_batch *batch, uint64_t last_id)
{
	const uint64_t sent = batch->count, lost_told = batch->lost;
	uint64_t n = 0;

	if (result->is_taken || result->is_refused)
		n = remove_batch(h, last_id);
	if (result->is_taken) {
		h->counts.sent += sent;
		/* Some were given up for room while they were on their way. */
		h->counts.lost -= sent - n;
		h->lost_before -= lost_told + sent - n;
		if (h->counts.is_broken)
			log_info("events: the web server takes events again");
		h->counts.is_broken = false;
		return true;
	}
	if (!h->counts.is_broken)
		h->lost_whole = h->counts.lost;
	h->counts.lost += n;
	h->lost_before += n;
	if (!h->counts.is_broken)
		log_warning("events: the web server does not take events: %s%s",
		            result->why,
		            result->is_refused ? "; they are lost" : "; tried again");
	h->counts.is_broken = true;
	snprintf(h->counts.why, sizeof(h->counts.why), "%s", result->why);
	return result->is_refused;
}

/* Under lock, which is given back while it posts. */
static void
deliver(struct event_hook *h, unsigned int *failures)
{
	struct hook_result result = { .is_taken = false };
	struct hook_batch batch;
	const uint64_t last_id = take_batch(h, &batch);
	uint64_t until;
	char *body;

	pthread_mutex_unlock(&h->lock);
	body = event_hook_body(&h->settings, h->node, &batch);
	if (body != NULL)
		event_hook_post(h->post, body, &result);
	else
		snprintf(result.why, sizeof(result.why), "out of memory");
	free(body);
	for (unsigned int i = 0; i < batch.count; i++)
		json_decref(batch.event[i]);
	pthread_mutex_lock(&h->lock);
	if (settle(h, &result, &batch, last_id)) {
		*failures = 0;
		return;
	}
	until = clock_ns() + pause_ns(++*failures, result.wait_s);
	while (!h->is_over && clock_ns() < until)
		wait_until(h, until);
	/* Who leaves asks a few times more, but not as fast as it can. */
	if (h->is_over && clock_ns() < h->over_ns)
		wait_until(h, clock_ns() + FIRST_NS);
}

static void
free_all(struct event_hook *h)
{
	while (h->count > 0)
		drop_first(h);
	event_hook_post_close(h->post);
	conf_release(settings_webhook_fields, &h->settings);
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

static void *
run(void *arg)
{
	struct event_hook *h = arg;
	unsigned int failures = 0;
	bool is_left;

	pthread_mutex_lock(&h->lock);
	while (!h->is_over || (h->count > 0 && clock_ns() < h->over_ns)) {
		if (h->count == 0) {
			wait_until(h, clock_ns() + SECOND_NS);
			continue;
		}
		if (!h->is_over) {
			/* More comes in this turn of the writer. */
			pthread_mutex_unlock(&h->lock);
			nanosleep(&(struct timespec){ .tv_nsec = (long)GATHER_NS }, NULL);
			pthread_mutex_lock(&h->lock);
		}
		if (failures > 0)
			lose_old(h, clock_ns());
		if (h->count > 0)
			deliver(h, &failures);
	}
	while (h->count > 0)
		lose_first(h);
	is_left = h->is_left;
	pthread_mutex_unlock(&h->lock);
	if (is_left)
		free_all(h);
	return NULL;
}

/* --- the writer's side ------------------------------------------------------------ */

struct event_hook *
event_hook_open(const struct settings_webhook *settings, const char *node)
{
	struct event_hook *h = calloc(1, sizeof(*h));
	pthread_condattr_t monotonic;
	sigset_t all, before;
	int rc;

	if (h == NULL)
		return NULL;
	conf_copy(settings_webhook_fields, settings, &h->settings);
	snprintf(h->node, sizeof(h->node), "%s", node);
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&h->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	h->post = event_hook_post_open(&h->settings, must_end, h);
	if (h->post == NULL) {
		rc = errno;
		free_all(h);
		errno = rc;
		return NULL;
	}
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&h->thread, NULL, run, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) {
		free_all(h);
		errno = rc;
		return NULL;
	}
	pthread_setname_np(h->thread, "tg-webhook");
	return h;
}

void
event_hook_close(struct event_hook *h, bool waits)
{
	struct timespec until;

	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	h->is_over = true;
	h->is_left = !waits;
	h->over_ns = clock_ns() + FAREWELL_NS;
	pthread_cond_signal(&h->wake);
	if (!waits)
		pthread_detach(h->thread);
	pthread_mutex_unlock(&h->lock);
	if (!waits)
		return;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)(LAST_NS / SECOND_NS);
	/* A name server that does not answer may hold it: the process ends all the same. */
	if (pthread_timedjoin_np(h->thread, NULL, &until) == 0)
		free_all(h);
}

/* "attack" is wanted by "attack", and its start by "attack.start" too. */
static bool
is_wanted(const struct event_hook *h, const struct events_told *told)
{
	const size_t len = strlen(told->type);

	for (size_t i = 0; i < h->settings.types.count; i++) {
		const char *type = h->settings.types.text[i];

		if (strncmp(type, told->type, len) != 0)
			continue;
		if (type[len] == '\0' ||
		    (type[len] == '.' && strcmp(type + len + 1, told->status) == 0))
			return true;
	}
	return false;
}

/* To tell a server that it cannot be reached only makes it worse. */
static bool
is_about_us(const struct events_told *told)
{
	const char *what = json_string_value(
		json_object_get(json_object_get(told->event, "trouble"), "what"));

	return what != NULL && strcmp(what, EVENT_HOOK_NAME) == 0;
}

void
event_hook_add(struct event_hook *h, const struct events_told *told)
{
	struct waiting *w;

	if (h == NULL || !is_wanted(h, told) || is_about_us(told))
		return;
	pthread_mutex_lock(&h->lock);
	while (h->count > 0 &&
	       (h->count == EVENT_HOOK_QUEUE || h->bytes + told->len > EVENT_HOOK_BYTES))
		lose_first(h);
	w = &h->ring[(h->first + h->count++) % EVENT_HOOK_QUEUE];
	*w = (struct waiting){ json_incref(told->event), told->len, ++h->last_id,
		               clock_ns() };
	h->bytes += told->len;
	/* While it is broken its pause is not for the writer to end. */
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
}

void
event_hook_read(struct event_hook *h, struct event_hook_counts *counts)
{
	pthread_mutex_lock(&h->lock);
	*counts = h->counts;
	counts->waiting = h->count;
	counts->lost_since = h->counts.lost - h->lost_whole;
	pthread_mutex_unlock(&h->lock);
}
