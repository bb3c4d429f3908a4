/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slow_talk - one real connection that takes its time.
 *
 * Opened by the kernel's stack from a chosen address, it says or takes one byte an
 * interval, so that a server keeps it and its memory for as long as it is patient:
 *
 *     idle      nothing after the handshake
 *     headers   a request whose header never ends
 *     body      a whole header, then a body as slow
 *     read      a whole request, then the answer taken byte by byte with a small window
 *
 * Units   ns of CLOCK_MONOTONIC, bytes.
 * Threads none. A descriptor belongs to its talk until slow_talk_end.
 */
#ifndef TRAFFICGEN_SLOW_TALK_H
#define TRAFFICGEN_SLOW_TALK_H

#include <stdint.h>

#include "address.h"

enum slow_kind { SLOW_IDLE, SLOW_HEADERS, SLOW_BODY, SLOW_READ, SLOW_KINDS };

enum slow_state {
	SLOW_WAITING, /* to be opened */
	SLOW_CONNECTING,
	SLOW_OPEN,
	SLOW_REFUSED, /* the connection was refused */
	SLOW_FAILED,  /* or could not be made for another reason */
	SLOW_RESET,   /* was open until the other side reset it, */
	SLOW_CLOSED,  /* closed it, */
	SLOW_SILENT,  /* or was heard no more */
	SLOW_STATES
};

struct slow_end {
	struct address address; /* family 0: the kernel's choice */
	uint16_t port;
};

struct slow_talk {
	int fd; /* -1: none */
	enum slow_state state;
	uint32_t said;     /* bytes of our part */
	uint64_t begun_ns; /* when it was tried, then when it was open */
};

struct slow_bytes {
	uint64_t sent, received;
};

extern const char *const slow_kind_names[SLOW_KINDS];

/* Begin to connect. Returns 0 or -errno; the state is SLOW_CONNECTING or an end. */
int slow_talk_begin(struct slow_talk *t, enum slow_kind kind, const struct slow_end *from,
                    const struct slow_end *to);

/* What epoll is to wait for in the present state. */
uint32_t slow_talk_events(const struct slow_talk *t, enum slow_kind kind);

/* Something happened on the descriptor. */
void slow_talk_hear(struct slow_talk *t, enum slow_kind kind, struct slow_bytes *sum);

/* An interval is over, or the connection has just opened: one more byte. */
void slow_talk_step(struct slow_talk *t, enum slow_kind kind, struct slow_bytes *sum);

/* Close the descriptor; the state stays. */
void slow_talk_end(struct slow_talk *t);

#endif
