/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * facts - what the parser learned about one packet; read-only afterwards.
 *
 *   byte  0       16      32        40      44        52      56     58      64
 *         | src   | dst   | seq ack | ports | lengths | vlans | bits | bytes  |
 *         |       |       | or icmp |       | offsets |       |      |        |
 *
 * Exactly one cache line, so a stage pays one load for any question it asks.
 * Numbers are in host order; addresses stay in network order because they are
 * compared and hashed, never calculated with. IPv4 is carried as the
 * IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2): one key format, one code path.
 */
#ifndef PACKET_FACTS_H
#define PACKET_FACTS_H

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>

enum fact_flag {
	FACT_IP = 1 << 0,   /* IPv4 or IPv6; otherwise only the frame fields are set */
	FACT_IPV6 = 1 << 1, /* else IPv4, given FACT_IP */
	FACT_FRAGMENT = 1 << 2,  /* first, middle or last fragment */
	FACT_FRAG_REST = 1 << 3, /* fragment offset > 0: no header of layer 4 here */
	FACT_NO_PORTS =
		1 << 4, /* ports are 0 because the protocol or fragment has none */
	FACT_OPTIONS =
		1 << 5,     /* IPv4 options, or IPv6 extension headers beside fragment */
	FACT_VLAN = 1 << 6, /* one 802.1Q tag at least */
	FACT_QINQ = 1 << 7, /* two tags; more are fault PACKET_TOO_DEEP */
	FACT_TCP_OPTIONS = 1 << 8, /* the TCP header is longer than 20 bytes */
	FACT_OPAQUE = 1 << 9,      /* IPv6 chain ends in ESP or "no next header" */
	FACT_PLAIN = 1 << 10,      /* nothing odd at all, see packet/plain.h */
	/*
	 * By flow/fragment.h: a later fragment whose first is known. Ports, protocol and
	 * TCP flags are the first's, and FACT_NO_PORTS is as there; what is behind
	 * payload_off still is the middle of a datagram.
	 */
	FACT_PAIRED = 1 << 11,
};

/* What is wrong with a packet; stage `sanity` turns these into reasons. */
enum packet_fault {
	PACKET_SOUND,
	PACKET_TRUNCATED,     /* frame or datagram ends before a header does */
	PACKET_BAD_VERSION,   /* IP version field contradicts the ethertype */
	PACKET_BAD_IP_HEADER, /* IHL < 5, or beyond the datagram; hop-by-hop not first */
	PACKET_BAD_LENGTH,    /* IP or UDP length contradicts the frame */
	PACKET_BAD_IP_CHECKSUM, /* IPv4 header checksum */
	PACKET_BAD_TCP_HEADER, /* data offset < 5, beyond the segment, broken option list */
	PACKET_BAD_FRAGMENT, /* empty, past 65,535 bytes, not in units of 8, or nested */
	PACKET_TOO_DEEP, /* more than PARSE_MAX_HEADERS, three tags, or not readable */
	PACKET_FAULTS
};

/* TCP flag bits as they stand in the header, RFC 9293 3.1. */
enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
};

enum ip_proto {
	PROTO_HOPOPTS = 0,
	PROTO_ICMP = 1,
	PROTO_IGMP = 2,
	PROTO_TUNNEL4 = 4, /* IPv4 within IP */
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_TUNNEL6 = 41, /* IPv6 within IP */
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_GRE = 47,
	PROTO_ESP = 50,
	PROTO_AH = 51,
	PROTO_ICMPV6 = 58,
	PROTO_NONE = 59,
	PROTO_DSTOPTS = 60,
	PROTO_OSPF = 89,
	PROTO_VRRP = 112,
	PROTO_MOBILITY = 135,
	PROTO_HIP = 139,
	PROTO_SHIM6 = 140,
};

struct facts {
	alignas(64) uint8_t src[16];
	uint8_t dst[16];
	union {
		struct {
			uint32_t tcp_seq;
			uint32_t tcp_ack;
		};
		struct {
			uint8_t icmp_type;
			uint8_t icmp_code;
			uint16_t icmp_id; /* echo only, else 0 */
			uint32_t icmp_unused;
		};
		struct {
			uint16_t ethertype; /* after the tags; only without FACT_IP */
			uint16_t ethertype_unused[3];
		};
	};
	uint16_t src_port; /* 0 with FACT_NO_PORTS; ICMP echo: the identifier in both */
	uint16_t dst_port;
	uint16_t frame_len;   /* bytes on the link, all segments, without FCS */
	uint16_t payload_len; /* bytes after the L4 header, as IP says, without padding */
	uint16_t l4_off;      /* bytes from frame start; 0 when unknown */
	uint16_t payload_off;
	uint16_t vlan;       /* outer VLAN id, 0 without tag */
	uint16_t inner_vlan; /* inner VLAN id of QinQ, 0 without */
	uint16_t flags;      /* enum fact_flag */
	uint8_t l3_off;      /* bytes from frame start */
	uint8_t proto; /* IANA number after IPv6 extension headers; 0 without FACT_IP */
	uint8_t tcp_flags; /* enum tcp_flag, 0 unless TCP with ports */
	uint8_t ttl;       /* or hop limit */
	uint8_t fault;     /* enum packet_fault: trust no L4 field when not sound */
	uint8_t vector;    /* enum vector */
};
static_assert(sizeof(struct facts) == 64, "facts must stay one cache line");

#endif
