/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guard - how often one peer may ask, and how often it may show a wrong token.
 *
 * A peer is a user on a Unix socket, an IPv4 address or an IPv6 /64. Each has two
 * buckets: requests, 200 a second and 400 at once; tokens that are not known, one a
 * second and ten at once. What is beyond is refused before any work is done for it.
 * A good token is always taken: it cannot be guessed, and whoever guesses beside it
 * must not lock it out.
 *
 * Memory  256 peers; the one that was silent longest makes room.
 * Units   ns of any clock that never goes back.
 * Threads any; a lock inside.
 */
#ifndef API_GUARD_H
#define API_GUARD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define API_GUARD_PEERS         256
#define API_GUARD_RATE          200
#define API_GUARD_BURST         400
#define API_GUARD_FAILURE_RATE  1
#define API_GUARD_FAILURE_BURST 10

struct sockaddr;

struct api_peer {
	uint8_t key[16]; /* all 0: nobody that can be told apart */
};

struct api_guard {
	pthread_mutex_t lock;
	struct api_guard_peer {
		struct api_peer peer;
		uint64_t seen_ns; /* 0: unused */
		double requests, failures;
	} of[API_GUARD_PEERS];
};

void api_peer_of_user(struct api_peer *p, uint32_t uid);
/* Of an address of IPv4 or IPv6; of anything else all 0. */
void api_peer_of_address(struct api_peer *p, const struct sockaddr *from);

void api_guard_open(struct api_guard *g);
void api_guard_close(struct api_guard *g);

/* One more request. Returns whether it may be answered. */
bool api_guard_request(struct api_guard *g, const struct api_peer *p, uint64_t now_ns);

/* One more token that is not known. Returns whether that was within the rate. */
bool api_guard_failure(struct api_guard *g, const struct api_peer *p, uint64_t now_ns);

#endif
