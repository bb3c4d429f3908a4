/* SPDX-License-Identifier: BSD-3-Clause */
/* report_drawing - the course of an attack as lines over time, in SVG without any text of others. */
#include <math.h>
#include <stdio.h>

#include "telemetry/report.h"

#define WIDTH  680 /* of the drawing, in its own units */
#define HEIGHT 165
#define LEFT   58
#define BOTTOM 24
#define TOP    8

static double
highest(const json_t *a, double least)
{
	const json_t *v;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)a, i, v)
	{
		if (json_number_value(v) > least)
			least = json_number_value(v);
	}
	return least;
}

/* 1, 2 or 5 times a power of ten that is not below `value`. */
static double
round_up(double value)
{
	const double power = pow(10, floor(log10(value)));
	const double digit = value / power;

	return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

static double
at_x(size_t i, size_t n)
{
	return LEFT +
	       (double)(WIDTH - LEFT - 6) * (double)i / (double)(n > 1 ? n - 1 : 1);
}

static double
at_y(double value, double top)
{
	return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top;
}

static void
put_line(FILE *to, const json_t *a, double top, const char *colour, bool is_filled)
{
	const size_t n = json_array_size(a);
	const double zero = at_y(0, top);

	fprintf(to,
	        "<path fill=\"%s\" fill-opacity=\"0.18\" stroke=\"%s\" "
	        "stroke-width=\"1.6\" stroke-linejoin=\"round\" d=\"",
	        is_filled ? colour : "none", colour);
	for (size_t i = 0; i < n; i++)
		fprintf(to, "%c%.1f %.1f", i == 0 ? 'M' : 'L', at_x(i, n),
		        at_y(json_number_value(json_array_get(a, i)), top));
	if (is_filled)
		fprintf(to, "L%.1f %.1fL%.1f %.1fZ", at_x(n - 1, n), zero, at_x(0, n),
		        zero);
	fprintf(to, "\"/>");
}

static void
put_grid(FILE *to, double top, double seconds, const char *unit)
{
	for (int i = 0; i <= 4; i++) {
		const double value = top * i / 4, y = at_y(value, top);
		char si[32];

		telemetry_si(value, si);
		fprintf(to,
		        "<path stroke=\"#d5dde4\" d=\"M%d %.1fH%d\"/><text x=\"%d\" "
		        "y=\"%.1f\" text-anchor=\"end\">%s%s</text>",
		        LEFT, y, WIDTH - 6, LEFT - 5, y + 3.5, si, i == 4 ? unit : "");
	}
	for (int i = 0; i <= 4; i++) {
		const double at = seconds * i / 4;

		fprintf(to, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">",
		        LEFT + (double)(WIDTH - LEFT - 6) * i / 4, HEIGHT - 7,
		        i == 0   ? "start"
		        : i == 4 ? "end"
		                 : "middle");
		if (seconds < 240)
			fprintf(to, "%.0f s</text>", at);
		else if (seconds < 4 * 3600)
			fprintf(to, "%.1f min</text>", at / 60);
		else
			fprintf(to, "%.1f h</text>", at / 3600);
	}
}

void
telemetry_report_drawing(FILE *to, const json_t *report)
{
	const json_t *c = json_object_get(report, "course");
	const json_t *in = json_object_get(c, "received_packets_per_second");
	const json_t *dropped = json_object_get(c, "dropped_packets_per_second");
	const json_t *would = json_object_get(c, "would_packets_per_second");
	const size_t n = json_array_size(in);
	const bool has_would = highest(would, 0) > 0;
	double top;

	if (n < 2) {
		fprintf(to, "<p class=\"small\">It was too short for a drawing.</p>");
		return;
	}
	top = round_up(highest(in, 1));
	fprintf(to, "<p class=\"small\"><span class=\"key\" "
	            "style=\"background:#0b5c8a\"></span>arrived<span class=\"key\" "
	            "style=\"background:#c2410c\"></span>stopped");
	if (has_would)
		fprintf(to,
		        "<span class=\"key\" style=\"background:#a16207\"></span>would "
		        "have been stopped");
	fprintf(to,
	        ", packets per second, means of %.0f s</p><svg viewBox=\"0 0 %d %d\" "
	        "role=\"img\" aria-label=\"Packets per second over time\" "
	        "font-size=\"10\" "
	        "font-family=\"inherit\" fill=\"#51606e\">",
	        json_number_value(json_object_get(c, "step_seconds")), WIDTH, HEIGHT);
	put_grid(to, top,
	         json_number_value(json_object_get(c, "step_seconds")) * (double)n,
	         "pps");
	put_line(to, in, top, "#0b5c8a", true);
	put_line(to, dropped, top, "#c2410c", false);
	if (has_would)
		put_line(to, would, top, "#a16207", false);
	fprintf(to, "</svg>");
}
