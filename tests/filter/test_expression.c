/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/expression.h"

#include <errno.h>
#include <time.h>

#include <pcap/pcap.h>
#include <rte_mbuf.h>

#include "packet/burst.h"
#include "packet/frames.h"
#include "packet/parse.h"
#include "suite.h"

static struct burst b;
static struct wire wires[LANES_MAX];

/* Lay the frame as lane b.count. */
static void
lay(void (*frame)(struct wire *w), unsigned int tags)
{
	struct wire *w = &wires[b.count];
	const unsigned int i = b.count++;

	wire_ether(w);
	for (unsigned int t = 0; t < tags; t++)
		wire_tag(w, 0x8100, 7 + t);
	frame(w);
	wire_seal(w);
	b.bytes[i] = w->bytes;
	b.bytes_len[i] = (uint16_t)w->len;
	b.frame_len[i] = (uint16_t)w->len;
	b.mbuf[i] = NULL;
	b.live |= lane_bit(i);
}

static void
begin(void)
{
	burst_start(&b, 1, 0, SIDE_EXTERNAL);
}

static uint64_t
matches(const char *text)
{
	struct filter_expression *e = NULL;
	char error[300];
	uint64_t found;

	if (filter_expression_make(text, &e, error, sizeof(error)) != 0) {
		fprintf(stderr, "'%s': %s\n", text, error);
		CU_FAIL_FATAL("the expression is refused");
	}
	CU_ASSERT_TRUE(filter_expression_is_native(e));
	found = filter_expression_match(e, &b, b.live);
	filter_expression_free(e);
	return found;
}

static void (*const frames[])(struct wire *) = {
	syn4,
	ack4,
	synack6,
	udp4,
	udp4_padded,
	udp6,
	echo4,
	unreachable4,
	echo6,
	gre4,
	options4,
	first4,
	rest4,
	last4,
	nothing6,
	first4_says_all,
	icmp_of_the_other_family,
};
#define FRAMES (sizeof(frames) / sizeof(*frames))

static const char *const texts[] = {
	"ip",
	"ip6",
	"tcp",
	"udp",
	"icmp",
	"icmp6",
	"sctp or esp or ah or pim or igmp or vrrp",
	"proto 47",
	"ip proto 17",
	"ip6 proto 58",
	"not ip",
	"udp port 443",
	"tcp src port 4660",
	"port 53 or port 443",
	"portrange 400-500",
	"udp dst portrange 1-65535",
	"src host 198.51.100.1",
	"dst host 203.0.113.2",
	"host 203.0.113.3",
	"net 198.51.100.0/24",
	"src net 198.51",
	"dst net 203.0.113.0 mask 255.255.255.0",
	"ip6 host 2001:db8::1",
	"src net 2001:db8::/32",
	"dst net 2001:db9::/32",
	"host 2001:db8::2 or host 203.0.113.2",
	"less 60",
	"greater 100",
	"len = 40",
	"len - 20 > 20 and ip",
	"tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn and ip",
	"ip and tcp[13] = 0x18",
	"ip and tcp[12] >> 4 > 5",
	"ip and udp[4:2] > 100",
	"ip and udp[8:4] = 0x75757575",
	"ip and udp[8] = 117 and udp[12] = 0x75",
	"ip and udp[2000] = 1",
	"ip and (udp[4:2] * 3 + 1) / 2 - 4 & 0xf0 ^ 0x10 | 2 != 7",
	"ip[0] & 0xf > 5",
	"ip[6:2] & 0x1fff != 0",
	"ip[6] & 0x20 != 0",
	"ip[8] < 64",
	"ip[12:4] = 0xc6336401",
	"ip[12:4] > 0xc6000000 and ip[16:4] <= 0xcb007102",
	"ip6[6] = 17",
	"ip6[7] != 62",
	"ip6[40:2] = 0x1234",
	"icmp[icmptype] = icmp-echo",
	"icmp[0] = 3 and icmp[1] = 4",
	"icmp6 and ip6[40] = 129",
	"icmp6[icmp6type] = icmp6-echoreply",
	"ip and udp[8 + (ip[8] & 3):2] = 0x7575",
	"ip and tcp[0:2] << (ip[9] & 7) > 1000",
	"ip and 1 << ip[8] = 0",
	"ip and ip[8] >> ip[9] = 0",
	"ip and len % (ip[9] & 3) = 1",
	"ip and len / (ip[8] & 1) > 1",
	"ip and ip[ip[9]] = 1",
	"(ip and udp and (src port 4660 or dst port 53)) and not (len > 2000 or less 20)",
	"not (tcp or udp or icmp or icmp6)",
	"ip multicast or ip6 multicast",
	"1 = 1",
	"ip6 host 2001:db8::1 or ip6 host 2001:db8::7 or ip6 host 2001:db8::9",
};

