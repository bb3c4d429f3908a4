/* SPDX-License-Identifier: BSD-3-Clause */
#include "live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 6

static int
read_port(uint16_t *out, const char *text)
{
	uint64_t n;

	if (args_number(&n, text) != 0 || n < 1 || n > 65535)
		return -EINVAL;
	*out = (uint16_t)n;
	return 0;
}

static int
read_host(struct address *out, const char *text)
{
	struct prefix p;

	if (strchr(text, '/') != NULL || prefix_parse(&p, text) != 0)
		return -EINVAL;
	*out = p.base;
	return 0;
}

static int
read_numbers(struct range *out, bool *is_given, const char *text)
{
	*is_given = strcmp(text, "-") != 0;
	if (!*is_given)
		return 0;
	return args_range(out, text) != 0 || out->max > LIVE_NUMBER_MAX ? -EINVAL : 0;
}

/* Returns words found; one more than WORDS_MAX when there are too many. */
static unsigned int
split(char *line, char *words[WORDS_MAX])
{
	unsigned int n = 0;
	char *save = NULL;

	line[strcspn(line, "#\r\n")] = '\0';
	for (char *w = strtok_r(line, " \t", &save); w != NULL;
	     w = strtok_r(NULL, " \t", &save), n++) {
		if (n == WORDS_MAX)
			return n + 1;
		words[n] = w;
	}
	return n;
}

static int
read_flow(struct live_flow *f, char *const *words, unsigned int n)
{
	memset(f, 0, sizeof(*f));
	if (n < 4 || n > WORDS_MAX || read_host(&f->client, words[0]) != 0 ||
	    read_port(&f->client_port, words[1]) != 0 ||
	    read_host(&f->server, words[2]) != 0 ||
	    read_port(&f->server_port, words[3]) != 0 ||
	    f->client.family != f->server.family)
		return -EINVAL;
	if (n > 4 && read_numbers(&f->seq, &f->has_seq, words[4]) != 0)
		return -EINVAL;
	if (n > 5 && read_numbers(&f->ack, &f->has_ack, words[5]) != 0)
		return -EINVAL;
	return 0;
}

static int
append(struct live *l, size_t *room, const struct live_flow *flow)
{
	if (l->count == *room) {
		const size_t more = *room == 0 ? 64 : 2 * *room;
		struct live_flow *grown = realloc(l->flow, more * sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		l->flow = grown;
		*room = more;
	}
	l->flow[l->count++] = *flow;
	return 0;
}

static int
read_lines(struct live *l, FILE *from, const char *path)
{
	char line[256], *words[WORDS_MAX];
	unsigned int number = 0, n;
	struct live_flow flow;
	size_t room = 0;

	while (fgets(line, sizeof(line), from) != NULL) {
		number++;
		n = split(line, words);
		if (n == 0)
			continue;
		if (read_flow(&flow, words, n) != 0) {
			complain("%s:%u: write CLIENT PORT SERVER PORT [SEQ [ACK]], "
			         "numbers as "
			         "N, MIN-MAX or -",
			         path, number);
			return -EINVAL;
		}
		if (append(l, &room, &flow) != 0) {
			complain("%s: out of memory", path);
			return -ENOMEM;
		}
	}
	if (l->count == 0) {
		complain("%s holds no connection", path);
		return -EINVAL;
	}
	return 0;
}

int
live_read(struct live *out, const char *path)
{
	struct live l = { 0 };
	FILE *from = fopen(path, "r");
	int err;

	if (from == NULL) {
		err = -errno;
		complain("cannot read %s: %s", path, strerror(errno));
		return err;
	}
	err = read_lines(&l, from, path);
	fclose(from);
	if (err != 0) {
		live_free(&l);
		return err;
	}
	*out = l;
	return 0;
}

void
live_free(struct live *l)
{
	free(l->flow);
	*l = (struct live){ 0 };
}
