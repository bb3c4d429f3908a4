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

/* Rules that the address alone does not rule out. */
static void
print_filters(const json_t *rules)
{
	struct table t;
	const json_t *e;
	size_t i;

	if (json_array_size(rules) == 0)
		return;
	printf("\n%sFilter rules%s\n", colour_bold(), colour_off());
	table_begin(&t, "llll",
	            (const char *[]){ "RULE", "ACTION", "MATCHES", "ASKS FOR", NULL });
	json_array_foreach((json_t *)rules, i, e)
	{
		table_add(&t, "%s", get_text(e, "name"));
		table_add(&t, get_bool(e, "dry_run") ? "%s, dry run" : "%s",
		          get_text(e, "action"));
		table_add(&t, "%s",
		          strcmp(get_text(e, "matches"), "always") == 0
		                  ? "all its packets"
		                  : "some of its packets may");
		table_add(&t, "%.200s", get_text(e, "expression"));
	}
	table_end(&t, "");
}

static void
human(const json_t *d)
{
	const json_t *e;
	size_t i;

	/* What to say on the telephone comes first and alone. */
	printf("%s%s%s\n\n%s\n", colour_bold(), get_text(d, "answer"), colour_off(),
	       get_text(d, "sentence"));
	json_array_foreach((json_t *)get(d, "remedy"), i, e) if (json_is_string(e))
		printf("remedy    %s\n", json_string_value(e));
	printf("around    %s: %.0f busy senders, %s, %.0f blocked by hand\n",
	       get_text(d, "network.network"), get_number(d, "network.busy_senders"),
	       table_si(get_number(d, "network.packets_per_second"), "pps"),
	       get_number(d, "network.blocked_by_hand"));
	print_lists(d);
	print_filters(get(d, "filters"));
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
