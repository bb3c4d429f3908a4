/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_IN_NS 1000000U

enum kind { NUMBER, MILLISECONDS, TEXT, PORT, GROUP, CUSTOMERS, BOTS, SHOP };

struct option_row {
	const char *name;
	enum kind kind;
	size_t offset; /* of the field, for the kinds that simply store */
};

static const struct option_row rows[] = {
	{ "--group", GROUP, 0 },
	{ "--customers", CUSTOMERS, 0 },
	{ "--bots", BOTS, 0 },
	{ "--shop", SHOP, 0 },
	{ "--interface", TEXT, offsetof(struct options, interface) },
	{ "--host", TEXT, offsetof(struct options, host) },
	{ "--paths", TEXT, offsetof(struct options, paths) },
	{ "--timeout-ms", MILLISECONDS, offsetof(struct options, timeout_ns) },
	{ "--think-ms", MILLISECONDS, offsetof(struct options, think_ns) },
	{ "--interval-ms", MILLISECONDS, offsetof(struct options, interval_ns) },
	{ "--bucket-ms", MILLISECONDS, offsetof(struct options, bucket_ns) },
	{ "--keep-alive", NUMBER, offsetof(struct options, keep_alive) },
	{ "--cps", NUMBER, offsetof(struct options, cps) },
	{ "--slots", NUMBER, offsetof(struct options, slots) },
	{ "--seed", NUMBER, offsetof(struct options, seed) },
	{ "--port", PORT, 0 },
};

static int
add_prefix(struct address_prefix *list, unsigned int *count, const char *text)
{
	if (*count == OPTIONS_GROUPS)
		return -ENOSPC;
	return address_prefix_parse(&list[(*count)++], text);
}

static int
add_group(struct options *o, const char *text)
{
	if (o->group_count == OPTIONS_GROUPS)
		return -ENOSPC;
	return address_group_parse(&o->groups[o->group_count++], text);
}

static int
set_shop(struct options *o, const char *text)
{
	const bool is_v6 = strchr(text, ':') != NULL;

	return address_parse(is_v6 ? &o->shop6 : &o->shop4, text, 0);
}

static int
set_number(struct options *o, const struct option_row *row, const char *text)
{
	char *field = (char *)o + row->offset;
	char *end;
	const unsigned long value = strtoul(text, &end, 10);
	const uint64_t ns = value * MS_IN_NS;
	const unsigned int count = (unsigned int)value;

	if (*end != '\0' || end == text || *text == '-' || value > 100000000)
		return -EINVAL;
	if (row->kind == PORT) {
		o->port = (uint16_t)value;
		return value >= 1 && value <= 65535 ? 0 : -EINVAL;
	}
	if (row->kind == MILLISECONDS)
		memcpy(field, &ns, sizeof(ns));
	else
		memcpy(field, &count, sizeof(count));
	return 0;
}

static int
apply(struct options *o, const struct option_row *row, const char *text)
{
	switch (row->kind) {
	case GROUP:
		return add_group(o, text);
	case CUSTOMERS:
		return add_prefix(o->customers, &o->customer_count, text);
	case BOTS:
		return add_prefix(o->bots, &o->bot_count, text);
	case SHOP:
		return set_shop(o, text);
	case TEXT:
		memcpy((char *)o + row->offset, &text, sizeof(text));
		return 0;
	case NUMBER:
	case MILLISECONDS:
	case PORT:
		return set_number(o, row, text);
	}
	return -EINVAL;
}

static const struct option_row *
row_of(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

int
options_parse(struct options *o, int argc, char **argv)
{
	memset(o, 0, sizeof(*o));
	o->host = "shop.example";
	o->paths = "/";
	o->timeout_ns = 2000ULL * MS_IN_NS;
	o->think_ns = 500ULL * MS_IN_NS;
	o->interval_ns = 1000ULL * MS_IN_NS;
	o->bucket_ns = 10ULL * MS_IN_NS;
	o->cps = 10;
	o->slots = 8;
	o->port = 80;

	for (int i = 0; i < argc; i += 2) {
		const struct option_row *row = row_of(argv[i]);

		if (row == NULL || i + 1 == argc) {
			fprintf(stderr, "crowd: %s '%s'\n",
			        row == NULL ? "unknown option" : "no value for", argv[i]);
			return 2;
		}
		if (apply(o, row, argv[i + 1]) != 0) {
			fprintf(stderr, "crowd: %s cannot be '%s'\n", argv[i],
			        argv[i + 1]);
			return 2;
		}
	}
	if (o->cps == 0 || o->slots == 0 || o->bucket_ns == 0 || o->timeout_ns == 0) {
		fprintf(stderr, "crowd: --cps, --slots, --bucket-ms and --timeout-ms "
		                "must not be 0\n");
		return 2;
	}
	o->shop4.at.v4.sin_port = htons(o->port);
	o->shop6.at.v6.sin6_port = htons(o->port);
	return 0;
}

const struct address *
options_shop(const struct options *o, int family)
{
	const struct address *shop = family == AF_INET6 ? &o->shop6 : &o->shop4;

	return shop->at.any.sa_family == family ? shop : NULL;
}

unsigned int
options_hosts(const struct options *o)
{
	unsigned int total = 0;

	for (unsigned int i = 0; i < o->group_count; i++)
		total += o->groups[i].count;
	return total;
}

void
options_host(struct address *out, const struct options *o, unsigned int host)
{
	unsigned int group = 0;

	while (group + 1 < o->group_count && host >= o->groups[group].count)
		host -= o->groups[group++].count;
	address_of_host(out, &o->groups[group], host);
}
