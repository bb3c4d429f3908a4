/* SPDX-License-Identifier: BSD-3-Clause */
/* pcapng: sections, interfaces, three kinds of packet blocks; everything else is passed over. */
#include <errno.h>
#include <string.h>

#include "io/capture_in.h"

#define BLOCK_HEADER 8  /* type, length */
#define BLOCK_LEAST  12 /* and the length again at the end */
#define NS_PER_S     UINT64_C(1000000000)

enum block {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET_OLD = 2,
	BLOCK_PACKET_SIMPLE = 3,
	BLOCK_PACKET = 6,
	BLOCK_SECTION = 0x0a0d0d0a,
};

/* What a block came to, beside 0 and -errno as of capture_next(). */
enum { FRAME = 1, PASS_OVER = 2 };

enum interface_option { OPTION_END = 0, OPTION_TSRESOL = 9, OPTION_TSOFFSET = 14 };

/* A section begins: its byte order holds from here, interfaces start anew. */
static int
section(struct capture *c)
{
	int rc = capture_want(c, BLOCK_LEAST);
	uint32_t magic;

	if (rc <= 0)
		return rc;
	c->is_swapped = false;
	magic = capture_get32(c, capture_at(c) + 8);
	c->is_swapped = magic == 0x4d3c2b1a;
	if (!c->is_swapped && magic != 0x1a2b3c4d)
		return capture_corrupt(c, "a section starts with 0x%08x", magic);
	c->interfaces = 0;
	return PASS_OVER;
}

static void
read_options(struct capture *c, struct capture_interface *i, const uint8_t *p, size_t n)
{
	while (n >= 4) {
		unsigned int code = capture_get16(c, p), len = capture_get16(c, p + 2);
		size_t step = 4 + ((size_t)len + 3) / 4 * 4;
		uint64_t word;

		if (code == OPTION_END || step > n)
			return;
		if (code == OPTION_TSRESOL && len == 1)
			i->resolution = p[4];
		if (code == OPTION_TSOFFSET && len == 8) {
			memcpy(&word, p + 4, sizeof(word));
			i->offset_s =
				(int64_t)(c->is_swapped ? __builtin_bswap64(word) : word);
		}
		p += step;
		n -= step;
	}
}

static int
interface(struct capture *c, uint32_t length)
{
	struct capture_interface *i = &c->interface[c->interfaces];
	int rc;

	if (c->interfaces == CAPTURE_INTERFACES)
		return capture_corrupt(c, "more than %d interfaces in a section",
		                       CAPTURE_INTERFACES);
	if (length < 20 || length > CAPTURE_ROOM)
		return capture_corrupt(c, "an interface block of %u bytes", length);
	rc = capture_want(c, length);
	if (rc <= 0)
		return rc;
	*i = (struct capture_interface){
		.link_type = capture_get16(c, capture_at(c) + 8),
		.snap_len = capture_get32(c, capture_at(c) + 12),
		.resolution = 6,
	};
	read_options(c, i, capture_at(c) + 16, length - 20);
	c->interfaces++;
	return PASS_OVER;
}

/* Units of the interface's clock to ns; a clock beyond all reason stands at its offset. */
static uint64_t
ns_of(const struct capture_interface *i, uint64_t stamp)
{
	unsigned int power = i->resolution & 0x7f;
	uint64_t base = (uint64_t)i->offset_s * NS_PER_S, units = 1;

	if (i->resolution & 0x80) {
		if (power > 63)
			return base;
		units = UINT64_C(1) << power;
	} else {
		if (power > 19)
			return base;
		while (power-- > 0)
			units *= 10;
	}
	return base + stamp / units * NS_PER_S +
	       (uint64_t)((unsigned __int128)(stamp % units) * NS_PER_S / units);
}

/* Where a packet block keeps what. */
struct packet {
	uint32_t interface, header, len, wire_len;
	uint64_t stamp;
	bool has_stamp;
};

static void
read_packet(struct capture *c, uint32_t type, struct packet *k)
{
	const uint8_t *p = capture_at(c) + BLOCK_HEADER;

	k->has_stamp = type != BLOCK_PACKET_SIMPLE;
	if (k->has_stamp) {
		k->header = BLOCK_HEADER + 20;
		k->interface =
			type == BLOCK_PACKET ? capture_get32(c, p) : capture_get16(c, p);
		k->stamp =
			(uint64_t)capture_get32(c, p + 4) << 32 | capture_get32(c, p + 8);
		k->len = capture_get32(c, p + 12);
		k->wire_len = capture_get32(c, p + 16);
		return;
	}
	/* A simple block belongs to interface 0 and is cut to that one's snap length. */
	k->header = BLOCK_HEADER + 4;
	k->interface = 0;
	k->stamp = 0;
	k->len = k->wire_len = capture_get32(c, p);
	if (c->interfaces > 0 && c->interface[0].snap_len != 0 &&
	    k->len > c->interface[0].snap_len)
		k->len = c->interface[0].snap_len;
}

static int
packet(struct capture *c, uint32_t type, uint32_t length, struct capture_frame *out)
{
	const uint32_t least = type == BLOCK_PACKET_SIMPLE ? 16 : 32;
	const struct capture_interface *i;
	struct packet k;
	int rc;

	if (length < least)
		return capture_corrupt(c, "a packet block of %u bytes", length);
	rc = capture_want(c, least - 4);
	if (rc <= 0)
		return rc;
	read_packet(c, type, &k);
	if (k.interface >= c->interfaces)
		return capture_corrupt(c,
		                       "a packet of interface %u, which is not described",
		                       k.interface);
	if (k.len > CAPTURE_MAX_RECORD || k.len > length - least)
		return capture_corrupt(c, "a packet of %u bytes in a block of %u", k.len,
		                       length);
	i = &c->interface[k.interface];
	if (!capture_knows_link(i->link_type)) {
		c->skipped++;
		return PASS_OVER;
	}
	rc = capture_want(c, k.header + k.len);
	if (rc <= 0)
		return rc;

	if (k.has_stamp)
		c->last_ns = ns_of(i, k.stamp);
	out->time_ns = c->last_ns;
	out->len = k.len;
	out->wire_len = k.wire_len > k.len ? k.wire_len : k.len;
	capture_to_ethernet(i, capture_at(c) + k.header, out);
	c->pos += k.header + k.len;
	c->rest = length - k.header - k.len;
	return FRAME;
}

int
capture_ng_next(struct capture *c, struct capture_frame *out)
{
	for (;;) {
		int rc = capture_want(c, BLOCK_LEAST);
		uint32_t type, length;

		if (rc <= 0)
			return rc;
		type = capture_get32(c, capture_at(c));
		rc = type == BLOCK_SECTION ? section(c) : PASS_OVER;
		if (rc <= 0)
			return rc;
		length = capture_get32(c, capture_at(c) + 4);
		if (length < BLOCK_LEAST || length % 4 != 0)
			return capture_corrupt(c, "a block of %u bytes", length);

		if (type == BLOCK_INTERFACE)
			rc = interface(c, length);
		else if (type == BLOCK_PACKET || type == BLOCK_PACKET_SIMPLE ||
		         type == BLOCK_PACKET_OLD)
			rc = packet(c, type, length, out);
		if (rc == FRAME)
			return 1;
		if (rc > 0)
			rc = capture_pass(c, length);
		if (rc <= 0)
			return rc;
	}
}
