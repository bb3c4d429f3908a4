/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * message - what travels inside a TCP conversation: HTTP or TLS of a given length.
 *
 * A message is described, not stored: any stretch of its bytes can be made when a segment
 * needs it, so a download of many megabytes costs no memory.
 */
#ifndef TRAFFICGEN_MESSAGE_H
#define TRAFFICGEN_MESSAGE_H

#include <stdint.h>

enum message_shape {
	MESSAGE_HTTP_ASK,
	MESSAGE_HTTP_ANSWER,
	MESSAGE_CLIENT_HELLO, /* always MESSAGE_HELLO_LEN long */
	MESSAGE_SERVER_HELLO, /* followed by sealed records up to len */
	MESSAGE_RECORDS,      /* sealed TLS records */
};

#define MESSAGE_HELLO_LEN 517
#define MESSAGE_MIN       200 /* the shortest of the other shapes */

struct message {
	enum message_shape shape;
	uint32_t len;
	uint32_t tag; /* makes one message differ from the next */
};

/* Write len bytes of the message from offset on; offset + len <= m->len. */
void message_fill(const struct message *m, uint32_t offset, uint8_t *to, uint32_t len);

#endif
