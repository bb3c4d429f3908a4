/* SPDX-License-Identifier: BSD-3-Clause */
#include "fate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"

/* Who waits for others that never come leaves after this. */
#define WAIT_MOST_NS (200 * NS_PER_MS)

static bool
happens(struct fate *f, uint32_t ppm)
{
	return ppm != 0 && prng_range(&f->prng, 0, 999999) < ppm;
}

/* Who has waited for this packet leaves right behind it. */
static void
end_waits(struct fate *f, uint64_t due_ns)
{
	for (struct parcel *p = f->waiting; p != NULL && p->after <= f->in_order;
	     p = p->next) {
		if (p->due_ns > due_ns + 1)
			p->due_ns = due_ns + 1;
	}
}

bool
fate_doubles(struct fate *f)
{
	return happens(f, f->rules.duplicate_ppm);
}

enum fate_verdict
fate_decide(struct fate *f, uint64_t now, uint64_t *due_ns)
{
	const struct fate_rules *r = &f->rules;

	if (happens(f, r->loss_ppm))
		return FATE_LOSE;
	*due_ns = now + r->delay_ns;
	if (r->jitter_ns != 0)
		*due_ns += prng_range(&f->prng, 0, r->jitter_ns);
	if (happens(f, r->reorder_ppm)) {
		if (r->reorder_packets != 0) {
			*due_ns += WAIT_MOST_NS;
			return FATE_WAIT;
		}
		*due_ns += r->reorder_ns + r->jitter_ns;
		return FATE_OVERTAKEN;
	}
	if (*due_ns < f->last_due_ns)
		*due_ns = f->last_due_ns;
	f->last_due_ns = *due_ns;
	f->in_order++;
	end_waits(f, *due_ns);
	return r->delay_ns == 0 && r->jitter_ns == 0 ? FATE_PASS : FATE_HOLD;
}

static bool
is_before(const struct parcel *a, const struct parcel *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->serial < b->serial;
}

static int
make_room(struct fate *f)
{
	const size_t room = f->room == 0 ? 1024 : 2 * f->room;
	struct parcel **heap;

	if (f->count < f->room)
		return 0;
	heap = realloc(f->heap, room * sizeof(struct parcel *));
	if (heap == NULL)
		return -ENOBUFS;
	f->heap = heap;
	f->room = room;
	return 0;
}

/* Returns a copy, or NULL when there is no room. */
static struct parcel *
make_parcel(struct fate *f, const uint8_t *bytes, uint32_t len,
            const struct virtio_net_hdr *offload)
{
	struct parcel *p;

	if (f->held_bytes + len > FATE_MAX_BYTES)
		return NULL;
	p = malloc(sizeof(*p) + len);
	if (p == NULL)
		return NULL;
	memset(p, 0, sizeof(*p));
	p->serial = f->serial++;
	p->len = len;
	p->offload = *offload;
	memcpy(p->bytes, bytes, len);
	f->held_bytes += len;
	return p;
}

int
fate_hold(struct fate *f, const uint8_t *bytes, uint32_t len,
          const struct virtio_net_hdr *offload, uint64_t due_ns)
{
	struct parcel *p;
	size_t at = f->count;

	if (make_room(f) != 0)
		return -ENOBUFS;
	p = make_parcel(f, bytes, len, offload);
	if (p == NULL)
		return -ENOBUFS;
	p->due_ns = due_ns;
	f->count++;
	while (at > 0 && is_before(p, f->heap[(at - 1) / 2])) {
		f->heap[at] = f->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	f->heap[at] = p;
	return 0;
}

int
fate_wait(struct fate *f, const uint8_t *bytes, uint32_t len,
          const struct virtio_net_hdr *offload, uint64_t due_ns)
{
	struct parcel *p = make_parcel(f, bytes, len, offload);

	if (p == NULL)
		return -ENOBUFS;
	p->due_ns = due_ns;
	p->after = f->in_order + f->rules.reorder_packets;
	if (f->waiting == NULL)
		f->waiting = p;
	else
		f->waiting_last->next = p;
	f->waiting_last = p;
	f->waits++;
	return 0;
}

size_t
fate_held(const struct fate *f)
{
	return f->count + f->waits;
}

uint64_t
fate_due(const struct fate *f)
{
	const uint64_t held = f->count > 0 ? f->heap[0]->due_ns : UINT64_MAX;

	return f->waiting != NULL && f->waiting->due_ns < held ? f->waiting->due_ns
	                                                       : held;
}

static struct parcel *
take_waiting(struct fate *f)
{
	struct parcel *p = f->waiting;

	f->waiting = p->next;
	f->waits--;
	return p;
}

static struct parcel *
take_top(struct fate *f)
{
	struct parcel *first = f->heap[0], *last = f->heap[--f->count];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= f->count)
			break;
		if (child + 1 < f->count && is_before(f->heap[child + 1], f->heap[child]))
			child++;
		if (!is_before(f->heap[child], last))
			break;
		f->heap[at] = f->heap[child];
		at = child;
	}
	f->heap[at] = last;
	return first;
}

struct parcel *
fate_release(struct fate *f)
{
	const bool is_top = f->count > 0 && (f->waiting == NULL ||
	                                     f->heap[0]->due_ns <= f->waiting->due_ns);
	struct parcel *first = is_top ? take_top(f) : take_waiting(f);

	f->held_bytes -= first->len;
	return first;
}

void
fate_free(struct fate *f)
{
	while (fate_held(f) > 0)
		free(fate_release(f));
	free(f->heap);
	f->heap = NULL;
}
