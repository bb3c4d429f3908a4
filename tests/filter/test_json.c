/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/json.h"

#include <errno.h>
#include <string.h>

#include "filter/set.h"
#include "suite.h"

#define NOW INT64_C(1798113600) /* 2026-12-24T12:00:00Z */

static int
read_text(const char *text, struct filter_spec *out, char why[2048])
{
	struct conf_errors errors = { 0 };
	json_t *rule = json_loads(text, 0, NULL);
	size_t used = 0;
	int status;

	CU_ASSERT_PTR_NOT_NULL_FATAL(rule);
	status = filter_spec_read(rule, NOW, out, &errors);
	why[0] = '\0';
	for (size_t i = 0; i < errors.count && used < 1800; i++)
		used += (size_t)snprintf(
			why + used, 2048 - used, "%s: %s\n",
			errors.error[i].path != NULL ? errors.error[i].path : "",
			errors.error[i].message);
	conf_errors_free(&errors);
	json_decref(rule);
	return status;
}

static void
a_rule_is_read_whole(void)
{
	struct filter_spec s;
	char why[2048];

	CU_ASSERT_EQUAL_FATAL(
		read_text("{\"name\":\"a\",\"action\":\"meter\",\"limit\":\"2kpps\","
	                  "\"for\":\"90s\",\"dry_run\":true,\"verified\":false,"
	                  "\"services\":[\"shop\"],\"match\":{\"source\":[\"192.0.2.0/"
	                  "24\"],"
	                  "\"protocols\":[17,\"6\"],\"ports\":[\"53\"],\"tcp_flags\":"
	                  "[\"syn/syn+ack\"]}}",
	                  &s, why),
		0);
	CU_ASSERT_STRING_EQUAL(s.name, "a");
	CU_ASSERT_EQUAL(s.action, FILTER_METER);
	CU_ASSERT_EQUAL(s.limit.per_second, 2000);
	CU_ASSERT_STRING_EQUAL(s.until, "2026-12-24T12:01:30Z");
	CU_ASSERT_EQUAL(filter_until(s.until), NOW + 90);
	CU_ASSERT_TRUE(s.dry_run && !s.verified);
	CU_ASSERT_EQUAL(s.services.count, 1);
	CU_ASSERT_EQUAL(s.match.protocols.count, 2);
	CU_ASSERT_STRING_EQUAL(s.match.protocols.text[0], "17");
	filter_spec_free(&s);
	CU_ASSERT_EQUAL_FATAL(read_text("{\"name\":\"b\",\"action\":\"drop\","
	                                "\"expression\":\"udp[8] = 0x22 and \\\\\\\"\"}",
	                                &s, why),
	                      0);
	CU_ASSERT_STRING_EQUAL(s.expression, "udp[8] = 0x22 and \\\"");
	CU_ASSERT_STRING_EQUAL(s.until, "");
	filter_spec_free(&s);
}

static void
all_mistakes_are_told_with_their_member(void)
{
	static const struct {
		const char *text, *says[3];
	} bad[] = {
		{ "{\"name\":\"a\",\"action\":\"drp\",\"mtch\":{}}",
		  { "action", "mtch", "drop" } },
		{ "{\"action\":\"drop\",\"match\":{\"ports\":[\"99999\"],\"prts\":[]}}",
		  { "name", "ports", "prts" } },
		{ "{\"name\":null,\"action\":1.5,\"x y\":1}",
		  { "name: neither null", "action: neither", "x y: this is no name" } },
		{ "{\"name\":\"a\\nb\",\"action\":\"drop\"}",
		  { "name: a text", "", "" } },
		{ "{\"name\":\"a\",\"action\":\"drop\",\"for\":\"0s\"}",
		  { "for: must be", "", "" } },
		{ "{\"name\":\"a\",\"action\":\"drop\",\"for\":\"1h\",\"until\":\"x\"}",
		  { "for: either", "", "" } },
		{ "{\"name\":\"a\",\"action\":\"drop\",\"for\":7}",
		  { "for: write", "", "" } },
		{ "{\"name\":\"a\",\"action\":\"drop\",\"match\":{\"ports\":[[\"1\"]]}}",
		  { "ports: a list", "", "" } },
		{ "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}",
		  { "too deep", "", "" } },
	};
	struct filter_spec s;
	char why[2048];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CU_ASSERT_EQUAL(read_text(bad[i].text, &s, why), -EINVAL);
		for (size_t k = 0; k < 3; k++) {
			if (strstr(why, bad[i].says[k]) == NULL)
				fprintf(stderr, "%s: %s\n", bad[i].text, why);
			CU_ASSERT_PTR_NOT_NULL(strstr(why, bad[i].says[k]));
		}
	}
}

SUITE_MAIN("filter/json", TEST(a_rule_is_read_whole),
           TEST(all_mistakes_are_told_with_their_member))
