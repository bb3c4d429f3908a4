/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

static bool with_unused;
static const char *only;

static void
human(const json_t *d)
{
	struct table t;
	const json_t *h;
	size_t i;

	table_begin(&t, "llr", (const char *[]){ "STAGE", "NAME", "PACKETS", NULL });
	json_array_foreach((json_t *)get(d, "hits"), i, h)
	{
		if ((!with_unused && get_number(h, "packets") == 0) ||
		    (only != NULL && strcmp(only, get_text(h, "stage")) != 0))
			continue;
		table_add(&t, "%s", get_text(h, "stage"));
		table_add(&t, "%s", table_safe(get_text(h, "name")));
		table_add(&t, "%.0f", get_number(h, "packets"));
	}
	table_end(&t, "nothing was met so far");
}

int
verb_hits(struct cli *c)
{
	with_unused = cli_flag(c, "--all");
	cli_want(c, 0, 1);
	only = c->argc == 1 ? c->argv[0] : NULL;
	return cli_show(c, "/api/v1/hits", human);
}
