/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conf - one table of fields drives everything the configuration is asked.
 *
 * A table of `struct conf_field` says for each key what it is, its bounds, its
 * default as the operator would write it, and one sentence of help. The same
 * table reads a file into a struct, finds typing slips, prints the defaults and
 * makes the manual page; nothing is read outside it.
 *
 * Values with a unit are quoted strings ("50kpps", "10Gbit/s", "30s"): libconfig
 * 1.5 would cut integers to 32 bits in silence. Before libconfig sees a file,
 * conf_lex() refuses what libconfig would misread.
 *
 * All errors are gathered and told in one go, each as `file:line: path: message`.
 *
 * Threads control only. Memory: strings and lists in the output struct are
 * owned by it; conf_release() frees them.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct config_setting_t; /* of libconfig: one group, list or value as parsed */

/* Kinds and the C type at `offset` in the output struct. */
enum conf_kind {
	CONF_END = 0,
	CONF_BOOL,  /* bool: true | false */
	CONF_INT,   /* uint64_t: plain integer, for things that have no unit (version) */
	CONF_COUNT, /* uint64_t: "4M", "256k", "100" (decimal k, M, G) */
	CONF_TIME,  /* uint64_t ns: "300ms" "30s" "5m" "2h" "7d" */
	CONF_SIZE,  /* uint64_t bytes: "16KiB" "4MiB" "1GiB" */
	CONF_RATIO, /* uint64_t parts per million: "0.1%" "50%" */
	CONF_PACKETS,  /* uint64_t packets/s: "50kpps"; "off" is 0 */
	CONF_BITS,     /* uint64_t bits/s: "10Gbit/s", alias Gbps; "off" is 0 */
	CONF_CPS,      /* uint64_t connections/s: "200cps"; "off" is 0 */
	CONF_RATE,     /* struct conf_rate: packets/s or bits/s; "off" is 0 */
	CONF_WORD,     /* int: index in words[] */
	CONF_TEXT,     /* char *, owned */
	CONF_TEXTS,    /* struct conf_texts, owned: array or list of strings */
	CONF_PREFIXES, /* struct conf_prefixes, owned: array of "192.0.2.0/24" */
	CONF_PORTS,    /* struct conf_ports, owned: array of "80" or "8000-8099" */
	CONF_GROUP,    /* nested struct at offset, by `fields` */
	CONF_LIST,     /* struct conf_list, owned: list ( ) of groups by `fields` */
	CONF_SECTION, /* struct config_setting_t *, or NULL: a group the caller reads later */
	CONF_SECTIONS, /* the same for a list of groups */
};

struct conf_field {
	const char *key; /* NULL ends the table */
	enum conf_kind kind;
	size_t offset;
	const char *absent; /* default as written; NULL: the key must be written
	                        (CONF_TEXT: "" is the empty default; of amounts "" is
	                        not set, 0, and help says what then holds; CONF_TEXTS: separated by ", ";
	                        other lists: ignored, empty; groups and sections: ignored) */
	uint64_t min,
		max; /* both allowed; of CONF_TEXT(S) the length; both 0: no bounds */
	const char *
		help; /* one sentence, starting with a capital, ending with a full stop */
	const char *const *words; /* CONF_WORD: NULL-ended */
	const struct conf_field
		*fields;     /* CONF_GROUP, CONF_LIST; of sections for printing only */
	size_t size;         /* CONF_LIST: of one element */
	const char *example; /* optional, as written: shown where there is no default */
};

struct conf_rate {
	uint64_t per_second;
	bool is_bits;
};

struct conf_texts {
	size_t count;
	char **text;
};

struct conf_prefix { /* same layout as struct prefix (prefix/prefix.h) */
	uint8_t address[16];
	uint8_t len;
};

struct conf_prefixes {
	size_t count;
	struct conf_prefix *prefix;
};

struct conf_port_range {
	uint16_t first, last;
};

struct conf_ports {
	size_t count;
	struct conf_port_range *range;
};

/* Where something was written, for messages of later checks. */
struct conf_place {
	char *file;
	unsigned int line;
	char *path; /* "policies[0](web).vectors[1].max_rate" */
};

struct conf_list {
	size_t count;
	void *element;            /* count x fields' struct, size bytes each */
	struct conf_place *place; /* of each element */
	uint64_t *written;        /* bit per field (first 64): key stands in the file */
};

/* Every error and warning of one run, in the order of discovery. */
struct conf_errors {
	size_t count; /* errors */
	size_t warnings;
	struct conf_error {
		bool is_warning;
		char *file;
		unsigned int line; /* 0: the whole file */
		char *path;
		char *message;
	} * error; /* count + warnings entries */
};

/* Where a setting stands. The caller frees the strings with conf_place_free(). */
void conf_place_of(const struct config_setting_t *setting, struct conf_place *place);
void conf_place_free(struct conf_place *place);

void conf_errors_free(struct conf_errors *e);
/* Add one; place may be NULL. Out of memory ends the process with a sentence. */
void conf_fail(struct conf_errors *e, const struct conf_place *place, const char *format,
               ...) __attribute__((format(printf, 3, 4)));
void conf_warn(struct conf_errors *e, const struct conf_place *place, const char *format,
               ...) __attribute__((format(printf, 3, 4)));
