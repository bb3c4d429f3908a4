/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mmdb_writer - small MaxMind databases, so that tests need nobody's data.
 *
 * Begin, add networks, finish: the bytes stand in w->out. The last network added wins
 * where two overlap. Structure as in the MaxMind DB file format 2.0.
 */
#ifndef TESTS_MMDB_WRITER_H
#define TESTS_MMDB_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "prefix/prefix.h"

#define MMDB_EMPTY UINT32_MAX
#define MMDB_DATA  UINT32_C(0x80000000) /* the rest is an offset into the records */

struct mmdb_writer {
	unsigned int version, record_bits;
	uint32_t (*node)[2]; /* by bit: a node, MMDB_EMPTY or MMDB_DATA */
	uint32_t nodes, room;
	uint8_t data[65536];
	uint32_t data_len;
	uint8_t *out;
	size_t len;
};

/* Sizes up to 284. */
static void
mmdb_control(struct mmdb_writer *w, unsigned int type, unsigned int size)
{
	const unsigned int low = size < 29 ? size : 29;

	w->data[w->data_len++] = (uint8_t)((type < 8 ? type << 5 : 0) | low);
	if (type >= 8)
		w->data[w->data_len++] = (uint8_t)(type - 7);
	if (size >= 29)
		w->data[w->data_len++] = (uint8_t)(size - 29);
}

static void
mmdb_text(struct mmdb_writer *w, const char *text)
{
	const size_t len = strlen(text);

	mmdb_control(w, 2, (unsigned int)len);
	memcpy(w->data + w->data_len, text, len);
	w->data_len += (uint32_t)len;
}

/* type 5 is 16 bits wide, 6 is 32, 9 is 64. */
static void
mmdb_number(struct mmdb_writer *w, unsigned int type, uint64_t value)
{
	const unsigned int bytes = type == 5 ? 2 : type == 6 ? 4 : 8;

	mmdb_control(w, type, bytes);
	for (unsigned int i = bytes; i-- > 0;)
		w->data[w->data_len++] = (uint8_t)(value >> (8 * i));
}

static void
mmdb_begin(struct mmdb_writer *w, unsigned int version, unsigned int record_bits)
{
	memset(w, 0, sizeof(*w));
	w->version = version;
	w->record_bits = record_bits;
	w->room = 1024;
	w->node = malloc(w->room * sizeof(*w->node));
	w->node[0][0] = w->node[0][1] = MMDB_EMPTY;
	w->nodes = 1;
}

/* {"country": {"iso_code": code}, "continent": {"code": "EU"}}, and its offset. */
__attribute__((unused)) static uint32_t
mmdb_country(struct mmdb_writer *w, const char *code)
{
	const uint32_t at = w->data_len;

	mmdb_control(w, 7, 2);
	mmdb_text(w, "continent");
	mmdb_control(w, 7, 1);
	mmdb_text(w, "code");
	mmdb_text(w, "EU");
	mmdb_text(w, "country");
	mmdb_control(w, 7, 2);
	mmdb_text(w, "geoname_id");
	mmdb_number(w, 6, 2750405);
	mmdb_text(w, "iso_code");
	mmdb_text(w, code);
	return at;
}

__attribute__((unused)) static uint32_t
mmdb_system(struct mmdb_writer *w, uint32_t number)
{
	const uint32_t at = w->data_len;

	mmdb_control(w, 7, 2);
	mmdb_text(w, "autonomous_system_number");
	mmdb_number(w, 6, number);
	mmdb_text(w, "autonomous_system_organization");
	mmdb_text(w, "Example");
	return at;
}

/* {key: value}, both texts. */
__attribute__((unused)) static uint32_t
mmdb_flat(struct mmdb_writer *w, const char *key, const char *value)
{
	const uint32_t at = w->data_len;

	mmdb_control(w, 7, 1);
	mmdb_text(w, key);
	mmdb_text(w, value);
	return at;
}

static uint32_t
mmdb_new_node(struct mmdb_writer *w, uint32_t both)
{
	if (w->nodes == w->room) {
		w->room *= 2;
		w->node = realloc(w->node, w->room * sizeof(*w->node));
	}
	w->node[w->nodes][0] = w->node[w->nodes][1] = both;
	return w->nodes++;
}

/* Make the first `len` bits of the address lead to `value`. */
static void
mmdb_put(struct mmdb_writer *w, const uint8_t *address, unsigned int len, uint32_t value)
{
	uint32_t at = 0;

	for (unsigned int i = 0; i < len; i++) {
		const unsigned int bit = address[i / 8] >> (7 - i % 8) & 1;

		if (i + 1 == len) {
			w->node[at][bit] = value;
			return;
		}
		if (w->node[at][bit] == MMDB_EMPTY || w->node[at][bit] & MMDB_DATA) {
			const uint32_t below = mmdb_new_node(w, w->node[at][bit]);

			w->node[at][bit] = below;
		}
		at = w->node[at][bit];
	}
}

