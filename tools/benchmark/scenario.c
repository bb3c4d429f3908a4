/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet/checksum.h"
#include "packet/facts.h"
#include "prime.h"

#define MILLION UINT32_C(1000000)

#define ACKS(n, size)                                                                    \
	{                                                                                \
		n, FRAME_TCP, TCP_ACK, size, PICK_FLOW                                   \
	}
#define SYNS(n)                                                                          \
	{                                                                                \
		n, FRAME_TCP, TCP_SYN, 64, PICK_RANDOM                                   \
	}
/* As long as its options make it. */
#define SYNS_OF(n, layout)                                                               \
	{                                                                                \
		n, FRAME_TCP, TCP_SYN, 64, PICK_RANDOM, layout                           \
	}
#define ANSWERS(n)                                                                       \
	{                                                                                \
		n, FRAME_UDP, 0, 64, PICK_REFLECTOR                                      \
	}
#define ANSWER_IPV6 84 /* bytes with FCS: as much payload as 64 have under IPv4 */
#define UDP(n, pick)                                                                     \
	{                                                                                \
		n, FRAME_UDP, 0, 64, pick                                                \
	}

const struct scenario scenarios[] = {
	{ .name = "forward_bare",
	  .help = "UDP through the whole pipeline, no service claims it",
	  .part = { UDP(1, PICK_RANDOM) },
	  .is_bare = true,
	  .forwarded = 1 },
	{ .name = "forward_1k",
	  .help = "established TCP, 1,000 flows",
	  .part = { ACKS(1, 64) },
	  .flows = 1000,
	  .forwarded = 1 },
	{ .name = "forward_1m",
	  .help = "established TCP, 1,000,000 flows",
	  .part = { ACKS(1, 64) },
	  .flows = MILLION,
	  .forwarded = 1 },
	{ .name = "forward_10m",
	  .help = "established TCP, 10,000,000 flows",
	  .part = { ACKS(1, 64) },
	  .flows = 10 * MILLION,
	  .entries = "20M",
	  .forwarded = 1 },
	{ .name = "forward_100m",
	  .help = "established TCP, 100,000,000 flows: minutes, and 20 GiB of memory",
	  .part = { ACKS(1, 64) },
	  .flows = 100 * MILLION,
	  .entries = "200M",
	  .tcp_syn = "100kpps",
	  .forwarded = 1 },
	{ .name = "denylist_1m",
	  .help = "UDP from 1,000,000 denied hosts",
	  .part = { UDP(1, PICK_LISTED) },
	  .listed = { MILLION, MILLION } },
	{ .name = "denylist_5m",
	  .help = "UDP from 4,000,000 denied prefixes of IPv4, or 1,000,000 of IPv6 in "
	          "the same list",
	  .part = { UDP(1, PICK_LISTED) },
	  .listed = { 4 * MILLION, MILLION },
	  .is_mixed = true },
	{ .name = "reflection_drop",
	  .help = "answers of 8,192 reflectors of eight kinds, which nobody asked for",
	  .part = { ANSWERS(1) },
	  .dropped = "reflection.unasked" },
	{ .name = "udp_flood_random_sources",
	  .help = "UDP of forged sources above its limit",
	  .part = { UDP(1, PICK_RANDOM) } },
	{ .name = "udp_challenge",
	  .help = "the same, each one the first of a stranger who has to repeat it",
	  .part = { UDP(1, PICK_RANDOM) },
	  .has_cookies = true,
	  .dropped = "udpauth.first_packet" },
	{ .name = "fragment_flood",
	  .help = "first and later fragments of forged sources, none of which belong "
	          "together",
	  .part = { { 1, FRAME_FIRST, 0, 594, PICK_RANDOM },
	            { 1, FRAME_REST, 0, 594, PICK_RANDOM } } },
	{ .name = "icmp_flood",
	  .help = "pings of forged sources above icmp_flood's limit",
	  .part = { { 1, FRAME_ICMP, 0, 102, PICK_RANDOM } } },
	{ .name = "dns_tc",
	  .help = "DNS questions of forged sources, each told to come by TCP",
	  .part = { { 1, FRAME_UDP, 0, 80, PICK_RANDOM, LAYOUT_NONE, 53, PAYLOAD_DNS } },
	  .stages = "  dnsauth = { answers = \"1Mpps\"; };\n",
	  .replied = 1 },
	{ .name = "quic_flood",
	  .help = "QUIC Initials of 1,200 bytes from forged sources above udp_flood's "
	          "limit",
	  .part = { { 1, FRAME_UDP, 0, 1266, PICK_RANDOM, LAYOUT_NONE, 443,
	              PAYLOAD_QUIC } } },
	{ .name = "syn_flood_random_sources",
	  .help = "SYNs of forged sources above their limit",
	  .part = { SYNS(1) } },
	{ .name = "ack_flood",
	  .help = "ACKs of no known flow above tcp_other_flood's limit",
	  .part = { { 1, FRAME_TCP, TCP_ACK, 64, PICK_RANDOM } },
	  .tcp_other = "10kpps" },
	{ .name = "syn_cookie",
	  .help = "SYNs of forged sources, each answered with a cookie",
	  .part = { SYNS(1) },
	  .has_cookies = true,
	  .replied = 1 },
	{ .name = "syn_cookie_options",
	  .help = "the same with the options of Linux, Windows and macOS: 74, 66, 78 "
	          "bytes",
	  .part = { SYNS_OF(1, LAYOUT_LINUX), SYNS_OF(1, LAYOUT_WINDOWS),
	            SYNS_OF(1, LAYOUT_MACOS) },
	  .has_cookies = true,
	  .replied = 1 },
	{ .name = "ack_flood_cookie_check",
	  .help = "ACKs of no known flow while SYNs are challenged: each might hold a "
	          "cookie",
	  .part = { { 1, FRAME_TCP, TCP_ACK, 64, PICK_RANDOM } },
	  .opening = OPENING_CHALLENGED,
	  .has_cookies = true,
	  .dropped = "tcpauth.stray_ack",
	  .tcp_syn = "1kpps",
	  .tcp_other = "10kpps" },
	{ .name = "forward_spliced_1m",
	  .help = "established TCP, 1,000,000 flows that a cookie opened: translated",
	  .part = { ACKS(1, 64) },
	  .flows = MILLION,
	  .opening = OPENING_SPLICED,
	  .has_cookies = true,
	  .tcp_syn = "1kpps",
	  .forwarded = 1 },
	{ .name = "mixed_40_30_30",
	  .help = "40 % reflection, 30 % SYN flood, 30 % of 1,000,000 established flows",
	  .part = { ANSWERS(4), SYNS(3), ACKS(3, 64) },
	  .flows = MILLION,
	  .forwarded = 0.3 },
	{ .name = "imix",
	  .help = "established TCP, 1,000 flows, frames of 64, 594 and 1,518 bytes 7:4:1",
	  .part = { ACKS(7, 64), ACKS(4, 594), ACKS(1, 1518) },
	  .flows = 1000,
	  .forwarded = 1 },
	{ .name = "jumbo",
	  .help = "established TCP, 1,000 flows, frames of 9,018 bytes",
	  .part = { ACKS(1, 9018) },
	  .flows = 1000,
	  .verified_bits = "900Gbit/s",
	  .forwarded = 1 },
	{ .name = "pcap_forward",
	  .help = "established TCP, 1,000 flows, from a pcap device",
	  .part = { ACKS(1, 64) },
	  .flows = 1000,
	  .forwarded = 1,
	  .is_pcap = true },
	{ .name = "pcap_imix",
	  .help = "imix from a pcap device",
	  .part = { ACKS(7, 64), ACKS(4, 594), ACKS(1, 1518) },
	  .flows = 1000,
	  .forwarded = 1,
	  .is_pcap = true },
	{ .name = NULL },
};

