/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mmdb_size - whether the search tree that a MaxMind database announces fits into its file.
 *
 * The library counts the tree's bytes in 32 bits and reads nodes while it opens the file, so
 * a tree that is announced too large ends the process. Its size is therefore looked up here
 * before, in the metadata at the end of the file: one map, whose values are stepped over.
 *
 * Source  MaxMind DB file format 2.0 (maxmind.github.io/MaxMind-DB): "Database Metadata".
 */
#include <stdint.h>
#include <string.h>

#include "list/parts.h"

#define TAIL      (128 * 1024) /* the metadata stand in so many bytes, says the format */
#define SEPARATOR 16           /* bytes between the tree and its records */
#define DEPTH     8

enum {
	POINTER = 1,
	STRING = 2,
	UINT16 = 5,
	UINT32 = 6,
	MAP = 7,
	ARRAY = 11,
	BOOLEAN = 14
};

static const uint8_t marker[] = "\xab\xcd\xefMaxMind.com";
#define MARKER (sizeof(marker) - 1)

struct place {
	const uint8_t *at, *end;
};

/* The control bytes of a value. Returns false at the end of the file. */
static bool
head(struct place *p, unsigned int *type, uint32_t *size)
{
	static const uint32_t base[] = { 29, 285, 65821 };
	unsigned int more;

	if (p->at >= p->end)
		return false;
	*type = *p->at >> 5;
	*size = *p->at++ & 31;
	if (*type == 0) {
		if (p->at >= p->end)
			return false;
		*type = 7u + *p->at++;
	}
	if (*type == POINTER || *size < 29)
		return true;
	more = *size - 28;
	if ((size_t)(p->end - p->at) < more)
		return false;
	*size = 0;
	for (unsigned int i = 0; i < more; i++)
		*size = *size << 8 | *p->at++;
	*size += base[more - 1];
	return true;
}

static bool
skip(struct place *p, unsigned int depth)
{
	unsigned int type;
	uint32_t size, values = 0;

	if (depth == 0 || !head(p, &type, &size))
		return false;
	if (type == MAP || type == ARRAY) {
		values = size;
		for (uint32_t i = 0; i < values; i++)
			if ((type == MAP && !skip(p, depth - 1)) || !skip(p, depth - 1))
				return false;
		return true;
	}
	if (type == BOOLEAN)
		return true;
	if (type == POINTER)
		size = (size >> 3) + 1;
	if ((size_t)(p->end - p->at) < size)
		return false;
	p->at += size;
	return true;
}

/* An unsigned number of up to 32 bits. */
static bool
number(struct place *p, uint64_t *value)
{
	unsigned int type;
	uint32_t size;

	if (!head(p, &type, &size) || (type != UINT16 && type != UINT32) || size > 4 ||
	    (size_t)(p->end - p->at) < size)
		return false;
	*value = 0;
	while (size-- > 0)
		*value = *value << 8 | *p->at++;
	return true;
}

/* Where the last marker ends, or NULL. */
static const uint8_t *
find_metadata(const uint8_t *file, size_t len)
{
	const size_t first = len > TAIL ? len - TAIL : 0;

	for (size_t i = len < MARKER ? 0 : len - MARKER + 1; i > first; i--)
		if (memcmp(file + i - 1, marker, MARKER) == 0)
			return file + i - 1 + MARKER;
	return NULL;
}

bool
list_mmdb_fits(const uint8_t *file, size_t len)
{
	struct place p = { find_metadata(file, len), file + len };
	uint64_t nodes = 0, bits = 0, value;
	unsigned int type;
	uint32_t pairs, size;

	if (p.at == NULL || !head(&p, &type, &pairs) || type != MAP)
		return false;
	while (pairs-- > 0) {
		const char *key;

		if (!head(&p, &type, &size) || type != STRING ||
		    (size_t)(p.end - p.at) < size)
			return false;
		key = (const char *)p.at;
		p.at += size;
		if (size == 10 && memcmp(key, "node_count", 10) == 0) {
			if (!number(&p, &value))
				return false;
			nodes = value > nodes ? value : nodes;
		} else if (size == 11 && memcmp(key, "record_size", 11) == 0) {
			if (!number(&p, &value))
				return false;
			bits = value > bits ? value : bits;
		} else if (!skip(&p, DEPTH)) {
			return false;
		}
	}
	/* A node is two records; 32 bits are the most that a record may have. */
	return bits <= 32 && nodes * (bits / 4) + SEPARATOR <= len;
}
