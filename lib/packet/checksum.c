/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet/checksum.h"

#include <string.h>

/*
 * RFC 1071 2: the sum may be taken in any word size, and in either byte order
 * as long as the result is swapped. Halves of eight-byte words are added, so a
 * carry has 32 spare bits to go to and none is ever lost.
 */
static uint64_t
host_order_sum(const uint8_t *p, size_t len)
{
	uint64_t sum = 0, word;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		sum += (word >> 32) + (word & UINT32_MAX);
	}
	if (len > 0) {
		word = 0;
		memcpy(&word, p, len);
		sum += (word >> 32) + (word & UINT32_MAX);
	}
	return sum;
}

static inline uint16_t
fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)sum;
}

uint64_t
checksum_add(uint64_t sum, const void *bytes, size_t len)
{
	return sum + __builtin_bswap16(fold(host_order_sum(bytes, len)));
}

uint16_t
checksum_fold(uint64_t sum)
{
	return (uint16_t)~fold(sum);
}
