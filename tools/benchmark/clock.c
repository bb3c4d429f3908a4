/* SPDX-License-Identifier: BSD-3-Clause */
#include "clock.h"

#include <x86intrin.h>

#define CHAIN   100000u
#define LATENCY 3.0 /* of imul, on every x86-64-v3 core so far */

/* The best of several tries: an interrupt can only make a try slower. */
double
clock_ratio(void)
{
	uint64_t best = UINT64_MAX;

	for (int try = 0; try < 40; try++) {
		uint64_t x = 1, start = __rdtsc(), ticks;

		for (unsigned int i = 0; i < CHAIN / 4; i++)
			__asm__ volatile("imul %0, %0\n\timul %0, %0\n\t"
			                 "imul %0, %0\n\timul %0, %0"
			                 : "+r"(x));
		ticks = __rdtsc() - start;
		if (ticks < best)
			best = ticks;
	}
	return LATENCY * (double)CHAIN / (double)best;
}

double
clock_ghz(double ratio, uint64_t tsc_hz)
{
	return ratio * (double)tsc_hz / 1e9;
}
