/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * carrier - a wire whose one end is unplugged is unplugged at the other end too.
 *
 * Routers and switches on both sides then see at once that this path is dead.
 * Only one end is ever held down by us, and never one whose own link failed:
 * when the failed end comes back, so does the other.
 *
 * Threads control core or a thread beside it; one caller.
 */
#ifndef IO_CARRIER_H
#define IO_CARRIER_H

#include <stdbool.h>
#include <stdint.h>

#include "io/wire.h"

#define CARRIER_PERIOD_NS UINT64_C(100000000)

/* What a port counts that no worker sees. */
struct carrier_counts {
	bool is_up;
	uint64_t speed_bits;
	uint64_t missed, no_buffers, errors;
};

/* Look at all ends and follow; call every CARRIER_PERIOD_NS. */
void carrier_watch(struct io_wire *w, uint64_t now_ns);

/* Bring up again what is held down, before the program ends. */
void carrier_release(struct io_wire *w);

/* Any thread. */
void carrier_read(const struct io_wire *w, unsigned int link, enum side side,
                  struct carrier_counts *out);

/* Bytes that the end carries now, which may have been changed since the start; 0 unknown. */
unsigned int carrier_mtu(const struct io_wire *w, unsigned int link, enum side side);

/* Packet buffers of a link, and how many of them are in use now. Any thread. */
void carrier_buffers(const struct io_wire *w, unsigned int link, uint64_t *all,
                     uint64_t *in_use);

#endif
