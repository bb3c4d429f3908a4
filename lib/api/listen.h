/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * listen - open the sockets the interface answers on.
 *
 * A Unix socket is made with mode 0660. One that is left over from a process
 * that died is removed; one that somebody answers on is not.
 *
 * Threads the caller's.
 */
#ifndef API_LISTEN_H
#define API_LISTEN_H

#include <stdbool.h>

#include "api/api.h"

struct api_listen {
	int fd;
	bool is_unix, is_local;
	char path[108]; /* of a Unix socket */
	char host[64];  /* of an address: as a Host header names it, without port */
};

/*
 * Open "unix:/path" or "ADDRESS:PORT" ("[::1]:9686" for IPv6). Returns 0, or
 * -errno with a sentence.
 */
int api_listen_open(const char *entry, bool allow_remote, struct api_listen *out,
                    char why[API_WHY]);

/* Remove the Unix socket's name; the descriptor is the server's by then. */
void api_listen_remove(const struct api_listen *l);

#endif
