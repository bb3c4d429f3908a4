/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * words - a noted packet in words: what it is, and the comment beside it in a file.
 *
 * Threads any; nothing is shared.
 */
#ifndef EVIDENCE_WORDS_H
#define EVIDENCE_WORDS_H

#include "evidence/evidence.h"

#define WORDS_SUMMARY 192
#define WORDS_COMMENT 640

/* "TCP 198.51.100.7:4242 > 203.0.113.10:443 [SYN] seq 7, 60 bytes, VLAN 42". */
void words_summary(const struct evidence_note *n, char text[WORDS_SUMMARY]);

/*
 * "verdict=dropped reason=shape.udp_flood service=shop policy=web mode=mitigate ...": what
 * is known, one word each. Names with blanks in them stand in quotes.
 */
void words_comment(const struct evidence_note *n, const struct evidence_story *story,
                   char text[WORDS_COMMENT]);

/* "198.51.100.7" or "2001:db8::1". */
#define WORDS_ADDRESS 46
void words_address(const uint8_t address[16], char text[WORDS_ADDRESS]);

#endif
