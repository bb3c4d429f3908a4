/* SPDX-License-Identifier: BSD-3-Clause */
#include "evidence/words.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Text that grows and is cut where it is full. */
struct text {
	char *at;
	size_t room;
};

static void __attribute__((format(printf, 2, 3)))
add(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->at, t->room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= t->room)
		n = t->room > 0 ? (int)t->room - 1 : 0;
	t->at += n;
	t->room -= (size_t)n;
}

const char *
evidence_verdict_name(uint8_t verdict, enum reason_class class)
{
	static const char *const names[EVIDENCE_VERDICTS] = {
		[EVIDENCE_PASSED] = "passed",     [EVIDENCE_DROPPED] = "dropped",
		[EVIDENCE_ANSWERED] = "answered", [EVIDENCE_CONSUMED] = "consumed",
		[EVIDENCE_WOULD] = "would_drop",
	};

	if (verdict == EVIDENCE_WOULD && class == REASON_CHALLENGE)
		return "would_challenge";
	return verdict < EVIDENCE_VERDICTS ? names[verdict] : "unknown";
}

void
words_address(const uint8_t address[16], char text[WORDS_ADDRESS])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (memcmp(address, mapped, sizeof(mapped)) == 0)
		inet_ntop(AF_INET, address + 12, text, WORDS_ADDRESS);
	else
		inet_ntop(AF_INET6, address, text, WORDS_ADDRESS);
}

static const char *
protocol(const struct facts *f)
{
	static const struct {
		uint8_t proto;
		const char *name;
	} names[] = {
		{ PROTO_ICMP, "ICMP" }, { PROTO_IGMP, "IGMP" },
		{ PROTO_TCP, "TCP" },   { PROTO_UDP, "UDP" },
		{ PROTO_GRE, "GRE" },   { PROTO_ESP, "ESP" },
		{ PROTO_AH, "AH" },     { PROTO_ICMPV6, "ICMPv6" },
		{ PROTO_OSPF, "OSPF" }, { PROTO_VRRP, "VRRP" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].proto == f->proto)
			return names[i].name;
	return NULL;
}

static void
add_ends(struct text *t, const struct facts *f)
{
	const bool has_ports = (f->flags & FACT_NO_PORTS) == 0 &&
	                       (f->proto == PROTO_TCP || f->proto == PROTO_UDP);
	const bool is_ipv6 = (f->flags & FACT_IPV6) != 0;
	char src[WORDS_ADDRESS], dst[WORDS_ADDRESS];

	words_address(f->src, src);
	words_address(f->dst, dst);
	if (has_ports && is_ipv6)
		add(t, "[%s]:%u > [%s]:%u", src, f->src_port, dst, f->dst_port);
	else if (has_ports)
		add(t, "%s:%u > %s:%u", src, f->src_port, dst, f->dst_port);
	else
		add(t, "%s > %s", src, dst);
}

static void
add_tcp(struct text *t, const struct facts *f)
{
	static const char *const names[] = { "FIN", "SYN", "RST", "PSH",
		                             "ACK", "URG", "ECE", "CWR" };
	const char *before = " [";

	for (unsigned int i = 0; i < 8; i++)
		if ((f->tcp_flags & (1u << i)) != 0) {
			add(t, "%s%s", before, names[i]);
			before = " ";
		}
	add(t, "%s seq %" PRIu32, f->tcp_flags != 0 ? "]" : " [no flags]", f->tcp_seq);
	if ((f->tcp_flags & TCP_ACK) != 0)
		add(t, " ack %" PRIu32, f->tcp_ack);
}

static void
add_ip(struct text *t, const struct facts *f)
{
	const char *name = protocol(f);

	if (name != NULL)
		add(t, "%s ", name);
	else
		add(t, "IP protocol %u ", f->proto);
	add_ends(t, f);
	if ((f->flags & FACT_FRAGMENT) != 0)
		add(t, (f->flags & FACT_FRAG_REST) != 0 ? ", later fragment"
		                                        : ", first fragment");
	if (f->fault != PACKET_SOUND || (f->flags & FACT_FRAG_REST) != 0)
		return;
	if (f->proto == PROTO_TCP)
		add_tcp(t, f);
	else if (f->proto == PROTO_ICMP || f->proto == PROTO_ICMPV6)
		add(t, " type %u code %u", f->icmp_type, f->icmp_code);
}

void
words_summary(const struct evidence_note *n, char text[WORDS_SUMMARY])
{
	static const char *const faults[PACKET_FAULTS] = {
		[PACKET_TRUNCATED] = "ends too early",
		[PACKET_BAD_VERSION] = "wrong IP version",
		[PACKET_BAD_IP_HEADER] = "broken IP header",
		[PACKET_BAD_LENGTH] = "wrong length",
		[PACKET_BAD_IP_CHECKSUM] = "wrong IP checksum",
		[PACKET_BAD_TCP_HEADER] = "broken TCP header",
		[PACKET_BAD_FRAGMENT] = "broken fragment",
		[PACKET_TOO_DEEP] = "headers too deep",
	};
	const struct facts *f = &n->facts;
	struct text t = { text, WORDS_SUMMARY };

	if ((f->flags & FACT_IP) != 0)
		add_ip(&t, f);
	else
		add(&t, "ethertype 0x%04x", f->ethertype);
	add(&t, ", %u bytes", n->frame_len);
	if ((f->flags & FACT_VLAN) != 0)
		add(&t, ", VLAN %u", f->vlan);
	if ((f->flags & FACT_QINQ) != 0)
		add(&t, " and %u", f->inner_vlan);
	if (f->fault < PACKET_FAULTS && faults[f->fault] != NULL)
		add(&t, ", %s", faults[f->fault]);
}

static void
add_name(struct text *t, const char *key, const char *name)
{
	const char *quote = strpbrk(name, " \t") != NULL ? "\"" : "";

	if (name[0] != '\0')
		add(t, " %s=%s%s%s", key, quote, name, quote);
}

void
words_comment(const struct evidence_note *n, const struct evidence_story *story,
              char text[WORDS_COMMENT])
{
	struct text t = { text, WORDS_COMMENT };

	add(&t, "verdict=%s", evidence_verdict_name(n->verdict, story->class));
	add_name(&t, "reason", story->reason);
	add_name(&t, "service", story->service);
	add_name(&t, "policy", story->policy);
	add_name(&t, "mode", story->mode != NULL ? story->mode : "");
	if (story->attack == 0)
		return;
	add_name(&t, "attack", story->attack_id);
	add(&t, " measured=%" PRIu64 " threshold=%" PRIu64 " unit=%s", story->measured,
	    story->threshold, story->unit != NULL ? story->unit : "");
}
