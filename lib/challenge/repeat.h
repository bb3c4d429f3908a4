/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * repeat - whether this very SYN, or datagram, was seen a moment ago.
 *
 * A real stack that hears nothing sends its SYN again after a second or more, a
 * forger of random sources does not. Of each first SYN only a keyed hash of
 * addresses, ports and sequence number is kept, with the moment it came; a
 * repetition counts when it comes REPEAT_MIN_NS to REPEAT_MAX_NS later. Of a datagram
 * its length stands for the number: what is repeated may be encrypted anew.
 *
 * Memory is lines of sixteen notes, in each of which the oldest makes room for the
 * newest: a full table is a normal state, and remembers as many of the latest as it
 * has places. An attacker who fills it can make real customers wait for another
 * repetition and no more. At 3 million SYNs/s a worker a second is remembered.
 *
 * Units   ns of the worker clock, in steps of 4.2 ms.
 * Memory  repeat_bytes(), 16 MiB, taken at open.
 * Cost    tools/bench --micro repeat.
 * Threads one worker.
 * Source  RFC 6298 2: the first retransmission comes after 1 s; Windows 3 s, macOS 1 s.
 */
#ifndef CHALLENGE_REPEAT_H
#define CHALLENGE_REPEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "hash/hash.h"
#include "packet/burst.h"

#define REPEAT_MIN_NS (UINT64_C(800) * 1000000)
#define REPEAT_MAX_NS (UINT64_C(4000) * 1000000)

#define REPEAT_LEAST_NS (UINT64_C(10) * 1000000) /* that repeat_set_times() takes */
#define REPEAT_MOST_NS  (UINT64_C(16000) * 1000000)

struct repeat {
	struct hash_key key;
	uint32_t min_ticks, max_ticks; /* a repetition comes between */
	uint64_t early;                /* lanes of the last burst that repeat too early */
	void *cells;                   /* private */
};

uint64_t repeat_bytes(void);
/* Returns 0 or -ENOMEM. `key` is copied. */
int repeat_open(struct repeat *r, const struct hash_key *key);
void repeat_close(struct repeat *r);

/*
 * From now on repetitions count that come min_ns to max_ns later, at least REPEAT_LEAST_NS
 * and at most REPEAT_MOST_NS, min_ns < max_ns. REPEAT_MIN_NS and REPEAT_MAX_NS at first.
 */
void repeat_set_times(struct repeat *r, uint64_t min_ns, uint64_t max_ns);

/*
 * Note the SYNs or datagrams of `lanes`. Returns those of them that repeat an earlier one in time;
 * those are forgotten, so that one first SYN lets one repetition pass. r->early tells of the others
 * those that came too early to count.
 */
uint64_t repeat_see(struct repeat *r, const struct burst *b, uint64_t lanes);

#endif
