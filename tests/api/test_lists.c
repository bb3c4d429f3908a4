/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists by API: what is refused and in which words, and what reaches the box. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "api/route.h"
#include "base/sha256.h"
#include "suite.h"
#include "telemetry/by_hand.h"

static struct api_context context;
static char tokens[] = "/tmp/tidegate-tokens-XXXXXX";

/* One request by who may; returns the status, and whether the answer has these words. */
static unsigned int
ask(const char *method, const char *path, const char *body, const char *words)
{
	struct api_answer out;

	api_answer(&context,
	           &(struct api_request){ .method = method,
	                                  .target = path,
	                                  .host = "127.0.0.1:9686",
	                                  .authorization = "Bearer opensesame",
	                                  .content_type = "application/json",
	                                  .body = body,
	                                  .body_len = body != NULL ? strlen(body) : 0,
	                                  .is_local = true },
	           &out);
	CU_ASSERT_PTR_NOT_NULL(strstr(out.body, words));
	if (strstr(out.body, words) == NULL)
		fprintf(stderr, "%s %s: %s\n", method, path, out.body);
	free(out.body);
	return out.status;
}

static void
every_call_is_answered_in_words(void)
{
	static const struct {
		const char *method, *path, *body;
		int rc;
		unsigned int status;
		const char *words;
	} calls[] = {
		{ "GET", "lists", NULL, 0, 200, "\"failed_in_a_row\":2" },
		{ "GET", "lists/feed", NULL, 0, 200, "\"entries\":[]" },
		{ "GET", "lists/fed", NULL, 0, 404, "there is no 'fed'" },
		{ "POST", "lists/feed/reload", "{}", 0, 200, "\"prefixes\":4001" },
		{ "POST", "lists/feed/reload", "{}", -EINVAL, 422, "evil" },
		{ "POST", "lists/feed/reload", "{}", -EBUSY, 409, "every worker" },
		{ "POST", "lists/feed/reload", "{}", -ENOMEM, 503, "memory" },
		{ "POST", "lists/fed/reload", "{}", 0, 404, "there is no list 'fed'" },
		{ "POST", "lists/bad/reload", "{}", 0, 409, "has no file" },
		{ "POST", "lists/feed/reload", "{\"x\":\"y\"}", 0, 400, "no field 'x'" },
		{ "PUT", "lists/feed/entries", "{\"prefix\":\"198.51.100.7\"}", 0, 200,
		  "\"until\":null" },
		{ "PUT", "lists/feed/entries", "{\"prefix\":\"198.51.100.7/24\"}", 0, 400,
		  "198.51.100.0/24" },
		{ "PUT", "lists/feed/entries", "{\"prefix\":\"example.org\"}", 0, 400,
		  "is not a prefix" },
		{ "PUT", "lists/feed/entries", "{}", 0, 400, "'prefix' is missing" },
		{ "PUT", "lists/feed/entries", "{\"prefix\":\"::/0\"}", 0, 400,
		  "every address" },
		{ "PUT", "lists/feed/entries",
		  "{\"prefix\":\"198.51.100.7\",\"for\":\"soon\"}", 0, 400,
		  "\"field\":\"for\"" },
		{ "PUT", "lists/feed/entries", "{\"prefix\":\"198.51.100.7\"}", -ENOSPC,
		  507, "too many entries" },
		{ "PUT", "lists/fed/entries", "{\"prefix\":\"198.51.100.7\"}", 0, 404,
		  "nothing of that" },
		{ "DELETE", "lists/feed/entries", "{\"prefix\":\"198.51.100.7\"}", 0, 404,
		  "nothing of that" },
		{ "GET", "lists/feed/entries", NULL, 0, 405, "PUT, DELETE" },
	};
	char path[64];

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		hand.rc = calls[i].rc;
		hand.has_entry = false;
		snprintf(path, sizeof(path), "/api/v1/%s", calls[i].path);
		CU_ASSERT_EQUAL(ask(calls[i].method, path, calls[i].body, calls[i].words),
		                calls[i].status);
	}
	hand.rc = 0;
}

static void
an_entry_ends_when_it_was_asked_to(void)
{
	const uint32_t now = (uint32_t)time(NULL);

	CU_ASSERT_EQUAL(ask("PUT", "/api/v1/lists/feed/entries",
	                    "{\"prefix\":\"2001:db8::/32\",\"for\":\"1h\"}",
	                    "2001:db8::/32"),
	                200);
	CU_ASSERT(hand.entry.until_s >= now + 3600 && hand.entry.until_s < now + 3660);
	CU_ASSERT_EQUAL(hand.entry.prefix.len, 32);
	CU_ASSERT_EQUAL(ask("GET", "/api/v1/lists/feed", NULL, "2001:db8::/32"), 200);
	CU_ASSERT_EQUAL(ask("DELETE", "/api/v1/lists/feed/entries",
	                    "{\"prefix\":\"2001:db8::/32\"}", "2001:db8::/32"),
	                200);
	CU_ASSERT_FALSE(hand.has_entry);
}

static void
a_box_without_lists_says_so(void)
{
	struct box *box = telemetry_box(context.telemetry);

	box->lists_read = NULL;
	box->list_reload = NULL;
	box->list_entry = NULL;
	CU_ASSERT_EQUAL(ask("GET", "/api/v1/lists", NULL, "does not offer"), 501);
	CU_ASSERT_EQUAL(ask("POST", "/api/v1/lists/feed/reload", "{}", "does not offer"),
	                501);
	CU_ASSERT_EQUAL(ask("PUT", "/api/v1/lists/feed/entries",
	                    "{\"prefix\":\"198.51.100.7\"}", "does not offer"),
	                501);
}

static struct box *box;

static int
open_all(void)
{
	char digest[SHA256_TEXT];
	int fd = mkstemp(tokens);

	sha256_text("opensesame", 10, digest);
	dprintf(fd, "alice:%s\n", digest);
	close(fd);
	box = hand_open();
	context = (struct api_context){ .telemetry = telemetry_open(box),
		                        .tokens_file = tokens };
	return context.telemetry == NULL;
}

static int
close_all(void)
{
	telemetry_close(context.telemetry);
	hand_close(box);
	return unlink(tokens);
}

SUITE_MAIN_WITH("api lists", open_all, close_all, TEST(every_call_is_answered_in_words),
                TEST(an_entry_ends_when_it_was_asked_to),
                TEST(a_box_without_lists_says_so))
