/* SPDX-License-Identifier: BSD-3-Clause */
#include "payload.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
payload_begin(struct payload *b, struct prng *p, const struct hop *hop)
{
	b->prng = p;
	b->hop = hop;
	b->len = 0;
}

void
payload_bytes(struct payload *b, const void *from, size_t len)
{
	if (len > sizeof(b->bytes) - b->len)
		len = sizeof(b->bytes) - b->len;
	memcpy(b->bytes + b->len, from, len);
	b->len += len;
}

void
payload_8(struct payload *b, unsigned int v)
{
	const uint8_t byte = (uint8_t)v;

	payload_bytes(b, &byte, 1);
}

void
payload_16(struct payload *b, unsigned int v)
{
	payload_8(b, v >> 8);
	payload_8(b, v);
}

void
payload_32(struct payload *b, uint32_t v)
{
	payload_16(b, v >> 16);
	payload_16(b, v);
}

void
payload_64(struct payload *b, uint64_t v)
{
	payload_32(b, (uint32_t)(v >> 32));
	payload_32(b, (uint32_t)v);
}

void
payload_le16(struct payload *b, unsigned int v)
{
	payload_8(b, v);
	payload_8(b, v >> 8);
}

void
payload_le32(struct payload *b, uint32_t v)
{
	payload_le16(b, v);
	payload_le16(b, v >> 16);
}

void
payload_text(struct payload *b, const char *text)
{
	payload_bytes(b, text, strlen(text));
}

void
payload_print(struct payload *b, const char *format, ...)
{
	char line[2048];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (n > 0)
		payload_bytes(b, line,
		              (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

void
payload_repeat(struct payload *b, uint8_t byte, size_t len)
{
	while (len-- > 0)
		payload_bytes(b, &byte, 1);
}

void
payload_random(struct payload *b, size_t len)
{
	if (len > sizeof(b->bytes) - b->len)
		len = sizeof(b->bytes) - b->len;
	prng_fill(b->prng, b->bytes + b->len, len);
	b->len += len;
}

void
payload_word(struct payload *b, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

	while (len-- > 0)
		payload_8(b, (uint8_t)letters[prng_range(b->prng, 0, 35)]);
}

void
payload_set16(struct payload *b, size_t at, unsigned int v)
{
	b->bytes[at] = (uint8_t)(v >> 8);
	b->bytes[at + 1] = (uint8_t)v;
}

void
payload_udp_sum(struct payload *b, size_t at, const struct address *src,
                const struct address *dst)
{
	uint16_t sum;

	payload_set16(b, at + 6, 0);
	sum = frame_sum(src, dst, PROTO_UDP, b->bytes + at, b->len - at);
	payload_set16(b, at + 6, sum == 0 ? 0xffff : sum);
}

uint64_t
payload_pick(struct payload *b, uint64_t lo, uint64_t hi)
{
	return prng_range(b->prng, lo, hi);
}
