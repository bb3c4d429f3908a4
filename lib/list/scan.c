/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scan - addresses, prefixes and times from text that has no NUL at its end.
 *
 * What is an address is decided as inet_pton() does: no leading zeros, four parts of
 * IPv4, "::" once and for one group at least. Written by hand because lines have no NUL
 * at their end, and five million of them go through here: an address takes two thirds
 * of what a copy and inet_pton() take.
 *
 * Source  RFC 4291 section 2.2, RFC 3339 section 5.6.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf/conf.h"
#include "list/parts.h"

#define MAPPED_BITS 96

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static unsigned int
digit(char c)
{
	return (unsigned int)((unsigned char)c - '0');
}

/* -1: no hexadecimal digit. */
static int
hex(char c)
{
	const unsigned int low = (unsigned char)c | 0x20u;

	if (digit(c) < 10)
		return (int)digit(c);
	return low >= 'a' && low <= 'f' ? (int)(low - 'a' + 10) : -1;
}

/* A decimal number without leading zeros up to `most`, all of text; or -1. */
static int
decimal(const char *text, size_t len, unsigned int most)
{
	unsigned int value = 0;

	if (len == 0 || len > 3 || (len > 1 && text[0] == '0'))
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (digit(text[i]) > 9)
			return -1;
		value = value * 10 + digit(text[i]);
	}
	return value > most ? -1 : (int)value;
}

/* All of text is one IPv4 address. */
static bool
scan_ipv4(const char *text, size_t len, uint8_t out[4])
{
	const char *end = text + len;

	for (unsigned int part = 0; part < 4; part++) {
		unsigned int value, n = 1;

		if (text == end || digit(*text) > 9)
			return false;
		value = digit(*text++);
		while (text < end && digit(*text) < 10) {
			/* A zero in front is octal for some and decimal for others. */
			if (value == 0 || ++n > 3)
				return false;
			value = value * 10 + digit(*text++);
		}
		if (value > 255 || (part < 3 && (text == end || *text++ != '.')))
			return false;
		out[part] = (uint8_t)value;
	}
	return text == end;
}

/* One group of one to four digits. Returns its characters, or 0. */
static size_t
scan_group(const char *text, size_t len, uint8_t out[2])
{
	unsigned int value = 0;
	size_t n = 0;

	for (; n < len && hex(text[n]) >= 0; n++) {
		if (n == 4)
			return 0;
		value = value << 4 | (unsigned int)hex(text[n]);
	}
	out[0] = (uint8_t)(value >> 8);
	out[1] = (uint8_t)value;
	return n;
}

/* All of text is one IPv6 address. */
static bool
scan_ipv6(const char *text, size_t len, uint8_t out[16])
{
	uint8_t got[16];
	size_t at = 0, n = 0, gap = SIZE_MAX, chars;

	if (len > 1 && text[0] == ':' && text[1] == ':')
		at = 2, gap = 0;
	while (at < len && n < 16) {
		chars = scan_group(text + at, len - at, got + n);
		if (chars == 0)
			return false;
		if (at + chars < len && text[at + chars] == '.') {
			if (n > 12 || !scan_ipv4(text + at, len - at, got + n))
				return false;
			n += 4;
			at = len;
			break;
		}
		n += 2;
		at += chars;
		if (at == len)
			break;
		if (text[at++] != ':' || at == len)
			return false;
		if (text[at] != ':')
			continue;
		if (gap != SIZE_MAX)
			return false;
		gap = n;
		at++;
	}
	if (at != len || (gap == SIZE_MAX ? n != 16 : n == 16))
		return false;
	memset(out, 0, 16);
	gap = gap == SIZE_MAX ? n : gap;
	memcpy(out, got, gap);
	memcpy(out + 16 - (n - gap), got + gap, n - gap);
	return true;
}

/* Clear what lies behind the length. Returns whether anything was set there. */
static bool
mask(struct prefix *p)
{
	unsigned int at = p->len / 8;
	uint8_t had = 0;

	if (at == 16)
		return false;
	had = p->address[at] & (uint8_t)(0xffu >> p->len % 8);
	p->address[at] = p->address[at] & (uint8_t)~had;
	for (at++; at < 16; at++) {
		had |= p->address[at];
		p->address[at] = 0;
	}
	return had != 0;
}

