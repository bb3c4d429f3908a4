/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Answers of resolvers and of servers of one zone that is known for large ones, of mDNS
 * responders and of NetBIOS name services. Sources: RFC 1035, 4034, 6762, 6891 and 1002.
 */
#include "answer.h"

enum {
	TYPE_A = 1,
	TYPE_NS = 2,
	TYPE_SOA = 6,
	TYPE_PTR = 12,
	TYPE_MX = 15,
	TYPE_TXT = 16,
	TYPE_AAAA = 28,
	TYPE_SRV = 33,
	TYPE_RRSIG = 46,
	TYPE_DNSKEY = 48,
	TYPE_ANY = 255,
};

/* The question's name lies behind the header, so all records point there. */
#define TO_QUESTION 0xc00c

static void
put_header(struct payload *b, unsigned int flags, unsigned int answers,
           unsigned int others)
{
	payload_16(b, (unsigned int)payload_pick(b, 0, 65535));
	payload_16(b, flags);
	payload_16(b, 1);
	payload_16(b, answers);
	payload_16(b, 0);
	payload_16(b, others);
}

static void
put_question(struct payload *b, unsigned int type)
{
	static const uint8_t zone[] = "\7bigzone\7example";

	payload_bytes(b, zone, sizeof(zone));
	payload_16(b, type);
	payload_16(b, 1);
}

static void
put_record(struct payload *b, unsigned int type, unsigned int len)
{
	payload_16(b, TO_QUESTION);
	payload_16(b, type);
	payload_16(b, 1);
	payload_32(b, (uint32_t)payload_pick(b, 60, 86400));
	payload_16(b, len);
}

/* A record of one or more strings of at most 255 bytes. */
static void
put_txt(struct payload *b, unsigned int len)
{
	const unsigned int strings = len / 255 + 1;

	put_record(b, TYPE_TXT, len + strings);
	for (unsigned int left = len, i = 0; i < strings; i++) {
		const unsigned int n = left > 255 ? 255 : left;

		payload_8(b, n);
		payload_word(b, n);
		left -= n;
	}
}

static void
put_signature(struct payload *b, unsigned int covered)
{
	static const uint8_t zone[] = "\7bigzone\7example";

	put_record(b, TYPE_RRSIG, 18 + sizeof(zone) + 256);
	payload_16(b, covered);
	payload_8(b, 8); /* RSA with SHA-256 */
	payload_8(b, 2);
	payload_32(b, 3600);
	payload_32(b, 1702000000);
	payload_32(b, 1699000000);
	payload_16(b, 20326);
	payload_bytes(b, zone, sizeof(zone));
	payload_random(b, 256);
}

static void
put_key(struct payload *b)
{
	put_record(b, TYPE_DNSKEY, 4 + 260);
	payload_16(b, 257);
	payload_8(b, 3);
	payload_8(b, 8);
	payload_32(b, 0x03010001); /* the public exponent 65537 */
	payload_random(b, 256);
}

static void
put_named(struct payload *b, unsigned int type, unsigned int extra)
{
	put_record(b, type, extra + 6);
	if (extra == 2)
		payload_16(b, 10);
	payload_bytes(b, "\3srv", 4);
	payload_16(b, TO_QUESTION);
}

static void
put_edns(struct payload *b, unsigned int flags)
{
	payload_8(b, 0);
	payload_16(b, 41);
	payload_16(b, 4096);
	payload_32(b, flags);
	payload_16(b, 0);
}

