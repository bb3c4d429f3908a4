/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Attacks that servers are made to send: their answers to what somebody asked in the
 * victim's name. Each comes from the service's port of several hundred real hosts that lie
 * anywhere; the victim's port is what the forger chose.
 */
#include "answer.h"
#include "vector.h"

#define HOSTS "sources=spread:400,"

#define ROW(id, port, writer, text)                                                      \
	{                                                                                \
		.name = "reflect_" id, .help = text, .kind = KIND_UDP,                   \
		.keys = HOSTS "sport=" port ",dport=1024-65535", .write = writer         \
	}

/* Ports that SYNs are sent to so that SYN-ACKs come back. */
static void
from_service(struct hop *h, struct prng *p)
{
	static const uint16_t ports[] = { 80, 443, 22, 179, 25, 8080 };

	h->dport = ports[prng_range(p, 0, 5)];
}

/* Where censors look for the names of forbidden sites. */
static void
from_web(struct hop *h, struct prng *p)
{
	h->dport = prng_range(p, 0, 3) == 0 ? 8080 : 80;
}

const struct vector vectors_reflected[] = {
	ROW("qotd", "17", answer_qotd, "quotes of the day"),
	ROW("chargen", "19", answer_chargen, "generated characters"),
	ROW("dns_any", "53", answer_dns_any,
	    "DNS answers to ANY of 3 to 4 KB, in fragments"),
	ROW("dns_dnssec", "53", answer_dns_dnssec,
	    "DNS keys and signatures, in fragments"),
	ROW("dns_txt", "53", answer_dns_txt, "DNS texts of about 1 KB"),
	ROW("tftp", "69", answer_tftp, "TFTP's first blocks"),
	ROW("portmap", "111", answer_portmap, "lists of RPC programs"),
	ROW("ntp_monlist", "123", answer_ntp_monlist,
	    "NTP mode 7: six hosts in 440 bytes"),
	ROW("ntp_readvar", "123", answer_ntp_readvar,
	    "NTP mode 6: the server's variables"),
	ROW("netbios", "137", answer_netbios, "NetBIOS name tables"),
	ROW("snmp", "161", answer_snmp, "SNMP answers to bulk requests"),
	ROW("xdmcp", "177", answer_xdmcp, "X displays that are willing"),
	ROW("cldap", "389", answer_cldap, "CLDAP root entries of 3 KB, in fragments"),
	ROW("slp", "427", answer_slp, "SLP service lists"),
	ROW("ike", "500", answer_ike, "IKE answers to openings"),
	ROW("rip", "520", answer_rip, "RIPv1 tables of 504 bytes"),
	ROW("ripng", "521", answer_ripng, "RIPng tables of 504 bytes"),
	ROW("kad", "751", answer_kad, "Kademlia contacts"),
	ROW("openvpn", "1194", answer_openvpn, "OpenVPN resets"),
	ROW("mssql", "1434", answer_mssql, "SQL Server instances"),
	ROW("l2tp", "1701", answer_l2tp, "L2TP answers of 500 bytes and more"),
	ROW("ssdp", "1900", answer_ssdp, "UPnP devices: HTTP over UDP"),
	ROW("digiman", "2362", answer_digiman, "Digi device discovery"),
	ROW("ard", "3283", answer_ard, "Apple Remote Desktop, 1,006 bytes"),
	ROW("rdp", "3389", answer_rdp, "RDP over UDP, 1,232 bytes"),
	ROW("rdgateway", "3391", answer_dtls, "RD Gateway's DTLS handshakes"),
	ROW("stun", "3478", answer_stun, "STUN bindings"),
	ROW("wsd", "3702", answer_wsd, "WS-Discovery matches in XML"),
	ROW("sentinel", "5093", answer_sentinel, "licence lists"),
	ROW("natpmp", "5351", answer_natpmp, "NAT-PMP external addresses"),
	ROW("mdns", "5353", answer_mdns, "mDNS services"),
	ROW("coap", "5683", answer_coap, "CoAP resource lists"),
	ROW("bittorrent", "6881", answer_bittorrent, "BitTorrent nodes"),
	ROW("ubiquiti", "10001", answer_ubiquiti, "Ubiquiti discovery"),
	ROW("tp240", "10074", answer_tp240, "Mitel TP-240's endless test"),
	ROW("memcached", "11211", answer_memcached, "memcached values, 1,400 bytes each"),
	ROW("vxworks", "17185", answer_vxworks, "VxWorks debug agents"),
	ROW("quake", "26000", answer_quake, "Quake III status"),
	ROW("steam", "27015", answer_steam, "Source server information"),
	ROW("lantronix", "30718", answer_lantronix, "Lantronix setup records"),
	ROW("plex", "32414", answer_plex, "Plex media servers"),
	ROW("jenkins", "33848", answer_jenkins, "Jenkins servers"),
	ROW("sadp", "37020", answer_sadp, "cameras: SADP matches in XML"),
	ROW("dvr", "37810", answer_dvr, "video recorders: DHCPDiscover JSON"),
	ROW("crestron", "41794", answer_crestron, "Crestron controllers"),
	ROW("bacnet", "47808", answer_bacnet, "BACnet I-Am"),
	ROW("dtls", "443", answer_dtls, "DTLS handshakes of Citrix gateways"),
	ROW("quic", "443", answer_quic, "QUIC servers' first flights"),
	ROW("quic_version", "443", answer_quic_version, "QUIC version negotiation"),
	{ .name = "reflect_synack",
	  .help = "SYN-ACKs of servers that somebody asked in the victim's name",
	  .kind = KIND_TCP_OTHER,
	  .keys = "flags=syn+ack,sources=spread:2000",
	  .dress = from_service },
	{ .name = "reflect_middlebox",
	  .help = "blocked pages and resets of middleboxes, from web ports",
	  .kind = KIND_TCP_OTHER,
	  .keys = "flags=psh+ack/psh+ack/psh+ack/rst+ack,sources=spread:400",
	  .dress = from_web,
	  .write = answer_blocked_page },
	{ .name = NULL },
};
