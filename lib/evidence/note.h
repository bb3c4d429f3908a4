/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * note - one packet as a worker writes it down, and the ring that carries it away.
 *
 *     |  64 bytes: what was decided  |  64 bytes: facts  |  the frame's bytes ...  |
 *
 * The ring is bounded and has one writer, a worker, and one reader. Records are
 * multiples of a cache line and lie in one piece: where the end of the ring is too
 * near, what is left there is passed over. When there is no room the packet is
 * counted as lost and the worker goes on.
 *
 * Units   bytes; time_ns is the worker clock.
 * Threads evidence_ring_begin, evidence_ring_end: the worker. The rest: the reader.
 */
#ifndef EVIDENCE_NOTE_H
#define EVIDENCE_NOTE_H

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include "packet/facts.h"

/* What became of a packet. */
enum evidence_verdict {
	EVIDENCE_PASSED,
	EVIDENCE_DROPPED,
	EVIDENCE_ANSWERED, /* noted as it came, not as it went back */
	EVIDENCE_CONSUMED,
	EVIDENCE_WOULD, /* passed, but only because the policy monitors */
	EVIDENCE_VERDICTS
};

struct evidence_note {
	uint32_t size;    /* of the record, its bytes included */
	uint32_t capture; /* whose it is; 0: a sample */
	uint64_t time_ns;
	uint16_t frame_len; /* on the wire, without FCS */
	uint16_t bytes_len; /* of it behind this header */
	uint16_t service, policy;
	uint8_t link, side;    /* where it came in */
	uint8_t verdict;       /* enum evidence_verdict */
	uint8_t stage, reason; /* of no meaning for EVIDENCE_PASSED */
	uint8_t standing, vector;
	uint8_t worker;
	bool is_armed; /* its service and vector were under attack at that worker */
	struct facts facts;
};
static_assert(sizeof(struct evidence_note) == 128, "a note begins with two cache lines");

static inline const uint8_t *
evidence_bytes(const struct evidence_note *n)
{
	return (const uint8_t *)(n + 1);
}

struct evidence_ring {
	uint8_t *room;
	uint64_t size;             /* a power of two */
	alignas(64) uint64_t head; /* written by the worker */
	uint64_t tail_seen;        /* the worker's: tail as it was read last */
	uint64_t lost;             /* packets that found no room */
	alignas(64) uint64_t tail; /* written by the reader */
};

/* `size` is a power of two from 4 KiB on; all of it is touched here. 0 or -ENOMEM. */
int evidence_ring_open(struct evidence_ring *r, uint64_t size);
void evidence_ring_close(struct evidence_ring *r);

/*
 * Room for a note with `bytes_len` bytes, to be filled and handed over by
 * evidence_ring_end(); NULL, and counted lost, when there is none.
 */
struct evidence_note *evidence_ring_begin(struct evidence_ring *r, uint32_t bytes_len);
void evidence_ring_end(struct evidence_ring *r, const struct evidence_note *n);

/* Whether a note of that many bytes would find room now. Worker. */
bool evidence_ring_has_room(struct evidence_ring *r, uint32_t bytes_len);

/* The oldest note, which stays until evidence_ring_next(); NULL when there is none. */
const struct evidence_note *evidence_ring_peek(struct evidence_ring *r);
void evidence_ring_next(struct evidence_ring *r);

#endif
