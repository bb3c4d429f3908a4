/* SPDX-License-Identifier: BSD-3-Clause */
/* Every fact, each from a frame laid by hand. */
#include "packet/parse.h"

#include <stdio.h>
#include <string.h>

#include "frames.h"
#include "packet/burst.h"
#include "packet/vector.h"
#include "suite.h"

#define PORTS4 FACT_IP
#define PORTS6 (FACT_IP | FACT_IPV6)
#define BARE4  (FACT_IP | FACT_NO_PORTS)
#define BARE6  (FACT_IP | FACT_IPV6 | FACT_NO_PORTS)

static const struct {
	const char *name;
	void (*lay)(struct wire *);
	unsigned int flags, vector, proto, src_port, payload_off, payload_len;
} sound[] = {
	{ "syn4", syn4, PORTS4 | FACT_TCP_OPTIONS, VECTOR_TCP_SYN_FLOOD, 6, 0x1234, 58,
	  0 },
	{ "ack4", ack4, PORTS4 | FACT_TCP_OPTIONS, VECTOR_TCP_OTHER_FLOOD, 6, 0x1234, 66,
	  30 },
	{ "synack6", synack6, PORTS6, VECTOR_TCP_OTHER_FLOOD, 6, 0x1234, 74, 0 },
	{ "udp4", udp4, PORTS4, VECTOR_UDP_FLOOD, 17, 0x1234, 42, 5 },
	{ "udp4 padded", udp4_padded, PORTS4, VECTOR_UDP_FLOOD, 17, 0x1234, 42, 5 },
	{ "udp6", udp6, PORTS6, VECTOR_UDP_FLOOD, 17, 0x1234, 62, 100 },
	{ "echo4", echo4, PORTS4, VECTOR_ICMP_FLOOD, 1, 0x4242, 42, 0 },
	{ "unreachable4", unreachable4, BARE4, VECTOR_ICMP_FLOOD, 1, 0, 42, 28 },
	{ "echo6", echo6, PORTS6, VECTOR_ICMP_FLOOD, 58, 0x4242, 62, 0 },
	{ "icmp6 in 4", icmp_of_the_other_family, BARE4, VECTOR_OTHER_FLOOD, 58, 0, 34,
	  8 },
	{ "gre4", gre4, BARE4, VECTOR_OTHER_FLOOD, 47, 0, 34, 4 },
	{ "options4", options4, PORTS4 | FACT_OPTIONS, VECTOR_UDP_FLOOD, 17, 0x1234, 54,
	  0 },
	{ "vlan4", vlan4, PORTS4 | FACT_VLAN, VECTOR_UDP_FLOOD, 17, 0x1234, 46, 5 },
	{ "qinq6", qinq6, PORTS6 | FACT_VLAN | FACT_QINQ, VECTOR_UDP_FLOOD, 17, 0x1234,
	  70, 100 },
	{ "0x9100", old_qinq4, PORTS4 | FACT_VLAN | FACT_QINQ, VECTOR_UDP_FLOOD, 17,
	  0x1234, 50, 5 },
	{ "arp", arp, 0, VECTOR_OTHER_FLOOD, 0, 0, 0, 0 },
	{ "lldp", lldp_in_vlan, FACT_VLAN, VECTOR_OTHER_FLOOD, 0, 0, 0, 0 },
	{ "first4", first4, PORTS4 | FACT_FRAGMENT, VECTOR_FRAGMENT_FLOOD, 17, 0x1234, 42,
	  1472 },
	{ "rest4", rest4, BARE4 | FACT_FRAGMENT | FACT_FRAG_REST, VECTOR_FRAGMENT_FLOOD,
	  6, 0, 34, 64 },
	{ "last4", last4, BARE4 | FACT_FRAGMENT | FACT_FRAG_REST, VECTOR_FRAGMENT_FLOOD,
	  17, 0, 34, 61 },
	{ "first6", first6, PORTS6 | FACT_FRAGMENT | FACT_OPTIONS, VECTOR_FRAGMENT_FLOOD,
	  17, 0x1234, 78, 64 },
	{ "rest6", rest6, BARE6 | FACT_FRAGMENT | FACT_FRAG_REST | FACT_OPTIONS,
	  VECTOR_FRAGMENT_FLOOD, 6, 0, 78, 16 },
	{ "atomic6", atomic6, PORTS6, VECTOR_TCP_SYN_FLOOD, 6, 0x1234, 82, 0 },
	{ "all extensions", all_extensions, PORTS6 | FACT_OPTIONS, VECTOR_TCP_OTHER_FLOOD,
	  6, 0x1234, 178, 0 },
	{ "esp6", esp6, BARE6 | FACT_OPTIONS | FACT_OPAQUE, VECTOR_OTHER_FLOOD, 50, 0, 62,
	  24 },
	{ "no next header", nothing6, BARE6 | FACT_OPAQUE, VECTOR_OTHER_FLOOD, 59, 0, 54,
	  0 },
};

