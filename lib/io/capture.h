/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * capture - packets from and to files: pcap and pcapng.
 *
 * Whatever link type was captured (Ethernet, raw IP, Linux cooked 1 and 2,
 * null and loop), a frame comes out as Ethernet: what had no MAC addresses gets
 * two of its own making, 02:00:00:00:00:01 to 02:00:00:00:00:02. Files are read as a
 * stream through one buffer as large as the largest record that is believed,
 * so the size of a capture does not show in memory.
 *
 * Source  draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng, tcpdump.org/linktypes.html.
 * Units   times are ns since 1970; lengths are bytes, an FCS (if captured) included.
 * Threads none: a capture belongs to who opened it.
 */
#ifndef IO_CAPTURE_H
#define IO_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CAPTURE_WHY        512         /* room for the sentence why something failed */
#define CAPTURE_MAX_RECORD (256 << 10) /* bytes; a longer one means a corrupt file */

struct capture_frame {
	const uint8_t *bytes; /* an Ethernet frame */
	uint32_t len;         /* bytes captured */
	uint32_t wire_len;    /* bytes it had on the wire, >= len; more: it was snapped */
	uint64_t time_ns;
};

struct capture;
struct capture_writer;

/*
 * Open a capture for reading. Returns 0, or -errno with a sentence in `why`
 * (file, what is wrong, remedy) and *out untouched: what open() gave; -EBADMSG when it is no capture, is
 * compressed, or ends inside its first header; -EPROTONOSUPPORT when its link
 * type is not one of the above.
 */
int capture_open(const char *path, struct capture **out, char why[CAPTURE_WHY]);
void capture_close(struct capture *c);

/*
 * Read the next frame; its bytes stay valid until the next call. Returns 1; 0
 * at the end of the file, also when it ends inside a record; or -errno, -EBADMSG
 * for a corrupt record, with the sentence in capture_why().
 */
int capture_next(struct capture *c, struct capture_frame *out);

/* The file ended inside a record (known after capture_next() returned 0). */
bool capture_is_truncated(const struct capture *c);
/* Packets passed over because their pcapng interface has a link type of no use here. */
uint64_t capture_skipped(const struct capture *c);
/* Why capture_next() failed; "" when it did not. */
const char *capture_why(const struct capture *c);

/* Start again at the first frame. Returns 0, or -errno when this is no file but a pipe. */
int capture_rewind(struct capture *c);

/*
 * Open a capture for writing: pcap with ns times when the name ends in ".pcap",
 * else pcapng. An existing file is replaced. Returns 0 or -errno with `why`.
 */
int capture_create(const char *path, struct capture_writer **out, char why[CAPTURE_WHY]);

/*
 * Write pcapng to an open stream, which is the writer's from now on. Returns 0 or
 * -ENOMEM; the stream is closed then.
 */
int capture_to(FILE *stream, struct capture_writer **out);

/*
 * Name one more interface (pcapng). Interfaces come before frames; the first has
 * number 0. Returns its number, always 0 for pcap. Errors show at capture_finish().
 */
unsigned int capture_add_interface(struct capture_writer *w, const char *name);

/* Append a frame; `comment` may be NULL and is left out of pcap. Errors show at capture_finish(). */
void capture_put(struct capture_writer *w, unsigned int interface,
                 const struct capture_frame *frame, const char *comment);

/* Bytes written so far, and how many a frame with that comment would add (pcapng). */
uint64_t capture_size(const struct capture_writer *w);
uint64_t capture_block_size(const struct capture_frame *frame, const char *comment);

/* Hand everything to the system: what was put so far can be read. 0 or -errno, as below. */
int capture_flush(struct capture_writer *w);

/* Write out and close; frees w. Returns 0 or -errno of whatever failed first. */
int capture_finish(struct capture_writer *w);

#endif
