/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settings_parts - what the files behind settings.h share, and nobody else sees.
 *
 *     settings.c         tables of the top level; read, free, print
 *     settings_policy.c  policies: extends, vectors, groups of stages
 *     settings_check.c   what one key alone cannot tell
 *     settings_live.c    what a reload cannot change; cores and workers
 */
#ifndef POLICY_SETTINGS_PARTS_H
#define POLICY_SETTINGS_PARTS_H

#include "policy/settings.h"

#define SETTINGS_NAME_MAX  63 /* characters of a name: it is a label and stands in paths */
#define SETTINGS_MAX_CORES 128
#define SETTINGS_PATH_MAX  4000 /* of a folder: names of files in it must fit behind it */

/* A policy's own keys as written; vectors and stages are read apart. */
struct settings_written {
	char *name, *extends;
	int mode;
	uint64_t activate_after_ns, clear_after_ns;
	struct config_setting_t *vectors;
	struct config_setting_t
		*stage[STAGE_MAX]; /* the group named like the stage, or NULL */
};

/* One entry of `vectors` as written. */
struct settings_vector_written {
	int vector;
	struct conf_rate alarm, activate, max;
	uint64_t activate_after_ns, clear_after_ns;
	struct conf_rate network, address;
};

/* Which keys of it stand there: bits of conf_written(). */
enum {
	WRITTEN_VECTOR = 1,
	WRITTEN_ALARM = 2,
	WRITTEN_ACTIVATE = 4,
	WRITTEN_MAX = 8,
	WRITTEN_ACTIVATE_AFTER = 16,
	WRITTEN_CLEAR_AFTER = 32,
	WRITTEN_NETWORK = 64,
	WRITTEN_ADDRESS = 128,
};

/* Tables that depend on the registries of stages and vectors. */
struct settings_tables {
	const char *vectors[VECTOR_COUNT + 1];
	struct conf_field vector[9];
	struct conf_field policy[8 + STAGE_MAX];
};

void settings_tables_fill(struct settings_tables *t);

/* Read the list of policies (or NULL) into s->policy. Errors are added. */
void settings_read_policies(struct settings *s, struct config_setting_t *list,
                            struct conf_errors *errors);
void settings_free_policies(struct settings *s);

/* Every cross reference of what was read. Errors are added. */
void settings_check(const struct settings *s, struct conf_errors *errors);
void settings_check_lists(const struct settings *s, struct conf_errors *errors);
void settings_check_name(const char *name, const struct conf_place *place,
                         struct conf_errors *errors);

#endif
