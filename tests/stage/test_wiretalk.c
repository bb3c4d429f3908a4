/* SPDX-License-Identifier: BSD-3-Clause */
/* Promise 8: the wire's own talk is let through, its disguises are not. */
#include "stage/wiretalk/wiretalk.h"

#include "plain.h"
#include "prefix/prefix.h"
#include "rig.h"

static struct rig rig;

enum fate { ORDINARY, EXEMPT };

/* One lane with a frame that carries no IP. */
static void
frame(uint16_t ethertype)
{
	struct facts *f = rig_packets(&rig, 1);

	f->ethertype = ethertype;
	f->frame_len = 60;
	f->vector = VECTOR_OTHER_FLOOD;
}

static void
frames_without_ip_that_keep_a_link_alive_are_exempt(void)
{
	static const uint16_t talk[] = {
		0x0806, /* ARP */
		0x8809, /* LACP */
		0x88cc, /* LLDP */
		0x888e, /* EAPOL */
		0x0026, /* spanning tree: a length, LLC follows */
		1535,   /* the longest length */
	};

	rig_open(&rig, &stage_wiretalk, "ethertypes = \"deny\";");
	for (size_t i = 0; i < sizeof(talk) / sizeof(*talk); i++) {
		frame(talk[i]);
		rig_decide(&rig, 1);
		CU_ASSERT(rig_is_exempt(&rig, 0));
		CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "passed");
	}
	rig_close(&rig);
}

static void
other_ethertypes_follow_the_configuration(void)
{
	rig_open(&rig, &stage_wiretalk, "");
	frame(0x88f7);
	rig_decide(&rig, 1);
	CU_ASSERT(rig_is_exempt(&rig, 0));
	rig_close(&rig);

	rig_open(&rig, &stage_wiretalk, "ethertypes = \"deny\";");
	frame(0x88f7);
	rig_decide(&rig, 1);
	CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "ethertype");
	frame(1536);
	rig_decide(&rig, 1);
	CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "ethertype");
	rig_close(&rig);
}

static void
frames_that_show_no_addresses_are_unreadable(void)
{
	static const struct {
		uint16_t ethertype;
		uint8_t fault;
	} frames[] = {
		{ 0, PACKET_TRUNCATED },        { 0x0800, PACKET_TRUNCATED },
		{ 0x0800, PACKET_BAD_VERSION }, { 0x86dd, PACKET_BAD_VERSION },
		{ 0x8100, PACKET_TOO_DEEP },    { 0x0806, PACKET_TOO_DEEP },
	};

	for (int deny = 0; deny <= 1; deny++) {
		rig_open(&rig, &stage_wiretalk, deny ? "" : "unreadable = \"pass\";");
		for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++) {
			frame(frames[i].ethertype);
			rig.burst.facts[0].fault = frames[i].fault;
			rig_decide(&rig, 1);
			CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0),
			                       deny ? "unreadable" : "passed");
		}
		rig_close(&rig);
	}
}

static struct prefix_table *
make_routers(void)
{
	static const char *const texts[] = { "198.51.100.1", "198.51.100.2",
		                             "2001:db8:f::/64" };
	struct prefix_entry entry[3];
	struct prefix_table *routers;

	for (unsigned int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL_FATAL(prefix_parse(texts[i], &entry[i].prefix), 0);
		entry[i].value = 1;
	}
	CU_ASSERT_EQUAL_FATAL(prefix_build(entry, 3, &routers), 0);
	return routers;
}

