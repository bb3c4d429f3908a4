/* SPDX-License-Identifier: BSD-3-Clause */
/* What may be asked of a document, and the sentence for what may not. */
#include "telemetry/telemetry.h"

#include <errno.h>

#include "suite.h"

static struct telemetry_ask ask;

static void
questions_are_read_or_refused_with_a_sentence(void)
{
	static const struct {
		const char *key, *value;
		bool is_fine;
	} rows[] = {
		{ "active", "true", true },
		{ "active", "yes", false },
		{ "limit", "1", true },
		{ "limit", "256", true },
		{ "limit", "0", false },
		{ "limit", "257", false },
		{ "limit", "-1", false },
		{ "limit", "1x", false },
		{ "limit", "", false },
		{ "by", "sources", true },
		{ "by", "ports", false },
		{ "metric", "bits", true },
		{ "metric", "bps", false },
		{ "ip", "2001:db8::1", true },
		{ "ip", "198.51.100.0/24", false },
		{ "ip", "shop.example", false },
		{ "color", "red", false },
	};
	char why[160];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct telemetry_ask q;

		telemetry_ask_init(&q);
		why[0] = '\0';
		CU_ASSERT_EQUAL(telemetry_ask_set(&q, rows[i].key, rows[i].value, why),
		                rows[i].is_fine ? 0 : -EINVAL);
		CU_ASSERT_EQUAL(why[0] == '\0', rows[i].is_fine);
	}
	telemetry_ask_init(&ask);
	CU_ASSERT_PTR_NOT_NULL(telemetry_find("services", &ask));
	CU_ASSERT_PTR_NOT_NULL(telemetry_find("services/shop", &ask));
	CU_ASSERT_STRING_EQUAL(ask.name, "shop");
	CU_ASSERT_PTR_NULL(telemetry_find("services/", &ask));
	CU_ASSERT_PTR_NULL(telemetry_find("services/a/b", &ask));
	CU_ASSERT_PTR_NULL(telemetry_find("statuses", &ask));
}

SUITE_MAIN("telemetry/ask", TEST(questions_are_read_or_refused_with_a_sentence))
