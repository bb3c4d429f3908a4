/* SPDX-License-Identifier: BSD-3-Clause */
#include "sentence.h"

#include <stdio.h>

#include "telemetry/telemetry.h"

#define RATE_MAX 24

/* "1.2 Mpps"; below a thousand without a point. */
static const char *
rate(double value, const char *unit, char out[RATE_MAX])
{
	static const char prefixes[] = " kMGT";
	unsigned int i = 0;

	for (; value >= 1000 && prefixes[i + 1] != '\0'; i++)
		value /= 1000;
	if (i == 0)
		snprintf(out, RATE_MAX, "%.0f %s", value, unit);
	else
		snprintf(out, RATE_MAX, "%.1f %c%s", value, prefixes[i], unit);
	return out;
}

static double
rate_of(const json_t *total, const char *what, const char *unit)
{
	return json_number_value(json_object_get(
		json_object_get(json_object_get(total, "rates"), what), unit));
}

static const char *
plural(json_int_t n)
{
	return n == 1 ? "" : "s";
}

void
sentence_of(struct telemetry *t, char out[SENTENCE_MAX])
{
	struct telemetry_ask ask;
	char why[160], in[RATE_MAX], bits[RATE_MAX], dropped[RATE_MAX];
	const json_t *total;
	json_int_t services, attacks;
	bool is_ready = telemetry_ready(t, why);
	json_t *d;

	telemetry_ask_init(&ask);
	d = telemetry_status(t, &ask);
	total = json_object_get(d, "total");
	services = json_integer_value(json_object_get(d, "services"));
	attacks = json_integer_value(json_object_get(d, "attacks_active"));
	snprintf(out, SENTENCE_MAX,
	         "%s%s%.100s%s%s, %lld service%s, %lld attack%s; in %s %s, dropped %s",
	         json_is_true(json_object_get(d, "bypass"))
	                 ? "BYPASS, nothing is judged; "
	                 : "",
	         is_ready ? "" : "NOT READY, ", why, is_ready ? "" : "; ",
	         d != NULL ? json_string_value(json_object_get(d, "mode")) : "no memory",
	         (long long)services, plural(services), (long long)attacks,
	         plural(attacks),
	         rate(rate_of(total, "received", "packets_per_second"), "pps", in),
	         rate(rate_of(total, "received", "bits_per_second"), "bit/s", bits),
	         rate(rate_of(total, "dropped", "packets_per_second"), "pps", dropped));
	json_decref(d);
}
