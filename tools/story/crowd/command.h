/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command - what the story tells a running crowd, one line at a time on stdin.
 *
 *     phase NAME    end the phase, print it, begin the next
 *     quit          end the phase, print it, leave (so does the end of stdin)
 *
 * Threads none; command_read() never blocks.
 */
#ifndef CROWD_COMMAND_H
#define CROWD_COMMAND_H

#include <stddef.h>

enum command_word { COMMAND_NONE, COMMAND_PHASE, COMMAND_QUIT };

struct command {
	char text[256];
	size_t len;
	const char *name; /* of the phase, valid until the next read */
	size_t taken;     /* bytes of text that the last word used */
};

/* Make stdin non-blocking. Returns 0 or -errno. */
int command_open(struct command *c);

/* The next word that has arrived, or COMMAND_NONE. */
enum command_word command_read(struct command *c);

#endif
