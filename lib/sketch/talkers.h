/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * talkers - who sends and who receives most, in fixed memory.
 *
 * Space-Saving (Metwally, Agrawal, El Abbadi 2005) in eight-way lines: a key
 * lives in the line its hash picks; a new key takes the place of the line's
 * smallest and inherits its count as `error`, so a count is never below what
 * was counted and at most `error` above it. Of TALKERS_SAMPLE packets one is
 * counted, with that weight, at random gaps that start from the key: no sender
 * can step between them. Of packets that come in full bursts, which is when there
 * are most of them and least time, it is one of TALKERS_SAMPLE_FULL. Sampling adds
 * a standard error of at most sqrt(that number * packets).
 *
 * Sources are counted in a sketch first (frequency.h), and a new one takes a place
 * only when its estimate there is above the smallest of the line: a flood of
 * random sources, each of which comes once, then no longer washes the loud ones
 * out, nor adds to their error. The sketch also answers for any source at all.
 *
 * Two epochs of one second alternate: the worker fills one, readers read the
 * other, which nobody writes for the next second. A line of the last but one
 * epoch is cleared when its first packet comes, so turning costs nothing.
 *
 * Units   packets and bytes a second (an epoch).
 * Threads one worker adds; readers copy the finished epoch and retry if it turned meanwhile.
 */
#ifndef SKETCH_TALKERS_H
#define SKETCH_TALKERS_H

#include <stddef.h>
#include <stdint.h>

#include "hash/hash.h"
#include "sketch/frequency.h"

#define TALKERS_LINES       512
#define TALKERS_WAYS        8
#define TALKERS_SAMPLE      32
#define TALKERS_SAMPLE_FULL 128 /* the same, times a power of two */
#define TALKERS_EPOCH_NS    UINT64_C(1000000000)

struct burst;

enum talkers_table { TALKERS_SOURCES, TALKERS_DESTINATIONS, TALKERS_TABLES };

struct talker {
	uint8_t address[16];
	uint64_t packets;
	uint64_t bytes; /* since the address got its slot: the error is on the low side */
	uint64_t error; /* packets that may belong to others */
};

struct talkers_epoch {
	uint64_t began_ns, ended_ns;
	uint64_t sampled;   /* packets counted, */
	uint64_t stood_for; /* and how many each of them stood for, summed up */
	uint64_t filled[TALKERS_TABLES]
		       [TALKERS_LINES]; /* turn + 1 that a line belongs to */
	struct talker slot[TALKERS_TABLES][TALKERS_LINES * TALKERS_WAYS];
	struct frequency sources;
};

struct talkers {
	struct hash_key key;
	struct talkers_epoch *epoch; /* two of them */
	uint64_t turn;               /* epoch[turn & 1] is being filled */
	uint64_t random;             /* where the next gap comes from */
	uint32_t
		skip; /* to go until the next is counted; a packet of a full burst is 1 */
};

/* Take the memory of both epochs. Returns 0 or -ENOMEM; nothing stays open then. */
int talkers_open(struct talkers *t, const struct hash_key *key);
void talkers_close(struct talkers *t);

/* See one packet of `bytes`, and count it when it is its turn. */
void talkers_add(struct talkers *t, const uint8_t src[16], const uint8_t dst[16],
                 uint32_t bytes);

/* See the live IP packets of a burst: those between two samples cost nothing. */
void talkers_see(struct talkers *t, const struct burst *b);

/* Turn the epoch over when its second is up. */
void talkers_turn(struct talkers *t, uint64_t now_ns);

/* Of how many packets one was counted in the finished epoch, on average. Any thread. */
uint32_t talkers_one_in(const struct talkers *t);

/*
 * Copy the `n` largest of the finished epoch by packets or bytes, largest first,
 * into out; *length_ns gets the epoch's length. Returns how many; 0 with a
 * length of 0 before the first epoch is over. Any thread but a worker.
 */
size_t talkers_read(const struct talkers *t, enum talkers_table which, int by_bytes,
                    struct talker *out, size_t n, uint64_t *length_ns);

/* What the finished epoch knows of one source, whether it is among the largest or not. */
struct talkers_estimate {
	uint64_t packets;   /* at most, but for sampling */
	uint64_t error;     /* of these, on average, at most so many belong to others */
	uint64_t length_ns; /* 0 before the first epoch is over */
};
struct talkers_estimate talkers_estimate(const struct talkers *t,
                                         const uint8_t source[16]);

#endif
