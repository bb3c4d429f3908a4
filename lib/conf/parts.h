/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts - what the files of this room share, and nobody else sees.
 *
 *     doc    files -> one text (lex) -> libconfig's tree, with a map of lines
 *     read   tree + table of fields -> struct (value, unit, address)
 *     own    defaults, copy and release of such structs
 *     print  table of fields -> file of defaults, manual
 *
 * Threads control only.
 */
#ifndef CONF_PARTS_H
#define CONF_PARTS_H

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

#define CONF_WHY 256 /* room for one sentence about a value */

/* Memory or the end of the process, with a sentence. Zeroed; count 0 gives NULL. */
void *conf_take(size_t count, size_t size);
void *conf_grow(void *block, size_t count, size_t size);
char *conf_text_copy(const char *text, size_t len);

/* --- grammar --- */

#define CONF_MAX_DEPTH 64 /* open brackets; libconfig's own parser gives up near 2,500 */

enum conf_expect {
	CONF_EXPECT_KEY,    /* or the end of the group */
	CONF_EXPECT_EQUALS, /* behind a key */
	CONF_EXPECT_VALUE,  /* behind '=', or behind ',' in a list */
	CONF_EXPECT_FIRST,  /* a list's first value, or its end */
	CONF_EXPECT_MORE, /* behind a value: a separator, the end, in groups a key too */
};

/* What goes on from a file into those it includes, and back. Begins zeroed. */
struct conf_grammar {
	enum conf_expect expect;
	unsigned int depth;
	struct conf_open {
		char bracket;
		unsigned int line;
		const char *file;
	} open[CONF_MAX_DEPTH];
	char key[64];    /* the last key: what an error is about */
	bool was_string; /* the value before was a string */
	bool is_lost;    /* one error of grammar was told: more would only be its echo */
	bool is_broken;  /* libconfig would misread this: do not parse */
	bool has_big;    /* an integer was refused that libconfig reads on with */
	struct conf_errors *errors;
};

/* Where a token stands. */
struct conf_at {
	const char *file;
	unsigned int line;
};

/* Tokens in the order of the text. Errors are added, is_broken is set. */
void conf_grammar_key(struct conf_grammar *g, struct conf_at at, const char *name);
void conf_grammar_value(struct conf_grammar *g, struct conf_at at, bool is_string);
void conf_grammar_mark(struct conf_grammar *g, struct conf_at at,
                       char mark); /* = : , ; */
void conf_grammar_open(struct conf_grammar *g, struct conf_at at, char bracket);
void conf_grammar_close(struct conf_grammar *g, struct conf_at at, char bracket);
void conf_grammar_end(struct conf_grammar *g, struct conf_at at);
/* Whether a word here is a value and no key. */
bool conf_grammar_wants_value(const struct conf_grammar *g);

/* Add an error; about the last key when `about_key`. */
void conf_grammar_fail(struct conf_grammar *g, struct conf_at at, bool about_key,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* --- lex --- */

/* One "@include": bytes [from, to) of the text that holds it. */
struct conf_include {
	size_t from, to;
	struct conf_at at;
	const char *path; /* not ended */
	size_t path_len;
};

/* Lexes one text; `include` is called at its place, in the middle of the work. */
struct conf_lexer {
	struct conf_grammar grammar;
	void (*include)(void *arg, const struct conf_include *in); /* NULL: passed over */
};

/* `arg` is handed to `include`. */
void conf_lex_text(struct conf_lexer *x, const char *text, size_t len, const char *file,
                   void *arg);

/* --- doc --- */

/* From flattened line `first` on, lines are those of `file`, beginning with `line`. */
struct conf_span {
	unsigned int first, line;
	const char *file;
};

struct conf_doc {
	config_t tree;
	char *text; /* NUL-ended */
	size_t len, room;
	unsigned int lines; /* line breaks in text */
	struct conf_span *span;
	size_t spans;
	char **file; /* names, owned */
	size_t files;
	bool has_big; /* an integer was refused by the lexer */
};

/* The file and line of a flattened line. */
void conf_doc_locate(const struct conf_doc *doc, unsigned int flat, const char **file,
                     unsigned int *line);
/* The document a setting belongs to, or NULL. */
const struct conf_doc *conf_doc_of(const config_setting_t *setting);

/* --- unit --- */

bool conf_is_amount(enum conf_kind kind);
/* "packet rate", and "50kpps". */
const char *conf_kind_name(enum conf_kind kind);
const char *conf_kind_example(enum conf_kind kind);

/* Read "1.5Gbit/s". 0, or -EINVAL with a sentence in why[CONF_WHY]. */
int conf_amount(enum conf_kind kind, const char *text, struct conf_rate *out, char *why);

/* --- address --- */

int conf_ports_range(const char *text, struct conf_port_range *range, char *why);

/* --- value --- */

/* A scalar from its text; why[CONF_WHY] tells what is wrong. */
int conf_value(const struct conf_field *field, const char *text, void *at, char *why);
/* The same from a setting, with its type checked. Errors are added. */
int conf_value_at(const config_setting_t *setting, const struct conf_field *field,
                  void *at, struct conf_errors *errors);
int conf_values_at(const config_setting_t *setting, const struct conf_field *field,
                   void *at, struct conf_errors *errors);

/* Fill the default of one field. */
void conf_default(const struct conf_field *field, void *out);
/* Free what one field owns and zero it. */
void conf_release_field(const struct conf_field *field, void *out);
/* Bytes of the C type of a kind; 0 for groups. */
size_t conf_kind_size(enum conf_kind kind);

static inline void *
conf_at(void *out, const struct conf_field *field)
{
	return (char *)out + field->offset;
}

static inline const void *
conf_const_at(const void *out, const struct conf_field *field)
{
	return (const char *)out + field->offset;
}

#endif