void
answer_dns_any(struct payload *b)
{
	/* Addresses, servers, mail, texts, keys and signatures: some 3,000 to 4,000 bytes. */
	const unsigned int texts = (unsigned int)payload_pick(b, 2, 4);

	put_header(b, 0x8180, 16 + texts + 5, 1);
	put_question(b, TYPE_ANY);
	for (unsigned int i = 0; i < 8; i++) {
		put_record(b, i < 4 ? TYPE_A : TYPE_AAAA, i < 4 ? 4 : 16);
		payload_random(b, i < 4 ? 4 : 16);
	}
	for (unsigned int i = 0; i < 6; i++)
		put_named(b, i < 4 ? TYPE_NS : TYPE_MX, i < 4 ? 0 : 2);
	for (unsigned int i = 0; i < 2; i++)
		put_key(b);
	for (unsigned int i = 0; i < texts; i++)
		put_txt(b, (unsigned int)payload_pick(b, 180, 420));
	put_signature(b, TYPE_A);
	put_signature(b, TYPE_NS);
	put_signature(b, TYPE_MX);
	put_signature(b, TYPE_TXT);
	put_signature(b, TYPE_DNSKEY);
	put_edns(b, 0x8000);
}

void
answer_dns_dnssec(struct payload *b)
{
	put_header(b, 0x8580, 5, 1);
	put_question(b, TYPE_DNSKEY);
	for (unsigned int i = 0; i < 3; i++)
		put_key(b);
	put_signature(b, TYPE_DNSKEY);
	put_signature(b, TYPE_DNSKEY);
	put_edns(b, 0x8000);
}

void
answer_dns_txt(struct payload *b)
{
	put_header(b, 0x8180, 4, 0);
	put_question(b, TYPE_TXT);
	for (unsigned int i = 0; i < 4; i++)
		put_txt(b, (unsigned int)payload_pick(b, 200, 255));
}

void
answer_mdns(struct payload *b)
{
	static const uint8_t services[] = "\11_services\7_dns-sd\4_udp\5local";
	static const char *const known[] = { "\5_http\4_tcp", "\11_printer\4_tcp",
		                             "\4_ipp\4_tcp",  "\4_smb\4_tcp",
		                             "\4_ssh\4_tcp",  "\13_afpovertcp\4_tcp" };
	const unsigned int count = (unsigned int)payload_pick(b, 3, 6);

	/* Unicast answers repeat the identifier and the question (RFC 6762, 6.7). */
	put_header(b, 0x8400, count, 0);
	payload_bytes(b, services, sizeof(services));
	payload_16(b, TYPE_PTR);
	payload_16(b, 1);
	for (unsigned int i = 0; i < count; i++) {
		const size_t at = b->len + 10;

		put_record(b, TYPE_PTR, 0);
		payload_text(b, known[i]);
		payload_bytes(b, "\5local", 7);
		payload_set16(b, at, (unsigned int)(b->len - at - 2));
	}
}

/* The name in half-bytes (RFC 1001, 14.1): an asterisk and zeros. */
static void
put_wildcard(struct payload *b)
{
	payload_8(b, 32);
	payload_text(b, "CK");
	payload_repeat(b, 'A', 30);
	payload_8(b, 0);
}

void
answer_netbios(struct payload *b)
{
	static const char names[][16] = { "DESKTOP-7Q2LM9 ", "WORKGROUP      ",
		                          "DESKTOP-7Q2LM9 ", "WORKGROUP      ",
		                          "ADMINISTRATOR  ", "\1\2__MSBROWSE__" };
	const unsigned int count = (unsigned int)payload_pick(b, 3, 6);

	payload_16(b, (unsigned int)payload_pick(b, 0, 65535));
	payload_16(b, 0x8400);
	payload_16(b, 0);
	payload_16(b, 1);
	payload_32(b, 0);
	put_wildcard(b);
	payload_16(b, 33);
	payload_16(b, 1);
	payload_32(b, 0);
	payload_16(b, 1 + count * 18 + 46);
	payload_8(b, count);
	for (unsigned int i = 0; i < count; i++) {
		payload_bytes(b, names[i], 15);
		payload_8(b, i < 2 ? 0 : 0x20);
		payload_16(b, i % 2 == 0 ? 0x0400 : 0x8400);
	}
	payload_random(b, 6); /* the adapter's address, before statistics */
	payload_repeat(b, 0, 40);
}
