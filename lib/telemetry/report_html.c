/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report_html - the report of an attack as a page to read, send and print.
 *
 * Made from the report's document alone, so page and document cannot differ. Texts come
 * from configuration files and from the network's addresses: every one is escaped.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "telemetry/report.h"

#define ROWS 10 /* of a table */

static const char style[] =
	"@page{size:A4;margin:11mm 14mm}"
	"*{box-sizing:border-box}"
	"body{font:10pt/1.35 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu "
	"Sans',sans-serif;color:#1b2733;background:#fff;max-width:186mm;margin:8mm "
	"auto;padding:0 4mm}"
	"@media print{body{margin:0;padding:0;max-width:none}}"
	"header{display:flex;justify-content:space-between;align-items:baseline;border-"
	"bottom:2px solid #0b5c8a;padding-bottom:4px;margin-bottom:8px}"
	"h1{font-size:17pt;margin:0}h2{font-size:11.5pt;margin:10px 0 "
	"3px;color:#0b5c8a;break-after:avoid}"
	"p{margin:2px 0}.n{white-space:nowrap}.small{font-size:9pt;color:#51606e}"
	"table{border-collapse:collapse;width:100%;font-size:9.5pt;font-variant-numeric:"
	"tabular-nums}"
	"th{text-align:left;font-weight:600;border-bottom:1px solid #8fa3b3;padding:2px "
	"8px 2px 0;white-space:nowrap}"
	"td{vertical-align:top;border-bottom:1px solid #e1e7ec;padding:2px 8px 2px 0}"
	"tr{break-inside:avoid}.r{text-align:right;white-space:nowrap}th.r{text-align:"
	"right}"
	"dl{display:grid;grid-template-columns:repeat(4,1fr);gap:4px 14px;margin:6px 0}"
	"dt{font-size:8.5pt;color:#51606e}dd{margin:0;font-size:12pt;font-weight:600;"
	"font-"
	"variant-numeric:tabular-nums}"
	"svg{width:100%;height:auto;display:block}.two{display:grid;grid-template-"
	"columns:"
	"1fr 1fr;gap:0 22px;align-items:start}"
	".code{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:9pt;"
	"overflow-wrap:anywhere}"
	".key{display:inline-block;width:10px;height:10px;margin:0 4px 0 "
	"10px;vertical-align:-1px}";

/* --- text --- */

static void raw(FILE *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
raw(FILE *to, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(to, format, args);
	va_end(args);
}

static void
escaped(FILE *to, const char *s)
{
	for (; s != NULL && *s != '\0'; s++) {
		const unsigned char c = (unsigned char)*s;

		if (c == '&')
			fputs("&amp;", to);
		else if (c == '<')
			fputs("&lt;", to);
		else if (c == '>')
			fputs("&gt;", to);
		else if (c == '"')
			fputs("&quot;", to);
		else if (c == '\'')
			fputs("&#39;", to);
		else if (c >= ' ' && c != 0x7f)
			fputc(c, to);
	}
}

void
telemetry_si(double value, char text[32])
{
	static const char *const prefix[] = { "", "k", "M", "G", "T", "P" };
	unsigned int i = 0;

	while (value >= 999.5 && i < sizeof(prefix) / sizeof(*prefix) - 1) {
		value /= 1000;
		i++;
	}
	snprintf(text, 32, "%.*f %s",
	         i == 0 || value >= 99.95 ? 0
	         : value >= 9.995         ? 1
	                                  : 2,
	         value, prefix[i]);
}

static const json_t *
member(const json_t *o, const char *key)
{
	return json_object_get(o, key);
}

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(member(o, key));

	return s != NULL ? s : "";
}

static double
number(const json_t *o, const char *key)
{
	return json_number_value(member(o, key));
}

/* "2026-11-21 22:30:01.123" of the document's form; "-" where there is none. */
static void
put_time(FILE *to, const char *rfc)
{
	char copy[32];

	snprintf(copy, sizeof(copy), "%.23s", rfc[0] != '\0' ? rfc : "-");
	if (strlen(copy) == 23)
		copy[10] = ' ';
	escaped(to, copy);
}

static void
put_rate(FILE *to, const json_t *o, const char *key, const char *unit)
{
	char si[32];

	telemetry_si(number(o, key), si);
	raw(to, "%s%s", si, unit);
}

/* --- parts of the page --- */

static void
put_fact(FILE *to, const char *name, const json_t *o, const char *key, const char *unit)
{
	raw(to, "<div><dt>%s</dt><dd>", name);
	put_rate(to, o, key, unit);
	raw(to, "</dd></div>");
}

