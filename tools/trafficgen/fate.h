/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fate - what happens to a packet on a long line: lost, held, overtaken.
 *
 * Held packets leave in the order they came, except those that the dice let be overtaken:
 * these wait a while longer. One queue serves one direction.
 *
 * Units   ns of CLOCK_MONOTONIC; probabilities in millionths.
 * Threads none. Memory is bounded by FATE_MAX_BYTES of held packets.
 */
#ifndef TRAFFICGEN_FATE_H
#define TRAFFICGEN_FATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/virtio_net.h>

#include "prng.h"

#define FATE_MAX_BYTES (64u << 20)

struct fate_rules {
	uint32_t loss_ppm, reorder_ppm;
	uint64_t delay_ns, jitter_ns;
};

/* A packet with what the kernel has to know about it. */
struct parcel {
	uint64_t due_ns, serial;
	uint32_t len;
	struct virtio_net_hdr offload;
	uint8_t bytes[];
};

struct fate {
	struct fate_rules rules;
	struct prng prng;
	uint64_t last_due_ns; /* of the packets that keep their order */
	uint64_t serial;
	struct parcel **heap;
	size_t count, room;
	size_t held_bytes;
};

enum fate_verdict { FATE_PASS, FATE_HOLD, FATE_OVERTAKEN, FATE_LOSE };

/*
 * Throw the dice for a packet that came at now. FATE_HOLD and FATE_OVERTAKEN want
 * fate_hold with *due_ns.
 */
enum fate_verdict fate_decide(struct fate *f, uint64_t now, uint64_t *due_ns);

/* Keep a copy until due_ns. Returns 0 or -ENOBUFS when there is no room. */
int fate_hold(struct fate *f, const uint8_t *bytes, uint32_t len,
              const struct virtio_net_hdr *offload, uint64_t due_ns);

/* When the first held packet is due; UINT64_MAX if none is held. */
uint64_t fate_due(const struct fate *f);

/* Take out the first held packet; the caller frees it. There must be one. */
struct parcel *fate_release(struct fate *f);

void fate_free(struct fate *f);

#endif
