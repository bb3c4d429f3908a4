/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * drops - why strangers were dropped lately, for who asks on the phone.
 *
 * A stranger has no record of its own (crowd.h), but an operator shall be told
 * why he did not get through. So the last drop of an address is noted in a place
 * that its hash chooses, over whoever was noted there before. Of a burst in which
 * many strangers were dropped only every eighth lane is noted, other ones each
 * time: that is for floods, in which nobody's note lasts anyway.
 *
 * So a note tells the truth, and that there is none tells nothing: at a thousand
 * drops a second of random strangers a note lasts for seconds, at ten million for
 * milliseconds, unless the stranger is dropped again.
 *
 * Memory  128 KiB, taken at open.
 * Threads one worker.
 */
#ifndef FLOW_DROPS_H
#define FLOW_DROPS_H

#include <assert.h>
#include <stdint.h>

#include "hash/hash.h"
#include "packet/burst.h"

#define DROPS_NOTES 4096u
#define DROPS_FEW   8u /* up to so many of a burst are noted all */

struct drop_note {
	uint8_t address[16];
	const char *reason; /* static, "stage.reason"; NULL: no note */
	uint32_t at;        /* ns of the worker clock in units of 2^20 */
	uint16_t service;
	uint16_t spare;
};
static_assert(sizeof(struct drop_note) == 32, "a note is half a cache line");

#define DROPS_BYTES (DROPS_NOTES * sizeof(struct drop_note))

struct drops {
	uint64_t odd[2]; /* of the key: how addresses are spread */
	unsigned int turn;
	struct drop_note *note; /* DROPS_NOTES */
};

/* Take the memory; the spread is derived from `key`. Returns 0 or -ENOMEM. */
int drops_open(struct drops *d, const struct hash_key *key);
void drops_close(struct drops *d);

/* The sources of these lanes are dropped now; `reason` is static. */
void drops_add(struct drops *d, const struct burst *b, uint64_t lanes,
               const char *reason);

/* The note of this address, or NULL. */
const struct drop_note *drops_find(const struct drops *d, const uint8_t address[16]);

#endif
