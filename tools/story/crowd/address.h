/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * address - many source addresses out of one prefix.
 *
 * A group "100@198.18.0.0/24" is a hundred hosts of that prefix. IPv4 hosts follow
 * each other from .1 on; IPv6 hosts get one /64 each, because that is what one
 * subscriber gets and what a per-source meter keys on. No address is configured on
 * an interface: a local route to the prefix and a free bind are enough.
 *
 * Threads none.
 */
#ifndef CROWD_ADDRESS_H
#define CROWD_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT 64 /* bytes of a printed address with its final zero */

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} at;
};

struct address_prefix {
	int family;        /* AF_INET or AF_INET6 */
	unsigned int bits; /* prefix length */
	uint8_t bytes[16]; /* network order; the first 4 for IPv4 */
};

struct address_group {
	struct address_prefix prefix;
	unsigned int count; /* hosts, 1..ADDRESS_GROUP_MAX */
};

#define ADDRESS_GROUP_MAX 65000

/* Read "198.18.0.0/24" or a bare address. Returns 0 or -EINVAL. */
int address_prefix_parse(struct address_prefix *prefix, const char *text);

/* Read "COUNT@PREFIX". Returns 0, or -EINVAL when the prefix has not that many hosts. */
int address_group_parse(struct address_group *group, const char *text);

/* Host number 0..count-1 of the group, port 0. */
void address_of_host(struct address *out, const struct address_group *group,
                     unsigned int host);

/* Read one address and give it a port. Returns 0 or -EINVAL. */
int address_parse(struct address *out, const char *text, uint16_t port);

/* Is the address (4 or 16 bytes in network order, by family) inside the prefix? */
bool address_is_in(const struct address_prefix *prefix, int family, const uint8_t *bytes);

/* Bytes that bind() and connect() want. */
socklen_t address_len(const struct address *address);

/* Print without the port into out[ADDRESS_TEXT]. */
void address_print(char *out, const struct address *address);

#endif
