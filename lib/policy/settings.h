/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settings - the configuration file as C structs, and the tables that read it.
 *
 * Policies are kept as groups of values per stage, after `extends` was applied;
 * policy/policy.h turns settings into the snapshot that workers read.
 *
 * Threads control side only.
 */
#ifndef POLICY_SETTINGS_H
#define POLICY_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "conf/conf.h"
#include "filter/rule.h"
#include "meter/watch.h"
#include "stage/stage.h"

enum policy_mode { POLICY_LEARN, POLICY_MONITOR, POLICY_MITIGATE };
enum transmit { TRANSMIT_AUTO, TRANSMIT_WORKER, TRANSMIT_CONTROL };

struct settings_link {
	char *name, *external, *internal;
};

struct settings_list {
	char *name;
	int action; /* enum list_action */
	struct conf_prefixes prefixes;
	uint64_t scale;           /* of never_block: customers behind one source */
	char *file;               /* as written; "": none */
	int format;               /* SETTINGS_FORMAT_AUTO, else enum list_format + 1 */
	int on_error;             /* enum list_on_error */
	struct conf_texts select; /* countries and systems of a database; empty: all */
	uint64_t refresh_ns;      /* 0: only by call */
	uint64_t max_prefixes;
	bool allow_empty;
};

#define SETTINGS_FORMAT_AUTO 0

/*
 * Keys of the top level, at offsets of struct settings; but for "version" and "policies",
 * which settings keep in another way.
 */
const struct conf_field *settings_fields(void);

/* Its keys, for who tells of it. */
extern const struct conf_field settings_list_fields[];
extern const struct conf_field settings_event_fields[], settings_webhook_fields[];
/* Types of events that may be asked for; NULL-ended. */
extern const char *const settings_event_types[];

/* How long something must last before the next step is taken; ns. */
struct settings_pace {
	uint64_t activate_after, clear_after, hold_for;
	uint64_t challenge_after, block_after, step_down_after;
};

struct settings_vector {
	bool written;
	struct conf_rate alarm, activate, max;
	struct conf_rate challenge, block; /* 0: never */
	struct conf_rate network, address; /* 0: none */
	struct settings_pace pace;
};

struct settings_policy {
	char *name;
	struct conf_place place;
	int mode;                  /* enum policy_mode */
	struct settings_pace pace; /* default of the vectors */
	struct settings_vector vector[VECTOR_COUNT];
	void *params[STAGE_MAX]; /* by stage, filled from stage->fields; owned */
};

struct settings_service {
	char *name;
	struct conf_prefixes prefixes;
	char *protocol;
	struct conf_ports ports;
	char *policy;
};

/* Where events are posted; url "": nowhere. */
struct settings_webhook {
	char *url;
	struct conf_texts types;  /* "attack", or "attack.start" of one status alone */
	int is_text;              /* a `text` field alone, as chats take it */
	struct conf_texts fields; /* "name=value", put into every body */
	char *header_file, *ca_file;
	uint64_t timeout_ns, retry_ns;
};

struct settings_events {
	char *file;                 /* "" off, "-" stdout */
	uint64_t rotate_size, keep; /* bytes, 0: never; files beside the one written */
	bool journal;
	struct settings_webhook webhook;
};

struct settings {
	char *file;      /* path read */
	char sha256[65]; /* of the text as read, includes in order */
	char *node_name;
	int transmit; /* enum transmit */
	char *workers, *cores;
	int rss_ports;                         /* 0 addresses, 1 ports */
	uint64_t flow_entries, source_entries; /* per worker */
	uint64_t addresses, networks;          /* counted one by one, per worker */
	int link_down_ignore;
	int ingress;
	struct conf_list links; /* struct settings_link */
	struct conf_texts api_listen;
	char *api_tokens_file;
	bool api_remote;
	struct conf_texts api_names;
	bool api_dashboard;
	struct settings_events events;
	uint64_t samples_rate; /* a second, of each reason and worker; 0: none */
	int samples_whole;     /* 0: the first 128 bytes */
	char *samples_folder;  /* "": no files */
	uint64_t samples_files, samples_file_size;
	uint64_t history_memory; /* bytes */
	bool history_on_disk;
	uint64_t history_size, history_keep; /* bytes, ns */
	char *state_folder;
	char *cookie_secret;          /* path; "": a file of our own in state_folder */
	struct conf_prefixes routers; /* BGP and OSPF neighbours on the wire */
	struct conf_list lists;       /* struct settings_list */
	struct conf_list filters;     /* struct filter_spec */
	size_t n_policies;
	struct settings_policy *policy; /* [0] is "default" */
	struct conf_list services;      /* struct settings_service */
};

/*
 * Read and check a file completely: syntax, every key, every cross reference.
 * Returns 0 and *out (free with settings_free), or -EINVAL with all errors.
 */
int settings_read(const char *path, struct settings **out, struct conf_errors *errors);
int settings_read_text(const char *text, size_t len, const char *name,
                       struct settings **out, struct conf_errors *errors);
void settings_free(struct settings *s);

/* Names what cannot change live and differs (links, workers, table sizes), one error each. */
int settings_check_live(const struct settings *now, const struct settings *next,
                        struct conf_errors *errors);

/* What `run` needs beyond a correct file, and `check` and `replay` do not: a link. */
int settings_check_links(const struct settings *s, struct conf_errors *errors);

/*
 * Cores as configured: core[0] is control's, the rest are the workers'; with as
 * many workers as cores one of them shares control's. "auto" gives 0. Returns how many, at most `room`; settings are checked already.
 */
size_t settings_cores(const struct settings *s, unsigned int *core, size_t room);
/* Workers as configured; 0 is "auto". */
unsigned int settings_workers(const struct settings *s);

/* "any" is -1, "tcp" "udp" "icmp" and numbers are 0..255, anything else is -2. */
int settings_protocol(const char *text);

/* The commented file of all defaults, and the manual's tables. */
void settings_print_defaults(FILE *to);
void settings_print_manual(FILE *to);

/* Effective configuration as a JSON-ready walk is telemetry's; the mode's name is here. */
extern const char *const policy_mode_names[]; /* by enum policy_mode, NULL-ended */

#endif
