/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/look.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 512

bool
look_line(char *out, size_t size, const char *format, ...)
{
	char path[PATH_SIZE];
	va_list args;
	bool got;
	FILE *f;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	got = fgets(out, (int)size, f) != NULL;
	fclose(f);
	if (got)
		out[strcspn(out, "\n")] = '\0';
	return got;
}

long
look_number(long otherwise, const char *format, ...)
{
	char path[PATH_SIZE], line[64], *end;
	va_list args;
	long value;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	if (!look_line(line, sizeof(line), "%s", path))
		return otherwise;
	value = strtol(line, &end, 0);
	return end == line ? otherwise : value;
}

bool
look_exists(const char *format, ...)
{
	char path[PATH_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	return access(path, F_OK) == 0;
}

bool
look_value(const char *path, const char *key, char *out, size_t size)
{
	size_t n = strlen(key);
	char *line = NULL;
	size_t room = 0;
	bool found = false;
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return false;
	while (!found && getline(&line, &room, f) > 0) {
		const char *at = line + strspn(line, " ");

		if (strncmp(at, key, n) != 0)
			continue;
		at += n + strspn(at + n, " \t");
		if (*at != ':')
			continue;
		at++;
		at += strspn(at, " \t");
		snprintf(out, size, "%.*s", (int)strcspn(at, "\n"), at);
		found = true;
	}
	free(line);
	fclose(f);
	return found;
}

bool
look_has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; (at = strstr(at, word)) != NULL; at += n)
		if ((at == list || isspace((unsigned char)at[-1])) &&
		    (at[n] == '\0' || isspace((unsigned char)at[n])))
			return true;
	return false;
}

int
look_list(const char *text, unsigned int *out, unsigned int max)
{
	unsigned long first, last;
	unsigned int n = 0;
	char *end;

	while (*text != '\0') {
		if (!isdigit((unsigned char)*text))
			return -1;
		first = last = strtoul(text, &end, 10);
		if (*end == '-') {
			if (!isdigit((unsigned char)end[1]))
				return -1;
			last = strtoul(end + 1, &end, 10);
		}
		if (last < first || last > 65535 || (*end != ',' && *end != '\0'))
			return -1;
		for (; first <= last; first++) {
			if (n == max)
				return -1;
			out[n++] = (unsigned int)first;
		}
		if (*end == ',' && end[1] == '\0')
			return -1;
		text = *end == ',' ? end + 1 : end;
	}
	return n == 0 ? -1 : (int)n;
}
