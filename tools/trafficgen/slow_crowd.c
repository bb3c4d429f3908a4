/* SPDX-License-Identifier: BSD-3-Clause */
#include "slow_crowd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "args.h"
#include "pace.h"

#define EVENTS     256
#define SPARE      16 /* descriptors that are not ours */
#define OPENS_MOST 64 /* in one turn, so that who speaks is not kept waiting */

static int
allow_descriptors(uint32_t wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return -errno;
	if (limit.rlim_cur >= wanted)
		return 0;
	limit.rlim_cur = wanted;
	if (limit.rlim_max < wanted)
		limit.rlim_max = wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return 0;
	complain("%u connections need as many descriptors; raise 'ulimit -n'", wanted);
	return -EMFILE;
}

int
slow_crowd_open(struct slow_crowd *c, const struct slow_plan *plan)
{
	int err;

	memset(c, 0, sizeof(*c));
	c->plan = plan;
	c->epoll = -1;
	c->count = (uint32_t)(plan->targets * plan->sources * plan->connections);
	err = allow_descriptors(c->count + SPARE);
	if (err != 0)
		return err;
	c->one = calloc(c->count, sizeof(*c->one));
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (c->one == NULL || c->epoll < 0) {
		complain("no memory for %u connections", c->count);
		slow_crowd_close(c);
		return -ENOMEM;
	}
	TAILQ_INIT(&c->to_open);
	TAILQ_INIT(&c->to_step);
	for (uint32_t i = 0; i < c->count; i++) {
		c->one[i].talk.fd = -1;
		TAILQ_INSERT_TAIL(&c->to_open, &c->one[i], link);
	}
	c->books.shortest_ns = UINT64_MAX;
	c->start_ns = pace_now();
	return 0;
}

void
slow_crowd_close(struct slow_crowd *c)
{
	for (uint32_t i = 0; c->one != NULL && i < c->count; i++)
		slow_talk_end(&c->one[i].talk);
	if (c->epoll >= 0)
		close(c->epoll);
	free(c->one);
	*c = (struct slow_crowd){ .epoll = -1 };
}

/* Connection i: targets take turns, then sources, so that all fill evenly. */
static struct slow_end
source_of(const struct slow_plan *p, uint32_t i, unsigned int family)
{
	const struct prefix *net = family == 4 ? &p->from4 : &p->from6;
	struct slow_end end = { 0 };

	if (net->base.family != 0)
		end.address = address_host(net, i / p->targets % p->sources);
	return end;
}

/* The talk was counted in `before` and is in another state now. */
static void
enter(struct slow_crowd *c, struct slow_one *who, enum slow_state before)
{
	struct slow_talk *t = &who->talk;
	struct slow_books *b = &c->books;
	const uint64_t now = pace_now();
	uint64_t lived;

	if (t->state == before)
		return;
	if (before == SLOW_CONNECTING) {
		b->connecting--;
		/* What fails with its first words was open before. */
		b->opened += t->state != SLOW_REFUSED && t->state != SLOW_FAILED;
		b->open += t->state != SLOW_REFUSED && t->state != SLOW_FAILED;
		t->begun_ns = now;
	}
	if (t->state == SLOW_OPEN)
		return;
	b->ended[t->state]++;
	lived = now - t->begun_ns;
	if (t->state != SLOW_REFUSED && t->state != SLOW_FAILED) {
		b->open--;
		b->shortest_ns = lived < b->shortest_ns ? lived : b->shortest_ns;
		b->longest_ns = lived > b->longest_ns ? lived : b->longest_ns;
	}
	slow_talk_end(t);
	if (who->steps)
		TAILQ_REMOVE(&c->to_step, who, link);
	who->steps = false;
	if (c->plan->reopens)
		TAILQ_INSERT_TAIL(&c->to_open, who, link);
}

static void
complain_once(struct slow_crowd *c, int err, const struct slow_end *from)
{
	if (err == c->last_error)
		return;
	c->last_error = err;
	if (err == -EADDRNOTAVAIL && from->address.family != 0)
		complain("an address of --from has no port left or is not local; try 'ip "
		         "route add local PREFIX dev lo', or more --sources");
	else
		complain("cannot connect: %s", strerror(-err));
}

