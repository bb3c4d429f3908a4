/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/prometheus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 65536
#define NUMBER     32 /* characters of any number */

int
telemetry_out_open(struct telemetry_out *o)
{
	memset(o, 0, sizeof(*o));
	o->text = malloc(FIRST_ROOM);
	o->room = FIRST_ROOM;
	return o->text == NULL ? -ENOMEM : 0;
}

char *
telemetry_out_close(struct telemetry_out *o)
{
	char *text = o->text;

	o->text = NULL;
	if (o->is_broken) {
		free(text);
		return NULL;
	}
	text[o->len] = '\0';
	return text;
}

/* Whether `len` bytes and a NUL fit now. */
static bool
has_room(struct telemetry_out *o, size_t len)
{
	size_t room = o->room;
	char *grown;

	if (o->len + len < room)
		return true;
	if (o->is_broken)
		return false;
	while (o->len + len >= room)
		room *= 2;
	grown = realloc(o->text, room);
	if (grown == NULL) {
		o->is_broken = true;
		return false;
	}
	o->text = grown;
	o->room = room;
	return true;
}

static void
put(struct telemetry_out *o, const char *text, size_t len)
{
	if (!has_room(o, len))
		return;
	memcpy(o->text + o->len, text, len);
	o->len += len;
}

static void
put_text(struct telemetry_out *o, const char *text)
{
	put(o, text, strlen(text));
}

void
telemetry_family(struct telemetry_out *o, const char *name, const char *type,
                 const char *help)
{
	o->name_len = (size_t)snprintf(o->name, sizeof(o->name), "tidegate_%s", name);
	put_text(o, "# HELP ");
	put(o, o->name, o->name_len);
	put_text(o, " ");
	put_text(o, help);
	put_text(o, "\n# TYPE ");
	put(o, o->name, o->name_len);
	put_text(o, " ");
	put_text(o, type);
	put_text(o, "\n");
}

/* A label's value: backslash, quote and newline are escaped. */
static void
put_escaped(struct telemetry_out *o, const char *value)
{
	for (;;) {
		const size_t plain = strcspn(value, "\n\\\"");

		put(o, value, plain);
		value += plain;
		if (*value == '\0')
			return;
		put_text(o, *value == '\n' ? "\\n" : *value == '"' ? "\\\"" : "\\\\");
		value++;
	}
}

static void
put_labels(struct telemetry_out *o, va_list args)
{
	const char *key, *before = "{";

	while ((key = va_arg(args, const char *)) != NULL) {
		put_text(o, before);
		put_text(o, key);
		put_text(o, "=\"");
		put_escaped(o, va_arg(args, const char *));
		put_text(o, "\"");
		before = ",";
	}
	if (*before == ',')
		put_text(o, "}");
}

static void
put_whole(struct telemetry_out *o, uint64_t value)
{
	char digits[NUMBER];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	put(o, digits + at, sizeof(digits) - at);
}

static void
put_real(struct telemetry_out *o, double value, int digits)
{
	char text[NUMBER];

	put(o, text, (size_t)snprintf(text, sizeof(text), "%.*g", digits, value));
}

static void
end_sample(struct telemetry_out *o)
{
	put_text(o, "\n");
	o->series++;
}

static void
begin_sample(struct telemetry_out *o, va_list args)
{
	put(o, o->name, o->name_len);
	put_labels(o, args);
	put_text(o, " ");
}

void
telemetry_count(struct telemetry_out *o, uint64_t value, ...)
{
	va_list args;

	va_start(args, value);
	begin_sample(o, args);
	va_end(args);
	put_whole(o, value);
	end_sample(o);
}

void
telemetry_value(struct telemetry_out *o, double value, ...)
{
	va_list args;

	va_start(args, value);
	begin_sample(o, args);
	va_end(args);
	put_real(o, value, 9);
	end_sample(o);
}

void
telemetry_moment(struct telemetry_out *o, uint64_t unix_ns, ...)
{
	va_list args;

	va_start(args, unix_ns);
	begin_sample(o, args);
	va_end(args);
	/* Ten digits before the point and three behind it. */
	put_real(o, (double)(unix_ns / 1000000) / 1e3, 13);
	end_sample(o);
}

static void
put_bucket(struct telemetry_out *o, double bound, uint64_t count)
{
	put(o, o->name, o->name_len);
	put_text(o, "_bucket{le=\"");
	if (bound > 0)
		put_real(o, bound, 9);
	else
		put_text(o, "+Inf");
	put_text(o, "\"} ");
	put_whole(o, count);
	end_sample(o);
}

void
telemetry_histogram(struct telemetry_out *o, const struct histogram *h,
                    const struct histogram_bounds *bounds)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < bounds->count; i++) {
		sum += h->bucket[i];
		put_bucket(o, (double)bounds->ns[i] / 1e9, sum);
	}
	sum += h->bucket[bounds->count];
	put_bucket(o, 0, sum);
	put(o, o->name, o->name_len);
	put_text(o, "_sum ");
	put_real(o, (double)h->sum_ns / 1e9, 15);
	end_sample(o);
	put(o, o->name, o->name_len);
	put_text(o, "_count ");
	put_whole(o, sum);
	end_sample(o);
}
