/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_attacks - attacks: what they were, and what was done about them. Those in memory,
 * and since a moment in the past those in the store too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "prefix/prefix.h"
#include "sketch/distinct.h"
#include "store/store.h"
#include "telemetry/history.h"
#include "telemetry/put.h"
#include "telemetry/report.h"
#include "telemetry/view.h"

void
telemetry_attack_id(const struct box *box, const struct detect_attack *a,
                    char id[TELEMETRY_ATTACK_ID])
{
	const time_t day =
		(time_t)(telemetry_unix(box, a->detected_ns) / UINT64_C(1000000000));
	struct tm tm;

	gmtime_r(&day, &tm);
	snprintf(id, TELEMETRY_ATTACK_ID, "a-%04d%02d%02d-%04llu", tm.tm_year + 1900,
	         tm.tm_mon + 1, tm.tm_mday,
	         (unsigned long long)(a->number + __atomic_load_n(&box->attack_base,
	                                                          __ATOMIC_RELAXED)));
}

static json_t *
trigger(const struct detect_attack *a)
{
	json_t *o = json_object();

	telemetry_put_text(o, "metric", telemetry_unit(a->unit));
	telemetry_put_count(o, "value", a->value);
	telemetry_put_count(o, "threshold", a->threshold);
	telemetry_put_text(o, "level", "activate");
	return o;
}

/*
 * The network and its addresses; null where the service as a whole is meant. Counted
 * exactly where each address has a counter, else estimated over one second.
 */
static void
put_network(json_t *o, const struct detect_attack *a)
{
	struct prefix prefix = { .len = a->prefix_len };
	char text[PREFIX_TEXT];

	if (a->prefix_len == 0) {
		json_object_set_new(o, "network", json_null());
		json_object_set_new(o, "addresses", json_null());
		return;
	}
	memcpy(prefix.address, a->prefix, sizeof(prefix.address));
	prefix_format(&prefix, text);
	telemetry_put_text(o, "network", text);
	telemetry_put_count(o, "addresses", a->addresses);
	telemetry_put_ratio(o, "addresses_standard_error_ratio",
	                    a->is_estimated ? DISTINCT_ERROR_PPM / 1e6 : 0);
}

/* As many sources as packets are forged or one-shot; few can be told one by one. */
static const char *
kind_of_sources(const struct detect_attack *a)
{
	if (a->sources * 2 >= a->sources_packets)
		return "random";
	return a->sources * 10 <= a->sources_packets ? "repeating" : "mixed";
}

/* The last second in which sources were counted; null before the first is over. */
static json_t *
sources(const struct detect_attack *a)
{
	json_t *o;

	if (a->sources == 0)
		return json_null();
	o = json_object();
	telemetry_put_count(o, "estimate", a->sources);
	telemetry_put_ratio(o, "standard_error_ratio", DISTINCT_ERROR_PPM / 1e6);
	telemetry_put_count(o, "packets", a->sources_packets);
	telemetry_put_seconds(o, "window_seconds", (double)a->sources_ns / 1e9);
	telemetry_put_text(o, "kind", kind_of_sources(a));
	return o;
}

/* How far up the ladder of countermeasures. */
static const char *
rung(uint8_t rung)
{
	static const char *const names[] = { [WATCH_POLICE] = "police",
		                             [WATCH_CHALLENGE] = "challenge",
		                             [WATCH_BLOCK] = "block" };

	return rung <= WATCH_BLOCK ? names[rung] : "unknown";
}

/* Milliseconds from the first packet to `at_ns`; null while that has not happened. */
static void
put_after(json_t *o, const char *key, const struct detect_attack *a, uint64_t at_ns)
{
	if (at_ns == 0)
		json_object_set_new(o, key, json_null());
	else
		json_object_set_new(
			o, key,
			json_real((double)((int64_t)(at_ns - a->first_ns) / 1000) / 1e3));
}

