/* SPDX-License-Identifier: BSD-3-Clause */
#include "message.h"

#include <stdio.h>
#include <string.h>

#include "frame.h"
#include "prng.h"

#define HEAD_MAX   640
#define HTTP_HEAD  87 /* length of an HTTP answer's head */
#define RECORD_MAX 16384
#define RECORD_HDR 5

static uint32_t
add(uint8_t *head, uint32_t at, const void *bytes, size_t len)
{
	memcpy(head + at, bytes, len);
	return at + (uint32_t)len;
}

static uint32_t
add_random(uint8_t *head, uint32_t at, size_t len, struct prng *p)
{
	prng_fill(p, head + at, len);
	return at + (uint32_t)len;
}

/*
 * A TLS 1.3 ClientHello (RFC 8446, 4.1.2) as browsers send it: with the server's name,
 * one X25519 share, and padding (RFC 7685) to 517 bytes.
 */
static uint32_t
client_hello(uint8_t *head, struct prng *p)
{
	static const uint8_t start[] = { 22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3 };
	static const uint8_t suites[] = { 0,    8, 0x13, 1,    0x13, 2,
		                          0x13, 3, 0xc0, 0x2f, 1,    0 };
	static const char name[] = "\0\0\0\x11\0\x0f\0\0\x0cshop.example";
	static const uint8_t groups[] = { 0, 10, 0, 6, 0, 4, 0, 29, 0, 23 };
	static const uint8_t schemes[] = { 0, 13, 0, 8, 0, 6, 4, 3, 8, 4, 4, 1 };
	static const uint8_t versions[] = { 0, 43, 0, 5, 4, 3, 4, 3, 3 };
	static const uint8_t share[] = { 0, 51, 0, 38, 0, 36, 0, 29, 0, 32 };
	static const uint8_t padding[] = { 0, 21 };
	uint32_t at = add(head, 0, start, sizeof(start)), extensions;

	at = add_random(head, at, 32, p);
	head[at++] = 32;
	at = add_random(head, at, 32, p);
	at = add(head, at, suites, sizeof(suites));
	extensions = at;
	at = add(head, at + 2, name, sizeof(name) - 1);
	at = add(head, at, groups, sizeof(groups));
	at = add(head, at, schemes, sizeof(schemes));
	at = add(head, at, versions, sizeof(versions));
	at = add(head, at, share, sizeof(share));
	at = add_random(head, at, 32, p);
	at = add(head, at, padding, sizeof(padding));
	put16(head + at, (uint16_t)(MESSAGE_HELLO_LEN - at - 2));
	memset(head + at + 2, 0, MESSAGE_HELLO_LEN - at - 2);
	put16(head + extensions, (uint16_t)(MESSAGE_HELLO_LEN - extensions - 2));
	return MESSAGE_HELLO_LEN;
}

static uint32_t
server_hello(uint8_t *head, struct prng *p)
{
	static const uint8_t start[] = { 22, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3 };
	static const uint8_t choice[] = { 0x13, 1, 0, 0, 46, 0, 43, 0, 2, 3, 4 };
	static const uint8_t share[] = { 0, 51, 0, 36, 0, 29, 0, 32 };
	static const uint8_t change[] = { 20, 3, 3, 0, 1, 1 };
	uint32_t at = add(head, 0, start, sizeof(start));

	at = add_random(head, at, 32, p);
	head[at++] = 32;
	at = add_random(head, at, 32, p);
	at = add(head, at, choice, sizeof(choice));
	at = add(head, at, share, sizeof(share));
	at = add_random(head, at, 32, p);
	return add(head, at, change, sizeof(change));
}

/* What stands before the filler; returns its length. */
static uint32_t
make_head(const struct message *m, uint8_t *head)
{
	struct prng p = prng_make(m->tag, 0);

	switch (m->shape) {
	case MESSAGE_HTTP_ASK:
		return (uint32_t)snprintf(
			(char *)head, HEAD_MAX,
			"GET /item/%u HTTP/1.1\r\nHost: shop.example\r\n"
			"User-Agent: Mozilla/5.0\r\nAccept: */*\r\nCookie: s=",
			m->tag);
	case MESSAGE_HTTP_ANSWER:
		/* Leading zeros keep the head as long for every body. */
		return (uint32_t)snprintf(
			(char *)head, HEAD_MAX,
			"HTTP/1.1 200 OK\r\nServer: shop\r\nContent-Type: "
			"text/plain\r\nContent-Length: %010u\r\n\r\n",
			m->len - HTTP_HEAD);
	case MESSAGE_CLIENT_HELLO:
		return client_hello(head, &p);
	case MESSAGE_SERVER_HELLO:
		return server_hello(head, &p);
	case MESSAGE_RECORDS:
	default:
		return 0;
	}
}

/* One byte of a row of TLS application-data records that hold total bytes altogether. */
static uint8_t
record_byte(uint32_t at, uint32_t total)
{
	const uint32_t in = at % (RECORD_MAX + RECORD_HDR), start = at - in;
	const uint32_t left = total - start;
	const uint32_t body =
		(left < RECORD_MAX + RECORD_HDR ? left : RECORD_MAX + RECORD_HDR) -
		RECORD_HDR;

	switch (in) {
	case 0:
		return 23;
	case 1:
	case 2:
		return 3;
	case 3:
		return (uint8_t)(body >> 8);
	case 4:
		return (uint8_t)body;
	default:
		return (uint8_t)(at * 2654435761u >> 24);
	}
}

static uint8_t
text_byte(const struct message *m, uint32_t at)
{
	static const char end[] = "\r\n\r\n";

	if (m->shape == MESSAGE_HTTP_ASK && at + 4 >= m->len)
		return (uint8_t)end[at + 4 - m->len];
	return (uint8_t)('a' + at % 26);
}

void
message_fill(const struct message *m, uint32_t offset, uint8_t *to, uint32_t len)
{
	const bool is_text =
		m->shape == MESSAGE_HTTP_ASK || m->shape == MESSAGE_HTTP_ANSWER;
	uint8_t head[HEAD_MAX];
	const uint32_t head_len = make_head(m, head);

	for (uint32_t i = 0; i < len; i++) {
		const uint32_t at = offset + i;

		if (at < head_len)
			to[i] = head[at];
		else if (is_text)
			to[i] = text_byte(m, at);
		else
			to[i] = record_byte(at - head_len, m->len - head_len);
	}
}
