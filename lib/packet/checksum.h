/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * checksum - the Internet checksum, RFC 1071, and its incremental form, RFC 1624.
 */
#ifndef PACKET_CHECKSUM_H
#define PACKET_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Sum of 16-bit words in wire order over `len` bytes, added to `sum`; odd tails are padded with 0. */
uint64_t checksum_add(uint64_t sum, const void *bytes, size_t len);

/* Fold to 16 bits and complement: the value to store (in wire order). 0 over a sound header. */
uint16_t checksum_fold(uint64_t sum);

#endif
