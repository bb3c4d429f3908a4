/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts - what the files of this stage share: the policy's keys and validators.
 *
 *     udpauth.c    reasons, who is asked to repeat himself
 *     validate.c   keys of the configuration, payloads that a port's protocol can carry
 */
#ifndef STAGE_UDPAUTH_PARTS_H
#define STAGE_UDPAUTH_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "packet/burst.h"
#include "stage/stage.h"

struct filter_expression;
struct watch_rule;

enum udpauth_method { METHOD_RETRANSMIT, METHOD_OFF };

/* One entry of `validate`, as configured. */
struct udpauth_validate {
	char *name;
	struct conf_ports ports;
	char *expression;
	bool is_always;
};

/* The same, compiled. */
struct udpauth_validator {
	const struct conf_ports *ports;
	struct filter_expression *expression;
	bool is_always;
	uint16_t hit; /* counts what it knew as its own */
};

struct udpauth_params {
	int method;              /* enum udpauth_method */
	struct conf_ports ports; /* that are asked; none: all but DNS and QUIC */
	uint64_t earliest_ns, latest_ns, admit_ns;
	struct conf_list validate; /* struct udpauth_validate */
	/* Derived: */
	const struct watch_rule *rules; /* VECTOR_COUNT, of the snapshot */
	struct udpauth_validator *validator;
	size_t validators;
	bool has_always;
	bool is_ingress;
};

extern const struct conf_field udpauth_fields[];

int udpauth_compile(void *params, const struct stage_compile *from,
                    struct conf_errors *errors);
void udpauth_release(void *params);

/* The lanes whose destination port is in the list. */
uint64_t udpauth_to_ports(const struct conf_ports *ports, const struct burst *b,
                          uint64_t lanes);

/*
 * Of `lanes`, datagrams of this policy, those that go to a port with validators and that
 * none of them knows. `strangers` are judged by all validators, the rest by those that
 * hold always. `hits` are the worker's counters, or NULL.
 */
uint64_t udpauth_invalid(const struct udpauth_params *p, const struct burst *b,
                         uint64_t lanes, uint64_t strangers, uint64_t *hits);

#endif
