/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * assets - files that whoever opens the interface compiled in: the dashboard.
 *
 * Each is kept and sent in one form, compressed. What a browser may do with it stands
 * in headers that are the same for all: it runs what came from here and asks nobody
 * else. Files hold nothing that belongs to this box, so they are given without a token.
 *
 * Threads any; assets are constants.
 * Source  RFC 9110 §8.4 and §13 (coding, conditions), Content Security Policy Level 3.
 */
#ifndef API_ASSETS_H
#define API_ASSETS_H

#include <stdbool.h>
#include <stddef.h>

/* One file; a list of them ends with path == NULL. */
struct api_asset {
	const char *path; /* "/" or "/app.js": compared byte by byte */
	const char *type; /* Content-Type */
	const char *etag; /* of what is sent, with its quotation marks */
	const unsigned char *data;
	size_t len; /* of data, which is gzip */
};

struct api_header {
	const char *name, *value;
};

/* Sent with every asset; ended by name == NULL. */
extern const struct api_header api_asset_headers[];

/* The asset of that path, or NULL; `assets` may be NULL. */
const struct api_asset *api_asset_find(const struct api_asset *assets, const char *path);

/* Whether the client has it: If-None-Match, or NULL when the request has none. */
bool api_asset_is_known(const struct api_asset *asset, const char *if_none_match);

/* Whether gzip may be sent: Accept-Encoding, or NULL, which allows everything. */
bool api_asset_takes_gzip(const char *accept_encoding);

#endif
