/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * set - all filter rules of a configuration, compiled; shared by its snapshots.
 *
 * Rules come in two parts, each in the order they were given: those that look at all
 * packets, and those that spare verified flows and so wait until flows are known.
 *
 * Threads making, holding and letting go: the control side. Reading: any.
 */
#ifndef FILTER_SET_H
#define FILTER_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "filter/rule.h"

struct filter_expression;
struct filter_rules;
struct filter_set;

enum filter_part { FILTER_EVERYBODY, FILTER_UNVERIFIED, FILTER_PARTS };

#define FILTER_SET_MAX         2000 /* rules */
#define FILTER_EXPRESSIONS_MAX 64   /* of them expressions, which are asked one by one */

struct filter_rule {
	char name[FILTER_NAME_MAX + 1];
	uint8_t action; /* enum filter_action */
	bool is_dry;
	struct conf_rate limit;
	uint64_t until_ns;                    /* Unix time; 0: no end */
	struct filter_expression *expression; /* NULL: it is one of those asked at once */
	char *text;                           /* of the expression, owned; or NULL */
	struct filter_match match;            /* without expression */
	struct conf_texts services;           /* owned */
};

struct filter_rules_part {
	unsigned int count;
	struct filter_rule *rule;
	struct filter_rules *matcher; /* of all without expression; NULL: none */
	uint16_t *of_match;           /* number in the matcher -> number of the rule */
	unsigned int expressions;
	uint16_t of_expression[FILTER_EXPRESSIONS_MAX]; /* numbers, rising */
};

/* One rule as given, and where. */
struct filter_given {
	const struct filter_spec *spec;
	const struct conf_place *place; /* or NULL */
};

/*
 * Compile. Returns 0 and *out, held once; `like` (or NULL) is held once more and given
 * back where it was made of the same rules. -EINVAL with all errors; -ENOMEM with one.
 */
int filter_set_make(const struct filter_given *given, unsigned int count,
                    struct filter_set *like, struct filter_set **out,
                    struct conf_errors *errors);
/* Another hold; returns it. NULL is taken for what it is, here and below. */
struct filter_set *filter_set_hold(struct filter_set *set);
void filter_set_release(struct filter_set *set);

const struct filter_rules_part *filter_set_part(const struct filter_set *set,
                                                enum filter_part part);

#endif
