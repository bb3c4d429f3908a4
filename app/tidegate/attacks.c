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
	const json_t *a;
	size_t i;

	table_begin(&t, "llllllrrrr",
	            (const char *[]){ "ATTACK", "SERVICE", "VECTOR", "STATUS", "STEP",
	                              "START", "LASTED", "PEAK", "DROPPED", "WOULD DROP",
	                              NULL });
	json_array_foreach((json_t *)get(d, "attacks"), i, a)
	{
		table_add(&t, "%s", get_text(a, "attack_id"));
		table_add(&t, "%s", get_text(a, "service"));
		table_add(&t, "%s", get_text(a, "vector"));
		table_add(&t, "%s", get_text(a, "status"));
		table_add(&t, "%s", get_text(a, "step"));
		table_add(&t, "%s", get_text(a, "start"));
		table_add(&t, "%s", table_time(get_number(a, "duration_seconds")));
		table_add_rate(&t, get_number(a, "peak_packets_per_second"), "pps");
		table_add(&t, "%s", table_si(get_number(a, "dropped_packets"), ""));
		table_add(&t, "%s", table_si(get_number(a, "would_packets"), ""));
	}
	table_end(&t, "no attacks");
}

static void
print_time(const char *label, const char *when, const json_t *after_ms)
{
	if (when[0] == '\0')
		printf("%-10s -\n", label);
	else if (json_is_number(after_ms))
		printf("%-10s %s (after %.1f ms)\n", label, when,
		       json_number_value(after_ms));
	else
		printf("%-10s %s\n", label, when);
}

static void
print_one(const json_t *d)
{
	const json_t *a = get(d, "attack");
	const bool in_bits =
		strcmp(get_text(a, "trigger.metric"), "bits_per_second") == 0;
	const char *unit = in_bits ? "bit/s" : "pps";
	const double hurt = get_number(a, "verified_dropped_packets");

	printf("%s%s%s %s on %s, %s, mode %s\n", colour_bold(), get_text(a, "attack_id"),
	       colour_off(), get_text(a, "vector"), table_safe(get_text(a, "service")),
	       get_text(a, "status"), get_text(a, "mode"));
	print_time("start", get_text(a, "start"), NULL);
	print_time("detected", get_text(a, "detected"), get(a, "detected_after_ms"));
	print_time("mitigated", get_text(a, "mitigated"), get(a, "mitigated_after_ms"));
	print_time("end", get_text(a, "end"), NULL);
	printf("%-10s %s\n", "lasted", table_time(get_number(a, "duration_seconds")));
	printf("%-10s %s measured, activate_rate %s\n", "trigger",
	       table_si(get_number(a, "trigger.value"), unit),
	       table_si(get_number(a, "trigger.threshold"), unit));
	printf("%-10s %s, %s\n", "peak",
	       table_si(get_number(a, "peak_packets_per_second"), "pps"),
	       table_si(get_number(a, "peak_bits_per_second"), "bit/s"));
	printf("%-10s %s packets, %s bytes\n", "arrived",
	       table_si(get_number(a, "packets"), ""),
	       table_si(get_number(a, "bytes"), ""));
	printf("%-10s %s packets, %s bytes\n", "dropped",
	       table_si(get_number(a, "dropped_packets"), ""),
	       table_si(get_number(a, "dropped_bytes"), ""));
	printf("%-10s %s, at most %s; came %.0f times\n", "step", get_text(a, "step"),
	       get_text(a, "highest_step"), get_number(a, "pulses"));
	printf("%-10s %s packets\n", "would drop",
	       table_si(get_number(a, "would_packets"), ""));
	printf("%-10s %s%.0f packets of verified flows dropped%s\n", "customers",
	       hurt > 0 ? colour_bad() : "", hurt, hurt > 0 ? colour_off() : "");
}

int
verb_attacks(struct cli *c)
{
	const bool active = cli_flag(c, "--active");
	const char *limit = cli_option(c, "--limit");
	const char *since = cli_option(c, "--since");
	char path[512] = "/api/v1/attacks/", encoded[64] = "20";

	cli_want(c, 0, 1);
	if (c->argc == 1) {
		cli_encode(c->argv[0], path + strlen(path), sizeof(path) - strlen(path));
		return cli_show(c, path, print_one);
	}
	if (limit != NULL)
		cli_encode(limit, encoded, sizeof(encoded));
	else if (since != NULL)
		strcpy(encoded, "256"); /* who asks for a time wants all of it */
	snprintf(path, sizeof(path), "/api/v1/attacks?active=%s&limit=%s",
	         active ? "true" : "false", encoded);
	if (since != NULL) {
		cli_encode(since, encoded, sizeof(encoded));
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "&since=%s",
		         encoded);
	}
	return cli_show(c, path, print_all);
}
