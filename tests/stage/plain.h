/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plain - frames that nearly are plain, for the stages that FACT_PLAIN spares the work.
 *
 * Each has one field or two from a set of values at which a stage may stumble.
 */
#ifndef TESTS_STAGE_PLAIN_H
#define TESTS_STAGE_PLAIN_H

#include <stdint.h>
#include <string.h>

#include "packet/checksum.h"
#include "packet/parse.h"

#define PLAIN_FRAME 80

static uint64_t plain_seed = 7;

static inline unsigned int
plain_dice(unsigned int n)
{
	plain_seed = plain_seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned int)((plain_seed >> 33) % n);
}

static inline void
plain_fill(uint8_t *at, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		at[i] = (uint8_t)plain_dice(256);
}

static inline void
plain_port(uint8_t *at)
{
	static const uint16_t odd[] = { 0, 67, 68, 179, 3784, 3785, 4784, 6784, 443, 53 };
	uint16_t port = plain_dice(2) ? odd[plain_dice(10)] : (uint16_t)plain_dice(65536);

	at[0] = (uint8_t)(port >> 8);
	at[1] = (uint8_t)port;
}

static inline void
plain_ports_and_flags(uint8_t *l4, unsigned int is_udp)
{
	plain_port(l4);
	plain_port(l4 + 2);
	if (is_udp) {
		l4[4] = 0;
		l4[5] = (uint8_t)plain_dice(24);
		return;
	}
	l4[12] = (uint8_t)(plain_dice(4) ? 5 << 4 : plain_dice(256));
	l4[13] = (uint8_t)(plain_dice(2) ? 0x10 : plain_dice(256));
}

/* Put a tag into some of the frames, which are one tag longer then. */
static inline unsigned int
plain_tag(uint8_t f[PLAIN_FRAME + 4])
{
	if (plain_dice(4) != 0)
		return PLAIN_FRAME;
	memmove(f + 16, f + 12, PLAIN_FRAME - 12);
	f[12] = 0x81;
	f[13] = 0;
	plain_fill(f + 14, 2);
	return PLAIN_FRAME + 4;
}

/* Parse a random frame; returns its facts. */
static inline struct facts
plain_packet(void)
{
	static const uint8_t first[] = {
		0,   10,  100, 127, 169, 172,  192,  224,  239,
		240, 255, 8,   203, 198, 0x20, 0x3f, 0xfe, 0xfc
	};
	uint8_t f[PLAIN_FRAME + 4] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };
	const unsigned int is_6 = plain_dice(2), is_udp = plain_dice(2);
	uint8_t *ip = f + 14, *src = ip + (is_6 ? 8 : 12);
	const unsigned int len = is_6 ? 16 : 4;
	unsigned int all;
	struct facts facts;

	plain_fill(ip, PLAIN_FRAME - 14);
	src[0] = first[plain_dice(sizeof(first))];
	if (plain_dice(3) == 0)
		src[1] = (uint8_t)(plain_dice(2) ? 168 : 254);
	if (plain_dice(16) == 0)
		memcpy(src + len, src, len);
	f[12] = is_6 ? 0x86 : 0x08;
	f[13] = is_6 ? 0xdd : 0x00;
	ip[is_6 ? 6 : 9] = is_udp ? 17 : 6;
	if (is_6) {
		ip[0] = 0x60;
		ip[4] = 0;
		ip[5] = PLAIN_FRAME - 54;
	} else {
		uint16_t sum;

		memcpy(ip, "\x45\0\0\x42\0\0\0\0", 8);
		ip[10] = ip[11] = 0;
		sum = checksum_fold(checksum_add(0, ip, 20));
		ip[10] = (uint8_t)(sum >> 8);
		ip[11] = (uint8_t)sum;
	}
	plain_ports_and_flags(ip + (is_6 ? 40 : 20), is_udp);
	/* A short UDP datagram is in sight with its header. */
	all = plain_tag(f);
	parse_frame(f, is_udp ? all - plain_dice(18) : all, all, &facts);
	return facts;
}

/* Fill 64 facts; returns the plain ones, which are not marked: so that a stage looks at them. */
static inline uint64_t
plain_burst(struct facts *f)
{
	uint64_t is_plain = 0;

	for (unsigned int i = 0; i < 64; i++) {
		f[i] = plain_packet();
		is_plain |= (uint64_t)((f[i].flags & FACT_PLAIN) != 0) << i;
		f[i].flags &= (uint16_t)~FACT_PLAIN;
	}
	return is_plain;
}

#endif
