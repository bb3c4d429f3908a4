/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Answers of game servers: Source's server queries and Quake III's status.
 */
#include "answer.h"

void
answer_steam(struct payload *b)
{
	payload_32(b, 0xffffffff);
	payload_text(b, "I");
	payload_8(b, 17);
	payload_print(b, "[EU] Community server #%u | 128 tick",
	              (unsigned int)payload_pick(b, 1, 99));
	payload_8(b, 0);
	payload_text(b, "de_dust2");
	payload_8(b, 0);
	payload_text(b, "csgo");
	payload_8(b, 0);
	payload_text(b, "Counter-Strike: Global Offensive");
	payload_8(b, 0);
	payload_le16(b, 730);
	payload_8(b, (unsigned int)payload_pick(b, 0, 32));
	payload_bytes(b, "\40\0dl\0\1", 6);
	payload_text(b, "1.38.7.9");
	payload_8(b, 0);
	payload_8(b, 0xa1);
	payload_le16(b, 27015);
	payload_random(b, 8);
	payload_text(b, "empty,secure,surf,128tick");
	payload_8(b, 0);
	payload_le32(b, 730);
	payload_le32(b, 0);
}

void
answer_quake(struct payload *b)
{
	const unsigned int players = (unsigned int)payload_pick(b, 4, 24);

	payload_32(b, 0xffffffff);
	payload_text(b, "statusResponse\n");
	payload_text(b,
	             "\\version\\ioq3 1.36 linux-x86_64\\g_gametype\\4\\sv_maxclients\\32"
	             "\\mapname\\q3dm17\\sv_hostname\\arena.example\\gamename\\baseq3"
	             "\\dmflags\\0\\fraglimit\\20\\timelimit\\20\\sv_privateClients\\0"
	             "\\sv_maxRate\\25000\\protocol\\68\\g_needpass\\0\n");
	for (unsigned int i = 0; i < players; i++) {
		payload_print(b, "%u %u \"", (unsigned int)payload_pick(b, 0, 60),
		              (unsigned int)payload_pick(b, 8, 200));
		payload_word(b, (size_t)payload_pick(b, 4, 12));
		payload_text(b, "\"\n");
	}
}
