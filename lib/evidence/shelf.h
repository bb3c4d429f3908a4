/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shelf - the last samples, and of each kind the last few for as long as possible.
 *
 * When it is full, the oldest of the most frequent kind makes room. A kind is what a
 * sample tells: attack, service, reason, verdict.
 *
 * Threads none of its own: who uses it holds a lock.
 */
#ifndef EVIDENCE_SHELF_H
#define EVIDENCE_SHELF_H

#include "evidence/evidence.h"

#define SHELF_KINDS 4096 /* counters of kinds, shared by hash */

struct shelf {
	uint64_t last; /* number of the newest sample */
	size_t kept;
	uint16_t kind[EVIDENCE_KEPT]; /* of each sample */
	uint16_t count[SHELF_KINDS];
	struct evidence_sample sample[EVIDENCE_KEPT];
};

/* Take a copy; its number is given here. */
void shelf_put(struct shelf *s, const struct evidence_note *n,
               const struct evidence_story *story);

/*
 * Tell the story of sample i anew: only its attack may become known later. The kind
 * it belongs to follows.
 */
void shelf_retell(struct shelf *s, size_t i, const struct evidence_story *story);

/* As evidence_read(). */
size_t shelf_read(const struct shelf *s, const struct evidence_which *which,
                  struct evidence_sample *out, size_t n);

#endif
