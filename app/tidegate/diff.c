/* SPDX-License-Identifier: BSD-3-Clause */
/* diff - what in the file is not in force, and what was set by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

/* A value as one line; of what is long the beginning. */
static void
print_value(const char *sign, const char *colour, const json_t *value)
{
	char *text;

	if (value == NULL || json_is_null(value))
		return;
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	printf("  %s%s %.300s%s\n", colour, sign, text != NULL ? text : "", colour_off());
	free(text);
}

static void
human(const json_t *d)
{
	const json_t *changes = get(d, "changes"), *e;
	size_t i;

	json_array_foreach((json_t *)changes, i, e)
	{
		printf("%s %s%s%s\n", get_text(e, "change"), colour_bold(),
		       get_text(e, "path"), colour_off());
		print_value("-", colour_bad(), get(e, "old"));
		print_value("+", colour_good(), get(e, "new"));
	}
	json_array_foreach((json_t *)get(d, "needs_restart"), i, e)
		printf("%sneeds a restart%s: %s\n", colour_warn(), colour_off(),
	               json_is_string(e) ? json_string_value(e) : "");
	json_array_foreach((json_t *)get(d, "by_hand"), i, e)
		printf("set by hand: %s is %s, the file says %s\n", get_text(e, "path"),
	               get_text(e, "running"), get_text(e, "file"));
	if (json_array_size(changes) > 0)
		puts("\n`tidegate reload` takes this over");
	else if (!get_bool(d, "same_text"))
		puts("the file was changed, but means the same");
	else
		puts("the file is what is in force");
}

int
verb_diff(struct cli *c)
{
	struct cli_answer a;
	int rc;

	cli_want(c, 0, 0);
	rc = cli_call(c, "GET", "/api/v1/diff", NULL, &a);
	if (rc != 0)
		return rc;
	if (a.status != 200 || a.document == NULL) {
		cli_problem(c, &a);
		rc = EXIT_FAILED;
	} else if (!get_bool(a.document, "readable")) {
		if (c->json)
			cli_print_json(a.document);
		else
			cli_problem(c, &a);
		rc = EXIT_BAD_CONF;
	} else if (c->json) {
		cli_print_json(a.document);
	} else {
		human(a.document);
	}
	cli_answer_free(&a);
	return rc;
}
