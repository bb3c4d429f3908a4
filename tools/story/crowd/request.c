/* SPDX-License-Identifier: BSD-3-Clause */
#include "request.h"

#include <stdio.h>
#include <string.h>

int
request_write(struct request_set *set, const struct options *o)
{
	const char *path = o->paths;

	memset(set, 0, sizeof(*set));
	while (*path != '\0') {
		const size_t path_len = strcspn(path, ",");
		int len;

		if (set->count == REQUEST_MAX) {
			fprintf(stderr, "crowd: at most %d pages in --paths\n",
			        REQUEST_MAX);
			return 2;
		}
		len = snprintf(set->text[set->count], REQUEST_SIZE,
		               "GET %.*s HTTP/1.1\r\nHost: %s\r\nUser-Agent: crowd\r\n"
		               "Accept: */*\r\n\r\n",
		               (int)path_len, path, o->host);
		if (len < 0 || len >= REQUEST_SIZE) {
			fprintf(stderr, "crowd: --paths or --host is too long\n");
			return 2;
		}
		set->len[set->count++] = (size_t)len;
		path += path_len;
		path += *path == ',';
	}
	if (set->count == 0)
		fprintf(stderr, "crowd: --paths is empty\n");
	return set->count == 0 ? 2 : 0;
}
