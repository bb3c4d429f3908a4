/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ask - the table of documents, and what each may be asked.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefix/prefix.h"
#include "telemetry/telemetry.h"

static const char *const attack_keys[] = { "active", "since", "limit", NULL };
static const char *const threshold_keys[] = { "service", "since", "force", NULL };
static const char *const live_keys[] = { "limit", NULL };
static const char *const top_keys[] = { "by", "metric", "limit", NULL };
static const char *const network_keys[] = { "metric", "limit", NULL };
static const char *const event_keys[] = { "since", "type", "limit", NULL };
static const char *const history_keys[] = { "service", "vector", "metric", "from",
	                                    "to",      "step",   NULL };
static const char *const explain_keys[] = { "ip", NULL };
static const char *const sample_keys[] = { "ip",    "reason", "service", "attack",
	                                   "after", "limit",  NULL };

const struct telemetry_document telemetry_documents[] = {
	{ "status", telemetry_status, NULL,
	  "Version, uptime, configuration, books of every port and in total, warnings." },
	{ "live", telemetry_live, live_keys,
	  "Present rates, reasons, running attacks and services; limit keeps "
	  "those in trouble and the busiest." },
	{ "customers", telemetry_customers, NULL,
	  "How those fare who proved to be real: handshakes, challenges passed, "
	  "losses." },
	{ "services", telemetry_services, NULL,
	  "Every service with its mode and its rates." },
	{ "services/", telemetry_service, NULL,
	  "One service: thresholds, measured values and headroom of every vector." },
	{ "attacks", telemetry_attacks, attack_keys,
	  "Attacks in memory, newest first; with since also stored ones." },
	{ "attacks/{name}/report", telemetry_report, NULL,
	  "One attack from its beginning to its end: course, steps, reasons, sources." },
	{ "attacks/", telemetry_attack, NULL, "One attack." },
	{ "top", telemetry_top, top_keys,
	  "Who sends or receives most, estimated over the last second." },
	{ "networks", telemetry_networks, network_keys,
	  "What came to each protected network, counted exactly; the busiest first." },
	{ "workers", telemetry_workers, NULL,
	  "What each worker does and how busy it is." },
	{ "ports", telemetry_ports, NULL,
	  "Both ends of every link: books, rates and losses." },
	{ "reasons", telemetry_reasons, NULL,
	  "Every reason to stop a packet, what it means and how often it was used." },
	{ "hits", telemetry_hits, NULL,
	  "What single lists, operators' rules and reflecting services met." },
	{ "diff", telemetry_diff, NULL,
	  "The configuration file against what is in force, key by key." },
	{ "health", telemetry_health, NULL,
	  "What is wrong, step by step along the way of a packet, and what to do." },
	{ "explain", telemetry_explain, explain_keys,
	  "All the box knows of one address, and why its packets pass or not." },
	{ "config", telemetry_config, NULL,
	  "The configuration in force, without secrets." },
	{ "filters", telemetry_filters, NULL,
	  "The operator's filter rules in force, and what each has met." },
	{ "blocks", telemetry_blocks, NULL,
	  "Timed entries of the deny and allow lists." },
	{ "lists", telemetry_lists, NULL,
	  "Every list: where from, what is wanted and what is loaded, packets decided." },
	{ "lists/", telemetry_list, NULL,
	  "One list, with the entries that were made by hand." },
	{ "events", telemetry_events, event_keys,
	  "The newest events, in order; about a thousand are in memory." },
	{ "samples", telemetry_samples, sample_keys,
	  "Packets kept to show why they were stopped, newest first." },
	{ "captures", telemetry_captures, NULL,
	  "Captures that run or are held, newest first." },
	{ "captures/", telemetry_capture, NULL, "One capture." },
	{ "history", telemetry_history, history_keys,
	  "Rates of the past as columns: times, and one array per series; null where "
	  "nothing is known." },
	{ "thresholds", telemetry_thresholds, threshold_keys,
	  "Where the thresholds of a service should stand by its history." },
	{ NULL, NULL, NULL, NULL },
};

void
telemetry_ask_init(struct telemetry_ask *ask)
{
	memset(ask, 0, sizeof(*ask));
	ask->limit = TELEMETRY_LIMIT;
	ask->vector = VECTOR_COUNT;
}

