/* SPDX-License-Identifier: BSD-3-Clause */
#include "fate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"

/* How much longer an overtaken packet waits, at least. */
#define OVERTAKEN_NS (2 * NS_PER_MS)

static bool
happens(struct fate *f, uint32_t ppm)
{
	return ppm != 0 && prng_range(&f->prng, 0, 999999) < ppm;
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
		*due_ns += OVERTAKEN_NS + r->jitter_ns;
		return FATE_OVERTAKEN;
	}
	if (*due_ns < f->last_due_ns)
		*due_ns = f->last_due_ns;
	f->last_due_ns = *due_ns;
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

int
fate_hold(struct fate *f, const uint8_t *bytes, uint32_t len,
          const struct virtio_net_hdr *offload, uint64_t due_ns)
{
	struct parcel *p;
	size_t at = f->count;

	if (f->held_bytes + len > FATE_MAX_BYTES || make_room(f) != 0)
		return -ENOBUFS;
	p = malloc(sizeof(*p) + len);
	if (p == NULL)
		return -ENOBUFS;
	p->due_ns = due_ns;
	p->serial = f->serial++;
	p->len = len;
	p->offload = *offload;
	memcpy(p->bytes, bytes, len);
	f->held_bytes += len;
	f->count++;
	while (at > 0 && is_before(p, f->heap[(at - 1) / 2])) {
		f->heap[at] = f->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	f->heap[at] = p;
	return 0;
}

uint64_t
fate_due(const struct fate *f)
{
	return f->count > 0 ? f->heap[0]->due_ns : UINT64_MAX;
}

struct parcel *
fate_release(struct fate *f)
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
	f->held_bytes -= first->len;
	return first;
}

void
fate_free(struct fate *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->heap[i]);
	free(f->heap);
	f->heap = NULL;
	f->count = 0;
}
