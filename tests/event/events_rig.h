/* SPDX-License-Identifier: BSD-3-Clause */
/* events_rig - a writer of events by hand, into a file that is read again. */
#ifndef TESTS_EVENT_RIG_H
#define TESTS_EVENT_RIG_H

#include "event/events.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"
#include "telemetry/by_hand.h"

static struct box *box;
static struct telemetry *t;
static struct events *e;
static char folder[] = "/tmp/tidegate-events-XXXXXX", file[64], moved[64];
static unsigned int notices; /* still to come */

__attribute__((unused)) static bool
next_notice(void *arg, struct notice *out)
{
	(void)arg;
	if (notices == 0)
		return false;
	notices--;
	memset(out, 0, sizeof(*out));
	out->time_ns = hand.now_ns;
	out->until_ns = hand.now_ns + 60000000000;
	out->kind = NOTICE_SOURCE_BLOCKED;
	out->prefix_len = 128;
	out->service = 1;
	out->unit = "packets_per_second";
	out->value = 9000;
	out->threshold = 5000;
	out->stage = (uint8_t)stage_count;
	hand_address("192.0.2.66", out->address);
	return true;
}

__attribute__((unused)) static void
begin(const char *to)
{
	box = hand_open();
	t = telemetry_open(box);
	e = events_open(&(struct events_from){
		.telemetry = t,
		.settings = &(struct settings_events){ .file = (char *)(uintptr_t)to },
		.next_notice = next_notice });
	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	notices = 0;
}

__attribute__((unused)) static void
begin_in_folder(void)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/events.json", folder);
	snprintf(moved, sizeof(moved), "%s/events.json.1", folder);
	begin(file);
}

__attribute__((unused)) static void
end(void)
{
	events_close(e);
	telemetry_close(t);
	hand_close(box);
	unlink(file);
	unlink(moved);
	rmdir(folder);
}

/* All lines of a file as an array; each must be one JSON object. */
__attribute__((unused)) static json_t *
lines_of(const char *path)
{
	FILE *f = fopen(path, "r");
	json_t *all = json_array();
	char *line = NULL;
	size_t size = 0;

	while (f != NULL && getline(&line, &size, f) > 0) {
		json_t *o = json_loads(line, 0, NULL);

		CU_ASSERT_PTR_NOT_NULL_FATAL(o);
		json_array_append_new(all, o);
	}
	free(line);
	if (f != NULL)
		fclose(f);
	return all;
}

/* The n-th event of a type and, for attacks, a status; borrowed. */
__attribute__((unused)) static json_t *
find(json_t *all, const char *type, const char *status)
{
	json_t *o;
	size_t i;

	json_array_foreach(all, i, o)
	{
		const char *has = json_string_value(json_object_get(o, "event_type"));
		json_t *inner = json_object_get(o, type);

		if (has != NULL && strcmp(has, type) == 0 &&
		    (status == NULL ||
		     strcmp(json_string_value(json_object_get(inner, "status")),
		            status) == 0))
			return o;
	}
	return NULL;
}

__attribute__((unused)) static const char *
text(json_t *o, const char *type, const char *key)
{
	const char *s = json_string_value(json_object_get(json_object_get(o, type), key));

	return s != NULL ? s : "(none)";
}

#endif
