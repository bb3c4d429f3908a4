/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * transmit - handing frames to an interface through a packet socket (packet(7)).
 *
 * Frames go past the queueing discipline, either many per sendmmsg(2) or through a ring
 * that the kernel shares. Calls tell the fate of each frame, the ring does not where the
 * driver refuses one, so calls are the usual way and the ring is there for its speed.
 *
 * Threads none: a transmitter belongs to its caller. Memory is fixed at opening.
 */
#ifndef TRAFFICGEN_TRANSMIT_H
#define TRAFFICGEN_TRANSMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "frame.h"

enum transmit_method { TRANSMIT_AUTO, TRANSMIT_RING, TRANSMIT_CALLS };

#define TRANSMIT_BATCH 64

struct transmit {
	int fd;
	const char *interface;
	bool has_ring;
	uint8_t *ring;
	size_t ring_len;
	unsigned int head; /* next slot of the ring */
	unsigned int queued;
	struct mmsghdr messages[TRANSMIT_BATCH];
	struct iovec parts[TRANSMIT_BATCH];
	uint8_t (*buffers)[FRAME_MAX];
	uint64_t offered; /* frames handed to the kernel */
	uint64_t sent;    /* frames that it took */
	uint64_t errors;
	uint64_t full;  /* of these, because the device had no room */
	uint64_t bytes; /* of frames sent */
	int last_errno;
};

/*
 * Open a packet socket bound to the interface, for protocol in host order (0: sends
 * only). Returns the descriptor, or -errno after complaining with a remedy.
 */
int transmit_socket(const char *interface, unsigned int protocol);

/* Returns 0, or -errno after complaining. interface must outlive t. */
int transmit_open(struct transmit *t, const char *interface, enum transmit_method method);

/* Copy a frame and send it now or with the next flush. */
void transmit_queue(struct transmit *t, const uint8_t *bytes, uint32_t len);

void transmit_flush(struct transmit *t);

/* Wait for what is on the way, and close. */
void transmit_close(struct transmit *t);

#endif
