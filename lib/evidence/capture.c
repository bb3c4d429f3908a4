/* SPDX-License-Identifier: BSD-3-Clause */
#include "evidence/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "evidence/parts.h"
#include "evidence/words.h"

#define HOLD_NS EVIDENCE_CAPTURE_NS

/* Notes of one capture in one pass, so that samples have their turn too. */
#define NOTES 4096

/* --- starting --------------------------------------------------------------- */

/* A slot of the workers' that no capture has; EVIDENCE_ARMED when there is none. */
static unsigned int
free_slot(const struct evidence *e)
{
	bool is_taken[EVIDENCE_ARMED] = { false };
	unsigned int k = 0;

	for (unsigned int i = 0; i < EVIDENCE_HELD; i++)
		if (e->held[i].state == HELD_RUNNING || e->held[i].state == HELD_LEAVING)
			is_taken[e->held[i].slot] = true;
	while (k < EVIDENCE_ARMED && is_taken[k])
		k++;
	return k;
}

static void
empty(struct held *h)
{
	if (h->w != NULL)
		capture_finish(h->w);
	filter_expression_free(h->expression);
	free(h->bytes);
	memset(h, 0, sizeof(*h));
}

/* A place for a new one: an empty one, or that of the oldest that is over. */
static struct held *
free_place(struct evidence *e)
{
	struct held *found = NULL;

	for (unsigned int i = 0; i < EVIDENCE_HELD; i++) {
		struct held *h = &e->held[i];

		if (h->state == HELD_EMPTY)
			return h;
		if (h->state == HELD_OVER &&
		    (found == NULL || h->shown.id < found->shown.id))
			found = h;
	}
	if (found != NULL)
		empty(found);
	return found;
}

static int
open_stream(const struct evidence *e, struct held *h)
{
	FILE *stream = open_memstream(&h->bytes, &h->len);
	int rc = stream == NULL ? -ENOMEM : capture_to(stream, &h->w);

	if (rc == 0)
		evidence_name_interfaces(h->w, e->from.links, e->from.link);
	if (rc == 0)
		rc = capture_flush(h->w);
	h->shown.bytes = h->len;
	return rc;
}

/* Packets the workers could not note for this slot, ever. */
static void
count_missed(const struct evidence *e, unsigned int slot, uint64_t *lost,
             uint64_t *unasked)
{
	*lost = *unasked = 0;
	for (unsigned int i = 0; i < e->workers; i++) {
		*lost += counter_read(&e->eye[i].capture[slot].lost);
		*unasked += counter_read(&e->eye[i].unasked[slot]);
	}
}

/* From here on workers see it. */
static void
arm(struct evidence *e, struct held *h)
{
	const struct evidence_wanted *w = &h->shown.wanted;

	h->aim = (struct evidence_aim){
		.id = h->shown.id,
		.verdicts = w->verdicts != 0 ? w->verdicts : UINT8_MAX,
		.has_service = w->has_service,
		.has_stage = w->has_stage,
		.has_reason = w->has_reason,
		.service = w->service,
		.stage = w->stage,
		.reason = w->reason,
		.expression = h->expression,
	};
	h->state = HELD_RUNNING;
	__atomic_store_n(&e->orders.aim[h->slot], &h->aim, __ATOMIC_SEQ_CST);
	__atomic_fetch_or(&e->orders.armed, 1u << h->slot, __ATOMIC_RELAXED);
}

/* Under the lock; takes over `expression` when it returns 0. */
static int
start(struct evidence *e, const struct evidence_wanted *wanted,
      struct filter_expression *expression, uint32_t *id)
{
	const unsigned int slot = free_slot(e);
	struct held *h = slot < EVIDENCE_ARMED ? free_place(e) : NULL;
	int rc;

	if (h == NULL)
		return -EBUSY;
	rc = open_stream(e, h);
	if (rc < 0) {
		empty(h);
		return rc;
	}
	h->slot = slot;
	h->expression = expression;
	h->shown.id = ++e->last_capture;
	h->shown.wanted = *wanted;
	h->shown.started_ns = e->from.now_ns(e->from.arg);
	count_missed(e, slot, &h->lost_before, &h->unasked_before);
	arm(e, h);
	*id = h->shown.id;
	pthread_cond_signal(&e->wake);
	return 0;
}

int
evidence_capture_start(struct evidence *e, const struct evidence_wanted *wanted,
                       uint32_t *id, char why[EVIDENCE_WHY])
{
	struct filter_expression *expression = NULL;
	int rc = 0;

	why[0] = '\0';
	if (wanted->expression[0] != '\0')
		rc = filter_expression_make(wanted->expression, &expression, why,
		                            EVIDENCE_WHY);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&e->lock);
	/* Without a writer nobody would ever end it. */
	rc = e->from.tell == NULL || e->is_over ? -EBUSY
	                                        : start(e, wanted, expression, id);
	pthread_mutex_unlock(&e->lock);
	if (rc < 0)
		filter_expression_free(expression);
	return rc;
}

