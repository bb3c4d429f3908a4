/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settings_check - what one key alone cannot tell: names that clash, devices used
 * twice, references to nothing, lists and services that contradict each other.
 */
#include "policy/settings_parts.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "list/list.h"
#include "policy/policy.h"

#define MAX_UNIX_PATH 107 /* sun_path of Linux without its NUL */

void
settings_check_name(const char *name, const struct conf_place *place,
                    struct conf_errors *errors)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789._-";

	if (name[strspn(name, allowed)] != '\0')
		conf_fail(errors, place,
		          "a name is made of letters, digits, '.', '_' and '-', as it "
		          "stands in "
		          "metrics and in paths of the API");
}

/* Names of a list, whose elements begin with `char *name`. */
static void
check_names(const struct conf_list *list, size_t size, const char *what,
            struct conf_errors *errors)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *name =
			*(char *const *)((const char *)list->element + i * size);

		if (name == NULL)
			continue;
		settings_check_name(name, &list->place[i], errors);
		for (size_t k = 0; k < i; k++) {
			const char *other =
				*(char *const *)((const char *)list->element + k * size);

			if (other == NULL || strcmp(name, other) != 0)
				continue;
			conf_fail(errors, &list->place[i],
			          "another %s at line %u has this name", what,
			          list->place[k].line);
			break;
		}
	}
}

/* --- links --- */

static const char *
end_of(const struct settings_link *link, size_t end)
{
	return end == 0 ? link->external : link->internal;
}

static void
check_devices(const struct settings *s, size_t i, struct conf_errors *errors)
{
	const struct settings_link *links = s->links.element, *link = &links[i];
	const struct conf_place *place = &s->links.place[i];

	if (link->external == NULL || link->internal == NULL)
		return;
	if (strcmp(link->external, link->internal) == 0)
		conf_fail(errors, place,
		          "external and internal are both \"%s\"; a wire has two ends",
		          link->external);
	for (size_t k = 0; k < 2 * i; k++) {
		const char *other = end_of(&links[k / 2], k % 2);

		if (other == NULL || (strcmp(other, link->external) != 0 &&
		                      strcmp(other, link->internal) != 0))
			continue;
		conf_fail(errors, place, "\"%s\" belongs to the link at line %u too",
		          other, s->links.place[k / 2].line);
		break;
	}
}

/* --- the API --- */

static bool
is_port(const char *text)
{
	char *end;
	long port = strtol(text, &end, 10);

	return text[0] >= '1' && text[0] <= '9' && *end == '\0' && port <= UINT16_MAX;
}

