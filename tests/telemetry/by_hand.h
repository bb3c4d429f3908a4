/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * by_hand - a small box with two workers, one link and two services, whose
 * clock and counters the test moves. All objects in it are the real ones.
 */
#ifndef TESTS_TELEMETRY_BY_HAND_H
#define TESTS_TELEMETRY_BY_HAND_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alone.h"
#include "base/counter.h"
#include "policy/settings.h"
#include "stage/explain.h"
#include "telemetry/telemetry.h"

#define SERVICES 3 /* default, shop, game */
#ifndef CELLS
#define CELLS 64 /* services that tables have room for */
#endif
#define UNIX_NS (INT64_C(1795300200) * 1000000000) /* 2026-11-21T22:30:00Z */

static const char hand_config[] =
	"version = 1;\n"
	"node = { name = \"gate-1\"; };\n"
	"links = ( { name = \"uplink\"; external = \"net_null0\"; internal = "
	"\"net_null1\"; } );\n"
	"api = { listen = [ \"127.0.0.1:9686\" ]; tokens_file = "
	"\"/etc/tidegate/tokens\"; };\n"
	"lists = ( { name = \"bad\"; action = \"deny\"; prefixes = [ \"198.51.100.0/24\" "
	"]; } );\n"
	"policies = ( { name = \"web\"; mode = \"mitigate\"; vectors = (\n"
	"  { vector = \"udp_flood\"; activate_rate = \"1kpps\"; } ); } );\n"
	"services = ( { name = \"shop\"; prefixes = [ \"203.0.113.10/32\" ]; protocol = "
	"\"tcp\";\n"
	"  ports = [ \"80\", \"8000-8099\" ]; policy = \"web\"; } );\n";

/* What the box was asked to do last, and what it shall answer. */
static struct {
	uint64_t now_ns;
	int rc;
	bool has_error; /* reload and check add an error */
	bool is_link_down;
	uint64_t lost; /* by the device of the external port, beyond seven */
	int service, mode;
	uint64_t for_ns;
	char checked[256];
	size_t blocks;
	struct policy_block block[4];
	struct box_list_entry entry; /* what was put into a list last */
	bool has_entry;
	struct explain_line line[4]; /* of worker 0, ended by what == NULL */
} hand;

static uint64_t
hand_now(void *daemon)
{
	(void)daemon;
	return hand.now_ns;
}

static void
hand_links(void *daemon, struct box_link *links, unsigned int n)
{
	(void)daemon;
	for (unsigned int i = 0; i < n; i++) {
		strcpy(links[i].name, "uplink");
		strcpy(links[i].port[0].name, "veth0");
		strcpy(links[i].port[1].name, "veth1");
		strcpy(links[i].port[0].driver, "net_af_xdp");
		links[i].port[0].is_up = !hand.is_link_down;
		links[i].port[1].is_up = true;
		links[i].port[0].speed_bits = 10000000000;
		links[i].port[0].missed = 7 + hand.lost;
		links[i].buffers = 4096;
		links[i].buffers_in_use = 100;
	}
}

static int
hand_reload(void *daemon, struct conf_errors *errors)
{
	(void)daemon;
	if (hand.has_error)
		conf_fail(errors, NULL, "no such thing as \"%s\"", "mitgate");
	return hand.rc;
}

static int
hand_check(void *daemon, const char *text, size_t len, struct conf_errors *errors)
{
	snprintf(hand.checked, sizeof(hand.checked), "%.*s", (int)len,
	         text != NULL ? text : "");
	return hand_reload(daemon, errors);
}

static int
hand_set_mode(void *daemon, int service, int mode, uint64_t for_ns)
{
	(void)daemon;
	hand.service = service;
	hand.mode = mode;
	hand.for_ns = for_ns;
	return hand.rc;
}

static int
hand_set_bypass(void *daemon, bool on, uint64_t for_ns)
{
	((struct box *)daemon)->is_bypassed = on;
	hand.for_ns = for_ns;
	return hand.rc;
}

static int
hand_block_add(void *daemon, const struct policy_block *block)
{
	(void)daemon;
	if (hand.rc < 0)
		return hand.rc;
	if (hand.blocks == 4)
		return -ENOSPC;
	hand.block[hand.blocks++] = *block;
	return 0;
}

static int
hand_block_del(void *daemon, const struct prefix *prefix, bool is_allow)
{
	(void)daemon;
	if (hand.blocks == 0 || hand.block[0].is_allow != is_allow ||
	    memcmp(&hand.block[0].prefix, prefix, sizeof(*prefix)) != 0)
		return -ENOENT;
	hand.blocks--;
	return 0;
}

