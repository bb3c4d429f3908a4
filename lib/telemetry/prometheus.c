/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/prometheus.h"

#include <inttypes.h>
#include <stdarg.h>

void
telemetry_family(struct telemetry_out *o, const char *name, const char *type,
                 const char *help)
{
	o->name = name;
	fprintf(o->file, "# HELP tidegate_%s %s\n# TYPE tidegate_%s %s\n", name, help,
	        name, type);
}

/* Pairs of label name and value, ended by NULL; backslash, quote and newline are escaped. */
static void
labels(struct telemetry_out *o, va_list args)
{
	const char *key, *sep = "{";
	bool any = false;

	while ((key = va_arg(args, const char *)) != NULL) {
		const char *value = va_arg(args, const char *);

		fprintf(o->file, "%s%s=\"", sep, key);
		for (; *value != '\0'; value++) {
			if (*value == '\n')
				fputs("\\n", o->file);
			else if (*value == '\\' || *value == '"')
				fprintf(o->file, "\\%c", *value);
			else
				fputc(*value, o->file);
		}
		fputc('"', o->file);
		sep = ",";
		any = true;
	}
	if (any)
		fputc('}', o->file);
}

void
telemetry_count(struct telemetry_out *o, uint64_t value, ...)
{
	va_list args;

	fprintf(o->file, "tidegate_%s", o->name);
	va_start(args, value);
	labels(o, args);
	va_end(args);
	fprintf(o->file, " %" PRIu64 "\n", value);
}

void
telemetry_value(struct telemetry_out *o, double value, ...)
{
	va_list args;

	fprintf(o->file, "tidegate_%s", o->name);
	va_start(args, value);
	labels(o, args);
	va_end(args);
	fprintf(o->file, " %.9g\n", value);
}
