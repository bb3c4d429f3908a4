/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shares - one limit, divided between workers by what arrives at each.
 *
 * A worker's price is what it pays where the whole limit costs WATCH_PRICE_ONE, so
 * WATCH_PRICE_ONE / price is its share. Shares follow the demand of the last
 * interval, so a change of traffic is followed in one interval. A sixteenth of the
 * limit is kept for workers that see nothing yet: traffic which moves to another
 * worker finds an open door there.
 *
 *     sum of shares <= 1, and >= 0.99 for up to 16 workers
 *
 * Each worker may still use up its meter's burst, at its price, so in an interval
 * all together admit at most the limit and one burst each.
 *
 * Units   demand: packets or bytes of one interval, the same for all; below 2^55.
 * Threads none.
 */
#ifndef DETECT_SHARES_H
#define DETECT_SHARES_H

#include <stdint.h>

/* Fill price[] of `workers` > 0 from demand[]. One worker has the whole limit. */
void shares_divide(const uint64_t *demand, unsigned int workers, uint64_t *price);

#endif
