/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

static void
print_books(const json_t *d)
{
	const bool fine = get_bool(d, "total.books.balanced");

	printf("books     %s%s%s: received %.0f = forwarded %.0f + dropped %.0f + "
	       "replied %.0f + "
	       "consumed %.0f",
	       fine ? colour_good() : colour_warn(), fine ? "balanced" : "moving",
	       colour_off(), get_number(d, "total.received_packets"),
	       get_number(d, "total.forwarded_packets"),
	       get_number(d, "total.dropped_packets"),
	       get_number(d, "total.replied_packets"),
	       get_number(d, "total.consumed_packets"));
	if (!fine)
		printf(" (%.0f in flight)",
		       get_number(d, "total.books.in_flight_packets"));
	putchar('\n');
}

/* One line a worker; where there are many, the table of `tidegate workers` has them. */
static void
print_load(const json_t *load)
{
	const json_t *w;
	size_t i;

	json_array_foreach((json_t *)load, i, w) if (i < 4) printf(
		"worker %-2.0f busy %.1f %%, %.0f cycles a packet, "
		"%.1f packets a burst\n",
		get_number(w, "worker"), 100 * get_number(w, "busy_ratio"),
		get_number(w, "cycles_per_packet"), get_number(w, "packets_per_burst"));
}

static void
print_ports(const json_t *ports)
{
	struct table t;
	const json_t *p;
	size_t i;

	table_begin(&t, "lllrrrrr",
	            (const char *[]){ "LINK", "SIDE", "PORT", "LINK UP", "IN", "IN",
	                              "DROPPED", "MISSED", NULL });
	json_array_foreach((json_t *)ports, i, p)
	{
		table_add(&t, "%s", get_text(p, "link"));
		table_add(&t, "%s", get_text(p, "side"));
		table_add(&t, "%s", get_text(p, "name"));
		table_add(&t, "%s", get_bool(p, "up") ? "up" : "DOWN");
		table_add_rate(&t, get_number(p, "rates.received.packets_per_second"),
		               "pps");
		table_add_rate(&t, get_number(p, "rates.received.bits_per_second"),
		               "bit/s");
		table_add_rate(&t, get_number(p, "rates.dropped.packets_per_second"),
		               "pps");
		table_add(&t, "%.0f", get_number(p, "missed_packets"));
	}
	table_end(&t, "no ports");
}

static void
human(const json_t *d)
{
	const json_t *w;
	const double attacks = get_number(d, "attacks_active");
	size_t i;

	printf("%stidegated %s%s on %s, up %s, DPDK %s\n", colour_bold(),
	       table_safe(get_text(d, "version")), colour_off(),
	       table_safe(get_text(d, "node")),
	       table_time(get_number(d, "uptime_seconds")),
	       table_safe(get_text(d, "dpdk_version")));
	printf("mode      %s%s%s%s\n", get_text(d, "mode"),
	       get_bool(d, "bypass") ? colour_bad() : "",
	       get_bool(d, "bypass") ? ", BYPASS: nothing is judged" : "",
	       get_bool(d, "bypass") ? colour_off() : "");
	printf("attacks   %s%.0f running%s\n", attacks > 0 ? colour_bad() : "", attacks,
	       attacks > 0 ? colour_off() : "");
	printf("services  %.0f, workers %.0f\n", get_number(d, "services"),
	       get_number(d, "workers"));
	printf("config    %s, generation %.0f, sha256 %.12s\n",
	       table_safe(get_text(d, "config.file")), get_number(d, "config.generation"),
	       get_text(d, "config.sha256"));
	print_load(get(d, "load"));
	print_books(d);
	json_array_foreach((json_t *)get(d, "warnings"), i, w)
		printf("%swarning%s   %s\n", colour_warn(), colour_off(),
	               table_safe(json_string_value(w)));
	putchar('\n');
	print_ports(get(d, "ports"));
}

int
verb_status(struct cli *c)
{
	cli_want(c, 0, 0);
	return cli_show(c, "/api/v1/status", human);
}