const char *
telemetry_key_help(const char *key)
{
	static const char *const help[][2] = {
		{ "force", "true: also with less history than a day." },
		{ "active", "true: only attacks that still run." },
		{ "limit", "At most so many entries, 1 to 256; absent: 20, of live all "
		           "services." },
		{ "by", "sources or destinations." },
		{ "metric", "packets or bits: what is shown, or decides the order." },
		{ "since",
		  "Not older than so long, such as 10m or 7d, or than a time such as "
		  "2026-11-21T22:30:00Z; of events also after the one of that "
		  "number." },
		{ "type", "Only events of this type, such as attack." },
		{ "ip", "An IPv4 or IPv6 address; of samples either end's." },
		{ "service", "Only of the service of that name; of history the whole box "
		             "when absent." },
		{ "reason",
		  "Only of that reason, as shape.udp_flood, or stage, as shape." },
		{ "attack", "Only of the attack of that id." },
		{ "after", "Only those whose number is above this one." },
		{ "vector", "Only this vector of the service, such as udp_flood." },
		{ "from", "Since when: 24h (ago), 2026-11-21T22:30:00Z or Unix time." },
		{ "to", "Until when, written the same way; now when absent." },
		{ "step",
		  "Length of a step, such as 1s, 60 or 5m; as it fits when absent." },
	};

	for (size_t i = 0; i < sizeof(help) / sizeof(*help); i++) {
		if (strcmp(key, help[i][0]) == 0)
			return help[i][1];
	}
	return "";
}

/* Sets *out to whether value is the second of the two words. */
static int
one_of(const char *value, const char *first, const char *second, bool *out)
{
	if (strcmp(value, first) != 0 && strcmp(value, second) != 0)
		return -EINVAL;
	*out = strcmp(value, second) == 0;
	return 0;
}

static int
set_limit(struct telemetry_ask *ask, const char *value)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (value[0] < '0' || value[0] > '9' || *end != '\0' || n < 1 ||
	    n > TELEMETRY_LIMIT_MAX)
		return -EINVAL;
	ask->limit = (unsigned int)n;
	ask->has_limit = true;
	return 0;
}

static int
set_name(char to[TELEMETRY_NAME], const char *value)
{
	if (value[0] == '\0' || strlen(value) >= TELEMETRY_NAME)
		return -EINVAL;
	strcpy(to, value);
	return 0;
}

static int
set_number(uint64_t *to, const char *value)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0)
		return -EINVAL;
	*to = n;
	return 0;
}

static int
set_address(struct telemetry_ask *ask, const char *value)
{
	struct prefix p;

	if (strchr(value, '/') != NULL || prefix_parse(value, &p) < 0)
		return -EINVAL;
	memcpy(ask->address, p.address, sizeof(ask->address));
	ask->has_address = true;
	return 0;
}

/* "812", "7d", or a moment. */
static int
set_since(struct telemetry_ask *ask, const char *value)
{
	uint64_t n = 0;
	char *end;

	if (value[0] < '0' || value[0] > '9')
		return -EINVAL;
	errno = 0;
	n = strtoull(value, &end, 10);
	if (*end == '\0' && (errno != 0 || n > INT64_MAX))
		return -EINVAL;
	ask->since_when = (struct telemetry_when){ TELEMETRY_NEVER, 0 };
	/* A number may be of an event, and then be beyond any time. */
	if (telemetry_when_parse(value, &ask->since_when) < 0 && *end != '\0')
		return -EINVAL;
	ask->has_since = *end == '\0';
	ask->since = *end == '\0' ? n : 0;
	return 0;
}

static int
set_type(struct telemetry_ask *ask, const char *value)
{
	const size_t len = strlen(value);

	if (len == 0 || len >= sizeof(ask->type) ||
	    strspn(value, "abcdefghijklmnopqrstuvwxyz_") != len)
		return -EINVAL;
	strcpy(ask->type, value);
	return 0;
}

static int
set_vector(struct telemetry_ask *ask, const char *value)
{
	const unsigned int vector = vector_by_name(value);

	if (vector == VECTOR_COUNT)
		return -EINVAL;
	ask->vector = vector;
	return 0;
}

