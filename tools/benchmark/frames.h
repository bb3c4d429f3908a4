/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frames - precomputed frames that a null device's receive callback stamps into mbufs.
 *
 * A frame is one cache line of headers and a length; what lies behind the
 * headers is never read by the pipeline and stays as it is in the buffer.
 */
#ifndef BENCHMARK_FRAMES_H
#define BENCHMARK_FRAMES_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEAD 128 /* bytes stamped: Ethernet, IPv6 and TCP fit */

struct frame {
	alignas(64) uint8_t head[FRAME_HEAD];
};

enum frame_kind { FRAME_TCP, FRAME_UDP };

struct frame_spec {
	enum frame_kind kind;
	bool is_ipv6;
	uint8_t tcp_flags;
	uint16_t len; /* of the frame, bytes, 64 or more; IPv6 makes at least 78 of it */
	uint32_t
		source; /* index of the source address: 198.18.0.0 or 2001:db8:c::, plus it */
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	bool is_answer; /* from the service to that source */
};

/* Write one frame; returns its length in bytes. */
uint16_t frame_write(struct frame *f, const struct frame_spec *spec);

/* A well-mixed number for an index: the same on every run. */
uint64_t frame_random(uint64_t index);

#endif
