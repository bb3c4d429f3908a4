/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "api/route.h"
#include "base/sha256.h"
#include "suite.h"
#include "telemetry/by_hand.h"
#include "telemetry/history.h"

#define JSON  "application/json"
#define GOOD  "Bearer opensesame"
#define LOW   "Bearer lowly"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static struct box *box;
static struct telemetry_history *history;
static struct api_context context;
static char tokens[] = "/tmp/tidegate-tokens-XXXXXX";

static void
write_tokens(void)
{
	char good[SHA256_TEXT], low[SHA256_TEXT];
	int fd = mkstemp(tokens);

	CU_ASSERT_FATAL(fd >= 0);
	sha256_text("opensesame", 10, good);
	sha256_text("lowly", 5, low);
	dprintf(fd, "# who may\n\nalice:%s\nbob:%s:read\n", good, low);
	close(fd);
}

static void
begin(void)
{
	box = hand_open();
	strcpy(tokens + strlen(tokens) - 6, "XXXXXX");
	write_tokens();
	context = (struct api_context){ .telemetry = telemetry_open(box),
		                        .tokens_file = tokens };
	history = telemetry_history_open(&(struct telemetry_history_from){
		.telemetry = context.telemetry, .memory = 1 << 20 });
	CU_ASSERT_PTR_NOT_NULL_FATAL(history);
}

static void
end(void)
{
	telemetry_history_close(history);
	telemetry_close(context.telemetry);
	hand_close(box);
	unlink(tokens);
}

static struct api_answer
ask(const char *method, const char *target, const char *token, const char *body)
{
	struct api_answer out;

	api_answer(&context,
	           &(struct api_request){ .method = method,
	                                  .target = target,
	                                  .host = "127.0.0.1:9686",
	                                  .authorization = token,
	                                  .content_type = body != NULL ? JSON : NULL,
	                                  .body = body,
	                                  .body_len = body != NULL ? strlen(body) : 0,
	                                  .is_local = true },
	           &out);
	return out;
}

