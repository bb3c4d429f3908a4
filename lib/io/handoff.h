/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * handoff - packets that one worker received and another one must judge.
 *
 *     receive ─ parse ─ handoff_give ─► what stays is judged here
 *                            │
 *                one pipe per ordered pair of workers
 *                            │
 *     handoff_collect ─ handoff_take ─► a burst like any other, parsed again
 *
 * A slot carries the packet and, in the low bits that the alignment of an mbuf
 * leaves free, the link and side it came in by; so the taker sorts packets
 * without touching them, and its bursts are full though each giver gave a few.
 * Facts are not handed over: the headers must cross to the other core anyway,
 * and reading them there costs no more than carrying another 64 bytes.
 *
 * A full pipe drops, with the reason io.handoff_full, and does not make its
 * giver wait: a giver that stops receiving loses everybody's packets unseen in
 * the device, while this loses those of the one worker that cannot keep up, and
 * says so. Two workers that wait for each other would never end.
 *
 * Books: `received` is counted by who received, `handed` by who gave, `taken` by
 * who took, the verdict by who judged. For each worker, link and side
 *
 *     received + taken = forwarded + dropped + replied + consumed + handed
 *
 * and in the sum over workers what was handed and not yet taken is in a pipe.
 *
 * The order of packets in a flow is kept: those of one direction come from one
 * queue, to one worker, through one pipe. In bypass nothing is handed over, so
 * packets of its first moment may overtake those that wait in a pipe.
 *
 * Threads give, collect and take: the worker named; depth: any; the rest: control
 *         side, while no worker runs.
 */
#ifndef IO_HANDOFF_H
#define IO_HANDOFF_H

#include <stdbool.h>
#include <stdint.h>

struct burst;
struct handoff_desk;
struct io_queue;
struct pipe;

struct handoff {
	unsigned int workers;       /* 0: everybody keeps what they receive */
	unsigned int queues;        /* ends of all links: link * 2 + side */
	struct pipe **pipe;         /* [giver * workers + taker]; NULL for oneself */
	struct handoff_desk **desk; /* by worker */
};

/* Packets that fit into each pipe between so many workers. */
unsigned int handoff_room(unsigned int workers);

/* Packets that may wait for all workers together, in pipes and on desks; 0 for one worker. */
unsigned int handoff_buffers(unsigned int workers);

/* For 2 workers and more. Returns 0, or -ENOMEM with nothing open. */
int handoff_open(struct handoff *h, unsigned int workers, unsigned int links);

/* Free everything, packets that still wait too. A zeroed handoff may be closed. */
void handoff_close(struct handoff *h);

static inline bool
handoff_is_on(const struct handoff *h)
{
	return h->workers > 1;
}

/*
 * Take out of a received and parsed burst what belongs to others; the lanes that
 * stay close ranks in order. Lanes for which there is no room stay as drops.
 */
void handoff_give(struct handoff *h, struct io_queue *q, struct burst *b);

/*
 * Sort what waits for this worker by where it came from. Once a turn, before
 * handoff_take(). Returns how many packets it knew to wait.
 */
unsigned int handoff_collect(struct handoff *h, unsigned int worker);

/* Fill a burst with what was handed over of this queue's link and side. False when nothing was. */
bool handoff_take(struct handoff *h, struct io_queue *q, struct burst *b,
                  uint64_t now_ns);

/* Whether anything was collected for this queue. */
bool handoff_has(const struct handoff *h, const struct io_queue *q);

/* Packets that wait for the worker at this moment, more or less. */
unsigned int handoff_depth(const struct handoff *h, unsigned int worker);

#endif
