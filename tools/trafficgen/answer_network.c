/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Answers of what runs networks: time (RFC 5905 and ntpd's modes 6 and 7), the portmapper
 * (RFC 1833), routing (RFC 1058, 2080), management (RFC 3416), directories (RFC 4511, 2608)
 * and boot files (RFC 1350).
 */
#include "answer.h"

#include "frame.h"

/* What one datagram of monlist holds: six hosts of 72 bytes. */
enum { MONLIST_HOSTS = 6, MONLIST_HOST = 72 };

void
answer_ntp_monlist(struct payload *b)
{
	payload_8(b, 0xd7); /* response, more follow, version 2, mode 7 */
	payload_8(b, (unsigned int)payload_pick(b, 0, 99));
	payload_8(b, 3);  /* the implementation is ntpd */
	payload_8(b, 42); /* the request was MON_GETLIST_1 */
	payload_16(b, MONLIST_HOSTS);
	payload_16(b, MONLIST_HOST);
	for (unsigned int i = 0; i < MONLIST_HOSTS; i++) {
		payload_32(b, (uint32_t)payload_pick(b, 0, 100));
		payload_32(b, (uint32_t)payload_pick(b, 0, 86400));
		payload_32(b, 0);
		payload_32(b, (uint32_t)payload_pick(b, 1, 5000));
		payload_random(b, 8);
		payload_32(b, 0);
		payload_16(b, (unsigned int)payload_pick(b, 1024, 65535));
		payload_8(b, 3);
		payload_8(b, 4);
		payload_repeat(b, 0, MONLIST_HOST - 32);
	}
}

void
answer_ntp_readvar(struct payload *b)
{
	size_t at;

	payload_8(b, 0x16); /* version 2, mode 6 */
	payload_8(b, 0x82); /* a response to "read variables" */
	payload_16(b, 1);
	payload_16(b, 0x0615);
	payload_32(b, 0); /* association and offset */
	at = b->len;
	payload_16(b, 0);
	payload_print(b,
	              "version=\"ntpd 4.2.6p5@1.2349-o\", processor=\"x86_64\", "
	              "system=\"Linux/3.10.0\", leap=0, stratum=3, precision=-23, "
	              "rootdelay=%u.%03u, rootdisp=31.427, refid=10.0.0.1, "
	              "reftime=0xd1b2c3d4.%08x, clock=0xd1b2c3e0.%08x, peer=%u, tc=10, "
	              "mintc=3, offset=0.214, frequency=-17.003, sys_jitter=0.392, "
	              "clk_jitter=0.271, clk_wander=0.020\r\n",
	              (unsigned int)payload_pick(b, 1, 90),
	              (unsigned int)payload_pick(b, 0, 999), (uint32_t)prng_next(b->prng),
	              (uint32_t)prng_next(b->prng),
	              (unsigned int)payload_pick(b, 1, 65535));
	payload_set16(b, at, (unsigned int)(b->len - at - 2));
	/* Data is padded to whole words. */
	payload_repeat(b, 0, (4 - b->len % 4) % 4);
}

void
answer_portmap(struct payload *b)
{
	static const uint32_t programs[] = { 100000, 100003, 100005, 100021, 100024 };
	const unsigned int count = (unsigned int)payload_pick(b, 12, 28);

	payload_32(b, (uint32_t)prng_next(b->prng));
	payload_32(b, 1); /* reply, accepted, no credentials, success */
	for (unsigned int i = 0; i < 4; i++)
		payload_32(b, 0);
	for (unsigned int i = 0; i < count; i++) {
		const unsigned int program = i / 6 % 5;

		payload_32(b, 1);
		payload_32(b, programs[program]);
		payload_32(b, 2 + i / 2 % 3);
		payload_32(b, i % 2 == 0 ? PROTO_TCP : PROTO_UDP);
		payload_32(b,
		           program == 0 ? 111 : (uint32_t)payload_pick(b, 2049, 60000));
	}
	payload_32(b, 0);
}

void
answer_rip(struct payload *b)
{
	/* A whole table: 25 routes, 504 bytes. */
	payload_32(b, 0x02010000);
	for (unsigned int i = 0; i < 25; i++) {
		payload_32(b, 0x00020000);
		payload_8(b, 192);
		payload_8(b, 168);
		payload_8(b, (unsigned int)payload_pick(b, 0, 255));
		payload_8(b, 0);
		payload_64(b, 0);
		payload_32(b, (uint32_t)payload_pick(b, 1, 15));
	}
}

void
answer_ripng(struct payload *b)
{
	payload_32(b, 0x02010000);
	for (unsigned int i = 0; i < 25; i++) {
		payload_32(b, 0x20010db8);
		payload_random(b, 4);
		payload_64(b, 0);
		payload_16(b, 0);
		payload_8(b, 64);
		payload_8(b, (unsigned int)payload_pick(b, 1, 15));
	}
}

/* A length of BER in the long form of two bytes, to be filled in when it is known. */
static size_t
open_long(struct payload *b, unsigned int tag)
{
	payload_8(b, tag);
	payload_8(b, 0x82);
	payload_16(b, 0);
	return b->len;
}

static void
close_long(struct payload *b, size_t at)
{
	payload_set16(b, at - 2, (unsigned int)(b->len - at));
}

static void
put_octets(struct payload *b, const char *text, size_t len)
{
	payload_8(b, 0x04);
	if (len < 128) {
		payload_8(b, (unsigned int)len);
	} else {
		payload_8(b, 0x82);
		payload_16(b, (unsigned int)len);
	}
	payload_bytes(b, text, len);
}

void
answer_snmp(struct payload *b)
{
	/* The system's description, then rows of ifDescr, as a bulk request asks for. */
	static const char text[] =
		"Hardware: Intel64 Family 6 Model 60 AT/AT COMPATIBLE - "
		"Software: Version 6.3 (Build 9600 Multiprocessor)";
	const unsigned int rows = (unsigned int)payload_pick(b, 6, 12);
	size_t message, pdu, list;

	message = open_long(b, 0x30);
	payload_bytes(b, "\2\1\1\4\6public", 11);
	pdu = open_long(b, 0xa2);
	payload_bytes(b, "\2\4", 2);
	payload_32(b, (uint32_t)payload_pick(b, 1, 0x7fffffff));
	payload_bytes(b, "\2\1\0\2\1\0", 6);
	list = open_long(b, 0x30);
	for (unsigned int i = 0; i < rows; i++) {
		const size_t row = open_long(b, 0x30);

		if (i == 0)
			payload_bytes(b, "\6\10\53\6\1\2\1\1\1\0", 10);
		else {
			payload_bytes(b, "\6\12\53\6\1\2\1\2\2\1\2", 11);
			payload_8(b, i);
		}
		put_octets(b, text, sizeof(text) - 1);
		close_long(b, row);
	}
	close_long(b, list);
	close_long(b, pdu);
	close_long(b, message);
}

/* One attribute of a directory's root, with as many values as the row says. */
static void
put_attribute(struct payload *b, const char *name, size_t name_len, unsigned int values)
{
	char value[48] = "1.2.840.113556.1.4.";
	const size_t attribute = open_long(b, 0x30);
	size_t set;

	put_octets(b, name, name_len);
	set = open_long(b, 0x31);
	for (unsigned int i = 0; i < values; i++) {
		const unsigned int n = (unsigned int)payload_pick(b, 1000, 2999);

		for (unsigned int at = 0, place = 1000; place > 0; at++, place /= 10)
			value[19 + at] = (char)('0' + n / place % 10);
		put_octets(b, value, 23);
	}
	close_long(b, set);
	close_long(b, attribute);
}

void
answer_cldap(struct payload *b)
{
	/* What a domain controller says about itself: some 3,000 bytes in two fragments. */
	size_t message, entry, list;

	message = open_long(b, 0x30);
	payload_bytes(b, "\2\1\7", 3);
	entry = open_long(b, 0x64);
	put_octets(b, "", 0);
	list = open_long(b, 0x30);
	put_attribute(b, "supportedCapabilities", 21, 6);
	put_attribute(b, "supportedControl", 16, (unsigned int)payload_pick(b, 36, 42));
	put_attribute(b, "supportedLDAPPolicies", 21, 20);
	put_attribute(b, "supportedExtension", 18, 10);
	put_attribute(b, "namingContexts", 14, 5);
	put_attribute(b, "supportedSASLMechanisms", 23, 20);
	close_long(b, list);
	close_long(b, entry);
	close_long(b, message);
	payload_bytes(b, "\60\14\2\1\7\145\7\12\1\0\4\0\4\0", 14);
}

void
answer_slp(struct payload *b)
{
	static const char url[] = "service:VMwareInfrastructure://esx-07.lan.example";
	const unsigned int urls = (unsigned int)payload_pick(b, 8, 24);

	payload_8(b, 2); /* version 2, a service reply */
	payload_8(b, 2);
	payload_8(b, 0);
	payload_16(b, 0); /* the length is patched in below */
	payload_16(b, 0);
	payload_8(b, 0);
	payload_16(b, 0);
	payload_16(b, (unsigned int)payload_pick(b, 1, 65535));
	payload_16(b, 2);
	payload_text(b, "en");
	payload_16(b, 0);
	payload_16(b, urls);
	for (unsigned int i = 0; i < urls; i++) {
		payload_8(b, 0);
		payload_16(b, 65535);
		payload_16(b, sizeof(url) - 1);
		payload_text(b, url);
		payload_8(b, 0);
	}
	payload_set16(b, 3, (unsigned int)b->len);
}

void
answer_tftp(struct payload *b)
{
	payload_16(b, 3); /* the first block of a file */
	payload_16(b, 1);
	payload_random(b, 512);
}
