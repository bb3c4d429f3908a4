/* SPDX-License-Identifier: BSD-3-Clause */
#include "evidence/note.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"

#define LINE 64

/* In the `capture` of what is passed over at the end of the ring. */
#define NOBODY UINT32_MAX

static uint32_t
record_size(uint32_t bytes_len)
{
	return (uint32_t)((sizeof(struct evidence_note) + bytes_len + LINE - 1) / LINE *
	                  LINE);
}

static struct evidence_note *
at(const struct evidence_ring *r, uint64_t position)
{
	return (struct evidence_note *)(r->room + (position & (r->size - 1)));
}

int
evidence_ring_open(struct evidence_ring *r, uint64_t size)
{
	memset(r, 0, sizeof(*r));
	r->room = aligned_alloc(LINE, size);
	if (r->room == NULL)
		return -ENOMEM;
	/* Or the worker would meet a page fault on its first way round. */
	memset(r->room, 0, size);
	r->size = size;
	return 0;
}

void
evidence_ring_close(struct evidence_ring *r)
{
	free(r->room);
	memset(r, 0, sizeof(*r));
}

/* Bytes from head to the end of the ring, passed over when a record does not fit there. */
static uint64_t
gap(const struct evidence_ring *r, uint32_t size)
{
	const uint64_t left = r->size - (r->head & (r->size - 1));

	return left < size ? left : 0;
}

static bool
has_room(struct evidence_ring *r, uint64_t wanted)
{
	if (r->head + wanted - r->tail_seen <= r->size)
		return true;
	r->tail_seen = __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE);
	return r->head + wanted - r->tail_seen <= r->size;
}

bool
evidence_ring_has_room(struct evidence_ring *r, uint32_t bytes_len)
{
	const uint32_t size = record_size(bytes_len);

	return has_room(r, size + gap(r, size));
}

struct evidence_note *
evidence_ring_begin(struct evidence_ring *r, uint32_t bytes_len)
{
	const uint32_t size = record_size(bytes_len);
	const uint64_t passed = gap(r, size);
	struct evidence_note *n;

	if (!has_room(r, size + passed)) {
		counter_add(&r->lost, 1);
		return NULL;
	}
	if (passed > 0) {
		n = at(r, r->head);
		n->size = (uint32_t)passed;
		n->capture = NOBODY;
		__atomic_store_n(&r->head, r->head + passed, __ATOMIC_RELEASE);
	}
	n = at(r, r->head);
	n->size = size;
	n->bytes_len = (uint16_t)bytes_len;
	return n;
}

void
evidence_ring_end(struct evidence_ring *r, const struct evidence_note *n)
{
	__atomic_store_n(&r->head, r->head + n->size, __ATOMIC_RELEASE);
}

const struct evidence_note *
evidence_ring_peek(struct evidence_ring *r)
{
	const uint64_t head = __atomic_load_n(&r->head, __ATOMIC_ACQUIRE);

	while (r->tail != head) {
		const struct evidence_note *n = at(r, r->tail);

		if (n->capture != NOBODY)
			return n;
		__atomic_store_n(&r->tail, r->tail + n->size, __ATOMIC_RELEASE);
	}
	return NULL;
}

void
evidence_ring_next(struct evidence_ring *r)
{
	__atomic_store_n(&r->tail, r->tail + at(r, r->tail)->size, __ATOMIC_RELEASE);
}
