/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

static void
print_all(const json_t *d)
{
	struct table t;
	const json_t *s;
	size_t i;

	table_begin(&t, "llllrrrrr",
	            (const char *[]){ "SERVICE", "MODE", "POLICY", "STATE", "HEADROOM",
	                              "IN", "IN", "DROPPED", "WOULD DROP", NULL });
	json_array_foreach((json_t *)get(d, "services"), i, s)
	{
		table_add(&t, "%s", get_text(s, "name"));
		table_add(&t, "%s", get_text(s, "mode"));
		table_add(&t, "%s", get_text(s, "policy"));
		table_add(&t, "%s", get_text(s, "state"));
		table_add(&t, "%.0f %%", 100 * get_number(s, "headroom_ratio"));
		table_add_rate(&t, get_number(s, "rates.received.packets_per_second"),
		               "pps");
		table_add_rate(&t, get_number(s, "rates.received.bits_per_second"),
		               "bit/s");
		table_add_rate(&t, get_number(s, "rates.dropped.packets_per_second"),
		               "pps");
		table_add_rate(&t, get_number(s, "rates.would_packets_per_second"),
		               "pps");
	}
	table_end(&t, "no services");
}

/* A limit of either unit, or "off". */
static void
add_limit(struct table *t, const json_t *vector, const char *key)
{
	const json_t *limit = get(vector, key);

	if (get(limit, "bits_per_second") != NULL)
		table_add_rate(t, get_number(limit, "bits_per_second"), "bit/s");
	else if (get(limit, "packets_per_second") != NULL)
		table_add_rate(t, get_number(limit, "packets_per_second"), "pps");
	else
		table_add(t, "off");
}

static void
print_vectors(const json_t *vectors)
{
	struct table t;
	const json_t *v;
	size_t i;

	table_begin(&t, "llrrrrrrr",
	            (const char *[]){ "VECTOR", "STATE", "ARRIVES", "ARRIVES", "PASSES",
	                              "ALARM", "ACTIVATE", "MAX", "HEADROOM", NULL });
	json_array_foreach((json_t *)vectors, i, v)
	{
		table_add(&t, "%s", get_text(v, "vector"));
		table_add(&t, "%s", get_text(v, "state"));
		table_add_rate(&t, get_number(v, "packets_per_second"), "pps");
		table_add_rate(&t, get_number(v, "bits_per_second"), "bit/s");
		table_add_rate(&t, get_number(v, "passed_packets_per_second"), "pps");
		add_limit(&t, v, "alarm_rate");
		add_limit(&t, v, "activate_rate");
		add_limit(&t, v, "max_rate");
		table_add(&t, "%.0f %%", 100 * get_number(v, "headroom_ratio"));
	}
	table_end(&t, "no vectors");
}

static void
print_strings(const char *label, const json_t *list, const char *empty)
{
	const json_t *v;
	size_t i;

	printf("%-9s", label);
	if (json_array_size(list) == 0)
		printf(" %s", empty);
	json_array_foreach((json_t *)list, i, v)
		printf(" %s", table_safe(json_string_value(v)));
	putchar('\n');
}

static void
print_one(const json_t *d)
{
	const json_t *s = get(d, "service"), *r;
	struct table t;
	size_t i;

	printf("%s%s%s, mode %s, policy %s, %s\n", colour_bold(),
	       table_safe(get_text(s, "name")), colour_off(), get_text(s, "mode"),
	       table_safe(get_text(s, "policy")), get_text(s, "state"));
	print_strings("prefixes", get(s, "prefixes"), "what no service claims");
	printf("protocol  %s\n", get_text(s, "protocol"));
	print_strings("ports", get(s, "ports"), "all");
	putchar('\n');
	print_vectors(get(s, "vectors"));
	putchar('\n');
	table_begin(&t, "lrr",
	            (const char *[]){ "REASON", "DROPPED", "WOULD DROP", NULL });
	json_array_foreach((json_t *)get(s, "reasons"), i, r)
	{
		table_add(&t, "%s", get_text(r, "reason"));
		table_add(&t, "%.0f", get_number(r, "packets"));
		table_add(&t, "%.0f", get_number(r, "would_packets"));
	}
	table_end(&t, "nothing was dropped");
}

int
verb_services(struct cli *c)
{
	char path[512] = "/api/v1/services/";

	cli_want(c, 0, 2);
	if (c->argc == 0)
		return cli_show(c, "/api/v1/services", print_all);
	if (c->argc != 2 || strcmp(c->argv[0], "show") != 0)
		cli_usage(c, "'%s' is not understood", c->argv[0]);
	cli_encode(c->argv[1], path + strlen(path), sizeof(path) - strlen(path));
	return cli_show(c, path, print_one);
}