static bool
is_loopback(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

/* "ADDRESS:PORT" with IPv6 in brackets. Returns whether it is, and the address. */
static bool
split_address(const char *text, char host[64])
{
	const char *colon = strrchr(text, ':');
	unsigned char address[16];
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;
	bool is_six = text[0] == '[' && n > 2 && text[n - 1] == ']';

	if (n == 0 || n > 63 || !is_port(colon + 1))
		return false;
	memcpy(host, text + is_six, n - 2 * is_six);
	host[n - 2 * is_six] = '\0';
	return inet_pton(is_six ? AF_INET6 : AF_INET, host, address) == 1;
}

static void
check_listen(const struct settings *s, struct conf_errors *errors)
{
	char path[] = "api.listen", host[64];
	const struct conf_place place = { s->file, 0, path };

	for (size_t i = 0; i < s->api_listen.count; i++) {
		const char *text = s->api_listen.text[i];

		if (strncmp(text, "unix:", 5) == 0) {
			if (text[5] != '/' || strlen(text + 5) > MAX_UNIX_PATH)
				conf_fail(errors, &place,
				          "\"%s\": the path of a socket begins with / "
				          "and has at most %d "
				          "characters",
				          text, MAX_UNIX_PATH);
		} else if (!split_address(text, host)) {
			conf_fail(errors, &place,
			          "\"%s\" is neither ADDRESS:PORT, such as "
			          "\"127.0.0.1:9686\" or "
			          "\"[::1]:9686\", nor \"unix:/PATH\"",
			          text);
		} else if (!is_loopback(host) && !s->api_remote) {
			conf_fail(errors, &place,
			          "\"%s\" is no loopback address, and api.remote is not "
			          "true",
			          text);
		} else if (!is_loopback(host)) {
			conf_warn(errors, &place,
			          "\"%s\" answers everybody who reaches it, without "
			          "encryption; put a "
			          "proxy with TLS before it",
			          text);
		}
	}
}

/* --- files --- */

/* A daemon's own folder is /, so a path from somewhere else would be surprising. */
static void
check_path(const struct settings *s, const char *key, const char *value,
           struct conf_errors *errors)
{
	char path[32];
	const struct conf_place place = { s->file, 0, path };

	snprintf(path, sizeof(path), "%s", key);
	if (value != NULL && value[0] != '\0' && value[0] != '/')
		conf_fail(errors, &place, "\"%s\" does not begin with /", value);
}

/* --- cores --- */

static void
check_cores(const struct settings *s, struct conf_errors *errors)
{
	char workers_path[] = "dataplane.workers", cores_path[] = "dataplane.cores";
	const struct conf_place at_workers = { s->file, 0, workers_path };
	const struct conf_place at_cores = { s->file, 0, cores_path };
	unsigned int core[SETTINGS_MAX_CORES], workers = settings_workers(s);
	size_t cores = settings_cores(s, core, SETTINGS_MAX_CORES);

	if (workers == 0 && strcmp(s->workers, "auto") != 0)
		conf_fail(errors, &at_workers,
		          "\"%s\" is not a number of workers; write \"auto\" or \"1\" to "
		          "\"%d\"",
		          s->workers, SETTINGS_MAX_CORES - 1);
	if (cores == 0 && strcmp(s->cores, "auto") != 0)
		conf_fail(errors, &at_cores,
		          "\"%s\" is no set of cores; write \"auto\", \"0-3\" or "
		          "\"2,4,6\", each core "
		          "once, the first for control",
		          s->cores);
	/* As many workers as cores is possible: one of them then shares with control. */
	else if (cores > 0 && workers > cores)
		conf_fail(errors, &at_cores,
		          "\"%s\" has %zu core%s for \"%u\" workers and control",
		          s->cores, cores, cores == 1 ? "" : "s", workers);
}

/* --- services --- */

int
settings_protocol(const char *text)
{
	size_t n = strspn(text, "0123456789");
	int number = atoi(text);

	if (strcmp(text, "any") == 0)
		return -1;
	if (strcmp(text, "tcp") == 0)
		return 6;
	if (strcmp(text, "udp") == 0)
		return 17;
	if (strcmp(text, "icmp") == 0)
		return 1;
	if (n == 0 || n > 3 || text[n] != '\0' || (n > 1 && text[0] == '0') ||
	    number > 255)
		return -2;
	return number;
}

static void
check_protocol(const struct settings_service *v, const struct conf_place *place,
               struct conf_errors *errors)
{
	static const char *const words[] = { "any", "tcp", "udp", "icmp", NULL };
	int protocol = settings_protocol(v->protocol);
	const char *meant = conf_closest(v->protocol, words);

	if (protocol == -2 && meant != NULL)
		conf_fail(errors, place,
		          "protocol \"%s\" is unknown; did you mean \"%s\"?", v->protocol,
		          meant);
	else if (protocol == -2)
		conf_fail(errors, place,
		          "protocol \"%s\" is unknown; allowed are \"any\", \"tcp\", "
		          "\"udp\", "
		          "\"icmp\" and \"0\" to \"255\"",
		          v->protocol);
	else if (v->ports.count > 0 && protocol != 6 && protocol != 17)
		conf_fail(errors, place,
		          "ports need protocol \"tcp\" or \"udp\", not \"%s\"",
		          v->protocol);
}

static void
check_service(const struct settings *s, const struct settings_service *v,
              const struct conf_place *place, struct conf_errors *errors)
{
	const char *names[STAGE_POLICIES + 1] = { NULL };
	const char *meant;

	if (v->name == NULL || v->protocol == NULL || v->policy == NULL)
		return;
	if (strcmp(v->name, "default") == 0)
		conf_fail(errors, place,
		          "\"default\" is the built-in service of what no other claims; "
		          "redefine the "
		          "policy \"default\" instead");
	check_protocol(v, place, errors);
	for (size_t i = 0; i < s->n_policies; i++) {
		if (strcmp(s->policy[i].name, v->policy) == 0)
			return;
		names[i] = s->policy[i].name;
	}
	meant = conf_closest(v->policy, names);
	if (meant != NULL)
		conf_fail(errors, place,
		          "no policy is named \"%s\"; did you mean \"%s\"?", v->policy,
		          meant);
	else
		conf_fail(errors, place, "no policy is named \"%s\"", v->policy);
}

/* --- per-source limits --- */

/* A source that may send more than the whole vector before it is armed is never met. */
static void
check_sources(const struct settings_policy *p, struct conf_errors *errors)
{
	uint64_t most[2] = { 0, 0 };
	char limit[CONF_AMOUNT_TEXT], rate[CONF_AMOUNT_TEXT];
	unsigned int k = 0;

	for (int v = 0; v < VECTOR_COUNT; v++) {
		const struct conf_rate *r = &p->vector[v].activate;

		if (r->per_second > most[r->is_bits])
			most[r->is_bits] = r->per_second;
	}
	while (k < stage_count && strcmp(stage_list[k]->name, "sources") != 0)
		k++;
	if (k == stage_count || stage_list[k]->fields == NULL)
		return;
	for (const struct conf_field *f = stage_list[k]->fields; f->key != NULL; f++) {
		bool is_bits = f->kind == CONF_BITS;
		uint64_t value;

		if ((strcmp(f->key, "packets") != 0 && strcmp(f->key, "bits") != 0) ||
		    (f->kind != CONF_PACKETS && f->kind != CONF_BITS))
			continue;
		memcpy(&value, (const char *)p->params[k] + f->offset, sizeof(value));
		conf_format_amount(f->kind, value, limit);
		/*
		 * The default is nobody's choice; and beside thresholds in the
		 * other unit nothing can be said.
		 */
		if (most[is_bits] == 0 || most[!is_bits] > 0 || value <= most[is_bits] ||
		    strcmp(limit, f->absent) == 0)
			continue;
		conf_format_amount(f->kind, most[is_bits], rate);
		conf_warn(errors, &p->place,
		          "sources.%s \"%s\" for one source is above the highest "
		          "activate_rate, "
		          "\"%s\" for all of them",
		          f->key, limit, rate);
	}
}

/* --- lists --- */

static void
check_list(const struct settings_list *list, const struct conf_place *place,
           struct conf_errors *errors)
{
	const bool has_file = list->file != NULL && list->file[0] != '\0';
	const bool is_database =
		has_file && (list->format == SETTINGS_FORMAT_AUTO
	                             ? list_format_of(list->file) == LIST_MMDB
	                             : list->format == LIST_MMDB + 1);

	if (list->prefixes.count == 0 && !has_file)
		conf_warn(errors, place,
		          "this list has neither prefixes nor a file, so it only holds "
		          "what is put into it while running");
	if (!has_file && (list->select.count > 0 || list->refresh_ns > 0))
		conf_fail(errors, place, "%s needs a file",
		          list->select.count > 0 ? "select" : "refresh");
	else if (list->select.count > 0 && !is_database)
		conf_fail(errors, place,
		          "select needs a database; write format = \"mmdb\" if the file "
		          "is one");
	if (list->refresh_ns > 0 && list->refresh_ns < UINT64_C(1000000000))
		conf_fail(errors, place, "refresh is at least \"1s\"");
	for (size_t i = 0; i < list->select.count; i++)
		if (!list_is_selectable(list->select.text[i]))
			conf_fail(errors, place,
			          "select: \"%.40s\" is neither a country such as "
			          "\"NL\" nor a system such as \"AS64496\"",
			          list->select.text[i]);
}

/* --- the whole --- */

void
settings_check(const struct settings *s, struct conf_errors *errors)
{
	const struct settings_service *services = s->services.element;

	settings_check_name(s->node_name,
	                    &(struct conf_place){ s->file, 0, (char[]){ "node.name" } },
	                    errors);
	check_names(&s->links, sizeof(struct settings_link), "link", errors);
	check_names(&s->lists, sizeof(struct settings_list), "list", errors);
	check_names(&s->services, sizeof(struct settings_service), "service", errors);
	check_names(&s->filters, sizeof(struct filter_spec), "filter", errors);
	for (size_t i = 0; i < s->links.count; i++)
		check_devices(s, i, errors);
	check_listen(s, errors);
	check_path(s, "state.folder", s->state_folder, errors);
	check_path(s, "state.cookie_secret", s->cookie_secret, errors);
	check_cores(s, errors);
	for (size_t i = 0; i < s->services.count; i++)
		check_service(s, &services[i], &s->services.place[i], errors);
	/* Id 0 is the service of what no other claims. */
	if (s->services.count > SERVICE_MAX - 1)
		conf_fail(errors, &s->services.place[SERVICE_MAX - 1],
		          "there are %zu services; at most %d fit", s->services.count,
		          SERVICE_MAX - 1);
	for (size_t i = 0; i < s->n_policies; i++)
		check_sources(&s->policy[i], errors);
	for (size_t i = 0; i < s->lists.count; i++)
		check_list((const struct settings_list *)s->lists.element + i,
		           &s->lists.place[i], errors);
	settings_check_lists(s, errors);
	settings_check_events(s, errors);
}
