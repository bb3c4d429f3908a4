/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * member - which keys were seen lately, at a few bits each.
 *
 * A blocked Bloom filter (Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient
 * Bloom Filters", 2007): a key's hash picks one cache line and six bits of it. Keys go
 * into the present generation; when it holds `most` keys or is `every_ns` old it becomes
 * the last one, and the last one is forgotten. So a key is known for one to two
 * generations after it was added last.
 *
 *     present | last | a third that is being wiped, some lines with every call
 *
 * Error   no key of the two generations is ever missed. A key that was never added is
 *         taken for known once in a thousand times when both hold a key for each 16 bits.
 * Memory  3 x 64 bytes a line, taken at open.
 * Threads one worker.
 */
#ifndef SKETCH_MEMBER_H
#define SKETCH_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#define MEMBER_LINE_BITS 512u

struct member {
	void *lines;       /* 3 generations; private */
	uint32_t mask;     /* lines of a generation, less one */
	uint32_t present;  /* 0..2 */
	uint32_t wiped;    /* lines of the third generation that are empty */
	uint64_t keys;     /* added to the present one */
	uint64_t most;     /* of them */
	uint64_t began_ns; /* when the present one began */
	uint64_t every_ns;
};

uint64_t member_bytes(uint32_t lines);

/*
 * `lines` is a power of two, 64..2^24. A generation ends with its `most` keys (1 or more)
 * or after `every_ns`. Returns 0 or -ENOMEM.
 */
int member_open(struct member *m, uint32_t lines, uint64_t most, uint64_t every_ns);
void member_close(struct member *m);

/* Begin a new generation when one is due and there is a wiped one. Call it now and then. */
void member_turn(struct member *m, uint64_t now_ns);

/* Ask memory for what the next two need. */
void member_ask(const struct member *m, uint64_t hash);
bool member_has(const struct member *m, uint64_t hash);
void member_add(struct member *m, uint64_t hash);

#endif
