/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lines - text to prefixes: plain lists, and CSV.
 *
 * A line is read where it lies; nothing is copied and nothing allocated for it.
 * A quoted cell of CSV must end in its line, because then a broken line is one line.
 *
 * Source  RFC 4180, without line breaks inside quotes.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "list/parts.h"

#define CELL_MAX 64 /* bytes of a prefix or a time, more are none */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void
trim(const char **text, size_t *len)
{
	while (*len > 0 && is_blank(**text))
		(*text)++, (*len)--;
	while (*len > 0 && is_blank((*text)[*len - 1]))
		(*len)--;
}

static void
say_bits(struct list_reading *r, const char *text, size_t len,
         const struct prefix *masked)
{
	const struct conf_prefix *p = (const struct conf_prefix *)masked;
	const char *slash = memchr(text, '/', len);
	const int chars = slash == NULL ? (int)len : (int)(slash - text);
	char network[CONF_PREFIX_TEXT], shown[LIST_SHOWN];

	conf_format_prefix(p, network);
	list_broken(
		r,
		"\"%s\" has bits set behind its length; write \"%s\" for the network, "
		"or \"%.*s\" for the one address",
		list_shown(text, len, shown), network, chars, text);
}

/* Say why the prefix is none, with what to write. */
static void
say_prefix(struct list_reading *r, int rc, const char *text, size_t len,
           const struct prefix *masked)
{
	char shown[LIST_SHOWN];

	list_shown(text, len, shown);
	switch (rc) {
	case -EDOM:
		say_bits(r, text, len, masked);
		break;
	case -ERANGE:
		list_broken(r, "\"%s\": the length of this prefix is 0 to %d", shown,
		            memchr(text, ':', len) != NULL ? 128 : 32);
		break;
	case -EXDEV:
		list_broken(r,
		            "\"%s\" is an IPv4 address in IPv6 clothes; write it as IPv4",
		            shown);
		break;
	default:
		if (memchr(text, '\0', len) != NULL)
			list_broken(r, "a NUL byte stands in this line; the file is no "
			               "text, or was torn while it was written");
		else
			list_broken(r,
			            "\"%s\" is not a prefix; write for example "
			            "\"192.0.2.0/24\" or \"2001:db8::/32\"",
			            shown);
	}
}

int
list_take(struct list_reading *r, const char *text, size_t len, uint32_t until_s)
{
	struct prefix p;
	int rc = len > CELL_MAX ? -EINVAL : list_scan_prefix(text, len, &p);

	if (rc < 0) {
		say_prefix(r, rc, text, len, &p);
		return 0;
	}
	if (p.len == (prefix_is_ipv4(&p) ? 96 : 0)) {
		char shown[LIST_SHOWN];

		list_broken(r,
		            "\"%s\" is every address there is; what is meant for all "
		            "stands in the configuration, not in a file",
		            list_shown(text, len, shown));
		return 0;
	}
	if (until_s != 0 && (int64_t)until_s <= r->now_s) {
		r->content->ended++;
		return 0;
	}
	return list_keep(r, &p, until_s);
}

/* --- plain --- */

static int
plain_line(struct list_reading *r, const char *text, size_t len)
{
	size_t chars = 0, after;

	while (chars < len && !is_blank(text[chars]) && text[chars] != '#' &&
	       text[chars] != ';')
		chars++;
	for (after = chars; after < len && is_blank(text[after]);)
		after++;
	if (after < len && text[after] != '#' && text[after] != ';') {
		char shown[LIST_SHOWN];

		list_broken(r,
		            "\"%s\" stands behind the prefix; a remark begins with '#' "
		            "or ';'",
		            list_shown(text + after, len - after, shown));
		return 0;
	}
	return list_take(r, text, chars, 0);
}

/* --- CSV --- */

struct cell {
	const char *text;
	size_t len;
};

/*
 * The next cell at *at, which moves behind its comma; *is_more tells whether there was
 * one. Returns NULL, or what is wrong with its quotes. A doubled quote ends no cell, and
 * what has one is neither prefix nor time, so that it need not be undone.
 */
