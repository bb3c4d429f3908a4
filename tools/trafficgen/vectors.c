/* SPDX-License-Identifier: BSD-3-Clause */
#include "vector.h"

#include <string.h>

#include "ask.h"

#define NETS .dst4 = "203.0.113.0/24", .dst6 = "2001:db8:a::/56"

static void
land(struct hop *h, struct prng *p)
{
	(void)p;
	h->src = h->dst;
	h->sport = h->dport;
}

/* A source that no router outside may pass on (RFC 6890). */
static void
bogon(struct hop *h, struct prng *p)
{
	static const uint8_t first4[] = { 0, 10, 127, 224, 240, 255 };
	static const uint8_t first6[] = { 0x00, 0xfc, 0xfe, 0xff };

	if (h->src.family == 4) {
		h->src.bytes[0] = first4[prng_range(p, 0, 5)];
		return;
	}
	h->src.bytes[0] = first6[prng_range(p, 0, 3)];
	if (h->src.bytes[0] == 0xfe)
		h->src.bytes[1] = 0x80;
	if (h->src.bytes[0] == 0)
		memset(h->src.bytes, 0, 15);
}

static void
port_zero(struct hop *h, struct prng *p)
{
	if (prng_range(p, 0, 1) == 0)
		h->dport = 0;
	else
		h->sport = 0;
}

#define ROW(id, of, preset, writer, text)                                                \
	{                                                                                \
		.name = id, .help = text, .kind = KIND_##of, .keys = preset,             \
		.write = writer                                                          \
	}

