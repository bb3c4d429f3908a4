/* SPDX-License-Identifier: BSD-3-Clause */
#include "evidence/evidence.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/counter.h"
#include "evidence/parts.h"
#include "evidence/words.h"

#define SECOND_NS UINT64_C(1000000000)
/* How long after it was noted a sample may find its attack. */
#define RETOLD_NS (5 * SECOND_NS)
#define TURN_NS   UINT64_C(100000000)
/* While captures run their rings must not fill up between two turns. */
#define SOON_NS UINT64_C(20000000)

/* --- open and close --------------------------------------------------------- */

struct evidence *
evidence_open(unsigned int workers, const struct evidence_settings *settings)
{
	struct evidence *e = aligned_alloc(64, (sizeof(*e) + 63) / 64 * 64);

	if (e == NULL)
		return NULL;
	memset(e, 0, sizeof(*e));
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->wake, NULL);
	e->eye = aligned_alloc(64, workers * sizeof(*e->eye));
	if (e->eye == NULL) {
		evidence_close(e);
		return NULL;
	}
	for (; e->workers < workers; e->workers++)
		if (evidence_eye_open(&e->eye[e->workers], e->workers, &e->orders) < 0) {
			evidence_close(e);
			return NULL;
		}
	evidence_configure(e, settings);
	return e;
}

void
evidence_close(struct evidence *e)
{
	if (e == NULL)
		return;
	evidence_captures_close(e);
	for (unsigned int i = 0; i < e->workers; i++)
		evidence_eye_close(&e->eye[i]);
	free(e->eye);
	pthread_cond_destroy(&e->wake);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

struct evidence_eye *
evidence_eye(struct evidence *e, unsigned int worker)
{
	return &e->eye[worker];
}

void
evidence_configure(struct evidence *e, const struct evidence_settings *settings)
{
	const struct meter_limit limit = { settings->rate, METER_PACKETS };
	struct meter_rate rate = { 0 };

	pthread_mutex_lock(&e->lock);
	e->settings = *settings;
	pthread_mutex_unlock(&e->lock);
	/* What a second grants may be taken at once. */
	if (settings->rate > 0 && meter_rate_init(&rate, &limit, SECOND_NS, 1) < 0)
		rate.each = 0;
	__atomic_store_n(&e->orders.slack, rate.slack, __ATOMIC_RELAXED);
	__atomic_store_n(&e->orders.snap, settings->snap, __ATOMIC_RELAXED);
	__atomic_store_n(&e->orders.each, rate.each, __ATOMIC_RELAXED);
}

/* --- the writer ------------------------------------------------------------- */

struct capture_frame
evidence_frame(const struct evidence *e, const struct evidence_note *n)
{
	return (struct capture_frame){
		.bytes = evidence_bytes(n),
		.len = n->bytes_len,
		.wire_len = n->frame_len > n->bytes_len ? n->frame_len : n->bytes_len,
		.time_ns = n->time_ns + (uint64_t)e->from.wall_offset_ns,
	};
}

void
evidence_name_interfaces(struct capture_writer *w, unsigned int links,
                         const char *const *link)
{
	static const char *const side[] = { "external", "internal" };
	char name[EVIDENCE_NAME + 16];

	for (unsigned int i = 0; i < 2 * links; i++) {
		snprintf(name, sizeof(name), "%.63s %s", link[i / 2], side[i % 2]);
		capture_add_interface(w, name);
	}
}

static void
take_sample(struct evidence *e, const struct evidence_note *n)
{
	struct evidence_story story = { 0 };
	const struct capture_frame frame = evidence_frame(e, n);
	char comment[WORDS_COMMENT];

	e->from.tell(e->from.arg, n, &story);
	pthread_mutex_lock(&e->lock);
	shelf_put(&e->shelf, n, &story);
	pthread_mutex_unlock(&e->lock);
	words_comment(n, &story, comment);
	files_put(&e->files, 2u * n->link + n->side, &frame, comment,
	          e->from.now_ns(e->from.arg));
}

/* The worker whose oldest sample is the oldest of all; NULL when nobody has one. */
static struct evidence_ring *
oldest(struct evidence *e)
{
	struct evidence_ring *found = NULL;
	uint64_t time_ns = 0;

	for (unsigned int i = 0; i < e->workers; i++) {
		const struct evidence_note *n = evidence_ring_peek(&e->eye[i].samples);

		if (n == NULL || (found != NULL && n->time_ns >= time_ns))
			continue;
		found = &e->eye[i].samples;
		time_ns = n->time_ns;
	}
	return found;
}

/*
 * An attack is told a moment after its first packets were stopped. Those are asked about
 * again, once a second and not for long.
 */
static void
retell(struct evidence *e, uint64_t now_ns)
{
	struct shelf *s = &e->shelf;

	if (now_ns < e->retold_ns + SECOND_NS)
		return;
	e->retold_ns = now_ns;
	/* Nobody else changes the shelf, so it may be read without the lock. */
	for (size_t i = 0; i < s->kept; i++) {
		const struct evidence_note *n = &s->sample[i].note;
		struct evidence_story story = { 0 };

		if (!n->is_armed || s->sample[i].story.attack != 0 ||
		    now_ns > n->time_ns + RETOLD_NS)
			continue;
		e->from.tell(e->from.arg, n, &story);
		if (story.attack == 0)
			continue;
		pthread_mutex_lock(&e->lock);
		shelf_retell(s, i, &story);
		pthread_mutex_unlock(&e->lock);
	}
}

/* What others may know of the files, which are the writer's. */
static void
publish(struct evidence *e)
{
	pthread_mutex_lock(&e->lock);
	memcpy(e->error, e->files.error, sizeof(e->error));
	e->written = e->files.written;
	e->unwritten = e->files.unwritten;
	pthread_mutex_unlock(&e->lock);
}

/* Returns whether the next pass should come soon. */
static bool
turn(struct evidence *e)
{
	const bool is_busy = evidence_captures_turn(e);
	struct evidence_settings settings;
	struct evidence_ring *ring;

	pthread_mutex_lock(&e->lock);
	settings = e->settings;
	pthread_mutex_unlock(&e->lock);
	files_set(&e->files, &settings);
	/* A worker is slower to fill its ring than this is to empty it; yet it ends. */
	for (unsigned int n = 0; n < EVIDENCE_KEPT && (ring = oldest(e)) != NULL; n++) {
		take_sample(e, evidence_ring_peek(ring));
		evidence_ring_next(ring);
	}
	files_flush(&e->files, e->from.now_ns(e->from.arg));
	retell(e, e->from.now_ns(e->from.arg));
	publish(e);
	return is_busy;
}

void
evidence_turn(struct evidence *e)
{
	turn(e);
}

static void
wait_for(struct evidence *e, uint64_t ns)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)ns;
	if (until.tv_nsec >= (long)SECOND_NS) {
		until.tv_nsec -= (long)SECOND_NS;
		until.tv_sec++;
	}
	pthread_mutex_lock(&e->lock);
	if (!e->is_over)
		pthread_cond_clockwait(&e->wake, &e->lock, CLOCK_MONOTONIC, &until);
	pthread_mutex_unlock(&e->lock);
}

