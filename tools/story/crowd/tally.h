/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tally - what customers lived through in one phase, customer by customer.
 *
 * Totals hide the shape of an attack ("some normal, some intermittent, some none"),
 * so every customer has an own count, and the worst one is named. A request belongs to
 * the phase in which it began; a phase is told when its last request has ended.
 *
 * Units   latencies in nanoseconds going in, in milliseconds in the JSON.
 * Memory  24 bytes a customer and 8 KiB of histogram, of final size from the start.
 * Threads none.
 */
#ifndef CROWD_TALLY_H
#define CROWD_TALLY_H

#include <stdint.h>

#include "address.h"
#include "exchange.h"

/* Log-linear: 32 steps per power of two of microseconds, at most 3 % off. */
#define TALLY_STEPS   32
#define TALLY_BUCKETS (32 * TALLY_STEPS)
#define TALLY_NAME    32 /* bytes of a phase name with its final zero */

struct tally_customer {
	uint32_t began;
	uint32_t ended;
	uint32_t ok;
	uint32_t slowest_us; /* slowest answer that came */
};

struct tally {
	char name[TALLY_NAME];
	uint64_t began_ns;
	unsigned int customers;
	uint64_t began;
	uint64_t ended;
	uint64_t ends[EXCHANGE_ENDS];
	uint32_t latency[TALLY_BUCKETS]; /* of requests that were answered in full */
	struct tally_customer by_customer[];
};

/* A tally of so many customers, or NULL. The caller frees it with free(). */
struct tally *tally_new(unsigned int customers);

/* Zero everything and give it a name. */
void tally_reset(struct tally *t, const char *name);

void tally_begin(struct tally *t, unsigned int customer);
void tally_end(struct tally *t, unsigned int customer, enum exchange_end end,
               uint64_t took_ns);

/* Print one JSON line of the given type; addresses[customer] names the worst one. */
void tally_print(const struct tally *t, const char *type,
                 const struct address *addresses);

/* The value in ms below which `share` (0..1) of the answers came; 0 without answers. */
double tally_percentile_ms(const struct tally *t, double share);

#endif
