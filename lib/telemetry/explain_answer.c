/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/explain_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefix/prefix.h"
#include "telemetry/put.h"

#define TEXT_MAX     400
#define RECENT_S     60.0 /* a drop that the customer will call about */
#define BLOCKS_ASKED 4096
#define IPV4_NETWORK 120 /* a /24, as a mapped address */
#define IPV6_NETWORK 64
#define SECOND_NS    UINT64_C(1000000000)

/* What to say, in the order of the sentence. */
struct answer {
	const char *verdict;
	char reason[TEXT_MAX], remedy[TEXT_MAX];
	const char *since, *until; /* texts of the document, or NULL */
	double seconds;            /* left; 0: no end or none known */
};

static const char *
text(const json_t *o, const char *key)
{
	const char *t = json_string_value(json_object_get(o, key));

	return t != NULL ? t : "";
}

static double
number(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

/* The entry of a list that decides: allow goes before deny. */
static const json_t *
deciding(const json_t *lists)
{
	const json_t *e, *deny = NULL;
	size_t i;

	json_array_foreach((json_t *)lists, i, e)
	{
		if (strcmp(text(e, "action"), "allow") == 0)
			return e;
		if (deny == NULL && strcmp(text(e, "action"), "deny") == 0)
			deny = e;
	}
	return deny;
}

static void
by_list(struct answer *a, const json_t *e, const char *address)
{
	const bool is_timed = strcmp(text(e, "list"), "timed entries") == 0;
	const bool is_allowed = strcmp(text(e, "action"), "allow") == 0;
	const char *prefix = text(e, "prefix"), *why = text(e, "reason");

	a->verdict = is_allowed ? "passes" : "blocked";
	a->since = json_string_value(json_object_get(e, "since"));
	a->until = json_string_value(json_object_get(e, "until"));
	a->seconds = number(e, "remaining_seconds");
	if (is_timed)
		snprintf(a->reason, sizeof(a->reason), "%s was %s by hand%s%.95s%s",
		         prefix, is_allowed ? "allowed" : "blocked",
		         why[0] != '\0' ? " (\"" : "", why, why[0] != '\0' ? "\")" : "");
	else
		snprintf(a->reason, sizeof(a->reason), "it is on the %s list \"%s\"%s%s",
		         is_allowed ? "allow" : "deny", text(e, "list"),
		         prefix[0] != '\0' ? " as " : "", prefix);
	if (is_allowed)
		return;
	if (is_timed)
		snprintf(a->remedy, sizeof(a->remedy), "tidegate block del %s", prefix);
	else
		snprintf(a->remedy, sizeof(a->remedy),
		         "tidegate allow add %s --for 1h --reason \"customer called\"",
		         address);
}

/* Blocked by itself, because what it proved to send stayed over a limit. */
static bool
by_itself(struct answer *a, const json_t *facts, const char *address)
{
	const json_t *f;
	double left = 0;
	size_t i;

	json_array_foreach((json_t *)facts, i, f)
	{
		if (strcmp(text(f, "what"), "blocked") == 0 && number(f, "value") >= left)
			left = number(f, "value") > 0 ? number(f, "value") : 1;
	}
	if (left == 0)
		return false;
	a->verdict = "blocked";
	a->seconds = left;
	strcpy(a->reason, "it sent more than one customer may for too long (limits of "
	                  "`sources`)");
	snprintf(a->remedy, sizeof(a->remedy),
	         "tidegate allow add %s --for 1h --reason \"customer called\"", address);
	return true;
}

static bool
by_filter(struct answer *a, const json_t *filters, const char *address)
{
	const json_t *f;
	size_t i;

	json_array_foreach((json_t *)filters, i, f)
	{
		if (strcmp(text(f, "matches"), "always") != 0 ||
		    strcmp(text(f, "action"), "drop") != 0 ||
		    json_is_true(json_object_get(f, "dry_run")))
			continue;
		a->verdict = "blocked";
		a->until = json_string_value(json_object_get(f, "until"));
		snprintf(a->reason, sizeof(a->reason),
		         "the filter rule \"%s\" drops whatever it sends",
		         text(f, "name"));
		snprintf(a->remedy, sizeof(a->remedy),
		         "tidegate allow add %s --for 1h --reason \"customer called\"",
		         address);
		return true;
	}
	return false;
}

/* Above a limit now, or a packet was dropped a moment ago. */
static bool
by_limit(struct answer *a, const json_t *o, const char *address)
{
	const json_t *m, *last = NULL;
	size_t i;

	json_array_foreach(json_object_get(o, "drops"), i, m)
	{
		if (number(m, "age_seconds") < RECENT_S &&
		    (last == NULL ||
		     number(m, "age_seconds") < number(last, "age_seconds")))
			last = m;
	}
	if (last != NULL)
		snprintf(a->reason, sizeof(a->reason),
		         "some of its packets are dropped, the last %.0f s ago for %s",
		         number(last, "age_seconds"), text(last, "verdict"));
	json_array_foreach(json_object_get(o, "meters"), i, m)
	{
		if (strcmp(text(m, "verdict"), "over") != 0)
			continue;
		snprintf(a->reason, sizeof(a->reason),
		         "it is over its limit of %s: %.0f against %.0f %s",
		         text(m, "what"), number(m, "value"), number(m, "threshold"),
		         text(m, "unit"));
		last = m;
	}
	if (last == NULL)
		return false;
	a->verdict = "limited";
	snprintf(a->remedy, sizeof(a->remedy),
	         "tidegate allow add %s --for 1h --reason \"customer called\"", address);
	return true;
}

/* What the box as a whole does with what it would drop. */
static const char *
mode_of(struct box *box)
{
	const char *mode;

	pthread_mutex_lock(&box->lock);
	mode = telemetry_mode_of_box(box->policies);
	pthread_mutex_unlock(&box->lock);
	return mode;
}

static void
put_sentence(json_t *o, const struct answer *a, const char *address, const char *but)
{
	char sentence[3 * TEXT_MAX];
	size_t n;

	n = (size_t)snprintf(sentence, sizeof(sentence), "%s %s", address,
	                     strcmp(a->verdict, "blocked") == 0   ? "is blocked"
	                     : strcmp(a->verdict, "limited") == 0 ? "is limited"
	                     : strcmp(a->verdict, "would_be_blocked") == 0
	                             ? "would be blocked"
	                             : "passes");
	n += (size_t)snprintf(sentence + n, sizeof(sentence) - n, "%s%s",
	                      a->reason[0] != '\0' ? ": " : "", a->reason);
	if (a->since != NULL)
		n += (size_t)snprintf(sentence + n, sizeof(sentence) - n,
		                      ", since %.19sZ", a->since);
	if (a->until != NULL)
		n += (size_t)snprintf(sentence + n, sizeof(sentence) - n,
		                      ", until %.19sZ", a->until);
	if (a->seconds > 0)
		n += (size_t)snprintf(sentence + n, sizeof(sentence) - n,
		                      " (%.0f s from now)", a->seconds);
	else if (strcmp(a->verdict, "blocked") == 0 && a->until == NULL)
		n += (size_t)snprintf(sentence + n, sizeof(sentence) - n,
		                      ", until somebody takes it back");
	n += (size_t)snprintf(sentence + n, sizeof(sentence) - n, ".%s", but);
	if (a->remedy[0] != '\0' && n < sizeof(sentence))
		snprintf(sentence + n, sizeof(sentence) - n, " To let it through: %s",
		         a->remedy);
	telemetry_put_text(o, "answer", sentence);
}

/* Which addresses of its network send, and which are blocked. */
static void
put_network(json_t *o, struct telemetry *t, const uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct box *box = telemetry_box(t);
	struct telemetry_ask ask;
	struct prefix network = { 0 }, p;
	struct policy_block *b = calloc(BLOCKS_ASKED, sizeof(*b));
	json_t *all = json_object(), *top;
	const json_t *e;
	char name[PREFIX_TEXT];
	uint64_t senders = 0, pps = 0, blocked = 0;
	size_t i, n = 0;

	network.len = memcmp(address, mapped, 12) == 0 ? IPV4_NETWORK : IPV6_NETWORK;
	prefix_mask(&network, address);
	prefix_format(&network, name);
	telemetry_ask_init(&ask);
	ask.limit = TELEMETRY_LIMIT_MAX;
	top = telemetry_top(t, &ask);
	json_array_foreach(json_object_get(top, "top"), i, e)
	{
		if (prefix_parse(text(e, "address"), &p) < 0 ||
		    !prefix_holds(&network, p.address))
			continue;
		senders++;
		pps += (uint64_t)number(e, "packets_per_second");
	}
	json_decref(top);
	if (b != NULL && box->block_list != NULL)
		n = box->block_list(box->daemon, b, BLOCKS_ASKED);
	for (i = 0; i < n && i < BLOCKS_ASKED; i++)
		blocked += !b[i].is_allow && prefix_holds(&network, b[i].prefix.address);
	free(b);
	telemetry_put_text(all, "network", name);
	telemetry_put_count(all, "busy_senders", senders);
	telemetry_put_count(all, "packets_per_second", pps);
	telemetry_put_count(all, "blocked_by_hand", blocked);
	json_object_set_new(o, "network", all);
}

void
telemetry_explain_answer(json_t *o, struct telemetry *t, const uint8_t address[16])
{
	struct box *box = telemetry_box(t);
	struct answer a = { .verdict = "passes" };
	const char *name = text(o, "address"), *but = "";
	const json_t *entry = deciding(json_object_get(o, "lists"));
	const char *mode = mode_of(box);
	json_t *remedy = json_array();

	if (entry != NULL)
		by_list(&a, entry, name);
	else if (!by_filter(&a, json_object_get(o, "filters"), name) &&
	         !by_itself(&a, json_object_get(o, "facts"), name))
		by_limit(&a, o, name);
	if (box_is_bypassed(box)) {
		but = " But bypass is on: nothing is judged, and everything passes.";
		a.verdict = "passes";
	} else if (strcmp(a.verdict, "blocked") == 0 && strcmp(mode, "mitigate") != 0 &&
	           strcmp(mode, "mixed") != 0) {
		but = " But the mode drops nothing: its packets pass.";
		a.verdict = "would_be_blocked";
	} else if (strcmp(a.verdict, "blocked") == 0 && strcmp(mode, "mixed") == 0) {
		but = " That holds for services in mode mitigate.";
	}
	if (strcmp(a.verdict, "passes") == 0 && a.reason[0] == '\0')
		strcpy(a.reason,
		       "no list, rule or limit stops it, and no packet of it was "
		       "dropped in the last minute");
	if (strcmp(a.verdict, "passes") == 0)
		a.remedy[0] = '\0';
	if (a.remedy[0] != '\0')
		json_array_append_new(remedy, json_string(a.remedy));
	telemetry_put_text(o, "verdict", a.verdict);
	telemetry_put_text(o, "reason", a.reason);
	json_object_set_new(o, "since",
	                    a.since != NULL ? json_string(a.since) : json_null());
	if (a.until != NULL)
		json_object_set_new(o, "until", json_string(a.until));
	else
		telemetry_put_time(
			o, "until",
			a.seconds > 0 ? telemetry_unix_now(box) +
						(uint64_t)(a.seconds * (double)SECOND_NS)
				      : 0);
	json_object_set_new(o, "remedy", remedy);
	put_sentence(o, &a, name, but);
	put_network(o, t, address);
}
