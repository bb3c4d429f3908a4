/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * openings - clients that shook hands with us and whose server has not answered yet.
 *
 * Only a proven client gets one. It holds what the SYN to the server needs, for the
 * first time and for each repetition. Repetitions come after 1, 2, 4 and 8 s (RFC 6298);
 * 16 s after the last the client is told that nobody is there.
 *
 * Memory  OPENINGS of 192 bytes, taken at open. When all are in use, a proven client
 *         has to try again.
 * Threads one worker.
 */
#ifndef STAGE_TCPAUTH_OPENINGS_H
#define STAGE_TCPAUTH_OPENINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/burst.h"
#include "packet/options.h"

#define OPENINGS      16384
#define OPENINGS_NONE UINT32_MAX
/*
 * Once half of them are in use, who has more connections than that gets no other: a few
 * real hosts that ask for servers which never answer must not use up all.
 */
#define OPENINGS_FREE       (OPENINGS / 2)
#define OPENINGS_PER_SOURCE 64
/* After an old connection of the server with the same ports was reset. */
#define OPENING_AGAIN_NS (UINT64_C(10) * 1000000)

struct opening {
	struct burst_ends ends; /* from the client to the server */
	uint64_t due_ns;        /* when the SYN is sent again */
	uint32_t slot;          /* of its flow */
	uint32_t place;         /* index in `used` */
	struct tcp_options
		client;   /* what was agreed with the client, and its newest stamp */
	uint16_t window;  /* that the client offers, as it stands in the header */
	uint8_t attempts; /* SYNs sent */
	uint8_t link;
	bool has_ecn;
};

struct openings {
	struct opening *entry;
	uint32_t *used, *free; /* indexes: in use, in no order; not in use */
	uint32_t n_used;
	uint32_t next; /* of used, to be looked at next */
};

uint64_t openings_bytes(void);
int openings_open(struct openings *o);
void openings_close(struct openings *o);

/* Returns its index, or OPENINGS_NONE. */
uint32_t openings_take(struct openings *o);
void openings_give(struct openings *o, uint32_t index);

/*
 * The next opening of the link whose time has come, among at most `*budget` that are
 * looked at, which is then what is left of it; OPENINGS_NONE: none.
 */
uint32_t openings_due(struct openings *o, uint8_t link, uint64_t now_ns,
                      unsigned int *budget);

#endif
