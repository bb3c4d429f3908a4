/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/sentence.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define AMOUNT 32

struct words {
	char *out;
	size_t len;
};

static void __attribute__((format(printf, 2, 3)))
say(struct words *w, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(w->out + w->len, EVENT_SENTENCE - w->len, format, args);
	va_end(args);
	w->len += n > 0 ? (size_t)n : 0;
	if (w->len >= EVENT_SENTENCE)
		w->len = EVENT_SENTENCE - 1;
}

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static bool
is(const json_t *o, const char *key, const char *value)
{
	return strcmp(text(o, key), value) == 0;
}

static int64_t
number(const json_t *o, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(o, key));
}

/* "61.2 kpps", "812 Mbit/s". */
static const char *
amount(int64_t value, const char *metric, char out[AMOUNT])
{
	static const char prefixes[] = " kMGT";
	const bool is_bits = strncmp(metric, "bits", 4) == 0;
	double v = (double)value;
	unsigned int i = 0;

	for (; v >= 1000 && prefixes[i + 1] != '\0'; i++)
		v /= 1000;
	if (i == 0)
		snprintf(out, AMOUNT, "%" PRId64 " %s", value, is_bits ? "bit/s" : "pps");
	else
		snprintf(out, AMOUNT, is_bits ? "%.1f %cbit/s" : "%.1f %cpps", v,
		         prefixes[i]);
	return out;
}

static void
say_attack(struct words *w, const json_t *event, const json_t *a)
{
	const json_t *trigger = json_object_get(a, "trigger");
	const char *metric = text(trigger, "metric");
	const char *network = text(a, "network");
	const char *what = is(a, "status", "alarm")   ? "Alarm"
	                   : is(a, "status", "start") ? "Attack"
	                   : is(a, "status", "end")   ? "Attack over"
	                                              : "Attack goes on";
	char value[AMOUNT], limit[AMOUNT], peak[AMOUNT];

	say(w, "%s: %s on %s%s%s", what, text(a, "vector"), text(event, "service"),
	    network[0] != '\0' ? ", " : "", network);
	if (is(a, "status", "alarm") || is(a, "status", "start")) {
		say(w, ", %s above %s", amount(number(trigger, "value"), metric, value),
		    amount(number(trigger, "threshold"), metric, limit));
	} else {
		say(w, ", peak %s, %" PRId64 " packets dropped in %.0f s",
		    amount(number(a, strncmp(metric, "bits", 4) == 0
		                             ? "peak_bits_per_second"
		                             : "peak_packets_per_second"),
		           metric, peak),
		    number(a, "dropped_packets"),
		    json_number_value(json_object_get(a, "duration_seconds")));
	}
	if (is(a, "status", "step"))
		say(w, "; step: %s", text(a, "step"));
	say(w, " (severity %s, mode %s", text(a, "severity"), text(a, "mode"));
	say(w, text(a, "attack_id")[0] != '\0' ? ", %s)" : ")%s", text(a, "attack_id"));
}

static void
say_block(struct words *w, const json_t *event, const json_t *b)
{
	const bool is_allow = is(b, "action", "allow");
	const bool is_over = is(event, "event_type", "unblock");
	const char *service = text(event, "service");

	say(w, "%s %s%s", text(b, "prefix"), is_over ? "is no longer " : "is ",
	    is_allow ? "allowed" : "blocked");
	if (service[0] != '\0')
		say(w, " for %s", service);
	if (is_over)
		say(w, is(b, "cause", "expired") ? ": its time is up"
		                                 : ": an operator took it back");
	else
		say(w, " %s%s", text(b, "until")[0] != '\0' ? "until " : "without end",
		    text(b, "until"));
	if (text(b, "reason")[0] != '\0')
		say(w, " (%s)", text(b, "reason"));
}

static const char *
why(const json_t *o)
{
	return is(o, "cause", "expired") ? ": its time is up" : "";
}