/* The body is JSON where there is one; the token is the whole header. */
static const struct {
	const char *method, *target, *token, *body;
	unsigned int status;
	const char *needle;
} requests[] = {
	{ "GET", "/api/v1/status", NULL, NULL, 200, "\"balanced\":true" },
	{ "HEAD", "/api/v1/status", NULL, NULL, 200, "\"uptime_seconds\"" },
	{ "GET", "/api/v1/live", NULL, NULL, 200, "\"seq\"" },
	{ "GET", "/api/v1/live?limit=1", NULL, NULL, 200, "\"services_total\":3" },
	{ "GET", "/api/v1/whoami", GOOD, NULL, 200, "\"role\":\"admin\"" },
	{ "GET", "/api/v1/whoami", LOW, NULL, 200, "\"role\":\"read\"" },
	{ "GET", "/api/v1/whoami", "Bearer wrong", NULL, 401, "not known" },
	{ "GET", "/api/v1/whoami", NULL, NULL, 401, "needs a token" },
	{ "PUT", "/api/v1/whoami", GOOD, "{}", 405, "GET, HEAD" },
	{ "GET", "/api/v1/services/shop", NULL, NULL, 200, "\"vectors\"" },
	{ "GET", "/api/v1/services/ga%22me", NULL, NULL, 200, "ga\\\"me" },
	{ "GET", "/api/v1/services/none", NULL, NULL, 404, "there is no 'none'" },
	{ "GET", "/api/v1/attacks?active=true&limit=5", NULL, NULL, 200, "\"attacks\"" },
	{ "GET", "/api/v1/attacks?limit=x", NULL, NULL, 400, "\"field\":\"limit\"" },
	{ "GET", "/api/v1/status?limit=5", NULL, NULL, 400, "\"field\":\"limit\"" },
	{ "GET", "/api/v1/top?by=destinations", NULL, NULL, 200, "\"estimated\":true" },
	{ "GET", "/api/v1/explain", NULL, NULL, 400, "\"field\":\"ip\"" },
	{ "GET", "/api/v1/explain?ip=203.0.113.10", NULL, NULL, 200, "\"sentence\"" },
	{ "GET", "/api/v1/openapi.json", NULL, NULL, 200, "\"openapi\":\"3.0.3\"" },
	{ "GET", "/metrics", NULL, NULL, 200, "# TYPE tidegate_build_info gauge" },
	{ "GET", "/healthz", NULL, NULL, 200, "ok" },
	{ "GET", "/readyz", NULL, NULL, 200, "ready" },
	{ "GET", "/nothing", NULL, NULL, 404, "openapi.json" },
	{ "GET", "/api/v1/", NULL, NULL, 404, "openapi.json" },
	{ "GET", "/api/v1/status%00", NULL, NULL, 400, "cannot be read" },
	{ "GET", "/api/v1/%zz", NULL, NULL, 400, "cannot be read" },
	{ "GET", "status", NULL, NULL, 400, "cannot be read" },
	{ "POST", "/api/v1/status", GOOD, "{}", 405, "GET, HEAD" },
	{ "POST", "/metrics", GOOD, "{}", 405, "GET, HEAD" },
	{ "DELETE", "/api/v1/bypass", GOOD, "{}", 405, "PUT" },
	{ "GET", "/api/v1/config/reload", NULL, NULL, 405, "POST" },
	{ "PUT", "/api/v1/blocks", GOOD, "{}", 405, "GET, HEAD, POST, DELETE" },
	{ "PUT", "/api/v1/bypass", NULL, "{\"enabled\":true}", 401, "Bearer TOKEN" },
	{ "POST", "/api/v1/filters", LOW, "{}", 403, "'bob'" },
	{ "POST", "/api/v1/filters", GOOD,
	  "{\"name\":\"a\",\"action\":\"drop\",\"match\":[]}", 400,
	  "must be of type object" },
	{ "POST", "/api/v1/filters", GOOD, "{\"name\":\"a\",\"action\":\"drop\"}", 501,
	  "does not offer" },
	{ "PUT", "/api/v1/filters/a", GOOD, "{\"name\":\"b\",\"action\":\"drop\"}", 400,
	  "path names 'a'" },
	{ "PATCH", "/api/v1/filters/a", GOOD, "{}", 405, "PUT, DELETE" },
	{ "GET", "/api/v1/filters", NULL, NULL, 200, "\"total\":0" },
	{ "PUT", "/api/v1/bypass", "Bearer guess", "{\"enabled\":true}", 401,
	  "not known" },
	{ "PUT", "/api/v1/bypass", "Basic b3Blbg==", "{\"enabled\":true}", 401,
	  "Bearer" },
	{ "PUT", "/api/v1/bypass", LOW, "{\"enabled\":true}", 403, "'bob'" },
	{ "PUT", "/api/v1/bypass", GOOD, NULL, 415, "application/json" },
	{ "PUT", "/api/v1/bypass", GOOD, "", 400, "no JSON" },
	{ "PUT", "/api/v1/bypass", GOOD, "{\"enabled\":", 400, "line 1" },
	{ "PUT", "/api/v1/bypass", GOOD, "[]", 400, "one JSON object" },
	{ "PUT", "/api/v1/bypass", GOOD, "{\"enabled\":1}", 400,
	  "\"field\":\"enabled\"" },
	{ "PUT", "/api/v1/bypass", GOOD, "{\"on\":true}", 400, "\"field\":\"on\"" },
	{ "PUT", "/api/v1/bypass", GOOD, "{}", 400, "is missing" },
	{ "PUT", "/api/v1/bypass?for=1m", GOOD, "{\"enabled\":true}", 400, "body" },
	{ "PUT", "/api/v1/bypass", GOOD, "{\"enabled\":true,\"for\":\"soon\"}", 400,
	  "\"field\":\"for\"" },
	{ "PUT", "/api/v1/bypass", GOOD, "{\"enabled\":true,\"for\":\"5m\"}", 200,
	  "\"for_seconds\":300" },
	{ "PUT", "/api/v1/mode", GOOD, "{\"mode\":\"learn\"}", 200,
	  "\"service\":\"all\"" },
	{ "PUT", "/api/v1/mode", GOOD, "{\"mode\":\"mitgate\"}", 400,
	  "\"field\":\"mode\"" },
	{ "PUT", "/api/v1/services/none/mode", GOOD, "{\"mode\":\"learn\"}", 404,
	  "'none'" },
	{ "POST", "/api/v1/blocks", GOOD, "{\"prefix\":\"198.51.100.0/33\"}", 400,
	  "\"field\":\"prefix\"" },
	{ "POST", "/api/v1/blocks", GOOD,
	  "{\"prefix\":\"198.51.100.0/24\",\"action\":\"drop\"}", 400,
	  "\"field\":\"action\"" },
	{ "DELETE", "/api/v1/blocks", GOOD, "{\"prefix\":\"192.0.2.9/32\"}", 404,
	  "no such entry" },
};

