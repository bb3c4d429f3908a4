/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lex - reads a file as libconfig will, and refuses what it would misread.
 *
 * A string must end on its line: libconfig lets it run to the next quote,
 * however far, and then complains there.
 */
#include "conf/parts.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lex {
	const char *text;
	size_t len, at;
	unsigned int line;
	const char *file;
	struct conf_grammar *g;
};

static int
peek(const struct lex *l, size_t ahead)
{
	return l->at + ahead < l->len ? (unsigned char)l->text[l->at + ahead] : EOF;
}

static struct conf_at
here(const struct lex *l)
{
	return (struct conf_at){ l->file, l->line };
}

/* Adds an error after which libconfig is not asked: it would only tell less. */
#define BREAK(l, about_key, ...)                                                         \
	do {                                                                             \
		conf_grammar_fail((l)->g, here(l), about_key, __VA_ARGS__);              \
		(l)->g->is_broken = true;                                                \
	} while (0)

static void
skip_line(struct lex *l)
{
	while (l->at < l->len && l->text[l->at] != '\n')
		l->at++;
}

static void
block_comment(struct lex *l)
{
	struct conf_at began = here(l);

	for (l->at += 2; l->at < l->len; l->at++) {
		if (peek(l, 0) == '*' && peek(l, 1) == '/') {
			l->at += 2;
			return;
		}
		if (l->text[l->at] == '\n')
			l->line++;
	}
	conf_grammar_fail(
		l->g, began, false,
		"the comment that begins here is never closed; the rest of the file "
		"would be ignored");
	l->g->is_broken = l->g->is_lost = true;
}

static void
string(struct lex *l)
{
	conf_grammar_value(l->g, here(l), true);
	for (l->at++; l->at < l->len && l->text[l->at] != '\n'; l->at++) {
		if (l->text[l->at] == '"') {
			l->at++;
			return;
		}
		if (l->text[l->at] == '\\' && peek(l, 1) != '\n')
			l->at++;
	}
	if (l->at > l->len)
		l->at = l->len;
	BREAK(l, true, "the string that begins here does not end on this line");
	/* What closes and separates was swallowed with it. */
	l->g->is_lost = true;
}

static void
bare_word(struct lex *l, const char *word)
{
	static const char *const truths[] = { "true", "false", NULL };
	const char *meant = conf_closest(word, truths);

	if (meant != NULL)
		BREAK(l, true, "%s is unknown; did you mean %s?", word, meant);
	else
		BREAK(l, true, "write %s in quotes: \"%s\"", word, word);
}

static void
name(struct lex *l)
{
	size_t n = 0;
	char word[sizeof(l->g->key)];

	while (isalnum(peek(l, n)) || peek(l, n) == '_' || peek(l, n) == '-' ||
	       peek(l, n) == '*')
		n++;
	snprintf(word, sizeof(word), "%.*s", (int)(n < sizeof(word) ? n : sizeof(word)),
	         l->text + l->at);
	l->at += n;
	if (!conf_grammar_wants_value(l->g)) {
		conf_grammar_key(l->g, here(l), word);
		return;
	}
	if (strcasecmp(word, "true") != 0 && strcasecmp(word, "false") != 0)
		bare_word(l, word);
	conf_grammar_value(l->g, here(l), false);
}

/* --- numbers --- */

/* Bytes of a floating-point number at s, as libconfig takes it, or 0. */
static size_t
float_len(const char *s)
{
	size_t n = strspn(s, "0123456789"), whole = n, digits;

	if (s[n] == '.')
		n += 1 + strspn(s + n + 1, "0123456789");
	if (s[n] == 'e' || s[n] == 'E') {
		size_t sign = s[n + 1] == '+' || s[n + 1] == '-';

		digits = strspn(s + n + 1 + sign, "0123456789");
		if (digits > 0)
			n += 1 + sign + digits;
	}
	return n > whole ? n : 0;
}

