/* SPDX-License-Identifier: BSD-3-Clause */
/* settings_tables - the keys of a policy, which depend on the stages and vectors there are. */
#include <string.h>

#include "policy/settings_parts.h"

#define SECOND UINT64_C(1000000000)
#define DAY    (86400 * SECOND)

static const struct conf_field detection_fields[] = {
	{ .key = "activate_after",
	  .kind = CONF_TIME,
	  .offset = offsetof(struct settings_written, activate_after_ns),
	  .absent = "300ms",
	  .min = 0,
	  .max = 3600 * SECOND,
	  .help = "How long a rate must stay above activate_rate before an attack is "
	          "told." },
	{ .key = "clear_after",
	  .kind = CONF_TIME,
	  .offset = offsetof(struct settings_written, clear_after_ns),
	  .absent = "10s",
	  .min = SECOND / 10,
	  .max = DAY,
	  .help = "How long it must stay calm before an attack is over." },
	{ .key = NULL },
};

#define IN_VECTOR(member) offsetof(struct settings_vector_written, member)
#define IN_POLICY(member) offsetof(struct settings_written, member)

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
	{ .key = "activate_after",
	  .kind = CONF_TIME,
	  .offset = IN_VECTOR(activate_after_ns),
	  .example = "300ms",
	  .absent = "",
	  .min = 0,
	  .max = 3600 * SECOND,
	  .help = "As in detection, for this vector alone." },
	{ .key = "clear_after",
	  .kind = CONF_TIME,
	  .offset = IN_VECTOR(clear_after_ns),
	  .example = "10s",
	  .absent = "",
	  .min = SECOND / 10,
	  .max = DAY,
	  .help = "As in detection, for this vector alone." },
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
