/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * http - one request and its answer, over TCP or a Unix socket.
 *
 * Each request has a connection of its own, which the server closes.
 *
 * Source  RFC 9112 (HTTP/1.1).
 */
#ifndef TIDEGATE_HTTP_H
#define TIDEGATE_HTTP_H

#include <stddef.h>
#include <sys/types.h>

#define HTTP_TIMEOUT_MS 20000
#define HTTP_ANSWER_MAX (32u << 20)

struct http_request {
	const char *method, *path;
	const char *body;        /* JSON, or NULL */
	const char *token;       /* "" or NULL: none is sent */
	unsigned int timeout_ms; /* for all of it; 0: HTTP_TIMEOUT_MS */
};

struct http_answer {
	int status;
	char *body; /* with a NUL after it; free() it */
	size_t len;
};

/*
 * Ask `api`, "unix:/path" or "http://HOST[:PORT]". Returns 0, or -errno: -EINVAL
 * for an api that cannot be read, -EPROTO for an answer that is no HTTP,
 * -ETIMEDOUT, and what connect() says.
 */
int http_ask(const char *api, const struct http_request *request,
             struct http_answer *out);

/*
 * Who listens at a Unix socket. Returns the process, 0 when the kernel does not tell
 * (it is in another namespace), or -errno of connect().
 */
pid_t http_listener(const char *path);

#endif
