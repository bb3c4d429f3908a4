/* SPDX-License-Identifier: BSD-3-Clause */
/* settings_live - cores, workers and links: what is taken once and stays till the end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/settings_parts.h"

/* A core's number at *text, which moves behind it, or -1. */
static int
number(const char **text)
{
	size_t n = strspn(*text, "0123456789");
	int value = n > 0 && n < 5 ? atoi(*text) : -1;

	*text += n;
	return value;
}

static bool
has(const unsigned int *core, size_t n, unsigned int wanted)
{
	for (size_t i = 0; i < n; i++)
		if (core[i] == wanted)
			return true;
	return false;
}

size_t
settings_cores(const struct settings *s, unsigned int *core, size_t room)
{
	const char *text = s->cores;
	size_t n = 0;

	if (strcmp(text, "auto") == 0)
		return 0;
	for (;;) {
		int first = number(&text), last = first;

		if (*text == '-') {
			text++;
			last = number(&text);
		}
		if (first < 0 || last < first || n + (size_t)(last - first) >= room)
			return 0;
		for (int c = first; c <= last; c++) {
			if (has(core, n, (unsigned int)c))
				return 0;
			core[n++] = (unsigned int)c;
		}
		if (*text == '\0')
			return n;
		if (*text++ != ',')
			return 0;
	}
}

unsigned int
settings_workers(const struct settings *s)
{
	const char *text = s->workers;
	int n = number(&text);

	return *text == '\0' && n > 0 && n < SETTINGS_MAX_CORES ? (unsigned int)n : 0;
}

int
settings_check_links(const struct settings *s, struct conf_errors *errors)
{
	if (s->links.count > 0)
		return 0;
	conf_fail(errors, &(struct conf_place){ s->file, 0, NULL },
	          "there is no link to run on; write links = ( { name = \"uplink\"; "
	          "external = "
	          "\"...\"; internal = \"...\"; } );");
	return -EINVAL;
}

/* --- what a reload cannot change --- */

static void
say_fixed(const struct settings *next, const char *key, const char *from, const char *to,
          struct conf_errors *errors)
{
	char path[64];

	snprintf(path, sizeof(path), "%s", key);
	conf_fail(
		errors, &(struct conf_place){ next->file, 0, path },
		"cannot change while running, from \"%s\" to \"%s\"; restart to apply it",
		from, to);
}

static void
check_text(const struct settings *next, const char *key, const char *a, const char *b,
           struct conf_errors *errors)
{
	if (strcmp(a, b) != 0)
		say_fixed(next, key, a, b, errors);
}

static void
check_amount(const struct settings *next, const char *key, enum conf_kind kind,
             const uint64_t value[2], struct conf_errors *errors)
{
	char from[CONF_AMOUNT_TEXT], to[CONF_AMOUNT_TEXT];

	if (value[0] == value[1])
		return;
	conf_format_amount(kind, value[0], from);
	conf_format_amount(kind, value[1], to);
	say_fixed(next, key, from, to, errors);
}

static void
check_count(const struct settings *next, const char *key, const uint64_t value[2],
            struct conf_errors *errors)
{
	check_amount(next, key, CONF_COUNT, value, errors);
}

static void
check_size(const struct settings *next, const char *key, const uint64_t value[2],
           struct conf_errors *errors)
{
	check_amount(next, key, CONF_SIZE, value, errors);
}

static void
check_time(const struct settings *next, const char *key, const uint64_t value[2],
           struct conf_errors *errors)
{
	check_amount(next, key, CONF_TIME, value, errors);
}

static void
check_links(const struct settings *now, const struct settings *next,
            struct conf_errors *errors)
{
	const struct settings_link *a = now->links.element, *b = next->links.element;

	if (now->links.count != next->links.count) {
		char from[24], to[24];

		snprintf(from, sizeof(from), "%zu", now->links.count);
		snprintf(to, sizeof(to), "%zu", next->links.count);
		say_fixed(next, "links", from, to, errors);
		return;
	}
	for (size_t i = 0; i < next->links.count; i++)
		if (strcmp(a[i].name, b[i].name) != 0 ||
		    strcmp(a[i].external, b[i].external) != 0 ||
		    strcmp(a[i].internal, b[i].internal) != 0)
			conf_fail(errors, &next->links.place[i],
			          "a link cannot change while running; restart to apply "
			          "it");
}

static void
check_listen(const struct settings *now, const struct settings *next,
             struct conf_errors *errors)
{
	const struct conf_texts *a = &now->api_listen, *b = &next->api_listen;
	bool is_same = a->count == b->count;

	for (size_t i = 0; is_same && i < a->count; i++)
		is_same = strcmp(a->text[i], b->text[i]) == 0;
	is_same = is_same && now->api_remote == next->api_remote;
	if (!is_same)
		conf_fail(errors,
		          &(struct conf_place){ next->file, 0, (char[]){ "api.listen" } },
		          "cannot change while running; restart to apply it");
}

int
settings_check_live(const struct settings *now, const struct settings *next,
                    struct conf_errors *errors)
{
	static const char *const transmit[] = { "auto", "worker", "control" };
	static const char *const rss[] = { "addresses", "ports" };
	static const char *const duplex[] = { "inline", "ingress" };
	static const char *const boolean[] = { "false", "true" };
	size_t before = errors->count;

	check_text(next, "dataplane.transmit", transmit[now->transmit],
	           transmit[next->transmit], errors);
	check_text(next, "dataplane.workers", now->workers, next->workers, errors);
	check_text(next, "dataplane.cores", now->cores, next->cores, errors);
	check_text(next, "dataplane.rss", rss[now->rss_ports], rss[next->rss_ports],
	           errors);
	check_count(next, "dataplane.flow_entries",
	            (const uint64_t[2]){ now->flow_entries, next->flow_entries }, errors);
	check_count(next, "dataplane.source_entries",
	            (const uint64_t[2]){ now->source_entries, next->source_entries },
	            errors);
	check_count(next, "dataplane.addresses",
	            (const uint64_t[2]){ now->addresses, next->addresses }, errors);
	check_count(next, "dataplane.networks",
	            (const uint64_t[2]){ now->networks, next->networks }, errors);
	check_text(next, "dataplane.duplex", duplex[now->ingress], duplex[next->ingress],
	           errors);
	check_text(next, "state.folder", now->state_folder, next->state_folder, errors);
	check_text(next, "state.cookie_secret", now->cookie_secret, next->cookie_secret,
	           errors);
	check_size(next, "history.memory",
	           (const uint64_t[2]){ now->history_memory, next->history_memory },
	           errors);
	check_size(next, "history.size",
	           (const uint64_t[2]){ now->history_size, next->history_size }, errors);
	check_time(next, "history.keep",
	           (const uint64_t[2]){ now->history_keep, next->history_keep }, errors);
	check_text(next, "history.on_disk", now->history_on_disk ? "true" : "false",
	           next->history_on_disk ? "true" : "false", errors);
	check_links(now, next, errors);
	check_listen(now, next, errors);
	check_text(next, "api.dashboard", boolean[now->api_dashboard],
	           boolean[next->api_dashboard], errors);
	return errors->count == before ? 0 : -EINVAL;
}
