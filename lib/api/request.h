/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * request - one HTTP request as bytes, its answer, and what stands between.
 *
 * Nothing here knows a socket or a server, so tests and fuzzers ask what the
 * network asks.
 *
 * Threads any; request and answer belong to the caller.
 */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "api/api.h"
#include "api/guard.h"
#include "api/session.h"

#define API_PATH_MAX  256
#define API_QUERY_MAX 8

/* As it came; strings may be NULL where the request has none. */
struct api_request {
	const char *method;
	const char *target; /* path and query, still encoded */
	const char *host, *content_type, *authorization;
	const char *accept_encoding, *if_none_match;
	const char *origin, *fetch_site, *fetch_mode;
	const char *body;
	size_t body_len;
	bool is_unix;  /* came by a Unix socket: has no host to check */
	bool is_local; /* Unix socket or loopback: may read without a token */
	const struct api_peer
		*peer;   /* NULL: whoever it is may ask as often as it likes */
	uint64_t now_ns; /* of the guard's clock; with a peer */
};

struct api_answer {
	unsigned int status;
	const char *type;   /* Content-Type */
	const char *header; /* one more header's name, or NULL */
	char header_value[96];
	/* Its headers, and its bytes with status 200, are sent instead of a body. */
	const struct api_asset *asset;
	char *body; /* free() it */
	size_t len;
};

/* What answers are made from; the same for all requests of one server. */
struct api_context {
	struct telemetry *telemetry;
	struct events *events;
	const char *tokens_file;
	const struct api_session *session; /* n_sessions of them */
	size_t n_sessions;
	const struct api_asset *assets;
	struct api_guard *guard; /* NULL: nobody counts */
	/* Names by which a proxy hands requests on. */
	const char *const *names;
	size_t n_names;
	/* Host names that are us besides localhost and loopback addresses. */
	const char *const *hosts;
	size_t n_hosts;
};

/* Path and query, decoded. */
struct api_target {
	char path[API_PATH_MAX];
	char text[1024]; /* of the query; the pairs point into it */
	unsigned int pairs;
	struct {
		const char *key, *value;
	} pair[API_QUERY_MAX];
};

/* Answer one request completely; `out` is overwritten. */
void api_answer(const struct api_context *context, const struct api_request *request,
                struct api_answer *out);

/* Returns 0; -EINVAL for bad encoding, -E2BIG when too long or of too many parts. */
int api_target_parse(const char *target, struct api_target *out);

/* Whether a Host header names us: localhost, a loopback address or one of `hosts`. */
bool api_host_is_ours(const struct api_context *context, const char *host);

/* Put a JSON document (taken over; NULL: out of memory) or plain text into the answer. */
void api_put_json(struct api_answer *out, unsigned int status, json_t *document);
void api_put_text(struct api_answer *out, unsigned int status, const char *text);

/*
 * A problem document. `field` (or NULL) names what is wrong, `errors` (or NULL)
 * are those of a configuration.
 */
void api_put_problem(struct api_answer *out, unsigned int status, const char *field,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
void api_put_config_problem(struct api_answer *out, unsigned int status,
                            const char *detail, const struct conf_errors *errors);

/* "Not Found" of 404. */
const char *api_status_name(unsigned int status);

#endif
