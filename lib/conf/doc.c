/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc - a file and its includes as one text, parsed by libconfig.
 *
 * libconfig 1.5 looks for includes in the working directory and does not name
 * a missing one. So includes are put in their places here, each relative to the
 * file that asks for it, and a map leads from lines of the whole text back to
 * the files. What was checked is thereby also exactly what is parsed.
 */
#include "conf/parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_BYTES    (64u << 20) /* of all files together */
#define MAX_NESTING  10u
#define MAX_INCLUDES 1000u

struct reader {
	struct conf_doc *doc;
	struct conf_lexer lexer;
};

/* One file on the way from the main one to what it includes. */
struct nest {
	struct reader *reader;
	const struct nest *outer;
	const char *file; /* as named in messages; the document owns it */
	const char *text;
	size_t done; /* bytes of text that the document holds already */
	unsigned int depth;
};

const struct conf_doc *
conf_doc_of(const config_setting_t *setting)
{
	while (setting->parent != NULL)
		setting = setting->parent;
	return config_setting_get_hook(setting);
}

void
conf_doc_locate(const struct conf_doc *doc, unsigned int flat, const char **file,
                unsigned int *line)
{
	size_t low = 0, high = doc->spans;

	if (high == 0)
		return;
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (doc->span[mid].first <= flat)
			low = mid;
		else
			high = mid;
	}
	*file = doc->span[low].file;
	*line = doc->span[low].line +
	        (flat > doc->span[low].first ? flat - doc->span[low].first : 0);
}

static const char *
keep_name(struct conf_doc *doc, const char *name)
{
	doc->file = conf_grow(doc->file, doc->files + 1, sizeof(*doc->file));
	doc->file[doc->files] = conf_text_copy(name, strlen(name));
	return doc->file[doc->files++];
}

static void
begin_span(struct conf_doc *doc, const char *file, unsigned int line)
{
	struct conf_span span = { doc->lines + 1, line, file };

	/* Two spans on one line: the later one names it, as its text comes last. */
	if (doc->spans > 0 && doc->span[doc->spans - 1].first == span.first) {
		doc->span[doc->spans - 1] = span;
		return;
	}
	doc->span = conf_grow(doc->span, doc->spans + 1, sizeof(*doc->span));
	doc->span[doc->spans++] = span;
}

static void
append(struct conf_doc *doc, const char *text, size_t len)
{
	if (doc->len + len + 1 > doc->room) {
		doc->room = (doc->len + len + 1) * 2;
		doc->text = conf_grow(doc->text, doc->room, 1);
	}
	for (size_t i = 0; i < len; i++) {
		doc->text[doc->len++] = text[i] == '\0' ? ' ' : text[i];
		doc->lines += text[i] == '\n';
	}
	doc->text[doc->len] = '\0';
}

/* The whole file, or NULL with errno set. */
static char *
slurp(const char *path, size_t *len)
{
	FILE *from = fopen(path, "re");
	char *text = NULL;
	size_t n = 0, got;

	if (from == NULL)
		return NULL;
	do {
		text = conf_grow(text, n + 65537, 1);
		got = fread(text + n, 1, 65536, from);
		n += got;
	} while (got > 0 && n <= MAX_BYTES);
	if (ferror(from) || n > MAX_BYTES) {
		int error = n > MAX_BYTES ? EFBIG : errno;

		free(text);
		fclose(from);
		errno = error;
		return NULL;
	}
	fclose(from);
	*len = n;
	return text;
}

/* The path of an include, which is relative to the file that asks for it. */
static char *
beside(const char *file, const char *path, size_t len)
{
	const char *slash = strrchr(file, '/');
	size_t folder = slash != NULL ? (size_t)(slash - file) + 1 : 0;
	char *joined;

	if (path[0] == '/')
		folder = 0;
	joined = conf_take(folder + len + 1, 1);
	memcpy(joined, file, folder);
	memcpy(joined + folder, path, len);
	return joined;
}

static bool
is_open(const struct nest *nest, const char *file)
{
	for (; nest != NULL; nest = nest->outer)
		if (strcmp(nest->file, file) == 0)
			return true;
	return false;
}

/* A pipe or device would never end, or make the reader wait. */
static char *
slurp_regular(const char *path, size_t *len)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return NULL;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : ENOTSUP;
		return NULL;
	}
	return slurp(path, len);
}

static void
take_text(struct nest *nest, size_t len)
{
	struct conf_doc *doc = nest->reader->doc;

	/* A byte-order mark was refused; what follows it is judged all the same. */
	if (len >= 3 && memcmp(nest->text, "\xef\xbb\xbf", 3) == 0)
		nest->done = 3;
	begin_span(doc, nest->file, 1);
	conf_lex_text(&nest->reader->lexer, nest->text, len, nest->file, nest);
	append(doc, nest->text + nest->done, len - nest->done);
}

