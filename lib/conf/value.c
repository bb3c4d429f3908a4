/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * value - one setting into one C variable, with its type and bounds checked.
 *
 * A value of the wrong type is an error and never the default: the operator
 * meant something else.
 */
#include "conf/parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- bounds --- */

static void
say_amount(const struct conf_field *f, bool is_bits, uint64_t value,
           char text[CONF_AMOUNT_TEXT])
{
	if (f->kind == CONF_INT)
		snprintf(text, CONF_AMOUNT_TEXT, "%" PRIu64, value);
	else if (f->kind == CONF_RATE)
		conf_format_rate(&(struct conf_rate){ value, is_bits }, text);
	else
		conf_format_amount(f->kind, value, text);
}

static int
check_bounds(const struct conf_field *f, const struct conf_rate *value, const char *text,
             char *why)
{
	const char *quote = f->kind == CONF_INT ? "" : "\"";
	char least[CONF_AMOUNT_TEXT], most[CONF_AMOUNT_TEXT];

	if ((f->min == 0 && f->max == 0) ||
	    (value->per_second >= f->min && value->per_second <= f->max))
		return 0;
	say_amount(f, value->is_bits, f->min, least);
	say_amount(f, value->is_bits, f->max, most);
	if (f->min == f->max)
		snprintf(why, CONF_WHY, "%s%s%s is not possible; it must be %s", quote,
		         text, quote, most);
	else if (f->max == UINT64_MAX)
		snprintf(why, CONF_WHY, "%s%s%s is too small; the least is %s", quote,
		         text, quote, least);
	else
		snprintf(why, CONF_WHY, "%s%s%s is out of range; allowed is %s to %s",
		         quote, text, quote, least, most);
	return -EINVAL;
}

static int
check_length(const struct conf_field *f, const char *text, char *why)
{
	size_t n = strlen(text);

	if ((f->min == 0 && f->max == 0) || (n >= f->min && n <= f->max))
		return 0;
	if (n == 0)
		snprintf(why, CONF_WHY, "must not be empty");
	else
		snprintf(why, CONF_WHY,
		         "\"%.64s\" has %zu characters; allowed are %" PRIu64
		         " to %" PRIu64,
		         text, n, f->min, f->max);
	return -EINVAL;
}

/* --- from text --- */

static int
word_value(const struct conf_field *f, const char *text, int *at, char *why)
{
	const char *meant;
	int n;

	for (int i = 0; f->words[i] != NULL; i++)
		if (strcmp(f->words[i], text) == 0) {
			*at = i;
			return 0;
		}
	meant = conf_closest(text, f->words);
	if (meant != NULL) {
		snprintf(why, CONF_WHY, "\"%.64s\" is unknown; did you mean \"%s\"?",
		         text, meant);
		return -EINVAL;
	}
	n = snprintf(why, CONF_WHY, "\"%.64s\" is unknown; allowed are", text);
	for (int i = 0; f->words[i] != NULL && n < CONF_WHY; i++)
		n += snprintf(why + n, CONF_WHY - (size_t)n, "%s \"%s\"",
		              i > 0 ? "," : "", f->words[i]);
	return -EINVAL;
}

static int
amount_value(const struct conf_field *f, const char *text, void *at, char *why)
{
	struct conf_rate value;

	if (conf_amount(f->kind, text, &value, why) < 0)
		return -EINVAL;
	if (strcmp(text, "off") != 0 && check_bounds(f, &value, text, why) < 0)
		return -EINVAL;
	if (f->kind == CONF_RATE)
		*(struct conf_rate *)at = value;
	else
		*(uint64_t *)at = value.per_second;
	return 0;
}