static void
sound_frames_give_their_facts(void)
{
	for (size_t i = 0; i < sizeof(sound) / sizeof(*sound); i++) {
		struct wire w;
		struct facts p;

		wire_ether(&w);
		sound[i].lay(&w);
		wire_seal(&w);
		p = parse(&w);
		if (p.fault != PACKET_SOUND || p.flags != sound[i].flags)
			printf("\n    %s: fault %u flags %#x ", sound[i].name, p.fault,
			       p.flags);
		CU_ASSERT_EQUAL(p.fault, PACKET_SOUND);
		CU_ASSERT_EQUAL(p.flags & ~FACT_PLAIN, sound[i].flags);
		CU_ASSERT_EQUAL(p.vector, sound[i].vector);
		CU_ASSERT_EQUAL(p.proto, sound[i].proto);
		CU_ASSERT_EQUAL(p.src_port, sound[i].src_port);
		CU_ASSERT_EQUAL(p.payload_off, sound[i].payload_off);
		CU_ASSERT_EQUAL(p.payload_len, sound[i].payload_len);
		CU_ASSERT_EQUAL(p.frame_len, w.len);
		if (p.flags & FACT_IP)
			CU_ASSERT_EQUAL(p.l3_off, w.ip);
	}
}

static void
addresses_and_numbers_are_in_their_places(void)
{
	static const uint8_t src4[16] = { [10] = 255, 255, 198, 51, 100, 1 };
	static const uint8_t dst6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 };
	struct facts p;
	struct wire w;

	wire_ether(&w);
	syn4(&w);
	wire_seal(&w);
	p = parse(&w);
	CU_ASSERT_EQUAL(memcmp(p.src, src4, 16), 0);
	CU_ASSERT_EQUAL(p.tcp_seq, 0x01020304);
	CU_ASSERT_EQUAL(p.tcp_ack, 0x0a0b0c0d);
	CU_ASSERT_EQUAL(p.tcp_flags, TCP_SYN);
	CU_ASSERT_EQUAL(p.dst_port, 443);
	CU_ASSERT_EQUAL(p.ttl, 61);
	CU_ASSERT_EQUAL(p.l4_off, 34);

	wire_ether(&w);
	wire_tag(&w, 0x8100, 0xe00a);
	wire_tag(&w, 0x8100, 0x1fff);
	echo6(&w);
	wire_seal(&w);
	p = parse(&w);
	CU_ASSERT_EQUAL(memcmp(p.dst, dst6, 16), 0);
	CU_ASSERT_EQUAL(p.vlan, 10);
	CU_ASSERT_EQUAL(p.inner_vlan, 4095);
	CU_ASSERT_EQUAL(p.icmp_type, 129);
	CU_ASSERT_EQUAL(p.icmp_id, 0x4242);
	CU_ASSERT_EQUAL(p.dst_port, 0x4242);
	CU_ASSERT_EQUAL(p.ttl, 62);

	wire_ether(&w);
	lldp_in_vlan(&w);
	p = parse(&w);
	CU_ASSERT_EQUAL(p.ethertype, 0x88cc);
}

static void
first_fragment_may_name_the_whole_length(void)
{
	struct wire w;
	struct facts p;

	wire_ether(&w);
	first4_says_all(&w);
	p = parse(&w);
	CU_ASSERT_EQUAL(p.fault, PACKET_SOUND);
	CU_ASSERT_EQUAL(p.payload_len, 1472);
}

/* A frame whose headers go on behind the readable bytes is not judged by guessing. */
static void
headers_out_of_sight_are_too_deep(void)
{
	struct wire w;
	struct facts p;

	wire_ether(&w);
	ack4(&w);
	wire_seal(&w);
	for (size_t len = 0; len <= w.len; len++) {
		memset(&p, 0xa5, sizeof(p));
		parse_frame(w.bytes, len, w.len, &p);
		CU_ASSERT_EQUAL(p.fault, len < 66 ? PACKET_TOO_DEEP : PACKET_SOUND);
		CU_ASSERT_EQUAL(p.frame_len, w.len);
	}
}

static void
a_burst_is_parsed_lane_by_lane(void)
{
	static struct burst b;
	static struct wire w[LANES_MAX];

	burst_start(&b, 1, 0, SIDE_EXTERNAL);
	memset(b.facts, 0xa5, sizeof(b.facts));
	for (unsigned int i = 0; i < LANES_MAX; i++) {
		wire_ether(&w[i]);
		sound[i % (sizeof(sound) / sizeof(*sound))].lay(&w[i]);
		wire_seal(&w[i]);
		b.bytes[i] = w[i].bytes;
		b.bytes_len[i] = b.frame_len[i] = (uint16_t)w[i].len;
		b.count++;
	}
	parse_burst(&b);
	for (unsigned int i = 0; i < LANES_MAX; i++) {
		struct facts alone = parse(&w[i]);

		CU_ASSERT_EQUAL(memcmp(&b.facts[i], &alone, sizeof(alone)), 0);
	}
}

SUITE_MAIN("packet/parse", TEST(sound_frames_give_their_facts),
           TEST(addresses_and_numbers_are_in_their_places),
           TEST(first_fragment_may_name_the_whole_length),
           TEST(headers_out_of_sight_are_too_deep), TEST(a_burst_is_parsed_lane_by_lane))
