/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cookie - numbers that only whoever receives our answers can give back.
 *
 * Nothing is remembered of a SYN: what the third segment must acknowledge is a
 * MAC of its addresses, ports and first sequence number under a key of the
 * present epoch, so the segment itself proves that the SYN was real. AES-128 as
 * a block cipher for IPv4 (everything fits one block), as CBC-MAC of exactly
 * three blocks for IPv6: of messages of one length CBC-MAC is a secure function
 * (Bellare, Kilian, Rogaway 2000). Each family and each use has keys of its own,
 * so what is learnt of one tells nothing of another.
 *
 *     cookie  | 29 bits of MAC | 3 bits: index of the MSS |
 *
 * The keys of an epoch are derived from one secret and the wall clock alone.
 * Boxes with the same secret therefore accept each other's cookies, if their
 * clocks differ by less than a packet travels. An answer is accepted in its epoch
 * and the next one: 64 to 128 s.
 *
 * A guess is accepted with probability 2 x 8 / 2^32.
 *
 * Units   ns of the wall clock (Unix time).
 * Cost    tools/bench --micro cookie.
 * Threads one worker each; a copy of the keys per worker.
 * Source  D. J. Bernstein's SYN cookies (1996); FIPS 197; NIST SP 800-108 (derivation).
 */
#ifndef CHALLENGE_COOKIE_H
#define CHALLENGE_COOKIE_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/burst.h"

#define COOKIE_SECRET   32 /* bytes */
#define COOKIE_EPOCH_NS (UINT64_C(64) * 1000000000)
#define COOKIE_LIFE_NS  (2 * COOKIE_EPOCH_NS) /* longest that an answer may take */
#define COOKIE_MSS      8                     /* sizes that a cookie can name */

/* What a key is for. */
enum cookie_use {
	COOKIE_IPV4,
	COOKIE_IPV6,
	COOKIE_BAD_ACK_IPV4,
	COOKIE_BAD_ACK_IPV6,
	COOKIE_USES
};

struct cookie_keys {
	/* AES-128 schedules; of each round key first the present epoch's, then the one's before. */
	alignas(16) uint8_t round[COOKIE_USES][11][2][16];
	uint8_t secret[COOKIE_SECRET];
	uint64_t epoch; /* the present one */
};

/* The keys of this moment; `secret` is copied. Read-only for others until the next turn. */
void cookie_keys_open(struct cookie_keys *k, const uint8_t secret[COOKIE_SECRET],
                      uint64_t wall_ns);

/* The slow path of cookie_keys_turn(): derive the keys of this epoch and of the one before. */
void cookie_keys_derive(struct cookie_keys *k, uint64_t epoch);

/* Follow the clock; call once a burst before any of the functions below. */
static inline void
cookie_keys_turn(struct cookie_keys *k, uint64_t wall_ns)
{
	const uint64_t epoch = wall_ns / COOKIE_EPOCH_NS;

	if (__builtin_expect(epoch != k->epoch, 0))
		cookie_keys_derive(k, epoch);
}

/*
 * In all that follows `lanes` are sound TCP with ports, and b->ipv6 is set as the parser
 * sets it.
 *
 * The cookies of SYNs: out[i] for each of `lanes`, whose lowest three bits are 0 for the
 * caller to set to the index of an MSS.
 */
void cookie_make(const struct cookie_keys *k, const struct burst *b, uint64_t lanes,
                 uint32_t out[LANES_MAX]);

/*
 * Which of `lanes` acknowledge a cookie. `back` is how far the client's first sequence
 * number lies behind the segment's: 1 for the third segment of a handshake, 0 for a
 * probe of its window. Of an accepted lane the cookie is facts.tcp_ack - 1.
 */
uint64_t cookie_check(const struct cookie_keys *k, const struct burst *b, uint64_t lanes,
                      uint32_t back);

/* The MSS that a cookie names, in bytes; of its family's table. */
uint16_t cookie_mss(uint32_t cookie, bool is_ipv6);
/* Index of the largest entry that is not above `mss`; 0 if all are (RFC 9293 3.7.1: 536, 1220). */
unsigned int cookie_mss_index(uint16_t mss, bool is_ipv6);

/*
 * The number that goes into the acknowledgement of a deliberately wrong answer: a MAC of
 * addresses and ports, 32 bits. A client sends it back as the sequence number of an RST
 * (RFC 9293 3.10.7.3), in which nothing else of its SYN is left.
 */
void cookie_make_bad_ack(const struct cookie_keys *k, const struct burst *b,
                         uint64_t lanes, uint32_t out[LANES_MAX]);
/* Which of `lanes`, RSTs, give such a number back. */
uint64_t cookie_check_bad_ack(const struct cookie_keys *k, const struct burst *b,
                              uint64_t lanes);

#endif
