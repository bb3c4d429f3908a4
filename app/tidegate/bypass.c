/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

static void
human(const json_t *d)
{
	printf("bypass %s", get_bool(d, "bypass") ? "on: nothing is judged" : "off");
	if (json_is_number(get(d, "for_seconds")))
		printf(", for %s", table_time(get_number(d, "for_seconds")));
	putchar('\n');
}

int
verb_bypass(struct cli *c)
{
	const char *time = cli_option(c, "--for");
	json_t *body;

	cli_want(c, 1, 1);
	if (strcmp(c->argv[0], "on") != 0 && strcmp(c->argv[0], "off") != 0)
		cli_usage(c, "'%s' is neither on nor off", c->argv[0]);
	body = json_pack("{s:b}", "enabled", strcmp(c->argv[0], "on") == 0);
	if (time != NULL)
		json_object_set_new(body, "for", json_string(time));
	return cli_change(c, "PUT", "/api/v1/bypass", body, human);
}
