/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts - what the files of this stage share: classes of messages and the policy's keys.
 *
 *     icmp.c    reasons, who passes under attack
 *     kinds.c   keys of the configuration, which message is of which class
 */
#ifndef STAGE_ICMP_PARTS_H
#define STAGE_ICMP_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "meter/meter.h"
#include "stage/stage.h"

/* What has a quota of its own. */
enum icmp_class {
	ICMP_PATH_MTU,      /* IPv4 3/4, IPv6 2 */
	ICMP_UNREACHABLE,   /* the rest of IPv4 3, and 12; IPv6 1 and 4 */
	ICMP_TIME_EXCEEDED, /* IPv4 11, IPv6 3 */
	ICMP_ECHO_REQUEST,
	ICMP_ECHO_REPLY,
	ICMP_OTHER,
	ICMP_CLASSES
};
#define ICMP_DENIED ICMP_CLASSES /* in the place of a class */

enum icmp_when { ICMP_ATTACK, ICMP_ALWAYS };

struct icmp_params {
	uint64_t pps[ICMP_CLASSES]; /* of the whole box; 0: no limit */
	uint64_t max_echo;          /* bytes of data */
	struct conf_texts deny[2];  /* types, of IPv4 and of IPv6 */
	int deny_when;              /* enum icmp_when */
	/* Derived: */
	bool is_ingress;
	struct meter_rate rate[ICMP_CLASSES];
	struct meter_rate strangers[ICMP_CLASSES]; /* what strangers get of it at most */
	uint8_t kind[2][256]; /* enum icmp_class or ICMP_DENIED, by family and type */
};

extern const struct conf_field icmp_fields[];

/* Derive what is derived; every mistake is told. Returns 0 or -EINVAL. */
int icmp_compile(void *params, const struct stage_compile *from,
                 struct conf_errors *errors);

#endif
