/* SPDX-License-Identifier: BSD-3-Clause */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define V6_HOST_BITS 64 /* one IPv6 host is one /64 */

int
address_prefix_parse(struct address_prefix *prefix, const char *text)
{
	const char *slash = strchr(text, '/');
	const size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	char host[ADDRESS_TEXT];
	unsigned long bits;
	unsigned int width;
	char *end;

	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';

	memset(prefix, 0, sizeof(*prefix));
	prefix->family = strchr(host, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(prefix->family, host, prefix->bytes) != 1)
		return -EINVAL;

	width = prefix->family == AF_INET6 ? 128 : 32;
	prefix->bits = width;
	if (slash == NULL)
		return 0;
	bits = strtoul(slash + 1, &end, 10);
	if (*end != '\0' || end == slash + 1 || bits > width)
		return -EINVAL;
	prefix->bits = (unsigned int)bits;
	return 0;
}

int
address_group_parse(struct address_group *group, const char *text)
{
	unsigned int spare;
	unsigned long count;
	char *end;

	count = strtoul(text, &end, 10);
	if (*end != '@' || count == 0 || count > ADDRESS_GROUP_MAX)
		return -EINVAL;
	if (address_prefix_parse(&group->prefix, end + 1) != 0)
		return -EINVAL;

	spare = (group->prefix.family == AF_INET6 ? V6_HOST_BITS : 32) -
	        group->prefix.bits;
	if (group->prefix.bits > (group->prefix.family == AF_INET6 ? V6_HOST_BITS : 32U))
		return -EINVAL;
	/* Number 0 is the network itself and stays unused, hence one host less. */
	if (spare < 17 && count >= 1UL << spare)
		return -EINVAL;
	group->count = (unsigned int)count;
	return 0;
}

void
address_of_host(struct address *out, const struct address_group *group, unsigned int host)
{
	uint8_t bytes[16];
	uint32_t number = host + 1;
	/* The host number is added at the end of the address, or of its first half. */
	const size_t last = group->prefix.family == AF_INET6 ? 8 : 4;

	memcpy(bytes, group->prefix.bytes, sizeof(bytes));
	for (size_t i = last; i-- > 0 && number != 0;) {
		number += bytes[i];
		bytes[i] = (uint8_t)number;
		number >>= 8;
	}

	memset(out, 0, sizeof(*out));
	out->at.any.sa_family = (sa_family_t)group->prefix.family;
	if (group->prefix.family == AF_INET6) {
		bytes[15] = 1;
		memcpy(&out->at.v6.sin6_addr, bytes, 16);
	} else {
		memcpy(&out->at.v4.sin_addr, bytes, 4);
	}
}

int
address_parse(struct address *out, const char *text, uint16_t port)
{
	memset(out, 0, sizeof(*out));
	if (strchr(text, ':') != NULL) {
		out->at.v6.sin6_family = AF_INET6;
		out->at.v6.sin6_port = htons(port);
		return inet_pton(AF_INET6, text, &out->at.v6.sin6_addr) == 1 ? 0
		                                                             : -EINVAL;
	}
	out->at.v4.sin_family = AF_INET;
	out->at.v4.sin_port = htons(port);
	return inet_pton(AF_INET, text, &out->at.v4.sin_addr) == 1 ? 0 : -EINVAL;
}

bool
address_is_in(const struct address_prefix *prefix, int family, const uint8_t *bytes)
{
	const unsigned int whole = prefix->bits / 8;
	const unsigned int rest = prefix->bits % 8;
	const uint8_t mask = (uint8_t)(0xff00U >> rest);

	if (family != prefix->family || memcmp(bytes, prefix->bytes, whole) != 0)
		return false;
	return rest == 0 || ((bytes[whole] ^ prefix->bytes[whole]) & mask) == 0;
}

socklen_t
address_len(const struct address *address)
{
	if (address->at.any.sa_family == AF_INET6)
		return sizeof(address->at.v6);
	return sizeof(address->at.v4);
}

void
address_print(char *out, const struct address *address)
{
	const void *bytes = &address->at.v4.sin_addr;

	if (address->at.any.sa_family == AF_INET6)
		bytes = &address->at.v6.sin6_addr;
	if (inet_ntop(address->at.any.sa_family, bytes, out, ADDRESS_TEXT) == NULL)
		out[0] = '\0';
}
