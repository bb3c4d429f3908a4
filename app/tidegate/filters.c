/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filters - the operator's filter rules: those in force, and those made by hand.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

static void
print_all(const json_t *d)
{
	struct table t;
	const json_t *r;
	size_t i;

	table_begin(&t, "llllrrr",
	            (const char *[]){ "NAME", "ACTION", "KIND", "FROM", "PACKETS", "OVER",
	                              "LEFT", NULL });
	json_array_foreach((json_t *)get(d, "filters"), i, r)
	{
		const char *action = get_text(r, "action");

		table_add(&t, "%s", get_text(r, "name"));
		table_add(&t, json_is_true(get(r, "dry_run")) ? "%s, dry run" : "%s",
		          action);
		table_add(&t, "%s", get_text(r, "kind"));
		table_add(&t, "%s", get_text(r, "origin"));
		table_add(&t, "%.0f", get_number(r, "packets"));
		if (strcmp(action, "meter") == 0)
			table_add(&t, "%.0f", get_number(r, "packets_over"));
		else
			table_add(&t, "%s", "");
		table_add(&t, "%s",
		          json_is_number(get(r, "remaining_seconds"))
		                  ? table_time(get_number(r, "remaining_seconds"))
		                  : "no end");
	}
	table_end(&t, "no filter rules");
}

static void
print_done(const json_t *d)
{
	printf("%s: %s\n", get_text(d, "name"), get_text(d, "result"));
}

/* The rule of a file, "-" for standard input. */
static json_t *
read_rule(struct cli *c, const char *path)
{
	json_error_t error;
	json_t *rule = strcmp(path, "-") == 0 ? json_loadf(stdin, 0, &error)
	                                      : json_load_file(path, 0, &error);

	if (rule == NULL)
		cli_usage(c, "%s:%d: %s", path, error.line, error.text);
	return rule;
}

int
verb_filters(struct cli *c)
{
	const char *verb;

	cli_want(c, 1, 2);
	verb = c->argv[0];
	if (strcmp(verb, "list") == 0 && c->argc == 1)
		return cli_show(c, "/api/v1/filters", print_all);
	if (c->argc == 2 && strcmp(verb, "add") == 0)
		return cli_change(c, "POST", "/api/v1/filters", read_rule(c, c->argv[1]),
		                  print_done);
	if (c->argc == 2 && strcmp(verb, "check") == 0)
		return cli_change(c, "POST", "/api/v1/filters/check",
		                  read_rule(c, c->argv[1]), print_done);
	if (c->argc == 2 && strcmp(verb, "del") == 0) {
		char path[512] = "/api/v1/filters/";

		cli_encode(c->argv[1], path + strlen(path), sizeof(path) - strlen(path));
		return cli_change(c, "DELETE", path, json_object(), print_done);
	}
	cli_usage(c, "'%s' is not understood", verb);
}
