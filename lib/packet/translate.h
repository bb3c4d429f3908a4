/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * translate - a TCP segment told in the other side's numbers.
 *
 * A spliced connection has two halves whose numbers of one end differ by a
 * constant. Sequence number, acknowledgement, SACK blocks, timestamps and the
 * window are rewritten in place and the checksum follows incrementally (RFC
 * 1624), so that a segment that was broken before stays broken after.
 *
 * ICMP and ICMPv6 errors quote a segment; the quote must be told in the numbers
 * of whoever reads it, or path-MTU discovery ends (RFC 5927: a host checks the
 * quoted sequence number).
 *
 * Cost    12 cycles with the timestamps of every day, 17 with a window to shift, 13 without
 *         options, 48 with SACK (tools/bench --micro translate, a Xeon at 3 GHz).
 * Threads none: pure functions of their arguments.
 */
#ifndef PACKET_TRANSLATE_H
#define PACKET_TRANSLATE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/quote.h"

struct facts;

/*
 * What to add, modulo 2^32, to each number of a segment. All 0: nothing changes, not a
 * bit. With each number negated (and no window_shift) the old bytes come back; a
 * checksum of 0xffff, which no stack writes, may come back as the 0 that it stands for.
 *
 *   byte 0     4     8          12         16             20
 *        | seq | ack | ts_value | ts_echo  | window_shift |
 */
struct translation {
	uint32_t seq, ack; /* ack only with the ACK flag; SACK blocks move with it */
	uint32_t ts_value, ts_echo; /* ts_echo only with the ACK flag (RFC 7323 3.2) */

	/*
	 * The window is shifted left by this, at most to 65535, or right if negative,
	 * rounded down: nobody is promised what the other end did not give, and who meets
	 * a closed window probes it, but who fills one that is not there repeats himself
	 * in vain. -14..14; segments with SYN keep theirs, which is never scaled (RFC
	 * 7323 2.2).
	 */
	int8_t window_shift;
};
static_assert(offsetof(struct translation, ack) == 4 &&
                      offsetof(struct translation, ts_value) == 8 &&
                      offsetof(struct translation, ts_echo) == 12,
              "four numbers are added at once");

/*
 * Rewrite the segment of sound TCP facts whose first `len` bytes are at `bytes` (all of
 * its headers; if not, nothing is changed). Only `bytes` changes, facts do not.
 */
void translate_segment(uint8_t *bytes, size_t len, const struct facts *f,
                       const struct translation *t);

/*
 * Rewrite the sequence number of the TCP segment quoted at q->l4_off and, where flags and
 * number are quoted, its acknowledgement, and mend the quoted checksum where it is whole,
 * else that of the ICMP message. Nothing changes when less than 8 bytes of TCP are quoted.
 * Timestamps, SACK blocks and window of a quote are left: nobody reads them. `f` is the
 * error's, as is `len`; *q is from quote_read() on the same bytes.
 */
void translate_quote(uint8_t *bytes, size_t len, const struct facts *f,
                     const struct quote *q, const struct translation *t);

#endif
