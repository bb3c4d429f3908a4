/* SPDX-License-Identifier: BSD-3-Clause */
/* Captures as we write them: Ethernet, nanoseconds, byte order of this machine. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/capture.h"

#define NS_PER_S     UINT64_C(1000000000)
#define BUFFER       (256 << 10)
#define LONGEST_NAME 255
#define COMMENT_MAX  1024

struct capture_writer {
	FILE *file;
	char *buffer;
	bool is_ng;
	unsigned int interfaces;
	uint64_t size; /* bytes put so far */
	int error;     /* -errno of the first failure */
};

static void
put(struct capture_writer *w, const void *bytes, size_t n)
{
	if (n == 0)
		return;
	w->size += n;
	if (w->error == 0 && fwrite(bytes, 1, n, w->file) != n)
		w->error = errno != 0 ? -errno : -EIO;
}

static void
put32(struct capture_writer *w, uint32_t v)
{
	put(w, &v, sizeof(v));
}

static uint32_t
padded(uint32_t n)
{
	return (n + 3) & ~UINT32_C(3);
}

/* `n` bytes and zeros up to the next multiple of four. */
static void
put_padded(struct capture_writer *w, const void *bytes, uint32_t n)
{
	static const uint8_t zero[3];

	put(w, bytes, n);
	put(w, zero, padded(n) - n);
}

static void
put_option(struct capture_writer *w, uint16_t code, const void *value, uint16_t n)
{
	put(w, &code, sizeof(code));
	put(w, &n, sizeof(n));
	put_padded(w, value, n);
}

static void
put_pcap_header(struct capture_writer *w)
{
	static const uint32_t header[6] = { 0xa1b23c4d, 2 | 4 << 16,        0,
		                            0,          CAPTURE_MAX_RECORD, 1 };

	put(w, header, sizeof(header));
}

/* A section of unknown length, -1, without options: two runs write the same bytes. */
static void
put_section(struct capture_writer *w)
{
	static const uint32_t block[7] = { 0x0a0d0d0a, 28,         0x1a2b3c4d, 1,
		                           UINT32_MAX, UINT32_MAX, 28 };

	put(w, block, sizeof(block));
}

static bool
ends_in_pcap(const char *path)
{
	size_t n = strlen(path);

	return n >= 5 && strcmp(path + n - 5, ".pcap") == 0;
}

int
capture_create(const char *path, struct capture_writer **out, char why[CAPTURE_WHY])
{
	struct capture_writer *w = calloc(1, sizeof(*w));
	int rc = -ENOMEM;

	snprintf(why, CAPTURE_WHY, "no memory to write '%.200s'", path);
	if (w == NULL)
		return rc;
	w->is_ng = !ends_in_pcap(path);
	w->buffer = malloc(BUFFER);
	if (w->buffer == NULL)
		goto fail;
	w->file = fopen(path, "we");
	if (w->file == NULL) {
		rc = -errno;
		snprintf(why, CAPTURE_WHY, "cannot write '%.200s': %s", path,
		         strerror(-rc));
		goto fail;
	}
	setvbuf(w->file, w->buffer, _IOFBF, BUFFER);
	if (w->is_ng)
		put_section(w);
	else
		put_pcap_header(w);
	why[0] = '\0';
	*out = w;
	return 0;
fail:
	free(w->buffer);
	free(w);
	return rc;
}

int
capture_to(FILE *stream, struct capture_writer **out)
{
	struct capture_writer *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		fclose(stream);
		return -ENOMEM;
	}
	w->file = stream;
	w->is_ng = true;
	put_section(w);
	*out = w;
	return 0;
}

unsigned int
capture_add_interface(struct capture_writer *w, const char *name)
{
	uint16_t len = (uint16_t)strnlen(name, LONGEST_NAME);
	uint32_t total = 20 + 4 + padded(len) + 8 + 4;
	uint8_t nanoseconds = 9;

	if (!w->is_ng)
		return 0;
	put32(w, 1);
	put32(w, total);
	put32(w, 1); /* Ethernet */
	put32(w, 0); /* no snap length */
	put_option(w, 2, name, len);
	put_option(w, 9, &nanoseconds, 1);
	put_option(w, 0, "", 0);
	put32(w, total);
	return w->interfaces++;
}

static uint16_t
comment_len(const char *comment)
{
	return comment == NULL ? 0 : (uint16_t)strnlen(comment, COMMENT_MAX);
}

uint64_t
capture_block_size(const struct capture_frame *f, const char *comment)
{
	const uint16_t len = comment_len(comment);

	return 32 + padded(f->len) + (len > 0 ? 4 + padded(len) + 4 : 0);
}

static void
put_block(struct capture_writer *w, unsigned int interface, const struct capture_frame *f,
          const char *comment)
{
	const uint16_t len = comment_len(comment);
	const uint32_t total = (uint32_t)capture_block_size(f, comment);

	put32(w, 6);
	put32(w, total);
	put32(w, interface);
	put32(w, (uint32_t)(f->time_ns >> 32));
	put32(w, (uint32_t)f->time_ns);
	put32(w, f->len);
	put32(w, f->wire_len);
	put_padded(w, f->bytes, f->len);
	if (len > 0) {
		put_option(w, 1, comment, len);
		put_option(w, 0, "", 0);
	}
	put32(w, total);
}

void
capture_put(struct capture_writer *w, unsigned int interface,
            const struct capture_frame *frame, const char *comment)
{
	if (w->is_ng) {
		put_block(w, interface, frame, comment);
		return;
	}
	put32(w, (uint32_t)(frame->time_ns / NS_PER_S));
	put32(w, (uint32_t)(frame->time_ns % NS_PER_S));
	put32(w, frame->len);
	put32(w, frame->wire_len);
	put(w, frame->bytes, frame->len);
}

uint64_t
capture_size(const struct capture_writer *w)
{
	return w->size;
}

int
capture_flush(struct capture_writer *w)
{
	if (fflush(w->file) != 0 && w->error == 0)
		w->error = errno != 0 ? -errno : -EIO;
	return w->error;
}

int
capture_finish(struct capture_writer *w)
{
	int rc = w->error;

	if (fclose(w->file) != 0 && rc == 0)
		rc = -errno;
	free(w->buffer);
	free(w);
	return rc;
}