/* --- ending ----------------------------------------------------------------- */

/* Take it from the workers. The writer, under the lock. */
static void
disarm(struct evidence *e, struct held *h, enum evidence_end end)
{
	h->shown.end = end;
	h->shown.ended_ns = e->from.now_ns(e->from.arg);
	h->state = HELD_LEAVING;
	__atomic_fetch_and(&e->orders.armed, ~(1u << h->slot), __ATOMIC_RELAXED);
	__atomic_store_n(&e->orders.aim[h->slot], NULL, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < e->workers; i++)
		h->looks[i] = __atomic_load_n(&e->eye[i].looks, __ATOMIC_SEQ_CST);
}

/* Whether every worker was outside of it once since then. */
static bool
is_left(const struct evidence *e, const struct held *h)
{
	for (unsigned int i = 0; i < e->workers; i++)
		if ((h->looks[i] & 1) != 0 &&
		    __atomic_load_n(&e->eye[i].looks, __ATOMIC_SEQ_CST) == h->looks[i])
			return false;
	return true;
}

/* Nothing comes any more: what it has is held, or forgotten if nobody wants it. */
static void
close_capture(struct evidence *e, struct held *h)
{
	uint64_t lost, unasked;
	int rc = capture_finish(h->w);

	h->w = NULL;
	filter_expression_free(h->expression);
	h->expression = NULL;
	count_missed(e, h->slot, &lost, &unasked);
	h->shown.lost = lost - h->lost_before;
	h->shown.unasked = unasked - h->unasked_before;
	h->shown.bytes = h->len;
	h->shown.is_held = true;
	if (rc < 0)
		h->shown.end = EVIDENCE_OUT_OF_MEMORY;
	h->state = HELD_OVER;
	if (h->is_unwanted)
		empty(h);
}

int
evidence_capture_forget(struct evidence *e, uint32_t id)
{
	int rc = -ENOENT;

	pthread_mutex_lock(&e->lock);
	for (unsigned int i = 0; i < EVIDENCE_HELD; i++) {
		struct held *h = &e->held[i];

		if (h->state == HELD_EMPTY || h->shown.id != id || h->is_unwanted)
			continue;
		rc = 0;
		/* A running one is the writer's to end. */
		if (h->state == HELD_OVER)
			empty(h);
		else
			h->is_unwanted = true;
	}
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&e->lock);
	return rc;
}

/* --- the writer ------------------------------------------------------------- */

/* Put one note into the capture; ends it when that was enough. Under the lock. */
static void
put(struct evidence *e, struct held *h, const struct evidence_note *n,
    const char *comment)
{
	const struct evidence_wanted *w = &h->shown.wanted;
	const struct capture_frame frame = evidence_frame(e, n);

	if (h->shown.end != EVIDENCE_RUNS && h->shown.end != EVIDENCE_ENOUGH_TIME)
		return;
	if (capture_size(h->w) + capture_block_size(&frame, comment) > w->bytes) {
		h->shown.end = EVIDENCE_ENOUGH_BYTES;
	} else {
		capture_put(h->w, 2u * n->link + n->side, &frame, comment);
		h->shown.bytes = capture_size(h->w);
		h->shown.packets++;
		if (h->shown.packets >= w->packets)
			h->shown.end = EVIDENCE_ENOUGH_PACKETS;
	}
	if (h->shown.end != EVIDENCE_RUNS && h->state == HELD_RUNNING)
		disarm(e, h, h->shown.end);
}

/* The ring of the worker whose oldest note for this slot is the oldest of all. */
static struct evidence_ring *
oldest(struct evidence *e, unsigned int slot)
{
	struct evidence_ring *found = NULL;
	uint64_t time_ns = 0;

	for (unsigned int i = 0; i < e->workers; i++) {
		struct evidence_ring *ring = &e->eye[i].capture[slot];
		const struct evidence_note *n = evidence_ring_peek(ring);

		if (n == NULL || (found != NULL && n->time_ns >= time_ns))
			continue;
		found = ring;
		time_ns = n->time_ns;
	}
	return found;
}

