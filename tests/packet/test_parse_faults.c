/* SPDX-License-Identifier: BSD-3-Clause */
/* Every fault, each from a sound frame that was spoilt in one place. */
#include <stdbool.h>
#include <stdio.h>

#include "base/lanes.h"
#include "frames.h"
#include "packet/vector.h"
#include "suite.h"

/* What is done to a sealed frame: put `value` at `at`, and/or cut the frame to `cut` bytes. */
struct spoil {
	const char *name;
	void (*lay)(struct wire *);
	enum packet_fault fault;
	size_t at;
	uint8_t value;
	size_t cut;
	bool reseals; /* the IPv4 checksum is made right again */
};

static void
three_tags(struct wire *w)
{
	wire_tag(w, 0x8100, 1);
	wire_tag(w, 0x8100, 2);
	wire_tag(w, 0x8100, 3);
	udp4(w);
}

static void
nine_headers(struct wire *w)
{
	wire_ipv6(w, 60);
	for (unsigned int i = 0; i < PARSE_MAX_HEADERS; i++)
		wire_extension(w, 60, 1);
	wire_extension(w, 17, 1);
	wire_udp(w);
}

static void
late_hop_by_hop(struct wire *w)
{
	wire_ipv6(w, 60);
	wire_extension(w, 0, 1);
	wire_extension(w, 17, 1);
	wire_udp(w);
}

static void
two_fragment_headers(struct wire *w)
{
	wire_ipv6(w, 44);
	wire_fragment(w, 44, 0);
	wire_fragment(w, 17, 1);
	wire_udp(w);
}

static void
odd_middle4(struct wire *w)
{
	wire_ipv4(w, 17, 0, 0x2000 | 185);
	wire_fill(w, 'r', 63);
}

static void
odd_middle6(struct wire *w)
{
	wire_ipv6(w, 44);
	wire_fragment(w, 17, 8 | 1);
	wire_fill(w, 'r', 12);
}

static void
ping_of_death(struct wire *w)
{
	wire_ipv4(w, 1, 0, 0x1ffe);
	wire_fill(w, 'p', 64);
}

static void
ping_of_death6(struct wire *w)
{
	wire_ipv6(w, 44);
	wire_fragment(w, 58, 0xfff8);
	wire_fill(w, 'p', 16);
}

static void
empty_fragment(struct wire *w)
{
	wire_ipv4(w, 17, 0, 10);
}

