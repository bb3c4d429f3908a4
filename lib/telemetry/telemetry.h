/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * telemetry - what a running Tidegate tells: one JSON document per question.
 *
 * The documents are named in one table, so that the HTTP API, the commands of
 * DPDK's telemetry socket and the API's own description cannot differ.
 *
 * Rates are computed here, never by the reader: from two samples of the
 * counters at least a second apart; `window_seconds` stands in each document.
 * Names of fields carry their unit; times are RFC 3339 in UTC.
 *
 * Threads any but workers and the control lcore. A document belongs to the
 * caller, who gives it back with json_decref().
 */
#ifndef TELEMETRY_TELEMETRY_H
#define TELEMETRY_TELEMETRY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "telemetry/box.h"
#include "telemetry/when.h"

struct telemetry;

/* Look at `box`, which stays the caller's. Returns NULL when out of memory. */
struct telemetry *telemetry_open(struct box *box);
void telemetry_close(struct telemetry *t);
struct box *telemetry_box(struct telemetry *t);

/* Store a sample when the last is a second old; call about once a second. */
void telemetry_beat(struct telemetry *t);

#define TELEMETRY_NAME      80
#define TELEMETRY_LIMIT     20
#define TELEMETRY_LIMIT_MAX 256

/* What a document may be asked; set by telemetry_ask_set(). */
struct telemetry_ask {
	char name[TELEMETRY_NAME]; /* the service, attack or list of a single document */
	uint8_t address[16];
	bool has_address;
	bool active_only;
	bool by_destinations, by_bits; /* top: else sources, packets */
	/* "" and 0 are any; of history service "" is the whole box */
	char service[TELEMETRY_NAME], reason[TELEMETRY_NAME], attack[TELEMETRY_NAME];
	uint64_t after; /* samples: only numbers above it */
	unsigned int limit;
	/* since: after the event of this number; or what is not older than that. */
	bool has_since;
	uint64_t since;
	struct telemetry_when since_when;
	char type[32];       /* of events; "": any */
	unsigned int vector; /* VECTOR_COUNT: all of them */
	struct telemetry_when from, to;
	uint64_t step_s; /* 0: as it fits */
	bool is_forced;  /* thresholds: with little history too */
	bool has_limit;  /* somebody asked for it; else it is the default */
};

void telemetry_ask_init(struct telemetry_ask *ask);

/*
 * Read one `key=value`: active=true|false, limit=1..TELEMETRY_LIMIT_MAX,
 * by=sources|destinations, metric=packets|bits, ip=ADDRESS, type=WORD, service=,
 * reason=, attack=, vector=NAME, after=NUMBER, from, to and since as telemetry/when.h reads them, step=TIME|SECONDS;
 * since=NUMBER is of events. Returns 0, or
 * -EINVAL with a sentence in `why`; ask is untouched then.
 */
int telemetry_ask_set(struct telemetry_ask *ask, const char *key, const char *value,
                      char why[160]);

/*
 * One document; NULL with errno ENOENT (no such name), EINVAL (an address is
 * needed), EDESTADDRREQ (a service is), ETIMEDOUT (a worker did not answer), ENOSYS or ENOMEM.
 */
typedef json_t *telemetry_function(struct telemetry *t, const struct telemetry_ask *ask);

telemetry_function telemetry_status, telemetry_live, telemetry_services,
	telemetry_service, telemetry_attacks, telemetry_attack, telemetry_top,
	telemetry_networks, telemetry_workers, telemetry_ports, telemetry_reasons,
	telemetry_hits, telemetry_explain, telemetry_config, telemetry_blocks,
	telemetry_filters, telemetry_lists, telemetry_list, telemetry_events,
	telemetry_samples, telemetry_captures, telemetry_capture, telemetry_health,
	telemetry_history, telemetry_report, telemetry_thresholds;

telemetry_function telemetry_diff;

struct telemetry_document {
	/* "services"; "services/" is followed by a name, and "a/{name}/b" holds one */
	const char *path;
	telemetry_function *make;
	const char *const *keys; /* NULL-ended: what it may be asked; NULL: nothing */
	const char *help;        /* one sentence */
};

extern const struct telemetry_document telemetry_documents[]; /* ended by path == NULL */

telemetry_function telemetry_customers;

/* The document at `path` without leading slash; fills ask->name. NULL: none. */
const struct telemetry_document *telemetry_find(const char *path,
                                                struct telemetry_ask *ask);

/*
 * Who makes the document of events: the room above, while it is open. `make` NULL: nobody.
 */
void telemetry_set_events(struct telemetry *t,
                          json_t *(*make)(void *arg, const struct telemetry_ask *ask),
                          void *arg);

/* Whether a name is part of its path. */
bool telemetry_is_named(const struct telemetry_document *d);

/* What each key of telemetry_ask_set() means, for descriptions. */
const char *telemetry_key_help(const char *key);

/*
 * All counters in the text format 0.0.4 of Prometheus. Returns a string that
 * the caller frees, or NULL when out of memory.
 */
char *telemetry_metrics(struct telemetry *t);
#define TELEMETRY_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/*
 * Whether every worker moves, every link is up and a configuration is in force;
 * otherwise `why` has the first reason.
 */
bool telemetry_ready(struct telemetry *t, char why[160]);

/* Register the commands /tidegate/... with DPDK's telemetry; `t` must stay. 0 or -errno. */
int telemetry_dpdk_register(struct telemetry *t);
/* After this the commands answer nothing; call before telemetry_close(). */
void telemetry_dpdk_forget(void);

/* "a-20261121-0007": day of detection and number. */
#define TELEMETRY_ATTACK_ID 40
void telemetry_attack_id(const struct box *box, const struct detect_attack *a,
                         char id[TELEMETRY_ATTACK_ID]);
/* The attack as an object, as it stands in documents and events. */
json_t *telemetry_attack_object(const struct box *box, const struct detect_attack *a);
/* "packets_per_second" or "bits_per_second" of an enum meter_unit. */
const char *telemetry_unit(unsigned int unit);

#endif
