/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/sha256.h"

#include <string.h>

/* Fractions of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
static const uint32_t round_key[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t
turn(uint32_t x, unsigned int n)
{
	return x >> n | x << (32 - n);
}

static uint32_t
big_endian(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* One block of 64 bytes (6.2.2). v holds a..h. */
static void
mix(uint32_t h[8], const uint8_t block[64])
{
	uint32_t w[64], v[8];

	for (unsigned int t = 0; t < 16; t++)
		w[t] = big_endian(block + t * 4);
	for (unsigned int t = 16; t < 64; t++) {
		uint32_t a = w[t - 15], b = w[t - 2];

		w[t] = w[t - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[t - 7] +
		       (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
	}
	memcpy(v, h, sizeof(v));
	/* The letters stay where they are and change their roles, one step each round. */
	for (unsigned int t = 0; t < 64; t++) {
#define V(letter) v[((letter)-t) & 7]
		uint32_t choose = (V(4) & V(5)) ^ (~V(4) & V(6));
		uint32_t major = (V(0) & V(1)) ^ (V(0) & V(2)) ^ (V(1) & V(2));
		uint32_t one = V(7) + (turn(V(4), 6) ^ turn(V(4), 11) ^ turn(V(4), 25)) +
		               choose + round_key[t] + w[t];
		uint32_t two = (turn(V(0), 2) ^ turn(V(0), 13) ^ turn(V(0), 22)) + major;

		V(3) += one;
		V(7) = one + two;
#undef V
	}
	for (unsigned int i = 0; i < 8; i++)
		h[i] += v[i];
}

void
sha256_begin(struct sha256 *s)
{
	static const uint32_t first[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
	};

	memcpy(s->h, first, sizeof(first));
	s->bytes = 0;
}

void
sha256_add(struct sha256 *s, const void *data, size_t len)
{
	const uint8_t *from = data;

	while (len > 0) {
		size_t at = s->bytes % 64, n = 64 - at < len ? 64 - at : len;

		memcpy(s->block + at, from, n);
		s->bytes += n;
		from += n;
		len -= n;
		if (at + n == 64)
			mix(s->h, s->block);
	}
}

void
sha256_end(struct sha256 *s, uint8_t digest[SHA256_BYTES])
{
	static const uint8_t padding[64] = { 0x80 };
	uint64_t bits = s->bytes * 8;
	uint8_t length[8];

	for (unsigned int i = 0; i < 8; i++)
		length[i] = (uint8_t)(bits >> (56 - 8 * i));
	sha256_add(s, padding, 1 + (119 - s->bytes % 64) % 64);
	sha256_add(s, length, sizeof(length));
	for (unsigned int i = 0; i < SHA256_BYTES; i++)
		digest[i] = (uint8_t)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

void
sha256_text(const void *data, size_t len, char text[SHA256_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t digest[SHA256_BYTES];
	struct sha256 s;

	sha256_begin(&s);
	sha256_add(&s, data, len);
	sha256_end(&s, digest);
	for (size_t i = 0; i < SHA256_BYTES; i++) {
		text[i * 2] = digits[digest[i] >> 4];
		text[i * 2 + 1] = digits[digest[i] & 15];
	}
	text[SHA256_BYTES * 2] = '\0';
}
