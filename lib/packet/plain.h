/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plain - the parser's straight way for the packets that nearly all are.
 *
 * Ethernet with one 802.1Q tag or none, IPv4 without options or IPv6 without
 * extension headers, unfragmented TCP or UDP. Eight such frames are read at a
 * time: their headers are turned from eight packets of many words into a word of
 * eight packets for each field, asked all questions at once, and turned back into
 * facts.
 *
 *     frame 0  | w0 | w1 | w2 ...            w0 | 0 | 1 | ... | 7 |
 *     frame 1  | w0 | w1 | w2 ...    ->      w1 | 0 | 1 | ... | 7 |
 *     ...                                    ...
 *
 * Whatever else a frame is, or whatever is wrong with it, is left to the general
 * way in parse.c, which gives the same facts (the tests compare both with a twin).
 *
 * FACT_PLAIN says more than that it came this way: its source could be a
 * customer of the Internet, its ports are real and no routing protocol's, its
 * flags make sense. It is a promise to the stages `wiretalk` and `sanity` that
 * they would find nothing, held by a test of theirs.
 *
 * Cost    21 cycles for IPv4, 18 for IPv6, with what is noted of a burst (tools/bench --micro
 *         parse, a Xeon at 3 GHz); one by one the same checks took 25 and 22.
 * Threads none: pure functions of their arguments.
 */
#ifndef PACKET_PLAIN_H
#define PACKET_PLAIN_H

#include <stddef.h>
#include <stdint.h>

#include "packet/facts.h"

/* Frames that are read together. */
#define PLAIN_EIGHT 8

/*
 * Up to eight frames: of frame k there are readable[k] bytes at bytes[k], and it had
 * frame_len[k] on the link. frame_len[] has eight places, whatever n is.
 */
struct plain_frames {
	const uint8_t *const *bytes;
	const uint16_t *readable;
	const uint16_t *frame_len;
	unsigned int n;
};

/* Which of them were read, a bit each, and what is asked of whole bursts. */
struct plain_read {
	unsigned int ipv4, ipv6;     /* no frame is in both */
	unsigned int plain;          /* those with FACT_PLAIN */
	uint16_t flags[PLAIN_EIGHT]; /* enum fact_flag of those read; of others 0, */
	uint8_t vector[PLAIN_EIGHT]; /* and so is their enum vector */
};

/*
 * Read those of the frames that are so. Of those every fact is written, of the
 * others none. out[] has room for eight.
 */
void plain_read(const struct plain_frames *in, struct facts *out,
                struct plain_read *read);

#endif
