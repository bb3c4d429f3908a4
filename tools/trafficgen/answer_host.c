/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Answers of desktops and servers: RFC 864, 865, 6886, the memcached protocol over UDP,
 * MS-SQLR, MS-RDPEUDP, Apple Remote Desktop, XDMCP, Jenkins, licence managers, the VxWorks
 * debugger, and the tables of peer-to-peer nodes (BEP 5, Kademlia of eMule).
 */
#include "answer.h"

void
answer_qotd(struct payload *b)
{
	static const char *const quotes[] = {
		"\"A house divided against itself cannot stand.\"\r\n"
		" Abraham Lincoln (1809-1865)\r\n",
		"\"We have nothing to fear but fear itself.\"\r\n"
		" Franklin D. Roosevelt (1882-1945)\r\n",
		"\"When a stupid man is doing something he is ashamed of, he always "
		"declares\r\n"
		" that it is his duty.\"\r\n George Bernard Shaw (1856-1950)\r\n",
	};

	payload_text(b, quotes[payload_pick(b, 0, 2)]);
}

void
answer_chargen(struct payload *b)
{
	/* Lines of 72 of the 95 printing characters, each one on; up to 512 bytes or more. */
	const unsigned int lines = (unsigned int)payload_pick(b, 5, 14);
	const unsigned int first = (unsigned int)payload_pick(b, 0, 94);

	for (unsigned int line = 0; line < lines; line++) {
		for (unsigned int i = 0; i < 72; i++)
			payload_8(b, ' ' + (first + line + i) % 95);
		payload_text(b, "\r\n");
	}
}

void
answer_memcached(struct payload *b)
{
	/* One of the many datagrams of a large value; the first has the header of text. */
	const unsigned int total = (unsigned int)payload_pick(b, 400, 700);
	const unsigned int number = (unsigned int)payload_pick(b, 0, total - 1);

	payload_16(b, (unsigned int)payload_pick(b, 0, 65535));
	payload_16(b, number);
	payload_16(b, total);
	payload_16(b, 0);
	if (number == 0)
		payload_print(b, "VALUE a 0 %u\r\n", (total - 1) * 1392);
	payload_repeat(b, 'a', 1400 - b->len);
}

void
answer_mssql(struct payload *b)
{
	const unsigned int instances = (unsigned int)payload_pick(b, 1, 6);

	payload_8(b, 0x05);
	payload_16(b, 0);
	for (unsigned int i = 0; i < instances; i++)
		payload_print(
			b,
			"ServerName;DB-%02u;InstanceName;SQLEXPRESS%u;IsClustered;No;"
			"Version;11.0.%u.0;tcp;%u;np;\\\\DB-%02u\\pipe\\MSSQL$%u\\sql"
			"\\query;;",
			i, i, (unsigned int)payload_pick(b, 2100, 7507),
			(unsigned int)payload_pick(b, 1433, 65535), i, i);
	b->bytes[1] = (uint8_t)(b->len - 3);
	b->bytes[2] = (uint8_t)((b->len - 3) >> 8);
}

void
answer_ard(struct payload *b)
{
	/* 1,006 bytes, always: name and addresses of the Mac in a fixed layout. */
	payload_16(b, 1);
	payload_16(b, 1002);
	payload_32(b, 0);
	payload_random(b, 6);
	payload_repeat(b, 0, 20);
	payload_text(b, "mac-mini.local");
	payload_repeat(b, 0, 1006 - b->len);
}

void
answer_rdp(struct payload *b)
{
	/* SYN and ACK of RDP-UDP (MS-RDPEUDP, 2.2.2), padded to the largest datagram. */
	payload_32(b, (uint32_t)prng_next(b->prng));
	payload_16(b, 64);
	payload_16(b, 0x0005);
	payload_32(b, (uint32_t)prng_next(b->prng));
	payload_16(b, 1232);
	payload_16(b, 1232);
	payload_repeat(b, 0, 1232 - b->len);
}

void
answer_xdmcp(struct payload *b)
{
	static const char name[] = "term-04.lan.example";
	static const char status[] = "Linux 3.10.0-1160.el7.x86_64, load 0.42";

	payload_16(b, 1);
	payload_16(b, 5); /* willing to manage */
	payload_16(b, 2 + 2 + sizeof(name) - 1 + 2 + sizeof(status) - 1);
	payload_16(b, 0);
	payload_16(b, sizeof(name) - 1);
	payload_text(b, name);
	payload_16(b, sizeof(status) - 1);
	payload_text(b, status);
}

void
answer_jenkins(struct payload *b)
{
	payload_print(
		b,
		"<hudson><version>2.%u</version><url>http://ci.example:8080/</url>"
		"<server-id>%016llx</server-id><slave-port>%u</slave-port></hudson>",
		(unsigned int)payload_pick(b, 100, 218),
		(unsigned long long)prng_next(b->prng),
		(unsigned int)payload_pick(b, 1024, 65535));
}

void
answer_sentinel(struct payload *b)
{
	/* A licence server lists its products. */
	payload_8(b, 0x7a);
	payload_8(b, 0);
	payload_16(b, (unsigned int)payload_pick(b, 0, 65535));
	payload_repeat(b, 0, 4);
	for (unsigned int i = (unsigned int)payload_pick(b, 10, 20); i > 0; i--) {
		payload_text(b, "CADSUITE_PRO_");
		payload_word(b, 19);
		payload_repeat(b, 0, 32);
	}
}

void
answer_vxworks(struct payload *b)
{
	/* An ONC RPC reply of the debug agent: its version, board and memory. */
	payload_32(b, (uint32_t)prng_next(b->prng));
	payload_32(b, 1);
	for (unsigned int i = 0; i < 4; i++)
		payload_32(b, 0);
	payload_repeat(b, 0, 8);
	payload_bytes(b, "\0\0\0\20VxWorks5.5.1\0\0\0\0", 20);
	payload_bytes(b, "\0\0\0\30Motorola MPC8260 - SBC82", 28);
	payload_random(b, 16);
	payload_repeat(b, 0, 96);
}

void
answer_natpmp(struct payload *b)
{
	payload_8(b, 0);
	payload_8(b, 128);
	payload_16(b, 0);
	payload_32(b, (uint32_t)payload_pick(b, 1000, 10000000));
	payload_random(b, 4);
}

void
answer_bittorrent(struct payload *b)
{
	/* Nodes near an identifier: 26 bytes each, 16 of them (BEP 5). */
	payload_text(b, "d1:rd2:id20:");
	payload_random(b, 20);
	payload_text(b, "5:nodes208:");
	payload_random(b, 208);
	payload_text(b, "5:token8:");
	payload_random(b, 8);
	payload_text(b, "e1:t2:");
	payload_random(b, 2);
	payload_text(b, "1:v4:LT\1\2"
	                "1:y1:re");
}

void
answer_kad(struct payload *b)
{
	/* Kademlia 2's bootstrap answer: 20 contacts of 25 bytes, low bytes first. */
	payload_8(b, 0xe4);
	payload_8(b, 0x09);
	payload_random(b, 16);
	payload_le16(b, 4662);
	payload_8(b, 8);
	payload_le16(b, 20);
	for (unsigned int i = 0; i < 20; i++) {
		payload_random(b, 20);
		payload_le16(b, 4672);
		payload_le16(b, 4662);
		payload_8(b, 8);
	}
}