static void
every_request_gets_its_status_and_words(void)
{
	begin();
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		struct api_answer a = ask(requests[i].method, requests[i].target,
		                          requests[i].token, requests[i].body);
		const bool found =
			a.body != NULL && strstr(a.body, requests[i].needle) != NULL;

		CU_ASSERT_EQUAL(a.status, requests[i].status);
		CU_ASSERT(found);
		if (a.status != requests[i].status || !found)
			printf("\n%s %s: %u %s\n", requests[i].method, requests[i].target,
			       a.status, a.body);
		if (requests[i].status >= 400)
			CU_ASSERT_STRING_EQUAL(a.type, "application/problem+json");
		if (requests[i].status == 405)
			CU_ASSERT_STRING_EQUAL(a.header, "Allow");
		if (requests[i].status == 401)
			CU_ASSERT_STRING_EQUAL(a.header, "WWW-Authenticate");
		free(a.body);
	}
	end();
}

static void
metrics_have_the_exact_type(void)
{
	struct api_answer a;

	begin();
	a = ask("GET", "/metrics", NULL, NULL);
	CU_ASSERT_STRING_EQUAL(a.type, "text/plain; version=0.0.4; charset=utf-8");
	free(a.body);
	end();
}

static void
writes_reach_the_box_as_they_were_meant(void)
{
	struct api_answer a;

	begin();
	a = ask("PUT", "/api/v1/services/shop/mode", GOOD,
	        "{\"mode\":\"monitor\",\"for\":\"30m\"}");
	CU_ASSERT_EQUAL(a.status, 200);
	CU_ASSERT(hand.service == 1 && hand.mode == POLICY_MONITOR);
	CU_ASSERT_EQUAL(hand.for_ns, UINT64_C(1800000000000));
	free(a.body);
	a = ask("PUT", "/api/v1/mode", GOOD, "{\"mode\":\"configured\"}");
	CU_ASSERT(hand.service == -1 && hand.mode == -1 && hand.for_ns == 0);
	free(a.body);

	a = ask("POST", "/api/v1/blocks", GOOD,
	        "{\"prefix\":\"198.51.100.0/24\",\"for\":\"10m\",\"reason\":\"scan\"}");
	CU_ASSERT_EQUAL(a.status, 200);
	CU_ASSERT_EQUAL_FATAL(hand.blocks, 1);
	CU_ASSERT(!hand.block[0].is_allow && hand.block[0].prefix.len == 120);
	CU_ASSERT_EQUAL(hand.block[0].until_ns, hand.now_ns + UINT64_C(600000000000));
	CU_ASSERT_STRING_EQUAL(hand.block[0].reason, "scan");
	free(a.body);
	hand.rc = -EPERM;
	a = ask("POST", "/api/v1/blocks", GOOD, "{\"prefix\":\"192.0.2.9/32\"}");
	CU_ASSERT_EQUAL(a.status, 409);
	CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "192.0.2.9/32 is never blocked"));
	free(a.body);
	hand.rc = 0;
	a = ask("GET", "/api/v1/blocks", NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"remaining_seconds\":600"));
	free(a.body);
	a = ask("DELETE", "/api/v1/blocks", GOOD, "{\"prefix\":\"198.51.100.0/24\"}");
	CU_ASSERT(a.status == 200 && hand.blocks == 0);
	free(a.body);

	a = ask("POST", "/api/v1/config/check", GOOD, "{\"text\":\"version = 1;\"}");
	CU_ASSERT_EQUAL(a.status, 200);
	CU_ASSERT_STRING_EQUAL(hand.checked, "version = 1;");
	free(a.body);
	end();
}

static void
a_refused_configuration_tells_all_errors(void)
{
	struct api_answer a;
	json_t *o;

	begin();
	hand.rc = -EINVAL;
	hand.has_error = true;
	a = ask("POST", "/api/v1/config/reload", GOOD, "{}");
	CU_ASSERT_EQUAL(a.status, 422);
	o = json_loads(a.body, 0, NULL);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(o, "errors")), 1);
	json_decref(o);
	free(a.body);
	hand.rc = -EBUSY;
	a = ask("POST", "/api/v1/config/reload", GOOD, "{}");
	CU_ASSERT_EQUAL(a.status, 409);
	free(a.body);
	end();
}

