/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/json.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEEPEST   4 /* a rule has objects in an object, and arrays in those */
#define LONGEST_S (INT64_C(366) * 86400)

struct writing {
	FILE *to;
	struct conf_errors *errors;
	int status;
};

static void
refuse(struct writing *w, const char *key, const char *why)
{
	char path[80];
	const struct conf_place place = { NULL, 0, path };

	snprintf(path, sizeof(path), "%.64s", key);
	conf_fail(w->errors, &place, "%s", why);
	w->status = -EINVAL;
}

/* Bytes outside printable ASCII stand in no key and no value of a rule. */
static void
put_string(struct writing *w, const char *key, const json_t *value)
{
	const char *text = json_string_value(value);

	fputc('"', w->to);
	for (size_t i = 0; i < json_string_length(value); i++) {
		const unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c > 0x7e) {
			refuse(w, key, "a text here has printable ASCII characters only");
			break;
		}
		if (c == '"' || c == '\\')
			fputc('\\', w->to);
		fputc(c, w->to);
	}
	fputc('"', w->to);
}

/* libconfig's name of a key. */
static bool
is_key(const char *key)
{
	if (!isalpha((unsigned char)*key) || strlen(key) > 40)
		return false;
	for (; *key != '\0'; key++)
		if (!isalnum((unsigned char)*key) && *key != '_' && *key != '-')
			return false;
	return true;
}

static void put_members(struct writing *w, const json_t *object, unsigned int depth);

static void
put_value(struct writing *w, const char *key, const json_t *value, unsigned int depth)
{
	const json_t *element;
	size_t i;

	switch (json_typeof(value)) {
	case JSON_STRING:
		put_string(w, key, value);
		break;
	case JSON_INTEGER: /* 17 in a list is "17". */
		fprintf(w->to, "\"%" JSON_INTEGER_FORMAT "\"", json_integer_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		fputs(json_is_true(value) ? "true" : "false", w->to);
		break;
	case JSON_OBJECT:
		fputs("{ ", w->to);
		put_members(w, value, depth + 1);
		fputc('}', w->to);
		break;
	case JSON_ARRAY:
		fputs("[ ", w->to);
		json_array_foreach((json_t *)(uintptr_t)value, i, element)
		{
			if (!json_is_string(element) && !json_is_integer(element)) {
				refuse(w, key, "a list here has texts or whole numbers");
				break;
			}
			fputs(i > 0 ? ", " : "", w->to);
			put_value(w, key, element, depth + 1);
		}
		fputs(" ]", w->to);
		break;
	default:
		fputs("\"\"", w->to);
		refuse(w, key, "neither null nor a fraction can stand here");
	}
}

static void
put_members(struct writing *w, const json_t *object, unsigned int depth)
{
	const char *key;
	json_t *value;

	if (depth > DEEPEST) {
		refuse(w, "", "objects are nested too deep");
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		if (depth == 0 && strcmp(key, "for") == 0)
			continue;
		if (!is_key(key)) {
			refuse(w, key, "this is no name of a key");
			continue;
		}
		fprintf(w->to, "%s = ", key);
		put_value(w, key, value, depth);
		fputs(";\n", w->to);
	}
}

/* "for" becomes "until". */
static void
put_for(struct writing *w, const json_t *rule, int64_t now_s)
{
	const json_t *time = json_object_get(rule, "for");
	time_t until;
	uint64_t ns;
	char text[32], why[160];
	struct tm tm;

	if (time == NULL)
		return;
	if (json_object_get(rule, "until") != NULL) {
		refuse(w, "for", "either for or until tells when the rule ends");
		return;
	}
	if (!json_is_string(time)) {
		refuse(w, "for", "write a time such as \"30m\"");
		return;
	}
	if (conf_parse_time(json_string_value(time), &ns, why, sizeof(why)) < 0) {
		refuse(w, "for", why);
		return;
	}
	if (ns == 0 || ns / 1000000000 > (uint64_t)LONGEST_S) {
		refuse(w, "for",
		       "must be more than nothing and at most a year; leave it out for "
		       "no "
		       "end");
		return;
	}
	until = (time_t)(now_s + (int64_t)((ns + 999999999) / 1000000000));
	gmtime_r(&until, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	fprintf(w->to, "until = \"%s\";\n", text);
}

int
filter_spec_read(const json_t *rule, int64_t now_s, struct filter_spec *out,
                 struct conf_errors *errors)
{
	char *text = NULL;
	size_t len = 0;
	struct writing w = { open_memstream(&text, &len), errors, 0 };
	int status;

	memset(out, 0, sizeof(*out));
	if (w.to == NULL) {
		conf_fail(errors, NULL, "no memory for a filter rule");
		return -ENOMEM;
	}
	put_members(&w, rule, 0);
	put_for(&w, rule, now_s);
	if (fclose(w.to) != 0) {
		free(text);
		conf_fail(errors, NULL, "no memory for a filter rule");
		return -ENOMEM;
	}
	status = w.status != 0
	                 ? w.status
	                 : conf_read_text(text, len, "rule", filter_fields, out, errors);
	free(text);
	if (status != 0)
		filter_spec_free(out);
	return status;
}

void
filter_spec_free(struct filter_spec *spec)
{
	conf_release(filter_fields, spec);
}
