/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames of other links, dressed as Ethernet. */
#include <string.h>

#include "io/capture_in.h"

#define ETHER_LEN 14

enum link_type {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_RAW_BSD = 12, /* what FreeBSD and OpenBSD call raw IP */
	LINK_RAW_OPENBSD = 14,
	LINK_RAW = 101,
	LINK_LOOP = 108,
	LINK_SLL = 113,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_SLL2 = 276,
};

enum { TYPE_IPV4 = 0x0800, TYPE_IPV6 = 0x86dd, TYPE_UNKNOWN = 0xffff };

bool
capture_knows_link(uint32_t link_type)
{
	switch (link_type) {
	case LINK_NULL:
	case LINK_ETHERNET:
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
	case LINK_RAW:
	case LINK_LOOP:
	case LINK_SLL:
	case LINK_IPV4:
	case LINK_IPV6:
	case LINK_SLL2:
		return true;
	default:
		return false;
	}
}

static unsigned int
be16(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

/* The family is in the byte order of the machine that captured, whichever it was. */
static unsigned int
type_of_family(const uint8_t *p)
{
	switch (p[0] | p[1] | p[2] | p[3]) {
	case 2:
		return TYPE_IPV4;
	case 10: /* Linux */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* macOS */
		return TYPE_IPV6;
	default:
		return TYPE_UNKNOWN;
	}
}

static unsigned int
type_of_version(const uint8_t *p, size_t len)
{
	return len > 0 && p[0] >> 4 == 6 ? TYPE_IPV6 : TYPE_IPV4;
}

/* What stands before the network header: how long, and which ethertype it means. */
static size_t
link_header(uint32_t link_type, const uint8_t *p, size_t len, unsigned int *type)
{
	switch (link_type) {
	case LINK_NULL:
	case LINK_LOOP:
		*type = len >= 4 ? type_of_family(p) : TYPE_UNKNOWN;
		return 4;
	case LINK_SLL:
		*type = len >= 16 ? be16(p + 14) : TYPE_UNKNOWN;
		return 16;
	case LINK_SLL2:
		*type = len >= 20 ? be16(p) : TYPE_UNKNOWN;
		return 20;
	case LINK_IPV4:
		*type = TYPE_IPV4;
		return 0;
	case LINK_IPV6:
		*type = TYPE_IPV6;
		return 0;
	default:
		*type = type_of_version(p, len);
		return 0;
	}
}

void
capture_to_ethernet(const struct capture_interface *i, uint8_t *p,
                    struct capture_frame *frame)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };
	unsigned int type;
	size_t header;

	frame->bytes = p;
	if (i->link_type == LINK_ETHERNET)
		return;
	header = link_header(i->link_type, p, frame->len, &type);
	if (header > frame->len)
		header = frame->len;

	/* A length that no wire carries must not wrap to one that some does. */
	if (frame->wire_len > UINT32_MAX - ETHER_LEN)
		frame->wire_len = UINT32_MAX - ETHER_LEN;
	p += header;
	p[-2] = (uint8_t)(type >> 8);
	p[-1] = (uint8_t)type;
	memcpy(p - ETHER_LEN, macs, sizeof(macs));
	frame->bytes = p - ETHER_LEN;
	frame->len += (uint32_t)(ETHER_LEN - header);
	frame->wire_len += (uint32_t)(ETHER_LEN - header);
}