const struct scenario *
scenario_by_name(const char *name)
{
	for (const struct scenario *s = scenarios; s->name != NULL; s++)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

/* --- what is sent --- */

static void
make_part(const struct scenario_part *from, bool is_ipv6, struct traffic_part *p)
{
	struct frame_spec spec = { .kind = from->kind,
		                   .is_ipv6 = is_ipv6,
		                   .tcp_flags = from->tcp_flags,
		                   .layout = (uint8_t)from->layout,
		                   .len = from->len,
		                   .payload = (uint8_t)from->payload,
		                   .dst_port =
		                           from->port != 0 ? from->port : TRAFFIC_PORT,
		                   .seq = PRIME_CLIENT_ISN + 1,
		                   .ack = PRIME_SERVER_ISN + 1 };
	uint8_t *ip = p->frame.head + FRAME_ETHERNET;

	if (from->tcp_flags == TCP_SYN)
		spec.ack = 0;
	/* An answer says something; under IPv6 64 bytes have no room for it. */
	if (from->pick == PICK_REFLECTOR && is_ipv6)
		spec.len = ANSWER_IPV6;
	p->len = frame_write(&p->frame, &spec);
	p->bytes =
		frame_headers(&spec) > 64 || (p->len > 64 && from->pick == PICK_REFLECTOR)
			? FRAME_HEAD
			: 64;
	p->pick = (uint8_t)from->pick;
	p->has_any_port = from->kind == FRAME_UDP && from->port == 0;
	p->has_id = from->kind == FRAME_FIRST || from->kind == FRAME_REST;
	if (from->kind != FRAME_REST && from->kind != FRAME_ICMP)
		p->ports = (uint8_t)frame_ip_len(from->kind, is_ipv6);
	if (is_ipv6)
		return;
	memset(ip + 10, 0, 2);
	memset(ip + 12, 0, 4);
	p->sum = (uint16_t)~checksum_fold(checksum_add(0, ip, 20));
}

void
scenario_traffic(const struct scenario *s, bool is_ipv6, struct traffic *t)
{
	memset(t, 0, sizeof(*t));
	t->is_ipv6 = is_ipv6;
	t->population = s->flows > 0 ? s->flows : s->listed[is_ipv6];
	for (uint8_t i = 0; s->part[i].share > 0; i++) {
		make_part(&s->part[i], is_ipv6, &t->part[i]);
		for (unsigned int k = 0; k < s->part[i].share; k++)
			t->slot[t->slots++] = i;
	}
}

/* --- what it meets --- */

/*
 * A policy that mitigates, with every stage and every vector, and the limits of
 * a source as they are by default: what a shop would run. The tables have twice
 * the room that the flows need.
 */
static char *
write_config(const struct scenario *s)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return NULL;
	fputs("version = 1;\n", f);
	fprintf(f, "dataplane = { flow_entries = \"%s\"; source_entries = \"2M\"; };\n",
	        s->entries != NULL ? s->entries : "2M");
	if (s->is_bare) {
		fclose(f);
		return text;
	}
	fputs("policies = ( { name = \"shop\"; mode = \"mitigate\"; vectors = (\n", f);
	fprintf(f, "  { vector = \"tcp_syn_flood\"; activate_rate = \"%s\"; },\n",
	        s->tcp_syn != NULL ? s->tcp_syn : "10kpps");
	fprintf(f, "  { vector = \"tcp_other_flood\"; activate_rate = \"%s\"; },\n",
	        s->tcp_other != NULL ? s->tcp_other : "900Mpps");
	fputs("  { vector = \"udp_flood\"; activate_rate = \"10kpps\"; },\n"
	      "  { vector = \"icmp_flood\"; activate_rate = \"1kpps\"; },\n"
	      "  { vector = \"fragment_flood\"; activate_rate = \"1kpps\"; },\n"
	      "  { vector = \"other_flood\"; activate_rate = \"1kpps\"; } );\n",
	      f);
	/*
	 * Networks are those of a forger, and so many that each cell for their answers is
	 * that of several thousands.
	 */
	if (s->has_cookies)
		fputs("  tcpauth = { method = \"proxy\"; answers = \"1Mpps\"; "
		      "learning_time = \"0s\"; };\n",
		      f);
	else
		fputs("  tcpauth = { method = \"off\"; out_of_state = \"pass\"; };\n"
		      "  udpauth = { method = \"off\"; };\n",
		      f);
	if (s->stages != NULL)
		fputs(s->stages, f);
	if (s->verified_bits != NULL)
		fprintf(f, "  sources = { verified_bits = \"%s\"; };\n",
		        s->verified_bits);
	fputs("  reflection = { learning_time = \"0s\"; };\n"
	      "} );\nservices = ( { name = \"shop\"; policy = \"shop\";\n"
	      "  prefixes = [ \"203.0.113.10/32\", \"2001:db8:a::10/128\" ]; } );\n",
	      f);
	if (s->listed[0] > 0)
		fputs("lists = ( { name = \"bad\"; action = \"deny\";\n"
		      "  prefixes = [ \"192.0.2.0/24\" ]; } );\n",
		      f);
	fclose(f);
	return text;
}

