/* SPDX-License-Identifier: BSD-3-Clause */
/* Every reason of sanity in both families, and the bystanders it must spare. */
#include "stage/sanity/sanity.h"

#include "plain.h"
#include "rig.h"

static struct rig rig;

static const struct rig_ends ends4 = { "192.0.2.1", "203.0.113.10", 40000, 443 };
static const struct rig_ends ends6 = { "2001:db8::1", "2001:db8:a::10", 40000, 443 };

/* Judge the one lane that was filled; tell the reason. */
static const char *
judged(void)
{
	rig_decide(&rig, 1);
	return rig_reason(&rig, 0);
}

static const char *
judged_ends(uint8_t proto, struct rig_ends ends)
{
	rig_fill(rig_packets(&rig, 1), proto, ends);
	return judged();
}

static void
every_fault_of_the_parser_has_its_reason(void)
{
	static const char *const names[PACKET_FAULTS] = {
		[PACKET_SOUND] = "passed",
		[PACKET_TRUNCATED] = "truncated",
		[PACKET_BAD_VERSION] = "bad_version",
		[PACKET_BAD_IP_HEADER] = "bad_ip_header",
		[PACKET_BAD_LENGTH] = "bad_length",
		[PACKET_BAD_IP_CHECKSUM] = "bad_ip_checksum",
		[PACKET_BAD_TCP_HEADER] = "bad_tcp_header",
		[PACKET_BAD_FRAGMENT] = "bad_fragment",
		[PACKET_TOO_DEEP] = "too_deep",
	};

	rig_open(&rig, &stage_sanity, "");
	for (unsigned int fault = 0; fault < PACKET_FAULTS; fault++) {
		for (int family = 4; family <= 6; family += 2) {
			struct facts *f = rig_packets(&rig, 1);

			rig_fill(f, PROTO_TCP, family == 4 ? ends4 : ends6);
			f->fault = (uint8_t)fault;
			CU_ASSERT_STRING_EQUAL(judged(), names[fault]);
		}
	}
	/* A fault counts where no address could be read, too. */
	rig_packets(&rig, 1)->fault = PACKET_TRUNCATED;
	CU_ASSERT_STRING_EQUAL(judged(), "truncated");
	rig_close(&rig);
}

/* All 64 combinations, told by what real stacks send. */
static const char *
expected_flags(unsigned int flags)
{
	static const uint8_t sent[] = {
		TCP_SYN,           TCP_SYN | TCP_URG,
		TCP_SYN | TCP_ACK, TCP_SYN | TCP_ACK | TCP_URG,
		TCP_RST,           TCP_RST | TCP_ACK,
		TCP_FIN | TCP_ACK, TCP_FIN | TCP_ACK | TCP_URG,
		TCP_ACK,           TCP_ACK | TCP_URG,
	};
	const unsigned int no_push = flags & ~(unsigned int)TCP_PSH;

	for (size_t i = 0; i < sizeof(sent); i++)
		if (no_push == sent[i])
			return "passed";
	if ((flags & TCP_SYN) && (flags & TCP_FIN))
		return "syn_fin";
	if ((flags & TCP_SYN) && (flags & TCP_RST))
		return "syn_rst";
	if (flags == (TCP_FIN | TCP_PSH | TCP_URG))
		return "xmas";
	if (no_push == 0 || no_push == TCP_URG)
		return "no_flags";
	return "bad_flags";
}

static void
only_flags_that_stacks_send_pass(void)
{
	static const uint8_t ecn[] = { 0, TCP_ECE, TCP_CWR, TCP_ECE | TCP_CWR };

	rig_open(&rig, &stage_sanity, "");
	for (unsigned int flags = 0; flags < 64; flags++) {
		for (size_t e = 0; e < sizeof(ecn) * 2; e++) {
			struct facts *f = rig_packets(&rig, 1);

			rig_fill(f, PROTO_TCP, e % 2 == 0 ? ends4 : ends6);
			f->tcp_flags = (uint8_t)(flags | ecn[e / 2]);
			CU_ASSERT_STRING_EQUAL(judged(), expected_flags(flags));
		}
	}
	rig_close(&rig);
}