int
list_scan_prefix(const char *text, size_t len, struct prefix *out)
{
	const char *slash = memchr(text, '/', len);
	const size_t chars = slash == NULL ? len : (size_t)(slash - text);
	unsigned int most = 128;
	struct prefix p;
	int bits;

	if (scan_ipv4(text, chars, p.address + sizeof(mapped))) {
		memcpy(p.address, mapped, sizeof(mapped));
		most = 32;
	} else if (!scan_ipv6(text, chars, p.address)) {
		return -EINVAL;
	}
	bits = (int)most;
	if (slash != NULL) {
		bits = decimal(slash + 1, len - chars - 1, 999);
		if (bits < 0)
			return -EINVAL;
		if ((unsigned int)bits > most)
			return -ERANGE;
	}
	p.len = (uint8_t)(most == 32 ? bits + MAPPED_BITS : bits);
	if (most == 128 && prefix_is_ipv4(&p))
		return -EXDEV;
	*out = p;
	return mask(out) ? -EDOM : 0;
}

/* --- times --- */

/* `n` digits at *at as a number, or -1; *at moves behind them. */
static int
digits(const char **at, const char *end, unsigned int n)
{
	int value = 0;

	if ((size_t)(end - *at) < n)
		return -1;
	for (; n > 0; n--, (*at)++) {
		if (digit(**at) > 9)
			return -1;
		value = value * 10 + (int)digit(**at);
	}
	return value;
}

static bool
skip(const char **at, const char *end, char c)
{
	return *at < end && (**at | (c == 't' ? 0x20 : 0)) == c && (*at)++;
}

/* "Z" or "+02:00" in seconds east of Greenwich; INT_MIN when it is neither. */
static int
zone(const char **at, const char *end)
{
	int sign = 1, hours, minutes;

	if (*at < end && (**at | 0x20) == 'z' && (*at)++)
		return 0;
	if (*at == end || (**at != '+' && **at != '-'))
		return INT32_MIN;
	sign = *(*at)++ == '-' ? -1 : 1;
	hours = digits(at, end, 2);
	if (hours < 0 || hours > 23 || !skip(at, end, ':'))
		return INT32_MIN;
	minutes = digits(at, end, 2);
	return minutes < 0 || minutes > 59 ? INT32_MIN
	                                   : sign * (hours * 3600 + minutes * 60);
}

/* RFC 3339 without fractions. Returns -1 when it is none. */
static int64_t
calendar(const char *text, const char *end)
{
	struct tm t = { 0 }, back;
	int64_t seconds;
	time_t whole;
	int east;

	t.tm_year = digits(&text, end, 4) - 1900;
	if (!skip(&text, end, '-'))
		return -1;
	t.tm_mon = digits(&text, end, 2) - 1;
	if (!skip(&text, end, '-'))
		return -1;
	t.tm_mday = digits(&text, end, 2);
	if (!skip(&text, end, 't'))
		return -1;
	t.tm_hour = digits(&text, end, 2);
	if (!skip(&text, end, ':'))
		return -1;
	t.tm_min = digits(&text, end, 2);
	if (!skip(&text, end, ':'))
		return -1;
	t.tm_sec = digits(&text, end, 2);
	east = zone(&text, end);
	if (text != end || east == INT32_MIN || t.tm_year < 70)
		return -1;
	back = t;
	whole = timegm(&back);
	/* What was moved is a day or an hour that there is not. */
	if (back.tm_year != t.tm_year || back.tm_mon != t.tm_mon ||
	    back.tm_mday != t.tm_mday || back.tm_hour != t.tm_hour ||
	    back.tm_min != t.tm_min || back.tm_sec != t.tm_sec)
		return -1;
	seconds = (int64_t)whole - east;
	return seconds < 0 ? -1 : seconds;
}

/* "+1h" from now. Returns -1 when it is none. */
static int64_t
from_now(const char *text, size_t len, int64_t now_s)
{
	char time[24], why[160];
	uint64_t ns;

	if (len >= sizeof(time))
		return -1;
	memcpy(time, text, len);
	time[len] = '\0';
	if (strlen(time) != len || conf_parse_time(time, &ns, why, sizeof(why)) < 0)
		return -1;
	/* Rounded up, or the shortest time would be over at once. */
	return now_s + (int64_t)((ns + 999999999) / 1000000000);
}

int
list_scan_until(const char *text, size_t len, int64_t now_s, uint32_t *until_s)
{
	int64_t seconds = 0;
	size_t i = 0;

	if (len == 0) {
		*until_s = 0;
		return 0;
	}
	if (text[0] == '+') {
		seconds = from_now(text + 1, len - 1, now_s);
	} else if (memchr(text, '-', len) != NULL) {
		seconds = calendar(text, text + len);
	} else {
		for (; i < len && digit(text[i]) < 10 && seconds <= UINT32_MAX; i++)
			seconds = seconds * 10 + digit(text[i]);
		if (i < len && digit(text[i]) > 9)
			seconds = -1;
	}
	if (seconds < 0)
		return -EINVAL;
	if (seconds > UINT32_MAX)
		return -ERANGE;
	/* 0 would be no end at all, and this time has come. */
	*until_s = seconds == 0 ? 1 : (uint32_t)seconds;
	return 0;
}
