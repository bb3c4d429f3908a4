/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts - what the files of this stage share: the policy's keys.
 *
 *     protocols.c   reasons, who passes
 *     names.c       keys of the configuration, names and numbers of protocols
 */
#ifndef STAGE_PROTOCOLS_PARTS_H
#define STAGE_PROTOCOLS_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "meter/meter.h"
#include "stage/stage.h"

enum protocols_others { OTHERS_PASS, OTHERS_METER, OTHERS_DROP };

/* Meters of a service: one for what is not allowed, one for each protocol that is. */
#define PROTOCOLS_SLOTS 16

struct protocols_quota {
	char *protocol;
	uint64_t pps;
};

struct protocols_params {
	struct conf_texts allow;
	struct conf_list quota; /* struct protocols_quota */
	uint64_t strangers;     /* packets/s of an allowed protocol without a quota */
	int others;             /* enum protocols_others */
	uint64_t others_pps;
	/* Derived: */
	bool is_ingress;
	uint8_t slot[256]; /* by protocol; 0: not allowed */
	uint32_t whole;    /* slots whose quota is the protocol's, not the strangers' */
	struct meter_rate rate[PROTOCOLS_SLOTS];
};

extern const struct conf_field protocols_fields[];

/* Derive what is derived; every mistake is told. Returns 0 or -EINVAL. */
int protocols_compile(void *params, const struct stage_compile *from,
                      struct conf_errors *errors);

#endif
