/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lists - timed entries of the deny list (block) and of the allow list (allow).
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

static const char *action;

static void
print_all(const json_t *d)
{
	struct table t;
	const json_t *b;
	size_t i;

	table_begin(&t, "lllr",
	            (const char *[]){ "PREFIX", "ACTION", "REASON", "LEFT", NULL });
	json_array_foreach((json_t *)get(d, "blocks"), i, b)
	{
		if (strcmp(get_text(b, "action"), action) != 0)
			continue;
		table_add(&t, "%s", get_text(b, "prefix"));
		table_add(&t, "%s", get_text(b, "action"));
		table_add(&t, "%s", get_text(b, "reason"));
		table_add(&t, "%s",
		          json_is_number(get(b, "remaining_seconds"))
		                  ? table_time(get_number(b, "remaining_seconds"))
		                  : "no end");
	}
	table_end(&t, "no entries");
}

static void
print_added(const json_t *d)
{
	printf("%s %s", get_text(d, "action"), get_text(d, "prefix"));
	if (json_is_number(get(d, "for_seconds")))
		printf(" for %s", table_time(get_number(d, "for_seconds")));
	putchar('\n');
}

static void
print_gone(const json_t *d)
{
	printf("no longer: %s %s\n", get_text(d, "action"), get_text(d, "prefix"));
}

static int
run(struct cli *c)
{
	const char *time = cli_option(c, "--for"), *reason = cli_option(c, "--reason");
	json_t *body;
	bool is_add;

	cli_want(c, 1, 2);
	if (strcmp(c->argv[0], "ls") == 0 && c->argc == 1)
		return cli_show(c, "/api/v1/blocks", print_all);
	is_add = strcmp(c->argv[0], "add") == 0;
	if (c->argc != 2 || (!is_add && strcmp(c->argv[0], "del") != 0))
		cli_usage(c, "'%s' is not understood", c->argv[0]);
	if (!is_add && (time != NULL || reason != NULL))
		cli_usage(c, "del takes neither --for nor --reason");
	body = json_pack("{s:s, s:s}", "prefix", c->argv[1], "action", action);
	if (time != NULL)
		json_object_set_new(body, "for", json_string(time));
	if (reason != NULL)
		json_object_set_new(body, "reason", json_string(reason));
	return cli_change(c, is_add ? "POST" : "DELETE", "/api/v1/blocks", body,
	                  is_add ? print_added : print_gone);
}

int
verb_block(struct cli *c)
{
	action = "deny";
	return run(c);
}

int
verb_allow(struct cli *c)
{
	action = "allow";
	return run(c);
}
