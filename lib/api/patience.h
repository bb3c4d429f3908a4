/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * patience - connections that take too long are ended, however busy they look.
 *
 *     head      5 s from the first byte wanted to its end; twice that when the
 *               connection waits between two requests
 *     body      10 s from the head to its end
 *     answer    30 s, and a second more for each 16 KiB of it
 *
 * The library's own time-out only counts silence, which a byte now and then
 * interrupts for ever. A thread looks at all connections four times a second and
 * shuts down those whose time is up; their own threads then find the end. When all
 * places of a server are taken, the connection that waits longest between two
 * requests gives its place up first.
 *
 * Units   ns of CLOCK_MONOTONIC.
 * Threads any; a lock inside. A connection is told from one thread at a time.
 */
#ifndef API_PATIENCE_H
#define API_PATIENCE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define API_PATIENCE_MAX       1024
#define API_PATIENCE_HEAD_NS   UINT64_C(5000000000)
#define API_PATIENCE_IDLE_NS   UINT64_C(10000000000)
#define API_PATIENCE_BODY_NS   UINT64_C(10000000000)
#define API_PATIENCE_ANSWER_NS UINT64_C(30000000000)
#define API_PATIENCE_BYTES     16384 /* of an answer, for each second more */

struct api_wait {
	int fd; /* -1: unused */
	bool is_idle, is_ended;
	unsigned int server;
	uint64_t since_ns, until_ns;
};

struct api_patience {
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	bool is_over;
	unsigned int most; /* connections of one server; beyond it idle ones go */
	struct api_wait of[API_PATIENCE_MAX];
};

uint64_t api_patience_clock(void);

/* Returns 0 or -errno. `most` is how many connections each server takes. */
int api_patience_open(struct api_patience *p, unsigned int most);
void api_patience_close(struct api_patience *p);

/* A connection came; NULL when there is no place, and nobody will watch it. */
struct api_wait *api_patience_add(struct api_patience *p, int fd, unsigned int server,
                                  uint64_t now_ns);
/* It is about to be closed. NULL is allowed, as below. */
void api_patience_remove(struct api_patience *p, struct api_wait *w);

/* The head of a request is here; its answer of so many bytes begins; it is sent. */
void api_patience_body(struct api_patience *p, struct api_wait *w, uint64_t now_ns);
void api_patience_answer(struct api_patience *p, struct api_wait *w, size_t len,
                         uint64_t now_ns);
void api_patience_idle(struct api_patience *p, struct api_wait *w, uint64_t now_ns);

/* End what took too long; returns how many that were. The thread calls it. */
unsigned int api_patience_turn(struct api_patience *p, uint64_t now_ns);

#endif
