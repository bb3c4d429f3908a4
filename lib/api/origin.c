/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/origin.h"

#include <string.h>
#include <strings.h>

/* Host and port of "https://host:port", or NULL: "null", and what is no page of the web. */
static const char *
authority(const char *origin)
{
	if (strncasecmp(origin, "http://", 7) == 0)
		return origin + 7;
	if (strncasecmp(origin, "https://", 8) == 0)
		return origin + 8;
	return NULL;
}

/* Names from the configuration, whatever the port of the proxy is. */
static bool
is_named(const struct api_context *c, const char *host)
{
	const size_t len = strcspn(host, ":");

	for (size_t i = 0; i < c->n_names; i++) {
		if (strlen(c->names[i]) == len &&
		    strncasecmp(c->names[i], host, len) == 0)
			return true;
	}
	return false;
}

static bool
is_read(const struct api_request *rq)
{
	return strcmp(rq->method, "GET") == 0 || strcmp(rq->method, "HEAD") == 0;
}

bool
api_origin_is_ours(const struct api_context *c, const struct api_request *rq)
{
	const char *site = rq->fetch_site, *host;

	if (rq->origin != NULL) {
		host = authority(rq->origin);
		if (host == NULL)
			return false;
		if ((rq->host == NULL || strcasecmp(host, rq->host) != 0) &&
		    !is_named(c, host))
			return false;
	}
	if (site == NULL || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0)
		return true;
	return is_read(rq) && rq->authorization == NULL && rq->fetch_mode != NULL &&
	       strcmp(rq->fetch_mode, "navigate") == 0;
}
