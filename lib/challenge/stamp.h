/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stamp - what else a SYN offered, kept by the client in a timestamp of ours.
 *
 * A client that offers timestamps gives ours back with its third segment. The
 * low six bits tell what was agreed; the others are a clock of ms, which only
 * ever runs ahead, rounded down so that no stamp is from the future.
 *
 *     stamp  | 26 bits: ms / 64 | ECN | SACK | 4 bits: window scale, 15 none |
 *
 * Source  RFC 7323 5.4 (any clock from 1 ms to 1 s a tick will do); Linux does the same.
 * Threads none.
 */
#ifndef CHALLENGE_STAMP_H
#define CHALLENGE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/options.h"

/* Of `agreed` the window scale and SACK count. */
uint32_t stamp_make(const struct tcp_options *agreed, bool has_ecn, uint64_t wall_ns);

/*
 * What the stamp says: writes wscale and has_sack_permitted of *agreed, and *has_ecn.
 * Returns false when it was not made within the last COOKIE_LIFE_NS.
 */
bool stamp_read(uint32_t stamp, uint64_t wall_ns, struct tcp_options *agreed,
                bool *has_ecn);

#endif
