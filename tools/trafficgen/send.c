/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * send - put traffic on an interface at its pace.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "pace.h"
#include "supply.h"
#include "transmit.h"
#include "verbs.h"

struct send_args {
	const char *interface;
	const char *parts[MIX_PARTS_MAX + 1];
	unsigned int part_count;
	struct spec_defaults defaults;
	uint64_t rate, duration_ns; /* 0: not given */
	uint64_t seed;
	uint8_t src_mac[6], dst_mac[6];
	bool has_src, has_dst, loops, reports, mark_parts;
	enum supply_side side;
	enum transmit_method method;
};

struct sending {
	const struct send_args *args;
	struct supply supply;
	struct transmit transmit;
	struct pace pace;
	uint64_t taken;
	uint64_t end_ns, report_ns; /* of the clock */
};

enum {
	OPT_INTERFACE = 256,
	OPT_RATE,
	OPT_DURATION,
	OPT_LOOP,
	OPT_SIDE,
	OPT_DST,
	OPT_SRC,
	OPT_METHOD,
	OPT_PROGRESS,
	OPT_PART,
	OPT_SEED,
	OPT_MARK,
	OPT_OUTSIDE,
	OPT_INSIDE,
	OPT_HELP
};

static const struct option options[] = {
	{ "interface", required_argument, NULL, OPT_INTERFACE },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "duration", required_argument, NULL, OPT_DURATION },
	{ "loop", no_argument, NULL, OPT_LOOP },
	{ "side", required_argument, NULL, OPT_SIDE },
	{ "dst-mac", required_argument, NULL, OPT_DST },
	{ "src-mac", required_argument, NULL, OPT_SRC },
	{ "method", required_argument, NULL, OPT_METHOD },
	{ "progress", no_argument, NULL, OPT_PROGRESS },
	{ "part", required_argument, NULL, OPT_PART },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "mark-parts", no_argument, NULL, OPT_MARK },
	{ "outside-mac", required_argument, NULL, OPT_OUTSIDE },
	{ "inside-mac", required_argument, NULL, OPT_INSIDE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

/* Which of the NULL-ended words text is, or -1. */
static int
choice(const char *const *words, const char *text)
{
	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], text) == 0)
			return i;
	}
	return -1;
}

static int
take_side(struct send_args *a)
{
	static const char *const words[] = { "outside", "inside", "all", NULL };
	const int n = choice(words, optarg);

	a->side = (enum supply_side)(SUPPLY_OUTSIDE + n);
	return n < 0 ? -1 : 0;
}

static int
take_method(struct send_args *a)
{
	static const char *const words[] = { "auto", "ring", "calls", NULL };
	const int n = choice(words, optarg);

	a->method = (enum transmit_method)(TRANSMIT_AUTO + n);
	return n < 0 ? -1 : 0;
}

static int
take_duration(struct send_args *a)
{
	if (args_duration(&a->duration_ns, optarg) != 0 || a->duration_ns == 0)
		return -1;
	/* Parts that do not say how long they last shall not end before. */
	a->defaults.duration_ns = a->duration_ns;
	return 0;
}

/* Options without a value. */
static int
take_switch(struct send_args *a, int option)
{
	if (option == OPT_LOOP)
		a->loops = true;
	else if (option == OPT_PROGRESS)
		a->reports = true;
	else
		a->mark_parts = true;
	return 0;
}

/* Returns 0, or not 0 when the value does not fit the option. */
static int
take_option(void *args, int option)
{
	struct send_args *a = args;

	switch (option) {
	case OPT_INTERFACE:
		a->interface = optarg;
		return 0;
	case OPT_RATE:
		return args_rate(&a->rate, optarg);
	case OPT_DURATION:
		return take_duration(a);
	case OPT_SIDE:
		return take_side(a);
	case OPT_DST:
		a->has_dst = true;
		return args_mac(a->dst_mac, optarg);
	case OPT_SRC:
		a->has_src = true;
		return args_mac(a->src_mac, optarg);
	case OPT_METHOD:
		return take_method(a);
	case OPT_PART:
		if (a->part_count <= MIX_PARTS_MAX)
			a->parts[a->part_count++] = optarg;
		return 0;
	case OPT_SEED:
		return args_number(&a->seed, optarg);
	case OPT_OUTSIDE:
		return args_mac(a->defaults.outside, optarg);
	case OPT_INSIDE:
		return args_mac(a->defaults.inside, optarg);
	default:
		return take_switch(a, option);
	}
}

/* Returns STATUS_OK to go on, -1 when help was given, or STATUS_USAGE. */
static int
read_args(struct send_args *a, int argc, char **argv)
{
	static const struct options known = { "send", "", options, OPT_HELP,
		                              take_option };
	int status = options_read(&known, a, argc, argv);

	if (status != STATUS_OK)
		return status;
	if (a->interface == NULL)
		return options_usage("send", "--interface IF is missing");
	if (argc - optind > 1)
		return options_usage("send", "more than one capture");
	if ((a->part_count > 0) == (optind < argc))
		return options_usage("send", "give either parts or one capture");
	return STATUS_OK;
}

