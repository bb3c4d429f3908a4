/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fate - what happens to a packet on a long line: lost, held, overtaken, doubled.
 *
 * Held packets leave in the order they came, except those that the dice let be overtaken:
 * these wait a while longer, or until so many others came after them. One queue serves
 * one direction. The same seed and packets throw the same dice.
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
	uint32_t loss_ppm, reorder_ppm, duplicate_ppm;
	uint64_t delay_ns, jitter_ns;
	uint64_t reorder_ns;      /* how much longer an overtaken packet waits */
	uint64_t reorder_packets; /* not 0: until so many came after it instead */
};

/* A packet with what the kernel has to know about it. */
struct parcel {
	uint64_t due_ns, serial;
	uint64_t after; /* of those that wait for others: leave behind number so many */
	struct parcel *next;
	uint32_t len;
	struct virtio_net_hdr offload;
	uint8_t bytes[];
};

struct fate {
	struct fate_rules rules;
	struct prng prng;
	uint64_t last_due_ns; /* of the packets that keep their order */
	uint64_t serial;
	uint64_t in_order;                     /* packets so far that kept their order */
	struct parcel *waiting, *waiting_last; /* for others to come, in their order */
	struct parcel **heap;
	size_t count, room; /* of the heap */
	size_t waits;
	size_t held_bytes;
};

enum fate_verdict { FATE_PASS, FATE_HOLD, FATE_OVERTAKEN, FATE_WAIT, FATE_LOSE };

/*
 * Throw the dice for a packet that came at now. FATE_HOLD and FATE_OVERTAKEN want
 * fate_hold with *due_ns, FATE_WAIT wants fate_wait.
 */
enum fate_verdict fate_decide(struct fate *f, uint64_t now, uint64_t *due_ns);

/* Whether the packet comes twice; to be asked of each that is not lost. */
bool fate_doubles(struct fate *f);

/* Keep a copy until due_ns. Returns 0 or -ENOBUFS when there is no room. */
int fate_hold(struct fate *f, const uint8_t *bytes, uint32_t len,
              const struct virtio_net_hdr *offload, uint64_t due_ns);

/*
 * The same until rules.reorder_packets others came, or until due_ns where fewer do.
 */
int fate_wait(struct fate *f, const uint8_t *bytes, uint32_t len,
              const struct virtio_net_hdr *offload, uint64_t due_ns);

/* How many are held. */
size_t fate_held(const struct fate *f);

/* When the first held packet is due; UINT64_MAX if none is held. */
uint64_t fate_due(const struct fate *f);

/* Take out the first held packet; the caller frees it. There must be one. */
struct parcel *fate_release(struct fate *f);

void fate_free(struct fate *f);

#endif