static void
later_fragments_have_no_flags_and_no_ports_to_judge(void)
{
	rig_open(&rig, &stage_sanity, "");
	for (int family = 4; family <= 6; family += 2) {
		struct facts *f = rig_packets(&rig, 1);

		rig_fill(f, PROTO_TCP, family == 4 ? ends4 : ends6);
		f->flags |= FACT_FRAGMENT | FACT_FRAG_REST | FACT_NO_PORTS;
		f->src_port = f->dst_port = 0;
		f->tcp_flags = 0;
		CU_ASSERT_STRING_EQUAL(judged(), "passed");
	}
	rig_close(&rig);
}

static void
a_packet_to_itself_is_land(void)
{
	rig_open(&rig, &stage_sanity, "");
	CU_ASSERT_STRING_EQUAL(
		judged_ends(PROTO_TCP,
	                    (struct rig_ends){ "203.0.113.10", "203.0.113.10", 80, 80 }),
		"land");
	CU_ASSERT_STRING_EQUAL(
		judged_ends(PROTO_UDP, (struct rig_ends){ "2001:db8:a::10",
	                                                  "2001:db8:a::10", 1, 2 }),
		"land");
	CU_ASSERT_STRING_EQUAL(
		judged_ends(PROTO_TCP,
	                    (struct rig_ends){ "203.0.113.11", "203.0.113.10", 80, 80 }),
		"passed");
	rig_close(&rig);
}

static void
port_zero_is_nobody(void)
{
	static const struct {
		uint8_t proto;
		uint16_t src_port, dst_port;
		const char *allowed, *denied; /* by udp_source_port_zero */
	} cases[] = {
		{ PROTO_TCP, 0, 443, "zero_port", "zero_port" },
		{ PROTO_TCP, 40000, 0, "zero_port", "zero_port" },
		{ PROTO_TCP, 40000, 443, "passed", "passed" },
		{ PROTO_UDP, 40000, 0, "zero_port", "zero_port" },
		{ PROTO_UDP, 0, 53, "passed", "zero_port" },
		{ PROTO_UDP, 40000, 53, "passed", "passed" },
		{ PROTO_GRE, 0, 0, "passed", "passed" },
	};

	for (int deny = 0; deny <= 1; deny++) {
		rig_open(&rig, &stage_sanity,
		         deny ? "udp_source_port_zero = \"deny\";" : "");
		for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
			struct rig_ends ends = i % 2 == 0 ? ends4 : ends6;

			ends.src_port = cases[i / 2].src_port;
			ends.dst_port = cases[i / 2].dst_port;
			CU_ASSERT_STRING_EQUAL(judged_ends(cases[i / 2].proto, ends),
			                       deny ? cases[i / 2].denied
			                            : cases[i / 2].allowed);
		}
		rig_close(&rig);
	}
}

/* An echo whose identifier is 0 has ports 0 and is sound. */
static void
an_echo_may_have_identifier_zero(void)
{
	rig_open(&rig, &stage_sanity, "");
	for (int family = 4; family <= 6; family += 2) {
		struct facts *f = rig_packets(&rig, 1);

		rig_fill(f, family == 4 ? PROTO_ICMP : PROTO_ICMPV6,
		         family == 4 ? ends4 : ends6);
		f->icmp_type = family == 4 ? 8 : 128;
		f->src_port = f->dst_port = 0;
		f->flags &= (uint16_t)~FACT_NO_PORTS;
		CU_ASSERT_STRING_EQUAL(judged(), "passed");
	}
	rig_close(&rig);
}

