/* SPDX-License-Identifier: BSD-3-Clause */
/* settings_tables - the keys of a policy, which depend on the stages and vectors there are. */
#include <string.h>

#include "policy/settings_parts.h"

#define SECOND UINT64_C(1000000000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

/* The same times in `detection`, for all vectors, and in one vector for itself. */
#define PACE(of, name, most, least, in_all, text)                                        \
	{                                                                                \
		.key = #name, .kind = CONF_TIME, .offset = of(pace.name), .min = least,  \
		.max = most, .absent = in_all, .example = in_all, .help = text           \
	}
#define IN_POLICY(member) offsetof(struct settings_written, member)

static const struct conf_field detection_fields[] = {
	PACE(IN_POLICY, activate_after, HOUR, 0, "300ms",
	     "How long a rate must stay above activate_rate before an attack is told."),
	PACE(IN_POLICY, clear_after, DAY, SECOND / 10, "10s",
	     "How long it must stay calm before an attack is over."),
	PACE(IN_POLICY, hold_for, DAY, SECOND / 10, "5m",
	     "A flood that comes back within this time after its attack was over comes "
	     "in "
	     "waves: then it must stay calm for this long before the attack is over."),
	PACE(IN_POLICY, challenge_after, HOUR, 0, "0s",
	     "How long a flood must be above challenge_rate before unproven senders are "
	     "asked to prove themselves; 0s asks from the first packet above "
	     "activate_rate."),
	PACE(IN_POLICY, block_after, HOUR, 0, "1s",
	     "How long more than block_rate must pass in spite of the challenges before "
	     "proven sources above their limits are blocked."),
	PACE(IN_POLICY, step_down_after, DAY, SECOND / 10, "30s",
	     "How long a countermeasure must not have been needed before it is taken "
	     "back "
	     "while the attack goes on, one after the other."),
	{ .key = NULL },
};

#define IN_VECTOR(member) offsetof(struct settings_vector_written, member)
#define AS_IN_DETECTION   "As in detection, for this vector alone."

/* The words of the first are filled in with the names of the vectors. */
static const struct conf_field vector_fields[] = {
	{ .key = "vector",
	  .kind = CONF_WORD,
	  .offset = IN_VECTOR(vector),
	  .example = "tcp_syn_flood",
	  .help = "The kind of flood." },
	{ .key = "alarm_rate",
	  .kind = CONF_RATE,
	  .offset = IN_VECTOR(alarm),
	  .example = "2kpps",
	  .absent = "",
	  .min = 1,
	  .max = METER_MAX_BITS,
	  .help = "From here on an alarm is told; by default the same as "
	          "activate_rate." },
	{ .key = "activate_rate",
	  .kind = CONF_RATE,
	  .offset = IN_VECTOR(activate),
	  .absent = NULL,
	  .min = 1,
	  .max = METER_MAX_BITS,
	  .example = "5kpps",
	  .help = "From here on unverified packets are limited." },
	{ .key = "max_rate",
	  .kind = CONF_RATE,
	  .offset = IN_VECTOR(max),
	  .example = "5kpps",
	  .absent = "",
	  .min = 1,
	  .max = METER_MAX_BITS,
	  .help = "What is let through while limited; by default the same as "
	          "activate_rate." },
	{ .key = "network_rate",
	  .kind = CONF_RATE,
	  .offset = IN_VECTOR(network),
	  .example = "2kpps",
	  .absent = "",
	  .min = 1,
	  .max = METER_MAX_BITS,
	  .help = "From here on unverified packets to one network, a /24 or an "
	          "IPv6 /48, are limited, and to this rate; by default no "
	          "network has a limit of its own." },
	{ .key = "address_rate",
	  .kind = CONF_RATE,
	  .offset = IN_VECTOR(address),
	  .example = "500pps",
	  .absent = "",
	  .min = 1,
	  .max = METER_MAX_BITS,
	  .help = "From here on an alarm names the one protected address that "
	          "receives so much; nothing is limited by it, and by default "
	          "none is told." },
	{ .key = "challenge_rate",
	  .kind = CONF_RATE,
	  .offset = IN_VECTOR(challenge),
	  .example = "5kpps",
	  .absent = "",
	  .min = 1,
	  .max = METER_MAX_BITS,
	  .help = "From here on unproven senders are asked to prove themselves; by "
	          "default the same as activate_rate, and \"off\" asks nobody." },
	{ .key = "block_rate",
	  .kind = CONF_RATE,
	  .offset = IN_VECTOR(block),
	  .example = "8kpps",
	  .absent = "",
	  .min = 1,
	  .max = METER_MAX_BITS,
	  .help = "When more than this passes in spite of the challenges, proven "
	          "sources above their limits are blocked; by default the same as "
	          "activate_rate, and \"off\" never climbs that far." },
	PACE(IN_VECTOR, activate_after, HOUR, 0, "", AS_IN_DETECTION),
	PACE(IN_VECTOR, clear_after, DAY, SECOND / 10, "", AS_IN_DETECTION),
	PACE(IN_VECTOR, hold_for, DAY, SECOND / 10, "", AS_IN_DETECTION),
	PACE(IN_VECTOR, challenge_after, HOUR, 0, "", AS_IN_DETECTION),
	PACE(IN_VECTOR, block_after, HOUR, 0, "", AS_IN_DETECTION),
	PACE(IN_VECTOR, step_down_after, DAY, SECOND / 10, "", AS_IN_DETECTION),
	{ .key = NULL },
};

