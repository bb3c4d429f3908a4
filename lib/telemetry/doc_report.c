/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_report - one attack, told from its beginning to its end.
 *
 *     GET attacks/{id}/report
 *
 *     { "time", "node", "version",
 *       "attack": { ... },               as in GET attacks/{id}
 *       "summary": [ "sentence", ... ],
 *       "course": { "from", "step_seconds",
 *                   "received_packets_per_second": [ ... ],
 *                   "received_bits_per_second": [ ... ],
 *                   "dropped_packets_per_second": [ ... ],
 *                   "would_packets_per_second": [ ... ] },
 *       "steps": [ { "at", "step" } ],   of the ladder of countermeasures
 *       "reasons": [ { "reason", "help", "class", "packets", "would_packets" } ],
 *       "target": { "prefixes", "protocol", "ports", "policy", "alarm_rate",
 *                   "activate_rate", "max_rate" },
 *       "loudest_at": time,              when the following were taken
 *       "sources": [ { "address", "packets_per_second", "bits_per_second",
 *                      "error_packets_per_second" (may be others'),
 *                      "standard_error_packets_per_second" (of the sample) } ],
 *       "destinations": [ ... ],         the same; both of the whole box
 *       "links": { "html", "samples", "history" } }
 *
 * Reasons are of the service while the attack ran, so of attacks at the same time as
 * well. What is not known, because the attack was not watched to its end or is not
 * remembered with its course, is null.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "telemetry/history_parts.h"
#include "telemetry/put.h"
#include "telemetry/report.h"
#include "telemetry/view.h"

/* --- what is known --- */

static bool
take(void *arg, const struct store_attack *a)
{
	struct telemetry_remembered *r = arg;

	r->attack = json_loads(a->attack, JSON_REJECT_DUPLICATES, NULL);
	r->details = json_loads(a->details, JSON_REJECT_DUPLICATES, NULL);
	return false;
}

int
telemetry_remember(struct telemetry *t, const char *id, struct telemetry_remembered *r)
{
	struct telemetry_history *h = telemetry_history_of(t);
	struct history_attack *a;
	struct store *s;

	memset(r, 0, sizeof(*r));
	if (h == NULL)
		return -ENOENT;
	pthread_mutex_lock(&h->attacks.lock);
	a = history_attacks_find(&h->attacks, id);
	if (a != NULL && a->turns > 0) {
		r->attack = telemetry_attack_object(h->box, &a->seen);
		r->details = history_attack_details(&h->attacks, a);
	}
	pthread_mutex_unlock(&h->attacks.lock);
	s = history_disk_store(&h->disk);
	if (r->attack == NULL && s != NULL)
		store_read_attack(s, id, take, r);
	if (r->attack == NULL) {
		json_decref(r->details);
		return -ENOENT;
	}
	return 0;
}

/* --- sentences --- */

static double
number(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static void say(json_t *list, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void
say(json_t *list, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	json_array_append_new(list, json_vsprintf(format, args));
	va_end(args);
}

static void
say_what(json_t *list, const json_t *a)
{
	const json_t *trigger = json_object_get(a, "trigger");
	const bool in_bits = strcmp(text(trigger, "metric"), "bits_per_second") == 0;
	char value[32], threshold[32], pps[32], bits[32];

	telemetry_si(number(trigger, "value"), value);
	telemetry_si(number(trigger, "threshold"), threshold);
	telemetry_si(number(a, "peak_packets_per_second"), pps);
	telemetry_si(number(a, "peak_bits_per_second"), bits);
	say(list,
	    "A %s on %s was detected when %s%s arrived, above the activate_rate of "
	    "%s%s.",
	    text(a, "vector"), text(a, "service"), value, in_bits ? "bit/s" : "pps",
	    threshold, in_bits ? "bit/s" : "pps");
	say(list, "It reached %spps and %sbit/s, and %s %.0f seconds.", pps, bits,
	    strcmp(text(a, "status"), "ended") == 0 ? "lasted" : "has lasted",
	    number(a, "duration_seconds"));
	if (json_is_true(json_object_get(a, "interrupted")))
		say(list, "It was still running when the gate stopped: what came after "
		          "that is not known.");
}

static void
say_done(json_t *list, const json_t *a)
{
	const double packets = number(a, "packets"),
		     dropped = number(a, "dropped_packets");
	const double would = number(a, "would_packets");
	const double hurt = number(a, "verified_dropped_packets");
	char all[32], stopped[32];

	telemetry_si(packets, all);
	telemetry_si(dropped, stopped);
	if (packets > 0)
		say(list, "Of %s packets %s were stopped (%.1f %%).", all, stopped,
		    100 * dropped / packets);
	if (would > 0) {
		telemetry_si(would, stopped);
		say(list,
		    "The policy only monitors: %s packets passed that mitigation would "
		    "have stopped.",
		    stopped);
	}
	if (json_is_number(json_object_get(a, "mitigated_after_ms")))
		say(list,
		    "What passed was down to max_rate %.0f ms after the first packet.",
		    number(a, "mitigated_after_ms"));
	if (hurt > 0)
		say(list,
		    "Customers were hit: %.0f of the stopped packets belonged to "
		    "verified connections.",
		    hurt);
	else if (dropped > 0)
		say(list, "No packet of a verified connection was stopped.");
}

/* --- the document --- */

static json_t *
links(const json_t *a)
{
	json_t *o = json_object();
	struct telemetry_ask ask;

	json_object_set_new(
		o, "html",
		json_sprintf("/api/v1/attacks/%s/report.html", text(a, "attack_id")));
	telemetry_ask_init(&ask);
	if (telemetry_find("samples", &ask) != NULL)
		json_object_set_new(
			o, "samples",
			json_sprintf("/api/v1/samples?attack=%s", text(a, "attack_id")));
	return o;
}

json_t *
telemetry_report(struct telemetry *t, const struct telemetry_ask *ask)
{
	static const char *const keys[] = { "course",      "steps",      "reasons",
		                            "target",      "loudest_at", "sources",
		                            "destinations" };
	const struct box *box = telemetry_box(t);
	struct telemetry_remembered r;
	json_t *o, *summary, *fresh;

	if (telemetry_history_of(t) == NULL) {
		errno = ENOSYS;
		return NULL;
	}
	if (telemetry_remember(t, ask->name, &r) < 0) {
		errno = ENOENT;
		return NULL;
	}
	/* What detection still has is fresher than what was taken down of it. */
	fresh = telemetry_attack(t, ask);
	if (fresh != NULL) {
		json_decref(r.attack);
		r.attack = json_incref(json_object_get(fresh, "attack"));
		json_decref(fresh);
	}
	o = telemetry_document_new(box, NULL);
	summary = json_array();
	say_what(summary, r.attack);
	say_done(summary, r.attack);
	telemetry_put_text(o, "node", box->node);
	telemetry_put_text(o, "version", box->version);
	json_object_set(o, "attack", r.attack);
	json_object_set_new(o, "summary", summary);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		json_t *value = json_object_get(r.details, keys[i]);

		json_object_set_new(o, keys[i],
		                    value == NULL ? json_null() : json_incref(value));
	}
	json_object_set_new(o, "links", links(r.attack));
	json_decref(r.attack);
	json_decref(r.details);
	return o;
}
