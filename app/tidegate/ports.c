/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli.h"
#include "table.h"
#include "verbs.h"

static void
human(const json_t *d)
{
	struct table t;
	const json_t *p;
	size_t i;

	table_begin(&t, "llllrrrrrrrr",
	            (const char *[]){ "LINK", "SIDE", "PORT", "DRIVER", "LINK UP",
	                              "SPEED", "IN", "IN", "SENT", "DROPPED", "MISSED",
	                              "NO BUFFER", NULL });
	json_array_foreach((json_t *)get(d, "ports"), i, p)
	{
		table_add(&t, "%s", get_text(p, "link"));
		table_add(&t, "%s", get_text(p, "side"));
		table_add(&t, "%s", get_text(p, "name"));
		table_add(&t, "%s", get_text(p, "driver"));
		table_add(&t, "%s", get_bool(p, "up") ? "up" : "DOWN");
		table_add_rate(&t, get_number(p, "speed_bits_per_second"), "bit/s");
		table_add_rate(&t, get_number(p, "rates.received.packets_per_second"),
		               "pps");
		table_add_rate(&t, get_number(p, "rates.received.bits_per_second"),
		               "bit/s");
		table_add_rate(&t, get_number(p, "rates.sent.packets_per_second"), "pps");
		table_add_rate(&t, get_number(p, "rates.dropped.packets_per_second"),
		               "pps");
		table_add(&t, "%.0f", get_number(p, "missed_packets"));
		table_add(&t, "%.0f", get_number(p, "buffer_failures"));
	}
	table_end(&t, "no ports");
}

int
verb_ports(struct cli *c)
{
	cli_want(c, 0, 0);
	return cli_show(c, "/api/v1/ports", human);
}