static void
fill_vector(struct settings_tables *t)
{
	for (int v = 0; v < VECTOR_COUNT; v++)
		t->vectors[v] = vector_info[v].name;
	t->vectors[VECTOR_COUNT] = NULL;
	memcpy(t->vector, vector_fields, sizeof(vector_fields));
	t->vector[0].words = t->vectors;
}

void
settings_tables_fill(struct settings_tables *t)
{
	const struct conf_field fields[] = {
		{ .key = "name",
		  .kind = CONF_TEXT,
		  .offset = IN_POLICY(name),
		  .absent = NULL,
		  .min = 1,
		  .max = SETTINGS_NAME_MAX,
		  .example = "web",
		  .help = "What services call it." },
		{ .key = "extends",
		  .kind = CONF_TEXT,
		  .offset = IN_POLICY(extends),
		  .absent = "",
		  .help = "The policy it begins with; every key written here replaces "
		          "one of it." },
		{ .key = "mode",
		  .kind = CONF_WORD,
		  .offset = IN_POLICY(mode),
		  .absent = "monitor",
		  .words = policy_mode_names,
		  .help = "learn only watches, monitor counts what it would drop, "
		          "mitigate drops." },
		{ .key = "detection",
		  .kind = CONF_GROUP,
		  .fields = detection_fields,
		  .help = "Times that hold for all vectors of this policy." },
		{ .key = "vectors",
		  .kind = CONF_SECTIONS,
		  .offset = IN_POLICY(vectors),
		  .absent = "",
		  .fields = t->vector,
		  .help = "Thresholds for each kind of flood." },
	};
	size_t n = sizeof(fields) / sizeof(*fields);

	fill_vector(t);
	memcpy(t->policy, fields, sizeof(fields));
	for (unsigned int i = 0; i < stage_count && i < STAGE_MAX; i++)
		if (stage_list[i]->fields != NULL)
			t->policy[n++] = (struct conf_field){
				.key = stage_list[i]->name,
				.kind = CONF_SECTION,
				.offset = IN_POLICY(stage) +
				          i * sizeof(struct config_setting_t *),
				.absent = "",
				.fields = stage_list[i]->fields,
				.help = stage_list[i]->help,
			};
	t->policy[n] = (struct conf_field){ .key = NULL };
}
