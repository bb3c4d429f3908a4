/* SPDX-License-Identifier: BSD-3-Clause */
#include "beside.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/api.h"
#include "base/log.h"
#include "change.h"
#include "event/events.h"
#include "io/carrier.h"
#include "lists.h"
#include "live.h"
#include "news.h"
#include "notify.h"
#include "sentence.h"
#include "telemetry/history.h"
#include "telemetry/telemetry.h"
#include "web.h"
#include "witness.h"

#define STATUS_SECONDS 5 /* between two sentences for the service manager */

static void
signals_of_ours(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
}

void
beside_block_signals(void)
{
	sigset_t set;

	signals_of_ours(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* By signal or API: the service manager shows that it goes on, and when it is over. */
static int
reload_told(void *engine, struct conf_errors *errors)
{
	int rc;

	notify_reloading();
	rc = change_reload(engine, errors);
	notify_ready();
	return rc;
}

static void
reload(struct beside *s)
{
	struct conf_errors errors = { 0 };
	int rc = reload_told(&s->live->engine, &errors);

	conf_errors_print(&errors, stderr);
	if (rc == 0)
		log_info("the new configuration is in force");
	else
		log_error("the configuration was not taken over (%zu error%s): the old "
		          "one stays "
		          "in force",
		          errors.count, errors.count == 1 ? "" : "s");
	events_tell_config(s->events, &errors);
	conf_errors_free(&errors);
}

static void
take_signal(struct beside *s, int number)
{
	switch (number) {
	case SIGHUP:
		reload(s);
		break;
	case SIGUSR1:
		events_reopen(s->events);
		break;
	default:
		notify_stopping();
		log_info("%s: draining",
		         number == SIGINT ? "interrupted" : "asked to end");
		live_stop(s->live);
		break;
	}
}

/* What is slow to make and of use to people only. */
static void
tell_status(struct beside *s)
{
	char sentence[SENTENCE_MAX];

	if (!notify_is_heard() || s->seconds++ % STATUS_SECONDS != 0)
		return;
	sentence_of(s->telemetry, sentence);
	notify_status(sentence);
}

static void *
keep_house(void *arg)
{
	const struct timespec period = { .tv_nsec = CARRIER_PERIOD_NS };
	struct beside *s = arg;
	uint64_t next_second = 0;
	sigset_t set;

	signals_of_ours(&set);
	while (!__atomic_load_n(&s->live->is_stopping, __ATOMIC_RELAXED)) {
		int number = sigtimedwait(&set, NULL, &period);
		uint64_t now = live_clock();

		if (number > 0)
			take_signal(s, number);
		carrier_watch(&s->live->wire, now);
		if (now < next_second)
			continue;
		next_second = now + UINT64_C(1000000000);
		telemetry_beat(s->telemetry);
		change_expire(&s->live->engine, now);
		witness_follow(&s->live->engine);
		tell_status(s);
	}
	return NULL;
}

static uint64_t
wall_ns(void *daemon)
{
	struct timespec now;

	(void)daemon;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void
read_links(void *daemon, struct box_link *links, unsigned int n)
{
	struct live *l = (struct live *)((char *)daemon - offsetof(struct live, engine));

	for (unsigned int i = 0; i < n && i < l->wire.n_links; i++) {
		snprintf(links[i].name, sizeof(links[i].name), "%s",
		         l->wire.link[i].name);
		carrier_buffers(&l->wire, i, &links[i].buffers, &links[i].buffers_in_use);
		for (unsigned int side = 0; side < 2; side++) {
			const struct port *from = &l->wire.link[i].port[side];
			struct box_port *to = &links[i].port[side];
			struct carrier_counts counts;

			carrier_read(&l->wire, i, (enum side)side, &counts);
			snprintf(to->name, sizeof(to->name), "%.63s", from->name);
			snprintf(to->driver, sizeof(to->driver), "%s", from->driver);
			to->is_up = counts.is_up;
			to->mtu = carrier_mtu(&l->wire, i, (enum side)side);
			to->speed_bits = counts.speed_bits;
			to->missed = counts.missed;
			to->no_buffers = counts.no_buffers;
			to->errors = counts.errors;
		}
	}
}

static void
tell_history(void *arg, bool is_over, const char *message)
{
	struct beside *s = arg;

	log_write(is_over ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "%s", message);
	events_tell_trouble(s->events, "history", is_over, message);
}

/* Every event is stored; what an attack does is also part of its course. */
static void
hear_event(void *arg, const struct events_told *told)
{
	struct beside *s = arg;
	const json_t *attack = json_object_get(told->event, "attack");
	const char *service = json_string_value(json_object_get(told->event, "service"));
	const char *id = json_string_value(json_object_get(attack, "attack_id"));
	const char *step = json_string_value(json_object_get(attack, "step"));

	telemetry_history_event(s->history, &(struct telemetry_history_event){
						    .unix_ns = told->unix_ns,
						    .type = told->type,
						    .service = service ? service : "",
						    .line = told->line,
						    .attack = id ? id : "",
						    .step = step ? step : "" });
}

/* Nobody's packets depend on what is remembered. */
static void
open_history(struct beside *s)
{
	const struct settings *set = s->live->engine.settings;
	const struct telemetry_history_from from = {
		.telemetry = s->telemetry,
		.memory = set->history_memory,
		.folder = set->history_on_disk ? set->state_folder : NULL,
		.size = set->history_size,
		.keep_s = set->history_keep / UINT64_C(1000000000),
		.tell = tell_history,
		.arg = s,
		.has_thread = true
	};

	s->history = telemetry_history_open(&from);
	if (s->history == NULL)
		log_warning("nothing will be remembered of the past: %s",
		            strerror(errno));
	else
		events_listen(s->events, &(struct events_listener){ hear_event, s });
}

/* Without libmicrohttpd DPDK's telemetry is what there is, and that is said. */
static int
open_api(struct beside *s, char *why)
{
	const struct settings *set = s->live->engine.settings;
	const char *const *listen = (const char *const *)set->api_listen.text;
	const char *const *names = (const char *const *)set->api_names.text;
	struct api_settings settings = { .telemetry = s->telemetry,
		                         .events = s->events,
		                         .listen = listen,
		                         .listens = set->api_listen.count,
		                         .tokens_file = set->api_tokens_file,
		                         .allow_remote = set->api_remote,
		                         .names = names,
		                         .n_names = set->api_names.count,
		                         .assets =
		                                 set->api_dashboard ? web_assets : NULL };
	char sentence[API_WHY];
	int failed;

	if (settings.listens == 0)
		return 0;
	failed = api_open(&settings, &s->api, sentence);
	if (failed == -ENOSYS) {
		log_info("%s", sentence);
		return 0;
	}
	return failed == 0 ? 0 : io_fail(why, failed, "%s", sentence);
}

static void
close_views(struct beside *s)
{
	api_close(s->api);
	/* Before what it would tell is gone. */
	lists_stop(s->live->engine.lists);
	telemetry_dpdk_forget();
	witness_stop(&s->live->engine);
	/* The two tell each other: one falls silent first, and hears the last of the other. */
	telemetry_history_stop(s->history);
	news_close(&s->live->engine, s->events);
	telemetry_history_close(s->history);
	telemetry_close(s->telemetry);
}

static void
tell_list(void *arg, const char *list, bool is_loaded, const struct conf_errors *errors)
{
	struct beside *s = arg;

	events_tell_list(s->events, list, is_loaded, errors);
}

/* Last, and whatever it says, the wire goes on: only the service manager would not know. */
static void
listen_to_heart(struct beside *s)
{
	struct engine *e = &s->live->engine;

	if (!notify_is_wanted())
		return;
	if (!notify_is_heard())
		log_warning("built without libsystemd: it cannot be told that this is "
		            "ready; use Type=exec");
	heart_init(&s->heart, e->box.worker, e->n_workers, &s->live->control_turns,
	           notify_watchdog_ns());
	s->has_heart = heart_start(&s->heart) == 0;
	if (!s->has_heart)
		log_error("no thread can be started to tell the service manager");
}

int
beside_open(struct beside *s, struct live *l, char *why)
{
	int failed;

	memset(s, 0, sizeof(*s));
	s->live = l;
	l->engine.box.read_links = read_links;
	l->engine.box.wall_ns = wall_ns;
	l->engine.box.reload = reload_told;
	s->telemetry = telemetry_open(&l->engine.box);
	if (s->telemetry == NULL)
		return io_fail(why, -ENOMEM, "there is no memory for telemetry");
	s->events = news_open(&l->engine, s->telemetry);
	if (s->events == NULL) {
		failed = -errno;
		telemetry_close(s->telemetry);
		return io_fail(why, failed, "the event writer cannot be started: %s",
		               strerror(-failed));
	}
	witness_start(&l->engine);
	open_history(s);
	if (telemetry_dpdk_register(s->telemetry) != 0)
		log_warning("DPDK's telemetry does not take the commands /tidegate");
	failed = lists_start(l->engine.lists,
	                     &(struct lists_ear){ .tell = tell_list, .arg = s });
	if (failed != 0)
		io_fail(why, failed, "no thread can be started: %s", strerror(-failed));
	else
		failed = open_api(s, why);
	if (failed == 0) {
		failed = -pthread_create(&s->thread, NULL, keep_house, s);
		if (failed != 0)
			io_fail(why, failed, "no thread can be started: %s",
			        strerror(-failed));
	}
	if (failed != 0)
		close_views(s);
	else
		listen_to_heart(s);
	return failed;
}

void
beside_close(struct beside *s)
{
	pthread_join(s->thread, NULL);
	if (s->has_heart)
		heart_stop(&s->heart);
	close_views(s);
}
