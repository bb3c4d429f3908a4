/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * talkers - who sends and who receives most, in fixed memory.
 *
 * Space-Saving (Metwally, Agrawal, El Abbadi 2005) in eight-way lines: a key
 * lives in the line its hash picks; a new key takes the place of the line's
 * smallest and inherits its count as `error`, so a reported count is never too
 * low and at most `error` too high. One packet in TALKERS_SAMPLE is counted, with that
 * weight, chosen by a counter that the sender cannot see.
 *
 * Two epochs of one second alternate: the worker fills one, readers read the
 * other, which nobody writes for the next second.
 *
 * Units   packets and bytes a second (an epoch).
 * Threads one worker adds; readers copy the finished epoch and retry if it turned meanwhile.
 */
#ifndef SKETCH_TALKERS_H
#define SKETCH_TALKERS_H

#include <stddef.h>
#include <stdint.h>

#include "hash/hash.h"

#define TALKERS_LINES    512
#define TALKERS_WAYS     8
#define TALKERS_SAMPLE   8
#define TALKERS_EPOCH_NS UINT64_C(1000000000)

enum talkers_table { TALKERS_SOURCES, TALKERS_DESTINATIONS, TALKERS_TABLES };

struct talker {
	uint8_t address[16];
	uint64_t packets, bytes;
	uint64_t error; /* packets that may belong to others */
};

struct talkers_epoch {
	uint64_t began_ns, ended_ns;
	struct talker slot[TALKERS_TABLES][TALKERS_LINES * TALKERS_WAYS];
};

struct talkers {
	struct hash_key key;
	struct talkers_epoch *epoch; /* two of them */
	uint64_t turn;               /* epoch[turn & 1] is being filled */
	uint64_t tick;               /* packets seen, for sampling */
};

int talkers_open(struct talkers *t, const struct hash_key *key);
void talkers_close(struct talkers *t);

/* Count one packet of `bytes`; cheap for the seven of eight that are not sampled. */
void talkers_add(struct talkers *t, const uint8_t src[16], const uint8_t dst[16],
                 uint32_t bytes);

/* Turn the epoch over when its second is up. */
void talkers_turn(struct talkers *t, uint64_t now_ns);

/*
 * Copy the `n` largest of the finished epoch by packets or bytes, largest first,
 * into out; *seconds_ns gets the epoch's length. Returns how many.
 */
size_t talkers_read(const struct talkers *t, enum talkers_table which, int by_bytes,
                    struct talker *out, size_t n, uint64_t *length_ns);

#endif
