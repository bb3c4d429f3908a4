/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_config - the configuration in force, walked by the tables that read it.
 *
 * Values with a unit are told as the file would write them. No secret stands in
 * the settings: tokens are in a file of their own, of which only the path is told.
 */
#include <errno.h>
#include <string.h>

#include "base/sha256.h"
#include "telemetry/parts.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

static json_t *group(const struct conf_field *fields, const void *in);

/* As the operator writes it: "300ms", "50kpps". */
static json_t *
amount(enum conf_kind kind, uint64_t n)
{
	char text[CONF_AMOUNT_TEXT];

	conf_format_amount(kind, n, text);
	return json_string(text);
}

static json_t *
rate(const struct conf_rate *r)
{
	char text[CONF_AMOUNT_TEXT];

	conf_format_rate(r, text);
	return json_string(text);
}

static json_t *
prefixes(const struct conf_prefixes *list)
{
	json_t *a = json_array();
	char text[CONF_PREFIX_TEXT];

	for (size_t i = 0; i < list->count; i++) {
		conf_format_prefix(&list->prefix[i], text);
		json_array_append_new(a, json_string(text));
	}
	return a;
}

static json_t *
ports(const struct conf_ports *list)
{
	json_t *a = json_array();

	for (size_t i = 0; i < list->count; i++) {
		const struct conf_port_range *r = &list->range[i];

		json_array_append_new(a,
		                      r->first == r->last
		                              ? json_sprintf("%u", r->first)
		                              : json_sprintf("%u-%u", r->first, r->last));
	}
	return a;
}

static json_t *
texts(const struct conf_texts *list)
{
	json_t *a = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(a, json_string(list->text[i]));
	return a;
}

static json_t *
elements(const struct conf_field *f, const struct conf_list *list)
{
	json_t *a = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(
			a, group(f->fields, (const char *)list->element + i * f->size));
	return a;
}

static json_t *
value(const struct conf_field *f, const void *at)
{
	const char *text;

	switch (f->kind) {
	case CONF_BOOL:
		return json_boolean(*(const bool *)at);
	case CONF_WORD:
		return json_string(f->words[*(const int *)at]);
	case CONF_TEXT:
		text = *(char *const *)at;
		return text == NULL ? json_null() : json_string(text);
	case CONF_TEXTS:
		return texts(at);
	case CONF_PREFIXES:
		return prefixes(at);
	case CONF_PORTS:
		return ports(at);
	case CONF_RATE:
		return rate(at);
	case CONF_GROUP:
		return group(f->fields, at);
	case CONF_LIST:
		return elements(f, at);
	case CONF_INT:
		return json_integer((json_int_t)(*(const uint64_t *)at));
	case CONF_SECTION:
	case CONF_SECTIONS:
	case CONF_END:
		return json_null();
	default:
		return amount(f->kind, *(const uint64_t *)at);
	}
}

static json_t *
group(const struct conf_field *fields, const void *in)
{
	json_t *o = json_object();

	for (const struct conf_field *f = fields; f->key != NULL; f++)
		json_object_set_new(o, f->key, value(f, (const char *)in + f->offset));
	return o;
}

static void
put_pace(json_t *o, const struct settings_pace *p)
{
	json_object_set_new(o, "activate_after", amount(CONF_TIME, p->activate_after));
	json_object_set_new(o, "clear_after", amount(CONF_TIME, p->clear_after));
	json_object_set_new(o, "hold_for", amount(CONF_TIME, p->hold_for));
	json_object_set_new(o, "challenge_after", amount(CONF_TIME, p->challenge_after));
	json_object_set_new(o, "block_after", amount(CONF_TIME, p->block_after));
	json_object_set_new(o, "step_down_after", amount(CONF_TIME, p->step_down_after));
}

