/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * payload - what a datagram or segment carries, written from the front to the back.
 *
 * A writer of one protocol appends its fields; what would not fit any more is left out, so
 * a writer need not count. Numbers are in wire order unless a name says otherwise.
 *
 * Units   bytes.
 * Threads none: a payload belongs to its caller.
 */
#ifndef TRAFFICGEN_PAYLOAD_H
#define TRAFFICGEN_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "frame.h"

#define PAYLOAD_MAX 8192

struct payload {
	struct prng *prng; /* of the flood: all chance comes from here */
	size_t len;
	const struct hop *hop; /* the way of the packet around it */
	uint8_t bytes[PAYLOAD_MAX];
};

/* Empty it, for a packet of that way with chance from p; both must outlive the writing. */
void payload_begin(struct payload *b, struct prng *p, const struct hop *hop);

void payload_8(struct payload *b, unsigned int v);
void payload_16(struct payload *b, unsigned int v);
void payload_32(struct payload *b, uint32_t v);
void payload_64(struct payload *b, uint64_t v);

/* The same with the low byte first. */
void payload_le16(struct payload *b, unsigned int v);
void payload_le32(struct payload *b, uint32_t v);

void payload_bytes(struct payload *b, const void *from, size_t len);
void payload_text(struct payload *b, const char *text);
void payload_print(struct payload *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void payload_repeat(struct payload *b, uint8_t byte, size_t len);
void payload_random(struct payload *b, size_t len);

/* Lower-case letters and digits. */
void payload_word(struct payload *b, size_t len);

/* Write 16 bits over what stands at a place. */
void payload_set16(struct payload *b, size_t at, unsigned int v);

/*
 * Write the UDP checksum of what lies from a place to the end, header first, between these
 * two ends.
 */
void payload_udp_sum(struct payload *b, size_t at, const struct address *src,
                     const struct address *dst);

/* A number in lo..hi from the payload's chance. */
uint64_t payload_pick(struct payload *b, uint64_t lo, uint64_t hi);

#endif