/* TCP port 179 and the like, with every twist that tells talk from its disguise. */
static const struct {
	uint8_t proto, ttl, icmp_type;
	struct rig_ends ends;
	enum fate fate;
} ip_talk[] = {
	/* ND, which only a neighbour can send with hop limit 255 */
	{ PROTO_ICMPV6, 255, 135, { "fe80::1", "2001:db8:a::10", 0, 0 }, EXEMPT },
	{ PROTO_ICMPV6, 255, 133, { "fe80::1", "ff02::2", 0, 0 }, EXEMPT },
	{ PROTO_ICMPV6, 255, 137, { "fe80::1", "2001:db8:a::10", 0, 0 }, EXEMPT },
	{ PROTO_ICMPV6, 255, 135, { "::", "ff02::1:ff00:10", 0, 0 }, EXEMPT },
	{ PROTO_ICMPV6, 254, 135, { "fe80::1", "2001:db8:a::10", 0, 0 }, ORDINARY },
	{ PROTO_ICMPV6, 255, 128, { "fe80::1", "2001:db8:a::10", 0, 0 }, ORDINARY },
	{ PROTO_ICMPV6, 255, 138, { "fe80::1", "2001:db8:a::10", 0, 0 }, ORDINARY },
	{ PROTO_ICMPV6, 255, 135, { "192.0.2.1", "203.0.113.10", 0, 0 }, ORDINARY },
	/* MLD and IGMP */
	{ PROTO_ICMPV6, 1, 143, { "fe80::1", "ff02::16", 0, 0 }, EXEMPT },
	{ PROTO_ICMPV6, 1, 131, { "::", "ff02::1:ff00:10", 0, 0 }, EXEMPT },
	{ PROTO_ICMPV6, 1, 143, { "2001:db8::1", "ff02::16", 0, 0 }, ORDINARY },
	{ PROTO_ICMPV6, 2, 143, { "fe80::1", "ff02::16", 0, 0 }, ORDINARY },
	{ PROTO_ICMPV6, 1, 143, { "fe80::1", "2001:db8:a::10", 0, 0 }, ORDINARY },
	{ PROTO_IGMP, 1, 0, { "192.0.2.1", "224.0.0.22", 0, 0 }, EXEMPT },
	{ PROTO_IGMP, 1, 0, { "192.0.2.1", "203.0.113.10", 0, 0 }, ORDINARY },
	{ PROTO_IGMP, 64, 0, { "192.0.2.1", "224.0.0.22", 0, 0 }, ORDINARY },
	/* VRRP */
	{ PROTO_VRRP, 255, 0, { "192.0.2.1", "224.0.0.18", 0, 0 }, EXEMPT },
	{ PROTO_VRRP, 255, 0, { "fe80::1", "ff02::12", 0, 0 }, EXEMPT },
	{ PROTO_VRRP, 254, 0, { "192.0.2.1", "224.0.0.18", 0, 0 }, ORDINARY },
	/* BFD */
	{ PROTO_UDP, 255, 0, { "192.0.2.1", "192.0.2.2", 49152, 3784 }, EXEMPT },
	{ PROTO_UDP, 255, 0, { "2001:db8::1", "2001:db8::2", 49152, 3784 }, EXEMPT },
	{ PROTO_UDP, 255, 0, { "192.0.2.1", "192.0.2.2", 49152, 6784 }, EXEMPT },
	{ PROTO_UDP, 254, 0, { "192.0.2.1", "192.0.2.2", 49152, 3784 }, ORDINARY },
	{ PROTO_UDP, 255, 0, { "192.0.2.1", "192.0.2.1", 49152, 3785 }, EXEMPT },
	{ PROTO_UDP, 254, 0, { "192.0.2.1", "192.0.2.1", 49152, 3785 }, EXEMPT },
	{ PROTO_UDP, 253, 0, { "192.0.2.1", "192.0.2.1", 49152, 3785 }, ORDINARY },
	{ PROTO_UDP, 255, 0, { "192.0.2.1", "192.0.2.2", 3784, 53 }, ORDINARY },
	{ PROTO_UDP, 60, 0, { "198.51.100.1", "198.51.100.2", 49152, 4784 }, EXEMPT },
	{ PROTO_UDP, 255, 0, { "192.0.2.1", "198.51.100.2", 49152, 4784 }, ORDINARY },
	/* OSPF */
	{ PROTO_OSPF, 1, 0, { "192.0.2.1", "224.0.0.5", 0, 0 }, EXEMPT },
	{ PROTO_OSPF, 1, 0, { "192.0.2.1", "224.0.0.6", 0, 0 }, EXEMPT },
	{ PROTO_OSPF, 1, 0, { "192.0.2.1", "224.0.0.7", 0, 0 }, ORDINARY },
	{ PROTO_OSPF, 1, 0, { "fe80::1", "ff02::5", 0, 0 }, EXEMPT },
	{ PROTO_OSPF, 1, 0, { "fe80::1", "ff02::6", 0, 0 }, EXEMPT },
	{ PROTO_OSPF, 1, 0, { "fe80::1", "ff05::5", 0, 0 }, ORDINARY },
	{ PROTO_OSPF, 1, 0, { "198.51.100.1", "198.51.100.2", 0, 0 }, EXEMPT },
	{ PROTO_OSPF, 1, 0, { "198.51.100.1", "198.51.100.3", 0, 0 }, ORDINARY },
	/* BGP */
	{ PROTO_TCP, 64, 0, { "198.51.100.1", "198.51.100.2", 40000, 179 }, EXEMPT },
	{ PROTO_TCP, 64, 0, { "198.51.100.1", "198.51.100.2", 179, 40000 }, EXEMPT },
	{ PROTO_TCP, 64, 0, { "2001:db8:f::1", "2001:db8:f::2", 40000, 179 }, EXEMPT },
	{ PROTO_TCP, 64, 0, { "192.0.2.1", "198.51.100.2", 40000, 179 }, ORDINARY },
	{ PROTO_TCP, 64, 0, { "198.51.100.1", "203.0.113.10", 40000, 179 }, ORDINARY },
	{ PROTO_TCP, 64, 0, { "198.51.100.1", "198.51.100.2", 40000, 443 }, ORDINARY },
	/* Customers */
	{ PROTO_TCP, 57, 0, { "192.0.2.1", "203.0.113.10", 40000, 443 }, ORDINARY },
	{ PROTO_ICMP, 57, 8, { "192.0.2.1", "203.0.113.10", 0, 0 }, ORDINARY },
	{ PROTO_GRE, 255, 0, { "192.0.2.1", "203.0.113.10", 0, 0 }, ORDINARY },
};

