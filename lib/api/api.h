/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * api - the HTTP interface: reads for everybody on this machine, writes with a token.
 *
 *     socket -> server (libmicrohttpd, or nothing) -> api_answer -> telemetry
 *                                                          '-----> box: reload, mode ...
 *
 * It listens on Unix sockets (mode 0660) and loopback addresses, 64 connections
 * at once, 10 s of silence at most, 64 KiB a body, one thread a connection, so
 * that a slow question never keeps another waiting. It never touches a worker's state.
 *
 * Threads api_open and api_close: the program's main thread.
 * Source  RFC 9110 (HTTP), RFC 6750 (bearer tokens), RFC 9457 (problem details).
 */
#ifndef API_API_H
#define API_API_H

#include <stdbool.h>
#include <stddef.h>

#include "api/assets.h"
#include "event/events.h"
#include "telemetry/telemetry.h"

#define API_BODY_MAX    65536
#define API_CONNECTIONS 64
#define API_NAMES_MAX   16
#define API_PER_ADDRESS 16 /* of them, where addresses are those of others */
#define API_TIMEOUT_S   10
#define API_LISTEN_MAX  8
#define API_WHY         256

struct api_settings {
	struct telemetry *telemetry;
	struct events *events;          /* for audits; may be NULL */
	const char *const *listen;      /* "unix:/path" or "ADDRESS:PORT" */
	size_t listens;                 /* at most API_LISTEN_MAX */
	const char *tokens_file;        /* NULL or "": every write is refused */
	const struct api_asset *assets; /* files served at "/"; NULL: none */
	bool allow_remote; /* addresses beyond loopback; their reads need a token */
	/* Names in Host and Origin beside our own, where a proxy stands before us. */
	const char *const *names;
	size_t n_names;
};

struct api;

/*
 * Listen and answer. Strings are copied. Returns 0 and *out; -errno with a
 * sentence in `why`: -ENOSYS when built without libmicrohttpd, -EADDRINUSE,
 * -EINVAL for an entry that cannot be read, -EACCES for an address beyond loopback.
 */
int api_open(const struct api_settings *settings, struct api **out, char why[API_WHY]);

/* Stop listening, end all connections, remove the Unix sockets. NULL is allowed. */
void api_close(struct api *api);

#endif
