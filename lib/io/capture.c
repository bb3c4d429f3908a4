/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/capture_in.h"

#define FILE_HEADER   24
#define RECORD_HEADER 16

enum magic {
	MAGIC_MICRO = 0xa1b2c3d4,
	MAGIC_NANO = 0xa1b23c4d,
	MAGIC_NG = 0x0a0d0d0a, /* reads the same in both byte orders */
};

uint16_t
capture_get16(const struct capture *c, const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return c->is_swapped ? __builtin_bswap16(v) : v;
}

uint32_t
capture_get32(const struct capture *c, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return c->is_swapped ? __builtin_bswap32(v) : v;
}

int
capture_corrupt(struct capture *c, const char *format, ...)
{
	char what[CAPTURE_WHY / 2];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(c->why, sizeof(c->why),
	         "'%.200s' is corrupt: %s; 'editcap' may save what stands before",
	         c->path, what);
	return -EBADMSG;
}

int
capture_want(struct capture *c, size_t n)
{
	if (c->pos + n > CAPTURE_HEADROOM + CAPTURE_ROOM) {
		memmove(c->room + CAPTURE_HEADROOM, c->room + c->pos, c->have - c->pos);
		c->have -= c->pos - CAPTURE_HEADROOM;
		c->pos = CAPTURE_HEADROOM;
	}
	while (c->have - c->pos < n) {
		ssize_t got = read(c->fd, c->room + c->have,
		                   CAPTURE_HEADROOM + CAPTURE_ROOM - c->have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int rc = -errno;

			snprintf(c->why, sizeof(c->why), "cannot read '%.200s': %s",
			         c->path, strerror(-rc));
			return rc;
		}
		if (got == 0) {
			c->is_truncated = c->have > c->pos;
			return 0;
		}
		c->have += (size_t)got;
	}
	return 1;
}

int
capture_pass(struct capture *c, uint64_t n)
{
	while (n > 0) {
		size_t here = c->have - c->pos;

		if (here == 0) {
			int rc = capture_want(c, 1);

			if (rc == 0)
				c->is_truncated = true;
			if (rc <= 0)
				return rc;
			continue;
		}
		if (here > n)
			here = (size_t)n;
		c->pos += here;
		n -= here;
	}
	return 1;
}

static int
pcap_next(struct capture *c, struct capture_frame *out)
{
	int rc = capture_want(c, RECORD_HEADER);
	uint32_t len, wire_len;
	uint64_t fraction;

	if (rc <= 0)
		return rc;
	len = capture_get32(c, capture_at(c) + 8);
	if (len > CAPTURE_MAX_RECORD)
		return capture_corrupt(c, "a record claims %u bytes", len);
	rc = capture_want(c, RECORD_HEADER + len);
	if (rc <= 0)
		return rc;

	fraction = capture_get32(c, capture_at(c) + 4);
	wire_len = capture_get32(c, capture_at(c) + 12);
	out->time_ns = capture_get32(c, capture_at(c)) * UINT64_C(1000000000) +
	               fraction * (c->is_nano ? 1 : 1000);
	out->len = len;
	out->wire_len = wire_len > len ? wire_len : len;
	capture_to_ethernet(&c->interface[0], capture_at(c) + RECORD_HEADER, out);
	c->pos += RECORD_HEADER + len;
	return 1;
}

int
capture_next(struct capture *c, struct capture_frame *out)
{
	int rc;

	if (c->why[0] != '\0')
		return -EBADMSG;
	if (!c->is_ng)
		return pcap_next(c, out);
	rc = capture_pass(c, c->rest);
	c->rest = 0;
	return rc <= 0 ? rc : capture_ng_next(c, out);
}

bool
capture_is_truncated(const struct capture *c)
{
	return c->is_truncated;
}

uint64_t
capture_skipped(const struct capture *c)
{
	return c->skipped;
}

const char *
capture_why(const struct capture *c)
{
	return c->why;
}

