/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "api/request.h"

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * Decode `len` bytes into out of `size`, with its NUL. Bytes that nobody types
 * are refused: NUL, controls, and what is written without being encoded.
 */
static int
decode(const char *in, size_t len, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)in[i];

		if (n + 1 >= size)
			return -E2BIG;
		if (c <= ' ' || c >= 0x7f)
			return -EINVAL;
		if (c == '%') {
			int high, low;

			if (i + 2 >= len)
				return -EINVAL;
			high = hex(in[i + 1]);
			low = hex(in[i + 2]);
			if (high < 0 || low < 0)
				return -EINVAL;
			c = (unsigned char)(high << 4 | low);
			i += 2;
			if (c < ' ' || c == 0x7f)
				return -EINVAL;
		}
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return 0;
}

/* One "key=value" of the query; `*at` is where its text may be written. */
static int
add_pair(struct api_target *out, const char *part, size_t len, size_t *at)
{
	const char *eq = memchr(part, '=', len);
	const size_t key = eq != NULL ? (size_t)(eq - part) : len;
	int rc;

	if (out->pairs == API_QUERY_MAX)
		return -E2BIG;
	out->pair[out->pairs].key = out->text + *at;
	rc = decode(part, key, out->text + *at, sizeof(out->text) - *at);
	if (rc < 0)
		return rc;
	*at += strlen(out->text + *at) + 1;
	out->pair[out->pairs].value = out->text + *at;
	if (*at >= sizeof(out->text))
		return -E2BIG;
	rc = decode(eq != NULL ? eq + 1 : "", eq != NULL ? len - key - 1 : 0,
	            out->text + *at, sizeof(out->text) - *at);
	if (rc < 0)
		return rc;
	*at += strlen(out->text + *at) + 1;
	out->pairs++;
	return *at < sizeof(out->text) ? 0 : -E2BIG;
}

int
api_target_parse(const char *target, struct api_target *out)
{
	const size_t path = strcspn(target, "?#");
	const char *query = target + path;
	size_t at = 0;
	int rc;

	out->pairs = 0;
	if (target[0] != '/')
		return -EINVAL;
	rc = decode(target, path, out->path, sizeof(out->path));
	if (rc < 0 || *query != '?')
		return rc;
	query++;
	while (*query != '\0' && *query != '#') {
		const size_t len = strcspn(query, "&#");

		rc = len > 0 ? add_pair(out, query, len, &at) : 0;
		if (rc < 0)
			return rc;
		query += len;
		query += *query == '&';
	}
	return 0;
}

/* Whether `len` bytes of host are a loopback address or localhost. */
static bool
is_loopback(const char *host, size_t len)
{
	char text[64];
	uint8_t address[16];

	if (len >= sizeof(text))
		return false;
	memcpy(text, host, len);
	text[len] = '\0';
	if (strcasecmp(text, "localhost") == 0 || strcasecmp(text, "localhost.") == 0)
		return true;
	if (inet_pton(AF_INET, text, address) == 1)
		return address[0] == 127;
	if (text[0] != '[' || text[len - 1] != ']')
		return false;
	text[len - 1] = '\0';
	if (inet_pton(AF_INET6, text + 1, address) != 1)
		return false;
	return memcmp(address, &in6addr_loopback, sizeof(address)) == 0;
}

/* Length of the name or address in "name:port", "[::1]:port"; 0 when it is neither. */
static size_t
name_length(const char *host)
{
	const char *end = host[0] == '[' ? strchr(host, ']') : host + strcspn(host, ":");
	size_t digits;

	if (end == NULL)
		return 0;
	if (*end == ']')
		end++;
	if (*end == '\0')
		return (size_t)(end - host);
	digits = strspn(end + 1, "0123456789");
	return *end == ':' && digits > 0 && end[1 + digits] == '\0' ? (size_t)(end - host)
	                                                            : 0;
}

bool
api_host_is_ours(const struct api_context *context, const char *host)
{
	size_t len;

	if (host == NULL)
		return false;
	len = name_length(host);
	if (len == 0)
		return false;
	if (is_loopback(host, len))
		return true;
	for (size_t i = 0; i < context->n_names; i++) {
		if (strlen(context->names[i]) == len &&
		    strncasecmp(context->names[i], host, len) == 0)
			return true;
	}
	for (size_t i = 0; i < context->n_hosts; i++) {
		if (strlen(context->hosts[i]) == len &&
		    strncasecmp(context->hosts[i], host, len) == 0)
			return true;
	}
	return false;
}
