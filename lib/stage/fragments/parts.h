/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts - what the files of this stage share.
 *
 *     keys.c        keys of the configuration and reasons
 *     fragments.c   what is dropped, and what is counted for it
 */
#ifndef STAGE_FRAGMENTS_PARTS_H
#define STAGE_FRAGMENTS_PARTS_H

#include <stdint.h>

#include "conf/conf.h"
#include "meter/meter.h"
#include "stage/stage.h"

enum fragments_accept { ACCEPT_PASS, ACCEPT_METER, ACCEPT_DROP };

enum fragments_reason {
	REASON_UNWANTED,
	REASON_TINY,
	REASON_OVERLAPPING,
	REASON_ENDLESS,
	REASON_SCATTERED,
	REASON_TOO_MANY_PIECES,
	REASON_FOLLOWS_FIRST,
	REASON_ORPHANS,
	REASON_OVER_RATE,
	REASON_SOURCE_OPEN,
	REASON_SERVICE_OPEN,
	REASONS
};

struct fragments_params {
	int accept;           /* enum fragments_accept */
	uint64_t rate;        /* packets/s to a service, with ACCEPT_METER */
	uint64_t orphans;     /* packets/s to a service under attack */
	uint64_t source_open; /* datagrams, under attack */
	uint64_t service_open;
	uint64_t max_pieces;
	uint64_t smallest;                          /* bytes */
	struct meter_rate rate_price, orphan_price; /* derived */
};

extern const struct stage_reason fragments_reasons[];
/* The same with the stage's name, as explain tells it later. */
extern const char *const fragments_full_name[REASONS];
extern const struct conf_field fragments_fields[];

int fragments_compile(void *params, const struct stage_compile *from,
                      struct conf_errors *errors);

#endif
