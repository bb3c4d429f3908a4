/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <getopt.h>

#include "args.h"
#include "verbs.h"

int
options_usage(const char *verb, const char *what)
{
	complain("%s: %s; see 'trafficgen --help'", verb, what);
	return STATUS_USAGE;
}

int
options_read(const struct options *o, void *args, int argc, char **argv)
{
	int option, index = 0;

	while ((option = getopt_long(argc, argv, o->letters, o->known, &index)) != -1) {
		if (option == o->help) {
			help_print();
			return -1;
		}
		if (option == '?')
			return options_usage(o->verb, "wrong option");
		if (o->take(args, option) != 0) {
			complain("%s: '%s' does not fit --%s; see 'trafficgen --help'",
			         o->verb, optarg, o->known[index].name);
			return STATUS_USAGE;
		}
	}
	return STATUS_OK;
}
