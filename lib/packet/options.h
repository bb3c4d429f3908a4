/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options - what the options of a TCP header say.
 *
 * Read from segments that open a connection, and from those whose timestamps
 * or SACK blocks matter. A list that is not sound gives nothing.
 *
 * Source  RFC 9293 3.2 (MSS), RFC 7323 (window scale, timestamps), RFC 2018
 *         (SACK), RFC 7413 (Fast Open).
 * Threads none: pure functions of their arguments.
 */
#ifndef PACKET_OPTIONS_H
#define PACKET_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tcp_option {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_WSCALE = 3,
	OPTION_SACK_PERMITTED = 4,
	OPTION_SACK = 5,
	OPTION_TIMESTAMPS = 8,
	OPTION_FAST_OPEN = 34,
};

#define OPTIONS_NO_WSCALE 255
#define OPTIONS_MAX       40 /* bytes of options in one header */

struct tcp_options {
	uint32_t ts_value, ts_echo; /* with has_ts */
	uint16_t mss;               /* 0: not given */
	uint8_t wscale; /* 0..14 (larger ones count as 14), or OPTIONS_NO_WSCALE */
	bool has_sack_permitted, has_ts, has_fast_open;
	uint8_t ts_at; /* bytes from the header's start to the timestamp value; 0: none */
	uint8_t sack_at; /* the same to the first SACK block */
	uint8_t sacks;   /* whole blocks there, 0..4 */
};

/*
 * Read the options of the TCP header at `tcp`, `len` readable bytes of it. Returns false
 * when the header or a list is not sound; *out then says that there are none.
 */
bool options_read(const uint8_t *tcp, size_t len, struct tcp_options *out);

/*
 * Write what a segment of an opening says: of `o` the MSS, SACK, timestamps and window
 * scale that are there. Returns bytes written, a multiple of 4, at most 20.
 */
size_t options_write_opening(uint8_t out[OPTIONS_MAX], const struct tcp_options *o);

/* NOP NOP timestamps: 12 bytes; 0 without has_ts. */
size_t options_write_stamp(uint8_t out[OPTIONS_MAX], const struct tcp_options *o);

/* Whether options, `n` bytes behind a TCP header, end where they say they do. */
bool options_are_sound(const uint8_t *options, size_t n);

#endif