/* The same at a setting that is still open. */
void conf_fail_at(struct conf_errors *e, const struct config_setting_t *setting,
                  const char *format, ...) __attribute__((format(printf, 3, 4)));
/* One line per entry: "file:line: path: message", warnings with "warning: " after path. */
void conf_errors_print(const struct conf_errors *e, FILE *to);

/*
 * Read a whole file (and what it includes, each relative to its own folder) into
 * `out` by `fields`. Every key's default is set first. Returns 0 when there was
 * no error, -EINVAL otherwise; `out` is then only fit for conf_release().
 * Unknown keys are errors with a suggestion. `version = 1` is an ordinary field.
 * A table with sections needs the file open: see conf_open_file().
 */
int conf_read_file(const char *path, const struct conf_field *fields, void *out,
                   struct conf_errors *errors);

/* The same from memory; `name` stands in messages. For tests and the API's dry run. */
int conf_read_text(const char *text, size_t len, const char *name,
                   const struct conf_field *fields, void *out,
                   struct conf_errors *errors);

/*
 * A parsed file, kept open so that parts of it can be read one after the other.
 * Returns 0 and *doc, or -EINVAL with errors. *doc may come with -EINVAL too:
 * it is then fit for reading on, to tell all errors in one run. Settings, and
 * what CONF_SECTION gave, live until conf_close(), which takes NULL as well.
 */
struct conf_doc;
int conf_open_file(const char *path, struct conf_doc **doc, struct conf_errors *errors);
int conf_open_text(const char *text, size_t len, const char *name, struct conf_doc **doc,
                   struct conf_errors *errors);
void conf_close(struct conf_doc *doc);
struct config_setting_t *conf_root(struct conf_doc *doc);
/* The text as read, includes in their places; owned by the document. */
const char *conf_source(const struct conf_doc *doc, size_t *len);

/* Set every default, whatever `out` held before. A field without default is zero. */
void conf_defaults(const struct conf_field *fields, void *out);

/* Free everything owned inside `out` (not `out` itself) and zero it. */
void conf_release(const struct conf_field *fields, void *out);

/* Deep copy, for policies that extend another. dst is zeroed memory of the same struct. */
void conf_copy(const struct conf_field *fields, const void *src, void *dst);

/*
 * Read one group's written keys over what `out` already holds (inheritance:
 * keys that are not written keep their value). `group` is a libconfig group.
 */
int conf_read_over(struct config_setting_t *group, const struct conf_field *fields,
                   void *out, struct conf_errors *errors);

/* Defaults first, then the group; a key without default must stand there. */
int conf_read_group(struct config_setting_t *group, const struct conf_field *fields,
                    void *out, struct conf_errors *errors);

/* Which keys stand in the group: bit i for fields[i], of the first 64. */
uint64_t conf_written(const struct config_setting_t *group,
                      const struct conf_field *fields);

/* A key's setting in a group, or NULL; and its text, or NULL when it is none. */
struct config_setting_t *conf_member(const struct config_setting_t *group,
                                     const char *key);
const char *conf_text_at(const struct config_setting_t *group, const char *key);
bool conf_is_group(const struct config_setting_t *setting);

/* Elements of a CONF_SECTIONS list. NULL counts 0. */
size_t conf_sections(const struct config_setting_t *list);
struct config_setting_t *conf_section(const struct config_setting_t *list, size_t i);

/* A value as the operator writes it: "50kpps", "1.5Gbit/s", "off". Any amount kind. */
#define CONF_AMOUNT_TEXT 32
void conf_format_amount(enum conf_kind kind, uint64_t value, char text[CONF_AMOUNT_TEXT]);
void conf_format_rate(const struct conf_rate *rate, char text[CONF_AMOUNT_TEXT]);
/* "192.0.2.0/24", "2001:db8::/32". */
#define CONF_PREFIX_TEXT 50
void conf_format_prefix(const struct conf_prefix *prefix, char text[CONF_PREFIX_TEXT]);

/* Values from text, as in the file, for the CLI and the API. 0 or -EINVAL with a sentence. */
int conf_parse_time(const char *text, uint64_t *ns, char *why, size_t why_size);
int conf_parse_rate(const char *text, struct conf_rate *rate, char *why, size_t why_size);
int conf_parse_prefix(const char *text, struct conf_prefix *prefix, char *why,
                      size_t why_size);

/* A commented file of all defaults (--print-defaults), and the table for the manual (scdoc). */
void conf_print_defaults(const struct conf_field *fields, FILE *to);
void conf_print_manual(const struct conf_field *fields, FILE *to);

/* "did you mean": the closest of `words` (NULL-ended) within two edits, or NULL. */
const char *conf_closest(const char *word, const char *const *words);

/*
 * What libconfig 1.5 would misread or explain badly: integers beyond 32 bits
 * without L, unterminated comments and strings, brackets that do not match,
 * strings without a comma between them, a comma before a closing bracket, values
 * that lack their quotes, a byte-order mark, a NUL byte. Adds an error for each,
 * at the line where it began. Returns 0 or -EINVAL.
 */
int conf_lex(const char *text, size_t len, const char *file, struct conf_errors *errors);

#endif
