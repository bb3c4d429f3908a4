/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * build - frames of our own making: what a stage asked for in the outbox.
 *
 * A built frame inherits MACs, VLAN tags, addresses and ports from the packet
 * it belongs to, so the box needs no address of its own on the wire. IPv4 and
 * IPv6, TCP only; checksums are written in full.
 *
 * Threads none: pure function of its arguments.
 */
#ifndef PACKET_BUILD_H
#define PACKET_BUILD_H

#include <stddef.h>
#include <stdint.h>

struct burst_request;
struct facts;

/* Longest frame that build_tcp() writes: two tags, IPv6, 40 bytes of options. */
#define BUILD_MAX (14 + 8 + 40 + 60)

/*
 * Write the frame that `want` asks for into out[BUILD_MAX]; `like` and `bytes`
 * are the facts and frame start of the packet it is modelled on, which must be
 * TCP with ports. Returns its length in bytes, or 0 when that packet is not.
 */
size_t build_tcp(uint8_t *out, const struct burst_request *want, const struct facts *like,
                 const uint8_t *bytes);

#endif