static size_t
hand_block_list(void *daemon, struct policy_block *out, size_t n)
{
	(void)daemon;
	memcpy(out, hand.block, (n < hand.blocks ? n : hand.blocks) * sizeof(*out));
	return hand.blocks;
}

/* One list without a file, and one whose file was refused after it was loaded once. */
static size_t
hand_lists_read(void *daemon, struct box_list *out, size_t n)
{
	struct box_list bad = {
		.name = "bad", .action = LIST_DENY, .written = 1, .total = 1
	};
	struct box_list feed = { .name = "feed",
		                 .action = LIST_DENY,
		                 .file = "/lists/feed.txt",
		                 .format = "plain",
		                 .refresh_ns = UINT64_C(60000000000),
		                 .state = BOX_LIST_FAILED,
		                 .wanted_time_s = UNIX_NS / 1000000000 + 60,
		                 .checked_unix_ns = UNIX_NS,
		                 .errors = 12,
		                 .error = { { 7, "\"evil\" is not a prefix" } },
		                 .loads = 3,
		                 .failures = 2,
		                 .failed_in_a_row = 2,
		                 .loaded_unix_ns = UNIX_NS,
		                 .loaded_time_s = UNIX_NS / 1000000000,
		                 .loaded_sha256 = "3a7bd3e2360a",
		                 .prefixes = 4000,
		                 .lines = 4010,
		                 .skipped = 9,
		                 .ended = 1,
		                 .made = 1,
		                 .total = 4001 };

	(void)daemon;
	if (n > 0)
		out[0] = bad;
	if (n > 1)
		out[1] = feed;
	return 2;
}

static int
hand_list_reload(void *daemon, const char *name, struct conf_errors *errors)
{
	(void)daemon;
	if (strcmp(name, "bad") == 0)
		return -ENODATA;
	if (strcmp(name, "feed") != 0)
		return -ENOENT;
	if (hand.rc < 0)
		conf_fail(errors, NULL, "\"evil\" is not a prefix");
	return hand.rc;
}

static int
hand_list_entry(void *daemon, const struct box_list_entry *entry, bool is_add,
                struct conf_errors *errors)
{
	(void)daemon;
	if (strcmp(entry->list, "feed") != 0 || (!is_add && !hand.has_entry)) {
		conf_fail(errors, NULL, "nothing of that is in \"%s\"", entry->list);
		return -ENOENT;
	}
	if (is_add && entry->prefix.len == 0) {
		conf_fail(errors, NULL, "every address there is");
		return -EDOM;
	}
	hand.entry = *entry;
	hand.has_entry = is_add;
	return hand.rc;
}

static size_t
hand_list_entries(void *daemon, const char *list, struct box_list_entry *out, size_t n)
{
	(void)daemon;
	if (strcmp(list, "feed") != 0 || !hand.has_entry)
		return 0;
	if (n > 0)
		out[0] = hand.entry;
	return 1;
}

static int
hand_ask(void *daemon, const uint8_t address[16], struct explain *by_worker)
{
	(void)daemon;
	(void)address;
	for (unsigned int i = 0; hand.line[i].what != NULL; i++)
		*explain_add(&by_worker[0]) = hand.line[i];
	return hand.rc;
}

/* Thresholds of a vector: alarm, activate and max at the same rate. */
static void
hand_rule(struct watch_rule *rule, uint64_t pps)
{
	const struct meter_limit limit = { pps, METER_PACKETS };

	rule->alarm = rule->activate = rule->max = limit;
	rule->activate_after_ns = 100000000;
	rule->clear_after_ns = 1000000000;
	if (meter_rate_init(&rule->activate_rate, &limit, 100000000, 1) < 0 ||
	    meter_rate_init(&rule->max_rate, &limit, 10000000, 16) < 0)
		abort();
}

static void
hand_service(struct policies *p, unsigned int id, const char *name, uint16_t policy)
{
	strcpy(p->service[id].name, name);
	p->service[id].policy = policy;
	p->service[id].proto = id == 1 ? 6 : -1;
}

static struct policies *
hand_policies(void)
{
	static struct conf_prefix shop = {
		{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 203, 0, 113, 10 }, 128
	};
	struct policies *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	p->generation = 3;
	strcpy(p->sha256, "0f3a");
	p->n_policies = 2;
	p->n_services = SERVICES;
	strcpy(p->policy[0].name, "default");
	strcpy(p->policy[1].name, "web");
	p->policy[0].mode = p->policy[1].mode = POLICY_MITIGATE;
	hand_rule(&p->policy[1].rule[VECTOR_UDP_FLOOD], 1000);
	hand_service(p, 0, "default", 0);
	hand_service(p, 1, "shop", 1);
	hand_service(p, 2, "ga\"me", 1);
	p->service[1].prefixes = (struct conf_prefixes){ 1, &shop };
	return p;
}

