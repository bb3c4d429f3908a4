/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unit - "50kpps", "1.5Gbit/s", "300ms": numbers that say what they count.
 *
 * All prefixes are decimal, but for KiB, MiB and GiB. Letters keep their case,
 * because m and M differ by a thousand million. Bytes per second are refused
 * with the bits they are: half of the tools an operator knows read "bps" as
 * bytes, so a slip of eight must not pass in silence.
 */
#include "conf/parts.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum family { PACKETS, BITS, CONNECTIONS, TIME, SIZE, COUNT, RATIO };

struct unit {
	const char *name;
	enum family family;
	uint64_t each;
	bool is_alias;
};

#define K UINT64_C(1000)
#define M (K * K)
#define G (K * M)
#define T (K * G)

/* Within a family from small to large. */
static const struct unit units[] = {
	{ "pps", PACKETS, 1, false },    { "kpps", PACKETS, K, false },
	{ "Mpps", PACKETS, M, false },   { "Gpps", PACKETS, G, false },
	{ "bit/s", BITS, 1, false },     { "kbit/s", BITS, K, false },
	{ "Mbit/s", BITS, M, false },    { "Gbit/s", BITS, G, false },
	{ "Tbit/s", BITS, T, false },    { "bps", BITS, 1, true },
	{ "kbps", BITS, K, true },       { "Mbps", BITS, M, true },
	{ "Gbps", BITS, G, true },       { "cps", CONNECTIONS, 1, false },
	{ "ms", TIME, M, false },        { "s", TIME, G, false },
	{ "m", TIME, 60 * G, false },    { "h", TIME, 3600 * G, false },
	{ "d", TIME, 86400 * G, false }, { "KiB", SIZE, 1 << 10, false },
	{ "MiB", SIZE, 1 << 20, false }, { "GiB", SIZE, 1 << 30, false },
	{ "", COUNT, 1, false },         { "k", COUNT, K, false },
	{ "M", COUNT, M, false },        { "G", COUNT, G, false },
	{ "%", RATIO, 10000, false },
};
#define UNITS (sizeof(units) / sizeof(*units))

static const struct {
	const char *name, *example;
	unsigned int families;
	bool has_off;
} kinds[] = {
	[CONF_BOOL] = { "true or false", "true", 0, false },
	[CONF_INT] = { "plain integer", "1", 0, false },
	[CONF_COUNT] = { "count", "256k", 1u << COUNT, false },
	[CONF_TIME] = { "time", "30s", 1u << TIME, false },
	[CONF_SIZE] = { "size", "4MiB", 1u << SIZE, false },
	[CONF_RATIO] = { "percentage", "5%", 1u << RATIO, false },
	[CONF_PACKETS] = { "packet rate", "50kpps", 1u << PACKETS, true },
	[CONF_BITS] = { "bit rate", "10Gbit/s", 1u << BITS, true },
	[CONF_CPS] = { "connection rate", "200cps", 1u << CONNECTIONS, true },
	[CONF_RATE] = { "packet or bit rate", "50kpps", 1u << PACKETS | 1u << BITS,
	                true },
	[CONF_WORD] = { "word", "", 0, false },
	[CONF_TEXT] = { "text", "", 0, false },
	[CONF_TEXTS] = { "list of texts", "", 0, false },
	[CONF_PREFIXES] = { "list of prefixes", "192.0.2.0/24", 0, false },
	[CONF_PORTS] = { "list of ports", "8000-8099", 0, false },
	[CONF_GROUP] = { "group { }", "", 0, false },
	[CONF_LIST] = { "list ( )", "", 0, false },
	[CONF_SECTION] = { "group { }", "", 0, false },
	[CONF_SECTIONS] = { "list ( )", "", 0, false },
};

static const char *const family_names[] = { "packet rate", "bit rate", "connection rate",
	                                    "time",        "size",     "count",
	                                    "percentage" };

bool
conf_is_amount(enum conf_kind kind)
{
	return kinds[kind].families != 0;
}

const char *
conf_kind_name(enum conf_kind kind)
{
	return kinds[kind].name;
}

const char *
conf_kind_example(enum conf_kind kind)
{
	return kinds[kind].example;
}

static bool
belongs(const struct unit *u, enum conf_kind kind)
{
	return (kinds[kind].families >> u->family & 1) != 0;
}

static const struct unit *
find_unit(const char *name, enum conf_kind kind)
{
	for (size_t i = 0; i < UNITS; i++)
		if (belongs(&units[i], kind) && strcmp(units[i].name, name) == 0)
			return &units[i];
	return NULL;
}