static const struct spoil spoils[] = {
	{ "runt", udp4, PACKET_TRUNCATED, 0, 2, 13, false },
	{ "tag cut", vlan4, PACKET_TRUNCATED, 0, 2, 17, false },
	{ "ipv4 cut", udp4, PACKET_TRUNCATED, 0, 2, 33, false },
	{ "ipv6 cut", udp6, PACKET_TRUNCATED, 0, 2, 53, false },
	{ "udp cut by the datagram", udp4, PACKET_TRUNCATED, 17, 27, 0, true },
	{ "tcp cut by the datagram", syn4, PACKET_TRUNCATED, 17, 39, 0, true },
	{ "icmp cut by the datagram", echo4, PACKET_TRUNCATED, 17, 27, 0, true },
	{ "extension beyond the datagram", rest6, PACKET_TRUNCATED, 55, 200, 0, false },
	{ "version 6 in 0x0800", udp4, PACKET_BAD_VERSION, 14, 0x65, 0, false },
	{ "version 4 in 0x86dd", udp6, PACKET_BAD_VERSION, 14, 0x45, 0, false },
	{ "ihl 4", udp4, PACKET_BAD_IP_HEADER, 14, 0x44, 0, false },
	{ "ihl beyond", udp4, PACKET_BAD_IP_HEADER, 14, 0x4f, 0, false },
	{ "hop-by-hop not first", late_hop_by_hop, PACKET_BAD_IP_HEADER, 0, 2, 0, false },
	{ "ipv4 longer than the frame", udp4, PACKET_BAD_LENGTH, 17, 34, 0, true },
	{ "ipv4 shorter than a header", udp4, PACKET_BAD_LENGTH, 17, 19, 0, true },
	{ "ipv4 cut in the payload", udp4, PACKET_BAD_LENGTH, 0, 2, 46, false },
	{ "ipv6 longer than the frame", udp6, PACKET_BAD_LENGTH, 19, 109, 0, false },
	{ "ipv6 length 0", udp6, PACKET_BAD_LENGTH, 19, 0, 0, false },
	{ "udp length 7", udp4, PACKET_BAD_LENGTH, 39, 7, 0, false },
	{ "udp length 0 in ipv6", udp6, PACKET_BAD_LENGTH, 59, 0, 0, false },
	{ "udp length beyond ip", udp4, PACKET_BAD_LENGTH, 39, 14, 0, false },
	{ "udp beyond ip in padding", udp4_padded, PACKET_BAD_LENGTH, 39, 14, 0, false },
	{ "checksum", udp4, PACKET_BAD_IP_CHECKSUM, 22, 60, 0, false },
	{ "checksum in options", options4, PACKET_BAD_IP_CHECKSUM, 40, 7, 0, false },
	{ "data offset 4", syn4, PACKET_BAD_TCP_HEADER, 46, 0x40, 0, false },
	{ "data offset beyond", syn4, PACKET_BAD_TCP_HEADER, 46, 0x70, 0, false },
	{ "option length 1", syn4, PACKET_BAD_TCP_HEADER, 55, 1, 0, false },
	{ "option longer than its list", syn4, PACKET_BAD_TCP_HEADER, 55, 5, 0, false },
	{ "odd middle4", odd_middle4, PACKET_BAD_FRAGMENT, 0, 2, 0, false },
	{ "odd middle6", odd_middle6, PACKET_BAD_FRAGMENT, 0, 2, 0, false },
	{ "ping of death", ping_of_death, PACKET_BAD_FRAGMENT, 0, 2, 0, false },
	{ "ping of death 6", ping_of_death6, PACKET_BAD_FRAGMENT, 0, 2, 0, false },
	{ "empty fragment", empty_fragment, PACKET_BAD_FRAGMENT, 0, 2, 0, false },
	{ "two fragment headers", two_fragment_headers, PACKET_BAD_FRAGMENT, 0, 2, 0,
	  false },
	{ "three tags", three_tags, PACKET_TOO_DEEP, 0, 2, 0, false },
	{ "nine headers", nine_headers, PACKET_TOO_DEEP, 0, 2, 0, false },
};

static void
spoilt_frames_get_their_fault(void)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < sizeof(spoils) / sizeof(*spoils); i++) {
		const struct spoil *s = &spoils[i];
		struct wire w;
		struct facts p;

		wire_ether(&w);
		s->lay(&w);
		wire_seal(&w);
		w.bytes[s->at] = s->value;
		if (s->reseals)
			wire_seal_ipv4(&w);
		if (s->cut != 0)
			w.len = s->cut;
		p = parse(&w);
		if (p.fault != s->fault)
			printf("\n    %s: fault %u ", s->name, p.fault);
		CU_ASSERT_EQUAL(p.fault, s->fault);
		seen |= lane_bit(p.fault);
	}
	CU_ASSERT_EQUAL(seen, lanes_first(PACKET_FAULTS) & ~lane_bit(PACKET_SOUND));
}

static void
faulty_packets_still_have_their_vector(void)
{
	struct wire w;

	wire_ether(&w);
	odd_middle4(&w);
	wire_seal(&w);
	CU_ASSERT_EQUAL(parse(&w).vector, VECTOR_FRAGMENT_FLOOD);
	wire_ether(&w);
	syn4(&w);
	wire_seal(&w);
	w.bytes[46] = 0x40;
	CU_ASSERT_EQUAL(parse(&w).vector, VECTOR_TCP_SYN_FLOOD);
}

SUITE_MAIN("packet/parse_faults", TEST(spoilt_frames_get_their_fault),
           TEST(faulty_packets_still_have_their_vector))