/* The text to include, or NULL with an error told. */
static char *
open_include(const struct nest *nest, const struct conf_include *in, const char *path,
             size_t *len)
{
	struct reader *r = nest->reader;
	struct conf_grammar *g = &r->lexer.grammar;
	char *text = NULL;

	if (is_open(nest, path))
		conf_grammar_fail(g, in->at, false, "include file \"%s\" includes itself",
		                  path);
	else if (nest->depth + 1 > MAX_NESTING || r->doc->files >= MAX_INCLUDES)
		conf_grammar_fail(g, in->at, false,
		                  "includes go too far; allowed are %u one in another "
		                  "and %u in all",
		                  MAX_NESTING, MAX_INCLUDES);
	else if ((text = slurp_regular(path, len)) == NULL)
		conf_grammar_fail(
			g, in->at, false, "cannot open include file \"%s\": %s%s", path,
			strerror(errno),
			strpbrk(path, "*?") != NULL ? " (patterns are not supported)"
						    : "");
	else if (r->doc->len + *len > MAX_BYTES) {
		conf_grammar_fail(g, in->at, false,
		                  "the files are larger than %u MiB together",
		                  MAX_BYTES >> 20);
		free(text);
		text = NULL;
	}
	if (text == NULL)
		g->is_broken = true;
	return text;
}

static void
take_include(void *arg, const struct conf_include *in)
{
	struct nest *nest = arg;
	struct conf_doc *doc = nest->reader->doc;
	char *path = beside(nest->file, in->path, in->path_len), *text;
	size_t len = 0;

	append(doc, nest->text + nest->done, in->from - nest->done);
	nest->done = in->to;
	text = open_include(nest, in, path, &len);
	if (text != NULL) {
		struct nest inner = { nest->reader, nest, keep_name(doc, path),
			              text,         0,    nest->depth + 1 };

		take_text(&inner, len);
	}
	/* The rest of the line is the asking file's again. */
	append(doc, "\n", 1);
	begin_span(doc, nest->file, in->at.line);
	free(text);
	free(path);
}

/* Let libconfig parse, and put its one error into words. */
static int
parse(struct conf_doc *doc, struct conf_errors *errors)
{
	struct conf_place place = { NULL, 0, NULL };
	const char *file = "", *text;

	if (config_read_string(&doc->tree, doc->text))
		return 0;
	text = config_error_text(&doc->tree);
	conf_doc_locate(doc, (unsigned int)config_error_line(&doc->tree), &file,
	                &place.line);
	place.file = conf_text_copy(file, strlen(file));
	if (strcmp(text, "syntax error") == 0)
		text = "syntax error here or just before; look for a missing '=', ',' or "
		       "';'";
	else if (strcmp(text, "duplicate setting name") == 0)
		text = "this key stands twice in its group";
	else if (strcmp(text, "mismatched element type in array") == 0)
		text = "the values of an array [ ] must all be of one kind";
	conf_fail(errors, &place, "%s", text);
	free(place.file);
	return -EINVAL;
}

int
conf_open_text(const char *text, size_t len, const char *name, struct conf_doc **out,
               struct conf_errors *errors)
{
	struct conf_doc *doc = conf_take(1, sizeof(*doc));
	struct reader r = { .doc = doc, .lexer = { .include = take_include } };
	struct nest nest = { &r, NULL, keep_name(doc, name), text, 0, 0 };
	struct conf_grammar *g = &r.lexer.grammar;
	size_t before = errors->count;

	*out = NULL;
	g->errors = errors;
	config_init(&doc->tree);
	append(doc, "", 0);
	take_text(&nest, len);
	conf_grammar_end(g, (struct conf_at){ nest.file, 0 });
	doc->has_big = g->has_big;
	if (g->is_broken || parse(doc, errors) < 0) {
		conf_close(doc);
		return -EINVAL;
	}
	config_setting_set_hook(config_root_setting(&doc->tree), doc);
	*out = doc;
	return errors->count == before ? 0 : -EINVAL;
}

int
conf_open_file(const char *path, struct conf_doc **out, struct conf_errors *errors)
{
	size_t len = 0;
	char *text = slurp(path, &len);
	int rc;

	*out = NULL;
	if (text == NULL) {
		const char *why = strerror(errno);
		struct conf_place place = { conf_text_copy(path, strlen(path)), 0, NULL };

		conf_fail(errors, &place, "cannot read the configuration file: %s", why);
		free(place.file);
		return -EINVAL;
	}
	rc = conf_open_text(text, len, path, out, errors);
	free(text);
	return rc;
}

void
conf_close(struct conf_doc *doc)
{
	if (doc == NULL)
		return;
	config_destroy(&doc->tree);
	for (size_t i = 0; i < doc->files; i++)
		free(doc->file[i]);
	free(doc->file);
	free(doc->span);
	free(doc->text);
	free(doc);
}

config_setting_t *
conf_root(struct conf_doc *doc)
{
	return config_root_setting(&doc->tree);
}

const char *
conf_source(const struct conf_doc *doc, size_t *len)
{
	*len = doc->len;
	return doc->text;
}