/* Returns whether the rings of its slot are empty now. */
static bool
drain(struct evidence *e, struct held *h)
{
	struct evidence_ring *ring;

	for (unsigned int n = 0; n < NOTES; n++) {
		const struct evidence_note *note;
		struct evidence_story story = { 0 };
		char comment[WORDS_COMMENT];

		ring = oldest(e, h->slot);
		if (ring == NULL)
			return true;
		note = evidence_ring_peek(ring);
		/* An earlier capture of this slot may have left some behind. */
		if (note->capture == h->aim.id) {
			e->from.tell(e->from.arg, note, &story);
			words_comment(note, &story, comment);
			pthread_mutex_lock(&e->lock);
			put(e, h, note, comment);
			pthread_mutex_unlock(&e->lock);
		}
		evidence_ring_next(ring);
	}
	return false;
}

/* What time and wishes say. Under the lock. */
static void
look_after(struct evidence *e, struct held *h, uint64_t now_ns)
{
	const struct evidence_wanted *w = &h->shown.wanted;

	if (h->state == HELD_RUNNING && h->is_unwanted)
		disarm(e, h, EVIDENCE_ENOUGH_TIME);
	else if (h->state == HELD_RUNNING && now_ns >= h->shown.started_ns + w->for_ns)
		disarm(e, h, EVIDENCE_ENOUGH_TIME);
	else if (h->state == HELD_OVER && now_ns >= h->shown.ended_ns + HOLD_NS)
		empty(h);
}

/* Only the writer takes a capture from running to leaving to over, so it may look unlocked. */
bool
evidence_captures_turn(struct evidence *e)
{
	const uint64_t now = e->from.now_ns(e->from.arg);
	bool is_busy = false;

	for (unsigned int i = 0; i < EVIDENCE_HELD; i++) {
		struct held *h = &e->held[i];
		bool is_on, is_last, is_drained;

		pthread_mutex_lock(&e->lock);
		look_after(e, h, now);
		is_on = h->state == HELD_RUNNING || h->state == HELD_LEAVING;
		/* Asked before the rings are emptied: what a worker still noted is in them then. */
		is_last = h->state == HELD_LEAVING && is_left(e, h);
		pthread_mutex_unlock(&e->lock);
		if (!is_on)
			continue;
		is_busy = true;
		is_drained = drain(e, h);
		if (!is_last || !is_drained)
			continue;
		pthread_mutex_lock(&e->lock);
		close_capture(e, h);
		pthread_mutex_unlock(&e->lock);
	}
	return is_busy;
}

void
evidence_captures_close(struct evidence *e)
{
	for (unsigned int i = 0; i < EVIDENCE_HELD; i++)
		empty(&e->held[i]);
}

/* --- reading ---------------------------------------------------------------- */

/* The counters of one that still runs are the workers'. */
static void
show(const struct evidence *e, const struct held *h, struct evidence_capture *out)
{
	uint64_t lost, unasked;

	*out = h->shown;
	if (h->state == HELD_OVER)
		return;
	count_missed(e, h->slot, &lost, &unasked);
	out->lost = lost - h->lost_before;
	out->unasked = unasked - h->unasked_before;
}

static int
newest_first(const void *a, const void *b)
{
	const struct evidence_capture *x = a, *y = b;

	return x->id < y->id ? 1 : -1;
}

size_t
evidence_capture_list(struct evidence *e, struct evidence_capture *out, size_t n)
{
	struct evidence_capture *all = calloc(EVIDENCE_HELD, sizeof(*all));
	size_t count = 0;

	if (all == NULL)
		return 0;
	pthread_mutex_lock(&e->lock);
	for (unsigned int i = 0; i < EVIDENCE_HELD; i++)
		if (e->held[i].state != HELD_EMPTY && !e->held[i].is_unwanted)
			show(e, &e->held[i], &all[count++]);
	pthread_mutex_unlock(&e->lock);
	qsort(all, count, sizeof(*all), newest_first);
	if (count > n)
		count = n;
	memcpy(out, all, count * sizeof(*out));
	free(all);
	return count;
}

/* Under the lock. */
static int
copy(struct held *h, uint64_t from, char **bytes, size_t *len)
{
	if (h->w != NULL)
		capture_flush(h->w);
	if (from > h->len)
		return -ERANGE;
	*len = h->len - (size_t)from;
	*bytes = malloc(*len > 0 ? *len : 1);
	if (*bytes == NULL)
		return -ENOMEM;
	memcpy(*bytes, h->bytes + from, *len);
	return 0;
}

int
evidence_capture_read(struct evidence *e, uint32_t id, uint64_t from, char **bytes,
                      size_t *len)
{
	int rc = -ENOENT;

	pthread_mutex_lock(&e->lock);
	for (unsigned int i = 0; i < EVIDENCE_HELD; i++) {
		struct held *h = &e->held[i];

		if (h->state != HELD_EMPTY && h->shown.id == id && !h->is_unwanted)
			rc = copy(h, from, bytes, len);
	}
	pthread_mutex_unlock(&e->lock);
	return rc;
}
