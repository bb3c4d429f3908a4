/* SPDX-License-Identifier: BSD-3-Clause */
#include "job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/eal.h"
#include "io/end.h"

#define MEMORY_MIB 256 /* for packet buffers, where there are no hugepages */

static uint64_t
available_bytes(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	uint64_t kib = 0;
	char line[128];

	if (f == NULL)
		return UINT64_MAX;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
			break;
	fclose(f);
	return kib << 10;
}

bool
job_has_memory(uint64_t bytes, const char *what)
{
	uint64_t available = available_bytes();

	if (bytes <= available / 5 * 4)
		return true;
	fprintf(stderr,
	        "%s needs %.1f GiB of tables; %.1f GiB are available, of which a fifth "
	        "is left alone\n",
	        what, (double)bytes / (1 << 30), (double)available / (1 << 30));
	return false;
}

bool
job_start_eal(const struct job *job)
{
	static const unsigned int cores[2] = { 0, 1 };
	static const char *const ends[2] = { "net_null0,copy=0", "net_null1,copy=0" };
	const struct eal_plan plan = { .prefix = "tidegate-bench",
		                       .n_cores = 2,
		                       .core = cores,
		                       .has_hugepages = job->has_hugepages,
		                       .memory_mib = MEMORY_MIB,
		                       .n_ends = 2,
		                       .ends = ends };
	char why[IO_WHY];

	if (eal_start(&plan, why) == 0)
		return true;
	fprintf(stderr, "benchmark: %s\n", why);
	return false;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct job_spread
job_spread(double *figure, unsigned int n)
{
	qsort(figure, n, sizeof(*figure), compare);
	return (struct job_spread){ figure[0], figure[n / 2], figure[n - 1] };
}