#define STEP_MAX_S (UINT64_C(366) * 86400)

static int
set_step(struct telemetry_ask *ask, const char *value)
{
	char why[160], *end;
	uint64_t seconds = strtoull(value, &end, 10), ns;

	if (value[0] < '0' || value[0] > '9')
		return -EINVAL;
	if (*end != '\0') {
		if (conf_parse_time(value, &ns, why, sizeof(why)) < 0 ||
		    ns % 1000000000 != 0)
			return -EINVAL;
		seconds = ns / 1000000000;
	}
	if (seconds < 1 || seconds > STEP_MAX_S)
		return -EINVAL;
	ask->step_s = seconds;
	return 0;
}

int
telemetry_ask_set(struct telemetry_ask *ask, const char *key, const char *value,
                  char why[160])
{
	int rc = -ENOENT;

	if (strcmp(key, "active") == 0)
		rc = one_of(value, "false", "true", &ask->active_only);
	else if (strcmp(key, "force") == 0)
		rc = one_of(value, "false", "true", &ask->is_forced);
	else if (strcmp(key, "by") == 0)
		rc = one_of(value, "sources", "destinations", &ask->by_destinations);
	else if (strcmp(key, "metric") == 0)
		rc = one_of(value, "packets", "bits", &ask->by_bits);
	else if (strcmp(key, "limit") == 0)
		rc = set_limit(ask, value);
	else if (strcmp(key, "ip") == 0)
		rc = set_address(ask, value);
	else if (strcmp(key, "since") == 0)
		rc = set_since(ask, value);
	else if (strcmp(key, "type") == 0)
		rc = set_type(ask, value);
	else if (strcmp(key, "service") == 0)
		rc = set_name(ask->service, value);
	else if (strcmp(key, "reason") == 0)
		rc = set_name(ask->reason, value);
	else if (strcmp(key, "attack") == 0)
		rc = set_name(ask->attack, value);
	else if (strcmp(key, "after") == 0)
		rc = set_number(&ask->after, value);
	else if (strcmp(key, "vector") == 0)
		rc = set_vector(ask, value);
	else if (strcmp(key, "from") == 0)
		rc = telemetry_when_parse(value, &ask->from);
	else if (strcmp(key, "to") == 0)
		rc = telemetry_when_parse(value, &ask->to);
	else if (strcmp(key, "step") == 0)
		rc = set_step(ask, value);
	if (rc == -ENOENT)
		snprintf(why, 160, "there is no parameter '%.40s'", key);
	else if (rc < 0)
		snprintf(why, 160, "'%.40s' does not fit '%s': %s", value, key,
		         telemetry_key_help(key));
	return rc < 0 ? -EINVAL : 0;
}

/* The length of the name in `path` where it fits "before{name}after", or "before/"; else 0. */
static size_t
name_in(const char *pattern, const char *path, size_t *before)
{
	const char *hole = strstr(pattern, "{name}");
	const char *after = hole != NULL ? hole + strlen("{name}") : "";
	const size_t len = strlen(path);

	*before = hole != NULL ? (size_t)(hole - pattern) : strlen(pattern);
	if (len <= *before + strlen(after) || strncmp(path, pattern, *before) != 0 ||
	    strcmp(path + len - strlen(after), after) != 0)
		return 0;
	return len - *before - strlen(after);
}

const struct telemetry_document *
telemetry_find(const char *path, struct telemetry_ask *ask)
{
	for (const struct telemetry_document *d = telemetry_documents; d->path != NULL;
	     d++) {
		size_t before, len;

		if (!telemetry_is_named(d)) {
			if (strcmp(path, d->path) == 0)
				return d;
			continue;
		}
		len = name_in(d->path, path, &before);
		if (len == 0 || len >= TELEMETRY_NAME ||
		    memchr(path + before, '/', len) != NULL)
			continue;
		memcpy(ask->name, path + before, len);
		ask->name[len] = '\0';
		return d;
	}
	return NULL;
}

bool
telemetry_is_named(const struct telemetry_document *d)
{
	return d->path[strlen(d->path) - 1] == '/' || strchr(d->path, '{') != NULL;
}
