/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

static void
human(const json_t *d)
{
	struct table t;
	const json_t *e;
	size_t i;

	printf("top %s by %s, estimated over %s\n", get_text(d, "by"),
	       get_text(d, "metric"), table_time(get_number(d, "window_seconds")));
	table_begin(
		&t, "lrrr",
		(const char *[]){ "ADDRESS", "PACKETS", "BITS", "ERROR AT MOST", NULL });
	json_array_foreach((json_t *)get(d, "top"), i, e)
	{
		table_add(&t, "%s", get_text(e, "address"));
		table_add_rate(&t, get_number(e, "packets_per_second"), "pps");
		table_add_rate(&t, get_number(e, "bits_per_second"), "bit/s");
		table_add_rate(&t, get_number(e, "error_packets_per_second"), "pps");
	}
	table_end(&t, "nobody sends");
}

int
verb_talkers(struct cli *c)
{
	const bool destinations = cli_flag(c, "--destinations"),
		   bits = cli_flag(c, "--bits");
	const char *limit = cli_option(c, "--limit");
	char path[256], encoded[32] = "20";

	cli_want(c, 0, 0);
	if (limit != NULL)
		cli_encode(limit, encoded, sizeof(encoded));
	snprintf(path, sizeof(path), "/api/v1/top?by=%s&metric=%s&limit=%s",
	         destinations ? "destinations" : "sources", bits ? "bits" : "packets",
	         encoded);
	return cli_show(c, path, human);
}