/* What a file is that is no capture, as far as its first bytes tell. */
static const char *
remedy(const uint8_t *p, size_t have)
{
	static const struct {
		uint8_t magic[4];
		uint8_t len;
		const char *remedy;
	} known[] = {
		{ { 0x1f, 0x8b }, 2, "is compressed; gunzip it first" },
		{ { 0x28, 0xb5, 0x2f, 0xfd }, 4, "is compressed; unzstd it first" },
		{ { 0xfd, '7', 'z', 'X' }, 4, "is compressed; unxz it first" },
		{ { 'B', 'Z', 'h' }, 3, "is compressed; bunzip2 it first" },
		{ { 0x04, 0x22, 0x4d, 0x18 }, 4, "is compressed; unlz4 it first" },
		{ { 'P', 'K', 3, 4 }, 4, "is an archive; unzip it first" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (have >= known[i].len && memcmp(p, known[i].magic, known[i].len) == 0)
			return known[i].remedy;
	return have == 0 ? "is empty"
	                 : "is neither pcap nor pcapng; 'editcap -F pcapng' converts "
	                   "what Wireshark can read";
}

static int
refuse(struct capture *c, int rc, const char *what)
{
	snprintf(c->why, sizeof(c->why), "'%.200s' %s", c->path, what);
	return rc;
}

/* Read the header of a pcap file; on success reading goes on at its first record. */
static int
read_header(struct capture *c)
{
	int rc = capture_want(c, 4);
	const uint8_t *p = capture_at(c);
	uint32_t magic;

	if (rc < 0)
		return rc;
	if (rc == 0)
		return refuse(c, -EBADMSG, remedy(p, c->have - c->pos));
	magic = capture_get32(c, p);
	c->is_ng = magic == MAGIC_NG;
	if (c->is_ng)
		return 0;
	c->is_swapped = magic == __builtin_bswap32(MAGIC_MICRO) ||
	                magic == __builtin_bswap32(MAGIC_NANO);
	magic = capture_get32(c, p);
	c->is_nano = magic == MAGIC_NANO;
	if (magic != MAGIC_MICRO && magic != MAGIC_NANO)
		return refuse(c, -EBADMSG, remedy(p, c->have - c->pos));

	rc = capture_want(c, FILE_HEADER);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return refuse(c, -EBADMSG, "ends inside its header");
	/* The upper bits may say that an FCS follows; to us that is Ethernet padding. */
	c->interface[0].link_type = capture_get32(c, capture_at(c) + 20) & 0x03ffffff;
	c->pos += FILE_HEADER;
	return 0;
}

static int
start(struct capture *c)
{
	int rc;

	c->pos = c->have = CAPTURE_HEADROOM;
	c->rest = c->skipped = c->last_ns = 0;
	c->is_swapped = c->is_truncated = false;
	c->interfaces = 0;
	c->why[0] = '\0';
	rc = read_header(c);
	if (rc == 0 && !c->is_ng && !capture_knows_link(c->interface[0].link_type)) {
		snprintf(c->why, sizeof(c->why),
		         "'%.200s' has link type %u; Ethernet, raw IP, Linux cooked and "
		         "null can be replayed",
		         c->path, c->interface[0].link_type);
		rc = -EPROTONOSUPPORT;
	}
	return rc;
}

int
capture_rewind(struct capture *c)
{
	if (lseek(c->fd, 0, SEEK_SET) < 0)
		return -errno;
	return start(c);
}

int
capture_open(const char *path, struct capture **out, char why[CAPTURE_WHY])
{
	struct capture *c = calloc(1, sizeof(*c));
	int rc = -ENOMEM;

	snprintf(why, CAPTURE_WHY, "no memory to read '%.200s'", path);
	if (c == NULL)
		return rc;
	c->fd = -1;
	c->path = strdup(path);
	c->room = malloc(CAPTURE_HEADROOM + CAPTURE_ROOM);
	if (c->path == NULL || c->room == NULL)
		goto fail;
	c->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (c->fd < 0) {
		rc = -errno;
		snprintf(why, CAPTURE_WHY, "cannot open '%.200s': %s", path,
		         strerror(-rc));
		goto fail;
	}
	rc = start(c);
	if (rc < 0) {
		memcpy(why, c->why, CAPTURE_WHY);
		goto fail;
	}
	why[0] = '\0';
	*out = c;
	return 0;
fail:
	capture_close(c);
	return rc;
}

void
capture_close(struct capture *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		close(c->fd);
	free(c->room);
	free(c->path);
	free(c);
}
