/* SPDX-License-Identifier: BSD-3-Clause */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int
command_open(struct command *c)
{
	const int flags = fcntl(STDIN_FILENO, F_GETFL);

	memset(c, 0, sizeof(*c));
	if (flags < 0 || fcntl(STDIN_FILENO, F_SETFL, flags | O_NONBLOCK) != 0)
		return -errno;
	return 0;
}

enum command_word
command_read(struct command *c)
{
	const size_t room = sizeof(c->text) - 1;
	ssize_t got = -1;
	char *end;

	c->len -= c->taken;
	memmove(c->text, c->text + c->taken, c->len);
	c->taken = 0;
	if (c->len < room)
		got = read(STDIN_FILENO, c->text + c->len, room - c->len);
	if (got == 0 && c->len == 0)
		return COMMAND_QUIT;
	if (got > 0)
		c->len += (size_t)got;

	end = memchr(c->text, '\n', c->len);
	if (end == NULL)
		return COMMAND_NONE;
	*end = '\0';
	c->taken = (size_t)(end - c->text) + 1;
	if (strncmp(c->text, "phase ", 6) == 0) {
		c->name = c->text + 6;
		return COMMAND_PHASE;
	}
	return strcmp(c->text, "quit") == 0 ? COMMAND_QUIT : COMMAND_NONE;
}