const struct vector vectors_direct[] = {
	/* Network: catalogue rows 1 to 6. */
	{ .name = "land",
	  .help = "TCP SYN from the victim to itself",
	  .kind = KIND_TCP_OTHER,
	  .keys = "flags=syn",
	  .dress = land },
	{ .name = "bogon_sources",
	  .help = "UDP from sources that nobody has",
	  .kind = KIND_UDP,
	  .keys = "sport=61000-65535,dport=61000-65535",
	  .dress = bogon },
	{ .name = "port_zero",
	  .help = "UDP from or to port 0",
	  .kind = KIND_UDP,
	  .keys = "sport=61000-65535,dport=61000-65535",
	  .dress = port_zero },
	ROW("bad_checksum", UDP, "quirk=badsum,sport=61000-65535,dport=61000-65535", NULL,
	    "UDP with wrong checksums"),
	ROW("fragment_pairs", FRAGMENT, "sport=61000-65535,dport=61000-65535", NULL,
	    "large UDP datagrams: first and rest"),
	ROW("fragment_rests", FRAGMENT, "fragments=rests", NULL,
	    "fragments whose first never comes"),
	ROW("fragment_tiny", FRAGMENT, "fragments=tiny,sport=61000-65535,dport=443", NULL,
	    "TCP headers cut into pieces of eight bytes"),
	ROW("fragment_overlap", FRAGMENT,
	    "fragments=overlap,sport=61000-65535,dport=61000-65535", NULL,
	    "rests that lie over what came before"),
	ROW("fragment_endless", FRAGMENT,
	    "fragments=endless,sport=61000-65535,dport=61000-65535", NULL,
	    "datagrams that never end"),
	ROW("icmp_echo", ICMP, "type=8", NULL, "pings"),
	ROW("icmp_echo_reply", ICMP, "type=0", NULL, "answers to pings that nobody sent"),
	ROW("icmp_large", ICMP, "type=8,size=1400", NULL, "pings of 1,400 bytes"),
	ROW("blacknurse", ICMP, "type=3,code=3", NULL,
	    "port unreachable (3/3; IPv6 1/4) about nothing"),
	ROW("icmp_frag_needed", ICMP, "type=3,code=4", NULL,
	    "forged path-MTU errors (3/4; IPv6 type 2)"),
	ROW("icmp_time_exceeded", ICMP, "type=11", NULL,
	    "forged errors of traceroute (11/0; IPv6 3/0)"),
	{ .name = "icmp_timestamp",
	  .help = "timestamp requests",
	  .kind = KIND_ICMP,
	  .keys = "type=13,size=12",
	  .only = 4 },
	{ .name = "icmp6_neighbour",
	  .help = "neighbour solicitations from afar",
	  .kind = KIND_ICMP,
	  .keys = "type=135,size=16",
	  .only = 6 },
	ROW("gre_ip", OTHER, "proto=47", ask_gre_ip,
	    "GRE with UDP in IPv4 within, as botnets send"),
	ROW("gre_ethernet", OTHER, "proto=47", ask_gre_ethernet,
	    "GRE with Ethernet frames within"),
	ROW("esp_flood", OTHER, "proto=50", ask_esp, "IPsec payloads of no association"),
	ROW("ah_flood", OTHER, "proto=51", ask_ah,
	    "IPsec authentication headers before UDP"),
	ROW("ipip_flood", OTHER, "proto=4", ask_ipip, "IPv4 within IP"),
	ROW("6in4_flood", OTHER, "proto=41", ask_6in4, "IPv6 within IP"),
	ROW("sctp_init", OTHER, "proto=132", ask_sctp, "SCTP openings"),
	ROW("odd_protocols", OTHER, "proto=61/63/99/114/143/200/253/254", NULL,
	    "IP protocols that nobody serves"),
	{ .name = "carpet_udp",
	  .help = "UDP over a whole /24 (IPv6 /56)",
	  .kind = KIND_UDP,
	  .keys = "sport=61000-65535,dport=61000-65535",
	  NETS },
	{ .name = "carpet_syn",
	  .help = "SYNs over a whole /24 (IPv6 /56)",
	  .kind = KIND_SYN,
	  .keys = "stack=mixed",
	  NETS },
	ROW("pulse_udp", UDP, "pulse=1s/2s,sport=61000-65535,dport=61000-65535", NULL,
	    "UDP for a second, then two seconds of rest"),
	ROW("pulse_syn", SYN, "pulse=1s/2s,stack=mixed", NULL,
	    "SYNs for a second, then two seconds of rest"),
	/* UDP: rows 8 and 10 to 15; row 9 is the table of reflections. */
	{ .name = "udp_random_ports",
	  .help = "random bytes to random ports",
	  .kind = KIND_UDP,
	  .is_broken = true },
	{ .name = "udp_served_port",
	  .help = "random bytes to one port that is served",
	  .kind = KIND_UDP,
	  .keys = "dport=7777,sport=61000-65535",
	  .is_broken = true },
	{ .name = "udp_large",
	  .help = "1,400 random bytes to random ports",
	  .kind = KIND_UDP,
	  .keys = "size=1400",
	  .is_broken = true },
	ROW("dns_queries", UDP, "dport=53", ask_dns,
	    "valid DNS questions of forged sources"),
	ROW("dns_any_queries", UDP, "dport=53", ask_dns_any,
	    "questions for ANY, to make the server reflect"),
	ROW("dns_torture", UDP, "dport=53,sources=spread:300", ask_dns_torture,
	    "random names of one zone through real resolvers"),
	{ .name = "dns_malformed",
	  .help = "what no DNS server can read",
	  .kind = KIND_UDP,
	  .keys = "dport=53",
	  .write = ask_dns_malformed,
	  .is_broken = true },
	ROW("dns_wrong_way", UDP, "dport=53", ask_dns_answer,
	    "DNS answers to the port of questions"),
	ROW("ntp_monlist", UDP, "dport=123", ask_ntp_monlist, "NTP mode 7 requests"),
	ROW("ntp_clients", UDP, "dport=123", ask_ntp_client,
	    "NTP questions of forged clients"),
	ROW("quic_initial", UDP, "dport=443", ask_quic_initial,
	    "QUIC Initials of 1,200 bytes"),
	ROW("quic_undersized", UDP, "dport=443", ask_quic_undersized,
	    "QUIC Initials shorter than allowed"),
	ROW("quic_version", UDP, "dport=443", ask_quic_version,
	    "QUIC Initials of unknown versions"),
	ROW("quic_short", UDP, "dport=443", ask_quic_short,
	    "QUIC short headers of no connection"),
	ROW("sip_invite", UDP, "dport=5060", ask_sip_invite, "calls"),
	ROW("sip_options", UDP, "dport=5060", ask_sip_options, "SIP probes"),
	ROW("sip_register", UDP, "dport=5060", ask_sip_register, "SIP registrations"),
	ROW("game_a2s", UDP, "dport=27015", ask_a2s_info, "Source server queries"),
	ROW("game_teeworlds", UDP, "dport=8303", ask_teeworlds,
	    "Teeworlds server queries"),
	ROW("game_quake", UDP, "dport=27960", ask_quake_status,
	    "Quake III status queries"),
	ROW("game_bedrock", UDP, "dport=19132", ask_bedrock_ping,
	    "Minecraft (RakNet) pings"),
	ROW("game_samp", UDP, "dport=7777", ask_samp, "San Andreas multiplayer queries"),
	/* TCP: rows 16 and 18 to 22. */
	ROW("syn_flood", SYN, "stack=mixed", NULL,
	    "SYNs with the options of real systems"),
	ROW("syn_payload", SYN, "stack=mixed,size=400-1000", NULL,
	    "SYNs that carry data"),
	ROW("ack_flood", TCP_OTHER, "flags=ack", NULL, "ACKs of no connection"),
	ROW("psh_ack_flood", TCP_OTHER, "flags=psh+ack", NULL, "data of no connection"),
	ROW("rst_flood", TCP_OTHER, "flags=rst", NULL, "resets of no connection"),
	ROW("fin_flood", TCP_OTHER, "flags=fin+ack", NULL, "farewells of no connection"),
	ROW("bad_flags", TCP_OTHER, "flags=none/fin+psh+urg/syn+fin/syn+rst/fin/urg",
	    NULL, "TCP flags that contradict each other"),
	{ .name = NULL },
};

const struct vector *
vector_at(size_t i)
{
	size_t direct = 0, reflected = 0;

	while (vectors_direct[direct].name != NULL)
		direct++;
	if (i < direct)
		return &vectors_direct[i];
	while (vectors_reflected[reflected].name != NULL)
		reflected++;
	return i - direct < reflected ? &vectors_reflected[i - direct] : NULL;
}

const struct vector *
vector_find(const char *name)
{
	const struct vector *v;

	for (size_t i = 0; (v = vector_at(i)) != NULL; i++) {
		if (strcmp(v->name, name) == 0)
			return v;
	}
	return NULL;
}