/*
 * Of one family from `at` on. Of mixed ones every fourth is the network around the host: /24,
 * or of IPv6, where each source has a /64, /56.
 */
static void
fill_family(const struct scenario *s, bool is_ipv6, struct conf_prefix *at)
{
	for (uint32_t i = 0; i < s->listed[is_ipv6]; i++) {
		struct conf_prefix *p = &at[i];
		const unsigned int host_bytes = is_ipv6 ? 9 : 1;

		frame_source(is_ipv6, i, p->address);
		p->len = 128; /* IPv4 is counted as mapped */
		if (!s->is_mixed || i % 4 != 0)
			continue;
		memset(p->address + 16 - host_bytes, 0, host_bytes);
		p->len = (uint8_t)(128 - 8 * host_bytes);
	}
}

/* The prefixes go into the list as it was read: a million of them would be slow as text. */
static bool
fill_list(struct settings *settings, const struct scenario *s, bool is_ipv6)
{
	struct settings_list *list = settings->lists.element;
	const size_t n =
		s->is_mixed ? (size_t)s->listed[0] + s->listed[1] : s->listed[is_ipv6];
	struct conf_prefix *prefix = calloc(n, sizeof(*prefix));

	if (prefix == NULL)
		return false;
	if (s->is_mixed || !is_ipv6)
		fill_family(s, false, prefix);
	if (s->is_mixed || is_ipv6)
		fill_family(s, true, prefix + (s->is_mixed ? s->listed[0] : 0));
	free(list->prefixes.prefix);
	list->prefixes = (struct conf_prefixes){ n, prefix };
	return true;
}

struct settings *
scenario_settings(const struct scenario *s, bool is_ipv6)
{
	struct conf_errors errors = { 0 };
	struct settings *settings = NULL;
	char *text = write_config(s);
	int rc = -1;

	if (text != NULL)
		rc = settings_read_text(text, strlen(text), s->name, &settings, &errors);
	free(text);
	if (rc == 0 && s->listed[0] > 0 && !fill_list(settings, s, is_ipv6)) {
		settings_free(settings);
		settings = NULL;
	}
	conf_errors_print(&errors, stderr);
	conf_errors_free(&errors);
	if (rc == 0 && settings == NULL)
		fputs("benchmark: there is no memory for the list\n", stderr);
	return rc == 0 ? settings : NULL;
}
