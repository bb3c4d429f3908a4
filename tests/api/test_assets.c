/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of the dashboard: which are given, in what form, to whom; and that nothing else is. */
#include "api/assets.h"

#include <stdio.h>

#include "api/route.h"
#include "suite.h"
#include "telemetry/by_hand.h"

static const unsigned char page[] = { 0x1f, 0x8b, 1, 2, 3 }, script[] = { 0x1f, 0x8b, 4 };
static const struct api_asset assets[] = {
	{ "/", "text/html; charset=utf-8", "\"aa11\"", page, sizeof(page) },
	{ "/app.js", "text/javascript; charset=utf-8", "\"bb22\"", script,
	  sizeof(script) },
	{ 0 },
};

static struct box *box;
static struct api_context context;

static struct api_answer
ask(const char *method, const char *target, const char *encoding, const char *known)
{
	struct api_answer out;

	api_answer(&context,
	           &(struct api_request){ .method = method,
	                                  .target = target,
	                                  .host = "127.0.0.1:9686",
	                                  .accept_encoding = encoding,
	                                  .if_none_match = known,
	                                  .is_local = true },
	           &out);
	return out;
}

static void
begin(void)
{
	box = hand_open();
	context = (struct api_context){ .telemetry = telemetry_open(box),
		                        .assets = assets };
}

static void
end(void)
{
	telemetry_close(context.telemetry);
	hand_close(box);
}

/* asset: number in the table, or -1 for none. */
static const struct {
	const char *method, *target, *encoding, *known;
	unsigned int status;
	int asset;
} requests[] = {
	{ "GET", "/", "gzip, deflate, br", NULL, 200, 0 },
	{ "GET", "/", NULL, NULL, 200, 0 },
	{ "HEAD", "/", "gzip", NULL, 200, 0 },
	{ "GET", "/?theme=dark", "gzip", NULL, 200, 0 },
	{ "GET", "/app.js", "br;q=1.0, GZIP ; q=0.5", NULL, 200, 1 },
	{ "GET", "/%61pp.js", "*", NULL, 200, 1 },
	/* Known: nothing is sent again. */
	{ "GET", "/", "gzip", "\"aa11\"", 304, 0 },
	{ "GET", "/", "gzip", "\"zz\", W/\"aa11\"", 304, 0 },
	{ "HEAD", "/app.js", "gzip", "*", 304, 1 },
	{ "GET", "/app.js", "gzip", "\"aa11\"", 200, 1 },
	{ "GET", "/", "gzip", "aa11", 200, 0 },
	{ "GET", "/", "gzip", "\"aa11", 200, 0 },
	/* Who cannot unpack it is told so. */
	{ "GET", "/", "identity", NULL, 406, -1 },
	{ "GET", "/", "gzip;q=0", NULL, 406, -1 },
	{ "GET", "/", "*;q=0", NULL, 406, -1 },
	{ "GET", "/", "", NULL, 406, -1 },
	/* It can be read and nothing else. */
	{ "POST", "/", "gzip", NULL, 405, -1 },
	{ "PUT", "/app.js", "gzip", NULL, 405, -1 },
	{ "DELETE", "/app.js", "gzip", NULL, 405, -1 },
	/* There are no folders, so nothing is above or beside. */
	{ "GET", "/app.js/", "gzip", NULL, 404, -1 },
	{ "GET", "//app.js", "gzip", NULL, 404, -1 },
	{ "GET", "/./app.js", "gzip", NULL, 404, -1 },
	{ "GET", "/../app.js", "gzip", NULL, 404, -1 },
	{ "GET", "/%2e%2e/etc/passwd", "gzip", NULL, 404, -1 },
	{ "GET", "/..%2f..%2fetc%2fpasswd", "gzip", NULL, 404, -1 },
	{ "GET", "/app.js%00.html", "gzip", NULL, 400, -1 },
	{ "GET", "/APP.JS", "gzip", NULL, 404, -1 },
	{ "GET", "app.js", "gzip", NULL, 400, -1 },
};

static void
what_is_there_is_given_and_nothing_else(void)
{
	begin();
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		struct api_answer out = ask(requests[i].method, requests[i].target,
		                            requests[i].encoding, requests[i].known);
		const struct api_asset *want =
			requests[i].asset < 0 ? NULL : &assets[requests[i].asset];

		CU_ASSERT_EQUAL(out.status, requests[i].status);
		CU_ASSERT_PTR_EQUAL(out.asset, want);
		if (out.status != requests[i].status || out.asset != want)
			printf("\n%s %s: %u\n", requests[i].method, requests[i].target,
			       out.status);
		if (want != NULL)
			CU_ASSERT_STRING_EQUAL(out.type, want->type);
		free(out.body);
	}
	end();
}

static void
without_a_dashboard_there_is_no_page(void)
{
	struct api_answer out;

	begin();
	context.assets = NULL;
	out = ask("GET", "/", "gzip", NULL);
	CU_ASSERT_EQUAL(out.status, 404);
	CU_ASSERT_PTR_NULL(out.asset);
	free(out.body);
	end();
}

/* The page needs no token even from afar, its figures do; a foreign name gets neither. */
static void
the_page_is_for_all_and_the_figures_are_not(void)
{
	static const struct {
		const char *target, *host;
		unsigned int status;
	} rows[] = {
		{ "/", "127.0.0.1:9686", 200 },
		{ "/", "evil.example", 403 },
		{ "/api/v1/live", "127.0.0.1:9686", 403 },
	};

	begin();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct api_answer out;

		api_answer(&context,
		           &(struct api_request){ .method = "GET",
		                                  .target = rows[i].target,
		                                  .host = rows[i].host },
		           &out);
		CU_ASSERT_EQUAL(out.status, rows[i].status);
		free(out.body);
	}
	end();
}

static const char *
header(const char *name)
{
	for (const struct api_header *h = api_asset_headers; h->name != NULL; h++) {
		if (strcmp(h->name, name) == 0)
			return h->value;
	}
	return "";
}

static void
a_browser_is_told_to_run_nothing_else(void)
{
	const char *policy = header("Content-Security-Policy");

	CU_ASSERT_EQUAL(strncmp(policy, "default-src 'none'; ", 20), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(policy, "frame-ancestors 'none'"));
	CU_ASSERT_PTR_NOT_NULL(strstr(policy, "require-trusted-types-for 'script'"));
	CU_ASSERT_PTR_NULL(strstr(policy, "unsafe"));
	CU_ASSERT_PTR_NULL(strstr(policy, "http"));
	CU_ASSERT_PTR_NULL(strstr(policy, "*"));
	CU_ASSERT_STRING_EQUAL(header("X-Frame-Options"), "DENY");
	CU_ASSERT_STRING_EQUAL(header("Referrer-Policy"), "no-referrer");
	CU_ASSERT_STRING_EQUAL(header("Content-Encoding"), "gzip");
}

SUITE_MAIN("api/assets", TEST(what_is_there_is_given_and_nothing_else),
           TEST(without_a_dashboard_there_is_no_page),
           TEST(the_page_is_for_all_and_the_figures_are_not),
           TEST(a_browser_is_told_to_run_nothing_else))