/* IPv4 in a tree of IPv6 lies below ::/96. */
static void
mmdb_add(struct mmdb_writer *w, const char *text, uint32_t data)
{
	struct prefix p;

	if (prefix_parse(text, &p) != 0)
		abort();
	if (prefix_is_ipv4(&p) && w->version == 4) {
		mmdb_put(w, p.address + 12, p.len - 96u, MMDB_DATA | data);
		return;
	}
	if (prefix_is_ipv4(&p))
		memset(p.address, 0, 12);
	mmdb_put(w, p.address, p.len, MMDB_DATA | data);
}

/* The node below ::/96, once there is one. */
__attribute__((unused)) static uint32_t
mmdb_ipv4_root(const struct mmdb_writer *w)
{
	uint32_t at = 0;

	for (unsigned int i = 0; i < 96; i++)
		at = w->node[at][0];
	return at;
}

/* Let a prefix of IPv6 lead to that node: another name for the IPv4 networks. */
__attribute__((unused)) static void
mmdb_alias(struct mmdb_writer *w, const char *text, uint32_t node)
{
	struct prefix p;

	if (prefix_parse(text, &p) != 0)
		abort();
	mmdb_put(w, p.address, p.len, node);
}

static uint32_t
mmdb_value(const struct mmdb_writer *w, uint32_t value)
{
	if (value == MMDB_EMPTY)
		return w->nodes;
	return value & MMDB_DATA ? w->nodes + 16 + (value & ~MMDB_DATA) : value;
}

static size_t
mmdb_node_bytes(const struct mmdb_writer *w, uint32_t n, uint8_t *to)
{
	const uint32_t left = mmdb_value(w, w->node[n][0]),
		       right = mmdb_value(w, w->node[n][1]);
	const unsigned int bytes = w->record_bits / 4;

	for (unsigned int i = 0; i < 3; i++)
		to[i] = (uint8_t)(left >> (16 - 8 * i));
	if (w->record_bits == 28)
		to[3] = (uint8_t)((left >> 24 & 15) << 4 | (right >> 24 & 15));
	if (w->record_bits == 32)
		for (unsigned int i = 0; i < 4; i++) {
			to[i] = (uint8_t)(left >> (24 - 8 * i));
			to[4 + i] = (uint8_t)(right >> (24 - 8 * i));
		}
	else
		for (unsigned int i = 0; i < 3; i++)
			to[bytes - 3 + i] = (uint8_t)(right >> (16 - 8 * i));
	return bytes;
}

static void
mmdb_metadata(struct mmdb_writer *w, const char *type)
{
	mmdb_control(w, 7, 9);
	mmdb_text(w, "languages");
	mmdb_control(w, 11, 1);
	mmdb_text(w, "en");
	mmdb_text(w, "description");
	mmdb_control(w, 7, 1);
	mmdb_text(w, "en");
	mmdb_text(w, "Made by a test");
	mmdb_text(w, "binary_format_major_version");
	mmdb_number(w, 5, 2);
	mmdb_text(w, "binary_format_minor_version");
	mmdb_number(w, 5, 0);
	mmdb_text(w, "build_epoch");
	mmdb_number(w, 9, 1790000000);
	mmdb_text(w, "database_type");
	mmdb_text(w, type);
	mmdb_text(w, "ip_version");
	mmdb_number(w, 5, w->version);
	mmdb_text(w, "node_count");
	mmdb_number(w, 6, w->nodes);
	mmdb_text(w, "record_size");
	mmdb_number(w, 5, w->record_bits);
}

static void
mmdb_finish(struct mmdb_writer *w, const char *type)
{
	static const char marker[] = "\xab\xcd\xefMaxMind.com";
	const uint32_t records = w->data_len;
	size_t n = 0;

	mmdb_metadata(w, type);
	w->out = calloc(1, (size_t)w->nodes * 8 + 16 + w->data_len + sizeof(marker));
	for (uint32_t i = 0; i < w->nodes; i++)
		n += mmdb_node_bytes(w, i, w->out + n);
	n += 16;
	memcpy(w->out + n, w->data, records);
	n += records;
	memcpy(w->out + n, marker, sizeof(marker) - 1);
	n += sizeof(marker) - 1;
	memcpy(w->out + n, w->data + records, w->data_len - records);
	w->len = n + w->data_len - records;
}

static void
mmdb_end(struct mmdb_writer *w)
{
	free(w->node);
	free(w->out);
}

#endif