int
conf_value(const struct conf_field *f, const char *text, void *at, char *why)
{
	if (conf_is_amount(f->kind))
		return amount_value(f, text, at, why);
	switch (f->kind) {
	case CONF_WORD:
		return word_value(f, text, at, why);
	case CONF_BOOL:
		*(bool *)at = strcmp(text, "true") == 0;
		return 0;
	case CONF_INT:
		*(uint64_t *)at = strtoull(text, NULL, 10);
		return 0;
	case CONF_TEXT:
		if (check_length(f, text, why) < 0)
			return -EINVAL;
		free(*(char **)at);
		*(char **)at = conf_text_copy(text, strlen(text));
		return 0;
	default:
		snprintf(why, CONF_WHY, "cannot be read from one text");
		return -EINVAL;
	}
}

/* --- from a setting --- */

static bool
is_integer(const config_setting_t *s)
{
	return s->type == CONFIG_TYPE_INT || s->type == CONFIG_TYPE_INT64;
}

static int
integer_at(const config_setting_t *s, const struct conf_field *f, uint64_t *at, char *why)
{
	long long value = is_integer(s) ? config_setting_get_int64(s) : -1;
	struct conf_rate bounded = { (uint64_t)value, false };
	char text[24];

	if (s->type == CONFIG_TYPE_INT)
		value = config_setting_get_int(s);
	if (value < 0) {
		snprintf(why, CONF_WHY, "must be a whole number without quotes");
		return -EINVAL;
	}
	bounded.per_second = (uint64_t)value;
	snprintf(text, sizeof(text), "%lld", value);
	if (check_bounds(f, &bounded, text, why) < 0)
		return -EINVAL;
	*at = (uint64_t)value;
	return 0;
}

static void
explain_type(const config_setting_t *s, const struct conf_field *f, char *why)
{
	if (f->kind == CONF_WORD || f->kind == CONF_TEXT)
		snprintf(why, CONF_WHY, "must be text in quotes");
	else if (is_integer(s))
		snprintf(why, CONF_WHY,
		         "%lld has no unit; write it in quotes, for example \"%s\"",
		         s->type == CONFIG_TYPE_INT ? config_setting_get_int(s)
		                                    : config_setting_get_int64(s),
		         conf_kind_example(f->kind));
	else
		snprintf(why, CONF_WHY, "must be a %s in quotes, for example \"%s\"",
		         conf_kind_name(f->kind), conf_kind_example(f->kind));
}

/* A number that the lexer has refused was told there already. */
static bool
is_told(const config_setting_t *s, const struct conf_errors *errors)
{
	const struct conf_doc *doc = conf_doc_of(s);
	const char *file = "";
	unsigned int line = 0;

	if (doc == NULL || !doc->has_big || !is_integer(s))
		return false;
	conf_doc_locate(doc, s->line, &file, &line);
	for (size_t i = 0; i < errors->count + errors->warnings; i++)
		if (errors->error[i].line == line &&
		    strcmp(errors->error[i].file, file) == 0)
			return true;
	return false;
}

int
conf_value_at(const config_setting_t *s, const struct conf_field *f, void *at,
              struct conf_errors *errors)
{
	char why[CONF_WHY] = "";
	int rc = -EINVAL;

	if (is_told(s, errors))
		return -EINVAL;
	if (f->kind == CONF_INT) {
		rc = integer_at(s, f, at, why);
	} else if (f->kind == CONF_BOOL) {
		if (s->type == CONFIG_TYPE_BOOL) {
			*(bool *)at = config_setting_get_bool(s) != 0;
			return 0;
		}
		snprintf(why, sizeof(why), "must be true or false, without quotes");
	} else if (s->type != CONFIG_TYPE_STRING) {
		explain_type(s, f, why);
	} else {
		rc = conf_value(f, config_setting_get_string(s), at, why);
	}
	if (rc < 0)
		conf_fail_at(errors, s, "%s", why);
	return rc;
}

/* --- arrays --- */

static int
text_into(const struct conf_field *f, const char *text, struct conf_texts *to, char *why)
{
	if (check_length(f, text, why) < 0)
		return -EINVAL;
	to->text[to->count++] = conf_text_copy(text, strlen(text));
	return 0;
}

static int
prefix_into(const char *text, struct conf_prefixes *to, char *why)
{
	if (conf_parse_prefix(text, &to->prefix[to->count], why, CONF_WHY) < 0)
		return -EINVAL;
	to->count++;
	return 0;
}

