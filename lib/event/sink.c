/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"

/* Tell of trouble once, until it is over. */
static void
broke(struct event_sink *s, const char *what, int error)
{
	s->lost++;
	if (s->is_broken)
		return;
	s->is_broken = true;
	log_warning("events: cannot %s %s: %s; events are lost until that is mended",
	            what, s->path, strerror(error));
}

static void
mended(struct event_sink *s)
{
	if (!s->is_broken)
		return;
	log_info("events: %s takes lines again, %" PRIu64 " were lost", s->path, s->lost);
	s->is_broken = false;
	s->lost = 0;
}

static void
open_file(struct event_sink *s)
{
	struct stat st;

	s->is_cut = false;
	if (strcmp(s->path, "-") == 0) {
		s->fd = STDOUT_FILENO;
		return;
	}
	s->fd = open(s->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	if (s->fd < 0)
		return;
	if (fstat(s->fd, &st) == 0) {
		s->dev = st.st_dev;
		s->ino = st.st_ino;
	}
}

static void
close_file(struct event_sink *s)
{
	if (s->fd > STDERR_FILENO)
		close(s->fd);
	s->fd = -1;
}

void
event_sink_open(struct event_sink *s, const char *path)
{
	memset(s, 0, sizeof(*s));
	s->fd = -1;
	snprintf(s->path, sizeof(s->path), "%s", path);
	if (s->path[0] != '\0')
		open_file(s);
}

void
event_sink_close(struct event_sink *s)
{
	close_file(s);
	s->path[0] = '\0';
}

void
event_sink_reopen(struct event_sink *s)
{
	__atomic_store_n(&s->reopen, true, __ATOMIC_RELAXED);
}

void
event_sink_check(struct event_sink *s)
{
	struct stat st;

	if (s->path[0] == '\0' || strcmp(s->path, "-") == 0)
		return;
	if (!__atomic_exchange_n(&s->reopen, false, __ATOMIC_RELAXED) && s->fd >= 0 &&
	    stat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		return;
	close_file(s);
	open_file(s);
}

bool
event_sink_write(struct event_sink *s, const char *line, size_t len)
{
	char newline[] = "\n";
	struct iovec parts[2] = { { newline, s->is_cut ? 1 : 0 },
		                  { (void *)(uintptr_t)line, len } };
	const size_t wanted = parts[0].iov_len + len;
	ssize_t done;

	if (s->path[0] == '\0')
		return true;
	if (s->fd < 0) {
		open_file(s);
		if (s->fd < 0) {
			broke(s, "open", errno);
			return false;
		}
	}
	do
		done = writev(s->fd, parts, 2);
	while (done < 0 && errno == EINTR);
	if (done == (ssize_t)wanted) {
		s->is_cut = false;
		mended(s);
		return true;
	}
	s->is_cut = s->is_cut || done > 0;
	broke(s, "write to", done < 0 ? errno : ENOSPC);
	return false;
}
