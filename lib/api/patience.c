/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/patience.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define TURN_NS   UINT64_C(250000000)
#define SECOND_NS UINT64_C(1000000000)

uint64_t
api_patience_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

/* Both directions: whoever waits for either finds the end. The descriptor stays its owner's. */
static void
end(struct api_wait *w)
{
	w->is_ended = true;
	shutdown(w->fd, SHUT_RDWR);
}

/* Under lock: where all places of a server are taken, who waits longest makes room. */
static void
make_room(struct api_patience *p, unsigned int server)
{
	struct api_wait *oldest = NULL;
	unsigned int taken = 0;

	for (unsigned int i = 0; i < API_PATIENCE_MAX; i++) {
		struct api_wait *w = &p->of[i];

		if (w->fd < 0 || w->is_ended || w->server != server)
			continue;
		taken++;
		if (w->is_idle && (oldest == NULL || w->since_ns < oldest->since_ns))
			oldest = w;
	}
	if (taken >= p->most && oldest != NULL)
		end(oldest);
}

unsigned int
api_patience_turn(struct api_patience *p, uint64_t now_ns)
{
	unsigned int ended = 0;

	pthread_mutex_lock(&p->lock);
	for (unsigned int i = 0; i < API_PATIENCE_MAX; i++) {
		struct api_wait *w = &p->of[i];

		if (w->fd < 0 || w->is_ended || now_ns < w->until_ns)
			continue;
		end(w);
		ended++;
	}
	pthread_mutex_unlock(&p->lock);
	return ended;
}

static void *
run(void *arg)
{
	struct api_patience *p = arg;
	bool is_over = false;

	while (!is_over) {
		const uint64_t until = api_patience_clock() + TURN_NS;
		const struct timespec t = { .tv_sec = (time_t)(until / SECOND_NS),
			                    .tv_nsec = (long)(until % SECOND_NS) };

		pthread_mutex_lock(&p->lock);
		if (!p->is_over)
			pthread_cond_timedwait(&p->wake, &p->lock, &t);
		is_over = p->is_over;
		pthread_mutex_unlock(&p->lock);
		api_patience_turn(p, api_patience_clock());
	}
	return NULL;
}

int
api_patience_open(struct api_patience *p, unsigned int most)
{
	pthread_condattr_t monotonic;
	int rc;

	memset(p, 0, sizeof(*p));
	p->most = most;
	for (unsigned int i = 0; i < API_PATIENCE_MAX; i++)
		p->of[i].fd = -1;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	rc = pthread_create(&p->thread, NULL, run, p);
	p->has_thread = rc == 0;
	if (p->has_thread)
		pthread_setname_np(p->thread, "tg-patience");
	return -rc;
}

void
api_patience_close(struct api_patience *p)
{
	if (p->has_thread) {
		pthread_mutex_lock(&p->lock);
		p->is_over = true;
		pthread_cond_signal(&p->wake);
		pthread_mutex_unlock(&p->lock);
		pthread_join(p->thread, NULL);
	}
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
}

static void
set(struct api_patience *p, struct api_wait *w, bool is_idle, uint64_t now_ns,
    uint64_t for_ns)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	w->is_idle = is_idle;
	w->since_ns = now_ns;
	w->until_ns = now_ns + for_ns;
	pthread_mutex_unlock(&p->lock);
}

struct api_wait *
api_patience_add(struct api_patience *p, int fd, unsigned int server, uint64_t now_ns)
{
	struct api_wait *w = NULL;

	pthread_mutex_lock(&p->lock);
	for (unsigned int i = 0; i < API_PATIENCE_MAX && w == NULL; i++) {
		if (p->of[i].fd < 0)
			w = &p->of[i];
	}
	if (w != NULL) {
		*w = (struct api_wait){ .fd = fd,
			                .server = server,
			                .since_ns = now_ns,
			                .until_ns = now_ns + API_PATIENCE_HEAD_NS };
		/* The last place: whoever comes next shall find one. */
		make_room(p, server);
	}
	pthread_mutex_unlock(&p->lock);
	return w;
}

void
api_patience_remove(struct api_patience *p, struct api_wait *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	w->fd = -1;
	pthread_mutex_unlock(&p->lock);
}

void
api_patience_body(struct api_patience *p, struct api_wait *w, uint64_t now_ns)
{
	set(p, w, false, now_ns, API_PATIENCE_BODY_NS);
}

void
api_patience_answer(struct api_patience *p, struct api_wait *w, size_t len,
                    uint64_t now_ns)
{
	set(p, w, false, now_ns,
	    API_PATIENCE_ANSWER_NS + len / API_PATIENCE_BYTES * SECOND_NS);
}

void
api_patience_idle(struct api_patience *p, struct api_wait *w, uint64_t now_ns)
{
	set(p, w, true, now_ns, API_PATIENCE_IDLE_NS);
}
