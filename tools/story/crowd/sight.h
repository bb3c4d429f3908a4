/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sight - tell one frame at the shop's door from another: customer, or which attack.
 *
 * The question is who sent it, not what it pretends to be, so addresses decide first;
 * only what comes from nowhere in particular is told apart by protocol.
 *
 * Threads none.
 */
#ifndef CROWD_SIGHT_H
#define CROWD_SIGHT_H

#include <stddef.h>
#include <stdint.h>

#include "options.h"

enum sight {
	SIGHT_CUSTOMER, /* from a customers' prefix */
	SIGHT_UDP,      /* from anywhere else, not a fragment */
	SIGHT_FRAGMENT, /* any fragment that is no customer's */
	SIGHT_SYN,      /* a SYN from anywhere else */
	SIGHT_TCP,      /* other TCP from anywhere else */
	SIGHT_BOT_SYN,  /* a SYN from a bots' prefix */
	SIGHT_BOT_TCP,  /* other TCP from there */
	SIGHT_OTHER,    /* everything else: neighbour discovery, ARP */
	SIGHT_KINDS
};

extern const char *const sight_names[SIGHT_KINDS];

/* Classify a frame from its first `len` bytes (96 are enough without IP options). */
enum sight sight_of(const struct options *o, const uint8_t *frame, size_t len);

#endif