static const char *
next_cell(const char **at, const char *end, struct cell *c, bool *is_more)
{
	const char *p = *at;

	while (p < end && is_blank(*p))
		p++;
	if (p < end && *p == '"') {
		c->text = ++p;
		for (;; p++) {
			p = memchr(p, '"', (size_t)(end - p));
			if (p == NULL)
				return "a quote is not closed in this line";
			if (p + 1 < end && p[1] == '"')
				p++;
			else
				break;
		}
		c->len = (size_t)(p - c->text);
		for (p++; p < end && is_blank(*p);)
			p++;
		if (p < end && *p != ',')
			return "something stands between a closed quote and the next "
			       "comma";
	} else {
		c->text = p;
		p = memchr(p, ',', (size_t)(end - p));
		p = p == NULL ? end : p;
		c->len = (size_t)(p - c->text);
	}
	trim(&c->text, &c->len);
	*is_more = p < end;
	*at = p < end ? p + 1 : p;
	return NULL;
}

static bool
is_one_of(const struct cell *c, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strlen(*words) == c->len && strncasecmp(c->text, *words, c->len) == 0)
			return true;
	return false;
}

/* The first line may name the columns. Returns whether it does, right or wrong. */
static bool
is_header(struct list_reading *r, const struct cell cell[2])
{
	static const char *const first[] = { "prefix",  "network", "cidr", "ip",
		                             "address", "source",  NULL };
	static const char *const second[] = { "until",  "end",         "ends", "expires",
		                              "expiry", "valid_until", "",     NULL };
	char shown[LIST_SHOWN];

	if (!is_one_of(&cell[0], first))
		return false;
	if (!is_one_of(&cell[1], second))
		list_broken(r,
		            "the second column is \"%s\" and must be until: the columns "
		            "are prefix, until, remark",
		            list_shown(cell[1].text, cell[1].len, shown));
	return true;
}

int
list_csv_line(struct list_reading *r, const char *text, size_t len)
{
	const char *at = text, *end = text + len, *wrong;
	struct cell cell[3] = { { text, 0 }, { text, 0 }, { text, 0 } };
	const bool is_first = !r->has_seen_line;
	char shown[LIST_SHOWN];
	uint32_t until_s = 0;
	bool is_more = true;
	unsigned int n = 0;
	int rc;

	r->has_seen_line = true;
	/* A remark without quotes may have commas of its own. */
	for (; is_more && n < 3; n++) {
		if (n == 2 && at < end && *at != '"')
			break;
		wrong = next_cell(&at, end, &cell[n], &is_more);
		if (wrong != NULL) {
			list_broken(r, "%s", wrong);
			return 0;
		}
	}
	if (is_first && is_header(r, cell))
		return 0;
	rc = list_scan_until(cell[1].text, cell[1].len, r->now_s, &until_s);
	if (rc == 0)
		return list_take(r, cell[0].text, cell[0].len, until_s);
	list_shown(cell[1].text, cell[1].len, shown);
	if (rc == -ERANGE)
		list_broken(r,
		            "\"%s\" lies behind the year 2105; leave it empty for no end",
		            shown);
	else
		list_broken(r,
		            "\"%s\" is no time; write \"2026-12-24T12:00:00Z\", seconds "
		            "of Unix time, \"+1h\", or nothing for no end",
		            shown);
	return 0;
}

/* --- lines --- */

static int
take_line(struct list_reading *r, const char *text, size_t len)
{
	r->content->lines++;
	if (len > 0 && text[len - 1] == '\r')
		len--;
	while (len > 0 && is_blank(*text))
		text++, len--;
	if (len == 0 || *text == '#' || *text == ';')
		return 0;
	return r->spec->format == LIST_CSV ? list_csv_line(r, text, len)
	                                   : plain_line(r, text, len);
}

ssize_t
list_lines(struct list_reading *r, const char *text, size_t len, bool is_last)
{
	const char *at = text, *end = text + len;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const size_t chars = (size_t)((newline == NULL ? end : newline) - at);
		int rc = 0;

		if (newline == NULL && !is_last && chars <= LIST_LINE_MAX)
			break;
		if (chars > LIST_LINE_MAX && !r->is_in_long) {
			r->content->lines++;
			list_broken(r,
			            "this line is longer than %d bytes; the file is "
			            "no list of prefixes",
			            LIST_LINE_MAX);
		} else if (!r->is_in_long) {
			rc = take_line(r, at, chars);
		}
		if (rc < 0)
			return rc;
		r->is_in_long =
			newline == NULL && (r->is_in_long || chars > LIST_LINE_MAX);
		at += chars + (newline != NULL);
	}
	return at - text;
}
