/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rows - the services that attackers have answer in somebody else's name.
 *
 * A row tells by which port such a service answers, how an answer and a question
 * look, and how much one question may be answered with. Several rows may have one
 * port: the first whose answer fits names it.
 *
 * Bytes are counted from the start of the UDP payload. Everything here is const.
 */
#ifndef STAGE_REFLECTION_ROWS_H
#define STAGE_REFLECTION_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#define ROWS_MAX       96
#define ROWS_NONE      0xff
#define ROWS_TESTS     4
#define ROWS_QUESTIONS 4
#define ROWS_PLAIN     8
#define ROWS_WINDOW    32 /* bytes of the payload that tests may look at */

/* Ports below are given to servers only: no client has one by chance. */
#define ROWS_RESERVED 1024

/* Holds when (byte & mask) == value; a mask of 0 is no test. */
struct row_test {
	uint8_t at, mask, value;
};

struct row {
	const char *name;
	const char *help;         /* what it is, and what makes it a good reflector */
	uint16_t port, last_port; /* last_port 0: this port alone */
	uint16_t least;           /* bytes of payload of the smallest answer; 0 is 1 */
	uint16_t usual;           /* more than that is no everyday answer */
	uint16_t packets;         /* that one question may be answered with, and */
	uint32_t bytes;   /* of frames; both 0: it is a conversation, without a budget */
	bool is_anywhere; /* known by its answer's bytes, whatever port it comes from */
	bool is_ber;      /* SNMP, LDAP: tests look at the operation's tag, at byte 0 */
	/* Optional short cut: when all of these hold within 16 bytes it is an answer. */
	struct row_test plain[ROWS_PLAIN];
	struct row_test answer[ROWS_TESTS]; /* all hold, */
	struct row_test question[ROWS_QUESTIONS]
				[ROWS_TESTS]; /* and of no one of these all */
};

/* Ended by name == NULL. */
extern const struct row rows[];
unsigned int rows_count(void);

/* The row of that name, or ROWS_NONE. */
unsigned int rows_find(const char *name);

#endif
