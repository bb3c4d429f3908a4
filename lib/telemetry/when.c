/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/when.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "conf/conf.h"

#define DAY_S  INT64_C(86400)
#define LAST_S INT64_C(253402300799) /* the end of the year 9999 */

/* Exactly `digits` digits at *text, which moves behind them; -1 when they are not there. */
static int
number(const char **text, int digits)
{
	int value = 0;

	for (int i = 0; i < digits; i++, (*text)++) {
		if (!isdigit((unsigned char)**text))
			return -1;
		value = value * 10 + (**text - '0');
	}
	return value;
}

static bool
skip(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

/* "2026-11-21" as days since 1970; false when there is no such day. */
static bool
read_day(const char **text, int64_t *day)
{
	struct tm tm = { 0 }, same;
	time_t at;

	tm.tm_year = number(text, 4) - 1900;
	if (tm.tm_year < 70 || !skip(text, '-'))
		return false;
	tm.tm_mon = number(text, 2) - 1;
	if (tm.tm_mon < 0 || !skip(text, '-'))
		return false;
	tm.tm_mday = number(text, 2);
	same = tm;
	at = timegm(&same);
	*day = at / DAY_S;
	/* The library would take the 31st of November for the 1st of December. */
	return tm.tm_mday > 0 && same.tm_mon == tm.tm_mon && same.tm_mday == tm.tm_mday;
}

/* "Z" or "+01:30" as seconds east of UTC. */
static bool
read_offset(const char **text, int64_t *east)
{
	int hours, minutes;
	bool is_west;

	*east = 0;
	if (skip(text, 'Z') || skip(text, 'z'))
		return true;
	is_west = **text == '-';
	if (!skip(text, '-') && !skip(text, '+'))
		return false;
	hours = number(text, 2);
	if (hours < 0 || hours > 23 || !skip(text, ':'))
		return false;
	minutes = number(text, 2);
	*east = (is_west ? -1 : 1) * (hours * 3600 + minutes * 60);
	return minutes >= 0 && minutes < 60;
}

/* "22:30:00.5Z" as seconds of the day, which may reach into a neighbouring one. */
static bool
read_time(const char **text, int64_t *seconds)
{
	int hour = number(text, 2), minute, second;
	int64_t east;

	if (hour < 0 || hour > 23 || !skip(text, ':'))
		return false;
	minute = number(text, 2);
	if (minute < 0 || minute > 59 || !skip(text, ':'))
		return false;
	second = number(text, 2);
	if (second < 0 || second > 60) /* a leap second is the next one's begin */
		return false;
	if (skip(text, '.')) {
		if (!isdigit((unsigned char)**text))
			return false;
		*text += strspn(*text, "0123456789");
	}
	if (!read_offset(text, &east))
		return false;
	*seconds = hour * 3600 + minute * 60 + second - east;
	return true;
}

static bool
read_date(const char *text, int64_t *at)
{
	int64_t day, seconds = 0;

	if (!read_day(&text, &day))
		return false;
	if (*text != '\0' && !skip(&text, 'T') && !skip(&text, 't') && !skip(&text, ' '))
		return false;
	if (*text == '\0')
		seconds = 0;
	else if (!read_time(&text, &seconds))
		return false;
	*at = day * DAY_S + seconds;
	return *text == '\0' && *at >= 0 && *at <= LAST_S;
}

static bool
read_unix(const char *text, int64_t *at)
{
	const size_t n = strspn(text, "0123456789");

	if (n == 0 || n > 12 || text[n] != '\0')
		return false;
	*at = 0;
	for (size_t i = 0; i < n; i++)
		*at = *at * 10 + (text[i] - '0');
	return *at <= LAST_S;
}

int
telemetry_when_parse(const char *text, struct telemetry_when *out)
{
	char why[160];
	uint64_t ns;
	int64_t at;

	if (read_unix(text, &at) || read_date(text, &at)) {
		*out = (struct telemetry_when){ TELEMETRY_AT, at };
		return 0;
	}
	if (conf_parse_time(text + (text[0] == '-'), &ns, why, sizeof(why)) < 0)
		return -EINVAL;
	*out = (struct telemetry_when){ TELEMETRY_AGO, (int64_t)(ns / 1000000000) };
	return 0;
}

int64_t
telemetry_when_of(const struct telemetry_when *when, int64_t now_s, int64_t absent)
{
	int64_t at = absent;

	if (when->kind == TELEMETRY_AT)
		at = when->seconds;
	else if (when->kind == TELEMETRY_AGO)
		at = now_s - when->seconds;
	return at < 0 ? 0 : at;
}
