/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frame - building one Ethernet frame, header by header.
 *
 * A builder writes the headers and returns where the payload goes; the caller fills it
 * and calls frame_seal, which computes the transport checksum. Source and destination MAC
 * tell the direction: the outside router speaks to the inside one or the other way round.
 *
 * Units   lengths are bytes without FCS; times are ns since the start of the traffic.
 * Threads none: a frame belongs to its caller.
 */
#ifndef TRAFFICGEN_FRAME_H
#define TRAFFICGEN_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"

#define FRAME_MAX         9216
#define FRAME_MAX_PAYLOAD 8900

enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
};

enum {
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_GRE = 47,
	PROTO_ESP = 50,
	PROTO_ICMP6 = 58
};

struct frame {
	uint64_t at_ns;
	uint32_t len;
	unsigned int part; /* which part of the traffic it belongs to */
	bool inward;       /* from outside to inside */
	/* For frame_seal: where the headers lie, and what is on top of IP. */
	uint16_t l3, l4;
	uint8_t proto;
	bool spoil; /* write a wrong transport checksum */
	uint8_t bytes[FRAME_MAX];
};

/* What is the same for all frames of a part. */
struct wire {
	uint8_t outside[6], inside[6];
	uint16_t tags[2]; /* outer first */
	unsigned int tag_count;
	bool options; /* IPv4 router alert, IPv6 destination options */
	bool spoil;
};

/* What is the same for all packets one way of a conversation. */
struct hop {
	struct address src, dst;
	uint16_t sport, dport;
	uint8_t ttl;
	bool inward;
	bool dont_fragment;
	uint16_t ip_id;
};

struct tcp_fields {
	uint32_t seq, ack;
	uint16_t window;
	uint8_t flags;
	uint8_t option_len; /* a multiple of four */
	uint8_t options[40];
};

struct fragment {
	uint32_t id;
	uint16_t offset; /* bytes, a multiple of eight */
	bool more;
	uint8_t proto;
};

/* Ethernet, tags and IP before len bytes of proto; returns where those bytes go. */
uint8_t *frame_ip(struct frame *f, const struct wire *w, const struct hop *h,
                  uint8_t proto, size_t len);

/* The same for one fragment of a datagram. Needs no frame_seal. */
uint8_t *frame_fragment(struct frame *f, const struct wire *w, const struct hop *h,
                        const struct fragment *part, size_t len);

uint8_t *frame_tcp(struct frame *f, const struct wire *w, const struct hop *h,
                   const struct tcp_fields *tcp, size_t payload);
uint8_t *frame_udp(struct frame *f, const struct wire *w, const struct hop *h,
                   size_t payload);

/* Eight bytes of ICMP or ICMPv6 (rest is the second word) before the payload. */
uint8_t *frame_icmp(struct frame *f, const struct wire *w, const struct hop *h,
                    uint8_t type, size_t payload);

/* Compute the transport checksum after the payload is written. */
void frame_seal(struct frame *f);

/* The Internet checksum (RFC 1071) of a datagram's bytes with its pseudo header. */
uint16_t frame_sum(const struct address *src, const struct address *dst, uint8_t proto,
                   const uint8_t *l4, size_t len);

/*
 * An IPv4 header of 20 bytes for a payload of len; used for what is inside a tunnel too.
 */
void frame_put_ipv4(uint8_t *to, const struct hop *h, uint8_t proto, size_t len);

/* Plain sum over bytes in the manner of RFC 1071, folded, not inverted. */
uint16_t frame_sum_bytes(const uint8_t *p, size_t len, uint32_t sum);

static inline void
put16(uint8_t *to, uint16_t v)
{
	to[0] = (uint8_t)(v >> 8);
	to[1] = (uint8_t)v;
}

static inline void
put32(uint8_t *to, uint32_t v)
{
	put16(to, (uint16_t)(v >> 16));
	put16(to + 2, (uint16_t)v);
}

#endif
