/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settings_parts - what the files behind settings.h share, and nobody else sees.
 *
 *     settings.c         tables of the top level; read, free, print
 *     settings_policy.c  policies: extends, vectors, groups of stages
 *     settings_check.c   what one key alone cannot tell
 *     settings_list_keys.c, settings_events.c, settings_samples.c  groups of their own
 *     settings_live.c    what a reload cannot change; cores and workers
 */
#ifndef POLICY_SETTINGS_PARTS_H
#define POLICY_SETTINGS_PARTS_H

#include "policy/settings.h"

#define SETTINGS_NAME_MAX  63 /* characters of a name: it is a label and stands in paths */
#define SETTINGS_MAX_CORES 128
#define SETTINGS_PATH_MAX  4000 /* of a folder: names of files in it must fit behind it */

#define MEGA UINT64_C(1000000)

/* The key that an element is called by. */
#define NAME_OF(type) .key = "name", .kind = CONF_TEXT, .offset = offsetof(type, name)

/* A policy's own keys as written; vectors and stages are read apart. */
struct settings_written {
	char *name, *extends;
	int mode;
	struct settings_pace pace;
	struct config_setting_t *vectors;
	struct config_setting_t
		*stage[STAGE_MAX]; /* the group named like the stage, or NULL */
};

/* One entry of `vectors` as written. */
struct settings_vector_written {
	int vector;
	struct conf_rate alarm, activate, max;
	struct conf_rate network, address;
	struct conf_rate challenge, block;
	struct settings_pace pace;
};

/* Which keys of it stand there: bits of conf_written(). */
enum {
	WRITTEN_VECTOR = 1,
	WRITTEN_ALARM = 2,
	WRITTEN_ACTIVATE = 4,
	WRITTEN_MAX = 8,
	WRITTEN_NETWORK = 16,
	WRITTEN_ADDRESS = 32,
	WRITTEN_CHALLENGE = 64,
	WRITTEN_BLOCK = 128,
	WRITTEN_PACE =
		256, /* and from here on each time of settings_pace, in its order */
};
#define SETTINGS_PACES (sizeof(struct settings_pace) / sizeof(uint64_t))

/* Take over the times that are written, by conf_written() of a vector. */
static inline void
settings_pace_over(struct settings_pace *to, const struct settings_pace *from,
                   uint64_t written)
{
	uint64_t *a = (uint64_t *)to;
	const uint64_t *b = (const uint64_t *)from;

	for (size_t i = 0; i < SETTINGS_PACES; i++)
		if ((written & (uint64_t)WRITTEN_PACE << i) != 0)
			a[i] = b[i];
}

/* What holds where nothing is written. */
#define SETTINGS_PACE                                                                    \
	((struct settings_pace){ .activate_after = 300000000,                            \
	                         .clear_after = 10000000000,                             \
	                         .hold_for = 300000000000,                               \
	                         .challenge_after = 0,                                   \
	                         .block_after = 1000000000,                              \
	                         .step_down_after = 30000000000 })

/* Tables that depend on the registries of stages and vectors. */
struct settings_tables {
	const char *vectors[VECTOR_COUNT + 1];
	struct conf_field vector[8 + SETTINGS_PACES + 1];
	struct conf_field policy[8 + STAGE_MAX];
};

void settings_tables_fill(struct settings_tables *t);

/* Read the list of policies (or NULL) into s->policy. Errors are added. */
void settings_read_policies(struct settings *s, struct config_setting_t *list,
                            struct conf_errors *errors);
void settings_free_policies(struct settings *s);

/* Every cross reference of what was read. Errors are added. */
void settings_check(const struct settings *s, struct conf_errors *errors);
void settings_check_events(const struct settings *s, struct conf_errors *errors);
void settings_check_lists(const struct settings *s, struct conf_errors *errors);
void settings_check_name(const char *name, const struct conf_place *place,
                         struct conf_errors *errors);

/* Keys of the group `samples`, at offsets of struct settings. */
extern const struct conf_field settings_sample_fields[];

#endif
