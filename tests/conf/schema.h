/* SPDX-License-Identifier: BSD-3-Clause */
/* schema - a table with a field of every kind, for the tests and the fuzzer of conf. */
#ifndef TESTS_CONF_SCHEMA_H
#define TESTS_CONF_SCHEMA_H

#include "conf/conf.h"

struct nest {
	uint64_t hold_ns;
	char *title;
};

struct item {
	char *name;
	struct conf_rate rate;
	uint64_t cps;
	struct nest nest;
	struct conf_texts tags;
};

struct everything {
	uint64_t version;
	bool on;
	uint64_t count, time_ns, bytes, ppm, packets, bits, cps;
	struct conf_rate rate;
	int word;
	char *text;
	struct conf_texts texts;
	struct conf_prefixes prefixes;
	struct conf_ports ports;
	struct nest group;
	struct conf_list items;
	struct config_setting_t *section, *sections;
};

static const char *const everything_words[] = { "allow", "deny", "challenge", NULL };

static const struct conf_field nest_fields[] = {
	{ "hold", CONF_TIME, offsetof(struct nest, hold_ns), "10s", UINT64_C(1000000),
	  UINT64_C(3600000000000), "How long it holds.", NULL, NULL, 0, NULL },
	{ "title", CONF_TEXT, offsetof(struct nest, title), "", 0, 20, "A title.", NULL,
	  NULL, 0, NULL },
	{ .key = NULL },
};

static const struct conf_field item_fields[] = {
	{ "name", CONF_TEXT, offsetof(struct item, name), NULL, 1, 16, "Its name.", NULL,
	  NULL, 0, "one" },
	{ "rate", CONF_RATE, offsetof(struct item, rate), "off", 10, 1000000, "A rate.",
	  NULL, NULL, 0, NULL },
	{ "cps", CONF_CPS, offsetof(struct item, cps), "50cps", 0, 0, "Connections.",
	  NULL, NULL, 0, NULL },
	{ "nest", CONF_GROUP, offsetof(struct item, nest), NULL, 0, 0, "Nested.", NULL,
	  nest_fields, 0, NULL },
	{ "tags", CONF_TEXTS, offsetof(struct item, tags), "", 1, 8, "Tags.", NULL, NULL,
	  0, NULL },
	{ .key = NULL },
};

#define FIELD(name, kind, member, absent, min, max)                                      \
	{                                                                                \
		name, kind, offsetof(struct everything, member), absent, min, max,       \
			"Help of " name ".", NULL, NULL, 0, NULL                         \
	}

static const struct conf_field everything_fields[] = {
	{ "version", CONF_INT, offsetof(struct everything, version), NULL, 1, 1,
	  "The version of this grammar.", NULL, NULL, 0, "1" },
	FIELD("on", CONF_BOOL, on, "true", 0, 0),
	FIELD("count", CONF_COUNT, count, "256k", 1, 64000000),
	FIELD("time", CONF_TIME, time_ns, "300ms", UINT64_C(1000000),
	      UINT64_C(60000000000)),
	FIELD("bytes", CONF_SIZE, bytes, "4MiB", 1024, UINT64_C(1073741824)),
	FIELD("ratio", CONF_RATIO, ppm, "0.1%", 0, 1000000),
	FIELD("packets", CONF_PACKETS, packets, "50kpps", 10, 1000000),
	FIELD("bits", CONF_BITS, bits, "1.5Gbit/s", 0, 0),
	FIELD("cps", CONF_CPS, cps, "off", 0, 0),
	FIELD("rate", CONF_RATE, rate, "off", 0, 0),
	{ "word", CONF_WORD, offsetof(struct everything, word), "deny", 0, 0, "A word.",
	  everything_words, NULL, 0, NULL },
	FIELD("text", CONF_TEXT, text, "say \"hi\"\\", 1, 40),
	FIELD("texts", CONF_TEXTS, texts, "a:1, unix:/b", 1, 20),
	FIELD("prefixes", CONF_PREFIXES, prefixes, "", 0, 0),
	FIELD("ports", CONF_PORTS, ports, "", 0, 0),
	{ "group", CONF_GROUP, offsetof(struct everything, group), NULL, 0, 0, "A group.",
	  NULL, nest_fields, 0, NULL },
	{ "items", CONF_LIST, offsetof(struct everything, items), "", 0, 0, "Items.",
	  NULL, item_fields, sizeof(struct item), NULL },
	{ "section", CONF_SECTION, offsetof(struct everything, section), "", 0, 0,
	  "A section.", NULL, nest_fields, 0, NULL },
	{ "sections", CONF_SECTIONS, offsetof(struct everything, sections), "", 0, 0,
	  "Sections.", NULL, nest_fields, 0, NULL },
	{ .key = NULL },
};

#endif
