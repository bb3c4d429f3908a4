/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pipe - a bounded first-in first-out of words between exactly two threads.
 *
 * One thread puts, one takes, and each owns a cache line with its own position
 * and the last it saw of the other's. It reads the other's line only when what
 * it knew is used up, and tells its own progress once per batch; so a burst
 * costs two line transfers and the words themselves, eight to a line.
 *
 *     line 0   giver: head, and the tail it last saw
 *     line 1   taker: tail, and the head it last saw
 *     line 2   slots; their number is a power of two
 *
 * Positions count up for ever and wrap as unsigned numbers do.
 *
 * Source  L. Lamport: Specifying Concurrent Program Modules (1983), with the
 *         remembered positions of MCRingBuffer (Lee, Bu, Chandranmenon, 2010).
 * Threads pipe_put(): the giver. pipe_waiting(), pipe_at(), pipe_pass(): the
 *         taker. pipe_depth(): anyone.
 */
#ifndef IO_PIPE_H
#define IO_PIPE_H

#include <stdalign.h>
#include <stdint.h>

struct pipe {
	alignas(64) uint32_t head;
	uint32_t tail_seen;
	uint32_t put_mask;
	alignas(64) uint32_t tail;
	uint32_t head_seen;
	uint32_t take_mask;
	alignas(64) uintptr_t slot[];
};

/* A pipe with room for `room` words, a power of two. NULL when there is no memory. */
struct pipe *pipe_new(uint32_t room);
void pipe_free(struct pipe *p);

/* Put up to n words, in order. Returns how many there was room for. */
static inline unsigned int
pipe_put(struct pipe *p, const uintptr_t *word, unsigned int n)
{
	uint32_t head = p->head, room = p->put_mask + 1;

	if (room - (head - p->tail_seen) < n) {
		/* Acquire: the taker has read the slots before they are written again. */
		p->tail_seen = __atomic_load_n(&p->tail, __ATOMIC_ACQUIRE);
		if (room - (head - p->tail_seen) < n)
			n = room - (head - p->tail_seen);
	}
	for (unsigned int i = 0; i < n; i++)
		p->slot[(head + i) & p->put_mask] = word[i];
	__atomic_store_n(&p->head, head + n, __ATOMIC_RELEASE);
	return n;
}

/* Words known to wait; looks for more only when none is known. */
static inline unsigned int
pipe_waiting(struct pipe *p)
{
	if (p->head_seen == p->tail)
		p->head_seen = __atomic_load_n(&p->head, __ATOMIC_ACQUIRE);
	return p->head_seen - p->tail;
}

/* Word i of those that wait. */
static inline uintptr_t
pipe_at(const struct pipe *p, unsigned int i)
{
	return p->slot[(p->tail + i) & p->take_mask];
}

/* The first n words were taken; the giver may use their slots. */
static inline void
pipe_pass(struct pipe *p, unsigned int n)
{
	__atomic_store_n(&p->tail, p->tail + n, __ATOMIC_RELEASE);
}

/* Words in the pipe at some moment not long ago. */
static inline unsigned int
pipe_depth(const struct pipe *p)
{
	uint32_t tail = __atomic_load_n(&p->tail, __ATOMIC_RELAXED);

	return __atomic_load_n(&p->head, __ATOMIC_RELAXED) - tail;
}

#endif
