/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * relay - a cable between two interfaces that tags, loses, delays, doubles and reorders.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_ether.h>

#include "args.h"
#include "fate.h"
#include "options.h"
#include "pace.h"
#include "relay_port.h"
#include "verbs.h"

/* Frames of one direction before the other has its turn. */
#define TURN 64

#define MOST_OVERTAKERS 1000

struct relay_args {
	const char *interfaces[2];
	uint16_t tags[2]; /* outer first */
	unsigned int tag_count;
	struct fate_rules rules;
	uint64_t seed;
};

/* One way; received + duplicated = sent + lost + untagged + overflow + errors + held. */
struct way {
	struct relay_port *from, *to;
	bool pushes; /* from A to B */
	struct fate fate;
	uint64_t received, sent, lost, reordered, duplicated;
	uint64_t untagged; /* had not the tag to pop */
	uint64_t overflow; /* no room to hold it */
	uint64_t errors;   /* refused by the kernel */
};

enum {
	OPT_VLAN = 256,
	OPT_QINQ,
	OPT_LOSS,
	OPT_DELAY,
	OPT_JITTER,
	OPT_REORDER,
	OPT_REORDER_BY,
	OPT_DUPLICATE,
	OPT_SEED,
	OPT_HELP
};

static const struct option options[] = {
	{ "vlan", required_argument, NULL, OPT_VLAN },
	{ "qinq", required_argument, NULL, OPT_QINQ },
	{ "loss", required_argument, NULL, OPT_LOSS },
	{ "delay", required_argument, NULL, OPT_DELAY },
	{ "jitter", required_argument, NULL, OPT_JITTER },
	{ "reorder", required_argument, NULL, OPT_REORDER },
	{ "reorder-by", required_argument, NULL, OPT_REORDER_BY },
	{ "duplicate", required_argument, NULL, OPT_DUPLICATE },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

/* A time, or a plain number of packets. */
static int
take_reorder_by(struct fate_rules *r, const char *text)
{
	uint64_t n;

	if (args_number(&n, text) != 0) {
		r->reorder_packets = 0;
		return args_duration(&r->reorder_ns, text);
	}
	if (n < 1 || n > MOST_OVERTAKERS)
		return -EINVAL;
	r->reorder_packets = n;
	return 0;
}

/* Returns 0, or not 0 when the value does not fit the option. */
static int
take_option(void *args, int option)
{
	struct relay_args *a = args;

	switch (option) {
	case OPT_VLAN:
		a->tag_count = 1;
		return args_vlan(&a->tags[0], optarg);
	case OPT_QINQ:
		a->tag_count = 2;
		return args_qinq(a->tags, optarg);
	case OPT_LOSS:
		return args_percent(&a->rules.loss_ppm, optarg);
	case OPT_DELAY:
		return args_duration(&a->rules.delay_ns, optarg);
	case OPT_JITTER:
		return args_duration(&a->rules.jitter_ns, optarg);
	case OPT_REORDER:
		return args_percent(&a->rules.reorder_ppm, optarg);
	case OPT_REORDER_BY:
		return take_reorder_by(&a->rules, optarg);
	case OPT_DUPLICATE:
		return args_percent(&a->rules.duplicate_ppm, optarg);
	default:
		return args_number(&a->seed, optarg);
	}
}

/* Returns STATUS_OK to go on, -1 when help was given, or STATUS_USAGE. */
static int
read_args(struct relay_args *a, int argc, char **argv)
{
	static const struct options known = { "relay", "", options, OPT_HELP,
		                              take_option };
	int status = options_read(&known, a, argc, argv);

	if (status != STATUS_OK)
		return status;
	if (argc - optind != 2)
		return options_usage("relay", "give two interfaces");
	a->interfaces[0] = argv[optind];
	a->interfaces[1] = argv[optind + 1];
	if (strcmp(a->interfaces[0], a->interfaces[1]) == 0)
		return options_usage("relay", "the two interfaces are one");
	return STATUS_OK;
}

/* Push the inner tag first; the outer one of two is 802.1ad. */
static void
push_tags(const struct relay_args *a, struct relay_frame *f)
{
	for (unsigned int i = a->tag_count; i-- > 0;)
		relay_push(f, i + 1 < a->tag_count ? ETH_P_8021AD : ETH_P_8021Q,
		           a->tags[i]);
}

static bool
pop_tags(const struct relay_args *a, struct relay_frame *f)
{
	for (unsigned int i = 0; i < a->tag_count; i++) {
		if (!relay_pop(f, a->tags[i]))
			return false;
	}
	return true;
}

static void
pass(struct way *w, uint8_t *bytes, uint32_t len, struct virtio_net_hdr *offload)
{
	if (relay_port_send(w->to, bytes, len, offload) == 0)
		w->sent++;
	else
		w->errors++;
}

static void
keep(struct way *w, struct relay_frame *f, enum fate_verdict verdict, uint64_t due_ns)
{
	int err;

	if (verdict == FATE_WAIT)
		err = fate_wait(&w->fate, f->start, f->len, &f->offload, due_ns);
	else
		err = fate_hold(&w->fate, f->start, f->len, &f->offload, due_ns);
	if (err != 0)
		w->overflow++;
	else if (verdict != FATE_HOLD)
		w->reordered++;
}

static void
meet_fate(struct way *w, struct relay_frame *f, uint64_t now)
{
	uint64_t due_ns = now;
	const enum fate_verdict verdict = fate_decide(&w->fate, now, &due_ns);
	unsigned int copies = 1;

	if (verdict == FATE_LOSE) {
		w->lost++;
		return;
	}
	if (fate_doubles(&w->fate)) {
		w->duplicated++;
		copies++;
	}
	for (unsigned int i = 0; i < copies; i++) {
		if (verdict == FATE_PASS)
			pass(w, f->start, f->len, &f->offload);
		else
			keep(w, f, verdict, due_ns);
	}
}

static void
release(struct way *w)
{
	while (fate_due(&w->fate) <= pace_now()) {
		struct parcel *p = fate_release(&w->fate);

		pass(w, p->bytes, p->len, &p->offload);
		free(p);
	}
}

/* Returns 0, or -errno when the interface is lost. */
static int
carry(struct way *w, const struct relay_args *a)
{
	static struct relay_frame f;

	for (int i = 0; i < TURN; i++) {
		const int got = relay_port_receive(w->from, &f);

		if (got == 0)
			return 0;
		if (got < 0) {
			/* An interface that is down may come up again; one that is gone
			 * not. */
			if (got == -ENETDOWN)
				return 0;
			complain("%s: %s", w->from->interface, strerror(-got));
			return got;
		}
		w->received++;
		if (w->pushes)
			push_tags(a, &f);
		else if (!pop_tags(a, &f)) {
			w->untagged++;
			continue;
		}
		meet_fate(w, &f, pace_now());
		/* Who was to be overtaken by this one must not be by the rest of the turn. */
		release(w);
	}
	return 0;
}

static void
wait_for_frames(const struct way ways[2])
{
	struct pollfd fds[2] = {
		{ .fd = ways[0].from->fd, .events = POLLIN },
		{ .fd = ways[1].from->fd, .events = POLLIN },
	};
	const uint64_t first = fate_due(&ways[0].fate), second = fate_due(&ways[1].fate);
	const uint64_t due = first < second ? first : second, now = pace_now();
	/* Signals end the wait; the second is for one that came just before it. */
	uint64_t wait_ns = NS_PER_S;
	struct timespec ts;

	if (due <= now)
		return;
	if (due - now < wait_ns)
		wait_ns = due - now;
	ts.tv_sec = (time_t)(wait_ns / NS_PER_S);
	ts.tv_nsec = (long)(wait_ns % NS_PER_S);
	(void)ppoll(fds, 2, &ts, NULL);
}

static void
report_way(const struct way *w, const char *name, const char *end)
{
	printf("\"%s\":{\"received\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"reordered\":%" PRIu64 ",\"untagged\":%" PRIu64
	       ",\"duplicated\":%" PRIu64 ",\"overflow\":%" PRIu64 ",\"errors\":%" PRIu64
	       ",\"held\":%zu,\"missed\":%u}%s",
	       name, w->received, w->sent, w->lost, w->reordered, w->untagged,
	       w->duplicated, w->overflow, w->errors, fate_held(&w->fate),
	       relay_port_missed(w->from), end);
}

/* Returns an exit status. */
static int
relay_all(struct way ways[2], const struct relay_args *a)
{
	int err = 0;

	for (int i = 0; i < 2; i++) {
		ways[i].pushes = i == 0;
		ways[i].fate.rules = a->rules;
		ways[i].fate.prng = prng_make(a->seed, (uint64_t)i);
	}
	while (!pace_is_stopped() && err == 0) {
		wait_for_frames(ways);
		for (int i = 0; i < 2 && err == 0; i++) {
			release(&ways[i]);
			err = carry(&ways[i], a);
		}
	}
	printf("{\"done\":true,");
	report_way(&ways[0], "a_to_b", ",");
	report_way(&ways[1], "b_to_a", "}\n");
	fate_free(&ways[0].fate);
	fate_free(&ways[1].fate);
	return err == 0 ? STATUS_OK : STATUS_FAILED;
}

int
relay_main(int argc, char **argv)
{
	struct relay_args a = { .seed = 1, .rules.reorder_ns = 2 * NS_PER_MS };
	struct relay_port ports[2];
	struct way ways[2] = { { .from = &ports[0], .to = &ports[1] },
		               { .from = &ports[1], .to = &ports[0] } };
	int status = read_args(&a, argc, argv);

	if (status != STATUS_OK)
		return status < 0 ? STATUS_OK : status;
	pace_catch_signals();
	if (relay_port_open(&ports[0], a.interfaces[0]) != 0)
		return STATUS_FAILED;
	if (relay_port_open(&ports[1], a.interfaces[1]) != 0) {
		close(ports[0].fd);
		return STATUS_FAILED;
	}
	fprintf(stderr, "trafficgen: relaying %s <-> %s\n", a.interfaces[0],
	        a.interfaces[1]);
	status = relay_all(ways, &a);
	close(ports[0].fd);
	close(ports[1].fd);
	return status;
}
