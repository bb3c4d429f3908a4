/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spread - which worker a packet belongs to.
 *
 * State of a flow lives with one worker, so everything of the flow must meet
 * it: both directions, all fragments, and ICMP errors, which belong to the flow
 * they quote. Two rules give the same answer for both ends of a link:
 *
 *     by device    both ports spread alike (rss.h), so a packet is where it
 *                  belongs, but for ICMP errors, and fragments where ports count
 *     by software  a keyed hash of the two addresses, swapped or not, for every
 *                  packet; the key is a secret of its own, so that nobody can
 *                  aim a flood of many sources at one worker
 *
 * Where ports count (rss = "ports"), packets without TCP or UDP ports and all
 * fragments still go by addresses. A quote whose IPv6 header is followed by
 * extension headers goes by addresses too. What is not IP stays where it came.
 *
 * Cost    by software two short hashes a packet; by device a test of the lanes
 *         that are not plain.
 * Threads any: a spread is read-only after it was made.
 */
#ifndef IO_SPREAD_H
#define IO_SPREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "hash/hash.h"

struct burst;
struct facts;

struct spread {
	bool is_by_device;
	bool has_ports; /* rss = "ports" */
	unsigned int workers;
	unsigned int reta_size; /* by device */
	struct hash_key key;    /* by software */
};

/* Worker of one parsed packet that came to worker `here`; bytes are the frame's. */
unsigned int spread_worker(const struct spread *s, const struct facts *f,
                           const uint8_t *bytes, unsigned int len, unsigned int here);

/*
 * The live lanes of a parsed burst that belong to another worker than `here`. owner[i]
 * says to which, and for lanes that stay it says anything; owner[] is aligned to 32 bytes.
 */
uint64_t spread_elsewhere(const struct spread *s, const struct burst *b,
                          unsigned int here, uint8_t owner[64]);

#endif
