/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What floods of other IP protocols carry: GRE (RFC 2784) as botnets send it, ESP, AH (RFC
 * 4302, 4303), IP in IP (RFC 2003, 4213) and SCTP (RFC 9260).
 */
#include "address.h"
#include "ask.h"
#include "frame.h"

/* IPv4 and UDP with a payload of random bytes; the UDP checksum is left out (0). */
static void
put_inner(struct payload *b)
{
	const size_t size = (size_t)payload_pick(b, 64, 512);
	struct hop inner = { .ttl = 64, .src.family = 4, .dst.family = 4 };
	uint8_t header[20];

	inner.src = address_random(4, b->prng);
	inner.dst = address_random(4, b->prng);
	inner.ip_id = (uint16_t)prng_next(b->prng);
	frame_put_ipv4(header, &inner, PROTO_UDP, 8 + size);
	payload_bytes(b, header, sizeof(header));
	/* Above the ports that a dissector would take for a service. */
	payload_16(b, (unsigned int)payload_pick(b, 61000, 65535));
	payload_16(b, (unsigned int)payload_pick(b, 61000, 65535));
	payload_16(b, (unsigned int)(8 + size));
	payload_16(b, 0);
	payload_repeat(b, 0, 4);
	payload_random(b, size - 4);
}

void
ask_gre_ip(struct payload *b)
{
	payload_32(b, 0x00000800);
	put_inner(b);
}

void
ask_gre_ethernet(struct payload *b)
{
	payload_32(b, 0x00006558);
	payload_random(b, 12);
	/* Neither end is a group. */
	b->bytes[4] &= 0xfe;
	b->bytes[10] &= 0xfe;
	payload_16(b, 0x0800);
	put_inner(b);
}

void
ask_esp(struct payload *b)
{
	payload_32(b, (uint32_t)payload_pick(b, 256, UINT32_MAX));
	payload_32(b, (uint32_t)payload_pick(b, 1, 100000));
	payload_random(b, 8 * (size_t)payload_pick(b, 8, 170));
}

void
ask_ah(struct payload *b)
{
	const size_t size = (size_t)payload_pick(b, 64, 512);
	size_t at;

	payload_8(b, PROTO_UDP);
	payload_8(b, 4);
	payload_16(b, 0);
	payload_32(b, (uint32_t)payload_pick(b, 256, UINT32_MAX));
	payload_32(b, (uint32_t)payload_pick(b, 1, 100000));
	payload_random(b, 12);
	at = b->len;
	payload_16(b, (unsigned int)payload_pick(b, 61000, 65535));
	payload_16(b, (unsigned int)payload_pick(b, 61000, 65535));
	payload_16(b, (unsigned int)(8 + size));
	payload_16(b, 0);
	payload_repeat(b, 0, 4);
	payload_random(b, size - 4);
	payload_udp_sum(b, at, &b->hop->src, &b->hop->dst);
}

void
ask_ipip(struct payload *b)
{
	put_inner(b);
}

void
ask_6in4(struct payload *b)
{
	const size_t size = (size_t)payload_pick(b, 64, 512);
	struct address src = address_random(6, b->prng), dst = address_random(6, b->prng);

	payload_32(b, 0x60000000);
	payload_16(b, (unsigned int)size);
	payload_8(b, 59); /* nothing follows the header */
	payload_8(b, 64);
	payload_bytes(b, src.bytes, 16);
	payload_bytes(b, dst.bytes, 16);
	payload_random(b, size);
}

/* CRC-32C, low bit first (RFC 9260, appendix A). */
static uint32_t
crc32c(const uint8_t *p, size_t len)
{
	uint32_t crc = UINT32_MAX;

	while (len-- > 0) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0x82f63b78 & (0 - (crc & 1)));
	}
	return ~crc;
}

void
ask_sctp(struct payload *b)
{
	const size_t at = b->len;
	uint32_t sum;

	payload_16(b, (unsigned int)payload_pick(b, 1024, 65535));
	payload_16(b, 36412);
	payload_32(b, 0);
	payload_32(b, 0);
	payload_32(b, 0x01000014); /* one chunk: INIT, 20 bytes */
	payload_32(b, (uint32_t)payload_pick(b, 1, UINT32_MAX));
	payload_32(b, 106496);
	payload_32(b, 0x000a0010); /* 10 streams out, 16 in */
	payload_32(b, (uint32_t)prng_next(b->prng));
	sum = crc32c(b->bytes + at, b->len - at);
	b->bytes[at + 8] = (uint8_t)sum;
	b->bytes[at + 9] = (uint8_t)(sum >> 8);
	b->bytes[at + 10] = (uint8_t)(sum >> 16);
	b->bytes[at + 11] = (uint8_t)(sum >> 24);
}
