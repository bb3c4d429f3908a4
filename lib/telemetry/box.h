/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * box - everything telemetry and API may see of a running Tidegate, and the few
 * things they may ask of it.
 *
 * The daemon fills one in; replay fills one in too, and so do tests. Rooms that
 * show things read counters through it and never touch a worker's state: what
 * only a worker knows (explain) is asked through `ask`.
 *
 * Locking: `lock` keeps the snapshot in `policies` from being freed while a
 * control-side thread reads it; workers and the control lcore never take it.
 *
 * Threads API, event and reload threads. Times are ns of the worker clock;
 * `wall_offset_ns` added to them gives Unix time.
 */
#ifndef TELEMETRY_BOX_H
#define TELEMETRY_BOX_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "conf/conf.h"
#include "detect/detect.h"
#include "evidence/evidence.h"
#include "packet/books.h"
#include "pipeline/pipeline.h"
#include "policy/policy.h"

#define BOX_LINKS_MAX   16
#define BOX_WORKERS_MAX 64
#define BOX_STALL_NS    UINT64_C(5000000) /* no turn takes a hundredth of this */

/* What a worker counts of itself. Written by the worker, read relaxed. */
struct box_worker {
	struct pipeline *pipeline;            /* books, watch and talkers only */
	struct books books[BOX_LINKS_MAX][2]; /* by link and side */
	uint64_t turns;                       /* loops: a heartbeat */
	uint64_t busy_turns;                  /* loops that found packets */
	uint64_t busy_cycles, idle_cycles;    /* time-stamp counter */
	uint64_t bursts; /* non-empty ones; received / bursts is the fill */
	uint64_t last_turn_ns;
	uint64_t stalls,
		stalled_cycles; /* turns of BOX_STALL_NS and longer: it was not let run */
	/* Packets of others that waited for it in its last turn, and the most that ever did. */
	uint64_t waiting, waiting_most;
	int lcore; /* -1 in replay; __atomic, relaxed */
	/* How long one burst in a millisecond took from its reception until it was sent. */
	struct histogram delay; /* bounds: box_delays */
	uint64_t delay_due_ns;  /* when the next is measured; the worker's */
};
extern const struct histogram_bounds box_delays;

/* One end of a link as telemetry shows it. */
struct box_port {
	char name[64]; /* as configured */
	char driver[32];
	bool is_up;
	uint64_t speed_bits; /* bits/s, 0 unknown */
	unsigned int mtu;    /* as it is now; 0 unknown */
	uint64_t missed;     /* packets the device lost for want of descriptors */
	uint64_t no_buffers; /* failed mbuf allocations */
	uint64_t errors;
};

struct box_link {
	char name[64];
	struct box_port port[2];          /* by enum side */
	uint64_t buffers, buffers_in_use; /* for packets; 0: there is no pool */
};

#define BOX_LIST_ERRORS 10

enum box_list_state { BOX_LIST_NONE, BOX_LIST_OK, BOX_LIST_FAILED };

/* One list: what is wanted (its file as it was last looked at) and what is loaded. */
struct box_list {
	char name[64];
	int action;         /* enum list_action */
	char file[4096];    /* as a whole path; "": none */
	const char *format; /* a literal */
	bool skips;         /* broken lines are left out, else they refuse the file */
	uint64_t refresh_ns;
	enum box_list_state state; /* of the last reading */
	int64_t wanted_time_s;     /* modification of the file, Unix time */
	uint64_t wanted_bytes, checked_unix_ns;
	char wanted_sha256[65]; /* "": not known, as it could not be read */
	uint64_t errors;        /* of the last reading; the first stand here */
	struct {
		unsigned int line; /* 0: the whole file */
		char text[240];
	} error[BOX_LIST_ERRORS];
	uint64_t loads, failures, failed_in_a_row;
	uint64_t loaded_unix_ns; /* 0: never */
	int64_t loaded_time_s;
	char loaded_sha256[65];
	uint64_t prefixes, lines, skipped, ended; /* of the file */
	uint64_t written, made; /* prefixes of the configuration, and made by hand */
	uint64_t total;         /* in force, of all three */
};

