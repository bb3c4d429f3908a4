/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

static void
human(const json_t *d)
{
	printf("%s: mode %s", table_safe(get_text(d, "service")), get_text(d, "mode"));
	if (json_is_number(get(d, "for_seconds")))
		printf(" for %s", table_time(get_number(d, "for_seconds")));
	putchar('\n');
}

int
verb_mode(struct cli *c)
{
	const char *time = cli_option(c, "--for");
	char path[512] = "/api/v1/mode", name[300];
	json_t *body;

	cli_want(c, 2, 2);
	if (strcmp(c->argv[0], "all") != 0) {
		cli_encode(c->argv[0], name, sizeof(name));
		snprintf(path, sizeof(path), "/api/v1/services/%s/mode", name);
	}
	body = json_pack("{s:s}", "mode", c->argv[1]);
	if (time != NULL)
		json_object_set_new(body, "for", json_string(time));
	return cli_change(c, "PUT", path, body, human);
}