#define IP_TALK (sizeof(ip_talk) / sizeof(*ip_talk))

static void
fill_talk(struct facts *f, size_t i)
{
	rig_fill(f, ip_talk[i].proto, ip_talk[i].ends);
	f->ttl = ip_talk[i].ttl;
	if (ip_talk[i].proto == PROTO_ICMPV6 || ip_talk[i].proto == PROTO_ICMP)
		f->icmp_type = ip_talk[i].icmp_type;
}

static void
talk_over_ip_is_known_by_what_cannot_be_forged_from_afar(void)
{
	struct facts *f;

	rig.from.routers = make_routers();
	rig_open(&rig, &stage_wiretalk, "");
	static_assert(IP_TALK <= LANES_MAX, "all of it fits into one burst");
	f = rig_packets(&rig, IP_TALK);
	for (size_t i = 0; i < IP_TALK; i++)
		fill_talk(&f[i], i);
	rig_decide(&rig, rig.burst.live);
	CU_ASSERT_EQUAL(rig.burst.live, lanes_first(IP_TALK));
	for (unsigned int i = 0; i < IP_TALK; i++) {
		if (rig_is_exempt(&rig, i) != (ip_talk[i].fate == EXEMPT))
			fprintf(stderr, "entry %u of ip_talk\n", i);
		CU_ASSERT_EQUAL(rig_is_exempt(&rig, i), ip_talk[i].fate == EXEMPT);
	}
	rig_close(&rig);
	prefix_free((struct prefix_table *)rig.from.routers);
	rig.from.routers = NULL;
}

static void
without_routers_nothing_is_between_them(void)
{
	struct facts *f;

	rig_open(&rig, &stage_wiretalk, "");
	f = rig_packets(&rig, 2);
	rig_fill(&f[0], PROTO_TCP,
	         (struct rig_ends){ "198.51.100.1", "198.51.100.2", 40000, 179 });
	rig_fill(&f[1], PROTO_OSPF,
	         (struct rig_ends){ "198.51.100.1", "198.51.100.2", 0, 0 });
	rig_decide(&rig, 3);
	CU_ASSERT_EQUAL(rig.burst.exempt, 0);
	CU_ASSERT_EQUAL(rig.burst.live, 3);
	rig_close(&rig);
}

static void
fragments_and_faulty_packets_are_never_wire_talk(void)
{
	rig_open(&rig, &stage_wiretalk, "");
	for (int faulty = 0; faulty <= 1; faulty++) {
		struct facts *f = rig_packets(&rig, IP_TALK);

		for (size_t i = 0; i < IP_TALK; i++) {
			fill_talk(&f[i], i);
			if (faulty)
				f[i].fault = PACKET_BAD_IP_CHECKSUM;
			else
				f[i].flags |= FACT_FRAGMENT;
		}
		rig_decide(&rig, rig.burst.live);
		CU_ASSERT_EQUAL(rig.burst.exempt, 0);
		CU_ASSERT_EQUAL(rig.burst.live, lanes_first(IP_TALK));
	}
	rig_close(&rig);
}

static void
over_quota_arp_is_dropped_and_other_classes_are_not(void)
{
	struct facts *f;

	/* 10 packets/s: the burst is the least one, 64 packets. */
	rig_open(&rig, &stage_wiretalk, "quota = \"10pps\";");
	f = rig_packets(&rig, 64);
	for (unsigned int i = 0; i < 64; i++)
		f[i].ethertype = 0x0806;
	rig_decide(&rig, UINT64_MAX);
	CU_ASSERT_EQUAL(rig.burst.exempt, UINT64_MAX);

	f = rig_packets(&rig, 2);
	f[0].ethertype = 0x0806;
	f[1].ethertype = 0x8809;
	rig_decide(&rig, 3);
	CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 0), "over_quota");
	CU_ASSERT(rig_is_exempt(&rig, 1));

	/* A tenth of a second pays for one more. */
	rig.now_ns += 100 * RIG_MS;
	f = rig_packets(&rig, 2);
	f[0].ethertype = f[1].ethertype = 0x0806;
	rig_decide(&rig, 3);
	CU_ASSERT(rig_is_exempt(&rig, 0));
	CU_ASSERT_STRING_EQUAL(rig_reason(&rig, 1), "over_quota");
	rig_close(&rig);
}

