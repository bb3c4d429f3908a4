/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernel - ask and set what the kernel knows of a network interface.
 *
 * Everything goes through ioctl() on a socket of this network namespace, so
 * that it is right whatever is mounted on /sys.
 *
 * Source  netdevice(7), linux/ethtool.h.
 * Threads control side; the calls take microseconds to milliseconds.
 */
#ifndef IO_KERNEL_H
#define IO_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

/* 0 and the MTU in bytes, or -errno. */
int kernel_mtu(const char *interface, unsigned int *mtu);

/* Whether the interface is up and has a carrier. */
bool kernel_is_running(const char *interface);

/* Bring an interface up or take it down. 0 or -errno. */
int kernel_set_up(const char *interface, bool up);

/* Bits per second, 0 when unknown. */
uint64_t kernel_speed(const char *interface);

/* The most channels it could have; one when it knows none. */
unsigned int kernel_channels(const char *interface);

/* Whether its channels receive and send in one, as those of most network cards do. */
bool kernel_has_combined_channels(const char *interface);

/*
 * Make the interface have exactly `queues` channels. Returns 0, also for a
 * device without channels when one is wanted; -errno otherwise, and *most is
 * what the device could have.
 */
int kernel_set_channels(const char *interface, unsigned int queues, unsigned int *most);

/*
 * Switch off whatever changes frames between wire and program: checksums,
 * TSO, GSO, GRO, LRO, VLAN tags. Returns 0, or -errno when one stayed on.
 */
int kernel_plain_frames(const char *interface);

/*
 * Whether somebody's XDP program takes frames before anybody else sees them. The
 * one that serves AF_XDP sockets does not count: it outlives a killed process.
 */
bool kernel_has_foreign_xdp(const char *interface);

/* Received packets that the kernel could not hand on since it has the interface. */
uint64_t kernel_dropped(const char *interface);

/*
 * Claim the interface in this network namespace, against other processes of
 * ours. Returns a descriptor to close when it is free again (as the kernel does
 * when we die), or -errno: -EADDRINUSE when it is taken.
 */
int kernel_claim(const char *interface);

/*
 * Keep the kernel from talking IPv6 by itself on a wire of ours. `before` gets
 * the value to put back with kernel_restore_ipv6(), or -1 when nothing changed.
 */
void kernel_silence_ipv6(const char *interface, int *before);
void kernel_restore_ipv6(const char *interface, int before);

#endif
