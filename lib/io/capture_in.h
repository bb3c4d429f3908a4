/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * capture_in - what the files of the capture reader share, and nobody else.
 *
 * Headroom stands before the buffer, so that a frame without Ethernet header
 * gets one written right in front of it, over header bytes already read.
 */
#ifndef IO_CAPTURE_IN_H
#define IO_CAPTURE_IN_H

#include "io/capture.h"

#define CAPTURE_HEADROOM   16
#define CAPTURE_ROOM       (CAPTURE_MAX_RECORD + 1024)
#define CAPTURE_INTERFACES 256

struct capture_interface {
	uint32_t link_type;
	uint32_t snap_len;  /* 0: none */
	uint8_t resolution; /* if_tsresol */
	int64_t offset_s;   /* if_tsoffset */
};

struct capture {
	int fd;
	char *path;
	uint8_t *room;    /* CAPTURE_HEADROOM + CAPTURE_ROOM bytes */
	size_t pos, have; /* unread bytes are [pos, have) */
	uint64_t rest;    /* bytes of the current record still to be passed over */
	bool is_ng, is_swapped, is_nano, is_truncated;
	unsigned int interfaces;
	struct capture_interface interface[CAPTURE_INTERFACES];
	uint64_t last_ns, skipped;
	char why[CAPTURE_WHY];
};

/* A field in the byte order of the section. */
uint16_t capture_get16(const struct capture *c, const uint8_t *p);
uint32_t capture_get32(const struct capture *c, const uint8_t *p);

/*
 * Have n bytes unread and contiguous, n <= CAPTURE_ROOM. Returns 1; 0 when the file
 * ends before, marking it truncated unless it ended exactly here; or -errno.
 */
int capture_want(struct capture *c, size_t n);
/* Pass over n bytes. Returns as capture_want(). */
int capture_pass(struct capture *c, uint64_t n);

static inline uint8_t *
capture_at(struct capture *c)
{
	return c->room + c->pos;
}

int capture_corrupt(struct capture *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

bool capture_knows_link(uint32_t link_type);

/*
 * Turn `len` bytes of a record into an Ethernet frame, in place; up to
 * CAPTURE_HEADROOM bytes before p are overwritten.
 */
void capture_to_ethernet(const struct capture_interface *i, uint8_t *p,
                         struct capture_frame *frame);

/* The next frame of a pcapng file; as capture_next(). */
int capture_ng_next(struct capture *c, struct capture_frame *out);

#endif