static void
over_quota_ip_goes_on_to_be_judged(void)
{
	struct facts *f;

	rig_open(&rig, &stage_wiretalk, "quota = \"10pps\";");
	for (int round = 0; round < 2; round++) {
		f = rig_packets(&rig, 64);
		for (unsigned int i = 0; i < 64; i++)
			rig_fill(&f[i], PROTO_VRRP,
			         (struct rig_ends){ "192.0.2.1", "224.0.0.18", 0, 0 });
		for (unsigned int i = 0; i < 64; i++)
			f[i].ttl = 255;
		rig_decide(&rig, UINT64_MAX);
		CU_ASSERT_EQUAL(rig.burst.exempt, round == 0 ? UINT64_MAX : 0);
		CU_ASSERT_EQUAL(rig.burst.live, UINT64_MAX);
	}
	rig_close(&rig);
}

static void
quota_off_meters_nothing(void)
{
	struct facts *f;

	rig_open(&rig, &stage_wiretalk, "quota = \"off\";");
	for (int round = 0; round < 100; round++) {
		f = rig_packets(&rig, 64);
		for (unsigned int i = 0; i < 64; i++)
			f[i].ethertype = 0x0806;
		rig_decide(&rig, UINT64_MAX);
		CU_ASSERT_EQUAL(rig.burst.exempt, UINT64_MAX);
	}
	rig_close(&rig);
}

static void
lanes_outside_todo_are_neither_exempt_nor_metered(void)
{
	struct facts *f;

	rig_open(&rig, &stage_wiretalk, "quota = \"1pps\";");
	for (int round = 0; round < 3; round++) {
		f = rig_packets(&rig, 64);
		for (unsigned int i = 0; i < 64; i++)
			f[i].ethertype = 0x0806;
		rig_decide(&rig, 1);
		CU_ASSERT_EQUAL(rig.burst.exempt, 1);
		CU_ASSERT_EQUAL(rig.burst.live, UINT64_MAX);
	}
	rig_close(&rig);
}

/* FACT_PLAIN keeps a packet from this stage, so none may be the wire's own, whoever routes. */
static void
no_plain_packet_is_wire_talk(void)
{
	const struct prefix_entry all[] = {
		{ .prefix = { .len = 0 }, .value = 1 },
		{ .prefix = { .address = { [10] = 0xff, 0xff }, .len = 96 }, .value = 1 }
	};
	struct prefix_table *routers;
	unsigned int plain = 0, talk = 0;

	CU_ASSERT_EQUAL_FATAL(prefix_build(all, 2, &routers), 0);
	rig.from.routers = routers;
	rig_open(&rig, &stage_wiretalk, "quota = \"off\";");
	for (unsigned int n = 0; n < 20000; n++) {
		struct facts *f = rig_packets(&rig, 64);
		const uint64_t is_plain = plain_burst(f);

		rig_decide(&rig, lanes_first(64));
		for (unsigned int i = 0; i < 64; i++) {
			bool is_talk = (rig.burst.exempt & lane_bit(i)) != 0;

			plain += (unsigned int)(is_plain >> i & 1);
			talk += is_talk;
			if (((is_plain >> i) & 1) != 0 && is_talk)
				CU_FAIL("wiretalk lets a plain packet through for good");
		}
	}
	CU_ASSERT(plain > 10000 && talk > 1000);
	rig_close(&rig);
	rig.from.routers = NULL;
	prefix_free(routers);
}

SUITE_MAIN("wiretalk", TEST(frames_without_ip_that_keep_a_link_alive_are_exempt),
           TEST(other_ethertypes_follow_the_configuration),
           TEST(frames_that_show_no_addresses_are_unreadable),
           TEST(talk_over_ip_is_known_by_what_cannot_be_forged_from_afar),
           TEST(without_routers_nothing_is_between_them),
           TEST(fragments_and_faulty_packets_are_never_wire_talk),
           TEST(over_quota_arp_is_dropped_and_other_classes_are_not),
           TEST(over_quota_ip_goes_on_to_be_judged), TEST(quota_off_meters_nothing),
           TEST(lanes_outside_todo_are_neither_exempt_nor_metered),
           TEST(no_plain_packet_is_wire_talk))
