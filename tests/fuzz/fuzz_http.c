/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz_http - method, target, host, token and body to an answer, on a small box.
 *
 * The input is cut at its first newlines: method, target, host, authorization,
 * content type; what is left is the body. Behind a host, each after a bar, stand
 * Origin, Sec-Fetch-Site and Sec-Fetch-Mode. Whatever comes, there is an answer
 * with a status we know, and what claims to be JSON is JSON.
 */
#include <stdint.h>
#include <unistd.h>

#include "api/request.h"
#include "base/sha256.h"
#include "telemetry/by_hand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PARTS 5

/* The token is "sesame"; the file lives as long as the process. */
static struct api_context context;
static const unsigned char page[] = { 0x1f, 0x8b };
static const struct api_asset assets[] = {
	{ "/", "text/html", "\"aa11\"", page, sizeof(page) },
	{ 0 },
};
static char tokens[] = "/tmp/tidegate-fuzz-XXXXXX";

static void
forget(void)
{
	unlink(tokens);
}

static void
setup(void)
{
	char digest[SHA256_TEXT];
	const int fd = mkstemp(tokens);

	if (fd < 0)
		abort();
	sha256_text("sesame", 6, digest);
	dprintf(fd, "fuzzer:%s\n", digest);
	close(fd);
	atexit(forget);
	context.tokens_file = tokens;
	context.assets = assets;
	context.telemetry = telemetry_open(hand_open());
	if (context.telemetry == NULL)
		abort();
}

/* What stands behind the next bar, which ends what was before it; NULL: there is none. */
static char *
behind_bar(char *text)
{
	char *bar = text != NULL ? strchr(text, '|') : NULL;

	if (bar == NULL)
		return NULL;
	*bar = '\0';
	return bar + 1;
}

static void
ask(char *const part[PARTS], const char *body, size_t len)
{
	struct api_answer out;
	char *const origin = behind_bar(part[2]), *const site = behind_bar(origin);
	char *const mode = behind_bar(site);

	api_answer(&context,
	           &(struct api_request){ .method = part[0],
	                                  .target = part[1],
	                                  .host = part[2],
	                                  .origin = origin,
	                                  .fetch_site = site,
	                                  .fetch_mode = mode,
	                                  .authorization = part[3],
	                                  .content_type = part[4],
	                                  .if_none_match = part[3],
	                                  .accept_encoding = part[4],
	                                  .body = body,
	                                  .body_len = len,
	                                  .is_unix = part[2][0] == '\0',
	                                  .is_local = part[2][0] != 'r' },
	           &out);
	if (strcmp(api_status_name(out.status), "Unknown") == 0)
		abort();
	if (out.body != NULL && strstr(out.type, "json") != NULL) {
		json_t *o = json_loadb(out.body, out.len, 0, NULL);

		if (!json_is_object(o))
			abort();
		json_decref(o);
	}
	free(out.body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1), *at = copy;
	char *part[PARTS];

	if (copy == NULL)
		abort();
	if (context.telemetry == NULL)
		setup();
	if (size > 0)
		memcpy(copy, data, size);
	copy[size] = '\0';
	for (unsigned int i = 0; i < PARTS; i++) {
		char *newline = memchr(at, '\n', size - (size_t)(at - copy));

		part[i] = at;
		if (newline == NULL) {
			at = copy + size;
		} else {
			*newline = '\0';
			at = newline + 1;
		}
	}
	ask(part, at, size - (size_t)(at - copy));
	free(copy);
	return 0;
}
