/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * port_make - virtual devices, made by hand: from kernel interfaces and from
 * what the operator wrote.
 *
 * Source  DPDK 22.11 doc/guides/nics/af_xdp.rst, af_packet.rst; packet(7).
 * Threads control side.
 */
#ifndef IO_PORT_MAKE_H
#define IO_PORT_MAKE_H

#include <stdint.h>

struct port;

/* Make a virtual device; fills id, device and is_made. 0, or -errno with a sentence. */
int port_make(struct port *p, const char *device, const char *args, char *why);

/*
 * Ready an interface for being an end of a wire: up, frames unchanged by
 * offloads, as many channels as workers, the kernel silent on it.
 */
int port_prepare_interface(struct port *p, char *why);

/* Make the AF_XDP or AF_PACKET device of a kernel interface. */
int port_make_interface(struct port *p, unsigned int workers, char *why);

/* Frame size of the AF_PACKET ring that carries this port's frames whole. */
uint32_t port_packet_frame(const struct port *p);

/* Channels of its interface that the port will have, when it is taken by AF_XDP. */
unsigned int port_channels(const struct port *p, unsigned int workers);

#endif
