/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * build - frames of our own making: what a stage asked for in the outbox.
 *
 * A built frame inherits MACs, VLAN tags, addresses and ports from a packet of
 * its connection, so the box needs no address of its own on the wire. IPv4 and
 * IPv6, TCP only; checksums are written in full.
 *
 * Threads none: pure function of its arguments.
 */
#ifndef PACKET_BUILD_H
#define PACKET_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct burst_ends;
struct burst_request;
struct facts;

/* Longest frame that build_tcp() writes: two tags, IPv6, 40 bytes of options. */
#define BUILD_MAX (14 + 8 + 40 + 60)

/*
 * Take over link and ends of a packet (its facts and frame start), `reversed` to
 * answer its sender. Returns false when it is not sound TCP with ports.
 */
bool build_ends(struct burst_ends *ends, const struct facts *like, const uint8_t *bytes,
                bool reversed);

/* The same ends the other way round: what answers them. */
void build_turn(struct burst_ends *out, const struct burst_ends *ends);

/* Write the frame that `want` asks for into out[BUILD_MAX]. Returns its length, or 0 when its options are not sound. */
size_t build_tcp(uint8_t *out, const struct burst_request *want);

#endif
