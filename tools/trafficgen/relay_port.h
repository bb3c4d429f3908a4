/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * relay_port - one end of the relay: whole frames in and out of an interface.
 *
 * The kernel takes the outer VLAN tag out of what it receives and leaves the checksums of
 * local senders unfinished, because it counts on network cards. Here frames are made
 * whole again: tags are put back, checksums are completed. Only segments that a card
 * would still have to cut (GSO) are passed on as they are, with their note to the kernel.
 *
 * Threads none.
 */
#ifndef TRAFFICGEN_RELAY_PORT_H
#define TRAFFICGEN_RELAY_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/virtio_net.h>

#include "transmit.h"

/* The longest frame, a large segment included, and room for tags before it. */
#define RELAY_FRAME_MAX 66000
#define RELAY_HEADROOM  16

struct relay_port {
	int fd;
	const char *interface;
	int last_errno;
};

/* A frame in a buffer with room before it. */
struct relay_frame {
	uint8_t *start; /* within buffer */
	uint32_t len;
	struct virtio_net_hdr offload;
	uint8_t buffer[RELAY_HEADROOM + RELAY_FRAME_MAX];
};

/* Returns 0, or -errno after complaining. interface must outlive p. */
int relay_port_open(struct relay_port *p, const char *interface);

/* Returns 1, or 0 when no frame waits, or -errno. */
int relay_port_receive(struct relay_port *p, struct relay_frame *f);

/* Returns 0 or -errno; complains when the reason is a new one. */
int relay_port_send(struct relay_port *p, uint8_t *bytes, uint32_t len,
                    struct virtio_net_hdr *offload);

/* How many frames the kernel had no room for since the last call. */
uint32_t relay_port_missed(const struct relay_port *p);

/* Push one tag before what follows the MACs. */
void relay_push(struct relay_frame *f, uint16_t ethertype, uint16_t tci);

/* Pop the outer tag if it is this VLAN. Returns false with f untouched if it is not. */
bool relay_pop(struct relay_frame *f, uint16_t vlan);

#endif
