/* SPDX-License-Identifier: BSD-3-Clause */
/* lay - capture files byte by byte, in either byte order, and what is expected of them. */
#ifndef TESTS_IO_LAY_H
#define TESTS_IO_LAY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "folder.h"
#include "io/capture.h"

static char path[64];

/* --- a file under construction ------------------------------------------- */

static struct {
	uint8_t bytes[65536];
	size_t len;
	bool is_big;
} f;

static inline void
reset(bool is_big)
{
	f.len = 0;
	f.is_big = is_big;
}

static inline void
p8(unsigned int v)
{
	f.bytes[f.len++] = (uint8_t)v;
}

static inline void
p16(unsigned int v)
{
	p8(f.is_big ? v >> 8 : v);
	p8(f.is_big ? v : v >> 8);
}

static inline void
p32(uint32_t v)
{
	p16(f.is_big ? v >> 16 : v & 0xffff);
	p16(f.is_big ? v & 0xffff : v >> 16);
}

static inline void
fill(unsigned int v, size_t n)
{
	while (n-- > 0)
		p8(v);
}

static inline const char *
save(const char *name)
{
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL(fwrite(f.bytes, 1, f.len, file), f.len);
	fclose(file);
	return path;
}

static inline void
pcap_header(uint32_t magic, uint32_t link_type)
{
	p32(magic);
	p16(2);
	p16(4);
	p32(0);
	p32(0);
	p32(65535);
	p32(link_type);
}

static inline void
pcap_record(uint32_t s, uint32_t fraction, uint32_t len, uint32_t wire_len)
{
	p32(s);
	p32(fraction);
	p32(len);
	p32(wire_len);
}

static inline void
section(void)
{
	p32(0x0a0d0d0a);
	p32(28);
	p32(0x1a2b3c4d);
	p16(1);
	p16(0);
	p32(UINT32_MAX);
	p32(UINT32_MAX);
	p32(28);
}

/* resolution 6 is the default and not written; offset 0 neither. */
static inline void
interface(unsigned int link_type, uint32_t snap, unsigned int resolution, uint32_t offset)
{
	uint32_t len = 20 + (resolution != 6 ? 8u : 0) + (offset != 0 ? 12u : 0) + 4;

	p32(1);
	p32(len);
	p16(link_type);
	p16(0);
	p32(snap);
	if (resolution != 6) {
		p16(9);
		p16(1);
		p8(resolution);
		fill(0, 3);
	}
	if (offset != 0) {
		p16(14);
		p16(8);
		p32(f.is_big ? 0 : offset);
		p32(f.is_big ? offset : 0);
	}
	p32(0);
	p32(len);
}

static inline void
packet(uint32_t id, uint64_t stamp, uint32_t len, uint32_t wire_len)
{
	uint32_t padded = (len + 3) & ~UINT32_C(3);

	p32(6);
	p32(32 + padded);
	p32(id);
	p32((uint32_t)(stamp >> 32));
	p32((uint32_t)stamp);
	p32(len);
	p32(wire_len);
	fill(0xab, len);
	fill(0, padded - len);
	p32(32 + padded);
}

static inline struct capture *
open_saved(const char *name)
{
	char why[CAPTURE_WHY];
	struct capture *c = NULL;

	if (capture_open(save(name), &c, why) != 0)
		printf("\n    %s ", why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	return c;
}

static inline void
expect(struct capture *c, uint64_t time_ns, uint32_t len, uint32_t wire_len)
{
	struct capture_frame frame;
	int rc = capture_next(c, &frame);

	if (rc < 0)
		printf("\n    %s ", capture_why(c));
	CU_ASSERT_EQUAL_FATAL(rc, 1);
	CU_ASSERT_EQUAL(frame.time_ns, time_ns);
	CU_ASSERT_EQUAL(frame.len, len);
	CU_ASSERT_EQUAL(frame.wire_len, wire_len);
}

static inline void
expect_end(struct capture *c, bool is_truncated)
{
	struct capture_frame frame;

	CU_ASSERT_EQUAL(capture_next(c, &frame), 0);
	CU_ASSERT_EQUAL(capture_is_truncated(c), is_truncated);
}

#endif
