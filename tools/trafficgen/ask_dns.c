/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Floods at a server of names: valid questions, such as recursive resolvers pass on, and
 * what no server can read (RFC 1035, 6891).
 */
#include "ask.h"

#include <stdbool.h>

enum { TYPE_A = 1, TYPE_MX = 15, TYPE_TXT = 16, TYPE_AAAA = 28, TYPE_ANY = 255 };

static void
put_header(struct payload *b, unsigned int flags, unsigned int others)
{
	payload_16(b, (unsigned int)payload_pick(b, 0, 65535));
	payload_16(b, flags);
	payload_16(b, 1);
	payload_32(b, 0);
	payload_16(b, others);
}

/* The zone that the server inside is asked about. */
static void
put_zone(struct payload *b, unsigned int type)
{
	static const uint8_t zone[] = "\4shop\7example";

	payload_bytes(b, zone, sizeof(zone));
	payload_16(b, type);
	payload_16(b, 1);
}

static void
put_edns(struct payload *b, unsigned int size, unsigned int flags)
{
	payload_8(b, 0);
	payload_16(b, 41);
	payload_16(b, size);
	payload_32(b, flags);
	payload_16(b, 0);
}

void
ask_dns(struct payload *b)
{
	static const uint8_t types[] = { TYPE_A, TYPE_A, TYPE_AAAA, TYPE_MX, TYPE_TXT };
	static const char *const hosts[] = { "\3www", "\4mail", "\3api", "\3cdn",
		                             "\3ns1" };
	const bool has_edns = payload_pick(b, 0, 3) != 0;

	put_header(b, payload_pick(b, 0, 1) == 0 ? 0x0100 : 0, has_edns);
	payload_text(b, hosts[payload_pick(b, 0, 4)]);
	put_zone(b, types[payload_pick(b, 0, 4)]);
	if (has_edns)
		put_edns(b, 1232, 0);
}

void
ask_dns_any(struct payload *b)
{
	put_header(b, 0x0100, 1);
	put_zone(b, TYPE_ANY);
	put_edns(b, 4096, 0x8000);
}

void
ask_dns_torture(struct payload *b)
{
	/* A label that nobody asked for before, so that no cache has it. */
	const size_t len = (size_t)payload_pick(b, 8, 16);

	put_header(b, 0, 1);
	payload_8(b, (unsigned int)len);
	payload_word(b, len);
	put_zone(b, TYPE_A);
	put_edns(b, 1232, 0x8000);
}

void
ask_dns_malformed(struct payload *b)
{
	/* A name that points at itself, or a label longer than the packet. */
	put_header(b, 0x0100, 0);
	if (payload_pick(b, 0, 1) == 0) {
		payload_16(b, 0xc00c);
		payload_32(b, 0x00010001);
	} else {
		payload_8(b, 63);
		payload_word(b, 5);
	}
}

void
ask_dns_answer(struct payload *b)
{
	/* An answer to nobody's question, sent to the port where questions arrive. */
	put_header(b, 0x8180, 0);
	payload_set16(b, 6, 1);
	payload_bytes(b, "\3www", 4);
	put_zone(b, TYPE_A);
	payload_16(b, 0xc00c);
	payload_32(b, 0x00010001);
	payload_32(b, 300);
	payload_16(b, 4);
	payload_random(b, 4);
}
