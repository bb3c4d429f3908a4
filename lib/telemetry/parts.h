/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts - pieces that stand in more than one document.
 *
 * Threads any; pieces belong to who asks for them.
 */
#ifndef TELEMETRY_PARTS_H
#define TELEMETRY_PARTS_H

#include <jansson.h>
#include <stdlib.h>

#include "telemetry/view.h"

/* Counters of a pair of books with their rates over the window. */
json_t *telemetry_books_object(const struct books *now, const struct books *base,
                               uint64_t window_ns);

/*
 * "books": whether the equations held when they were read. A few packets that
 * a worker had in its hands at that moment are told as in flight.
 */
void telemetry_put_balance(json_t *o, const struct box *box, int64_t unaccounted,
                           int64_t unsent);

json_t *telemetry_ports_array(const struct telemetry_view *v);

/* Reasons of the box; only those that were ever used when used_only. */
json_t *telemetry_reasons_array(const struct telemetry_view *v, bool used_only);

/*
 * One service with its rates; with every vector when is_whole. Call under
 * box->lock with a name in use.
 */
json_t *telemetry_service_object(const struct telemetry_view *v, unsigned int service,
                                 bool is_whole);

/* How those fare who proved to be real; attackers are not in it. */
json_t *telemetry_customers_object(const struct telemetry_view *v);

/* Prefixes, protocol and ports of a service, as the file has them. */
void telemetry_put_target(json_t *o, const struct service *s);

/* Shares of one worker and what it handed over, into its object; and the whole box. */
void telemetry_put_queue(json_t *o, const struct telemetry_view *v, unsigned int i);
json_t *telemetry_queues_object(const struct telemetry_view *v);

/* Packets that one named counter met, over all workers; by id of policy/hits.h. */
uint64_t telemetry_hits_of(const struct box *box, unsigned int id);
/* All named counters in use, of one stage or (NULL) of all. Call under box->lock. */
json_t *telemetry_hits_array(const struct box *box, const char *stage);

#define TELEMETRY_REASON_NAME 96
/* "sanity.truncated" of a running index (pipeline/pipeline.h). */
void telemetry_reason_name(unsigned int index, char name[TELEMETRY_REASON_NAME]);

/* Packets of one service by running index of the reason, over all workers. */
void telemetry_service_reasons(const struct box *box, unsigned int service, bool is_would,
                               uint64_t sum[STAGE_MAX * STAGE_MAX_REASONS]);
/* The same for one reason. */
uint64_t telemetry_service_reason(const struct box *box, unsigned int service,
                                  unsigned int index, bool is_would);

/* {"packets_per_second"|"bits_per_second": n}, or null where no threshold is set. */
json_t *telemetry_limit_object(const struct meter_limit *limit);

/*
 * What an address received, counted exactly, and how finely it is counted; null when
 * nobody protects it. Call under box->lock.
 */
json_t *telemetry_received_object(const struct box *box, const uint8_t address[16]);
/* What it sent in the last second, estimated; null before the first is over. */
json_t *telemetry_sent_object(const struct box *box, const uint8_t address[16]);
/* All that a configuration says, by the tables that read it. */
json_t *telemetry_config_whole(const struct settings *s);
/* Rates that the countermeasures of a policy hold packets to. Call under box->lock. */
json_t *telemetry_limits_array(const struct box *box, const char *policy);
/* Of how many packets one is counted by address: of the worker that looks at fewest. */
uint32_t telemetry_sampled_one_in(const struct box *box);
/* Rules of the operator that may meet the address. Call under box->lock. */
json_t *telemetry_explain_filters(const struct box *box, const uint8_t address[16],
                                  bool is_protected);
/* By what each prefix of a service is counted. Call under box->lock. */
json_t *telemetry_counted_array(const struct box *box, const struct service *s);

/* Up to n samples that fit, newest first, as they stand in documents. */
json_t *telemetry_samples_array(const struct box *box, const struct evidence_which *which,
                                size_t n);

#endif