/* What stands after a number as if it belonged to it: "10Gbit/s", "192.0.2.0/24". */
static size_t
word_len(const struct lex *l)
{
	size_t n = 0;

	for (;; n++) {
		int c = peek(l, n);

		if (isalnum(c) || c == '_' || c == '.' || c == '%')
			continue;
		if ((c == '+' || c == '-') && n == 0)
			continue;
		if ((c == '+' || c == '-') && tolower(peek(l, n - 1)) == 'e' &&
		    isdigit(peek(l, n + 1)))
			continue;
		if (c == '/' && n > 0 && isalnum(peek(l, n + 1)))
			continue;
		return n;
	}
}

static void
check_range(struct lex *l, const char *digits, bool is_long)
{
	bool is_negative = *digits == '-';
	const char *s = digits + (is_negative || *digits == '+');
	bool is_hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	uint64_t value, most = is_long ? INT64_MAX : INT32_MAX;
	int32_t cut;

	errno = 0;
	value = strtoull(s, NULL, is_hex ? 16 : 10);
	if (errno == 0 && value <= most + (is_negative ? 1 : 0))
		return;
	l->g->has_big = true;
	cut = (int32_t)(uint32_t)(is_negative ? 0 - value : value);
	if (is_long || errno != 0)
		conf_grammar_fail(l->g, here(l), true,
		                  "%s does not fit libconfig's 64-bit integer", digits);
	else
		conf_grammar_fail(
			l->g, here(l), true,
			"%s does not fit libconfig's 32-bit integer and would be read as "
			"%" PRId32 "; write it in quotes with its unit, such as "
			"\"10Gbit/s\" or \"4M\"",
			digits, cut);
}

static void
number(struct lex *l)
{
	size_t n = word_len(l), sign, digits;
	char word[64];

	conf_grammar_value(l->g, here(l), false);
	if (n >= sizeof(word)) {
		BREAK(l, true, "this number has %zu digits", n);
		l->at += n;
		return;
	}
	memcpy(word, l->text + l->at, n);
	word[n] = '\0';
	l->at += n;
	sign = word[0] == '-' || word[0] == '+';
	if (word[sign] == '0' && tolower(word[sign + 1]) == 'x')
		digits = sign + 2 + strspn(word + sign + 2, "0123456789abcdefABCDEF");
	else
		digits = sign + strspn(word + sign, "0123456789");
	if (digits > sign && (word[digits] == '\0' || strcmp(word + digits, "L") == 0 ||
	                      strcmp(word + digits, "LL") == 0)) {
		bool is_long = word[digits] == 'L';

		word[digits] = '\0';
		check_range(l, word, is_long);
	} else if (float_len(word + sign) != n - sign) {
		BREAK(l, true, "write %s in quotes: \"%s\"", word, word);
	}
}

/* --- includes --- */

static bool
begins_line(const struct lex *l)
{
	size_t i = l->at;

	while (i > 0 && (l->text[i - 1] == ' ' || l->text[i - 1] == '\t'))
		i--;
	return i == 0 || l->text[i - 1] == '\n';
}

/* Fill `in` from what stands at the cursor. Returns whether it is an include. */
static bool
read_include(const struct lex *l, struct conf_include *in)
{
	static const char word[] = "@include";
	size_t i = l->at + sizeof(word) - 1, blanks = i;

	if (!begins_line(l) || i >= l->len ||
	    memcmp(l->text + l->at, word, sizeof(word) - 1) != 0)
		return false;
	while (i < l->len && (l->text[i] == ' ' || l->text[i] == '\t'))
		i++;
	if (i == blanks || i == l->len || l->text[i] != '"')
		return false;
	in->path = l->text + ++i;
	while (i < l->len && l->text[i] != '\n' && l->text[i] != '"' &&
	       l->text[i] != '\0')
		i++;
	in->path_len = (size_t)(l->text + i - in->path);
	if (i == l->len || l->text[i] != '"' || in->path_len == 0)
		return false;
	in->from = l->at;
	in->to = i + 1;
	in->at = here(l);
	return true;
}

