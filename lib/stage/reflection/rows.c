/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sources: the RFCs of the protocols; CISA's alert TA14-017A for most of the ports and
 * how much each returns; captures for the rest.
 */
#include "stage/reflection/rows.h"

#include <stddef.h>
#include <string.h>

/* What every answer and every question may be, in short. */
#define ONE(at, value)                                                                   \
	{                                                                                \
		{                                                                        \
			at, 0xff, value                                                  \
		}                                                                        \
	}
#define TWO(at, first, second)                                                           \
	{                                                                                \
		{ at, 0xff, first },                                                     \
		{                                                                        \
			at + 1, 0xff, second                                             \
		}                                                                        \
	}
#define TEXT(a, b, c, d)                                                                 \
	{                                                                                \
		{ 0, 0xff, a }, { 1, 0xff, b }, { 2, 0xff, c },                          \
		{                                                                        \
			3, 0xff, d                                                       \
		}                                                                        \
	}
#define BIT_SET(at, bit)                                                                 \
	{                                                                                \
		{                                                                        \
			at, bit, bit                                                     \
		}                                                                        \
	}
#define BIT_CLEAR(at, bit)                                                               \
	{                                                                                \
		{                                                                        \
			at, bit, 0                                                       \
		}                                                                        \
	}

#define ROW(called, text, ...)                                                           \
	{                                                                                \
		.name = called, .help = text, __VA_ARGS__                                \
	}

/* One question, one answer that may come twice; or as many as a list may need. */
#define ONCE(most)          .packets = 2, .bytes = most
#define OFTEN(number, most) .packets = number, .bytes = most

