/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exchange - one HTTP/1.1 request and its answer over a non-blocking socket.
 *
 * A customer's experience in one word: the whole body came in time, or one of the ways
 * in which it did not. Reading goes on until Content-Length is reached; a body that
 * ends early is a failure, however polite the status line was.
 *
 * Units   *_ns are CLOCK_MONOTONIC nanoseconds.
 * Threads none: an exchange belongs to one epoll loop.
 * Source  RFC 9112 §6.3 (Content-Length), the only framing the story's shop uses.
 */
#ifndef CROWD_EXCHANGE_H
#define CROWD_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"

enum exchange_end {
	EXCHANGE_RUNNING,
	EXCHANGE_OK,
	EXCHANGE_CONNECT_TIMEOUT,
	EXCHANGE_READ_TIMEOUT,
	EXCHANGE_RESET, /* refused, reset, or unreachable */
	EXCHANGE_SHORT, /* closed before the whole body, or not a 200 */
	EXCHANGE_LOCAL, /* we could not even ask: no socket, no address */
	EXCHANGE_ENDS   /* how many there are */
};

struct exchange_plan {
	struct address source;
	const struct address *shop;
	const char *request;
	size_t request_len;
	uint64_t timeout_ns;
	bool keep_alive;
};

enum exchange_step { EXCHANGE_IDLE, EXCHANGE_CONNECTING, EXCHANGE_READING };

struct exchange {
	int fd; /* -1, or a connection; kept while idle by keep-alive customers */
	enum exchange_step step;
	uint64_t began_ns;
	uint64_t deadline_ns;
	uint64_t body_left;
	bool head_done;
	size_t head_len;
	char head[1024];
};

void exchange_init(struct exchange *x);

/*
 * Begin asking; an open idle connection is used again. The socket is put into epoll set
 * `epoll` with `cookie`. Returns EXCHANGE_RUNNING, or how it ended already.
 */
enum exchange_end exchange_begin(struct exchange *x, const struct exchange_plan *plan,
                                 int epoll, uint32_t cookie);

/* The socket can do something, or its deadline may have passed. */
enum exchange_end exchange_go_on(struct exchange *x, const struct exchange_plan *plan);
enum exchange_end exchange_check_deadline(struct exchange *x, uint64_t now_ns);

/* Forget the connection; with a reset when the exchange has failed. */
void exchange_close(struct exchange *x, bool reset);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t exchange_now_ns(void);

#endif
