/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sha256 - the hash of FIPS 180-4, to name configurations and to keep tokens.
 *
 * For the slow path: a plain implementation without processor tricks.
 *
 * Threads any; a hash in progress belongs to one.
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32
#define SHA256_TEXT  65 /* in hexadecimal, with the ending NUL */

struct sha256 {
	uint32_t h[8];
	uint64_t bytes;    /* taken so far */
	uint8_t block[64]; /* bytes % 64 of them wait here */
};

void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t len);
void sha256_end(struct sha256 *s, uint8_t digest[SHA256_BYTES]);

/* All at once, in lower-case hexadecimal. */
void sha256_text(const void *data, size_t len, char text[SHA256_TEXT]);

#endif
