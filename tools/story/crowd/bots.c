/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bots - real hosts under foreign command: they complete every handshake and ask for the
 * heaviest page as fast as they are told, from few addresses and without thinking.
 *
 * Each host has a few slots, one connection each, and an allowance of connections per
 * second. What the gate drops stays open until the time-out and keeps its slot busy, as
 * it would in a real host.
 *
 * Threads one, an epoll loop that wakes every two milliseconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "command.h"
#include "exchange.h"
#include "request.h"
#include "verbs.h"

#define TICK_MS 2
#define EVENTS  64

struct slot {
	struct exchange exchange;
	bool is_busy;
};

struct host {
	struct exchange_plan plan;
	double allowance; /* connections it may begin now */
};

struct army {
	const struct options *options;
	struct request_set requests;
	unsigned int hosts;
	struct host *host;
	struct slot *slot; /* hosts * options->slots */
	uint64_t begun, ends[EXCHANGE_ENDS];
	uint64_t begun_ns, last_ns, news_ns;
	int epoll;
};

static struct host *
host_of(struct army *army, unsigned int slot)
{
	return &army->host[slot / army->options->slots];
}

static void
finish(struct army *army, unsigned int i, enum exchange_end end)
{
	army->ends[end]++;
	army->slot[i].is_busy = false;
	exchange_close(&army->slot[i].exchange, end != EXCHANGE_OK);
}

static void
attack(struct army *army, unsigned int i)
{
	struct host *host = host_of(army, i);
	const unsigned int page = (unsigned int)(army->begun % army->requests.count);
	enum exchange_end end;

	host->allowance -= 1;
	host->plan.request = army->requests.text[page];
	host->plan.request_len = army->requests.len[page];
	army->begun++;
	army->slot[i].is_busy = true;
	end = exchange_begin(&army->slot[i].exchange, &host->plan, army->epoll, i);
	if (end != EXCHANGE_RUNNING)
		finish(army, i, end);
}

static void
walk_round(struct army *army, uint64_t now_ns)
{
	const struct options *o = army->options;
	const double earned = (double)(now_ns - army->last_ns) / 1e9 * (double)o->cps;

	army->last_ns = now_ns;
	for (unsigned int h = 0; h < army->hosts; h++) {
		army->host[h].allowance += earned;
		/* What a host could not begin for want of a slot is not saved up. */
		if (army->host[h].allowance > (double)o->slots)
			army->host[h].allowance = (double)o->slots;
	}
	for (unsigned int i = 0; i < army->hosts * o->slots; i++) {
		enum exchange_end end;

		if (!army->slot[i].is_busy) {
			if (host_of(army, i)->allowance >= 1)
				attack(army, i);
			continue;
		}
		end = exchange_check_deadline(&army->slot[i].exchange, now_ns);
		if (end != EXCHANGE_RUNNING)
			finish(army, i, end);
	}
}

static void
hear_answers(struct army *army)
{
	struct epoll_event events[EVENTS];
	const int n = epoll_wait(army->epoll, events, EVENTS, TICK_MS);

	for (int e = 0; e < n; e++) {
		const unsigned int i = events[e].data.u32;
		enum exchange_end end;

		if (!army->slot[i].is_busy)
			continue;
		end = exchange_go_on(&army->slot[i].exchange, &host_of(army, i)->plan);
		if (end != EXCHANGE_RUNNING)
			finish(army, i, end);
	}
}

static void
tell(const struct army *army, const char *type)
{
	const double seconds = (double)(exchange_now_ns() - army->begun_ns) / 1e9;

	printf("{\"type\":\"%s\",\"hosts\":%u,\"seconds\":%.3f,\"connections\":%llu,"
	       "\"connections_per_second\":%.1f,\"served\":%llu,\"connect_timeouts\":%"
	       "llu,"
	       "\"read_timeouts\":%llu,\"resets\":%llu,\"local_errors\":%llu}\n",
	       type, army->hosts, seconds, (unsigned long long)army->begun,
	       (double)army->begun / (seconds > 0 ? seconds : 1),
	       (unsigned long long)army->ends[EXCHANGE_OK],
	       (unsigned long long)army->ends[EXCHANGE_CONNECT_TIMEOUT],
	       (unsigned long long)army->ends[EXCHANGE_READ_TIMEOUT],
	       (unsigned long long)(army->ends[EXCHANGE_RESET] +
	                            army->ends[EXCHANGE_SHORT]),
	       (unsigned long long)army->ends[EXCHANGE_LOCAL]);
	fflush(stdout);
}

static int
open_army(struct army *army, const struct options *o)
{
	memset(army, 0, sizeof(*army));
	army->options = o;
	army->hosts = options_hosts(o);
	if (army->hosts == 0 || request_write(&army->requests, o) != 0) {
		fprintf(stderr, "crowd: bots need --group and --paths\n");
		return 2;
	}
	army->host = calloc(army->hosts, sizeof(*army->host));
	army->slot = calloc((size_t)army->hosts * o->slots, sizeof(*army->slot));
	army->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (army->host == NULL || army->slot == NULL || army->epoll < 0) {
		fprintf(stderr, "crowd: no memory for %u bots\n", army->hosts);
		return 1;
	}
	for (unsigned int i = 0; i < army->hosts * o->slots; i++)
		exchange_init(&army->slot[i].exchange);
	for (unsigned int h = 0; h < army->hosts; h++) {
		struct exchange_plan *plan = &army->host[h].plan;

		options_host(&plan->source, o, h);
		plan->shop = options_shop(o, plan->source.at.any.sa_family);
		plan->timeout_ns = o->timeout_ns;
		if (plan->shop == NULL) {
			fprintf(stderr,
			        "crowd: --shop is missing for a family of --group\n");
			return 2;
		}
	}
	army->begun_ns = army->last_ns = exchange_now_ns();
	army->news_ns = army->begun_ns + o->interval_ns;
	return 0;
}

int
bots_run(const struct options *o)
{
	struct command command;
	struct army army;
	int rc;

	rc = open_army(&army, o);
	if (rc == 0 && command_open(&command) != 0)
		rc = 1;
	while (rc == 0 && command_read(&command) != COMMAND_QUIT) {
		const uint64_t now_ns = exchange_now_ns();

		walk_round(&army, now_ns);
		hear_answers(&army);
		if (o->interval_ns != 0 && now_ns >= army.news_ns) {
			tell(&army, "interval");
			army.news_ns = now_ns + o->interval_ns;
		}
	}
	if (rc == 0)
		tell(&army, "end");
	for (unsigned int i = 0; army.slot != NULL && i < army.hosts * o->slots; i++)
		exchange_close(&army.slot[i].exchange, true);
	free(army.host);
	free(army.slot);
	return rc;
}