const struct row rows[] = {
	ROW("echo", "Echo (RFC 862) returns what it was sent, as long as it is.",
	    .port = 7, .usual = 64, ONCE(2048)),
	ROW("daytime", "Daytime (RFC 867) answers any datagram with a line of text.",
	    .port = 13, .usual = 64, ONCE(512)),
	ROW("qotd",
	    "Quote of the day (RFC 865) answers any datagram with a text, 140 "
	    "times "
	    "as long.",
	    .port = 17, .usual = 64, ONCE(2048)),
	ROW("chargen",
	    "Character generator (RFC 864) answers any datagram with up to 512 "
	    "characters, 359 times as long.",
	    .port = 19, .usual = 64, ONCE(2048)),
	ROW("time", "Time (RFC 868) answers any datagram with four bytes.", .port = 37,
	    .usual = 8, ONCE(256)),
	ROW("dns",
	    "DNS (RFC 1035) answers up to 54 times as long as it was asked, from "
	    "open "
	    "resolvers and authoritative servers.",
	    .port = 53, .least = 12, .usual = 1232, ONCE(10000),
	    .answer = BIT_SET(2, 0x80), .question = { BIT_CLEAR(2, 0x80) }),
	ROW("tftp",
	    "TFTP (RFC 1350) sends the first block of a file, and sends it again "
	    "until it is acknowledged.",
	    .port = 69, .least = 4, .usual = 516, OFTEN(6, 4096), .answer = ONE(0, 0),
	    .question = { TWO(0, 0, 1), TWO(0, 0, 2) }),
	ROW("portmap",
	    "Portmapper and rpcbind (RFC 1833) list their programs, up to 28 times "
	    "as "
	    "long as they were asked.",
	    .port = 111, .least = 16, .usual = 64, ONCE(4096), .answer = ONE(7, 1),
	    .question = { ONE(7, 0) }),
	ROW("ntp_monlist",
	    "NTP private messages (mode 7) list the last 600 clients, 557 times as "
	    "long as they were asked.",
	    .port = 123, .least = 8, .usual = 8, OFTEN(100, 60000),
	    .answer = { { 0, 0x87, 0x87 } }, .question = { { { 0, 0x87, 0x07 } } }),
	ROW("ntp", "NTP servers (RFC 5905, mode 4) answer as long as they were asked.",
	    .port = 123, .least = 48, .usual = 128, ONCE(512),
	    .answer = { { 0, 0x07, 4 } },
	    .question = { { { 0, 0x07, 3 } }, { { 0, 0x07, 1 } } }),
	ROW("ntp_peer",
	    "NTP peers (mode 2) answer who claims to be one as long as they were "
	    "asked.",
	    .port = 123, .least = 48, .usual = 128, ONCE(512),
	    .answer = { { 0, 0x07, 2 } }),
	ROW("ntp_broadcast", "NTP broadcast (mode 5) has no business in the Internet.",
	    .port = 123, .least = 48, .usual = 48, ONCE(512),
	    .answer = { { 0, 0x07, 5 } }),
	ROW("ntp_control", "NTP control messages (mode 6) list variables and peers.",
	    .port = 123, .least = 12, .usual = 48, OFTEN(8, 8192),
	    .answer = { { 0, 0x07, 6 }, { 1, 0x80, 0x80 } },
	    .question = { { { 0, 0x07, 6 }, { 1, 0x80, 0 } } }),
	ROW("netbios_ns",
	    "NetBIOS name service (RFC 1002) tells names, 4 times as long as it "
	    "was "
	    "asked.",
	    .port = 137, .least = 12, .usual = 64, ONCE(2048), .answer = BIT_SET(2, 0x80),
	    .question = { BIT_CLEAR(2, 0x80) }),
	ROW("netbios_dgm",
	    "NetBIOS datagrams (RFC 1002) have no business in the Internet.", .port = 138,
	    .usual = 64, ONCE(2048)),
	ROW("snmp",
	    "SNMP (RFC 3416) answers GetBulk with tables, 6 times as long and "
	    "more.",
	    .port = 161, .least = 10, .usual = 484, OFTEN(4, 65535), .is_ber = true,
	    .plain = { { 0, 0xff, 0x30 },
	               { 1, 0xff, 0x82 },
	               { 4, 0xff, 2 },
	               { 5, 0xff, 1 },
	               { 7, 0xff, 4 },
	               { 8, 0xff, 6 },
	               { 15, 0xff, 0xa2 } },
	    .answer = { { 0, 0xff, 0xa2 } },
	    .question = { ONE(0, 0xa0), ONE(0, 0xa1), ONE(0, 0xa5), ONE(0, 0xa3) }),
	ROW("snmp_v3",
	    "SNMP version 3 (RFC 3414) tells who it is before anybody has proven "
	    "to be "
	    "somebody.",
	    .port = 161, .least = 10, .usual = 484, OFTEN(4, 65535), .is_ber = true,
	    .answer = { { 0, 0xff, 0x30 } }),
	ROW("snmp_trap", "Answers of SNMP trap receivers (RFC 3416).", .port = 162,
	    .least = 10, .usual = 484, ONCE(4096), .is_ber = true,
	    .answer = { { 0, 0xff, 0xa2 } },
	    .question = { ONE(0, 0xa7), ONE(0, 0xa4), ONE(0, 0xa6), ONE(0, 0x30) }),
	ROW("xdmcp",
	    "X display managers tell that they are willing to log anybody in, 5 "
	    "times "
	    "as long as they were asked.",
	    .port = 177, .least = 6, .usual = 128, ONCE(1024), .answer = TWO(0, 0, 1),
	    .question = { { { 3, 0xff, 2 } },
	                  { { 3, 0xff, 7 } },
	                  { { 3, 0xff, 10 } },
	                  { { 3, 0xff, 13 } } }),
	ROW("cldap",
	    "Connectionless LDAP of Windows domain controllers answers 56 to 70 "
	    "times "
	    "as long as it was asked.",
	    .port = 389, .least = 10, .usual = 256, OFTEN(4, 8192), .is_ber = true,
	    .plain = { { 0, 0xff, 0x30 },
	               { 1, 0xff, 0x84 },
	               { 6, 0xff, 2 },
	               { 7, 0xff, 1 },
	               { 9, 0xfe, 0x64 } },
	    .answer = { { 0, 0xfe, 0x64 } }, .question = { ONE(0, 0x63) }),
	ROW("slp",
	    "Service location (RFC 2608) lists what was registered with it by "
	    "anybody, "
	    "up to 2,200 times as long as it was asked.",
	    .port = 427, .least = 12, .usual = 128, ONCE(4096), .answer = ONE(0, 2),
	    .question = { ONE(1, 1), ONE(1, 6), ONE(1, 9), ONE(1, 3) }),
	ROW("dtls",
	    "DTLS servers (Citrix ADC of old) send their whole handshake to "
	    "whoever "
	    "says hello, 37 times as long.",
	    .port = 443, .least = 14, .usual = 256, .answer = TWO(0, 0x16, 0xfe),
	    .question = { ONE(13, 1) }),
	ROW("quic",
	    "QUIC servers (RFC 9000) answer up to three times as long until the "
	    "client "
	    "has shown its address.",
	    .port = 443, .least = 21, .usual = 1400, .answer = BIT_SET(0, 0x80)),
	ROW("isakmp", "IKE version 2 (RFC 7296) responders.", .port = 500, .least = 28,
	    .usual = 600, .answer = { { 17, 0xf0, 0x20 }, { 19, 0x20, 0x20 } },
	    .question = { { { 17, 0xf0, 0x20 }, { 19, 0x20, 0 } } }),
	ROW("isakmp_v1",
	    "IKE version 1 (RFC 2409) responders, which repeat their answer when "
	    "nobody reacts.",
	    .port = 500, .least = 28, .usual = 600, .answer = { { 17, 0xf0, 0x10 } },
	    .question = { { { 8, 0xff, 0 },
	                    { 9, 0xff, 0 },
	                    { 10, 0xff, 0 },
	                    { 11, 0xff, 0 } } }),
	ROW("rip",
	    "RIP version 1 (RFC 1058) tells its routing table, 131 times as long "
	    "as it "
	    "was asked.",
	    .port = 520, .least = 4, .usual = 64, OFTEN(20, 16384), .answer = ONE(0, 2),
	    .question = { ONE(0, 1) }),
	ROW("ipmi", "Boards' management controllers (IPMI 2.0 and ASF presence pongs).",
	    .port = 623, .least = 12, .usual = 64, ONCE(1024), .answer = ONE(0, 6),
	    .question = { { { 3, 0x1f, 6 }, { 8, 0xff, 0x80 } },
	                  { { 3, 0x1f, 7 }, { 14, 0xff, 0x20 } } }),
	ROW("kad", "Kad on port 751 answers 16 times as long as it was asked.",
	    .port = 751, .usual = 64, OFTEN(4, 8192)),
	ROW("openvpn",
	    "OpenVPN servers answer a client's hello and repeat it until somebody "
	    "reacts.",
	    .port = 1194, .least = 14, .usual = 128, .answer = { { 0, 0xf8, 0x40 } },
	    .question = { { { 0, 0xf8, 0x38 } }, { { 0, 0xf8, 0x50 } } }),
	ROW("mssql",
	    "The SQL Server browser lists instances, 25 times as long as it was "
	    "asked "
	    "and more.",
	    .port = 1434, .least = 4, .usual = 128, ONCE(4096), .answer = ONE(0, 5),
	    .question = { { { 0, 0xfe, 2 } }, ONE(0, 4) }),
	ROW("l2tp",
	    "L2TP (RFC 2661) control messages of 500 bytes and more; clients use "
	    "its "
	    "port too, with smaller ones.",
	    .port = 1701, .least = 492, .usual = 492,
	    .answer = { { 0, 0x80, 0x80 }, { 1, 0x0f, 2 } }),
	ROW("ssdp",
	    "SSDP devices (UPnP) describe themselves, 31 times as long as they "
	    "were "
	    "asked and often from any port.",
	    .port = 1900, .least = 16, .usual = 256, OFTEN(32, 32768),
	    .is_anywhere = true, .answer = TEXT('H', 'T', 'T', 'P')),
	ROW("addp", "Digi's device discovery tells names and addresses.", .port = 2362,
	    .least = 8, .usual = 128, ONCE(1024), .answer = TEXT('D', 'I', 'G', 'I'),
	    .question = { TWO(4, 0, 1), TWO(4, 0, 3), TWO(4, 0, 5), TWO(4, 0, 7) }),
	ROW("ard",
	    "Apple Remote Desktop tells about the computer, 36 times as long as it "
	    "was "
	    "asked.",
	    .port = 3283, .least = 200, .usual = 200, ONCE(4096), .answer = TWO(0, 0, 1)),
	ROW("rdp",
	    "Remote desktop over UDP answers a SYN with more than it was, and "
	    "again "
	    "until somebody reacts.",
	    .port = 3389, .least = 16, .usual = 128, .answer = { { 7, 0x05, 0x05 } },
	    .question = { { { 7, 0x05, 0x01 } } }),
	ROW("rd_gateway",
	    "Remote desktop gateways send their DTLS handshake to whoever says "
	    "hello.",
	    .port = 3391, .least = 14, .usual = 256, .answer = TWO(0, 0x16, 0xfe),
	    .question = { ONE(13, 1) }),
	ROW("stun",
	    "STUN servers (RFC 8489) answer about twice as long as they were "
	    "asked.",
	    .port = 3478, .least = 20, .usual = 200,
	    .answer = { { 0, 0xff, 1 },
	                { 4, 0xff, 0x21 },
	                { 5, 0xff, 0x12 },
	                { 6, 0xff, 0xa4 } }),
	ROW("ws_discovery",
	    "Cameras and printers (WS-Discovery) describe themselves in XML, 10 to "
	    "500 "
	    "times as long as they were asked.",
	    .port = 3702, .least = 64, .usual = 64, OFTEN(8, 65535),
	    .answer = ONE(0, '<')),
	ROW("sip", "SIP servers (RFC 3261) answer and repeat until somebody reacts.",
	    .port = 5060, .last_port = 5061, .least = 16, .usual = 800,
	    .answer = TEXT('S', 'I', 'P', '/')),
	ROW("sentinel",
	    "Sentinel licence servers list licences, some 200 times as long as "
	    "they "
	    "were asked.",
	    .port = 5093, .least = 512, .usual = 512, OFTEN(4, 8192)),
	ROW("nat_pmp",
	    "NAT-PMP and PCP (RFC 6886, 6887) of home routers that answer the "
	    "Internet.",
	    .port = 5351, .least = 8, .usual = 64, ONCE(1024),
	    .answer = { { 0, 0xfc, 0 }, { 1, 0x80, 0x80 } },
	    .question = { BIT_CLEAR(1, 0x80) }),
	ROW("mdns",
	    "Multicast DNS (RFC 6762) that answers the Internet, 2 to 10 times as "
	    "long "
	    "as it was asked.",
	    .port = 5353, .least = 12, .usual = 128, OFTEN(4, 10000),
	    .answer = BIT_SET(2, 0x80), .question = { BIT_CLEAR(2, 0x80) }),
	ROW("pcanywhere", "pcAnywhere tells its name and state.", .port = 5632,
	    .least = 6, .usual = 64, ONCE(512), .answer = TWO(0, 'N', 'R')),
	ROW("coap",
	    "CoAP devices (RFC 7252) list their resources, 10 to 50 times as long "
	    "as "
	    "they were asked.",
	    .port = 5683, .least = 4, .usual = 128, OFTEN(4, 8192),
	    .answer = { { 0, 0xc0, 0x40 }, { 1, 0xe0, 0x40 } },
	    .question = { { { 1, 0xe0, 0 } } }),
	ROW("bittorrent",
	    "BitTorrent's distributed table (BEP 5) lists peers, 4 times as long "
	    "as it "
	    "was asked.",
	    .port = 6881, .last_port = 6889, .least = 20, .usual = 512,
	    .answer = TEXT('d', '1', ':', 'r')),
	ROW("openafs", "OpenAFS servers (Rx) answer with more than they were asked.",
	    .port = 7000, .last_port = 7009, .least = 28, .usual = 128,
	    .answer = { { 20, 0xf0, 0 },
	                { 21, 0x01, 0 },
	                { 22, 0xf0, 0 },
	                { 23, 0xf0, 0 } }),
	ROW("teamspeak", "TeamSpeak 3 servers answer a client's hello.", .port = 9987,
	    .least = 12, .usual = 256,
	    .answer = { { 0, 0xff, 'T' },
	                { 1, 0xff, 'S' },
	                { 2, 0xff, '3' },
	                { 10, 0xff, 0x88 } }),
	ROW("ubiquiti",
	    "Ubiquiti's device discovery tells names and addresses, 30 to 35 times "
	    "as "
	    "long as it was asked.",
	    .port = 10001, .least = 16, .usual = 64, ONCE(1024),
	    .answer = { { 0, 0xfc, 0 }, { 1, 0xf0, 0 }, { 2, 0xfc, 0 } }),
	ROW("tp240", "Mitel's TP-240 driver counts aloud for hours after one packet.",
	    .port = 10074, .least = 20, .usual = 20, OFTEN(4, 4096)),
	ROW("memcached",
	    "memcached sends values that anybody has stored, 10,000 to 51,000 "
	    "times as "
	    "long as it was asked.",
	    .port = 11211, .least = 13, .usual = 64, OFTEN(1024, 2000000),
	    .answer = { { 4, 0xfc, 0 }, { 6, 0xff, 0 }, { 7, 0xff, 0 } }),
	ROW("wdbrpc", "VxWorks' debug agent answers remote procedure calls.",
	    .port = 17185, .least = 24, .usual = 64, ONCE(2048),
	    .answer = { { 4, 0xff, 0 }, { 5, 0xff, 0 }, { 6, 0xff, 0 }, { 7, 0xff, 1 } }),
	ROW("bedrock", "Minecraft Bedrock servers (RakNet) describe themselves to pings.",
	    .port = 19132, .last_port = 19133, .least = 35, .usual = 64,
	    .answer = { { 0, 0xff, 0x1c },
	                { 17, 0xff, 0 },
	                { 18, 0xff, 0xff },
	                { 19, 0xff, 0xff } }),
	ROW("quake",
	    "Quake and NetQuake servers describe game and players, 64 times as "
	    "long as "
	    "they were asked.",
	    .port = 26000, .least = 5, .usual = 128,
	    .answer = { { 0, 0xff, 0x80 }, { 1, 0xff, 0 }, { 4, 0x80, 0x80 } }),
	ROW("steam",
	    "Game servers of Valve's engine tell players and rules, 6 times as "
	    "long as "
	    "they were asked.",
	    .port = 27000, .last_port = 27050, .least = 6, .usual = 256,
	    .answer = { { 0, 0xff, 0xff },
	                { 1, 0xff, 0xff },
	                { 2, 0xff, 0xff },
	                { 3, 0xff, 0xff } },
	    .question = { ONE(4, 'T'), { { 4, 0xfe, 'V' } }, ONE(4, 'U'), ONE(4, 'q') }),
	ROW("quake3",
	    "Quake 3 and its kin describe game and players, 64 times as long as "
	    "they "
	    "were asked.",
	    .port = 27910, .last_port = 27970, .least = 8, .usual = 256,
	    .answer = { { 0, 0xff, 0xff },
	                { 1, 0xff, 0xff },
	                { 2, 0xff, 0xff },
	                { 3, 0xff, 0xff } },
	    .question = { ONE(4, 'g'), ONE(4, 'c'), TWO(4, 'r', 'c') }),
	ROW("lantronix", "Lantronix serial servers tell their setup.", .port = 30718,
	    .least = 8, .usual = 64, ONCE(1024),
	    .answer = { { 0, 0xff, 0 },
	                { 1, 0xff, 0 },
	                { 2, 0xff, 0 },
	                { 3, 0xf1, 0xf1 } }),
	ROW("plex",
	    "Plex media servers describe themselves, 5 times as long as they were "
	    "asked.",
	    .port = 32410, .last_port = 32414, .least = 16, .usual = 64, OFTEN(4, 4096),
	    .answer = TEXT('H', 'T', 'T', 'P')),
	ROW("jenkins", "Jenkins' discovery of old describes the server in XML.",
	    .port = 33848, .least = 16, .usual = 16, ONCE(2048), .answer = ONE(0, '<')),
	ROW("dvr",
	    "Video recorders (DHCPDiscover, DHIP) describe themselves, some 25 "
	    "times "
	    "as long as they were asked.",
	    .port = 37810, .least = 32, .usual = 32, OFTEN(4, 4096),
	    .answer = { { 0, 0xff, 0x20 },
	                { 1, 0xff, 0 },
	                { 4, 0xff, 'D' },
	                { 5, 0xff, 'H' } }),
	ROW("crestron", "Crestron's room control tells its names.", .port = 41794,
	    .least = 16, .usual = 64, ONCE(1024), .answer = TWO(0, 0x15, 0)),
	ROW("bacnet",
	    "Building automation (BACnet/IP) tells properties, 10 times as long as "
	    "it "
	    "was asked and more.",
	    .port = 47808, .least = 6, .usual = 64, OFTEN(4, 4096),
	    .answer = ONE(0, 0x81),
	    .question = { { { 6, 0xf0, 0 } }, { { 6, 0xf0, 0x10 } } }),
	{ .name = NULL },
};

unsigned int
rows_count(void)
{
	return sizeof(rows) / sizeof(*rows) - 1;
}

_Static_assert(sizeof(rows) / sizeof(*rows) - 1 <= ROWS_MAX, "every row has a bit");

unsigned int
rows_find(const char *name)
{
	for (unsigned int r = 0; r < rows_count(); r++)
		if (strcmp(rows[r].name, name) == 0)
			return r;
	return ROWS_NONE;
}
