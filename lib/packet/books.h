/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * books - where every packet of one side of one link went, for one worker.
 *
 *     received + taken = forwarded + dropped + replied + consumed + handed
 *     sent             = (forwarded of the other side) + replied + emitted
 *
 * `handed` went to the worker it belongs to and was `taken` there, so over all
 * workers the two cancel and received = forwarded + dropped + replied + consumed.
 * `received` counts what this side took in, `forwarded` those of them that the
 * other side sent on. `missed` was lost in the device before any worker saw it
 * and belongs to no equation.
 *
 * Units   packets; bytes are bytes of the frame without FCS.
 * Threads written by one worker, read by anyone.
 */
#ifndef PACKET_BOOKS_H
#define PACKET_BOOKS_H

#include <stdalign.h>
#include <stdint.h>

struct books {
	alignas(64) uint64_t received_packets, received_bytes;
	uint64_t forwarded_packets, forwarded_bytes;
	uint64_t dropped_packets, dropped_bytes;
	uint64_t replied_packets, replied_bytes; /* bytes of the answers */
	uint64_t consumed_packets, consumed_bytes;
	uint64_t emitted_packets,
		emitted_bytes;             /* frames of ours that left by this side */
	uint64_t sent_packets, sent_bytes; /* everything that left by this side */
	uint64_t handed_packets, handed_bytes;
	uint64_t taken_packets, taken_bytes;
};

#endif
