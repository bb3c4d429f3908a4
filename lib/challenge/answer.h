/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * answer - a SYN turned round in place into what we answer.
 *
 * Options are those the client offered and both sides may use, so the answer is
 * never longer than the SYN. Link, tags, addresses and ports are swapped.
 * Checksums are written in full: little of the SYN is left.
 *
 * Cost    tools/bench --micro answer.
 * Threads none.
 */
#ifndef CHALLENGE_ANSWER_H
#define CHALLENGE_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "packet/burst.h"
#include "packet/options.h"

struct answer {
	uint32_t seq, ack;
	uint16_t window;
	uint8_t tcp_flags;
	/* What to offer; mss 0, OPTIONS_NO_WSCALE and false are left out. Never more than was offered. */
	struct tcp_options options;
};

/*
 * What the lane's SYN offers, into *offer. The layouts of Linux, Windows and macOS are
 * known by sight, others are read option by option.
 */
void answer_read_offer(const struct burst *b, unsigned int lane,
                       struct tcp_options *offer);

/*
 * Rewrite bytes[lane], a sound TCP packet from outside, into the answer, and set
 * bytes_len[lane] to its length. IPv4 options and IPv6 extension headers are left out.
 */
void answer_write(struct burst *b, unsigned int lane, const struct answer *a);

#endif
