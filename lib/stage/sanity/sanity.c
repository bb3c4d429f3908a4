/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sanity - what contradicts itself or cannot exist is no customer's.
 *
 * Each packet is judged alone, from its facts: what the parser found wrong,
 * TCP flags that no stack sends, ports and addresses that no host may use as a
 * source. No state, no rates, nothing to tune but what networks really differ in.
 * A plain packet (packet/plain.h) has none of that, so only the others are asked.
 */
#include "stage/sanity/sanity.h"

#include <string.h>

#include "conf/conf.h"
#include "packet/burst.h"

enum {
	/* The first ones are the parser's faults, in the order of enum packet_fault. */
	REASON_TRUNCATED,
	REASON_BAD_VERSION,
	REASON_BAD_IP_HEADER,
	REASON_BAD_LENGTH,
	REASON_BAD_IP_CHECKSUM,
	REASON_BAD_TCP_HEADER,
	REASON_BAD_FRAGMENT,
	REASON_TOO_DEEP,
	REASON_LAND,
	REASON_NO_FLAGS,
	REASON_XMAS,
	REASON_SYN_FIN,
	REASON_SYN_RST,
	REASON_BAD_FLAGS,
	REASON_ZERO_PORT,
	REASON_BOGON_SOURCE,
	REASON_PRIVATE_SOURCE,
	REASONS,
	SOUND = REASONS
};
static_assert(REASON_TOO_DEEP == PACKET_TOO_DEEP - 1 &&
                      PACKET_TOO_DEEP + 1 == PACKET_FAULTS,
              "every fault of the parser has its reason");

static const struct stage_reason reasons[] = {
	[REASON_TRUNCATED] = { "truncated", REASON_DROP,
	                       "The packet ends before one of its headers does." },
	[REASON_BAD_VERSION] = { "bad_version", REASON_DROP,
	                         "The IP version contradicts the ethertype." },
	[REASON_BAD_IP_HEADER] = { "bad_ip_header", REASON_DROP,
	                           "The IP header is shorter than allowed, longer than "
	                           "the packet, "
	                           "or has its extensions in an order that is "
	                           "forbidden." },
	[REASON_BAD_LENGTH] = { "bad_length", REASON_DROP,
	                        "The IP or UDP length says more than the frame holds, or "
	                        "less than "
	                        "a header takes." },
	[REASON_BAD_IP_CHECKSUM] = { "bad_ip_checksum", REASON_DROP,
	                             "The checksum of the IPv4 header is wrong; if "
	                             "customers are hit, "
	                             "look for a device on the way that damages "
	                             "packets." },
	[REASON_BAD_TCP_HEADER] = { "bad_tcp_header", REASON_DROP,
	                            "The TCP data offset or an option contradicts the "
	                            "segment." },
	[REASON_BAD_FRAGMENT] = { "bad_fragment", REASON_DROP,
	                          "The fragment is empty, reaches beyond 65,535 bytes, "
	                          "or is not the "
	                          "last one and no multiple of 8 bytes." },
	[REASON_TOO_DEEP] = { "too_deep", REASON_DROP,
	                      "The packet hides behind more extension headers or tags "
	                      "than "
	                      "any honest one carries." },
	[REASON_LAND] = { "land", REASON_DROP,
	                  "Source and destination address are the same." },
	[REASON_NO_FLAGS] = { "no_flags", REASON_DROP,
	                      "The TCP segment has none of SYN, ACK, RST and FIN." },
	[REASON_XMAS] = { "xmas", REASON_DROP,
	                  "The TCP segment has FIN, PSH and URG without ACK: a scanner's "
	                  "pattern." },
	[REASON_SYN_FIN] = { "syn_fin", REASON_DROP,
	                     "The TCP segment opens and closes a connection at once." },
	[REASON_SYN_RST] = { "syn_rst", REASON_DROP,
	                     "The TCP segment opens and resets a connection at once." },
	[REASON_BAD_FLAGS] = { "bad_flags", REASON_DROP,
	                       "The TCP flags do not go together: FIN with RST, or FIN "
	                       "or URG "
	                       "without ACK." },
	[REASON_ZERO_PORT] = { "zero_port", REASON_DROP,
	                       "The packet goes to port 0, or comes from TCP port 0, "
	                       "which nobody "
	                       "can be." },
	[REASON_BOGON_SOURCE] = { "bogon_source", REASON_DROP,
	                          "The source can be no sender: loopback, multicast, "
	                          "reserved, "
	                          "unspecified, or link-local from beyond the link." },
	[REASON_PRIVATE_SOURCE] = { "private_source", REASON_DROP,
	                            "The source is a private address and "
	                            "`private_sources` is "
	                            "\"deny\"; set it to \"allow\" where customers come "
	                            "from "
	                            "private networks." },
	{ NULL, REASON_DROP, NULL },
};

