/* SPDX-License-Identifier: BSD-3-Clause */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* IPv4 ranges that never come from the Internet (IANA special-purpose registry). */
static const struct {
	uint32_t net, mask;
} bogons[] = {
	{ 0x00000000, 0xff000000 }, { 0x0a000000, 0xff000000 },
	{ 0x64400000, 0xffc00000 }, { 0x7f000000, 0xff000000 },
	{ 0xa9fe0000, 0xffff0000 }, { 0xac100000, 0xfff00000 },
	{ 0xc0000000, 0xffffff00 }, { 0xc0000200, 0xffffff00 },
	{ 0xc0a80000, 0xffff0000 }, { 0xc6120000, 0xfffe0000 },
	{ 0xc6336400, 0xffffff00 }, { 0xcb007100, 0xffffff00 },
	{ 0xe0000000, 0xe0000000 },
};

int
prefix_parse(struct prefix *out, const char *text)
{
	struct prefix p = { 0 };
	char buf[64], *slash, *end;
	unsigned long bits;

	if (strlen(text) >= sizeof(buf))
		return -EINVAL;
	strcpy(buf, text);
	slash = strchr(buf, '/');
	if (slash != NULL)
		*slash++ = '\0';
	if (inet_pton(AF_INET, buf, p.base.bytes) == 1)
		p.base.family = 4;
	else if (inet_pton(AF_INET6, buf, p.base.bytes) == 1)
		p.base.family = 6;
	else
		return -EINVAL;
	p.bits = p.base.family == 4 ? 32 : 128;
	if (slash != NULL) {
		bits = strtoul(slash, &end, 10);
		if (*slash < '0' || *slash > '9' || *end != '\0' || bits > p.bits)
			return -EINVAL;
		p.bits = (unsigned int)bits;
	}
	*out = p;
	return 0;
}

static unsigned int
host_bits(const struct prefix *net)
{
	return (net->base.family == 4 ? 32 : 128) - net->bits;
}

uint64_t
prefix_hosts(const struct prefix *net)
{
	const unsigned int bits = host_bits(net);

	if (bits == 0)
		return 1;
	if (bits > 32)
		return UINT32_MAX;
	/* The all-zero and the all-one host are left out where there is room. */
	return bits == 1 ? 2 : (1ull << bits) - 2;
}

/* Replace the host bits of the base, from the last byte up, by those of 16 bytes. */
static struct address
with_host(const struct prefix *net, const uint8_t *host)
{
	struct address a = net->base;
	const size_t len = address_len(&a);
	unsigned int left = host_bits(net);

	for (size_t i = len; i-- > 0 && left > 0;) {
		const unsigned int n = left < 8 ? left : 8;
		const uint8_t mask = (uint8_t)((1u << n) - 1);

		a.bytes[i] =
			(uint8_t)((a.bytes[i] & ~mask) | (host[16 - len + i] & mask));
		left -= n;
	}
	return a;
}

struct address
address_host(const struct prefix *net, uint64_t n)
{
	uint8_t host[16] = { 0 };
	const uint32_t number = (uint32_t)(n + (host_bits(net) > 1 ? 1 : 0));

	for (size_t i = 0; i < 4; i++)
		host[15 - i] = (uint8_t)(number >> (8 * i));
	/*
	 * Customers of IPv6 each have a /64 of their own, so where the prefix has room
	 * for that the number also picks the network.
	 */
	if (net->base.family == 6 && net->bits <= 48) {
		host[7] = (uint8_t)number;
		host[6] = (uint8_t)(number >> 8);
	}
	return with_host(net, host);
}

struct address
address_within(const struct prefix *net, struct prng *p)
{
	uint8_t host[16];

	prng_fill(p, host, sizeof(host));
	return with_host(net, host);
}

static bool
is_bogon(uint32_t ip)
{
	for (size_t i = 0; i < sizeof(bogons) / sizeof(*bogons); i++) {
		if ((ip & bogons[i].mask) == bogons[i].net)
			return true;
	}
	return false;
}

struct address
address_random(unsigned int family, struct prng *p)
{
	struct address a = { .family = (uint8_t)family };
	uint32_t ip;

	if (family == 6) {
		prng_fill(p, a.bytes, 16);
		/* 2400::/8 to 2bff::/8, the regional registries' blocks. */
		a.bytes[0] = (uint8_t)(0x24 + (a.bytes[0] & 7));
		return a;
	}
	do {
		ip = (uint32_t)prng_next(p);
	} while (is_bogon(ip));
	for (size_t i = 0; i < 4; i++)
		a.bytes[i] = (uint8_t)(ip >> (24 - 8 * i));
	return a;
}
