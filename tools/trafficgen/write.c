/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * write - make traffic and store it in a capture file.
 */
#include <getopt.h>
#include <stdlib.h>

#include "mix.h"
#include "options.h"
#include "pcap.h"
#include "verbs.h"

/* 14 November 2023: some past time that is the same for everybody. */
#define USUAL_EPOCH 1700000000ull

struct write_args {
	const char *out, *truth;
	const char *parts[MIX_PARTS_MAX + 1];
	unsigned int part_count;
	struct spec_defaults defaults;
	uint64_t seed, epoch_s;
	bool is_micro, mark_parts;
};

enum {
	OPT_PART = 256,
	OPT_SEED,
	OPT_TRUTH,
	OPT_EPOCH,
	OPT_MICRO,
	OPT_DURATION,
	OPT_OUTSIDE,
	OPT_INSIDE,
	OPT_MARK,
	OPT_HELP
};

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "part", required_argument, NULL, OPT_PART },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "truth", required_argument, NULL, OPT_TRUTH },
	{ "epoch", required_argument, NULL, OPT_EPOCH },
	{ "micro", no_argument, NULL, OPT_MICRO },
	{ "duration", required_argument, NULL, OPT_DURATION },
	{ "outside-mac", required_argument, NULL, OPT_OUTSIDE },
	{ "inside-mac", required_argument, NULL, OPT_INSIDE },
	{ "mark-parts", no_argument, NULL, OPT_MARK },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

/* Returns 0, or -1 when the value does not fit the option. */
static int
take_option(void *args, int option)
{
	struct write_args *a = args;

	switch (option) {
	case 'o':
		a->out = optarg;
		return 0;
	case OPT_PART:
		if (a->part_count <= MIX_PARTS_MAX)
			a->parts[a->part_count++] = optarg;
		return 0;
	case OPT_SEED:
		return args_number(&a->seed, optarg);
	case OPT_TRUTH:
		a->truth = optarg;
		return 0;
	case OPT_EPOCH:
		/* The file has 32 bits for seconds. */
		return args_number(&a->epoch_s, optarg) != 0 || a->epoch_s > 4000000000
		               ? -1
		               : 0;
	case OPT_MICRO:
		a->is_micro = true;
		return 0;
	case OPT_DURATION:
		return args_duration(&a->defaults.duration_ns, optarg) != 0 ||
		                       a->defaults.duration_ns == 0
		               ? -1
		               : 0;
	case OPT_OUTSIDE:
		return args_mac(a->defaults.outside, optarg);
	case OPT_INSIDE:
		return args_mac(a->defaults.inside, optarg);
	case OPT_MARK:
	default:
		a->mark_parts = true;
		return 0;
	}
}

/* Returns STATUS_OK to go on, -1 when help was given, or STATUS_USAGE. */
static int
read_args(struct write_args *a, int argc, char **argv)
{
	static const struct options known = { "write", "o:", options, OPT_HELP,
		                              take_option };
	int status = options_read(&known, a, argc, argv);

	if (status != STATUS_OK)
		return status;
	if (optind < argc)
		return options_usage("write", "a word too many");
	if (a->out == NULL)
		return options_usage("write", "-o FILE is missing");
	if (a->part_count == 0)
		return options_usage("write", "no --part given");
	return STATUS_OK;
}

static int
write_all(struct mix *m, const struct write_args *a)
{
	static struct frame f;
	struct pcap p;
	int err;

	err = pcap_create(&p, a->out, a->epoch_s * NS_PER_S, a->is_micro);
	if (err != 0)
		return err;
	mix_start(m, a->seed);
	while ((err = mix_take(m, &f)) > 0) {
		err = pcap_write(&p, &f);
		if (err != 0)
			break;
	}
	/* Closing may be what fails, on a full disk. */
	if (pcap_close(&p) != 0 && err == 0)
		err = -1;
	if (err == 0 && a->truth != NULL)
		err = mix_write_truth(m, a->truth, a->seed);
	return err;
}

int
write_main(int argc, char **argv)
{
	struct write_args a = { .seed = 1, .epoch_s = USUAL_EPOCH };
	struct mix m = { 0 };
	int status;

	spec_defaults_init(&a.defaults);
	status = read_args(&a, argc, argv);
	if (status != STATUS_OK)
		return status < 0 ? STATUS_OK : status;
	for (unsigned int i = 0; i < a.part_count && status == STATUS_OK; i++) {
		if (mix_add(&m, a.parts[i], &a.defaults) != 0)
			status = STATUS_USAGE;
	}
	if (status == STATUS_OK) {
		if (a.mark_parts)
			mix_mark_parts(&m);
		status = write_all(&m, &a) == 0 ? STATUS_OK : STATUS_FAILED;
	}
	mix_free(&m);
	return status;
}
