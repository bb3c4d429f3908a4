/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sink - append lines to a file that others rotate, and never stop for it.
 *
 * Each line is one write() to a file opened for appending. A file that was
 * renamed or removed is opened anew within a second, or at once when asked. A
 * disk that is full is told once in the log, lines are counted as lost until it
 * takes some again, and a line that was cut short is ended before the next.
 *
 * Threads the event writer only, but for event_sink_reopen().
 */
#ifndef EVENT_SINK_H
#define EVENT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct event_sink {
	char path[256]; /* "": off, "-": standard output */
	int fd;         /* -1: not open */
	dev_t dev;
	ino_t ino;
	bool is_cut;    /* the last line misses its end */
	bool is_broken; /* told in the log */
	bool reopen;    /* __atomic */
	uint64_t lost;  /* lines since it broke */
};

/* A file that cannot be opened yet is tried again at each check. */
void event_sink_open(struct event_sink *s, const char *path);
void event_sink_close(struct event_sink *s);

/* Follow a rename; call about once a second. */
void event_sink_check(struct event_sink *s);

/* Ask for a new open, from any thread or signal handler. */
void event_sink_reopen(struct event_sink *s);

/* Write len bytes that end with a newline. Returns whether all of it was taken. */
bool event_sink_write(struct event_sink *s, const char *line, size_t len);

#endif
