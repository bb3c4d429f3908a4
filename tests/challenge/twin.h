/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * twin - AES-128, HMAC-SHA-256 and the cookie once more, byte by byte.
 *
 * As the standards write them: a state of four columns, the field's multiplication
 * by repeated doubling, no table of more than 256 bytes, one block at a time.
 */
#ifndef TESTS_CHALLENGE_TWIN_H
#define TESTS_CHALLENGE_TWIN_H

#include <string.h>

#include "base/sha256.h"
#include "packet/facts.h"

static inline uint8_t
twin_times(uint8_t a, uint8_t b)
{
	uint8_t product = 0;

	for (; b != 0; b >>= 1) {
		if (b & 1)
			product ^= a;
		a = (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1b : 0));
	}
	return product;
}

/* FIPS 197, 5.1.1: the inverse is the 254th power; each bit is the sum of five. */
static inline uint8_t
twin_substitute(uint8_t x)
{
	uint8_t inverse = 1, out = 0;

	for (unsigned int i = 0; i < 254; i++)
		inverse = twin_times(inverse, x);
	for (unsigned int i = 0; i < 8; i++) {
		unsigned int bit = 0x63 >> i;

		for (unsigned int k = 4; k <= 8; k++)
			bit ^= (unsigned int)inverse >> (k == 8 ? i : (i + k) % 8);
		out |= (uint8_t)((bit & 1) << i);
	}
	return out;
}

static inline void
twin_expand(uint8_t w[176], const uint8_t key[16])
{
	uint8_t constant = 1;

	memcpy(w, key, 16);
	for (unsigned int i = 16; i < 176; i += 4) {
		uint8_t t[4] = { w[i - 4], w[i - 3], w[i - 2], w[i - 1] };

		if (i % 16 == 0) {
			const uint8_t turned[4] = { t[1], t[2], t[3], t[0] };

			for (unsigned int k = 0; k < 4; k++)
				t[k] = twin_substitute(turned[k]);
			t[0] ^= constant;
			constant = twin_times(constant, 2);
		}
		for (unsigned int k = 0; k < 4; k++)
			w[i + k] = w[i + k - 16] ^ t[k];
	}
}

static inline void
twin_encrypt(const uint8_t w[176], uint8_t s[16])
{
	static uint8_t sbox[256];

	for (unsigned int i = 0; sbox[0] == 0 && i < 256; i++)
		sbox[255 - i] = twin_substitute((uint8_t)(255 - i));
	for (unsigned int i = 0; i < 16; i++)
		s[i] ^= w[i];
	for (unsigned int round = 1; round <= 10; round++) {
		uint8_t t[16];

		for (unsigned int c = 0; c < 4; c++)
			for (unsigned int r = 0; r < 4; r++)
				t[4 * c + r] = sbox[s[4 * ((c + r) % 4) + r]];
		for (unsigned int i = 0; i < 16; i++) {
			const uint8_t *column = t + i / 4 * 4;
			const uint8_t mixed =
				(uint8_t)(twin_times(column[i % 4], 2) ^
			                  twin_times(column[(i + 1) % 4], 3) ^
			                  column[(i + 2) % 4] ^ column[(i + 3) % 4]);

			s[i] = (round < 10 ? mixed : t[i]) ^ w[16 * round + i];
		}
	}
}

/* RFC 2104, for keys of 32 bytes. */
static inline void
twin_hmac(const uint8_t key[32], const uint8_t *text, size_t len, uint8_t out[32])
{
	uint8_t inner[64], outer[64];
	struct sha256 s;

	for (unsigned int i = 0; i < 64; i++) {
		inner[i] = (i < 32 ? key[i] : 0) ^ 0x36;
		outer[i] = (i < 32 ? key[i] : 0) ^ 0x5c;
	}
	sha256_begin(&s);
	sha256_add(&s, inner, 64);
	sha256_add(&s, text, len);
	sha256_end(&s, out);
	sha256_begin(&s);
	sha256_add(&s, outer, 64);
	sha256_add(&s, out, 32);
	sha256_end(&s, out);
}

/* The schedule of one use: label, then the half of the derived bytes that is its key. */
static inline void
twin_schedule(const uint8_t secret[32], uint64_t epoch, bool is_bad_ack, bool is_ipv6,
              uint8_t w[176])
{
	uint8_t text[16], derived[32];

	memcpy(text, is_bad_ack ? "tg badck" : "tg hello", 8);
	for (unsigned int i = 0; i < 8; i++)
		text[8 + i] = (uint8_t)(epoch >> (56 - 8 * i));
	twin_hmac(secret, text, sizeof(text), derived);
	twin_expand(w, derived + (is_ipv6 ? 16 : 0));
}

static inline uint32_t
twin_mac(const uint8_t w[176], const struct facts *f, uint32_t isn)
{
	const bool is_ipv6 = (f->flags & FACT_IPV6) != 0;
	uint8_t s[16] = { 0 }, last[16];

	for (unsigned int i = 0; is_ipv6 && i < 32; i += 16) {
		for (unsigned int k = 0; k < 16; k++)
			s[k] ^= (i == 0 ? f->src : f->dst)[k];
		twin_encrypt(w, s);
	}
	memcpy(last, f->dst + 12, 4);
	memcpy(last + 8, f->src + 12, 4);
	for (unsigned int i = 0; i < 4; i++)
		last[4 + i] = (uint8_t)(isn >> 8 * i);
	for (unsigned int i = 0; i < 2; i++) {
		last[12 + i] = (uint8_t)(f->src_port >> 8 * i);
		last[14 + i] = (uint8_t)(f->dst_port >> 8 * i);
	}
	for (unsigned int k = 0; k < 16; k++)
		s[k] ^= last[k];
	twin_encrypt(w, s);
	return s[0] | (uint32_t)s[1] << 8 | (uint32_t)s[2] << 16 | (uint32_t)s[3] << 24;
}

#endif
