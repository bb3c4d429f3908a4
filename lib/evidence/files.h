/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * files - samples on disk, in a ring of pcapng files.
 *
 * samples-00000001.pcapng, samples-00000002.pcapng … in one folder: a file that would
 * grow beyond its bound is closed and the next is begun; before it is, the oldest beyond
 * their number is removed, those of earlier runs too. Each file is whole by itself,
 * and after each flush everything in it can be read.
 *
 * When the disk is full or the folder cannot be written, that is told once. What was
 * flushed stays, the torn end of the file is cut off, and every ten seconds it is
 * tried again; nothing is removed meanwhile.
 *
 * Threads the writer of evidence alone.
 */
#ifndef EVIDENCE_FILES_H
#define EVIDENCE_FILES_H

#include "evidence/evidence.h"
#include "io/capture.h"

struct files {
	char folder[EVIDENCE_PATH]; /* "": off */
	uint64_t files, file_size;
	unsigned int links; /* two interfaces each */
	const char *const *link;

	struct capture_writer *w; /* NULL: none is open */
	char path[EVIDENCE_PATH + 32];
	uint64_t number;  /* of the file that is open, or of the last */
	uint64_t flushed; /* bytes of it that are on disk for sure */
	uint64_t inside;  /* samples among them */
	uint64_t pending; /* samples put since */

	uint64_t retry_ns; /* worker clock; 0: nothing is wrong */
	char error[256];
	uint64_t written, unwritten;
};

/* Off at first. `link` stays the caller's. */
void files_init(struct files *f, unsigned int links, const char *const *link);

/* Follow the settings; what they change begins with a new file. */
void files_set(struct files *f, const struct evidence_settings *s);

/* Put one packet that came in by `interface` (2 * link + side). */
void files_put(struct files *f, unsigned int interface, const struct capture_frame *frame,
               const char *comment, uint64_t now_ns);

/* Let everybody see what was put so far. */
void files_flush(struct files *f, uint64_t now_ns);
void files_close(struct files *f);

#endif
