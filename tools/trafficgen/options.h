/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options - the words behind a verb, read the same way for each of them.
 */
#ifndef TRAFFICGEN_OPTIONS_H
#define TRAFFICGEN_OPTIONS_H

struct option;

struct options {
	const char *verb;
	const char *letters; /* short options, as getopt() has them */
	const struct option *known;
	int help; /* the value of --help among them */
	/* Take one option, its word in optarg. Returns 0, or not when the word does not fit. */
	int (*take)(void *args, int option);
};

/*
 * Read all options; optind then is the first word that is none. Returns
 * STATUS_OK to go on, -1 when help was given, or STATUS_USAGE after a sentence.
 */
int options_read(const struct options *o, void *args, int argc, char **argv);

/* Say what is wrong with the words of a verb. Returns STATUS_USAGE. */
int options_usage(const char *verb, const char *what);

#endif