static void
say_change(struct words *w, const json_t *event, const json_t *o, const char *type)
{
	if (strcmp(type, "mode") == 0)
		say(w, "Mode of %s is %s%s%s%s",
		    is(o, "scope", "all") ? "all services" : text(event, "service"),
		    text(o, "mode"), why(o), text(o, "until")[0] != '\0' ? " until " : "",
		    text(o, "until"));
	else if (json_is_true(json_object_get(o, "enabled")))
		say(w, "BYPASS is on, nothing is judged%s%s",
		    text(o, "until")[0] != '\0' ? ", until " : "", text(o, "until"));
	else
		say(w, "Bypass is off, packets are judged again%s", why(o));
}

static void
say_port(struct words *w, const json_t *p)
{
	say(w, "Port %s of link %s (%s) ", text(p, "name"), text(p, "link"),
	    text(p, "side"));
	if (is(p, "status", "overload"))
		say(w, "loses packets: %" PRId64 " in the last second",
		    number(p, "lost_packets"));
	else if (is(p, "status", "calm"))
		say(w, "loses no more packets; it lost %" PRId64,
		    number(p, "lost_packets"));
	else
		say(w, "is %s", text(p, "status"));
}

static void
say_worker(struct words *w, const json_t *o)
{
	say(w, "Worker %" PRId64 " ", number(o, "worker"));
	if (is(o, "status", "stuck"))
		say(w, "has not moved for two seconds");
	else if (is(o, "status", "moving"))
		say(w, "moves again");
	else if (is(o, "status", "overload"))
		say(w, "is at its end: %.0f %% busy",
		    100 * json_number_value(json_object_get(o, "busy_ratio")));
	else
		say(w, "has room again");
}

static void
say_rest(struct words *w, const json_t *o, const char *type)
{
	if (strcmp(type, "config") == 0)
		say(w,
		    is(o, "result", "ok") ? "The configuration was read anew%s"
		                          : "The configuration was refused: %s",
		    text(o, "first_error"));
	else if (strcmp(type, "list") == 0)
		say(w, "List %s: %s %s", text(o, "name"), text(o, "result"),
		    text(o, "first_message"));
	else if (strcmp(type, "audit") == 0)
		say(w, "%s: %s, status %" PRId64,
		    text(o, "who")[0] != '\0' ? text(o, "who") : "a stranger",
		    text(o, "what"), number(o, "status"));
	else if (strcmp(type, "daemon") == 0)
		say(w, "Tidegate %s: %s", text(o, "version"), text(o, "status"));
	else if (strcmp(type, "trouble") == 0)
		say(w, "%s %s: %s",
		    is(o, "status", "end") ? "No more trouble with" : "Trouble with",
		    text(o, "what"), text(o, "message"));
	else
		say(w, "%s", type);
}

/* Controls out, and no half of a character of UTF-8 at the end. */
static void
tidy(struct words *w)
{
	size_t n = w->len;

	for (size_t i = 0; i < n; i++) {
		const unsigned char c = (unsigned char)w->out[i];

		if (c < ' ' || c == 0x7f)
			w->out[i] = ' ';
	}
	if (n < EVENT_SENTENCE - 1)
		return;
	while (n > 0 && ((unsigned char)w->out[n - 1] & 0xc0) == 0x80)
		n--;
	if (n > 0 && (unsigned char)w->out[n - 1] >= 0xc0)
		n--;
	w->out[n] = '\0';
}

void
event_sentence(const json_t *event, char out[EVENT_SENTENCE])
{
	const char *type = text(event, "event_type");
	const json_t *o = json_object_get(event, type);
	struct words w = { out, 0 };

	out[0] = '\0';
	say(&w, "%s: ", text(event, "node"));
	if (strcmp(type, "attack") == 0)
		say_attack(&w, event, o);
	else if (strcmp(type, "block") == 0 || strcmp(type, "unblock") == 0)
		say_block(&w, event, o);
	else if (strcmp(type, "mode") == 0 || strcmp(type, "bypass") == 0)
		say_change(&w, event, o, type);
	else if (strcmp(type, "port") == 0)
		say_port(&w, o);
	else if (strcmp(type, "worker") == 0)
		say_worker(&w, o);
	else
		say_rest(&w, o, type);
	tidy(&w);
}
