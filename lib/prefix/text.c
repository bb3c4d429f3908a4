/* SPDX-License-Identifier: BSD-3-Clause */
/* text - prefixes as operators write them. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "prefix/prefix.h"

#define MAPPED_BITS 96

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool
is_mapped(const uint8_t address[16])
{
	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

bool
prefix_is_ipv4(const struct prefix *p)
{
	return p->len >= MAPPED_BITS && is_mapped(p->address);
}

/* Clear the bits after the first `len`. */
static void
mask_address(uint8_t address[16], unsigned int len)
{
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int bits = len > i * 8 ? len - i * 8 : 0;

		if (bits < 8)
			address[i] &= (uint8_t) ~(0xffu >> bits);
	}
}

bool
prefix_holds(const struct prefix *p, const uint8_t address[16])
{
	uint8_t masked[16];

	if (prefix_is_ipv4(p) != is_mapped(address))
		return false;
	memcpy(masked, address, sizeof(masked));
	mask_address(masked, p->len);
	return memcmp(masked, p->address, sizeof(masked)) == 0;
}

void
prefix_mask(struct prefix *p, const uint8_t address[16])
{
	memcpy(p->address, address, sizeof(p->address));
	mask_address(p->address, p->len);
}

/* Decimal without sign, blanks or leading zeros. */
static int
parse_len(const char *text, unsigned int most, unsigned int *out)
{
	unsigned int len = 0;

	if (*text == '\0' || (text[0] == '0' && text[1] != '\0'))
		return -EINVAL;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		/* Stays above `most` once it is; needs no more than that. */
		if (len <= most)
			len = len * 10 + (unsigned int)(*text - '0');
	}
	if (len > most)
		return -ERANGE;
	*out = len;
	return 0;
}

int
prefix_parse(const char *text, struct prefix *out)
{
	const char *slash = strchrnul(text, '/');
	const size_t chars = (size_t)(slash - text);
	char bare[INET6_ADDRSTRLEN];
	struct prefix p = { .len = 0 };
	unsigned int most = 128, len;
	int status;

	if (chars == 0 || chars >= sizeof(bare))
		return -EINVAL;
	memcpy(bare, text, chars);
	bare[chars] = '\0';

	if (inet_pton(AF_INET, bare, p.address + sizeof(mapped)) == 1) {
		memcpy(p.address, mapped, sizeof(mapped));
		most = 32;
	} else if (inet_pton(AF_INET6, bare, p.address) != 1) {
		return -EINVAL;
	}

	len = most;
	if (*slash == '/') {
		status = parse_len(slash + 1, most, &len);
		if (status != 0)
			return status;
	}
	p.len = (uint8_t)(most == 32 ? len + MAPPED_BITS : len);

	*out = p;
	mask_address(out->address, out->len);
	return memcmp(out->address, p.address, sizeof(p.address)) == 0 ? 0 : -EDOM;
}

void
prefix_format_address(const uint8_t address[16], char text[PREFIX_TEXT])
{
	if (is_mapped(address))
		inet_ntop(AF_INET, address + sizeof(mapped), text, PREFIX_TEXT);
	else
		inet_ntop(AF_INET6, address, text, PREFIX_TEXT);
}

void
prefix_format(const struct prefix *p, char text[PREFIX_TEXT])
{
	unsigned int len = p->len;
	size_t used;

	if (prefix_is_ipv4(p)) {
		prefix_format_address(p->address, text);
		len -= MAPPED_BITS;
	} else {
		inet_ntop(AF_INET6, p->address, text, PREFIX_TEXT);
	}
	used = strlen(text);
	snprintf(text + used, PREFIX_TEXT - used, "/%u", len);
}