static int
ports_into(const char *text, struct conf_ports *to, char *why)
{
	struct conf_port_range *range = &to->range[to->count];

	if (conf_ports_range(text, range, why) < 0)
		return -EINVAL;
	for (size_t i = 0; i < to->count; i++)
		if (range->first <= to->range[i].last &&
		    to->range[i].first <= range->last) {
			snprintf(why, CONF_WHY, "\"%.64s\" overlaps %u to %u above", text,
			         to->range[i].first, to->range[i].last);
			return -EINVAL;
		}
	to->count++;
	return 0;
}

static int
compare_prefixes(const void *a, const void *b)
{
	const struct conf_prefix *const *x = a, *const *y = b;
	int order = memcmp(*x, *y, sizeof(**x));

	return order != 0 ? order : *x < *y ? -1 : *x > *y;
}

/* Sorted, equal ones are neighbours: lists may hold many. */
static int
refuse_twice(const config_setting_t *s, const struct conf_prefixes *p,
             struct conf_errors *errors)
{
	const struct conf_prefix **order = conf_take(p->count, sizeof(*order));
	char text[CONF_PREFIX_TEXT];
	int rc = 0;

	for (size_t i = 0; i < p->count; i++)
		order[i] = &p->prefix[i];
	if (p->count > 1)
		qsort(order, p->count, sizeof(*order), compare_prefixes);
	for (size_t i = 1; i < p->count; i++) {
		if (memcmp(order[i - 1], order[i], sizeof(**order)) != 0)
			continue;
		conf_format_prefix(order[i], text);
		conf_fail_at(errors, s->value.list->elements[order[i] - p->prefix],
		             "\"%s\" stands here twice", text);
		rc = -EINVAL;
	}
	free(order);
	return rc;
}

static int
element_at(const config_setting_t *e, const struct conf_field *f, void *at,
           struct conf_errors *errors)
{
	char why[CONF_WHY] = "";
	const char *text;
	int rc;

	if (e->type != CONFIG_TYPE_STRING) {
		conf_fail_at(errors, e, "must be text in quotes%s%s",
		             conf_kind_example(f->kind)[0] != '\0' ? ", for example "
		                                                   : "",
		             conf_kind_example(f->kind));
		return -EINVAL;
	}
	text = config_setting_get_string(e);
	if (f->kind == CONF_TEXTS)
		rc = text_into(f, text, at, why);
	else if (f->kind == CONF_PREFIXES)
		rc = prefix_into(text, at, why);
	else
		rc = ports_into(text, at, why);
	if (rc < 0)
		conf_fail_at(errors, e, "%s", why);
	return rc;
}

static void
make_room(const struct conf_field *f, size_t n, void *at)
{
	if (f->kind == CONF_TEXTS)
		((struct conf_texts *)at)->text = conf_take(n, sizeof(char *));
	else if (f->kind == CONF_PREFIXES)
		((struct conf_prefixes *)at)->prefix =
			conf_take(n, sizeof(struct conf_prefix));
	else
		((struct conf_ports *)at)->range =
			conf_take(n, sizeof(struct conf_port_range));
}

int
conf_values_at(const config_setting_t *s, const struct conf_field *f, void *at,
               struct conf_errors *errors)
{
	unsigned int n;
	int rc = 0;

	if (s->type != CONFIG_TYPE_ARRAY && s->type != CONFIG_TYPE_LIST) {
		conf_fail_at(errors, s, "must be an array [ ] of texts in quotes");
		return -EINVAL;
	}
	n = (unsigned int)config_setting_length(s);
	make_room(f, n, at);
	for (unsigned int i = 0; i < n; i++)
		if (element_at(s->value.list->elements[i], f, at, errors) < 0)
			rc = -EINVAL;
	if (rc == 0 && f->kind == CONF_PREFIXES)
		rc = refuse_twice(s, at, errors);
	return rc;
}
