/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts - what the files of this stage share: classes of messages and the policy's keys.
 *
 *     echoes.c  who pings again, and again
 *     icmp.c    reasons, who passes under attack
 *     kinds.c   keys of the configuration, which message is of which class
 */
#ifndef STAGE_ICMP_PARTS_H
#define STAGE_ICMP_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "challenge/admitted.h"
#include "challenge/repeat.h"
#include "conf/conf.h"
#include "meter/meter.h"
#include "packet/burst.h"
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

/* Strangers who ping; see echoes.c. Belongs to one worker. */
struct icmp_echoes {
	struct repeat repeat;
	struct admitted admitted;
	uint64_t until_ns;      /* end of the second that is being counted */
	uint64_t distrusted_ns; /* until then no repetition proves anything */
	uint32_t asked, repeated;
};

uint64_t icmp_echoes_bytes(void);
/* Returns 0 or -ENOMEM; after that there is nothing to close. */
int icmp_echoes_open(struct icmp_echoes *e, const struct hash_key *key);
void icmp_echoes_close(struct icmp_echoes *e);

/* Remember who sends the echo requests among these lanes, in calm. */
void icmp_echoes_see(struct icmp_echoes *e, const struct burst *b, uint64_t lanes);
/* Of these lanes, echo requests, those whose senders are known. */
uint64_t icmp_echoes_known(struct icmp_echoes *e, const struct burst *b, uint64_t lanes);
/*
 * Of these lanes, echo requests of unknown senders that found no room, those that ask
 * again in time and are known from now on; *first are those who may do so next.
 */
uint64_t icmp_echoes_again(struct icmp_echoes *e, const struct burst *b, uint64_t lanes,
                           uint64_t *first);

#endif