static void
without_a_tokens_file_every_write_is_refused_with_advice(void)
{
	struct api_answer a;

	begin();
	context.tokens_file = "";
	a = ask("PUT", "/api/v1/bypass", GOOD, "{\"enabled\":true}");
	CU_ASSERT_EQUAL(a.status, 403);
	CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "tidegate token new"));
	CU_ASSERT(!box->is_bypassed);
	free(a.body);
	context.tokens_file = "/nonexistent/tokens";
	a = ask("PUT", "/api/v1/bypass", GOOD, "{\"enabled\":true}");
	CU_ASSERT(a.status == 500 && !box->is_bypassed);
	free(a.body);
	end();
}

static void
only_our_own_names_are_answered(void)
{
	static const char *const names[] = { "gate.example" };
	static const struct {
		const char *host;
		bool ours;
	} rows[] = {
		{ "127.0.0.1", true },
		{ "127.0.0.1:9686", true },
		{ "localhost:9686", true },
		{ "LOCALHOST", true },
		{ "[::1]:9686", true },
		{ "[::1]", true },
		{ "gate.example:80", true },
		{ "gate.example", true },
		{ "evil.example", false },
		{ "127.0.0.1.evil.example", false },
		{ "localhost.evil", false },
		{ "", false },
		{ NULL, false },
		{ "127.0.0.1:", false },
		{ "127.0.0.1:1x", false },
		{ "[::2]", false },
		{ "[::1", false },
		{ "evil.example:9686", false },
		{ "gate.example.evil", false },
	};
	struct api_answer a;

	begin();
	context.hosts = names;
	context.n_hosts = 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CU_ASSERT_EQUAL(api_host_is_ours(&context, rows[i].host), rows[i].ours);
	api_answer(&context,
	           &(struct api_request){ .method = "GET",
	                                  .target = "/metrics",
	                                  .host = "evil.example",
	                                  .is_local = true },
	           &a);
	CU_ASSERT_EQUAL(a.status, 403);
	free(a.body);
	/* Beyond loopback even reading needs a token. */
	api_answer(&context,
	           &(struct api_request){ .method = "GET",
	                                  .target = "/metrics",
	                                  .host = "gate.example" },
	           &a);
	CU_ASSERT_EQUAL(a.status, 401);
	free(a.body);
	end();
}

static void
wrong_lines_let_nobody_in(void)
{
	static const char *const wrong[] = {
		"alice\n",          "alice:12\n",         ":abc\n",
		"alice:zz:admin\n", "b:" ZEROS ":king\n",
	};
	char name[API_TOKEN_NAME], text[SHA256_TEXT], line[200];
	unsigned int n;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		CU_ASSERT_EQUAL(
			api_tokens_find_in(wrong[i], strlen(wrong[i]), "x", name, &n),
			-EINVAL);
		CU_ASSERT_EQUAL(n, 1);
	}
	sha256_text("x", 1, text);
	snprintf(line, sizeof(line), "# a\r\n\ncarol:%s:operate", text);
	CU_ASSERT_EQUAL(api_tokens_find_in(line, strlen(line), "x", name, &n),
	                API_ROLE_OPERATE);
	CU_ASSERT_STRING_EQUAL(name, "carol");
	CU_ASSERT_EQUAL(api_tokens_find_in(line, strlen(line), "y", name, &n),
	                API_ROLE_NONE);
}

static struct api_answer
ask_as(const struct api_peer *peer, uint64_t now_ns, const char *token)
{
	struct api_answer out;

	api_answer(&context,
	           &(struct api_request){ .method = "PUT",
	                                  .target = "/api/v1/bypass",
	                                  .host = "127.0.0.1:9686",
	                                  .authorization = token,
	                                  .content_type = JSON,
	                                  .body = "{\"enabled\":false}",
	                                  .body_len = 17,
	                                  .is_local = true,
	                                  .peer = peer,
	                                  .now_ns = now_ns },
	           &out);
	free(out.body);
	return out;
}

