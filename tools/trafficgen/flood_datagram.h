/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flood_datagram - the packets of floods that are not TCP: UDP, ICMP, other protocols, and
 * the fragments of all of them.
 *
 * A datagram that does not fit into one packet goes out as fragments, one packet of the
 * flood's rate each. What a call builds is complete, checksums included.
 *
 * Threads none.
 */
#ifndef TRAFFICGEN_FLOOD_DATAGRAM_H
#define TRAFFICGEN_FLOOD_DATAGRAM_H

#include "flood.h"

void flood_udp(struct flood *f, struct frame *frame);
void flood_icmp(struct flood *f, struct frame *frame);
void flood_fragment(struct flood *f, struct frame *frame);
void flood_other(struct flood *f, struct frame *frame);

#endif