static void
hand_worker(struct box_worker *w, const struct hash_key *key)
{
	struct pipeline *pl = aligned_alloc(alignof(struct pipeline), sizeof(*pl));

	if (pl == NULL)
		abort();
	memset(pl, 0, sizeof(*pl));
	if (watch_open(&pl->watch, CELLS) < 0 || talkers_open(&pl->talkers, key) < 0)
		abort();
	pl->service_reasons =
		calloc((size_t)CELLS * pipeline_reasons(), sizeof(uint64_t));
	pl->service_would = calloc((size_t)CELLS * pipeline_reasons(), sizeof(uint64_t));
	w->pipeline = pl;
	w->lcore = 1;
	w->last_turn_ns = hand.now_ns;
}

static struct box *
hand_open(void)
{
	static struct watch *watches[2];
	static const struct evidence_settings keep = { .rate = 10, .snap = 128 };
	struct box *box = calloc(1, sizeof(*box));
	struct conf_errors errors = { 0 };
	struct hash_key key;

	memset(&hand, 0, sizeof(hand));
	hand.now_ns = 1000000000;
	hash_key_seeded(&key, 1);
	if (box == NULL)
		abort();
	box->worker = aligned_alloc(64, 2 * sizeof(*box->worker));
	if (box->worker == NULL)
		abort();
	memset(box->worker, 0, 2 * sizeof(*box->worker));
	strcpy(box->version, "0.1.0");
	strcpy(box->revision, "c0ffee");
	strcpy(box->dpdk_version, "DPDK 22.11.3");
	strcpy(box->node, "gate-1");
	box->wall_offset_ns = UNIX_NS;
	box->started_unix_ns = (uint64_t)UNIX_NS;
	box->n_workers = 2;
	box->n_links = 1;
	pthread_mutex_init(&box->lock, NULL);
	for (unsigned int i = 0; i < 2; i++) {
		hand_worker(&box->worker[i], &key);
		watches[i] = &box->worker[i].pipeline->watch;
	}
	box->detect = detect_open(watches, 2);
	box->evidence = evidence_open(2, &keep);
	if (box->evidence == NULL)
		abort();
	box->policies = hand_policies();
	if (settings_read_text(hand_config, strlen(hand_config), "test", &box->settings,
	                       &errors) < 0) {
		conf_errors_print(&errors, stderr);
		abort();
	}
	conf_errors_free(&errors);
	box->daemon = box;
	box->now_ns = hand_now;
	box->read_links = hand_links;
	box->reload = hand_reload;
	box->check = hand_check;
	box->set_mode = hand_set_mode;
	box->set_bypass = hand_set_bypass;
	box->block_add = hand_block_add;
	box->block_del = hand_block_del;
	box->block_list = hand_block_list;
	box->lists_read = hand_lists_read;
	box->list_reload = hand_list_reload;
	box->list_entry = hand_list_entry;
	box->list_entries = hand_list_entries;
	box->ask = hand_ask;
	return box;
}

static inline void
hand_close(struct box *box)
{
	detect_close(box->detect);
	evidence_close(box->evidence);
	settings_free(box->settings);
	for (unsigned int i = 0; i < box->n_workers; i++) {
		struct pipeline *pl = box->worker[i].pipeline;

		watch_close(&pl->watch);
		talkers_close(&pl->talkers);
		free(pl->service_reasons);
		free(pl->service_would);
		free(pl);
	}
	free(box->policies);
	free(box->worker);
	pthread_mutex_destroy(&box->lock);
	free(box);
}

/* Let `pps` packets a second of UDP arrive for service 1 at worker 0, for `ms`. */
static inline void
hand_flood(struct box *box, unsigned int pps, unsigned int ms)
{
	const struct watch_rule *rule = &box->policies->policy[1].rule[VECTOR_UDP_FLOOD];
	struct watch *watch = &box->worker[0].pipeline->watch;
	struct watch_cell *cell = watch_cell(watch, 1, VECTOR_UDP_FLOOD);

	for (unsigned int i = 0; i < ms; i++) {
		for (unsigned int n = 0; n < pps / 1000; n++) {
			if (arrive_alone(cell, rule, 100, hand.now_ns)) {
				watch->hot_ns = hand.now_ns;
				counter_add(&cell->dropped_packets, 1);
			}
		}
		hand.now_ns += 1000000;
		if (i % 10 == 9)
			detect_tick(box->detect, box->policies, hand.now_ns);
	}
}

/* An IPv4 address as the house writes it. */
static inline void
hand_address(const char *text, uint8_t out[16])
{
	memset(out, 0, 10);
	out[10] = out[11] = 0xff;
	if (inet_pton(AF_INET, text, out + 12) != 1)
		abort();
}

#endif
