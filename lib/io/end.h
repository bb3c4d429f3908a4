/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * end - what the operator may write as one end of a link.
 *
 *     0000:03:00.0, 03:00.0            a PCI device bound to a DPDK driver
 *     net_af_xdp0,iface=eth1           a DPDK virtual device, arguments as DPDK has them
 *     eth1                             a network interface of the kernel
 *
 * Threads any: pure functions of their arguments.
 */
#ifndef IO_END_H
#define IO_END_H

#include <stdbool.h>
#include <stddef.h>

enum end_kind { END_KERNEL, END_PCI, END_VDEV };

#define END_NAME_MAX 256 /* bytes of an end as configured, with its NUL */
#define IO_WHY       384 /* bytes of one sentence about a failure */
#define END_PCI_MAX  24  /* bytes of a full PCI address, with room */

/* "eth1" and "enp3s0" are interfaces, "0000:03:00.0" is PCI, "net_ring0" is virtual. */
enum end_kind end_kind_of(const char *end);

/* Domain, bus, device, function in full: "03:00.0" gives "0000:03:00.0". */
void end_pci_address(const char *end, char out[END_PCI_MAX]);

/* "net_af_xdp0,iface=eth1" gives "net_af_xdp0". */
void end_vdev_name(const char *end, char *out, size_t size);

/* The same without the number: "net_af_xdp". */
void end_vdev_driver(const char *end, char *out, size_t size);

/* What stands after the comma, or "" . */
const char *end_vdev_args(const char *end);

/* The kernel interface behind an end: itself, or what iface= names. False when there is none. */
bool end_interface(const char *end, char *out, size_t size);

/* Whether the kernel brings its frames: an interface, or a device over one, a tap or a capture. */
bool end_is_by_kernel(const char *end);

/* Write a sentence into why[IO_WHY] and return `error`. */
int io_fail(char *why, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
