/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Floods at game servers: what their browsers ask to list them.
 */
#include "ask.h"

void
ask_a2s_info(struct payload *b)
{
	payload_32(b, 0xffffffff);
	payload_bytes(b, "TSource Engine Query", 21);
}

void
ask_teeworlds(struct payload *b)
{
	/* A packet without a connection (version 0.6) that asks for the server's info. */
	payload_repeat(b, 0xff, 10);
	payload_text(b, "gie3");
	payload_8(b, (unsigned int)payload_pick(b, 0, 255));
}

void
ask_quake_status(struct payload *b)
{
	payload_32(b, 0xffffffff);
	payload_text(b, "getstatus");
	payload_8(b, 0);
}

void
ask_bedrock_ping(struct payload *b)
{
	/* RakNet: a ping without a connection, its magic, the client's number. */
	payload_8(b, 0x01);
	payload_64(b, payload_pick(b, 0, 1000000000));
	payload_bytes(b, "\0\377\377\0\376\376\376\376\375\375\375\375\22\64\126\170",
	              16);
	payload_random(b, 8);
}

void
ask_samp(struct payload *b)
{
	static const char queries[] = { 'i', 'r', 'c', 'p' };

	payload_text(b, "SAMP");
	payload_bytes(b, "\313\0\161\12", 4); /* the server's address and port */
	payload_le16(b, 7777);
	payload_8(b, (uint8_t)queries[payload_pick(b, 0, 3)]);
}