static json_t *
vectors(const struct settings_policy *p)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < VECTOR_COUNT; i++) {
		const struct settings_vector *v = &p->vector[i];
		json_t *o;

		if (!v->written)
			continue;
		o = json_object();
		telemetry_put_text(o, "vector", vector_info[i].name);
		json_object_set_new(o, "alarm_rate", rate(&v->alarm));
		json_object_set_new(o, "activate_rate", rate(&v->activate));
		json_object_set_new(o, "max_rate", rate(&v->max));
		json_object_set_new(o, "challenge_rate", rate(&v->challenge));
		json_object_set_new(o, "block_rate", rate(&v->block));
		json_object_set_new(o, "network_rate", rate(&v->network));
		json_object_set_new(o, "address_rate", rate(&v->address));
		put_pace(o, &v->pace);
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *
policies(const struct settings *s)
{
	json_t *a = json_array();

	for (size_t i = 0; i < s->n_policies; i++) {
		const struct settings_policy *p = &s->policy[i];
		json_t *o = json_object();

		telemetry_put_text(o, "name", p->name);
		telemetry_put_text(o, "mode", policy_mode_names[p->mode]);
		json_object_set_new(o, "vectors", vectors(p));
		for (unsigned int k = 0; k < stage_count; k++) {
			if (stage_list[k]->fields != NULL && p->params[k] != NULL)
				json_object_set_new(
					o, stage_list[k]->name,
					group(stage_list[k]->fields, p->params[k]));
		}
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *
services(const struct settings *s)
{
	const struct settings_service *service = s->services.element;
	json_t *a = json_array();

	for (size_t i = 0; i < s->services.count; i++) {
		json_t *o = json_object();

		telemetry_put_text(o, "name", service[i].name);
		telemetry_put_text(o, "policy", service[i].policy);
		telemetry_put_text(o, "protocol", service[i].protocol);
		json_object_set_new(o, "prefixes", prefixes(&service[i].prefixes));
		json_object_set_new(o, "ports", ports(&service[i].ports));
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *
lists(const struct settings *s)
{
	const struct settings_list *list = s->lists.element;
	json_t *a = json_array();

	for (size_t i = 0; i < s->lists.count; i++)
		json_array_append_new(a, group(settings_list_fields, &list[i]));
	return a;
}

static json_t *
links(const struct settings *s)
{
	const struct settings_link *link = s->links.element;
	json_t *a = json_array();

	for (size_t i = 0; i < s->links.count; i++) {
		json_t *o = json_object();

		telemetry_put_text(o, "name", link[i].name);
		telemetry_put_text(o, "external", link[i].external);
		telemetry_put_text(o, "internal", link[i].internal);
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *
dataplane(const struct settings *s)
{
	static const char *const transmit[] = { "auto", "worker", "control" };
	json_t *o = json_object();

	telemetry_put_text(o, "transmit", transmit[s->transmit]);
	telemetry_put_text(o, "workers", s->workers);
	telemetry_put_text(o, "cores", s->cores);
	telemetry_put_text(o, "rss", s->rss_ports ? "ports" : "addresses");
	telemetry_put_count(o, "flow_entries", s->flow_entries);
	telemetry_put_count(o, "source_entries", s->source_entries);
	telemetry_put_text(o, "link_down", s->link_down_ignore ? "ignore" : "propagate");
	telemetry_put_text(o, "duplex", s->ingress ? "ingress" : "inline");
	return o;
}

/* Of an address that may itself be a secret, as those of chats are: scheme and host. */
static json_t *
host_of(const char *url)
{
	const char *host = url != NULL ? strstr(url, "://") : NULL;

	return json_stringn(
		url != NULL ? url : "",
		host != NULL ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?#") : 0);
}

static json_t *
events(const struct settings_events *e)
{
	json_t *o = json_object(), *hook = json_object();

	telemetry_put_text(o, "file", e->file != NULL ? e->file : "");
	telemetry_put_count(o, "rotate_bytes", e->rotate_size);
	telemetry_put_count(o, "keep", e->keep);
	telemetry_put_bool(o, "journal", e->journal);
	json_object_set_new(hook, "host", host_of(e->webhook.url));
	json_object_set_new(hook, "types", texts(&e->webhook.types));
	telemetry_put_text(hook, "format", e->webhook.is_text ? "text" : "events");
	telemetry_put_seconds(hook, "timeout_seconds",
	                      (double)e->webhook.timeout_ns / 1e9);
	telemetry_put_seconds(hook, "retry_seconds", (double)e->webhook.retry_ns / 1e9);
	json_object_set_new(o, "webhook", hook);
	return o;
}

/* A text that may hold a secret, so that only a change of it can be seen. */
static json_t *
hidden(const json_t *text)
{
	char digest[65];

	if (json_string_length(text) == 0)
		return json_string("");
	sha256_text(json_string_value(text), json_string_length(text), digest);
	return json_sprintf("hidden, sha256 %.8s", digest);
}

/* Addresses of webhooks are secrets themselves, and so may be what is added to a body. */
static void
hide_secrets(json_t *webhook)
{
	json_t *fields = json_object_get(webhook, "fields"), *f;
	size_t i;

	if (json_is_string(json_object_get(webhook, "url")))
		json_object_set_new(webhook, "url",
		                    hidden(json_object_get(webhook, "url")));
	json_array_foreach(fields, i, f)
	{
		json_array_set_new(fields, i, hidden(f));
	}
}

json_t *
telemetry_config_whole(const struct settings *s)
{
	json_t *o = json_object();

	for (const struct conf_field *f = settings_fields(); f->key != NULL; f++) {
		/* The version is the grammar's, and policies are kept in another way. */
		if (strcmp(f->key, "version") != 0 && strcmp(f->key, "policies") != 0)
			json_object_set_new(o, f->key,
			                    value(f, (const char *)s + f->offset));
	}
	hide_secrets(json_object_get(json_object_get(o, "events"), "webhook"));
	json_object_set_new(o, "policies", policies(s));
	return o;
}

json_t *
telemetry_config(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct box *box = telemetry_box(t);
	const struct settings *s;
	json_t *o, *all;

	(void)ask;
	pthread_mutex_lock(&box->lock);
	s = box->settings;
	if (s == NULL) {
		pthread_mutex_unlock(&box->lock);
		errno = ENOENT;
		return NULL;
	}
	o = telemetry_document_new(box, NULL);
	all = json_object();
	telemetry_put_text(o, "file", s->file != NULL ? s->file : "");
	telemetry_put_text(o, "sha256", s->sha256);
	telemetry_put_text(all, "node", box->node);
	json_object_set_new(all, "dataplane", dataplane(s));
	json_object_set_new(all, "links", links(s));
	json_object_set_new(all, "api_listen", texts(&s->api_listen));
	telemetry_put_text(all, "api_tokens_file",
	                   s->api_tokens_file != NULL ? s->api_tokens_file : "");
	telemetry_put_text(all, "events_file",
	                   s->events.file != NULL ? s->events.file : "");
	json_object_set_new(all, "events", events(&s->events));
	telemetry_put_count(all, "history_memory_bytes", s->history_memory);
	telemetry_put_bool(all, "history_on_disk", s->history_on_disk);
	telemetry_put_count(all, "history_size_bytes", s->history_size);
	telemetry_put_seconds(all, "history_keep_seconds", (double)s->history_keep / 1e9);
	json_object_set_new(all, "routers", prefixes(&s->routers));
	json_object_set_new(all, "lists", lists(s));
	json_object_set_new(all, "policies", policies(s));
	json_object_set_new(all, "services", services(s));
	json_object_set_new(o, "config", all);
	pthread_mutex_unlock(&box->lock);
	return o;
}
