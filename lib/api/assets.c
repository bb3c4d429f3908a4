/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/assets.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * Scripts and styles of our own files only; text never becomes markup by accident
 * (trusted types); nobody frames the page, and nothing learns where it was opened.
 */
const struct api_header api_asset_headers[] = {
	{ "Content-Encoding", "gzip" },
	{ "Vary", "Accept-Encoding" },
	{ "Cache-Control", "no-cache" },
	{ "Content-Security-Policy",
	  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
	  "connect-src 'self'; base-uri 'none'; form-action 'none'; "
	  "frame-ancestors 'none'; require-trusted-types-for 'script'; "
	  "trusted-types 'none'" },
	{ "X-Frame-Options", "DENY" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Permissions-Policy", "camera=(), geolocation=(), microphone=()" },
	{ NULL, NULL },
};

const struct api_asset *
api_asset_find(const struct api_asset *assets, const char *path)
{
	for (const struct api_asset *a = assets; a != NULL && a->path != NULL; a++) {
		if (strcmp(a->path, path) == 0)
			return a;
	}
	return NULL;
}

/* The next part between commas without blanks around it; its length, and *text moves on. */
static size_t
next_part(const char **text, const char **part)
{
	size_t len;

	*text += strspn(*text, ", \t");
	*part = *text;
	len = strcspn(*text, ",");
	*text += len;
	while (len > 0 && strchr(" \t", (*part)[len - 1]) != NULL)
		len--;
	return len;
}

bool
api_asset_is_known(const struct api_asset *asset, const char *if_none_match)
{
	const char *part;
	size_t len;

	if (if_none_match == NULL)
		return false;
	while ((len = next_part(&if_none_match, &part)) > 0) {
		if (len == 1 && *part == '*')
			return true;
		/* The comparison is the weak one. */
		if (len > 2 && strncmp(part, "W/", 2) == 0) {
			part += 2;
			len -= 2;
		}
		if (len == strlen(asset->etag) && strncmp(part, asset->etag, len) == 0)
			return true;
	}
	return false;
}

/* Whether the weight behind a coding is not nothing; "gzip;q=0" forbids it. */
static bool
is_wanted(const char *part, size_t len)
{
	const char *q = memchr(part, ';', len);

	if (q == NULL)
		return true;
	q++;
	q += strspn(q, " \t");
	return strncasecmp(q, "q=", 2) != 0 || strtod(q + 2, NULL) > 0;
}

bool
api_asset_takes_gzip(const char *accept_encoding)
{
	bool is_any = false;
	const char *part;
	size_t len;

	if (accept_encoding == NULL)
		return true;
	while ((len = next_part(&accept_encoding, &part)) > 0) {
		const size_t name = strcspn(part, "; \t,");

		if (name == 4 && strncasecmp(part, "gzip", 4) == 0)
			return is_wanted(part, len);
		if (name == 1 && *part == '*')
			is_any = is_wanted(part, len);
	}
	return is_any;
}
