/* SPDX-License-Identifier: BSD-3-Clause */
/* Every fact and every fault, each from a frame laid by hand. */
#include "packet/parse.h"

#include <stdio.h>
#include <string.h>

#include "packet/burst.h"
#include "packet/vector.h"
#include "suite.h"
#include "wire.h"

#define PORTS4 FACT_IP
#define PORTS6 (FACT_IP | FACT_IPV6)
#define BARE4  (FACT_IP | FACT_NO_PORTS)
#define BARE6  (FACT_IP | FACT_IPV6 | FACT_NO_PORTS)

static const uint8_t mss[4] = { 2, 4, 5, 180 };
static const uint8_t stamp[12] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 };

/* --- frames -------------------------------------------------------------- */

static void
syn4(struct wire *w)
{
	wire_ipv4(w, 6, 0, 0x4000);
	wire_tcp(w, TCP_SYN, mss, 4);
}

static void
ack4(struct wire *w)
{
	wire_ipv4(w, 6, 0, 0x4000);
	wire_tcp(w, TCP_ACK | TCP_PSH, stamp, 12);
	wire_fill(w, 'x', 30);
}

static void
synack6(struct wire *w)
{
	wire_ipv6(w, 6);
	wire_tcp(w, TCP_SYN | TCP_ACK, "", 0);
}

static void
udp4(struct wire *w)
{
	wire_ipv4(w, 17, 0, 0);
	wire_udp(w);
	wire_fill(w, 'u', 5);
}

static void
udp4_padded(struct wire *w)
{
	udp4(w);
	w->trailer = 13;
	wire_fill(w, 0, 13);
}

static void
udp6(struct wire *w)
{
	wire_ipv6(w, 17);
	wire_udp(w);
	wire_fill(w, 'u', 100);
}

static void
echo4(struct wire *w)
{
	wire_ipv4(w, 1, 0, 0);
	wire_icmp(w, 8, 0);
}

static void
unreachable4(struct wire *w)
{
	wire_ipv4(w, 1, 0, 0);
	wire_icmp(w, 3, 4);
	wire_fill(w, 0x45, 28);
}

static void
echo6(struct wire *w)
{
	wire_ipv6(w, 58);
	wire_icmp(w, 129, 0);
}

static void
icmp_of_the_other_family(struct wire *w)
{
	wire_ipv4(w, 58, 0, 0);
	wire_icmp(w, 128, 0);
}

static void
gre4(struct wire *w)
{
	wire_ipv4(w, 47, 0, 0);
	wire_fill(w, 0, 4);
}

static void
options4(struct wire *w)
{
	wire_ipv4(w, 17, 12, 0);
	wire_udp(w);
}

static void
vlan4(struct wire *w)
{
	wire_tag(w, 0x8100, 0xe00a);
	udp4(w);
}

static void
qinq6(struct wire *w)
{
	wire_tag(w, 0x88a8, 7);
	wire_tag(w, 0x8100, 4094);
	udp6(w);
}

static void
old_qinq4(struct wire *w)
{
	wire_tag(w, 0x9100, 7);
	wire_tag(w, 0x8100, 8);
	udp4(w);
}

static void
arp(struct wire *w)
{
	wire_16(w, 0x0806);
	wire_fill(w, 1, 28);
}

static void
lldp_in_vlan(struct wire *w)
{
	wire_tag(w, 0x8100, 3);
	wire_16(w, 0x88cc);
	wire_fill(w, 1, 46);
}

static void
first4(struct wire *w)
{
	wire_ipv4(w, 17, 0, 0x2000);
	wire_udp(w);
	wire_fill(w, 'f', 1472);
}

static void
first4_says_all(struct wire *w)
{
	first4(w);
	wire_seal(w);
	wire_patch(w, w->udp + 4, 4008);
}

static void
rest4(struct wire *w)
{
	wire_ipv4(w, 6, 0, 0x2000 | 185);
	wire_fill(w, 'r', 64);
}

static void
last4(struct wire *w)
{
	wire_ipv4(w, 17, 0, 185);
	wire_fill(w, 'r', 61);
}

static void
first6(struct wire *w)
{
	wire_ipv6(w, 44);
	wire_fragment(w, 60, 1);
	wire_extension(w, 17, 1);
	wire_udp(w);
	wire_fill(w, 'f', 64);
}

static void
rest6(struct wire *w)
{
	wire_ipv6(w, 0);
	wire_extension(w, 44, 2);
	wire_fragment(w, 6, 1480 | 1);
	wire_fill(w, 'r', 16);
}

static void
atomic6(struct wire *w)
{
	wire_ipv6(w, 44);
	wire_fragment(w, 6, 0);
	wire_tcp(w, TCP_SYN, "", 0);
}

static void
all_extensions(struct wire *w)
{
	wire_ipv6(w, 0);
	wire_extension(w, 60, 1);
	wire_extension(w, 43, 3);
	wire_extension(w, 135, 2);
	wire_extension(w, 139, 1);
	wire_extension(w, 140, 1);
	wire_extension(w, 44, 1);
	w->len -= 8;
	wire_fragment(w, 51, 0);
	wire_ah(w, 60, 6);
	wire_extension(w, 6, 1);
	wire_tcp(w, TCP_ACK, "", 0);
}

static void
esp6(struct wire *w)
{
	wire_ipv6(w, 60);
	wire_extension(w, 50, 1);
	wire_fill(w, 0xee, 24);
}

static void
nothing6(struct wire *w)
{
	wire_ipv6(w, 59);
}

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

/* Parse into a line full of rubbish: what is not written shows. */
static struct facts
parse(const struct wire *w)
{
	struct facts out;

	memset(&out, 0xa5, sizeof(out));
	parse_frame(w->bytes, w->len, w->len, &out);
	return out;
}

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
		CU_ASSERT_EQUAL(p.flags, sound[i].flags);
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

/* --- faults -------------------------------------------------------------- */

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
		b.bytes_len[i] = b.facts[i].frame_len = (uint16_t)w[i].len;
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
           TEST(spoilt_frames_get_their_fault), TEST(headers_out_of_sight_are_too_deep),
           TEST(faulty_packets_still_have_their_vector),
           TEST(a_burst_is_parsed_lane_by_lane))
