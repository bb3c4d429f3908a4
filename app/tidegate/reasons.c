/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

static bool with_unused, with_help;

static void
human(const json_t *d)
{
	struct table t;
	const json_t *r;
	size_t i;

	table_begin(&t, with_help ? "llrrrrl" : "llrrrr",
	            (const char *[]){ "REASON", "CLASS", "PACKETS", "NOW", "WOULD", "NOW",
	                              with_help ? "WHAT IT MEANS" : NULL, NULL });
	json_array_foreach((json_t *)get(d, "reasons"), i, r)
	{
		if (!with_unused &&
		    get_number(r, "packets") + get_number(r, "would_packets") == 0)
			continue;
		table_add(&t, "%s", get_text(r, "reason"));
		table_add(&t, "%s", get_text(r, "class"));
		table_add(&t, "%.0f", get_number(r, "packets"));
		table_add_rate(&t, get_number(r, "packets_per_second"), "pps");
		table_add(&t, "%.0f", get_number(r, "would_packets"));
		table_add_rate(&t, get_number(r, "would_packets_per_second"), "pps");
		if (with_help)
			table_add(&t, "%s", get_text(r, "help"));
	}
	table_end(&t, "no packet was stopped so far");
}

int
verb_reasons(struct cli *c)
{
	with_unused = cli_flag(c, "--all");
	with_help = cli_flag(c, "--help-texts");
	cli_want(c, 0, 0);
	return cli_show(c, "/api/v1/reasons", human);
}
