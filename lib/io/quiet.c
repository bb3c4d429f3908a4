/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/quiet.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"

static bool is_on;

bool
quiet_is_on(void)
{
	return is_on;
}

void
quiet_begin(struct quiet *q)
{
	fflush(stderr);
	q->memory = memfd_create("tidegate-quiet", MFD_CLOEXEC);
	q->before = q->memory < 0 ? -1 : dup(STDERR_FILENO);
	if (q->before < 0 || dup2(q->memory, STDERR_FILENO) < 0) {
		/* Then the operator sees the chatter; nothing is lost. */
		if (q->memory >= 0)
			close(q->memory);
		if (q->before >= 0)
			close(q->before);
		q->memory = q->before = -1;
	}
	is_on = q->before >= 0;
}

/* Lines that all starts on all machines print say nothing about a failure. */
static bool
complains(const char *line)
{
	static const char *const harmless[] = {
		"Detected",      "skipping unrecognized", "bpffs",
		"dispatcher",    "Selected IOVA",         "hugepages",
		"Multi-process", "VFIO support",          "Physical addresses",
		"TELEMETRY"
	};

	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		if (strstr(line, harmless[i]) != NULL)
			return false;
	return line[0] != '\0';
}

void
quiet_end(struct quiet *q, char *last, size_t size)
{
	char line[512];
	FILE *f;

	if (last != NULL)
		last[0] = '\0';
	if (q->before < 0)
		return;
	fflush(stderr);
	is_on = false;
	dup2(q->before, STDERR_FILENO);
	close(q->before);
	f = fdopen(q->memory, "r");
	if (f == NULL) {
		close(q->memory);
		return;
	}
	rewind(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		log_debug("%s", line);
		if (last != NULL && complains(line))
			snprintf(last, size, "%s", line);
	}
	fclose(f);
}
