/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

static void
print_lists(const json_t *d)
{
	const json_t *e;
	size_t i;

	json_array_foreach((json_t *)get(d, "lists"), i, e)
		printf("list      %s: %s %s\n", table_safe(get_text(e, "list")),
	               get_text(e, "action"), get_text(e, "prefix"));
	json_array_foreach((json_t *)get(d, "services"), i, e) printf(
		"service   %s, policy %s, mode %s\n", table_safe(get_text(e, "service")),
		table_safe(get_text(e, "policy")), get_text(e, "mode"));
}

/* Lines of one kind: what was measured, against what, and with whom. */
static void
print_lines(const json_t *lines, const char *title)
{
	struct table t;
	const json_t *e;
	size_t i;

	if (json_array_size(lines) == 0)
		return;
	printf("\n%s%s%s\n", colour_bold(), title, colour_off());
	table_begin(&t, "lllrrll",
	            (const char *[]){ "STAGE", "WHAT", "SERVICE", "VALUE", "THRESHOLD",
	                              "VERDICT", "WITH", NULL });
	json_array_foreach((json_t *)lines, i, e)
	{
		const char *unit = get_text(e, "unit");

		table_add(&t, "%s", get_text(e, "stage"));
		table_add(&t, "%s", get_text(e, "what"));
		table_add(&t, "%s", get_text(e, "service"));
		table_add(&t, "%.0f %s", get_number(e, "value"), unit);
		if (get(e, "threshold") != NULL)
			table_add(&t, "%.0f", get_number(e, "threshold"));
		else
			table_add(&t, "-");
		table_add(&t, "%s", get_text(e, "verdict"));
		if (get(e, "peer") != NULL)
			table_add(&t, "%s port %.0f, own port %.0f", get_text(e, "peer"),
			          get_number(e, "peer_port"), get_number(e, "port"));
		else
			table_add(&t, "%s ago", table_time(get_number(e, "age_seconds")));
	}
	table_end(&t, "");
}

static void
human(const json_t *d)
{
	puts(get_text(d, "sentence"));
	putchar('\n');
	print_lists(d);
	print_lines(get(d, "meters"), "Meters");
	print_lines(get(d, "flows"), "Flows");
	print_lines(get(d, "drops"), "Drops");
	print_lines(get(d, "facts"), "Also known");
	if (get_number(d, "left_out") > 0)
		printf("\n%.0f findings are left out\n", get_number(d, "left_out"));
}

int
verb_explain(struct cli *c)
{
	char path[256] = "/api/v1/explain?ip=";

	cli_want(c, 1, 1);
	cli_encode(c->argv[0], path + strlen(path), sizeof(path) - strlen(path));
	return cli_show(c, path, human);
}
