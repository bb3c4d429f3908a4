/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flood_tcp - the TCP packets of floods: SYNs as real stacks write them, and all others.
 *
 * Each draws its numbers from the given generator alone, so that the same state gives
 * the same packet once more.
 *
 * Threads none.
 */
#ifndef TRAFFICGEN_FLOOD_TCP_H
#define TRAFFICGEN_FLOOD_TCP_H

#include "spec.h"

/* A SYN or, drawing the same numbers, what a server says to it. */
void flood_tcp_syn(const struct spec *s, struct prng *p, struct frame *frame,
                   bool is_answer);

/* Any other flags; into a live connection where the part names some. */
void flood_tcp_other(const struct spec *s, struct prng *p, struct frame *frame);

#endif
