/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * show - every threshold of one service: what it counts, over how long, what is
 * measured now and how much is left.
 *
 * The rows are made once, as JSON, and printed as they are or as a table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

/* What a vector's threshold counts. Windows: meter/watch.h and detect/detect.h. */
static const struct kind {
	const char *key, *scope, *window;
	enum { ARRIVES, PASSES, BUSIEST_NETWORK, NOT_KEPT } now;
} kinds[] = {
	{ "alarm_rate", "the whole service, all workers together", "the last 100 ms",
	  ARRIVES },
	{ "activate_rate", "the whole service, all workers together",
	  "100 ms of burst, then at once", ARRIVES },
	{ "max_rate", "unproven packets to the whole service", "10 ms of burst", PASSES },
	{ "challenge_rate", "the whole service, all workers together", "the last 100 ms",
	  ARRIVES },
	{ "block_rate", "what passes to the whole service", "the last 100 ms", PASSES },
	{ "network_rate", "each protected /24 or IPv6 /48 by itself", "the last 100 ms",
	  BUSIEST_NETWORK },
	{ "address_rate", "each protected address by itself", "the last 100 ms",
	  NOT_KEPT },
};

/* "50kpps" as a number of its unit; *unit gets "pps", "bit/s" or "cps". */
static double
rate_of(const char *written, const char **unit)
{
	static const char *const units[] = { "bit/s", "pps", "cps" };
	char *end;
	double value = strtod(written, &end);

	switch (*end) {
	case 'k':
		value *= 1e3;
		break;
	case 'M':
		value *= 1e6;
		break;
	case 'G':
		value *= 1e9;
		break;
	case 'T':
		value *= 1e12;
		break;
	default:
		end--;
	}
	*unit = "";
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strcmp(end + 1, units[i]) == 0)
			*unit = units[i];
	return value;
}

static const char *
in_words(double ratio)
{
	return ratio <= 0     ? "exceeded"
	       : ratio < 0.05 ? "nearly none"
	       : ratio < 0.2  ? "little"
	       : ratio < 0.5  ? "enough"
	                      : "plenty";
}

static void
put_measured(json_t *row, double value, double limit)
{
	const double left = limit > 0 && value < limit ? 1 - value / limit : 0;

	json_object_set_new(row, "value", json_real(value));
	json_object_set_new(row, "headroom_ratio", json_real(left));
	json_object_set_new(row, "headroom", json_string(in_words(left)));
}

/* What came to the busiest network of the service, of one vector; false: to none. */
static bool
busiest_network(const json_t *networks, const char *service, const char *vector,
                const char *unit, json_t *row, double limit)
{
	const json_t *n, *v;
	const char *which = NULL;
	double most = -1;
	size_t i, k;

	json_array_foreach((json_t *)get(networks, "networks"), i, n)
	{
		if (strcmp(get_text(n, "service"), service) != 0)
			continue;
		json_array_foreach((json_t *)get(n, "vectors"), k, v)
		{
			if (strcmp(get_text(v, "vector"), vector) != 0 ||
			    get_number(v, unit) <= most)
				continue;
			most = get_number(v, unit);
			which = get_text(n, "network");
		}
	}
	if (which == NULL)
		return false;
	put_measured(row, most, limit);
	json_object_set_new(row, "of", json_string(which));
	return true;
}

static void
add_threshold(json_t *rows, const json_t *s, const json_t *v, const struct kind *k,
              const json_t *networks)
{
	const json_t *limit = get(v, k->key);
	const bool is_bits = get(limit, "bits_per_second") != NULL;
	const char *unit = is_bits ? "bits_per_second" : "packets_per_second";
	const double most = get_number(limit, unit);
	char passed[40];
	json_t *row;

	if (!json_is_object(limit))
		return;
	row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:f}", "of_vector",
	                get_text(v, "vector"), "threshold", k->key, "scope", k->scope,
	                "window", k->window, "unit", is_bits ? "bit/s" : "pps", "limit",
	                most);
	snprintf(passed, sizeof(passed), "passed_%s", unit);
	if (k->now == ARRIVES)
		put_measured(row, get_number(v, unit), most);
	else if (k->now == PASSES)
		put_measured(row, get_number(v, passed), most);
	else if (k->now == BUSIEST_NETWORK &&
	         !busiest_network(networks, get_text(s, "name"), get_text(v, "vector"),
	                          unit, row, most))
		put_measured(row, 0, most);
	json_array_append_new(rows, row);
}

/* Limits of single countermeasures; of a source's, the busiest source is known. */
static void
add_limits(json_t *rows, const json_t *s, const json_t *top)
{
	const json_t *busiest = json_array_get(get(top, "top"), 0), *l;
	size_t i;

	json_array_foreach((json_t *)get(s, "limits"), i, l)
	{
		const char *key = get_text(l, "key"), *unit;
		const double limit = rate_of(get_text(l, "limit"), &unit);
		const bool is_source = strncmp(key, "sources.", 8) == 0;
		const bool is_connections = strcmp(unit, "cps") == 0;
		json_t *row =
			json_pack("{s:s, s:s, s:s, s:f}", "threshold", key, "help",
		                  get_text(l, "help"), "unit", unit, "limit", limit);

		if (is_source) {
			json_object_set_new(row, "scope",
			                    json_string("each source address by itself"));
			json_object_set_new(row, "window",
			                    json_string(is_connections
			                                        ? "1 s of burst"
			                                        : "200 ms of burst"));
		}
		if (busiest != NULL && (strcmp(key, "sources.packets") == 0 ||
		                        strcmp(key, "sources.bits") == 0)) {
			put_measured(row,
			             get_number(busiest, strcmp(unit, "pps") == 0
			                                         ? "packets_per_second"
			                                         : "bits_per_second"),
			             limit);
			json_object_set(row, "of", (json_t *)get(busiest, "address"));
		}
		json_array_append_new(rows, row);
	}
}