/* What libpcap's own machine says of the datagram, which ends where its header says. */
static bool
twin(const struct bpf_program *p, unsigned int i)
{
	const struct facts *f = &b.facts[i];
	const uint8_t *ip = b.bytes[i] + f->l3_off;
	unsigned int len = b.bytes_len[i] - f->l3_off;
	unsigned int says =
		f->flags & FACT_IPV6 ? 40u + ip[4] * 256u + ip[5] : ip[2] * 256u + ip[3];
	struct pcap_pkthdr h = { .caplen = 0 };

	h.len = h.caplen = says < len ? says : len;
	return pcap_offline_filter(p, &h, ip) != 0;
}

static void
compare(void)
{
	pcap_t *pcap = pcap_open_dead(DLT_RAW, 65535);

	parse_burst(&b);
	for (size_t t = 0; t < sizeof(texts) / sizeof(*texts); t++) {
		const uint64_t found = matches(texts[t]);
		struct bpf_program p;
		uint64_t want = 0;
		unsigned int i;

		CU_ASSERT_EQUAL_FATAL(
			pcap_compile(pcap, &p, texts[t], 0, PCAP_NETMASK_UNKNOWN), 0);
		LANES_FOREACH (i, b.ipv4 | b.ipv6)
			if (twin(&p, i))
				want |= lane_bit(i);
		if (found != want)
			fprintf(stderr, "'%s': %#lx instead of %#lx\n", texts[t], found,
			        want);
		CU_ASSERT_EQUAL(found, want);
		pcap_freecode(&p);
	}
	pcap_close(pcap);
}

static void
machine_code_agrees_with_libpcap(void)
{
	for (unsigned int tags = 0; tags < 3; tags++) {
		begin();
		for (size_t i = 0; i < FRAMES; i++)
			lay(frames[i], tags);
		lay(arp, 0);
		compare();
	}
}

