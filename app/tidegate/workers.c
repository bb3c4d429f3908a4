/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli.h"
#include "table.h"
#include "verbs.h"

static void
human(const json_t *d)
{
	struct table t;
	const json_t *w;
	size_t i;

	table_begin(&t, "rrrrrrrrr",
	            (const char *[]){ "WORKER", "CORE", "IN", "HANDED OVER", "TAKEN OVER",
	                              "BUSY", "CYCLES A PACKET", "PACKETS A BURST",
	                              "LAST TURN", NULL });
	json_array_foreach((json_t *)get(d, "workers"), i, w)
	{
		table_add(&t, "%.0f", get_number(w, "worker"));
		table_add(&t, "%.0f", get_number(w, "lcore"));
		table_add_rate(&t, get_number(w, "packets_per_second"), "pps");
		table_add(&t, "%.0f", get_number(w, "handed_over_packets"));
		table_add(&t, "%.0f", get_number(w, "taken_over_packets"));
		table_add(&t, "%.1f %%", 100 * get_number(w, "busy_ratio"));
		table_add(&t, "%.0f", get_number(w, "cycles_per_packet"));
		table_add(&t, "%.1f", get_number(w, "packets_per_burst"));
		table_add(&t, "%.3f s", get_number(w, "heartbeat_age_seconds"));
	}
	table_end(&t, "no workers");
}

int
verb_workers(struct cli *c)
{
	cli_want(c, 0, 0);
	return cli_show(c, "/api/v1/workers", human);
}
