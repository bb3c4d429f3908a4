/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "event/sentence.h"

#define FIELDS_MAX 1536 /* all but the event itself: the sentence and short names */

int
event_journal_open(struct event_journal *j, const char *path)
{
	memset(j, 0, sizeof(*j));
	j->path = path;
	j->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return j->fd < 0 ? -errno : 0;
}

void
event_journal_close(struct event_journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}

/* A syslog priority: what should wake somebody is critical, what needs a look a warning. */
static int
priority(const struct events_told *told)
{
	const json_t *o = json_object_get(told->event, told->type);
	const char *severity = json_string_value(json_object_get(o, "severity"));
	const bool is_over =
		strcmp(told->status, "end") == 0 || strcmp(told->status, "calm") == 0 ||
		strcmp(told->status, "up") == 0 || strcmp(told->status, "moving") == 0;

	if (is_over)
		return 5;
	if (strcmp(told->type, "attack") == 0)
		return severity != NULL && strcmp(severity, "critical") == 0 ? 2 : 4;
	if (strcmp(told->type, "trouble") == 0 || strcmp(told->type, "port") == 0 ||
	    strcmp(told->type, "worker") == 0 ||
	    json_is_true(json_object_get(o, "enabled")))
		return 4;
	return 6;
}

/* NAME=text, and a newline; texts that hold one stand with their length. */
static void
put(FILE *f, const char *name, const char *text, size_t len)
{
	if (memchr(text, '\n', len) == NULL) {
		fprintf(f, "%s=", name);
	} else {
		fprintf(f, "%s\n", name);
		for (unsigned int i = 0; i < 8; i++)
			fputc((int)(len >> (8 * i) & 0xff), f);
	}
	fwrite(text, 1, len, f);
	fputc('\n', f);
}

static void
put_member(FILE *f, const char *name, const json_t *o, const char *key)
{
	const json_t *text = json_object_get(o, key);

	if (json_is_string(text))
		put(f, name, json_string_value(text), json_string_length(text));
}

static bool
trouble(struct event_journal *j, int error)
{
	if (!j->is_broken) {
		j->lost = 0;
		log_warning("events: the journal takes none: %s; events are lost to it "
		            "until that is mended",
		            strerror(error));
	}
	j->is_broken = true;
	j->error = error;
	j->lost++;
	return false;
}

static size_t
datagram(const struct events_told *told, char *buffer, size_t size)
{
	const json_t *o = json_object_get(told->event, told->type);
	FILE *f = fmemopen(buffer, size, "w");
	char sentence[EVENT_SENTENCE];
	long len;

	if (f == NULL)
		return 0;
	event_sentence(told->event, sentence);
	put(f, "MESSAGE", sentence, strlen(sentence));
	fprintf(f, "PRIORITY=%d\nSYSLOG_IDENTIFIER=tidegated\nTIDEGATE_TYPE=%s\n",
	        priority(told), told->type);
	fprintf(f, "TIDEGATE_SEQ=%" PRIu64 "\n", told->seq);
	if (told->status[0] != '\0')
		fprintf(f, "TIDEGATE_STATUS=%s\n", told->status);
	put_member(f, "TIDEGATE_SERVICE", told->event, "service");
	put_member(f, "TIDEGATE_ATTACK_ID", o, "attack_id");
	put_member(f, "TIDEGATE_PREFIX", o, "prefix");
	put(f, "TIDEGATE_EVENT", told->line, told->len);
	len = ferror(f) || fflush(f) != 0 ? 0 : ftell(f);
	fclose(f);
	return len > 0 ? (size_t)len : 0;
}

bool
event_journal_write(struct event_journal *j, const struct events_told *told)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const size_t size = told->len + FIELDS_MAX;
	char *buffer;
	ssize_t done = -1;
	size_t len;

	if (j->fd < 0)
		return true;
	buffer = malloc(size);
	len = buffer != NULL ? datagram(told, buffer, size) : 0;
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", j->path);
	errno = ENOMEM;
	if (len > 0)
		done = sendto(j->fd, buffer, len, MSG_DONTWAIT | MSG_NOSIGNAL,
		              (const struct sockaddr *)&to, sizeof(to));
	free(buffer);
	if (done < 0)
		return trouble(j, errno);
	if (j->is_broken)
		log_info("events: the journal takes them again, %" PRIu64 " were lost",
		         j->lost);
	j->is_broken = false;
	return true;
}
