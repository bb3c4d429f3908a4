/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * address - IPv4 and IPv6 addresses, prefixes, and how hosts are picked from them.
 *
 * Bytes are in wire order; an IPv4 address uses the first four.
 */
#ifndef TRAFFICGEN_ADDRESS_H
#define TRAFFICGEN_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prng.h"

struct address {
	uint8_t family; /* 4 or 6 */
	uint8_t bytes[16];
};

struct prefix {
	struct address base; /* host bits are kept: a full-length prefix is one host */
	unsigned int bits;
};

/* Read "ADDR" or "ADDR/BITS". Returns 0, or -EINVAL with out untouched. */
int prefix_parse(struct prefix *out, const char *text);

/* How many hosts address_host can tell apart in the prefix. */
uint64_t prefix_hosts(const struct prefix *net);

/* Host number n of the prefix, n < prefix_hosts; the same n is always the same host. */
struct address address_host(const struct prefix *net, uint64_t n);

/* Any address of the prefix. */
struct address address_within(const struct prefix *net, struct prng *p);

/*
 * Any public unicast address of a family: what a forger writes who wants to be believed.
 */
struct address address_random(unsigned int family, struct prng *p);

static inline size_t
address_len(const struct address *a)
{
	return a->family == 4 ? 4 : 16;
}

#endif
