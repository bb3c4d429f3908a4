/* SPDX-License-Identifier: BSD-3-Clause */
#include "args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

void
complain(const char *format, ...)
{
	va_list ap;

	fputs("trafficgen: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* Digits at the start of text; end is where they stop. */
static int
digits(uint64_t *out, const char *text, const char **end)
{
	char *stop;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*out = strtoull(text, &stop, strncmp(text, "0x", 2) == 0 ? 16 : 10);
	*end = stop;
	return errno == 0 ? 0 : -EINVAL;
}

int
args_number(uint64_t *out, const char *text)
{
	const char *end;
	uint64_t n;

	if (digits(&n, text, &end) != 0 || *end != '\0')
		return -EINVAL;
	*out = n;
	return 0;
}

/* Multiply by the unit that the text names; a missing unit is the name "". */
static int
scaled(uint64_t *value, const char *name, const struct unit *units)
{
	for (const struct unit *u = units; u->name != NULL; u++) {
		if (strcmp(u->name, name) != 0)
			continue;
		return __builtin_mul_overflow(*value, u->factor, value) ? -EINVAL : 0;
	}
	return -EINVAL;
}

int
args_rate(uint64_t *out, const char *text)
{
	static const struct unit units[] = {
		{ "", 1 },        { "pps", 1 },        { "cps", 1 },
		{ "k", 1000 },    { "kpps", 1000 },    { "kcps", 1000 },
		{ "M", 1000000 }, { "Mpps", 1000000 }, { NULL, 0 },
	};
	const char *end;
	uint64_t n;

	if (digits(&n, text, &end) != 0 || scaled(&n, end, units) != 0)
		return -EINVAL;
	if (n < 1 || n > 1000000000)
		return -EINVAL;
	*out = n;
	return 0;
}

int
args_duration(uint64_t *out_ns, const char *text)
{
	static const struct unit units[] = {
		{ "ns", 1 },       { "us", NS_PER_US },    { "ms", NS_PER_MS },
		{ "s", NS_PER_S }, { "m", 60 * NS_PER_S }, { "h", 3600 * NS_PER_S },
		{ NULL, 0 },
	};
	const char *end;
	uint64_t n;

	if (digits(&n, text, &end) != 0)
		return -EINVAL;
	if (!(n == 0 && *end == '\0') && scaled(&n, end, units) != 0)
		return -EINVAL;
	/*
	 * A month is more than anybody wants and keeps all later sums far from overflow.
	 */
	if (n > 31ull * 86400 * NS_PER_S)
		return -EINVAL;
	*out_ns = n;
	return 0;
}

/* Split "A-B" and read both halves by the same reader; "A" is both. */
static int
both(struct range *out, const char *text, int (*read)(uint64_t *, const char *))
{
	struct range r;
	char buf[64], *dash;

	if (strlen(text) >= sizeof(buf))
		return -EINVAL;
	strcpy(buf, text);
	dash = strchr(buf, '-');
	if (dash != NULL)
		*dash++ = '\0';
	if (read(&r.min, buf) != 0 || read(&r.max, dash != NULL ? dash : buf) != 0)
		return -EINVAL;
	if (r.min > r.max)
		return -EINVAL;
	*out = r;
	return 0;
}

int
args_range(struct range *out, const char *text)
{
	return both(out, text, args_number);
}

int
args_duration_range(struct range *out_ns, const char *text)
{
	return both(out_ns, text, args_duration);
}

int
args_percent(uint32_t *out_ppm, const char *text)
{
	const char *end;
	uint64_t whole, ppm;
	uint32_t place = 1000;

	if (digits(&whole, text, &end) != 0 || whole > 100)
		return -EINVAL;
	ppm = whole * 10000;
	if (*end == '.') {
		for (end++; *end >= '0' && *end <= '9'; end++) {
			ppm += (uint64_t)(*end - '0') * place;
			place /= 10;
		}
	}
	if (strcmp(end, "%") != 0 || ppm > 1000000)
		return -EINVAL;
	*out_ppm = (uint32_t)ppm;
	return 0;
}

int
args_mac(uint8_t out[6], const char *text)
{
	unsigned int b[6];
	int used = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4],
	           &b[5], &used) != 6 ||
	    text[used] != '\0')
		return -EINVAL;
	for (int i = 0; i < 6; i++)
		out[i] = (uint8_t)b[i];
	return 0;
}

int
args_vlan(uint16_t *out, const char *text)
{
	uint64_t n;

	if (args_number(&n, text) != 0 || n < 1 || n > 4094)
		return -EINVAL;
	*out = (uint16_t)n;
	return 0;
}

int
args_qinq(uint16_t out[2], const char *text)
{
	char buf[16], *dot;
	uint16_t tags[2];

	if (strlen(text) >= sizeof(buf))
		return -EINVAL;
	strcpy(buf, text);
	dot = strchr(buf, '.');
	if (dot == NULL)
		return -EINVAL;
	*dot++ = '\0';
	if (args_vlan(&tags[0], buf) != 0 || args_vlan(&tags[1], dot) != 0)
		return -EINVAL;
	memcpy(out, tags, sizeof(tags));
	return 0;
}
