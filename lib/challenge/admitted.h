/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * admitted - senders of datagrams that have proven themselves, remembered for a while.
 *
 * A sender is what stands in a datagram: addresses, ports, tags. Who has proven himself
 * becomes young; who still sends a second later settles. Memory is lines of sixteen
 * notes, which a flood of proofs (or of forgers who found out how to prove) may fill, and
 * yet not flush:
 *
 *     line  | 4 young: the oldest makes room for the newest | 12 settled |
 *
 * A settled note makes room only when its sender has been silent for a while. So new proofs
 * turn over their own quarter of the memory; who finds no settled place stays young.
 *
 * Units   ns of the worker clock, in steps of 134 ms.
 * Memory  admitted_bytes(), 4 MiB, taken at open.
 * Threads one worker.
 */
#ifndef CHALLENGE_ADMITTED_H
#define CHALLENGE_ADMITTED_H

#include <stdint.h>

#include "hash/hash.h"
#include "packet/burst.h"

#define ADMITTED_MAX_NS    (UINT64_C(300) * 1000000000) /* longest life without a packet */
#define ADMITTED_SETTLE_NS (UINT64_C(1) * 1000000000)
#define ADMITTED_SILENT_NS (UINT64_C(10) * 1000000000) /* then a settled place is free */

struct admitted {
	struct hash_key key;
	void *lines; /* private */
};

uint64_t admitted_bytes(void);
/* Returns 0 or -ENOMEM. `key` is copied. */
int admitted_open(struct admitted *a, const struct hash_key *key);
void admitted_close(struct admitted *a);

/*
 * The lanes whose senders are remembered and were last heard of no longer than life_ns
 * (up to ADMITTED_MAX_NS) ago; hearing them now prolongs it.
 */
uint64_t admitted_find(struct admitted *a, const struct burst *b, uint64_t lanes,
                       uint64_t life_ns);

/* Remember the senders of these lanes; who is remembered already is heard. */
void admitted_add(struct admitted *a, const struct burst *b, uint64_t lanes);

#endif
