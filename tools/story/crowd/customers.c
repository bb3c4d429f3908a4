/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * customers - many separate people who look at a shop, each from an own address.
 *
 * A customer asks, waits for the whole answer or gives up after the time-out, thinks for
 * a while and asks again. Most open a new connection for each page, since an attack on
 * newcomers must show; every Nth keeps its connection, since a defence that breaks open
 * conversations must show as well. A phase's count waits for the requests that began in it.
 *
 * Threads one, an epoll loop that wakes every two milliseconds.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "command.h"
#include "exchange.h"
#include "request.h"
#include "tally.h"
#include "verbs.h"

#define TICK_MS 2
#define EVENTS  64

struct customer {
	struct exchange exchange;
	struct exchange_plan plan;
	struct tally *phase; /* in which the running request began */
	uint64_t next_ns;    /* when the thinking ends */
	uint32_t dice;       /* state of the jitter */
	uint32_t asked;
};

struct crowd {
	const struct options *options;
	struct request_set requests;
	unsigned int count;
	struct customer *customer;
	struct address *address;
	struct tally *now, *before, *interval;
	bool before_waits; /* `before` still has requests under way */
	bool leaving;
	uint64_t news_ns;
	int epoll;
};

/* xorshift32: repeatable jitter, no more is asked of it. */
static uint32_t
roll(uint32_t *dice)
{
	*dice ^= *dice << 13;
	*dice ^= *dice >> 17;
	*dice ^= *dice << 5;
	return *dice;
}

/* Half to one and a half times the mean. */
static uint64_t
thinking_ns(struct crowd *crowd, struct customer *c)
{
	const uint64_t mean = crowd->options->think_ns;

	return mean / 2 + mean * (roll(&c->dice) & 0xffff) / 0x10000;
}

static void
finish(struct crowd *crowd, unsigned int i, enum exchange_end end)
{
	struct customer *c = &crowd->customer[i];
	const uint64_t now_ns = exchange_now_ns();
	const uint64_t took_ns = now_ns - c->exchange.began_ns;

	tally_end(c->phase, i, end, took_ns);
	tally_end(crowd->interval, i, end, took_ns);
	c->phase = NULL;
	if (end != EXCHANGE_OK || !c->plan.keep_alive)
		exchange_close(&c->exchange, end != EXCHANGE_OK);
	c->next_ns = now_ns + thinking_ns(crowd, c);
}

static void
ask(struct crowd *crowd, unsigned int i)
{
	struct customer *c = &crowd->customer[i];
	const unsigned int page = c->asked++ % crowd->requests.count;
	enum exchange_end end;

	c->plan.request = crowd->requests.text[page];
	c->plan.request_len = crowd->requests.len[page];
	c->phase = crowd->now;
	tally_begin(c->phase, i);
	tally_begin(crowd->interval, i);
	end = exchange_begin(&c->exchange, &c->plan, crowd->epoll, i);
	if (end != EXCHANGE_RUNNING)
		finish(crowd, i, end);
}

static int
open_customer(struct crowd *crowd, unsigned int i)
{
	const struct options *o = crowd->options;
	struct customer *c = &crowd->customer[i];

	exchange_init(&c->exchange);
	options_host(&crowd->address[i], o, i);
	c->plan.source = crowd->address[i];
	c->plan.shop = options_shop(o, crowd->address[i].at.any.sa_family);
	c->plan.timeout_ns = o->timeout_ns;
	c->plan.keep_alive = o->keep_alive != 0 && i % o->keep_alive == 0;
	c->dice = (o->seed + i + 1) * 2654435761U | 1;
	c->asked = i;
	/* They do not all come through the door at once. */
	c->next_ns =
		exchange_now_ns() + thinking_ns(crowd, c) * (roll(&c->dice) & 0xff) / 255;
	return c->plan.shop == NULL ? -EINVAL : 0;
}

