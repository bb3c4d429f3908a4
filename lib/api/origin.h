/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * origin - whether a browser asks on behalf of a page that is not ours.
 *
 * A browser names the page in Origin and Sec-Fetch-Site; what is no browser names
 * neither, and is let through. A page of ours has the very host and port that it
 * asks, or one of the names that are configured, behind a proxy. A link that somebody
 * follows to read something is no page that asks.
 *
 * Threads any.
 * Source  Fetch (WHATWG), Fetch Metadata Request Headers (W3C), RFC 6454.
 */
#ifndef API_ORIGIN_H
#define API_ORIGIN_H

#include "api/request.h"

bool api_origin_is_ours(const struct api_context *context,
                        const struct api_request *request);

#endif