enum { ALLOW, DENY };
static const char *const allow_or_deny[] = { [ALLOW] = "allow", [DENY] = "deny", NULL };

struct params {
	int private_sources;
	int udp_source_port_zero;
};

static const struct conf_field fields[] = {
	{ .key = "private_sources",
	  .kind = CONF_WORD,
	  .offset = offsetof(struct params, private_sources),
	  .absent = "allow",
	  .words = allow_or_deny,
	  .help = "Sources in 10/8, 172.16/12, 192.168/16, 100.64/10, 169.254/16, "
	          "fc00::/7 and "
	          "fec0::/10; deny them where the external side is the Internet." },
	{ .key = "udp_source_port_zero",
	  .kind = CONF_WORD,
	  .offset = offsetof(struct params, udp_source_port_zero),
	  .absent = "allow",
	  .words = allow_or_deny,
	  .help = "UDP from port 0, which RFC 768 allows to senders that want no "
	          "answer." },
	{ .key = NULL },
};

/*
 * The combinations of FIN SYN RST PSH ACK URG, one bit each. ECE and CWR may
 * stand with any of them (RFC 3168). What passes is what netfilter calls valid,
 * PSH aside; it has met more odd stacks than anybody (nf_conntrack_proto_tcp,
 * tcp_valid_flags).
 */
#define ALL_FLAGS     (TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_ACK | TCP_URG)
#define PSH_OR_NOT(f) (UINT64_C(1) << (f) | UINT64_C(1) << ((f) | TCP_PSH))
static const uint64_t sound_flags =
	PSH_OR_NOT(TCP_SYN) | PSH_OR_NOT(TCP_SYN | TCP_URG) |
	PSH_OR_NOT(TCP_SYN | TCP_ACK) | PSH_OR_NOT(TCP_SYN | TCP_ACK | TCP_URG) |
	PSH_OR_NOT(TCP_RST) | PSH_OR_NOT(TCP_RST | TCP_ACK) |
	PSH_OR_NOT(TCP_FIN | TCP_ACK) | PSH_OR_NOT(TCP_FIN | TCP_ACK | TCP_URG) |
	PSH_OR_NOT(TCP_ACK) | PSH_OR_NOT(TCP_ACK | TCP_URG);

static unsigned int
judge_flags(uint8_t tcp_flags)
{
	const unsigned int f = tcp_flags & ALL_FLAGS;

	if (sound_flags >> f & 1)
		return SOUND;
	if ((f & (TCP_SYN | TCP_FIN)) == (TCP_SYN | TCP_FIN))
		return REASON_SYN_FIN;
	if ((f & (TCP_SYN | TCP_RST)) == (TCP_SYN | TCP_RST))
		return REASON_SYN_RST;
	if ((f & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == 0)
		return REASON_NO_FLAGS;
	if (f == (TCP_FIN | TCP_PSH | TCP_URG))
		return REASON_XMAS;
	return REASON_BAD_FLAGS;
}

static unsigned int
judge_ports(const struct params *p, const struct facts *f)
{
	if (f->flags & FACT_NO_PORTS)
		return SOUND;
	if (f->proto == PROTO_TCP) {
		if (f->src_port == 0 || f->dst_port == 0)
			return REASON_ZERO_PORT;
		return judge_flags(f->tcp_flags);
	}
	if (f->proto == PROTO_UDP &&
	    (f->dst_port == 0 || (f->src_port == 0 && p->udp_source_port_zero == DENY)))
		return REASON_ZERO_PORT;
	return SOUND;
}

/* A host that asks for its first address (RFC 2131 4.1). */
static bool
is_dhcp_discover(const struct facts *f)
{
	static const uint8_t broadcast[4] = { 255, 255, 255, 255 };

	return f->proto == PROTO_UDP && f->src_port == 68 && f->dst_port == 67 &&
	       memcmp(f->dst + 12, broadcast, sizeof(broadcast)) == 0;
}

/* RFC 6890 and RFC 1918; the documentation networks are left to the tests of the world. */
static unsigned int
judge_ipv4_source(const struct params *p, const struct facts *f)
{
	const uint8_t *a = f->src + 12;
	static const uint8_t none[4];
	bool is_private;

	if (a[0] == 0)
		return memcmp(a, none, sizeof(none)) == 0 && is_dhcp_discover(f)
		               ? SOUND
		               : REASON_BOGON_SOURCE;
	if (a[0] == 127 || a[0] >= 224)
		return REASON_BOGON_SOURCE;
	is_private = a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) ||
	             (a[0] == 192 && a[1] == 168) ||
	             (a[0] == 100 && (a[1] & 0xc0) == 64) || (a[0] == 169 && a[1] == 254);
	return is_private && p->private_sources == DENY ? REASON_PRIVATE_SOURCE : SOUND;
}

