/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wire - lay frames byte by byte for tests.
 *
 * Layers are appended in the order they have on the wire; wire_seal() then puts
 * in the lengths and the IPv4 checksum, and a test may spoil any byte after
 * that. Source 198.51.100.1 or 2001:db8::1, destination 203.0.113.2 or
 * 2001:db8::2, ports 4660 and 443.
 */
#ifndef TESTS_PACKET_WIRE_H
#define TESTS_PACKET_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wire {
	uint8_t bytes[2048];
	size_t len;
	size_t ip;      /* where the IP header starts, 0 without */
	size_t udp;     /* where a UDP header starts, 0 without */
	size_t trailer; /* bytes of Ethernet padding after the datagram */
};

static inline void
wire_8(struct wire *w, unsigned int v)
{
	w->bytes[w->len++] = (uint8_t)v;
}

static inline void
wire_16(struct wire *w, unsigned int v)
{
	wire_8(w, v >> 8);
	wire_8(w, v);
}

static inline void
wire_32(struct wire *w, uint32_t v)
{
	wire_16(w, v >> 16);
	wire_16(w, v & 0xffff);
}

static inline void
wire_fill(struct wire *w, unsigned int value, size_t n)
{
	while (n-- > 0)
		wire_8(w, value);
}

/* Both MACs; an ethertype or tags follow. */
static inline void
wire_ether(struct wire *w)
{
	memset(w, 0, sizeof(*w));
	wire_fill(w, 0x02, 5);
	wire_8(w, 0xdd);
	wire_fill(w, 0x02, 5);
	wire_8(w, 0x55);
}

static inline void
wire_tag(struct wire *w, unsigned int tpid, unsigned int tci)
{
	wire_16(w, tpid);
	wire_16(w, tci);
}

/* `options` bytes of NOP; `fragmenting` is the word of flags and offset. */
static inline void
wire_ipv4(struct wire *w, unsigned int proto, unsigned int options,
          unsigned int fragmenting)
{
	wire_16(w, 0x0800);
	w->ip = w->len;
	wire_8(w, 0x40 | (5 + options / 4));
	wire_8(w, 0);
	wire_32(w, 0x00001234);
	wire_16(w, fragmenting);
	wire_8(w, 61);
	wire_8(w, proto);
	wire_16(w, 0);
	wire_32(w, 0xc6336401);
	wire_32(w, 0xcb007102);
	wire_fill(w, 1, options);
}

static inline void
wire_ipv6(struct wire *w, unsigned int next)
{
	wire_16(w, 0x86dd);
	w->ip = w->len;
	wire_32(w, 0x60000000);
	wire_16(w, 0);
	wire_8(w, next);
	wire_8(w, 62);
	for (unsigned int host = 1; host <= 2; host++) {
		wire_32(w, 0x20010db8);
		wire_fill(w, 0, 11);
		wire_8(w, host);
	}
}

/* A header in units of 8 bytes; not AH, not fragment. */
static inline void
wire_extension(struct wire *w, unsigned int next, unsigned int units)
{
	wire_8(w, next);
	wire_8(w, units - 1);
	wire_fill(w, 0, units * 8 - 2);
}

static inline void
wire_ah(struct wire *w, unsigned int next, unsigned int words)
{
	wire_8(w, next);
	wire_8(w, words - 2);
	wire_fill(w, 0xaa, words * 4 - 2);
}

/* `word` is offset in bytes, a multiple of 8, plus 1 when more follow. */
static inline void
wire_fragment(struct wire *w, unsigned int next, unsigned int word)
{
	wire_8(w, next);
	wire_8(w, 0);
	wire_16(w, word);
	wire_32(w, 0x12345678);
}

static inline void
wire_tcp(struct wire *w, unsigned int flags, const void *options, unsigned int n)
{
	wire_16(w, 0x1234);
	wire_16(w, 443);
	wire_32(w, 0x01020304);
	wire_32(w, 0x0a0b0c0d);
	wire_8(w, (5 + n / 4) << 4);
	wire_8(w, flags);
	wire_16(w, 8192);
	wire_32(w, 0);
	memcpy(w->bytes + w->len, options, n);
	w->len += n;
}

static inline void
wire_udp(struct wire *w)
{
	w->udp = w->len;
	wire_16(w, 0x1234);
	wire_16(w, 443);
	wire_32(w, 0);
}

static inline void
wire_icmp(struct wire *w, unsigned int type, unsigned int code)
{
	wire_8(w, type);
	wire_8(w, code);
	wire_16(w, 0);
	wire_16(w, 0x4242);
	wire_16(w, 1);
}

static inline void
wire_patch(struct wire *w, size_t at, size_t v)
{
	w->bytes[at] = (uint8_t)(v >> 8);
	w->bytes[at + 1] = (uint8_t)v;
}

/* The plainest checksum there is, so that it is no copy of the one under test. */
static inline unsigned int
wire_checksum(const uint8_t *p, size_t n)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (unsigned long)p[i] << (i % 2 == 0 ? 8 : 0);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return 0xffff & ~(unsigned int)sum;
}

static inline void
wire_seal_ipv4(struct wire *w)
{
	uint8_t *h = w->bytes + w->ip;
	size_t header = (size_t)(h[0] & 15) * 4;

	wire_patch(w, w->ip + 10, 0);
	wire_patch(w, w->ip + 10, wire_checksum(h, header));
}

static inline void
wire_seal(struct wire *w)
{
	size_t end = w->len - w->trailer;

	if (w->udp != 0)
		wire_patch(w, w->udp + 4, end - w->udp);
	if (w->ip != 0 && w->bytes[w->ip] >> 4 == 4) {
		wire_patch(w, w->ip + 2, end - w->ip);
		wire_seal_ipv4(w);
	} else if (w->ip != 0) {
		wire_patch(w, w->ip + 4, end - w->ip - 40);
	}
}

#endif
