/* SPDX-License-Identifier: BSD-3-Clause */
#include "sketch/distinct.h"

/* Runs are 1..LONGEST, because the lowest bits of a hash pick the register. */
#define LONGEST (64 - DISTINCT_BITS)

#define LN_2 0.69314718055994530942

void
distinct_clear(struct distinct *d)
{
	uint64_t *word = (uint64_t *)(void *)d->longest;

	for (unsigned int i = 0; i < sizeof(d->longest) / sizeof(*word); i++)
		__atomic_store_n(&word[i], 0, __ATOMIC_RELAXED);
}

void
distinct_merge(struct distinct *to, const struct distinct *from)
{
	for (unsigned int i = 0; i < DISTINCT_REGISTERS; i++) {
		uint8_t run = __atomic_load_n(&from->longest[i], __ATOMIC_RELAXED);

		if (run > to->longest[i])
			to->longest[i] = run;
	}
}

/* Ertl's sigma: what registers that saw nothing add to the sum. x < 1. */
static double
sigma(double x)
{
	double power = 1, sum = x, before;

	do {
		x *= x;
		before = sum;
		sum += x * power;
		power += power;
	} while (sum > before);
	return sum;
}

uint64_t
distinct_estimate(const struct distinct *d)
{
	const double m = DISTINCT_REGISTERS;
	unsigned int with[LONGEST + 1] = { 0 };
	double sum = 0;

	for (unsigned int i = 0; i < DISTINCT_REGISTERS; i++)
		with[d->longest[i] <= LONGEST ? d->longest[i] : LONGEST]++;
	if (with[0] == DISTINCT_REGISTERS)
		return 0;
	/* Ertl's tau would correct for full registers: 2^53 keys fill the first. */
	for (unsigned int run = LONGEST; run > 0; run--)
		sum = (sum + with[run]) / 2;
	sum += m * sigma(with[0] / m);
	return (uint64_t)(m * m / (2 * LN_2) / sum + 0.5);
}