static void
watch(struct slow_crowd *c, struct slow_one *who, int what)
{
	struct epoll_event e = { .events = slow_talk_events(&who->talk, c->plan->kind),
		                 .data.ptr = who };

	(void)epoll_ctl(c->epoll, what, who->talk.fd, &e);
}

static void
begin(struct slow_crowd *c, struct slow_one *who)
{
	const struct slow_plan *p = c->plan;
	const uint32_t number = (uint32_t)(who - c->one);
	const struct slow_end *to = &p->target[number % p->targets];
	const struct slow_end from = source_of(p, number, to->address.family);
	struct slow_talk *t = &who->talk;
	const int err = slow_talk_begin(t, p->kind, &from, to);

	t->begun_ns = pace_now();
	c->books.tried++;
	c->books.connecting++;
	if (t->state == SLOW_CONNECTING) {
		watch(c, who, EPOLL_CTL_ADD);
		return;
	}
	if (t->state == SLOW_FAILED)
		complain_once(c, err, &from);
	enter(c, who, SLOW_CONNECTING);
}

/* Returns when the next is to be opened; UINT64_MAX if none waits. */
static uint64_t
open_due(struct slow_crowd *c)
{
	const uint64_t rate = c->plan->rate;
	struct slow_one *who;

	for (unsigned int n = 0; (who = TAILQ_FIRST(&c->to_open)) != NULL; n++) {
		const uint64_t due = c->start_ns + c->begun / rate * NS_PER_S +
		                     c->begun % rate * NS_PER_S / rate;
		const uint64_t now = pace_now();

		if (due > now || n == OPENS_MOST)
			return due;
		/* After a pause with nothing to open no burst makes up for it. */
		if (now - due > PACE_SLACK_NS)
			c->start_ns += now - due;
		TAILQ_REMOVE(&c->to_open, who, link);
		c->begun++;
		begin(c, who);
	}
	return UINT64_MAX;
}

static void
step(struct slow_crowd *c, struct slow_one *who)
{
	struct slow_talk *t = &who->talk;

	slow_talk_step(t, c->plan->kind, &c->books.bytes);
	if (t->state == SLOW_OPEN) {
		who->step_ns = pace_now() + c->plan->interval_ns;
		who->steps = true;
		TAILQ_INSERT_TAIL(&c->to_step, who, link);
	}
	enter(c, who, SLOW_OPEN);
}

/* Returns when the next speaks; UINT64_MAX if nobody does. */
static uint64_t
step_due(struct slow_crowd *c)
{
	struct slow_one *who;

	while ((who = TAILQ_FIRST(&c->to_step)) != NULL) {
		if (who->step_ns > pace_now())
			return who->step_ns;
		TAILQ_REMOVE(&c->to_step, who, link);
		who->steps = false;
		step(c, who);
	}
	return UINT64_MAX;
}

static void
hear(struct slow_crowd *c, struct slow_one *who)
{
	struct slow_talk *t = &who->talk;
	const enum slow_state before = t->state;

	slow_talk_hear(t, c->plan->kind, &c->books.bytes);
	enter(c, who, before);
	if (before != SLOW_CONNECTING || t->state != SLOW_OPEN)
		return;
	watch(c, who, EPOLL_CTL_MOD);
	step(c, who);
}

void
slow_crowd_turn(struct slow_crowd *c, uint64_t until_ns)
{
	const uint64_t open_ns = open_due(c), step_ns = step_due(c), now = pace_now();
	struct epoll_event events[EVENTS];
	uint64_t due = open_ns < step_ns ? open_ns : step_ns;
	int n, wait_ms;

	due = until_ns < due ? until_ns : due;
	wait_ms = due <= now ? 0 : (int)((due - now) / NS_PER_MS) + 1;
	n = epoll_wait(c->epoll, events, EVENTS, wait_ms);
	for (int i = 0; i < n; i++)
		hear(c, events[i].data.ptr);
}
