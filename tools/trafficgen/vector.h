/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vector - attacks by name: one row each, that presets a kind of flood.
 *
 * A row says which kind of flood it is, the keys that make it this attack (as one would
 * write them behind --part; what the user writes comes after and wins), and where a
 * protocol is spoken, who writes the payload. A row without a writer has random bytes.
 */
#ifndef TRAFFICGEN_VECTOR_H
#define TRAFFICGEN_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"
#include "payload.h"
#include "spec.h"

struct vector {
	const char *name, *help;
	enum kind kind;
	const char *keys;                /* 'key=value,...' or NULL */
	void (*write)(struct payload *); /* NULL: random bytes, size= of them */
	/* Give the way of a packet what is special to the attack; NULL: nothing is. */
	void (*dress)(struct hop *, struct prng *);
	const char *dst4, *dst6; /* instead of the one host inside */
	uint8_t only;            /* 4 or 6: the family that has it; 0: both */
	/*
	 * What a dissector must call malformed: a packet that no real host sends, or one
	 * that needs what this flood leaves out.
	 */
	bool is_broken;
};

/* Both tables, one after the other. NULL behind the last. */
const struct vector *vector_at(size_t i);

const struct vector *vector_find(const char *name);

/* The tables: attacks that come straight, and those that servers are made to send. */
extern const struct vector vectors_direct[];
extern const struct vector vectors_reflected[];

#endif