/* Guessers are told so once their bucket is empty; who has a good token beside them is let in. */
static void
guessers_and_floods_are_told_to_wait(void)
{
	static struct api_guard guard;
	struct api_peer mallory, alice;
	struct api_answer a;

	begin();
	api_guard_open(&guard);
	context.guard = &guard;
	api_peer_of_user(&mallory, 1);
	api_peer_of_user(&alice, 2);
	for (unsigned int i = 0; i < API_GUARD_FAILURE_BURST; i++)
		CU_ASSERT_EQUAL(ask_as(&mallory, 1000000000, "Bearer guess").status, 401);
	a = ask_as(&mallory, 1000000000, "Bearer guess");
	CU_ASSERT_EQUAL(a.status, 429);
	CU_ASSERT_STRING_EQUAL(a.header, "Retry-After");
	CU_ASSERT_STRING_EQUAL(a.header_value, "1");
	CU_ASSERT_EQUAL(ask_as(&mallory, 1000000000, GOOD).status, 200);
	CU_ASSERT_EQUAL(ask_as(&alice, 1000000000, "Bearer guess").status, 401);
	for (unsigned int i = 0; i < API_GUARD_BURST; i++)
		ask_as(&mallory, 1000000000, GOOD);
	CU_ASSERT_EQUAL(ask_as(&mallory, 1000000000, GOOD).status, 429);
	CU_ASSERT_EQUAL(ask_as(&alice, 1000000000, GOOD).status, 200);
	CU_ASSERT_EQUAL(ask_as(&mallory, 1100000000, GOOD).status, 200);
	api_guard_close(&guard);
	end();
}

static void
a_nul_byte_is_no_json(void)
{
	struct api_answer out;

	begin();
	api_answer(&context,
	           &(struct api_request){ .method = "PUT",
	                                  .target = "/api/v1/bypass",
	                                  .host = "127.0.0.1:9686",
	                                  .authorization = GOOD,
	                                  .content_type = JSON,
	                                  .body = "{\"enabled\":true\0}",
	                                  .body_len = 17,
	                                  .is_local = true },
	           &out);
	CU_ASSERT_EQUAL(out.status, 400);
	CU_ASSERT_FALSE(box->is_bypassed);
	free(out.body);
	end();
}

/* Every path of the description answers, and every table row is described. */
static void
the_description_is_complete(void)
{
	struct api_answer a;
	json_t *o, *path;
	const char *name;
	size_t operations = 0, rows = 6; /* those of the router */

	begin();
	a = ask("GET", "/api/v1/openapi.json", NULL, NULL);
	o = json_loads(a.body, 0, NULL);
	free(a.body);
	json_object_foreach(json_object_get(o, "paths"), name, path)
	{
		operations += json_object_size(path);
		if (json_object_get(path, "get") == NULL || strchr(name, '{') != NULL)
			continue;
		a = ask("GET", name, GOOD, NULL);
		CU_ASSERT(a.status == 200 || strstr(name, "explain") != NULL ||
		          strstr(name, "thresholds") != NULL);
		free(a.body);
	}
	for (const struct telemetry_document *d = telemetry_documents; d->path != NULL;
	     d++)
		rows++;
	for (const struct api_write *w = api_writes; w->method != NULL; w++)
		rows++;
	CU_ASSERT_EQUAL(operations, rows);
	json_decref(o);
	end();
}

/* Also those that were refused before anybody looked what they wanted. */
static void
every_answer_is_counted(void)
{
	char *metrics;

	begin();
	free(ask("GET", "/healthz", NULL, NULL).body);
	free(ask("GET", "/%zz", NULL, NULL).body);
	free(ask("PUT", "/api/v1/bypass", NULL, "{}").body);
	metrics = telemetry_metrics(context.telemetry);
	CU_ASSERT_PTR_NOT_NULL_FATAL(metrics);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(metrics, "api_requests_total{method=\"GET\",code=\"200\"} 1\n"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(metrics, "api_requests_total{method=\"GET\",code=\"400\"} 1\n"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(metrics, "api_requests_total{method=\"PUT\",code=\"401\"} 1\n"));
	free(metrics);
	end();
}

SUITE_MAIN("api/answer", TEST(every_request_gets_its_status_and_words),
           TEST(metrics_have_the_exact_type),
           TEST(writes_reach_the_box_as_they_were_meant),
           TEST(a_refused_configuration_tells_all_errors),
           TEST(without_a_tokens_file_every_write_is_refused_with_advice),
           TEST(only_our_own_names_are_answered), TEST(wrong_lines_let_nobody_in),
           TEST(guessers_and_floods_are_told_to_wait), TEST(a_nul_byte_is_no_json),
           TEST(the_description_is_complete), TEST(every_answer_is_counted))
