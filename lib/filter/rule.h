/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rule - one of the operator's filter rules as it is written, and its table of keys.
 *
 * The same table reads the configuration and, turned into its syntax, what comes
 * through the API.
 *
 * Threads control.
 */
#ifndef FILTER_RULE_H
#define FILTER_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "filter/match.h"

enum filter_action { FILTER_DROP, FILTER_PASS, FILTER_METER, FILTER_COUNT, FILTER_TAG };

#define FILTER_NAME_MAX 58 /* characters: a meter's second counter is NAME.over */

/* What `match` holds, each a list of which one must hold; empty: not asked. */
struct filter_asked {
	struct conf_prefixes destination, source;
	struct conf_texts protocols;
	struct conf_ports ports, source_ports, destination_ports;
	struct conf_texts icmp_types, icmp_codes, tcp_flags, lengths, dscp, fragments,
		flow_labels;
};

struct filter_spec {
	char *name;
	char *expression; /* "": match says it */
	struct filter_asked match;
	int action; /* enum filter_action */
	struct conf_rate limit;
	struct conf_texts services; /* names; empty: all */
	char *until;                /* "2026-12-24T12:00:00Z"; "": no end */
	bool dry_run;
	bool verified; /* whether packets of verified flows are looked at */
};

extern const struct conf_field filter_fields[]; /* of struct filter_spec */
extern const char *const filter_action_names[]; /* by enum filter_action, NULL-ended */

/* Read `match` into numbers. Returns 0, or -EINVAL with an error for each bad value. */
int filter_match_read(const struct filter_asked *from, struct filter_match *to,
                      const struct conf_place *place, struct conf_errors *errors);

/* "2026-12-24T12:00:00Z" as Unix time in seconds; 0 for "", -1 when it is no time. */
int64_t filter_until(const char *text);

#endif
