/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stamp - what else a SYN offered, kept by the client in a timestamp of ours.
 *
 * A client that offers timestamps gives ours back with its third segment. The
 * low ten bits tell what was agreed; the others are a clock of ms, which only
 * ever runs ahead, rounded down so that no stamp is from the future.
 *
 *     stamp  | 22 bits: ms / 1024 | ECN | SACK | 4 bits: our window scale | 4 bits: its own |
 *
 * Our scale, a promise of the server's, is among them because until the third segment
 * comes more may have been learnt of the server. Of both 15 stands for none.
 *
 * Source  RFC 7323 5.4 (any clock from 1 ms to 1 s a tick will do); Linux does the same.
 * Threads none.
 */
#ifndef CHALLENGE_STAMP_H
#define CHALLENGE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

/* Window scales are 0..14, or OPTIONS_NO_WSCALE. */
struct stamp {
	uint8_t wscale;   /* that the client offered */
	uint8_t promised; /* that we answered */
	bool has_sack, has_ecn;
};

uint32_t stamp_make(const struct stamp *agreed, uint64_t wall_ns);

/* Write what the stamp says. Returns false when it was not made within the last COOKIE_LIFE_NS. */
bool stamp_read(uint32_t stamp, uint64_t wall_ns, struct stamp *out);

#endif