static void
sources_that_cannot_be_are_bogons(void)
{
	static const char *const to4 = "203.0.113.10", *const to6 = "2001:db8:a::10";
	static const struct {
		const char *src, *allowed, *denied; /* by private_sources */
	} cases[] = {
		{ "0.0.0.0", "bogon_source", "bogon_source" },
		{ "0.1.2.3", "bogon_source", "bogon_source" },
		{ "126.255.255.255", "passed", "passed" },
		{ "127.0.0.1", "bogon_source", "bogon_source" },
		{ "128.0.0.1", "passed", "passed" },
		{ "223.255.255.255", "passed", "passed" },
		{ "224.0.0.1", "bogon_source", "bogon_source" },
		{ "240.0.0.1", "bogon_source", "bogon_source" },
		{ "255.255.255.255", "bogon_source", "bogon_source" },
		{ "9.255.255.255", "passed", "passed" },
		{ "10.0.0.1", "passed", "private_source" },
		{ "11.0.0.0", "passed", "passed" },
		{ "172.15.255.255", "passed", "passed" },
		{ "172.16.0.1", "passed", "private_source" },
		{ "172.31.255.255", "passed", "private_source" },
		{ "172.32.0.0", "passed", "passed" },
		{ "192.168.0.1", "passed", "private_source" },
		{ "192.169.0.1", "passed", "passed" },
		{ "100.63.255.255", "passed", "passed" },
		{ "100.64.0.1", "passed", "private_source" },
		{ "100.127.255.255", "passed", "private_source" },
		{ "100.128.0.0", "passed", "passed" },
		{ "169.254.1.1", "passed", "private_source" },
		{ "198.51.100.1", "passed", "passed" },
		{ "::", "bogon_source", "bogon_source" },
		{ "::1", "bogon_source", "bogon_source" },
		{ "::192.0.2.1", "bogon_source", "bogon_source" },
		{ "::ffff:192.0.2.1", "bogon_source", "bogon_source" },
		{ "64:ff9b::c000:201", "passed", "passed" },
		{ "2001:db8::1", "passed", "passed" },
		{ "fe80::1", "bogon_source", "bogon_source" },
		{ "febf::1", "bogon_source", "bogon_source" },
		{ "fec0::1", "passed", "private_source" },
		{ "fbff::1", "passed", "passed" },
		{ "fc00::1", "passed", "private_source" },
		{ "fdff::1", "passed", "private_source" },
		{ "ff02::1", "bogon_source", "bogon_source" },
	};

	for (int deny = 0; deny <= 1; deny++) {
		rig_open(&rig, &stage_sanity, deny ? "private_sources = \"deny\";" : "");
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			const char *src = cases[i].src;
			struct rig_ends ends = { src, strchr(src, ':') ? to6 : to4, 40000,
				                 443 };
			const char *want = deny ? cases[i].denied : cases[i].allowed;

			if (strcmp(judged_ends(PROTO_UDP, ends), want) != 0)
				fprintf(stderr, "%s: %s\n", src, rig_reason(&rig, 0));
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), want);
		}
		rig_close(&rig);
	}
}

