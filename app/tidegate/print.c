/* SPDX-License-Identifier: BSD-3-Clause */
#include "print.h"

#include <stdio.h>
#include <string.h>

#include "table.h"

#define DEPTH_MAX 6
#define LABEL_MAX 64

static void print_object(const json_t *o, const char *title, unsigned int depth);

/* "peak_packets_per_second" as "peak packets per second". */
static void
label_of(const char *key, char label[LABEL_MAX])
{
	snprintf(label, LABEL_MAX, "%s", table_safe(key));
	for (size_t i = 0; label[i] != '\0'; i++)
		if (label[i] == '_')
			label[i] = ' ';
}

static bool
is_plain(const json_t *v)
{
	return !json_is_object(v) && !json_is_array(v);
}

static const char *
text_of(const json_t *v, char text[64])
{
	if (json_is_string(v))
		return json_string_value(v);
	if (json_is_integer(v))
		snprintf(text, 64, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		snprintf(text, 64, "%.6g", json_real_value(v));
	else
		snprintf(text, 64, "%s",
		         json_is_true(v)    ? "yes"
		         : json_is_false(v) ? "no"
		                            : "-");
	return text;
}

/* The members of the first entry are the columns. */
static void
print_rows(const json_t *list)
{
	const char *headers[TABLE_COLUMNS + 1] = { NULL }, *key;
	char labels[TABLE_COLUMNS][LABEL_MAX], align[TABLE_COLUMNS + 1] = "", text[64];
	const char *keys[TABLE_COLUMNS];
	const json_t *e;
	unsigned int n = 0;
	struct table t;
	json_t *v;
	size_t i;

	json_object_foreach(json_array_get(list, 0), key, v)
	{
		if (n == TABLE_COLUMNS || !is_plain(v))
			continue;
		label_of(key, labels[n]);
		headers[n] = labels[n];
		keys[n] = key;
		align[n++] = json_is_number(v) ? 'r' : 'l';
	}
	if (n == 0)
		return;
	align[n] = '\0';
	table_begin(&t, align, headers);
	json_array_foreach((json_t *)list, i, e)
	{
		for (unsigned int k = 0; k < n; k++)
			table_add(&t, "%s", text_of(json_object_get(e, keys[k]), text));
	}
	table_end(&t, "");
}

static void
print_list(const json_t *list, const char *title)
{
	const json_t *e;
	char text[64];
	size_t i;

	printf("\n%s%s%s\n", colour_bold(), title, colour_off());
	if (json_array_size(list) == 0) {
		puts("none");
		return;
	}
	if (json_is_object(json_array_get(list, 0))) {
		print_rows(list);
		return;
	}
	json_array_foreach((json_t *)list, i, e)
		printf("%s%s", i > 0 ? ", " : "", is_plain(e) ? text_of(e, text) : "...");
	putchar('\n');
}

static void
print_object(const json_t *o, const char *title, unsigned int depth)
{
	char label[LABEL_MAX], text[64];
	const char *key;
	json_t *v;

	if (title[0] != '\0')
		printf("\n%s%s%s\n", colour_bold(), title, colour_off());
	json_object_foreach((json_t *)o, key, v)
	{
		label_of(key, label);
		if (is_plain(v))
			printf("%-32s %s\n", label, text_of(v, text));
	}
	json_object_foreach((json_t *)o, key, v)
	{
		label_of(key, label);
		if (json_is_array(v))
			print_list(v, label);
		else if (json_is_object(v) && depth < DEPTH_MAX)
			print_object(v, label, depth + 1);
	}
}

void
print_document(const json_t *document)
{
	print_object(document, "", 0);
}