static bool
is_over(struct evidence *e)
{
	bool over;

	pthread_mutex_lock(&e->lock);
	over = e->is_over;
	pthread_mutex_unlock(&e->lock);
	return over;
}

static void *
writer(void *arg)
{
	struct evidence *e = arg;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	while (!is_over(e)) {
		const bool is_busy = turn(e);

		wait_for(e, is_busy ? SOON_NS : TURN_NS);
	}
	return NULL;
}

int
evidence_start(struct evidence *e, const struct evidence_from *from)
{
	int rc;

	e->from = *from;
	files_init(&e->files, from->links, from->link);
	if (!from->has_thread)
		return 0;
	rc = pthread_create(&e->thread, NULL, writer, e);
	if (rc != 0)
		return -rc;
	e->has_thread = true;
	pthread_setname_np(e->thread, "tg-evidence");
	return 0;
}

void
evidence_stop(struct evidence *e)
{
	if (e == NULL || e->from.tell == NULL)
		return;
	pthread_mutex_lock(&e->lock);
	e->is_over = true;
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&e->lock);
	if (e->has_thread)
		pthread_join(e->thread, NULL);
	e->has_thread = false;
	evidence_turn(e);
	files_close(&e->files);
	e->from.tell = NULL;
}

/* --- reading ---------------------------------------------------------------- */

size_t
evidence_read(struct evidence *e, const struct evidence_which *which,
              struct evidence_sample *out, size_t n)
{
	size_t count;

	pthread_mutex_lock(&e->lock);
	count = shelf_read(&e->shelf, which, out, n);
	pthread_mutex_unlock(&e->lock);
	return count;
}

void
evidence_state(struct evidence *e, struct evidence_state *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned int i = 0; i < e->workers; i++) {
		out->taken += counter_read(&e->eye[i].taken);
		out->lost += counter_read(&e->eye[i].samples.lost);
	}
	pthread_mutex_lock(&e->lock);
	out->rate = e->settings.rate;
	out->snap = e->settings.snap;
	memcpy(out->folder, e->settings.folder, sizeof(out->folder));
	out->files = e->settings.files;
	out->file_size = e->settings.file_size;
	out->kept = e->shelf.kept;
	out->last = e->shelf.last;
	memcpy(out->error, e->error, sizeof(out->error));
	out->written = e->written;
	out->unwritten = e->unwritten;
	pthread_mutex_unlock(&e->lock);
}