static void
put_after(FILE *to, const char *name, const json_t *attack, const char *key)
{
	raw(to, "<div><dt>%s</dt><dd>", name);
	if (json_is_number(member(attack, key)))
		raw(to, "%.0f ms", number(attack, key));
	else
		raw(to, "–");
	raw(to, "</dd></div>");
}

static void
put_facts(FILE *to, const json_t *a)
{
	raw(to, "<dl>");
	put_fact(to, "Peak", a, "peak_packets_per_second", "pps");
	put_fact(to, "Peak", a, "peak_bits_per_second", "bit/s");
	put_after(to, "Detected after", a, "detected_after_ms");
	put_after(to, "Mitigated after", a, "mitigated_after_ms");
	put_fact(to, "Packets arrived", a, "packets", "");
	put_fact(to, "Packets stopped", a, "dropped_packets", "");
	put_fact(to, "Would be stopped", a, "would_packets", "");
	put_fact(to, "Of customers stopped", a, "verified_dropped_packets", "");
	raw(to, "</dl>");
}

static void
put_list(FILE *to, const char *name, const json_t *a)
{
	const json_t *v;
	size_t i;

	if (json_array_size(a) == 0)
		return;
	raw(to, "<tr><td>%s</td><td class=\"code\">", name);
	json_array_foreach((json_t *)(uintptr_t)a, i, v)
	{
		if (i == 24) {
			raw(to, " and %zu more", json_array_size(a) - i);
			break;
		}
		raw(to, "%s", i > 0 ? ", " : "");
		escaped(to, json_string_value(v));
	}
	raw(to, "</td></tr>");
}

static void
put_limit(FILE *to, const char *name, const json_t *o)
{
	const char *unit = member(o, "bits_per_second") != NULL ? "bit/s" : "pps";

	if (!json_is_object(o))
		return;
	raw(to, "<tr><td>%s</td><td>", name);
	put_rate(to, o, unit[0] == 'b' ? "bits_per_second" : "packets_per_second", unit);
	raw(to, "</td></tr>");
}

static void
put_row(FILE *to, const char *name, const char *value)
{
	raw(to, "<tr><td>%s</td><td>", name);
	escaped(to, value);
	raw(to, "</td></tr>");
}

static void
put_target(FILE *to, const json_t *report)
{
	const json_t *a = member(report, "attack"), *t = member(report, "target");

	raw(to, "<h2>Who was hit</h2><table>");
	put_row(to, "Service", text(a, "service"));
	if (json_is_string(member(a, "network"))) {
		put_row(to, "Network", text(a, "network"));
		raw(to, "<tr><td>Addresses hit</td><td>%.0f</td></tr>",
		    number(a, "addresses"));
	}
	put_list(to, "Prefixes", member(t, "prefixes"));
	if (json_is_object(t))
		put_row(to, "Protocol", text(t, "protocol"));
	put_list(to, "Ports", member(t, "ports"));
	if (json_is_object(t))
		put_row(to, "Policy", text(t, "policy"));
	put_limit(to, "alarm_rate", member(t, "alarm_rate"));
	put_limit(to, "activate_rate", member(t, "activate_rate"));
	put_limit(to, "max_rate", member(t, "max_rate"));
	raw(to, "</table>");
}

static void
put_moment(FILE *to, const char *what, const char *when)
{
	if (when[0] == '\0')
		return;
	raw(to, "<tr><td class=\"code n\">");
	put_time(to, when);
	raw(to, "</td><td>");
	escaped(to, what);
	raw(to, "</td></tr>");
}

static void
put_moments(FILE *to, const json_t *report)
{
	const json_t *a = member(report, "attack"), *s;
	size_t i;

	raw(to, "<h2>What was done, and when (UTC)</h2><table>");
	put_moment(to, "first packet of the surge", text(a, "start"));
	put_moment(to, "detected", text(a, "detected"));
	put_moment(to, "what passes is down to max_rate", text(a, "mitigated"));
	json_array_foreach((json_t *)(uintptr_t)member(report, "steps"), i, s)
	{
		char line[64];

		if (i == ROWS)
			break;
		snprintf(line, sizeof(line), "step: %.40s", text(s, "step"));
		put_moment(to, line, text(s, "at"));
	}
	put_moment(to,
	           json_is_true(member(a, "interrupted")) ? "the gate stopped" : "over",
	           text(a, "end"));
	raw(to, "</table><p class=\"small\">Mode: ");
	escaped(to, text(a, "mode"));
	raw(to, "; highest step: ");
	escaped(to, text(a, "highest_step"));
	raw(to, "; it came %.0f time%s.</p>", number(a, "pulses"),
	    number(a, "pulses") > 1 ? "s" : "");
}

