/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * address - prefixes and port ranges from text.
 *
 * IPv4 is kept as IPv4-mapped IPv6. Host bits are refused, with both things
 * that could have been meant: the network, or the one address.
 */
#include "conf/parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAPPED 96 /* bits before an IPv4 address */

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool
is_ipv4(const struct conf_prefix *p)
{
	return p->len >= MAPPED && memcmp(p->address, mapped, sizeof(mapped)) == 0;
}

void
conf_format_prefix(const struct conf_prefix *p, char text[CONF_PREFIX_TEXT])
{
	bool v4 = is_ipv4(p);
	char address[INET6_ADDRSTRLEN];

	inet_ntop(v4 ? AF_INET : AF_INET6, p->address + (v4 ? sizeof(mapped) : 0),
	          address, sizeof(address));
	snprintf(text, CONF_PREFIX_TEXT, "%s/%u", address, p->len - (v4 ? MAPPED : 0u));
}

/* Clear what lies behind the length. Returns whether anything was set there. */
static bool
mask(struct conf_prefix *p)
{
	bool had = false;

	for (unsigned int bit = p->len; bit < 128; bit++) {
		uint8_t one = (uint8_t)(0x80u >> (bit % 8));

		had |= (p->address[bit / 8] & one) != 0;
		p->address[bit / 8] &= (uint8_t)~one;
	}
	return had;
}

static int
read_address(const char *text, size_t n, struct conf_prefix *p)
{
	char address[INET6_ADDRSTRLEN];

	if (n >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, n);
	address[n] = '\0';
	memcpy(p->address, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, address, p->address + sizeof(mapped)) == 1)
		return 32;
	if (inet_pton(AF_INET6, address, p->address) == 1)
		return 128;
	return -EINVAL;
}

/* A decimal of at most `digits` digits without leading zeros, or -EINVAL. */
static int
decimal(const char *text, size_t n, size_t digits)
{
	int value = 0;

	if (n == 0 || n > digits || (n > 1 && text[0] == '0'))
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

static int
read_prefix(const char *text, struct conf_prefix *p, char *why)
{
	size_t n = strcspn(text, "/");
	int width = read_address(text, n, p), len = width;
	char network[CONF_PREFIX_TEXT];

	if (width < 0) {
		snprintf(why, CONF_WHY,
		         "\"%.64s\" is not a prefix; write for example \"192.0.2.0/24\" "
		         "or "
		         "\"2001:db8::/32\"",
		         text);
		return -EINVAL;
	}
	if (text[n] == '/')
		len = decimal(text + n + 1, strlen(text + n + 1), 3);
	if (len < 0 || len > width) {
		snprintf(why, CONF_WHY, "\"%.64s\": the length of this prefix is 0 to %d",
		         text, width);
		return -EINVAL;
	}
	p->len = (uint8_t)(len + (width == 32 ? MAPPED : 0));
	if (width == 128 && is_ipv4(p)) {
		snprintf(why, CONF_WHY,
		         "\"%.64s\" is an IPv4 address in IPv6 clothes; write it as "
		         "IPv4",
		         text);
		return -EINVAL;
	}
	if (!mask(p))
		return 0;
	conf_format_prefix(p, network);
	snprintf(why, CONF_WHY,
	         "\"%.64s\" has bits set behind its length; did you mean \"%s\" or "
	         "\"%.*s/%d\"?",
	         text, network, (int)n, text, width);
	return -EINVAL;
}

int
conf_parse_prefix(const char *text, struct conf_prefix *prefix, char *why,
                  size_t why_size)
{
	char sentence[CONF_WHY] = "";
	struct conf_prefix read = { { 0 }, 0 };
	int rc = read_prefix(text, &read, sentence);

	if (rc < 0)
		snprintf(why, why_size, "%s", sentence);
	else
		*prefix = read;
	return rc;
}

int
conf_ports_range(const char *text, struct conf_port_range *range, char *why)
{
	size_t n = strcspn(text, "-");
	int first = decimal(text, n, 5), last = first;

	if (text[n] == '-')
		last = decimal(text + n + 1, strlen(text + n + 1), 5);
	if (first < 0 || last < 0 || first > UINT16_MAX || last > UINT16_MAX) {
		snprintf(why, CONF_WHY,
		         "\"%.64s\" is not a port; write for example \"443\" or "
		         "\"8000-8099\"",
		         text);
		return -EINVAL;
	}
	if (first == 0) {
		snprintf(why, CONF_WHY, "\"%.64s\": ports begin with 1", text);
		return -EINVAL;
	}
	if (first > last) {
		snprintf(why, CONF_WHY,
		         "\"%.64s\" runs backwards; did you mean \"%d-%d\"?", text, last,
		         first);
		return -EINVAL;
	}
	range->first = (uint16_t)first;
	range->last = (uint16_t)last;
	return 0;
}
