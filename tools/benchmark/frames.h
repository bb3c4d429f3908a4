/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frames - headers of the frames that the benchmark sends.
 *
 * A source has an index of 30 bits; its address is the index, scrambled one to
 * one, so that neighbours in a list share no prefix:
 *
 *     IPv4   32.0.0.0 - 95.255.255.255
 *     IPv6   2001:db8:2000-5fff:*::1, so each source has a /64 of its own
 */
#ifndef BENCHMARK_FRAMES_H
#define BENCHMARK_FRAMES_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEAD     128 /* bytes kept of a frame: Ethernet, IPv6 and TCP fit */
#define FRAME_ETHERNET 14
#define FRAME_SOURCES  (UINT32_C(1) << 30)

struct frame {
	alignas(64) uint8_t head[FRAME_HEAD];
};

/* The first fragment of a UDP datagram, and one that has no header of it. */
enum frame_kind { FRAME_TCP, FRAME_UDP, FRAME_ICMP, FRAME_FIRST, FRAME_REST };

/* What UDP carries: zeros, a question for a name (34 bytes), a QUIC Initial's beginning. */
enum frame_payload { PAYLOAD_ZERO, PAYLOAD_DNS, PAYLOAD_QUIC };

/* The options of a SYN as well-known stacks write them: 0, 20, 12 and 24 bytes. */
enum frame_layout { LAYOUT_NONE, LAYOUT_LINUX, LAYOUT_WINDOWS, LAYOUT_MACOS };

struct frame_spec {
	enum frame_kind kind;
	bool is_ipv6;
	uint8_t tcp_flags;
	uint8_t layout;  /* enum frame_layout, of TCP */
	uint8_t payload; /* enum frame_payload, of UDP */
	uint16_t
		len; /* of the frame with FCS, bytes; made longer where headers need it */
	uint32_t source; /* index below FRAME_SOURCES */
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	bool is_answer; /* from the service to that source */
};

/* Bytes from the start of IP to its payload: fragments of IPv6 have a header more. */
static inline unsigned int
frame_ip_len(enum frame_kind kind, bool is_ipv6)
{
	if (!is_ipv6)
		return 20;
	return kind == FRAME_FIRST || kind == FRAME_REST ? 48 : 40;
}

/* Bytes of a frame that its template must hold; what follows is of no interest. */
unsigned int frame_headers(const struct frame_spec *spec);

/* Write one frame; returns its length in bytes, without FCS. */
uint16_t frame_write(struct frame *f, const struct frame_spec *spec);

/* The IPv4 address of a source, and what tells IPv6 sources apart. */
static inline uint32_t
frame_address(uint32_t source)
{
	return 0x20000000 + (source * UINT32_C(0x9e3779b1) & (FRAME_SOURCES - 1));
}

/* The source's address as 16 bytes; IPv4 mapped. */
void frame_source(bool is_ipv6, uint32_t source, uint8_t address[16]);

/* A well-mixed number for an index: the same on every run. */
static inline uint64_t
frame_random(uint64_t index)
{
	uint64_t z = (index + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

#endif