static void
put_reasons(FILE *to, const json_t *report)
{
	const json_t *list = member(report, "reasons"), *r;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	raw(to, "<h2>Why packets were stopped</h2><table><tr><th>Reason<th>Meaning<th "
	        "class=\"r\">Stopped<th class=\"r\">Would be</tr>");
	json_array_foreach((json_t *)(uintptr_t)list, i, r)
	{
		if (i == ROWS)
			break;
		raw(to, "<tr><td class=\"code n\">");
		escaped(to, text(r, "reason"));
		raw(to, "</td><td>");
		escaped(to, text(r, "help"));
		raw(to, "</td><td class=\"r\">");
		put_rate(to, r, "packets", "");
		raw(to, "</td><td class=\"r\">");
		put_rate(to, r, "would_packets", "");
		raw(to, "</td></tr>");
	}
	raw(to, "</table>");
	if (json_array_size(list) > ROWS)
		raw(to, "<p class=\"small\">and %zu more reasons.</p>",
		    json_array_size(list) - ROWS);
}

/* What may be others', and twice the standard error of the sample. */
static void
put_error(FILE *to, const json_t *t)
{
	char si[32];

	telemetry_si(number(t, "error_packets_per_second") +
	                     2 * number(t, "standard_error_packets_per_second"),
	             si);
	raw(to, "%s", si);
}

static void
put_loudest(FILE *to, const char *title, const json_t *list)
{
	const json_t *t;
	size_t i;

	raw(to,
	    "<div><h2>%s</h2><table><tr><th>Address<th class=\"r\">pps<th "
	    "class=\"r\">± about<th class=\"r\">bit/s</tr>",
	    title);
	json_array_foreach((json_t *)(uintptr_t)list, i, t)
	{
		if (i == ROWS)
			break;
		raw(to, "<tr><td class=\"code\">");
		escaped(to, text(t, "address"));
		raw(to, "</td><td class=\"r\">");
		put_rate(to, t, "packets_per_second", "");
		raw(to, "</td><td class=\"r\">");
		put_error(to, t);
		raw(to, "</td><td class=\"r\">");
		put_rate(to, t, "bits_per_second", "");
		raw(to, "</td></tr>");
	}
	raw(to, "</table></div>");
}

static void
put_addresses(FILE *to, const json_t *report)
{
	const json_t *a = member(report, "attack");
	const json_t *census = member(a, "sources");

	if (json_array_size(member(report, "sources")) == 0)
		return;
	raw(to, "<div class=\"two\">");
	put_loudest(to, "Loudest sources", member(report, "sources"));
	put_loudest(to, "Busiest destinations", member(report, "destinations"));
	raw(to,
	    "</div><p class=\"small\">Of the whole gate, estimated over one second at ");
	put_time(to, text(report, "loudest_at"));
	raw(to, " UTC; sources may be forged.");
	if (json_is_object(census)) {
		raw(to, " In the last second that was counted there were about ");
		put_rate(to, census, "estimate", "");
		raw(to, "sources (%s).", text(census, "kind"));
	}
	raw(to, "</p>");
}

static void
put_page(FILE *to, const json_t *report)
{
	const json_t *a = member(report, "attack"), *line;
	size_t i;

	raw(to, "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta "
	        "name=\"viewport\" content=\"width=device-width\"><title>");
	escaped(to, text(a, "attack_id"));
	raw(to, " – attack report</title><style>%s</style></head><body><header><h1>",
	    style);
	escaped(to, text(a, "vector"));
	raw(to, " on ");
	escaped(to, text(a, "service"));
	raw(to, "</h1><span class=\"code\">");
	escaped(to, text(a, "attack_id"));
	raw(to, "</span></header>");
	json_array_foreach((json_t *)(uintptr_t)member(report, "summary"), i, line)
	{
		raw(to, "<p>");
		escaped(to, json_string_value(line));
		raw(to, "</p>");
	}
	put_facts(to, a);
	raw(to, "<h2>How strong it was</h2>");
	telemetry_report_drawing(to, report);
	raw(to, "<div class=\"two\"><div>");
	put_moments(to, report);
	raw(to, "</div><div>");
	put_target(to, report);
	raw(to, "</div></div>");
	put_reasons(to, report);
	put_addresses(to, report);
	raw(to, "<p class=\"small\">Tidegate ");
	escaped(to, text(report, "version"));
	raw(to, " on ");
	escaped(to, text(report, "node"));
	raw(to, ", written ");
	put_time(to, text(report, "time"));
	raw(to, " UTC.</p></body></html>\n");
}

char *
telemetry_report_html(const json_t *report)
{
	char *page = NULL;
	size_t len;
	FILE *to = open_memstream(&page, &len);
	bool is_broken;

	if (to == NULL)
		return NULL;
	put_page(to, report);
	is_broken = ferror(to) != 0;
	if (fclose(to) != 0 || is_broken) {
		free(page);
		return NULL;
	}
	return page;
}