static void
add_measured(struct table *t, const json_t *row)
{
	const char *unit = get_text(row, "unit");

	if (get(row, "value") == NULL)
		table_add(t, "not kept");
	else
		table_add(t, "%s", table_si(get_number(row, "value"), unit));
	table_add(t, "%s", table_si(get_number(row, "limit"), unit));
	if (get(row, "value") == NULL)
		table_add(t, "-");
	else
		table_add(t, "%.0f %%, %s%s%s", 100 * get_number(row, "headroom_ratio"),
		          get_text(row, "headroom"), get(row, "of") != NULL ? ": " : "",
		          get_text(row, "of"));
}

static void
print_vectors(const json_t *rows)
{
	struct table t;
	const json_t *row;
	size_t i;

	table_begin(&t, "llllrrl",
	            (const char *[]){ "FLOOD", "THRESHOLD", "COUNTS", "OVER", "NOW",
	                              "LIMIT", "LEFT", NULL });
	json_array_foreach((json_t *)rows, i, row)
	{
		if (get(row, "of_vector") == NULL)
			continue;
		table_add(&t, "%s", get_text(row, "of_vector"));
		table_add(&t, "%s", get_text(row, "threshold"));
		table_add(&t, "%s", get_text(row, "scope"));
		table_add(&t, "%s", get_text(row, "window"));
		add_measured(&t, row);
	}
	table_end(&t, "no flood has a threshold: the policy names no vectors");
}

static void
print_limits(const json_t *rows, bool all)
{
	struct table t;
	const json_t *row;
	size_t i;

	printf("\n%sLimits of single countermeasures%s\n", colour_bold(), colour_off());
	table_begin(&t, "lrrll",
	            (const char *[]){ "LIMIT", "NOW", "AT MOST", "LEFT", "WHAT IT COUNTS",
	                              NULL });
	json_array_foreach((json_t *)rows, i, row)
	{
		if (get(row, "of_vector") != NULL || (!all && get(row, "scope") == NULL))
			continue;
		table_add(&t, "%s", get_text(row, "threshold"));
		add_measured(&t, row);
		table_add(&t, "%s%s%s", get_text(row, "help"),
		          get(row, "window") != NULL ? " Over: " : "",
		          get_text(row, "window"));
	}
	table_end(&t, "none");
	if (!all)
		puts("`--all` shows those of all other countermeasures, too");
}

static void
print_times(const json_t *s)
{
	const json_t *v = json_array_get(get(s, "vectors"), 0);

	if (v == NULL)
		return;
	printf("\nAn attack is told when activate_rate was exceeded for %s, and is over "
	       "after %s of calm (%s when it comes in waves).\n",
	       table_time(get_number(v, "activate_after_seconds")),
	       table_time(get_number(v, "clear_after_seconds")),
	       table_time(get_number(v, "hold_for_seconds")));
}

static void
print_all(const json_t *s, const json_t *rows, bool all)
{
	const json_t *p;
	size_t i;

	printf("%s%s%s: %s, mode %s, policy %s\n", colour_bold(), get_text(s, "name"),
	       colour_off(), get_text(s, "state"), get_text(s, "mode"),
	       get_text(s, "policy"));
	printf("protects ");
	if (json_array_size(get(s, "prefixes")) == 0)
		printf(" what no service claims");
	json_array_foreach((json_t *)get(s, "prefixes"), i, p) if (i < 16) printf(
		" %s", table_safe(json_string_value(p) ? json_string_value(p) : ""));
	if (json_array_size(get(s, "prefixes")) > 16)
		printf(" and %zu more", json_array_size(get(s, "prefixes")) - 16);
	printf(", protocol %s\n", get_text(s, "protocol"));
	printf("arrives   %s, %s; dropped %s; would be dropped %s\n\n",
	       table_si(get_number(s, "rates.received.packets_per_second"), "pps"),
	       table_si(get_number(s, "rates.received.bits_per_second"), "bit/s"),
	       table_si(get_number(s, "rates.dropped.packets_per_second"), "pps"),
	       table_si(get_number(s, "rates.would_packets_per_second"), "pps"));
	print_vectors(rows);
	print_times(s);
	print_limits(rows, all);
}

int
verb_show(struct cli *c)
{
	const bool all = cli_flag(c, "--all");
	struct cli_answer service, networks = { 0 }, top = { 0 };
	char path[512] = "/api/v1/services/";
	const json_t *s, *v;
	json_t *rows;
	size_t i;
	int rc;

	cli_want(c, 1, 1);
	cli_encode(c->argv[0], path + strlen(path), sizeof(path) - strlen(path));
	rc = cli_call(c, "GET", path, NULL, &service);
	if (rc != 0)
		return rc;
	if (service.status != 200 || service.document == NULL) {
		cli_problem(c, &service);
		cli_answer_free(&service);
		return EXIT_FAILED;
	}
	cli_try(c, "GET", "/api/v1/networks?limit=256", &networks);
	cli_try(c, "GET", "/api/v1/top?limit=1", &top);
	s = get(service.document, "service");
	rows = json_array();
	json_array_foreach((json_t *)get(s, "vectors"), i, v)
	{
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
			add_threshold(rows, s, v, &kinds[k], networks.document);
	}
	add_limits(rows, s, top.document);
	if (c->json) {
		json_object_set(service.document, "thresholds", rows);
		cli_print_json(service.document);
	} else {
		print_all(s, rows, all);
	}
	json_decref(rows);
	cli_answer_free(&service);
	cli_answer_free(&networks);
	cli_answer_free(&top);
	return 0;
}
