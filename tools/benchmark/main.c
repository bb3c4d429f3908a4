/* SPDX-License-Identifier: BSD-3-Clause */
/* benchmark - one scenario or one micro-benchmark a run, results as lines of JSON. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "desk.h"
#include "job.h"
#include "scenario.h"

static const char usage[] =
	"usage: benchmark --scenario NAME [--family ipv4|ipv6] [--cache warm|cold|both]\n"
	"                 [--runs N] [--ms N] [--latency PERCENT,...] [--no-huge]\n"
	"                 [--capture FILE]\n"
	"       benchmark --micro NAME [--runs N] [--no-huge]\n"
	"       benchmark --desk SERVICES [--runs N] [--no-huge]\n"
	"       benchmark --list | --list-micro\n";

static int
list(void)
{
	for (const struct scenario *s = scenarios; s->name != NULL; s++)
		printf("%-25s %s\n", s->name, s->help);
	return 0;
}

static bool
read_family(struct job *job, const char *text)
{
	job->is_ipv6 = strcmp(text, "ipv6") == 0;
	return job->is_ipv6 || strcmp(text, "ipv4") == 0;
}

static bool
read_cache(struct job *job, const char *text)
{
	const bool both = strcmp(text, "both") == 0;

	job->is_cache[0] = both || strcmp(text, "warm") == 0;
	job->is_cache[1] = both || strcmp(text, "cold") == 0;
	return job->is_cache[0] || job->is_cache[1];
}

static bool
read_number(const char *text, unsigned int least, unsigned int most, unsigned int *out)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || n < least || n > most)
		return false;
	*out = (unsigned int)n;
	return true;
}

static bool
read_loads(struct job *job, char *text)
{
	char *rest = NULL;

	for (char *one = strtok_r(text, ",", &rest); one != NULL;
	     one = strtok_r(NULL, ",", &rest))
		if (job->loads == JOB_LOADS_MAX ||
		    !read_number(one, 1, 100, &job->load[job->loads++]))
			return false;
	return job->loads > 0;
}

static bool
read_scenario(struct job *job, const char *name)
{
	job->scenario = scenario_by_name(name);
	return job->scenario != NULL;
}

/* Returns whether the option made sense. */
static bool
take(struct job *job, int option, char *value)
{
	switch (option) {
	case 's':
		return read_scenario(job, value);
	case 'i':
		job->micro = value;
		return true;
	case 'd':
		return read_number(value, 1, DESK_SERVICES_MAX, &job->services);
	case 'f':
		return read_family(job, value);
	case 'c':
		return read_cache(job, value);
	case 'r':
		return read_number(value, 1, JOB_RUNS_MAX, &job->runs);
	case 'm':
		return read_number(value, 1, 60000, &job->ms);
	case 'y':
		return read_loads(job, value);
	case 'n':
		job->has_hugepages = false;
		return true;
	case 'p':
		job->capture = value;
		return true;
	default:
		return false;
	}
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "scenario", required_argument, NULL, 's' },
		{ "micro", required_argument, NULL, 'i' },
		{ "desk", required_argument, NULL, 'd' },
		{ "family", required_argument, NULL, 'f' },
		{ "cache", required_argument, NULL, 'c' },
		{ "runs", required_argument, NULL, 'r' },
		{ "ms", required_argument, NULL, 'm' },
		{ "latency", required_argument, NULL, 'y' },
		{ "list", no_argument, NULL, 'l' },
		{ "list-micro", no_argument, NULL, 'L' },
		{ "no-huge", no_argument, NULL, 'n' },
		{ "capture", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	static struct job job = {
		.runs = 5, .ms = 200, .is_cache = { true, false }, .has_hugepages = true
	};
	int c;

	log_open("benchmark", LOG_LEVEL_WARNING);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'l')
			return list();
		if (c == 'L')
			return job_list_micro(), 0;
		if (!take(&job, c, optarg))
			return fputs(usage, stderr), 2;
	}
	if ((job.scenario != NULL) + (job.micro != NULL) + (job.services != 0) != 1 ||
	    optind < argc)
		return fputs(usage, stderr), 2;
	if (job.services != 0)
		return job_desk(&job);
	return job.scenario != NULL ? job_scenario(&job) : job_micro(&job);
}
