/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/put.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "conf/conf.h"
#include "prefix/prefix.h"

#define NS UINT64_C(1000000000)

void
telemetry_put_count(json_t *o, const char *key, uint64_t value)
{
	json_object_set_new(
		o, key, json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value));
}

void
telemetry_put_text(json_t *o, const char *key, const char *text)
{
	json_t *string = json_string(text);

	/* Names come from files and devices; what is not UTF-8 is shown as such. */
	json_object_set_new(o, key, string != NULL ? string : json_string("(not UTF-8)"));
}

void
telemetry_put_bool(json_t *o, const char *key, bool value)
{
	json_object_set_new(o, key, json_boolean(value));
}

void
telemetry_put_seconds(json_t *o, const char *key, double seconds)
{
	json_object_set_new(o, key, json_real(round(seconds * 1e6) / 1e6));
}

void
telemetry_put_ratio(json_t *o, const char *key, double ratio)
{
	json_object_set_new(o, key, json_real(round(ratio * 1e4) / 1e4));
}

void
telemetry_time_text(uint64_t unix_ns, char text[TELEMETRY_TIME_TEXT])
{
	const time_t seconds = (time_t)(unix_ns / NS);
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(text, TELEMETRY_TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, TELEMETRY_TIME_TEXT - n, ".%03uZ",
	         (unsigned int)(unix_ns % NS / 1000000));
}

void
telemetry_time_eve(uint64_t unix_ns, char text[TELEMETRY_TIME_TEXT])
{
	const time_t seconds = (time_t)(unix_ns / NS);
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(text, TELEMETRY_TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, TELEMETRY_TIME_TEXT - n, ".%06u+0000",
	         (unsigned int)(unix_ns % NS / 1000));
}

void
telemetry_put_time(json_t *o, const char *key, uint64_t unix_ns)
{
	char text[TELEMETRY_TIME_TEXT];

	if (unix_ns == 0) {
		json_object_set_new(o, key, json_null());
		return;
	}
	telemetry_time_text(unix_ns, text);
	json_object_set_new(o, key, json_string(text));
}

uint64_t
telemetry_per_second(uint64_t count, uint64_t window_ns)
{
	if (window_ns == 0)
		return 0;
	return (uint64_t)((double)count * (double)NS / (double)window_ns + 0.5);
}

void
telemetry_put_rate(json_t *o, const char *key, const uint64_t packets_bytes[2],
                   uint64_t window_ns)
{
	json_t *rate = json_object();

	telemetry_put_count(rate, "packets_per_second",
	                    telemetry_per_second(packets_bytes[0], window_ns));
	telemetry_put_count(rate, "bits_per_second",
	                    telemetry_per_second(8 * packets_bytes[1], window_ns));
	json_object_set_new(o, key, rate);
}

void
telemetry_put_address(json_t *o, const char *key, const uint8_t address[16])
{
	char text[PREFIX_TEXT];

	prefix_format_address(address, text);
	json_object_set_new(o, key, json_string(text));
}

json_t *
telemetry_errors_array(const struct conf_errors *errors, bool warnings)
{
	const size_t n = errors->count + errors->warnings;
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct conf_error *e = &errors->error[i];
		json_t *o;

		if (e->is_warning != warnings)
			continue;
		o = json_object();
		telemetry_put_text(o, "file", e->file != NULL ? e->file : "");
		telemetry_put_count(o, "line", e->line);
		telemetry_put_text(o, "path", e->path != NULL ? e->path : "");
		telemetry_put_text(o, "message", e->message);
		json_array_append_new(a, o);
	}
	return a;
}

char *
telemetry_text(const json_t *document)
{
	return json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(12));
}