static int
open_crowd(struct crowd *crowd, const struct options *o)
{
	memset(crowd, 0, sizeof(*crowd));
	crowd->options = o;
	crowd->count = options_hosts(o);
	if (crowd->count == 0 || request_write(&crowd->requests, o) != 0) {
		fprintf(stderr, "crowd: customers need --group and --paths\n");
		return 2;
	}
	crowd->customer = calloc(crowd->count, sizeof(*crowd->customer));
	crowd->address = calloc(crowd->count, sizeof(*crowd->address));
	crowd->now = tally_new(crowd->count);
	crowd->before = tally_new(crowd->count);
	crowd->interval = tally_new(crowd->count);
	crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (crowd->customer == NULL || crowd->address == NULL || crowd->now == NULL ||
	    crowd->before == NULL || crowd->interval == NULL || crowd->epoll < 0) {
		fprintf(stderr, "crowd: no memory for %u customers\n", crowd->count);
		return 1;
	}
	for (unsigned int i = 0; i < crowd->count; i++)
		if (open_customer(crowd, i) != 0) {
			fprintf(stderr,
			        "crowd: --shop is missing for a family of --group\n");
			return 2;
		}
	tally_reset(crowd->now, "start");
	tally_reset(crowd->interval, "");
	crowd->news_ns = exchange_now_ns() + o->interval_ns;
	return 0;
}

static void
close_crowd(struct crowd *crowd)
{
	for (unsigned int i = 0; crowd->customer != NULL && i < crowd->count; i++)
		exchange_close(&crowd->customer[i].exchange, true);
	free(crowd->customer);
	free(crowd->address);
	free(crowd->now);
	free(crowd->before);
	free(crowd->interval);
}

/* Tell the phase that has ended as soon as nobody waits for an answer of it. */
static void
tell_before(struct crowd *crowd)
{
	if (!crowd->before_waits || crowd->before->began != crowd->before->ended)
		return;
	tally_print(crowd->before, "phase", crowd->address);
	crowd->before_waits = false;
}

static void
next_phase(struct crowd *crowd, const char *name)
{
	struct tally *old = crowd->now;

	/* A phase shorter than the time-out would end before its predecessor has;
	 * what still runs there is then given up and counted as the failure it is. */
	for (unsigned int i = 0; crowd->before_waits && i < crowd->count; i++)
		if (crowd->customer[i].phase == crowd->before)
			finish(crowd, i, EXCHANGE_READ_TIMEOUT);
	tell_before(crowd);
	crowd->now = crowd->before;
	crowd->before = old;
	crowd->before_waits = true;
	tally_reset(crowd->now, name);
}

static void
news(struct crowd *crowd, uint64_t now_ns)
{
	if (crowd->options->interval_ns == 0 || now_ns < crowd->news_ns)
		return;
	snprintf(crowd->interval->name, sizeof(crowd->interval->name), "%s",
	         crowd->now->name);
	tally_print(crowd->interval, "interval", crowd->address);
	tally_reset(crowd->interval, "");
	crowd->news_ns = now_ns + crowd->options->interval_ns;
}

static void
walk_round(struct crowd *crowd, uint64_t now_ns)
{
	for (unsigned int i = 0; i < crowd->count; i++) {
		struct customer *c = &crowd->customer[i];
		enum exchange_end end;

		if (c->phase == NULL) {
			if (!crowd->leaving && now_ns >= c->next_ns)
				ask(crowd, i);
			continue;
		}
		end = exchange_check_deadline(&c->exchange, now_ns);
		if (end != EXCHANGE_RUNNING)
			finish(crowd, i, end);
	}
}

static void
hear_answers(struct crowd *crowd)
{
	struct epoll_event events[EVENTS];
	const int n = epoll_wait(crowd->epoll, events, EVENTS, TICK_MS);

	for (int e = 0; e < n; e++) {
		const unsigned int i = events[e].data.u32;
		struct customer *c = &crowd->customer[i];
		const enum exchange_end end = exchange_go_on(&c->exchange, &c->plan);

		if (end != EXCHANGE_RUNNING && c->phase != NULL)
			finish(crowd, i, end);
	}
}

static void
obey(struct crowd *crowd, struct command *command)
{
	const enum command_word word =
		crowd->leaving ? COMMAND_NONE : command_read(command);

	if (word == COMMAND_PHASE)
		next_phase(crowd, command->name);
	if (word == COMMAND_QUIT) {
		next_phase(crowd, "end");
		crowd->leaving = true;
	}
}

int
customers_run(const struct options *o)
{
	struct command command;
	struct crowd crowd;
	int rc;

	rc = open_crowd(&crowd, o);
	if (rc == 0 && command_open(&command) != 0)
		rc = 1;
	while (rc == 0) {
		const uint64_t now_ns = exchange_now_ns();

		obey(&crowd, &command);
		walk_round(&crowd, now_ns);
		hear_answers(&crowd);
		tell_before(&crowd);
		news(&crowd, now_ns);
		if (crowd.leaving && !crowd.before_waits)
			break;
	}
	close_crowd(&crowd);
	return rc;
}