/* --- what to suggest --- */

/* "kB/s", "MBps", "KiB/s", "Mbyte/s": how many bits one of them is, or 0. */
static uint64_t
bits_of_bytes(const char *unit)
{
	static const char *const tails[] = { "B/s",    "Bps",     "byte/s", "bytes/s",
		                             "Byte/s", "Bytes/s", "B",      "iB/s",
		                             "iBps",   NULL };
	static const char letters[] = "kKMGT";
	static const uint64_t each[] = { K, K, M, G, T };
	const char *letter = unit[0] != '\0' ? strchr(letters, unit[0]) : NULL;
	uint64_t times = letter != NULL ? each[letter - letters] : 1;

	for (size_t i = 0; tails[i] != NULL; i++)
		if (strcmp(unit + (letter != NULL), tails[i]) == 0)
			return times * 8;
	return 0;
}

static const struct unit *
similar_unit(const char *name, enum conf_kind kind)
{
	const char *words[UNITS + 1];
	const char *best;
	size_t n = 0;

	for (size_t i = 0; i < UNITS; i++) {
		if (!belongs(&units[i], kind) || units[i].name[0] == '\0')
			continue;
		if (strcasecmp(units[i].name, name) == 0)
			return &units[i];
		words[n++] = units[i].name;
	}
	words[n] = NULL;
	best = conf_closest(name, words);
	return best != NULL ? find_unit(best, kind) : NULL;
}

/* Why `unit`, which stands in text, does not suit the kind. */
static int
explain_unit(enum conf_kind kind, const char *text, const char *unit, char *why)
{
	const char *name = kinds[kind].name, *example = kinds[kind].example;
	int digits = (int)(unit - text);
	const struct unit *other = NULL, *u;
	uint64_t bits = 0;

	while (*unit == ' ')
		unit++;
	if (kinds[kind].has_off)
		bits = bits_of_bytes(unit);
	u = find_unit(unit, kind);
	if (u == NULL)
		u = similar_unit(unit, kind);
	for (size_t i = 0; i < UNITS && unit[0] != '\0'; i++)
		if (strcmp(units[i].name, unit) == 0 && !belongs(&units[i], kind))
			other = &units[i];

	if (bits > 0 && (kinds[kind].families >> BITS & 1) == 0) {
		snprintf(why, CONF_WHY,
		         "\"%s\" counts bytes; write a %s, for example \"%s\"", text,
		         name, example);
	} else if (bits > 0) {
		uint64_t value = strtoull(text, NULL, 10);
		char better[CONF_AMOUNT_TEXT] = "10Mbit/s";

		if (value > 0 && value < UINT64_MAX / bits &&
		    text[strspn(text, "0123456789")] != '.')
			conf_format_amount(CONF_BITS, value * bits, better);
		snprintf(why, CONF_WHY,
		         "\"%s\" counts bytes, but rates count bits; write \"%s\"", text,
		         better);
	} else if (unit[0] == '\0')
		snprintf(why, CONF_WHY, "\"%s\" has no unit; write for example \"%s\"",
		         text, example);
	else if (other != NULL && (u == NULL || strcasecmp(u->name, unit) != 0))
		snprintf(why, CONF_WHY,
		         "\"%s\" is a %s, not a %s; write for example \"%s\"", text,
		         family_names[other->family], name, example);
	else if (u != NULL)
		snprintf(why, CONF_WHY, "\"%s\" is not a %s; did you mean \"%.*s%s\"?",
		         text, name, digits, text, u->name);
	else
		snprintf(why, CONF_WHY, "\"%s\" is not a %s; write for example \"%s\"",
		         text, name, example);
	return -EINVAL;
}

/* --- reading --- */

/* value = whole.fraction x each, exactly, or -EINVAL. */
static int
multiply(const char *text, uint64_t each, uint64_t *value)
{
	unsigned __int128 sum = 0, scale = 1;
	const char *s;

	for (s = text; isdigit((unsigned char)*s); s++) {
		sum = sum * 10 + (unsigned int)(*s - '0');
		if (sum > UINT64_MAX)
			return -ERANGE;
	}
	if (*s == '.')
		for (s++; isdigit((unsigned char)*s); s++) {
			scale *= 10;
			sum = sum * 10 + (unsigned int)(*s - '0');
			if (scale > T)
				return -EINVAL;
		}
	/* sum < 2^64 x 10^12 and each < 2^50: the product could leave 128 bits. */
	if (sum > ((unsigned __int128)UINT64_MAX * scale) / each)
		return -ERANGE;
	sum *= each;
	if (sum % scale != 0)
		return -EINVAL;
	*value = (uint64_t)(sum / scale);
	return 0;
}