static void
hosts_that_seek_an_address_are_spared(void)
{
	static const struct {
		uint8_t proto, icmp_type, ttl;
		struct rig_ends ends;
		const char *reason;
	} cases[] = {
		{ PROTO_UDP, 0, 64, { "0.0.0.0", "255.255.255.255", 68, 67 }, "passed" },
		{ PROTO_UDP,
		  0,
		  64,
		  { "0.0.0.0", "203.0.113.10", 68, 67 },
		  "bogon_source" },
		{ PROTO_UDP,
		  0,
		  64,
		  { "0.0.0.0", "255.255.255.255", 68, 53 },
		  "bogon_source" },
		{ PROTO_UDP,
		  0,
		  64,
		  { "0.0.0.1", "255.255.255.255", 68, 67 },
		  "bogon_source" },
		{ PROTO_ICMPV6, 135, 255, { "::", "ff02::1:ff00:10", 0, 0 }, "passed" },
		{ PROTO_ICMPV6, 133, 255, { "::", "ff02::2", 0, 0 }, "passed" },
		{ PROTO_ICMPV6, 143, 1, { "::", "ff02::16", 0, 0 }, "passed" },
		{ PROTO_ICMPV6,
		  135,
		  254,
		  { "::", "ff02::1:ff00:10", 0, 0 },
		  "bogon_source" },
		{ PROTO_ICMPV6,
		  135,
		  255,
		  { "::", "2001:db8:a::10", 0, 0 },
		  "bogon_source" },
		{ PROTO_ICMPV6, 128, 255, { "::", "ff02::1", 0, 0 }, "bogon_source" },
		{ PROTO_UDP, 0, 1, { "fe80::2", "ff02::1:2", 546, 547 }, "passed" },
		{ PROTO_ICMPV6, 128, 64, { "fe80::2", "fe80::3", 0, 0 }, "passed" },
		{ PROTO_ICMPV6,
		  136,
		  255,
		  { "fe80::2", "2001:db8:a::10", 0, 0 },
		  "passed" },
		{ PROTO_ICMPV6,
		  136,
		  254,
		  { "fe80::2", "2001:db8:a::10", 0, 0 },
		  "bogon_source" },
	};

	rig_open(&rig, &stage_sanity, "private_sources = \"deny\";");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct facts *f = rig_packets(&rig, 1);

		rig_fill(f, cases[i].proto, cases[i].ends);
		f->ttl = cases[i].ttl;
		if (cases[i].proto == PROTO_ICMPV6)
			f->icmp_type = cases[i].icmp_type;
		CU_ASSERT_STRING_EQUAL(judged(), cases[i].reason);
	}
	rig_close(&rig);
}

static void
frames_without_ip_and_lanes_outside_todo_are_not_judged(void)
{
	struct facts *f;

	rig_open(&rig, &stage_sanity, "");
	rig_packets(&rig, 1)->ethertype = 0x0806;
	CU_ASSERT_STRING_EQUAL(judged(), "passed");

	f = rig_packets(&rig, 2);
	for (unsigned int i = 0; i < 2; i++) {
		rig_fill(&f[i], PROTO_TCP, ends4);
		f[i].tcp_flags = 0;
	}
	rig_decide(&rig, lane_bit(1));
	CU_ASSERT_EQUAL(rig.burst.live, lane_bit(0));
	rig_close(&rig);
}

/* FACT_PLAIN keeps a packet from this stage, so the stage must have nothing against it. */
static void
nothing_is_found_in_plain_packets(void)
{
	unsigned int plain = 0, odd = 0;

	rig_open(&rig, &stage_sanity,
	         "private_sources = \"deny\"; udp_source_port_zero = \"deny\";");
	for (unsigned int n = 0; n < 20000; n++) {
		struct facts *f = rig_packets(&rig, 64);
		const uint64_t is_plain = plain_burst(f);

		rig_decide(&rig, lanes_first(64));
		for (unsigned int i = 0; i < 64; i++) {
			bool passed = rig.burst.verdict[i] == VERDICT_PASS;

			plain += (unsigned int)(is_plain >> i & 1);
			odd += ((is_plain >> i) & 1) == 0 && passed;
			if (((is_plain >> i) & 1) != 0 && !passed)
				CU_FAIL("sanity stops a plain packet");
		}
	}
	CU_ASSERT(plain > 10000 && odd > 1000);
	rig_close(&rig);
}

SUITE_MAIN("sanity", TEST(every_fault_of_the_parser_has_its_reason),
           TEST(only_flags_that_stacks_send_pass),
           TEST(later_fragments_have_no_flags_and_no_ports_to_judge),
           TEST(a_packet_to_itself_is_land), TEST(port_zero_is_nobody),
           TEST(an_echo_may_have_identifier_zero),
           TEST(sources_that_cannot_be_are_bogons),
           TEST(hosts_that_seek_an_address_are_spared),
           TEST(frames_without_ip_and_lanes_outside_todo_are_not_judged),
           TEST(nothing_is_found_in_plain_packets))
