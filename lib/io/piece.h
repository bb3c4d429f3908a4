/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * piece - copy a packet of a burst out, however many segments it has.
 *
 * Threads the worker that owns the burst, while its buffers are.
 */
#ifndef IO_PIECE_H
#define IO_PIECE_H

#include <stdint.h>

#include "packet/burst.h"

/*
 * Copy the first `len` bytes of a lane to `to`: what the burst shows, and behind it
 * what is left in the buffer. Returns how many there were; fewer where the buffer
 * ends, or where there is none (replay).
 */
uint32_t piece_copy(const struct burst *b, unsigned int lane, uint8_t *to, uint32_t len);

#endif
