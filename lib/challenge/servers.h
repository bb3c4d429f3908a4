/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * servers - what each protected server says in its own SYN-ACKs.
 *
 * Whoever answers a SYN in a server's place must promise what the server will
 * keep. So its own answers are watched while handshakes are left alone: MSS,
 * window scale, SACK, timestamps, ECN, by address and port. A server never seen
 * is taken for what most are, or for what the operator says.
 *
 * An answer carries only what its client offered, so an option that is missing
 * there tells something only when the SYN had it; the learner says so.
 *
 * Memory  SERVERS_ENTRIES of 32 bytes, taken at open; two share a place, and of more than
 *         two the newest stay. Who of the protected side opens many ports hurts himself.
 * Threads one worker.
 */
#ifndef CHALLENGE_SERVERS_H
#define CHALLENGE_SERVERS_H

#include <stdbool.h>
#include <stdint.h>

#include "hash/hash.h"
#include "packet/options.h"

#define SERVERS_ENTRIES 8192

/* What a server promises; wscale OPTIONS_NO_WSCALE: none. */
struct server {
	uint16_t mss;
	uint8_t wscale;
	bool has_sack, has_ts, has_ecn;
};

struct servers {
	struct hash_key key;
	void *cells; /* private */
};

/* Returns 0 or -ENOMEM. `key` is copied. */
int servers_open(struct servers *s, const struct hash_key *key);
void servers_close(struct servers *s);

/*
 * A SYN-ACK of this server said so, as an answer to a client that offered `offer` (NULL:
 * unknown). What a client asked of ECN is in no option, so ECN is only ever learnt to be there.
 */
void servers_learn(struct servers *s, const uint8_t address[16], uint16_t port,
                   const struct tcp_options *said, bool said_ecn,
                   const struct tcp_options *offer);

/* What is known of it. Returns false, and *out is what most servers do, when nothing is. */
bool servers_find(const struct servers *s, const uint8_t address[16], uint16_t port,
                  bool is_ipv6, struct server *out);

#endif