/* Parts or the capture. Returns an exit status. */
static int
open_supply(struct supply *s, const struct send_args *a, const char *capture)
{
	s->side = a->side;
	s->seed = a->seed;
	s->keeps_times = a->rate == 0;
	/* A pace for a given time must not run dry because the parts are slower. */
	s->loops = a->loops || (a->part_count > 0 && a->rate != 0 && a->duration_ns != 0);
	memcpy(s->outside, a->defaults.outside, 6);
	memcpy(s->inside, a->defaults.inside, 6);
	for (unsigned int i = 0; i < a->part_count; i++) {
		if (mix_add(&s->mix, a->parts[i], &a->defaults) != 0)
			return STATUS_USAGE;
	}
	if (a->mark_parts)
		mix_mark_parts(&s->mix);
	if (capture != NULL && pcap_open(&s->pcap, capture) != 0)
		return STATUS_FAILED;
	supply_start(s);
	return STATUS_OK;
}

static void
report(const struct sending *s, uint64_t now, bool is_last)
{
	const struct transmit *t = &s->transmit;
	const double seconds = (double)(now - s->pace.began_ns) / (double)NS_PER_S;

	printf("{\"%s\":true,\"interface\":\"%s\",\"method\":\"%s\",\"offered\":%" PRIu64
	       ",\"sent\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"full\":%" PRIu64
	       ",\"bytes\":%" PRIu64 ",\"seconds\":%.6f,\"pps\":%.1f,\"late_ms\":%.3f}\n",
	       is_last ? "done" : "progress", t->interface,
	       t->has_ring ? "ring" : "calls", t->offered, t->sent, t->errors, t->full,
	       t->bytes, seconds, seconds > 0 ? (double)t->sent / seconds : 0.0,
	       (double)s->pace.late_ns / (double)NS_PER_MS);
	fflush(stdout);
}

static uint64_t
due_of(const struct sending *s, const struct frame *f)
{
	const uint64_t rate = s->args->rate, n = s->taken;

	if (rate == 0)
		return f->at_ns;
	return n / rate * NS_PER_S + n % rate * NS_PER_S / rate;
}

static void
rewrite(const struct send_args *a, struct frame *f)
{
	if (a->has_dst)
		memcpy(f->bytes, a->dst_mac, 6);
	if (a->has_src)
		memcpy(f->bytes + 6, a->src_mac, 6);
}

/* Returns false when it is time to end. */
static bool
wait_for(struct sending *s, uint64_t at_ns)
{
	for (;;) {
		const uint64_t now = pace_now();
		uint64_t limit = s->end_ns;

		if (pace_is_stopped() || now >= s->end_ns)
			return false;
		if (s->args->reports && now >= s->report_ns) {
			report(s, now, false);
			s->report_ns += NS_PER_S;
		}
		if (pace_is_due(&s->pace, at_ns, now))
			return true;
		transmit_flush(&s->transmit);
		if (s->args->reports && s->report_ns < limit)
			limit = s->report_ns;
		pace_wait(&s->pace, at_ns, limit);
	}
}

/* Returns 0, or -errno after complaining. */
static int
send_all(struct sending *s)
{
	static struct frame f;
	int got;

	pace_begin(&s->pace);
	s->report_ns = s->pace.began_ns + NS_PER_S;
	s->end_ns = UINT64_MAX;
	if (s->args->duration_ns != 0)
		s->end_ns = s->pace.began_ns + s->args->duration_ns;
	while ((got = supply_take(&s->supply, &f)) > 0) {
		if (!wait_for(s, due_of(s, &f))) {
			got = 0;
			break;
		}
		rewrite(s->args, &f);
		transmit_queue(&s->transmit, f.bytes, f.len);
		s->taken++;
	}
	transmit_flush(&s->transmit);
	report(s, pace_now(), true);
	return got;
}

int
send_main(int argc, char **argv)
{
	static struct sending s;
	struct send_args a = { .seed = 1 };
	int status;

	spec_defaults_init(&a.defaults);
	status = read_args(&a, argc, argv);
	if (status != STATUS_OK)
		return status < 0 ? STATUS_OK : status;
	s.args = &a;
	status = open_supply(&s.supply, &a, a.part_count == 0 ? argv[optind] : NULL);
	if (status == STATUS_OK) {
		pace_catch_signals();
		if (transmit_open(&s.transmit, a.interface, a.method) != 0) {
			status = STATUS_FAILED;
		} else {
			if (send_all(&s) != 0 || s.transmit.errors > s.transmit.full)
				status = STATUS_FAILED;
			transmit_close(&s.transmit);
		}
	}
	mix_free(&s.supply.mix);
	(void)pcap_close(&s.supply.pcap);
	return status;
}
