/* SPDX-License-Identifier: BSD-3-Clause */
#include "clock.h"

#include <x86intrin.h>

#define CHAIN 4000000u

/* The best of several tries: an interrupt can only make a try slower. */
double
clock_ratio(void)
{
	uint64_t best = UINT64_MAX;

	for (int try = 0; try < 5; try++) {
		uint64_t x = 1, start = __rdtsc(), ticks;

		for (unsigned int i = 0; i < CHAIN / 8; i++)
			__asm__ volatile(
				"add $1, %0\n\tadd $1, %0\n\tadd $1, %0\n\tadd $1, %0\n\t"
				"add $1, %0\n\tadd $1, %0\n\tadd $1, %0\n\tadd $1, %0"
				: "+r"(x));
		ticks = __rdtsc() - start;
		if (ticks < best)
			best = ticks;
	}
	return (double)CHAIN / (double)best;
}

double
clock_ghz(double ratio, uint64_t tsc_hz)
{
	return ratio * (double)tsc_hz / 1e9;
}
