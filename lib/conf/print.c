/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * print - a file of all defaults, which loads again.
 *
 * What has no default stands there as a comment, in the shape it is written.
 */
#include "conf/parts.h"

#include <stdio.h>
#include <string.h>

struct printer {
	FILE *to;
	unsigned int depth;
	bool is_comment; /* inside the shape of a list's element */
};

static void print_fields(struct printer *p, const struct conf_field *fields);

static void
indent(const struct printer *p)
{
	for (unsigned int i = 0; i < p->depth; i++)
		putc('\t', p->to);
	if (p->is_comment)
		fputs("# ", p->to);
}

static void
print_quoted(FILE *to, const char *text)
{
	putc('"', to);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', to);
		putc(*text, to);
	}
	putc('"', to);
}

static bool
is_plain(const struct conf_field *f)
{
	return f->kind == CONF_BOOL || f->kind == CONF_INT;
}

/* A value as it is written in a file. */
static void
print_value(FILE *to, const struct conf_field *f, const char *value)
{
	const char *comma = "";

	if (f->kind == CONF_TEXTS || f->kind == CONF_PREFIXES || f->kind == CONF_PORTS) {
		fputs("[ ", to);
		while (value != NULL && *value != '\0') {
			char one[128];
			size_t n = strcspn(value, ",");

			snprintf(one, sizeof(one), "%.*s", (int)n, value);
			fputs(comma, to);
			print_quoted(to, one);
			comma = ", ";
			value += n;
			value += strspn(value, ", ");
		}
		fputs(comma[0] != '\0' ? " ]" : "]", to);
	} else if (is_plain(f)) {
		fputs(value, to);
	} else {
		print_quoted(to, value);
	}
}

static void
print_help(const struct printer *p, const struct conf_field *f)
{
	char least[CONF_AMOUNT_TEXT], most[CONF_AMOUNT_TEXT];

	indent(p);
	fprintf(p->to, "%s%s", p->is_comment ? "" : "# ",
	        f->help != NULL ? f->help : f->key);
	if (f->kind == CONF_WORD) {
		fputs(" One of:", p->to);
		for (int i = 0; f->words[i] != NULL; i++)
			fprintf(p->to, "%s %s", i > 0 ? "," : "", f->words[i]);
		fputs(".", p->to);
	}
	if (conf_is_amount(f->kind) && f->kind != CONF_RATE && f->max > 0 &&
	    f->max < UINT64_MAX) {
		conf_format_amount(f->kind, f->min, least);
		conf_format_amount(f->kind, f->max, most);
		fprintf(p->to, " From %s to %s.", least, most);
	}
	putc('\n', p->to);
}

static void
print_group(struct printer *p, const struct conf_field *f)
{
	indent(p);
	fprintf(p->to, "%s = {\n", f->key);
	p->depth++;
	print_fields(p, f->fields);
	p->depth--;
	indent(p);
	fputs("};\n", p->to);
}

/* An empty list that shows, as a comment, what an element looks like. */
static void
print_list(struct printer *p, const struct conf_field *f)
{
	bool was_comment = p->is_comment;

	indent(p);
	fprintf(p->to, "%s = (\n", f->key);
	p->depth++;
	p->is_comment = true;
	indent(p);
	fputs("{\n", p->to);
	p->depth++;
	print_fields(p, f->fields);
	p->depth--;
	indent(p);
	fputs("}\n", p->to);
	p->is_comment = was_comment;
	p->depth--;
	indent(p);
	fputs(");\n", p->to);
}

static void
print_field(struct printer *p, const struct conf_field *f)
{
	bool is_unset =
		f->absent != NULL && f->absent[0] == '\0' && conf_is_amount(f->kind);
	bool has_default = f->absent != NULL && !is_unset, was_comment = p->is_comment;
	const char *value = has_default ? f->absent : f->example;

	print_help(p, f);
	if ((f->kind == CONF_GROUP || f->kind == CONF_SECTION) && f->fields != NULL) {
		print_group(p, f);
		return;
	}
	if ((f->kind == CONF_LIST || f->kind == CONF_SECTIONS) && f->fields != NULL) {
		print_list(p, f);
		return;
	}
	if (value == NULL || is_unset)
		p->is_comment = true;
	if (has_default && (f->kind == CONF_PREFIXES || f->kind == CONF_PORTS))
		value = "";
	indent(p);
	fprintf(p->to, "%s = ", f->key);
	print_value(p->to, f, value != NULL ? value : conf_kind_example(f->kind));
	fprintf(p->to, ";%s\n",
	        has_default ? ""
	        : is_unset  ? "  # not set"
	                    : "  # must be written");
	p->is_comment = was_comment;
}

static void
print_fields(struct printer *p, const struct conf_field *fields)
{
	for (const struct conf_field *f = fields; f->key != NULL; f++) {
		if (f != fields && p->depth == 0)
			putc('\n', p->to);
		print_field(p, f);
	}
}

void
conf_print_defaults(const struct conf_field *fields, FILE *to)
{
	struct printer p = { to, 0, false };

	print_fields(&p, fields);
}

/* --- the manual --- */

/* scdoc takes * and _ for emphasis. */
static void
print_escaped(FILE *to, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("*_\\#<>[]|", *text) != NULL)
			putc('\\', to);
		putc(*text, to);
	}
}

static void
print_row(FILE *to, const struct conf_field *f)
{
	fputs("|  *", to);
	print_escaped(to, f->key);
	fputs("*\n:  ", to);
	if (f->kind == CONF_WORD)
		for (int i = 0; f->words[i] != NULL; i++) {
			fputs(i > 0 ? ", " : "", to);
			print_escaped(to, f->words[i]);
		}
	else
		print_escaped(to, conf_kind_name(f->kind));
	fputs("\n:  ", to);
	print_escaped(to, f->absent == NULL ? "must be written"
	                  : f->absent[0] == '\0' && conf_is_amount(f->kind) ? "not set"
	                  : f->absent[0] == '\0'                            ? "empty"
	                                                                    : f->absent);
	fputs("\n:  ", to);
	print_escaped(to, f->help != NULL ? f->help : "");
	putc('\n', to);
}

static bool
has_table(const struct conf_field *f)
{
	return f->fields != NULL && (f->kind == CONF_GROUP || f->kind == CONF_LIST ||
	                             f->kind == CONF_SECTION || f->kind == CONF_SECTIONS);
}

static void
print_table(const struct conf_field *fields, const char *path, FILE *to)
{
	bool has_rows = false;
	char inner[256];

	for (const struct conf_field *f = fields; f->key != NULL; f++) {
		if (has_table(f))
			continue;
		if (!has_rows)
			fputs("[[ *Key*\n:[ *Value*\n:[ *Default*\n:[ *Meaning*\n", to);
		has_rows = true;
		print_row(to, f);
	}
	if (has_rows)
		putc('\n', to);
	for (const struct conf_field *f = fields; f->key != NULL; f++) {
		bool is_list = f->kind == CONF_LIST || f->kind == CONF_SECTIONS;

		if (!has_table(f))
			continue;
		snprintf(inner, sizeof(inner), "%s%s%s%s", path,
		         path[0] != '\0' ? "." : "", f->key, is_list ? "[]" : "");
		/* In a heading scdoc takes every sign for itself. */
		fprintf(to, "## %s\n\n", inner);
		print_escaped(to, f->help != NULL ? f->help : "");
		fputs("\n\n", to);
		print_table(f->fields, inner, to);
	}
}

void
conf_print_manual(const struct conf_field *fields, FILE *to)
{
	print_table(fields, "", to);
}
