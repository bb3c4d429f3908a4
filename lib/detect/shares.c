/* SPDX-License-Identifier: BSD-3-Clause */
#include "detect/shares.h"

#include "meter/watch.h"

#define KEPT 16 /* one part in so many goes to all alike */

void
shares_divide(const uint64_t *demand, unsigned int workers, uint64_t *price)
{
	uint64_t total = 0, floor;

	for (unsigned int w = 0; w < workers; w++)
		total += demand[w];
	floor = total / (KEPT * workers) + 1;
	total += floor * workers;
	/* Rounded up: a price too low would let the sum pass the limit. */
	for (unsigned int w = 0; w < workers; w++)
		price[w] = (WATCH_PRICE_ONE * total + demand[w] + floor - 1) /
		           (demand[w] + floor);
}
