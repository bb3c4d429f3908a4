/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spec_keys - one reader per key of --part.
 */
#ifndef TRAFFICGEN_SPEC_KEYS_H
#define TRAFFICGEN_SPEC_KEYS_H

#include "spec.h"

struct spec_key {
	const char *name;
	unsigned int kinds; /* bit per enum kind */
	int (*read)(struct spec *s, const char *value);
	const char *form; /* what a value looks like, for messages */
	const char *help;
};

/* Ends with a nameless entry. */
extern const struct spec_key spec_keys[];

#endif