static uint64_t
random_of(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Bytes behind the fixed header are anything, lengths too. */
static void
it_agrees_on_rubbish_too(void)
{
	uint64_t state = 88172645463325252;

	for (unsigned int round = 0; round < 20; round++) {
		begin();
		for (unsigned int i = 0; i < LANES_MAX; i++) {
			struct wire *w = &wires[i];

			lay(i % 3 == 0 ? udp4 : i % 3 == 1 ? ack4 : echo4, i % 2);
			for (size_t k = 0; k < 6; k++)
				w->bytes[w->ip + 1 +
				         random_of(&state) % (w->len - w->ip - 1)] =
					(uint8_t)random_of(&state);
		}
		compare();
	}
}

/* libpcap reads payload in IPv4 alone; here it is read in both. */
static void
payload_is_read_in_ipv6(void)
{
	begin();
	lay(udp4, 0);
	lay(udp6, 0);
	lay(udp6, 1);
	lay(synack6, 0);
	lay(echo6, 0);
	lay(ack4, 0);
	parse_burst(&b);
	CU_ASSERT_EQUAL(matches("udp[8:4] = 0x75757575"), 0x07);
	CU_ASSERT_EQUAL(matches("udp[4:2] = 13"), 0x01);
	CU_ASSERT_EQUAL(matches("udp[4:2] = 108"), 0x06);
	CU_ASSERT_EQUAL(matches("tcp[tcpflags] & tcp-ack != 0"), 0x28);
	CU_ASSERT_EQUAL(matches("not tcp[13] = 0x12"), 0x37);
	CU_ASSERT_EQUAL(matches("udp[8] = 1 or tcp[13] = 0x12"), 0x08);
	CU_ASSERT_EQUAL(matches("udp[8 + (udp[8] & 3):2] = 0x7575"), 0x07);
	/* Of one family alone. */
	CU_ASSERT_EQUAL(matches("udp[8] = 0x75 and ip6"), 0x06);
	CU_ASSERT_EQUAL(matches("udp[8] = 0x75 and ip"), 0x01);
}

/* A header more in front of it hides no port and no payload. */
static void
hop6(struct wire *w)
{
	wire_ipv6(w, 0);
	wire_extension(w, 60, 2);
	wire_extension(w, 17, 3);
	wire_udp(w);
	wire_fill(w, 'u', 30);
}

static void
extension_headers_hide_nothing(void)
{
	begin();
	lay(hop6, 0);
	lay(hop6, 2);
	lay(first6, 0);
	lay(rest6, 0);
	lay(esp6, 0);
	parse_burst(&b);
	CU_ASSERT_EQUAL(matches("udp port 443"), 0x07);
	CU_ASSERT_EQUAL(matches("udp[8:4] = 0x75757575"), 0x03);
	CU_ASSERT_EQUAL(matches("udp[8] = 0x66"), 0x04);
	CU_ASSERT_EQUAL(matches("ip6[6] = 17"), 0x07);
	CU_ASSERT_EQUAL(matches("len = 78 and ip6[4:2] = 38"), 0x03);
	/* Who reads behind the end matches nothing, whatever else is said. */
	CU_ASSERT_EQUAL(matches("udp[38] = 0 or udp"), 0x04);
	CU_ASSERT_EQUAL(matches("udp[37] = 0x75"), 0x03);
}

/* A frame in pieces: headers in the first segment, the rest in others. */
static void
segments_are_read_through(void)
{
	static struct rte_mbuf m[3];
	void (*const kinds[])(struct wire *) = { udp6, hop6, first4 };
	static const unsigned int cut[][2] = { { 62, 20 }, { 110, 9 }, { 60, 1000 } };
	uint64_t whole;

	for (unsigned int k = 0; k < 3; k++) {
		const unsigned int first = cut[k][0], second = cut[k][1];

		begin();
		lay(kinds[k], 0);
		for (unsigned int s = 0; s < 3; s++) {
			const unsigned int from = s == 0   ? 0
			                          : s == 1 ? first
			                                   : first + second;

			m[s].buf_addr = wires[0].bytes + from;
			m[s].data_len =
				(uint16_t)(s == 0   ? first
			                   : s == 1 ? second
			                            : wires[0].len - first - second);
			m[s].next = s < 2 ? &m[s + 1] : NULL;
		}
		m[0].pkt_len = (uint32_t)wires[0].len;
		m[0].nb_segs = 3;
		parse_burst(&b);
		for (size_t t = 0; t < sizeof(texts) / sizeof(*texts); t++) {
			b.bytes_len[0] = (uint16_t)wires[0].len;
			b.mbuf[0] = NULL;
			whole = matches(texts[t]);
			b.bytes_len[0] = (uint16_t)first;
			b.mbuf[0] = &m[0];
			CU_ASSERT_EQUAL(matches(texts[t]), whole);
		}
		b.bytes_len[0] = (uint16_t)wires[0].len;
		b.mbuf[0] = NULL;
		CU_ASSERT_EQUAL(matches("udp[20] = 0x75 or udp[20] = 0x66"), 1);
		b.bytes_len[0] = (uint16_t)first;
		/* What was captured in part ends where the bytes do. */
		CU_ASSERT_EQUAL(matches("udp[60:4] > 0"), 0);
	}
}

static void
only_the_lanes_asked_for_are_told(void)
{
	struct filter_expression *e = NULL;
	char error[300];

	begin();
	for (unsigned int i = 0; i < LANES_MAX; i++)
		lay(i % 2 ? udp4 : udp6, 0);
	parse_burst(&b);
	CU_ASSERT_EQUAL_FATAL(filter_expression_make("udp", &e, error, sizeof(error)), 0);
	CU_ASSERT_EQUAL(filter_expression_match(e, &b, 0), 0);
	CU_ASSERT_EQUAL(filter_expression_match(e, &b, 0xf0f0), 0xf0f0);
	CU_ASSERT_EQUAL(filter_expression_match(e, &b, UINT64_MAX), UINT64_MAX);
	filter_expression_free(e);
}

static double
seconds_to_make(const char *text, int want, char *error, size_t room)
{
	struct filter_expression *e = NULL;
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	CU_ASSERT_EQUAL(filter_expression_make(text, &e, error, room), want);
	clock_gettime(CLOCK_MONOTONIC, &to);
	filter_expression_free(e);
	return (double)(to.tv_sec - from.tv_sec) +
	       (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* `first`, and as many of `more` with a rising number as an expression may have characters. */
static void
lengthen(char text[FILTER_TEXT_MAX + 1], const char *first, const char *more)
{
	size_t n = (size_t)sprintf(text, "%s", first);
	char next[100];

	for (unsigned int i = 1; i < 1000; i++) {
		const size_t len = (size_t)snprintf(next, sizeof(next), more, i);

		if (n + len > FILTER_TEXT_MAX)
			return;
		memcpy(text + n, next, len + 1);
		n += len;
	}
}

/* No text makes the control thread think for long, and what is too long is told so. */
static void
long_expressions_are_made_at_once_or_refused(void)
{
	static const char *const parts[][2] = {
		{ "port 7", " or port %u" },
		{ "ip6 host ::1", " or ip6 host 2001:db8::%x" },
		{ "not port 1", " and not(host 192.0.2.1 and port %u)" },
	};
	char text[FILTER_TEXT_MAX + 2], error[300];

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		lengthen(text, parts[i][0], parts[i][1]);
		CU_ASSERT_TRUE(strlen(text) > 900);
		CU_ASSERT_TRUE(seconds_to_make(text, 0, error, sizeof(error)) < 10);
	}
	lengthen(text, "udp[0]>0", "|udp[%u]");
	CU_ASSERT_TRUE(seconds_to_make(text, 0, error, sizeof(error)) < 10);
	lengthen(text, "host ::1", " or ::%x");
	CU_ASSERT_TRUE(seconds_to_make(text, -EINVAL, error, sizeof(error)) < 10);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "1024 instructions"));

	memset(text, ' ', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CU_ASSERT_TRUE(seconds_to_make(text, -EINVAL, error, sizeof(error)) < 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "1023"));
}

SUITE_MAIN("filter/expression", TEST(machine_code_agrees_with_libpcap),
           TEST(it_agrees_on_rubbish_too), TEST(payload_is_read_in_ipv6),
           TEST(extension_headers_hide_nothing), TEST(segments_are_read_through),
           TEST(only_the_lanes_asked_for_are_told),
           TEST(long_expressions_are_made_at_once_or_refused))
