/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * request - the few HTTP requests that a crowd asks in turn, written out once.
 */
#ifndef CROWD_REQUEST_H
#define CROWD_REQUEST_H

#include <stddef.h>

#include "options.h"

#define REQUEST_MAX  8   /* different pages */
#define REQUEST_SIZE 512 /* bytes of one request */

struct request_set {
	unsigned int count;
	size_t len[REQUEST_MAX];
	char text[REQUEST_MAX][REQUEST_SIZE];
};

/* Write the requests of o->paths. Returns 0 or 2 (usage) after saying what is wrong. */
int request_write(struct request_set *set, const struct options *o);

#endif
