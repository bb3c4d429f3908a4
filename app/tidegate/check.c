/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check - health in one line, by the conventions of monitoring plugins.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

enum state { STATE_OK, STATE_WARNING, STATE_CRITICAL, STATE_UNKNOWN };

static const char *const state_names[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

static int
say(const struct cli *c, enum state state, const char *text, const json_t *status)
{
	if (c->json) {
		json_t *o = json_pack("{s:s, s:s}", "state", state_names[state], "text",
		                      text);

		if (status != NULL)
			json_object_set(o, "status", (json_t *)status);
		cli_print_json(o);
		json_decref(o);
		return (int)state;
	}
	printf("TIDEGATE %s: %s", state_names[state], table_safe(text));
	if (status != NULL)
		printf(" | received=%.0f dropped=%.0f attacks=%.0f",
		       get_number(status, "total.rates.received.packets_per_second"),
		       get_number(status, "total.rates.dropped.packets_per_second"),
		       get_number(status, "attacks_active"));
	putchar('\n');
	return (int)state;
}

static int
judge(const struct cli *c, const json_t *status, const struct cli_answer *ready)
{
	char text[200];

	if (ready->status != 200) {
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(ready->text, "\n"),
		         ready->text);
		return say(c, STATE_CRITICAL, text, status);
	}
	if (!get_bool(status, "total.books.plausible"))
		return say(c, STATE_CRITICAL, "the books do not balance", status);
	if (get_bool(status, "bypass"))
		return say(c, STATE_WARNING, "bypass is on: nothing is judged", status);
	if (get_number(status, "attacks_active") > 0) {
		snprintf(text, sizeof(text), "%.0f attacks are running",
		         get_number(status, "attacks_active"));
		return say(c, STATE_WARNING, text, status);
	}
	snprintf(text, sizeof(text), "mode %s, %.0f services", get_text(status, "mode"),
	         get_number(status, "services"));
	return say(c, STATE_OK, text, status);
}

int
verb_check(struct cli *c)
{
	struct cli_answer status, ready;
	int rc;

	cli_want(c, 0, 0);
	if (cli_try(c, "GET", "/api/v1/status", &status) != 0)
		return say(c, STATE_CRITICAL, "no tidegated answers", NULL);
	if (status.status != 200 || status.document == NULL) {
		rc = say(c, STATE_UNKNOWN, "the answer is not understood", NULL);
	} else if (cli_try(c, "GET", "/readyz", &ready) != 0) {
		rc = say(c, STATE_CRITICAL, "tidegated stopped answering", NULL);
	} else {
		rc = judge(c, status.document, &ready);
		cli_answer_free(&ready);
	}
	cli_answer_free(&status);
	return rc;
}
