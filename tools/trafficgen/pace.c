/* SPDX-License-Identifier: BSD-3-Clause */
#include "pace.h"

#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#include "args.h"

/*
 * Waking for each packet costs more than sending it; so packets go in lots of this time.
 */
#define LOT_NS (100 * NS_PER_US)

static volatile sig_atomic_t stopped;

uint64_t
pace_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

void
pace_begin(struct pace *p)
{
	/* The usual 50 us of timer slack would come on top of every wait. */
	(void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	p->began_ns = pace_now();
	p->start_ns = p->began_ns;
	p->late_ns = 0;
}

bool
pace_is_due(struct pace *p, uint64_t at_ns, uint64_t now)
{
	const uint64_t due = p->start_ns + at_ns;

	if (due > now)
		return false;
	if (now - due > PACE_SLACK_NS) {
		p->start_ns += now - due;
		p->late_ns += now - due;
	}
	return true;
}

void
pace_wait(const struct pace *p, uint64_t at_ns, uint64_t limit_ns)
{
	const uint64_t soonest = pace_now() + LOT_NS;
	uint64_t due = p->start_ns + at_ns;
	struct timespec ts;

	if (due < soonest)
		due = soonest;
	if (due > limit_ns)
		due = limit_ns;
	ts.tv_sec = (time_t)(due / NS_PER_S);
	ts.tv_nsec = (long)(due % NS_PER_S);
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void
stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

void
pace_catch_signals(void)
{
	/* Without SA_RESTART a wait ends at once. */
	struct sigaction action = { .sa_handler = stop };

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
}

bool
pace_is_stopped(void)
{
	return stopped != 0;
}