/*
 * A host without an address asks for one with duplicate address detection and
 * tells its groups (RFC 4862 5.4, RFC 3590); wiretalk meters both.
 */
static bool
is_from_a_host_without_address(const struct facts *f)
{
	return f->proto == PROTO_ICMPV6 && f->dst[0] == 0xff &&
	       ((f->icmp_type == 135 && f->ttl == 255) ||
	        (f->icmp_type == 133 && f->ttl == 255) ||
	        ((f->icmp_type == 131 || f->icmp_type == 132 || f->icmp_type == 143) &&
	         f->ttl == 1));
}

static bool
is_link_local(const uint8_t a[16])
{
	return a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
}

/* ::/96, among it :: and ::1, and ::ffff:0:0/96: none may be seen on a wire (RFC 4291 2.5). */
static bool
is_embedded_ipv4(const uint8_t a[16])
{
	static const uint8_t zero[12];
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a, zero, sizeof(zero)) == 0 ||
	       memcmp(a, mapped, sizeof(mapped)) == 0;
}

static unsigned int
judge_ipv6_source(const struct params *p, const struct facts *f)
{
	static const uint8_t none[16];
	const uint8_t *a = f->src;

	if (a[0] == 0 && is_embedded_ipv4(a))
		return memcmp(a, none, sizeof(none)) == 0 &&
		                       is_from_a_host_without_address(f)
		               ? SOUND
		               : REASON_BOGON_SOURCE;
	if (a[0] == 0xff)
		return REASON_BOGON_SOURCE;
	/*
	 * Link-local hosts may talk on the link, but no router carries them further;
	 * a hop limit of 255 shows that none did.
	 */
	if (is_link_local(a))
		return f->dst[0] == 0xff || is_link_local(f->dst) || f->ttl == 255
		               ? SOUND
		               : REASON_BOGON_SOURCE;
	if ((a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0xc0))
		return p->private_sources == DENY ? REASON_PRIVATE_SOURCE : SOUND;
	return SOUND;
}

static unsigned int
judge(const struct params *p, const struct facts *f)
{
	unsigned int verdict;

	if (f->fault != PACKET_SOUND)
		return (unsigned int)f->fault - 1;
	if (!(f->flags & FACT_IP))
		return SOUND;
	if (memcmp(f->src, f->dst, sizeof(f->src)) == 0)
		return REASON_LAND;
	verdict = judge_ports(p, f);
	if (verdict != SOUND)
		return verdict;
	return (f->flags & FACT_IPV6) ? judge_ipv6_source(p, f) : judge_ipv4_source(p, f);
}

static void
decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	unsigned int i;

	(void)state;
	LANES_FOREACH (i, todo & ~b->plain) {
		unsigned int verdict = judge(view->params[b->policy[i]], &b->facts[i]);

		if (verdict != SOUND)
			burst_drop(b, i, (uint8_t)verdict);
	}
}

const struct stage stage_sanity = {
	.name = "sanity",
	.help = "Drops what is malformed, contradicts itself or comes from a source that "
		"cannot be.",
	.reasons = reasons,
	.fields = fields,
	.params_size = sizeof(struct params),
	.decide = decide,
};
