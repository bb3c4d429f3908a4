/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check - health in one line, by the conventions of monitoring plugins.
 *
 * --warn and --crit take METRIC=RANGE, as often as wanted. A range is written as those
 * plugins write it: "80" is well from 0 to 80, "20:" from 20 on, "~:80" up to 80,
 * "10:20" between, and "@10:20" outside of that.
 *
 * Source  Monitoring Plugins Development Guidelines, "Threshold and Ranges".
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "table.h"
#include "verbs.h"

#define ASK_MS    8000 /* monitoring gives up after ten seconds itself */
#define TEXT_MAX  512
#define RANGE_MAX 48

enum state { STATE_OK, STATE_WARNING, STATE_CRITICAL, STATE_UNKNOWN };

static const char *const state_names[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

struct range {
	bool is_set, is_inside; /* inside: bad is what lies within */
	double least, most;
	char text[RANGE_MAX];
};

/* In the order of the performance data. */
static struct metric {
	const char *name, *unit, *help;
	double value;
	struct range warn, crit;
} metrics[] = {
	{ .name = "received", .help = "packets a second" },
	{ .name = "received_bits", .help = "bits a second" },
	{ .name = "dropped", .help = "packets a second" },
	{ .name = "would", .help = "packets a second that the mode spared" },
	{ .name = "missed", .unit = "c", .help = "packets lost by ports, ever" },
	{ .name = "busy", .unit = "%", .help = "of the busiest worker" },
	{ .name = "headroom", .unit = "%", .help = "of the service with the least" },
	{ .name = "attacks", .help = "that run" },
};
#define METRICS (sizeof(metrics) / sizeof(*metrics))

/* --- ranges ------------------------------------------------------------------ */

static bool
read_end(const char *text, size_t len, double absent, double *out)
{
	char copy[RANGE_MAX], *end;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	*out = absent;
	if (len == 0)
		return true;
	if (strcmp(copy, "~") == 0) {
		*out = -INFINITY;
		return true;
	}
	*out = strtod(copy, &end);
	return *end == '\0' && isfinite(*out);
}

static bool
read_range(const char *text, struct range *out)
{
	const char *from = text + (text[0] == '@'), *colon = strchr(from, ':');
	const size_t len = strlen(from);

	memset(out, 0, sizeof(*out));
	out->is_set = true;
	out->is_inside = text[0] == '@';
	snprintf(out->text, sizeof(out->text), "%s", text);
	if (len == 0 || len >= RANGE_MAX)
		return false;
	if (colon == NULL)
		return read_end(from, len, 0, &out->most) && from[0] != '~';
	return read_end(from, (size_t)(colon - from), 0, &out->least) &&
	       read_end(colon + 1, strlen(colon + 1), INFINITY, &out->most) &&
	       out->least <= out->most;
}

static bool
is_hurt(const struct range *r, double value)
{
	const bool is_within = value >= r->least && value <= r->most;

	return r->is_set && is_within == r->is_inside;
}

/* Every `option METRIC=RANGE` there is. */
static void
read_limits(struct cli *c, const char *option, bool is_crit)
{
	const char *text;

	while ((text = cli_option(c, option)) != NULL) {
		const size_t n = strcspn(text, "=");
		struct metric *m = NULL;
		struct range range;

		for (size_t i = 0; i < METRICS; i++)
			if (strlen(metrics[i].name) == n &&
			    strncmp(metrics[i].name, text, n) == 0)
				m = &metrics[i];
		if (m == NULL)
			cli_usage(
				c,
				"'%.*s' is no figure of check: received, received_bits, "
				"dropped, would, missed, busy, headroom, attacks",
				(int)n, text);
		if (text[n] != '=' || !read_range(text + n + 1, &range))
			cli_usage(c,
			          "'%s' is no METRIC=RANGE such as busy=80 or "
			          "headroom=20:",
			          text);
		*(is_crit ? &m->crit : &m->warn) = range;
	}
}

/* --- judging ----------------------------------------------------------------- */

static int
say(const struct cli *c, enum state state, const char *text, const json_t *status)
{
	if (c->json) {
		json_t *o = json_pack("{s:s, s:s, s:i}", "state", state_names[state],
		                      "text", text, "code", (int)state);

		for (size_t i = 0; status != NULL && i < METRICS; i++)
			json_object_set_new(o, metrics[i].name,
			                    json_real(metrics[i].value));
		if (status != NULL)
			json_object_set(o, "status", (json_t *)status);
		cli_print_json(o);
		json_decref(o);
		return (int)state;
	}
	/* A bar would begin the performance data. */
	printf("TIDEGATE %s: ", state_names[state]);
	for (const char *p = table_safe(text); *p != '\0'; p++)
		putchar(*p == '|' ? '/' : *p);
	for (size_t i = 0; status != NULL && i < METRICS; i++)
		printf("%s%s=%.10g%s;%s;%s;0;", i == 0 ? " | " : " ", metrics[i].name,
		       metrics[i].value, metrics[i].unit != NULL ? metrics[i].unit : "",
		       metrics[i].warn.text, metrics[i].crit.text);
	putchar('\n');
	return (int)state;
}

static void
measure(const json_t *status, const json_t *services)
{
	const double values[METRICS - 3] = {
		get_number(status, "total.rates.received.packets_per_second"),
		get_number(status, "total.rates.received.bits_per_second"),
		get_number(status, "total.rates.dropped.packets_per_second"),
		0,
		0,
	};
	const json_t *e;
	double missed = 0, busy = 0, would = 0, left = 1;
	size_t i;

	for (i = 0; i < METRICS - 3; i++)
		metrics[i].value = values[i];
	json_array_foreach((json_t *)get(services, "services"), i, e)
	{
		would += get_number(e, "rates.would_packets_per_second");
		left = fmin(left, get_number(e, "headroom_ratio"));
	}
	json_array_foreach((json_t *)get(status, "ports"), i, e) missed +=
		get_number(e, "missed_packets");
	json_array_foreach((json_t *)get(status, "load"), i, e) busy =
		fmax(busy, get_number(e, "busy_ratio"));
	metrics[3].value = would;
	metrics[4].value = missed;
	metrics[5].value = 100 * busy;
	metrics[6].value = 100 * left;
	metrics[7].value = get_number(status, "attacks_active");
}

/* The worst that a limit says, with the words for it. */
static enum state
judge_limits(char text[TEXT_MAX])
{
	enum state worst = STATE_OK;
	size_t n = 0;

	for (size_t i = 0; i < METRICS; i++) {
		const struct metric *m = &metrics[i];
		const bool is_crit = is_hurt(&m->crit, m->value);

		if (!is_crit && !is_hurt(&m->warn, m->value))
			continue;
		n += (size_t)snprintf(text + n, TEXT_MAX - n,
		                      "%s%s is %.10g%s (wanted %s)", n > 0 ? ", " : "",
		                      m->name, m->value,
		                      m->unit != NULL && m->unit[0] == '%' ? " %" : "",
		                      is_crit ? m->crit.text : m->warn.text);
		worst = is_crit             ? STATE_CRITICAL
		        : worst == STATE_OK ? STATE_WARNING
		                            : worst;
		if (n >= TEXT_MAX)
			break;
	}
	return worst;
}

static int
judge(const struct cli *c, const json_t *status, const struct cli_answer *ready)
{
	char text[TEXT_MAX] = "";
	const enum state by_limits = judge_limits(text);

	if (ready->status != 200) {
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(ready->text, "\n"),
		         ready->text);
		return say(c, STATE_CRITICAL, text, status);
	}
	if (!get_bool(status, "total.books.plausible"))
		return say(c, STATE_CRITICAL, "the books do not balance", status);
	if (by_limits == STATE_CRITICAL)
		return say(c, by_limits, text, status);
	if (get_bool(status, "bypass"))
		return say(c, STATE_WARNING, "bypass is on: nothing is judged", status);
	if (by_limits != STATE_OK)
		return say(c, by_limits, text, status);
	/* Whoever sets a limit for attacks says what they mean. */
	if (metrics[7].value > 0 && !metrics[7].warn.is_set && !metrics[7].crit.is_set) {
		snprintf(text, sizeof(text), "%.0f attacks are running",
		         metrics[7].value);
		return say(c, STATE_WARNING, text, status);
	}
	snprintf(text, sizeof(text), "mode %s, %.0f services", get_text(status, "mode"),
	         get_number(status, "services"));
	return say(c, STATE_OK, text, status);
}

int
verb_check(struct cli *c)
{
	struct cli_answer status, ready = { 0 }, services = { 0 };
	const char *where;
	char why[TEXT_MAX];
	int rc;

	read_limits(c, "--warn", false);
	read_limits(c, "--crit", true);
	cli_want(c, 0, 0);
	c->timeout_ms = ASK_MS;
	rc = cli_ask(c, "GET", "/api/v1/status", NULL, &status, &where);
	if (rc < 0) {
		cli_why(where, -rc, why, sizeof(why));
		return say(c, STATE_CRITICAL, why, NULL);
	}
	if (status.status != 200 || !json_is_object(status.document)) {
		rc = say(c, STATE_UNKNOWN, "the answer is not understood", NULL);
	} else if (cli_try(c, "GET", "/readyz", &ready) != 0 ||
	           cli_try(c, "GET", "/api/v1/services", &services) != 0) {
		rc = say(c, STATE_CRITICAL, "tidegated stopped answering", NULL);
	} else {
		measure(status.document, services.document);
		rc = judge(c, status.document, &ready);
	}
	cli_answer_free(&services);
	cli_answer_free(&ready);
	cli_answer_free(&status);
	return rc;
}