static void
punctuation(struct lex *l, int c)
{
	if (c == ',' || c == '=' || c == ':' || c == ';') {
		conf_grammar_mark(l->g, here(l), (char)c);
		l->at++;
		return;
	}
	if (c > ' ' && c < 127)
		BREAK(l, false,
		      "unexpected '%c'; values other than numbers, true and false stand "
		      "in quotes",
		      c);
	else
		BREAK(l, false, "unexpected byte 0x%02x outside of a string",
		      (unsigned int)c);
	l->g->is_lost = true;
	skip_line(l);
}

static void
bracket(struct lex *l, int c)
{
	if (c == '{' || c == '(' || c == '[')
		conf_grammar_open(l->g, here(l), (char)c);
	else
		conf_grammar_close(l->g, here(l), (char)c);
	l->at++;
}

static void
token(struct lex *l)
{
	int c = peek(l, 0), next = peek(l, 1);

	if (c == '\n')
		l->line++;
	if (c == '\0' || c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f')
		l->at++;
	else if (c == '#' || (c == '/' && next == '/'))
		skip_line(l);
	else if (c == '/' && next == '*')
		block_comment(l);
	else if (c == '"')
		string(l);
	else if (c != '\0' && c != EOF && strchr("{([])}", c) != NULL)
		bracket(l, c);
	else if (isalpha(c) || c == '*')
		name(l);
	else if (isdigit(c) || ((c == '+' || c == '-' || c == '.') && isdigit(next)))
		number(l);
	else
		punctuation(l, c);
}

static void
byte_order_mark(struct lex *l)
{
	if (l->len >= 3 && memcmp(l->text, "\xef\xbb\xbf", 3) == 0) {
		conf_grammar_fail(
			l->g, here(l), false,
			"the file begins with a byte-order mark; save it as UTF-8 "
			"without one");
		l->at = 3;
	} else if (l->len >= 2 && (memcmp(l->text, "\xff\xfe", 2) == 0 ||
	                           memcmp(l->text, "\xfe\xff", 2) == 0)) {
		BREAK(l, false, "the file is UTF-16; save it as UTF-8");
		l->at = l->len;
	}
}

/* They are told once and then read as blanks, so that the rest is judged as well. */
static void
nul_bytes(struct lex *l)
{
	const char *nul = memchr(l->text, '\0', l->len);
	struct conf_at at = here(l);

	if (nul == NULL)
		return;
	for (const char *s = l->text; s < nul; s++)
		at.line += *s == '\n';
	conf_grammar_fail(l->g, at, false,
	                  "a NUL byte stands here; the text would be cut off");
}

void
conf_lex_text(struct conf_lexer *x, const char *text, size_t len, const char *file,
              void *arg)
{
	struct lex l = {
		.text = text, .len = len, .line = 1, .file = file, .g = &x->grammar
	};
	struct conf_include in;

	if (len == 0)
		return;
	byte_order_mark(&l);
	if (l.at < len)
		nul_bytes(&l);
	while (l.at < l.len) {
		if (text[l.at] != '@') {
			token(&l);
		} else if (read_include(&l, &in)) {
			l.at = in.to;
			if (x->include != NULL)
				x->include(arg, &in);
		} else {
			BREAK(&l, false,
			      "write @include \"FILE\" at the beginning of a line of its "
			      "own");
			skip_line(&l);
		}
	}
}

int
conf_lex(const char *text, size_t len, const char *file, struct conf_errors *errors)
{
	struct conf_lexer x = { .grammar = { .errors = errors } };
	size_t before = errors->count;

	conf_lex_text(&x, text, len, file, NULL);
	conf_grammar_end(&x.grammar, (struct conf_at){ file, 0 });
	return errors->count == before ? 0 : -EINVAL;
}
