/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sink - append lines to a file, keep it and its forerunners small, and never stop for it.
 *
 * Each line is one write to a file opened for appending. A file that would grow
 * beyond a size is renamed to FILE.1, FILE.1 to FILE.2 and so on; the oldest goes.
 * One that others renamed, removed or emptied is noticed within a second, or at
 * once when asked. A disk that is full is told once in the log, lines are counted
 * as lost until it takes some again, and no half line stays behind.
 *
 * Nothing here waits: pipes and standard output take what fits, or it is lost.
 *
 * Threads the event writer only, but for event_sink_reopen().
 */
#ifndef EVENT_SINK_H
#define EVENT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define EVENT_SINK_PATH 4096

struct event_sink {
	char path[EVENT_SINK_PATH]; /* "": off, "-": standard output */
	uint64_t rotate_bytes;      /* 0: never renamed by us */
	unsigned int keep;          /* renamed ones */
	int fd;                     /* -1: not open */
	dev_t dev;
	ino_t ino;
	bool is_regular, is_socket;
	uint64_t size;  /* of a regular file */
	bool is_cut;    /* the last line misses its end, and could not be taken back */
	bool is_broken; /* told in the log */
	bool is_stuck;  /* it cannot be renamed, and that was told */
	bool reopen;    /* __atomic */
	uint64_t lost;  /* lines since it broke, or until it was mended */
	const char *trouble; /* a literal: what it cannot do since it broke */
	int error;           /* and why */
};

/* A file that cannot be opened yet is tried again at each check. keep is at least 1. */
void event_sink_open(struct event_sink *s, const char *path, uint64_t rotate_bytes,
                     unsigned int keep);
void event_sink_close(struct event_sink *s);

/* Follow a rename; call about once a second. */
void event_sink_check(struct event_sink *s);

/* Ask for a new open, from any thread or signal handler. */
void event_sink_reopen(struct event_sink *s);

/* Write len bytes and a newline. Returns whether all of it was taken; else the line is lost. */
bool event_sink_write(struct event_sink *s, const char *line, size_t len);

/* The same to find out whether it takes lines again: a line that it does not take is not lost. */
bool event_sink_try(struct event_sink *s, const char *line, size_t len);

#endif