json_t *
telemetry_attack_object(const struct box *box, const struct detect_attack *a)
{
	const bool is_over = a->state != DETECT_ACTIVE;
	const uint64_t last = is_over ? a->end_ns : a->updated_ns;
	char id[TELEMETRY_ATTACK_ID];
	json_t *o = json_object();

	telemetry_attack_id(box, a, id);
	telemetry_put_text(o, "attack_id", id);
	telemetry_put_text(o, "service", a->service_name);
	telemetry_put_text(o, "vector",
	                   a->vector < VECTOR_COUNT ? vector_info[a->vector].name
	                                            : "unknown");
	put_network(o, a);
	telemetry_put_text(o, "status", is_over ? "ended" : "ongoing");
	telemetry_put_text(o, "mode",
	                   a->mode <= POLICY_MITIGATE ? policy_mode_names[a->mode]
	                                              : "unknown");
	telemetry_put_time(o, "start", telemetry_unix(box, a->first_ns));
	telemetry_put_time(o, "detected", telemetry_unix(box, a->detected_ns));
	telemetry_put_time(o, "mitigated", telemetry_unix(box, a->mitigated_ns));
	telemetry_put_time(o, "end", is_over ? telemetry_unix(box, a->end_ns) : 0);
	put_after(o, "detected_after_ms", a, a->detected_ns);
	put_after(o, "mitigated_after_ms", a, a->mitigated_ns);
	telemetry_put_seconds(o, "duration_seconds",
	                      last > a->first_ns ? (double)(last - a->first_ns) / 1e9
	                                         : 0);
	telemetry_put_count(o, "packets", a->packets);
	telemetry_put_count(o, "bytes", a->bytes);
	telemetry_put_count(o, "dropped_packets", a->dropped);
	telemetry_put_count(o, "dropped_bytes", a->dropped_bytes);
	telemetry_put_count(o, "would_packets", a->would);
	telemetry_put_count(o, "verified_dropped_packets", a->verified_dropped);
	telemetry_put_count(o, "peak_packets_per_second", a->peak_pps);
	telemetry_put_count(o, "peak_bits_per_second", a->peak_bits);
	telemetry_put_text(o, "step", rung(a->rung));
	telemetry_put_text(o, "highest_step", rung(a->highest_rung));
	telemetry_put_count(o, "pulses", a->pulses);
	json_object_set_new(o, "sources", sources(a));
	json_object_set_new(o, "trigger", trigger(a));
	return o;
}

/* Attacks of one answer, from memory first. */
struct merged {
	json_t *list;
	json_t *ids; /* an object, for its keys */
	unsigned int limit;
};

/* Newest first, and each once: an attack in memory is fresher than the store's. */
static bool
add_stored(void *arg, const struct store_attack *a)
{
	struct merged *m = arg;
	json_t *o;

	if (json_array_size(m->list) >= m->limit)
		return false;
	if (json_object_get(m->ids, a->id) != NULL)
		return true;
	o = json_loads(a->attack, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(o))
		json_array_append_new(m->list, o);
	else
		json_decref(o);
	return true;
}

static bool
is_since(const struct box *box, const struct detect_attack *a, int64_t since_s)
{
	return a->state == DETECT_ACTIVE || (int64_t)(telemetry_unix(box, a->end_ns) /
	                                              UINT64_C(1000000000)) >= since_s;
}

static void
add_of_memory(const struct box *box, const struct detect_attack *a,
              const struct telemetry_ask *ask, int64_t since_s, struct merged *m)
{
	char id[TELEMETRY_ATTACK_ID];

	if (json_array_size(m->list) >= m->limit ||
	    (ask->active_only && a->state != DETECT_ACTIVE) || !is_since(box, a, since_s))
		return;
	telemetry_attack_id(box, a, id);
	json_object_set_new(m->ids, id, json_true());
	json_array_append_new(m->list, telemetry_attack_object(box, a));
}

json_t *
telemetry_attacks(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct box *box = telemetry_box(t);
	const int64_t now_s = (int64_t)(telemetry_unix_now(box) / UINT64_C(1000000000));
	const bool has_since = ask->since_when.kind != TELEMETRY_NEVER;
	const int64_t since_s = telemetry_when_of(&ask->since_when, now_s, 0);
	struct store *store = telemetry_history_store(telemetry_history_of(t));
	size_t n, active = 0;
	struct detect_attack *a = telemetry_attacks_copy(box, &n);
	struct merged m = { .limit = ask->limit };
	json_t *o;

	if (a == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	/* Who asks for a time wants all of it. */
	if (has_since && !ask->has_limit)
		m.limit = TELEMETRY_LIMIT_MAX;
	m.list = json_array();
	m.ids = json_object();
	for (size_t i = 0; i < n; i++) {
		active += a[i].state == DETECT_ACTIVE;
		add_of_memory(box, &a[i], ask, since_s, &m);
	}
	free(a);
	if (has_since && !ask->active_only && store != NULL)
		store_read_attacks(store, since_s, false, add_stored, &m);
	o = telemetry_document_new(box, NULL);
	telemetry_put_count(o, "active", active);
	telemetry_put_count(o, "remembered", n);
	if (has_since)
		telemetry_put_time(o, "since", (uint64_t)since_s * UINT64_C(1000000000));
	json_object_set_new(o, "attacks", m.list);
	json_decref(m.ids);
	return o;
}

json_t *
telemetry_attack(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct box *box = telemetry_box(t);
	struct telemetry_remembered r;
	size_t n;
	struct detect_attack *a = telemetry_attacks_copy(box, &n);
	json_t *attack = NULL, *o = NULL;

	if (a == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	for (size_t i = 0; i < n && attack == NULL; i++) {
		char id[TELEMETRY_ATTACK_ID];

		telemetry_attack_id(box, &a[i], id);
		if (strcmp(id, ask->name) == 0)
			attack = telemetry_attack_object(box, &a[i]);
	}
	free(a);
	if (attack == NULL && telemetry_remember(t, ask->name, &r) == 0) {
		attack = r.attack;
		json_decref(r.details);
	}
	if (attack != NULL) {
		o = telemetry_document_new(box, NULL);
		json_object_set_new(o, "attack", attack);
	}
	errno = ENOENT;
	return o;
}