int
conf_amount(enum conf_kind kind, const char *text, struct conf_rate *out, char *why)
{
	size_t n = strspn(text, "0123456789");
	const struct unit *u;
	int rc;

	out->per_second = 0;
	out->is_bits = kind == CONF_BITS;
	if (kinds[kind].has_off && strcmp(text, "off") == 0)
		return 0;
	if (n > 0 && text[n] == '.')
		n += 1 + strspn(text + n + 1, "0123456789");
	if (n == 0 || text[n - 1] == '.' || strlen(text) > 64) {
		snprintf(why, CONF_WHY,
		         "\"%.64s\" is not a %s; write for example \"%s\"%s", text,
		         kinds[kind].name, kinds[kind].example,
		         kinds[kind].has_off ? " or \"off\"" : "");
		return -EINVAL;
	}
	u = find_unit(text + n, kind);
	if (u == NULL)
		return explain_unit(kind, text, text + n, why);
	rc = multiply(text, u->each, &out->per_second);
	if (rc == -ERANGE)
		snprintf(why, CONF_WHY, "\"%s\" is too large", text);
	else if (rc < 0)
		snprintf(why, CONF_WHY, "\"%s\" has too many decimals", text);
	else if (kinds[kind].has_off && out->per_second == 0) {
		snprintf(why, CONF_WHY,
		         "\"%s\" would let nothing pass; write \"off\" for no limit",
		         text);
		rc = -EINVAL;
	}
	out->is_bits = u->family == BITS;
	return rc < 0 ? -EINVAL : 0;
}

int
conf_parse_rate(const char *text, struct conf_rate *rate, char *why, size_t why_size)
{
	char sentence[CONF_WHY] = "";
	int rc = conf_amount(CONF_RATE, text, rate, sentence);

	if (rc < 0)
		snprintf(why, why_size, "%s", sentence);
	return rc;
}

int
conf_parse_time(const char *text, uint64_t *ns, char *why, size_t why_size)
{
	char sentence[CONF_WHY] = "";
	struct conf_rate amount;
	int rc = conf_amount(CONF_TIME, text, &amount, sentence);

	if (rc < 0)
		snprintf(why, why_size, "%s", sentence);
	else
		*ns = amount.per_second;
	return rc;
}

/* --- writing --- */

/* Write value in this unit, if that takes at most three decimals. */
static bool
format_in(const struct unit *u, uint64_t value, char text[CONF_AMOUNT_TEXT])
{
	/* "90s" and "1500ms" read better than "1.5m" and "1.5s". */
	bool is_whole = u->family == TIME || u->family == SIZE || u->each % K != 0;
	uint64_t step = is_whole ? u->each : u->each / K;
	int n;

	if ((value < u->each && u->family != RATIO) || value % step != 0)
		return false;
	n = snprintf(text, CONF_AMOUNT_TEXT, "%" PRIu64, value / u->each);
	if (value % u->each != 0) {
		n += snprintf(text + n, CONF_AMOUNT_TEXT - (size_t)n, ".%03u",
		              (unsigned int)(value % u->each / step));
		while (text[n - 1] == '0')
			n--;
	}
	snprintf(text + n, CONF_AMOUNT_TEXT - (size_t)n, "%s", u->name);
	return true;
}

void
conf_format_amount(enum conf_kind kind, uint64_t value, char text[CONF_AMOUNT_TEXT])
{
	if (kinds[kind].has_off && value == 0) {
		snprintf(text, CONF_AMOUNT_TEXT, "off");
		return;
	}
	for (size_t i = UNITS; i-- > 0;)
		if (belongs(&units[i], kind) && !units[i].is_alias &&
		    format_in(&units[i], value, text))
			return;
	/* Finer than the finest unit: only defaults and bounds of ours can be. */
	snprintf(text, CONF_AMOUNT_TEXT, "%" PRIu64 "%s", value,
	         value == 0 && kind == CONF_TIME   ? "s"
	         : value == 0 && kind == CONF_SIZE ? "KiB"
	         : kind == CONF_TIME               ? " ns"
	         : kind == CONF_SIZE               ? " bytes"
	                                           : "");
}

void
conf_format_rate(const struct conf_rate *rate, char text[CONF_AMOUNT_TEXT])
{
	conf_format_amount(rate->is_bits ? CONF_BITS : CONF_PACKETS, rate->per_second,
	                   text);
}