/* An entry of a list made by hand. */
struct box_list_entry {
	char list[64];
	struct prefix prefix;
	uint32_t until_s; /* Unix time; 0: no end */
};

struct box {
	char version[32], revision[64], dpdk_version[32], node[64];
	uint64_t started_unix_ns;
	int64_t wall_offset_ns;
	unsigned int n_workers, n_links;
	unsigned int handoff_room; /* packets that may wait for each worker; 0 without */
	struct box_worker *worker; /* n_workers */
	struct detect *detect;
	uint64_t attack_base; /* attacks of earlier processes: numbers go on; __atomic */
	struct evidence *evidence; /* NULL: no packets are kept */
	pthread_mutex_t lock;
	struct policies *policies; /* in force; read under lock */
	struct settings *settings; /* that it came from; read under lock */
	bool is_bypassed;          /* __atomic, relaxed */
	uint64_t reloads_ok, reloads_failed, last_reload_unix_ns; /* under lock */
	bool is_last_reload_refused;                              /* under lock */
	char warnings[8][160]; /* under lock: hugepages missing and the like */
	unsigned int n_warnings;
	void *daemon; /* argument of the functions below */

	/* Reading devices; may be NULL in replay. Fills up to n links. */
	void (*read_links)(void *daemon, struct box_link *links, unsigned int n);
	uint64_t (*now_ns)(void *daemon);
	uint64_t (*wall_ns)(
		void *daemon); /* Unix time as the machine has it; may be NULL */

	/* Asking; each returns 0 or -errno and, for -EINVAL, errors. May take long; never from control. */
	int (*reload)(void *daemon, struct conf_errors *errors);
	/* A dry run of reload; text NULL: of the file that reload would read. */
	int (*check)(void *daemon, const char *text, size_t len,
	             struct conf_errors *errors);
	/* service 0..n, or -1 for all; mode -1: as configured. for_ns 0: until taken back. */
	int (*set_mode)(void *daemon, int service, int mode, uint64_t for_ns);
	int (*set_bypass)(void *daemon, bool on, uint64_t for_ns);
	/* A timed entry of the allow or deny list. -EPERM: a never_block list holds the prefix. */
	int (*block_add)(void *daemon, const struct policy_block *block);
	int (*block_del)(void *daemon, const struct prefix *prefix, bool is_allow);
	/* Copy up to n entries in force; returns how many there are. */
	size_t (*block_list)(void *daemon, struct policy_block *out, size_t n);
	/*
	 * Make or replace a filter rule (filter/json.h), or only check it. -EINVAL with
	 * errors; -EEXIST: the configuration has one of that name.
	 */
	int (*filter_put)(void *daemon, const json_t *rule, bool is_check,
	                  struct conf_errors *errors);
	int (*filter_del)(void *daemon, const char *name, struct conf_errors *errors);
	/*
	 * Lists, up to n of them; returns how many there are. Reading one anew: -ENOENT, -ENODATA
	 * when it has no file, -EINVAL when it failed and the old content stays. Entries made by
	 * hand: is_add, else taken back; -ENOENT -EDOM -ENOSPC. May all be NULL.
	 */
	size_t (*lists_read)(void *daemon, struct box_list *out, size_t n);
	int (*list_reload)(void *daemon, const char *name, struct conf_errors *errors);
	int (*list_entry)(void *daemon, const struct box_list_entry *entry, bool is_add,
	                  struct conf_errors *errors);
	size_t (*list_entries)(void *daemon, const char *list, struct box_list_entry *out,
	                       size_t n);
	/* Ask every worker; fills one explain each. Returns 0, or -ETIMEDOUT when one does not answer in 2 s. */
	int (*ask)(void *daemon, const uint8_t address[16], struct explain *by_worker);
};

static inline bool
box_is_bypassed(const struct box *box)
{
	return __atomic_load_n(&box->is_bypassed, __ATOMIC_RELAXED);
}

#endif
