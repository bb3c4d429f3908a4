/* SPDX-License-Identifier: BSD-3-Clause */
/* settings_events - where events go: the keys, and what one key alone cannot tell. */
#include <stdlib.h>
#include <string.h>

#include "policy/settings_parts.h"

static const char *const format_words[] = { "events", "text", NULL };

const char *const settings_event_types[] = { "attack", "audit",   "block",   "bypass",
	                                     "config", "daemon",  "list",    "mode",
	                                     "port",   "trouble", "unblock", "worker",
	                                     NULL };

#define AT(member) offsetof(struct settings_webhook, member)

const struct conf_field settings_webhook_fields[] = {
	{ .key = "url",
	  .kind = CONF_TEXT,
	  .offset = AT(url),
	  .absent = "",
	  .min = 0,
	  .max = 2000,
	  .example = "https://hooks.example.net/tidegate",
	  .help = "Where events are posted as JSON, http or https; empty turns it off. "
	          "Certificates are checked, redirects are not followed." },
	{ .key = "types",
	  .kind = CONF_TEXTS,
	  .offset = AT(types),
	  .absent = "attack, bypass, daemon, mode, port, trouble, worker",
	  .min = 1,
	  .max = 40,
	  .help = "Which events: a type, or a type and a status such as attack.start." },
	{ .key = "format",
	  .kind = CONF_WORD,
	  .offset = AT(is_text),
	  .absent = "events",
	  .words = format_words,
	  .help = "events is an array of them beside a text field with a sentence each, "
	          "as Slack and Mattermost show it; text is that field alone." },
	{ .key = "fields",
	  .kind = CONF_TEXTS,
	  .offset = AT(fields),
	  .absent = "",
	  .min = 3,
	  .max = 500,
	  .example = "chat_id=-1001234567890",
	  .help = "Fields to add to every body, NAME=VALUE, as Telegram wants a "
	          "chat_id." },
	{ .key = "header_file",
	  .kind = CONF_TEXT,
	  .offset = AT(header_file),
	  .absent = "",
	  .min = 0,
	  .max = SETTINGS_PATH_MAX,
	  .example = "/etc/tidegate/webhook-header",
	  .help = "A file of mode 0600 with headers to add, a line each, such as "
	          "Authorization: Bearer TOKEN; it is read before every post." },
	{ .key = "ca_file",
	  .kind = CONF_TEXT,
	  .offset = AT(ca_file),
	  .absent = "",
	  .min = 0,
	  .max = SETTINGS_PATH_MAX,
	  .example = "/etc/tidegate/webhook-ca.pem",
	  .help = "Certificates that may sign the server's, instead of the system's." },
	{ .key = "timeout",
	  .kind = CONF_TIME,
	  .offset = AT(timeout_ns),
	  .absent = "5s",
	  .min = UINT64_C(100000000),
	  .max = UINT64_C(60000000000),
	  .help = "How long one post may take." },
	{ .key = "retry",
	  .kind = CONF_TIME,
	  .offset = AT(retry_ns),
	  .absent = "1h",
	  .min = 0,
	  .max = UINT64_C(7) * 86400 * 1000000000,
	  .help = "How long an event that finds no server is kept and tried again, with "
	          "growing pauses; of a thousand the oldest goes first." },
	{ .key = NULL },
};

#undef AT
#define AT(member) offsetof(struct settings_events, member)

const struct conf_field settings_event_fields[] = {
	{ .key = "file",
	  .kind = CONF_TEXT,
	  .offset = AT(file),
	  .absent = "",
	  .min = 0,
	  .max = 4000,
	  .help = "Where events go as lines of JSON; - is standard output, empty turns "
	          "them off." },
	{ .key = "rotate_size",
	  .kind = CONF_SIZE,
	  .offset = AT(rotate_size),
	  .absent = "100MiB",
	  .min = 0,
	  .max = UINT64_C(1) << 40,
	  .help = "When the file would grow beyond this it is renamed to FILE.1 and "
	          "begun "
	          "anew; 0KiB leaves that to others. A file that others rename is opened "
	          "anew within a second." },
	{ .key = "keep",
	  .kind = CONF_COUNT,
	  .offset = AT(keep),
	  .absent = "5",
	  .min = 1,
	  .max = 1000,
	  .help = "How many renamed files stay; the oldest goes." },
	{ .key = "journal",
	  .kind = CONF_BOOL,
	  .offset = AT(journal),
	  .absent = "false",
	  .help = "Whether events go to the journal of systemd too, a sentence each with "
	          "fields: journalctl TIDEGATE_TYPE=attack." },
	{ .key = "webhook",
	  .kind = CONF_GROUP,
	  .offset = AT(webhook),
	  .fields = settings_webhook_fields,
	  .help = "Events to a web server, beside the wire: one that is slow or gone "
	          "delays nothing." },
	{ .key = NULL },
};

/* --- what must fit together --- */

static void
fail(const struct settings *s, const char *key, const char *format, const char *text,
     struct conf_errors *errors)
{
	char path[64] = "events.webhook.";

	strcat(path, key);
	conf_fail(errors, &(struct conf_place){ s->file, 0, path }, format, text);
}

/* A scheme, a host, and nothing that could end a line of HTTP. */
static void
check_url(const struct settings *s, const char *url, struct conf_errors *errors)
{
	const char *rest = strncmp(url, "https://", 8) == 0  ? url + 8
	                   : strncmp(url, "http://", 7) == 0 ? url + 7
	                                                     : NULL;

	if (rest == NULL)
		fail(s, "url", "\"%.12s\" does not begin with http:// or https://", url,
		     errors);
	else if (strcspn(rest, "/?#") == 0)
		fail(s, "url", "there is no host behind \"%.8s\"", url, errors);
	else if (memchr(rest, '@', strcspn(rest, "/?#")) != NULL)
		fail(s, "url",
		     "there is a name or a password in it; put an Authorization header "
		     "into %s",
		     "header_file", errors);
	for (const char *at = url; *at != '\0'; at++) {
		if (*at <= ' ' || *at >= 0x7f) {
			fail(s, "url",
			     "blanks and letters beyond ASCII must be encoded%s", "",
			     errors);
			return;
		}
	}
}

static void
check_type(const struct settings *s, const char *text, struct conf_errors *errors)
{
	char type[41];
	size_t len = strcspn(text, ".");

	memcpy(type, text, len);
	type[len] = '\0';
	for (const char *const *t = settings_event_types; *t != NULL; t++) {
		if (strcmp(*t, type) == 0)
			return;
	}
	fail(s, "types", "there are no events of type \"%s\"", type, errors);
}

static void
check_absolute(const struct settings *s, const char *key, const char *path,
               struct conf_errors *errors)
{
	if (path != NULL && path[0] != '\0' && path[0] != '/')
		fail(s, key, "\"%s\" does not begin with /", path, errors);
}

void
settings_check_events(const struct settings *s, struct conf_errors *errors)
{
	const struct settings_webhook *w = &s->events.webhook;

	if (w->url != NULL && w->url[0] != '\0')
		check_url(s, w->url, errors);
	for (size_t i = 0; i < w->types.count; i++)
		check_type(s, w->types.text[i], errors);
	for (size_t i = 0; i < w->fields.count; i++) {
		const char *eq = strchr(w->fields.text[i], '=');

		if (eq == NULL || eq == w->fields.text[i])
			fail(s, "fields", "\"%s\" is not NAME=VALUE", w->fields.text[i],
			     errors);
	}
	check_absolute(s, "header_file", w->header_file, errors);
	check_absolute(s, "ca_file", w->ca_file, errors);
}
