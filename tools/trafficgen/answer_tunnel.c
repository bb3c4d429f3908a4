/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Answers of what opens tunnels and calls: STUN (RFC 8489), L2TP (RFC 2661), IKE (RFC
 * 7296), OpenVPN, DTLS (RFC 6347) and QUIC (RFC 8999, 9000).
 */
#include "answer.h"

#include <stdbool.h>

void
answer_stun(struct payload *b)
{
	const unsigned int len = b->hop->src.family == 4 ? 8 : 20;

	payload_16(b, 0x0101);
	payload_16(b, 2 * (4 + len) + 4 + 16);
	payload_32(b, 0x2112a442);
	payload_random(b, 12);
	for (unsigned int i = 0; i < 2; i++) {
		payload_16(b, i == 0 ? 0x0020 : 0x802b); /* mapped, XORed; who answers */
		payload_16(b, len);
		payload_16(b, b->hop->src.family == 4 ? 1 : 2);
		payload_random(b, len - 2);
	}
	payload_16(b, 0x8022);
	payload_16(b, 16);
	payload_text(b, "Coturn-4.5.1.1 d");
}

static void
put_avp(struct payload *b, unsigned int type, const void *value, size_t len)
{
	payload_16(b, 0x8000 | (unsigned int)(6 + len));
	payload_16(b, 0);
	payload_16(b, type);
	payload_bytes(b, value, len);
}

void
answer_l2tp(struct payload *b)
{
	/* A server that says who it is: of those that are misused, 500 bytes and more. */
	char text[300];

	for (unsigned int i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + payload_pick(b, 0, 25));
	payload_16(b, 0xc802);
	payload_16(b, 0);
	payload_16(b, (unsigned int)payload_pick(b, 1, 65535));
	payload_16(b, 0);
	payload_16(b, 0);
	payload_16(b, 1);
	put_avp(b, 0, "\0\2", 2);
	put_avp(b, 2, "\1\0", 2);
	put_avp(b, 3, "\0\0\0\3", 4);
	put_avp(b, 4, "\0\0\0\0", 4);
	put_avp(b, 6, "\6\220", 2);
	put_avp(b, 7, text, 200);
	put_avp(b, 8, text, sizeof(text));
	put_avp(b, 9, "\14\7", 2);
	put_avp(b, 10, "\0\4", 2);
	payload_set16(b, 2, (unsigned int)b->len);
}

static size_t
open_part(struct payload *b, unsigned int next)
{
	payload_8(b, next);
	payload_8(b, 0);
	payload_16(b, 0);
	return b->len;
}

static void
close_part(struct payload *b, size_t at)
{
	payload_set16(b, at - 2, (unsigned int)(b->len - at + 4));
}

void
answer_ike(struct payload *b)
{
	size_t part;

	payload_random(b, 16); /* both sides' identifiers */
	payload_32(b,
	           0x21202220); /* an association first; version 2, opening, an answer */
	payload_32(b, 0);
	payload_32(b, 0);
	part = open_part(b, 34);
	/* One proposal: AES-CBC 256, HMAC-SHA2-256 twice, group 14. */
	payload_bytes(b, "\0\0\0\60\1\1\0\4\3\0\0\14\1\0\0\14\200\16\1\0", 20);
	payload_bytes(b, "\3\0\0\10\2\0\0\5\3\0\0\10\3\0\0\14\0\0\0\10\4\0\0\16", 24);
	payload_set16(b, part + 2, 44);
	close_part(b, part);
	part = open_part(b, 40);
	payload_16(b, 14);
	payload_16(b, 0);
	payload_random(b, 256);
	close_part(b, part);
	part = open_part(b, 0);
	payload_random(b, 32);
	close_part(b, part);
	payload_set16(b, 26, (unsigned int)b->len);
}

void
answer_openvpn(struct payload *b)
{
	payload_8(b, 0x40); /* a server's hard reset, version 2 */
	payload_random(b, 8);
	payload_8(b, 1);
	payload_32(b, 0);
	payload_random(b, 8);
	payload_32(b, 0);
}

static void
put_record(struct payload *b, unsigned int number, unsigned int len)
{
	payload_8(b, 22);
	payload_16(b, 0xfefd);
	payload_16(b, 0);
	payload_repeat(b, 0, 5);
	payload_8(b, number);
	payload_16(b, len);
}

static void
put_handshake(struct payload *b, unsigned int type, unsigned int number, unsigned int len)
{
	payload_8(b, type);
	payload_8(b, 0);
	payload_16(b, len);
	payload_16(b, number);
	payload_8(b, 0);
	payload_16(b, 0);
	payload_8(b, 0);
	payload_16(b, len);
}

void
answer_dtls(struct payload *b)
{
	/* A server's hello and key exchange, without the cookie that would prevent this. */
	put_record(b, 0, 12 + 38);
	put_handshake(b, 2, 0, 38);
	payload_16(b, 0xfefd);
	payload_random(b, 32);
	payload_8(b, 0);
	payload_16(b, 0xc030);
	payload_8(b, 0);
	put_record(b, 1, 12 + 1100);
	put_handshake(b, 12, 1, 1100);
	payload_bytes(b, "\3\0\27\101", 4); /* a named curve's point of 65 bytes */
	payload_random(b, 65);
	payload_16(b, 0x0401);
	payload_16(b, 1100 - 73);
	payload_random(b, 1100 - 73);
}

void
answer_quic_version(struct payload *b)
{
	payload_8(b, 0x80 | (unsigned int)payload_pick(b, 0, 127));
	payload_32(b, 0);
	for (unsigned int i = 0; i < 2; i++) {
		payload_8(b, 8);
		payload_random(b, 8);
	}
	payload_32(b, 1);
	payload_32(b, 0x6b3343cf);
	payload_32(b, 0xff00001d);
}

void
answer_quic(struct payload *b)
{
	/* A server's first flight, up to three times what it was asked with. */
	const bool is_initial = payload_pick(b, 0, 2) == 0;

	payload_8(b, (is_initial ? 0xc0u : 0xe0u) | (unsigned int)payload_pick(b, 0, 15));
	payload_32(b, 1);
	for (unsigned int i = 0; i < 2; i++) {
		payload_8(b, 8);
		payload_random(b, 8);
	}
	if (is_initial)
		payload_8(b, 0);
	payload_16(b, 0x4000 | (unsigned int)(1200 - b->len - 2));
	payload_random(b, 1200 - b->len);
}
