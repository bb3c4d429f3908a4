/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stamp - what else a SYN offered, kept by the client in a timestamp of ours.
 *
 * A client that offers timestamps gives ours back with its third segment. The
 * low ten bits tell what was agreed; the others are a clock of seconds, which is
 * one behind, so that no stamp is from the future.
 *
 *     stamp  | 22 bits: s - 1 | ECN | SACK | 4 bits: our window scale | 4 bits: its own |
 *
 * Our scale, a promise of the server's, is among them because until the third segment
 * comes more may have been learnt of the server. Of both 15 stands for none.
 *
 * The second tells the epoch of the cookie beside it (challenge/cookie.h), so that who
 * guesses a cookie with a stamp has one key to guess for, not two.
 *
 * Source  RFC 7323 5.4 (any clock from 1 ms to 1 s a tick will do; this one has 1,024 a second).
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
	uint64_t made_s; /* second of the wall clock when it was made; only read */
};

uint32_t stamp_make(const struct stamp *agreed, uint64_t wall_ns);

/* Write what the stamp says. Returns false when it was not made within the last COOKIE_LIFE_NS. */
bool stamp_read(uint32_t stamp, uint64_t wall_ns, struct stamp *out);

#endif
