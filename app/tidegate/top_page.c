/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "top.h"

#define BAR 10

static void add(struct top_page *p, enum top_style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void
add(struct top_page *p, enum top_style style, const char *format, ...)
{
	va_list args;

	if (p->count == TOP_LINES)
		return;
	p->line[p->count].style = style;
	va_start(args, format);
	vsnprintf(p->line[p->count].text, TOP_TEXT, format, args);
	va_end(args);
	p->count++;
}

/* --- asking ------------------------------------------------------------------ */

/* Returns whether *to is new. */
static bool
fetch(struct cli *c, const char *path, json_t **to, struct top_facts *facts)
{
	struct cli_answer a;
	const char *where;
	const int rc = cli_ask(c, "GET", path, NULL, &a, &where);

	if (rc < 0) {
		cli_why(where, -rc, facts->why, sizeof(facts->why));
		return false;
	}
	if (a.status != 200 || !json_is_object(a.document)) {
		snprintf(facts->why, sizeof(facts->why), "%s answers with %d to %s",
		         where, a.status, path);
		cli_answer_free(&a);
		return false;
	}
	json_decref(*to);
	*to = json_incref(a.document);
	cli_answer_free(&a);
	return true;
}

void
top_ask(struct cli *c, const struct top_view *view, struct top_facts *facts)
{
	facts->why[0] = '\0';
	if (fetch(c, "/api/v1/live", &facts->live, facts) &&
	    fetch(c,
	          view->of_destinations ? "/api/v1/top?by=destinations&limit=50"
	                                : "/api/v1/top?by=sources&limit=50",
	          &facts->talkers, facts) &&
	    fetch(c, "/api/v1/workers", &facts->workers, facts))
		facts->age = 0;
}

void
top_forget(struct top_facts *facts)
{
	json_decref(facts->live);
	json_decref(facts->talkers);
	json_decref(facts->workers);
	memset(facts, 0, sizeof(*facts));
}

/* --- writing ----------------------------------------------------------------- */

static const char *
pps(double value)
{
	return value > 0 ? table_si(value, "pps") : "-";
}

static const char *
bits(double value)
{
	return value > 0 ? table_si(value, "bit/s") : "-";
}

static void
write_head(const struct top_facts *f, struct top_page *p)
{
	const json_t *d = f->live, *t = get(d, "total");
	const bool bypass = get_bool(d, "bypass");

	add(p, TOP_HEAD, "tidegate %s   mode %s%s   %.19s UTC", get_text(d, "node"),
	    get_text(d, "mode"), bypass ? ", BYPASS: nothing is judged" : "",
	    get_text(d, "time"));
	if (f->why[0] != '\0')
		add(p, TOP_BAD, "STALE, %.0f s old: %s", f->age, f->why);
	add(p, TOP_PLAIN, "in      %12s %14s   out %12s %14s",
	    pps(get_number(t, "received.packets_per_second")),
	    bits(get_number(t, "received.bits_per_second")),
	    pps(get_number(t, "sent.packets_per_second")),
	    bits(get_number(t, "sent.bits_per_second")));
	add(p, get_number(d, "box.missed_packets_per_second") > 0 ? TOP_BAD : TOP_PLAIN,
	    "dropped %12s   would drop %12s   answered %12s   missed by ports %s",
	    pps(get_number(t, "dropped.packets_per_second")),
	    pps(get_number(t, "would_packets_per_second")),
	    pps(get_number(t, "replied.packets_per_second")),
	    pps(get_number(d, "box.missed_packets_per_second")));
}

static void
write_workers(const struct top_facts *f, struct top_page *p)
{
	const json_t *w;
	char text[TOP_TEXT] = "workers";
	enum top_style style = TOP_PLAIN;
	size_t i, n = strlen(text);

	json_array_foreach((json_t *)get(f->workers, "workers"), i, w)
	{
		const double busy = 100 * get_number(w, "busy_ratio");

		if (n + 40 > sizeof(text))
			break;
		n += (size_t)snprintf(
			text + n, sizeof(text) - n, "  %.0f: %3.0f %% %.0f cyc",
			get_number(w, "worker"), busy > 0 && busy < 1000 ? busy : 0,
			get_number(w, "cycles_per_packet") < 1e6
				? get_number(w, "cycles_per_packet")
				: 0);
		style = busy > 95                       ? TOP_BAD
		        : busy > 80 && style != TOP_BAD ? TOP_WARN
		                                        : style;
	}
	add(p, style, "%s", text);
}

static void
write_attacks(const struct top_facts *f, const struct top_view *view, struct top_page *p)
{
	const json_t *all = get(f->live, "attacks"), *a;
	size_t i;

	add(p, TOP_PLAIN, "%s", "");
	if (json_array_size(all) == 0) {
		add(p, TOP_GOOD, "no attack");
		return;
	}
	add(p, TOP_BOLD, "%-16s %-20s %-18s %9s %12s %12s %12s", "ATTACK", "SERVICE",
	    "VECTOR", "LASTS", "PEAK", "DROPPED", "WOULD DROP");
	json_array_foreach((json_t *)all, i, a)
	{
		if (i == view->others)
			break;
		add(p, TOP_BAD, "%-16.16s %-20.20s %-18.18s %9s %12s %12s %12s",
		    get_text(a, "attack_id"), get_text(a, "service"),
		    get_text(a, "vector"), table_time(get_number(a, "duration_seconds")),
		    pps(get_number(a, "peak_packets_per_second")),
		    table_si(get_number(a, "dropped_packets"), ""),
		    table_si(get_number(a, "would_packets"), ""));
	}
}

static enum top_sort sorted_by;

/* The busiest, or the one with least headroom, comes first. */
static double
weight(const json_t *s)
{
	switch (sorted_by) {
	case TOP_BY_BITS:
		return get_number(s, "rates.received.bits_per_second");
	case TOP_BY_DROPPED:
		return get_number(s, "rates.dropped.packets_per_second") +
		       get_number(s, "rates.would_packets_per_second");
	case TOP_BY_HEADROOM:
		return -get_number(s, "headroom_ratio");
	default:
		return get_number(s, "rates.received.packets_per_second");
	}
}

static int
compare(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	const double wx = weight(x), wy = weight(y);

	if (sorted_by != TOP_BY_NAME && wx != wy)
		return wx < wy ? 1 : -1;
	return strcmp(get_text(x, "name"), get_text(y, "name"));
}

static bool
is_shown(const char *name, const struct top_view *view)
{
	return view->filter[0] == '\0' || strstr(name, view->filter) != NULL;
}

static void
write_service(const json_t *s, struct top_page *p)
{
	const char *state = get_text(s, "state");
	const double left = get_number(s, "headroom_ratio");
	const double fair = left < 0 ? 0 : left > 1 ? 1 : left;
	char bar[BAR + 1];

	for (int i = 0; i < BAR; i++)
		bar[i] = i < (int)((1 - fair) * BAR + 0.5) ? '#' : '.';
	bar[BAR] = '\0';
	add(p,
	    strcmp(state, "active") == 0  ? TOP_BAD
	    : strcmp(state, "alarm") == 0 ? TOP_WARN
	                                  : TOP_PLAIN,
	    "%-24.24s %-9.9s %-7.7s %12s %14s %12s %12s  [%s] %3.0f %% left",
	    get_text(s, "name"), get_text(s, "mode"), state,
	    pps(get_number(s, "rates.received.packets_per_second")),
	    bits(get_number(s, "rates.received.bits_per_second")),
	    pps(get_number(s, "rates.dropped.packets_per_second")),
	    pps(get_number(s, "rates.would_packets_per_second")), bar, 100 * fair);
}

static void
write_services(const struct top_facts *f, const struct top_view *view, struct top_page *p)
{
	const json_t *all = get(f->live, "services"), *s;
	const size_t n = json_array_size(all);
	json_t **row = calloc(n + 1, sizeof(*row));
	size_t i, rows = 0;

	if (row == NULL)
		return;
	json_array_foreach((json_t *)all, i, s) if (is_shown(get_text(s, "name"), view))
		row[rows++] = (json_t *)s;
	sorted_by = view->sort;
	qsort(row, rows, sizeof(*row), compare);
	add(p, TOP_PLAIN, "%s", "");
	add(p, TOP_BOLD, "%-24s %-9s %-7s %12s %14s %12s %12s  %s", "SERVICE", "MODE",
	    "STATE", "IN", "IN", "DROPPED", "WOULD DROP", "HEADROOM");
	for (i = view->from; i < rows && i < view->from + (size_t)view->services; i++)
		write_service(row[i], p);
	if (view->from + (size_t)view->services < rows)
		add(p, TOP_PLAIN, "... and %zu more",
		    rows - view->from - (size_t)view->services);
	free(row);
}

static int
by_packets(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	const double wx = get_number(x, "packets_per_second") +
	                  get_number(x, "would_packets_per_second");
	const double wy = get_number(y, "packets_per_second") +
	                  get_number(y, "would_packets_per_second");

	return wx < wy ? 1 : wx > wy ? -1 : 0;
}

static void
write_reasons(const struct top_facts *f, const struct top_view *view, struct top_page *p)
{
	const json_t *all = get(f->live, "reasons"), *r;
	json_t **row = calloc(json_array_size(all) + 1, sizeof(*row));
	size_t i, rows = 0;

	if (row == NULL)
		return;
	json_array_foreach((json_t *)all, i, r) if (is_shown(get_text(r, "reason"), view))
		row[rows++] = (json_t *)r;
	qsort(row, rows, sizeof(*row), by_packets);
	add(p, TOP_PLAIN, "%s", "");
	add(p, TOP_BOLD, "%-40s %12s %12s", "REASON", "DROPPED", "WOULD DROP");
	for (i = 0; i < rows && i < view->others; i++)
		add(p, TOP_PLAIN, "%-40.40s %12s %12s", get_text(row[i], "reason"),
		    pps(get_number(row[i], "packets_per_second")),
		    pps(get_number(row[i], "would_packets_per_second")));
	if (rows == 0)
		add(p, TOP_PLAIN, "no packet is stopped");
	free(row);
}

static void
write_talkers(const struct top_facts *f, const struct top_view *view, struct top_page *p)
{
	const json_t *t;
	unsigned int rows = 0;
	size_t i;

	add(p, TOP_PLAIN, "%s", "");
	add(p, TOP_BOLD, "%-40s %12s %14s",
	    view->of_destinations ? "WHO RECEIVES MOST" : "WHO SENDS MOST", "PACKETS",
	    "BITS");
	json_array_foreach((json_t *)get(f->talkers, "top"), i, t)
	{
		if (!is_shown(get_text(t, "address"), view) || rows++ >= view->others)
			continue;
		add(p, TOP_PLAIN, "%-40.40s %12s %14s", get_text(t, "address"),
		    pps(get_number(t, "packets_per_second")),
		    bits(get_number(t, "bits_per_second")));
	}
	if (rows == 0)
		add(p, TOP_PLAIN, "nobody");
}

void
top_write(const struct top_facts *facts, const struct top_view *view,
          struct top_page *page)
{
	page->count = 0;
	write_head(facts, page);
	write_workers(facts, page);
	write_attacks(facts, view, page);
	write_services(facts, view, page);
	write_reasons(facts, view, page);
	write_talkers(facts, view, page);
}
