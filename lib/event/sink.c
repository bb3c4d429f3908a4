/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"

#define NAME_MAX_HERE (EVENT_SINK_PATH + 16)

/* Tell of trouble once, until it is over. */
static void
broke(struct event_sink *s, const char *what, int error)
{
	s->lost++;
	if (s->is_broken)
		return;
	s->is_broken = true;
	s->lost = 1;
	s->trouble = what;
	s->error = error;
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
}

/* --- open -------------------------------------------------------------------- */

/*
 * What is behind standard output may be a pipe whose reader hangs. Opened anew it does
 * not wait, and nobody else's writing changes; a socket cannot be opened so.
 */
static void
open_output(struct event_sink *s)
{
	struct stat st;

	s->fd = open("/proc/self/fd/1",
	             O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (s->fd >= 0)
		return;
	s->fd = STDOUT_FILENO;
	s->is_socket = fstat(s->fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

static void
open_file(struct event_sink *s)
{
	struct stat st;

	s->is_cut = s->is_regular = s->is_socket = false;
	if (strcmp(s->path, "-") == 0) {
		open_output(s);
		return;
	}
	/* A pipe without a reader is an error then, and no reason to wait for one. */
	s->fd = open(s->path,
	             O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY,
	             0640);
	if (s->fd < 0 || fstat(s->fd, &st) != 0)
		return;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->is_regular = S_ISREG(st.st_mode);
	s->size = (uint64_t)st.st_size;
}

static void
close_file(struct event_sink *s)
{
	if (s->fd > STDERR_FILENO)
		close(s->fd);
	s->fd = -1;
}

void
event_sink_open(struct event_sink *s, const char *path, uint64_t rotate_bytes,
                unsigned int keep)
{
	memset(s, 0, sizeof(*s));
	s->fd = -1;
	snprintf(s->path, sizeof(s->path), "%s", path);
	s->rotate_bytes = rotate_bytes;
	s->keep = keep;
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
	    stat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino) {
		/* Others may have emptied it. */
		s->size = (uint64_t)st.st_size;
		return;
	}
	close_file(s);
	open_file(s);
}

/* --- rename ------------------------------------------------------------------ */

static void
name_of(const struct event_sink *s, unsigned int n, char name[NAME_MAX_HERE])
{
	snprintf(name, NAME_MAX_HERE, "%s.%u", s->path, n);
}

/* Older ones than are kept, of a time when more were. */
static void
remove_older(const struct event_sink *s)
{
	char name[NAME_MAX_HERE];

	for (unsigned int n = s->keep + 1;; n++) {
		name_of(s, n, name);
		if (unlink(name) < 0)
			return;
	}
}

/* Each takes the place of the next; what cannot be renamed grows on, and that is told. */
static void
rotate(struct event_sink *s)
{
	char from[NAME_MAX_HERE], to[NAME_MAX_HERE];

	for (unsigned int n = s->keep; n > 1; n--) {
		name_of(s, n - 1, from);
		name_of(s, n, to);
		rename(from, to);
	}
	name_of(s, 1, to);
	if (rename(s->path, to) < 0) {
		if (!s->is_stuck)
			log_warning("events: %s cannot be renamed and grows beyond its "
			            "size: %s",
			            s->path, strerror(errno));
		s->is_stuck = true;
		return;
	}
	s->is_stuck = false;
	remove_older(s);
	close_file(s);
	open_file(s);
}

/* --- write ------------------------------------------------------------------- */

static ssize_t
write_parts(const struct event_sink *s, struct iovec parts[3])
{
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = 3 };
	ssize_t done;

	do
		done = s->is_socket
		               ? sendmsg(s->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL)
		               : writev(s->fd, parts, 3);
	while (done < 0 && errno == EINTR);
	return done;
}

/* Half a line: take it back where that is possible. */
static void
take_back(struct event_sink *s)
{
	if (!s->is_regular || ftruncate(s->fd, (off_t)s->size) < 0)
		s->is_cut = true;
}

/* Returns 0, or errno with what it could not do. */
static int
append(struct event_sink *s, const char *line, size_t len, const char **what)
{
	char newline[] = "\n";
	struct iovec parts[3];
	size_t wanted;
	ssize_t done;

	*what = "open";
	if (s->fd >= 0 && s->is_regular && s->rotate_bytes > 0 && s->size > 0 &&
	    s->size + len + 1 > s->rotate_bytes)
		rotate(s);
	if (s->fd < 0) {
		open_file(s);
		if (s->fd < 0)
			return errno;
	}
	*what = "write to";
	parts[0] = (struct iovec){ newline, s->is_cut ? 1 : 0 };
	parts[1] = (struct iovec){ (void *)(uintptr_t)line, len };
	parts[2] = (struct iovec){ newline, 1 };
	wanted = parts[0].iov_len + len + 1;
	done = write_parts(s, parts);
	if (done == (ssize_t)wanted) {
		s->is_cut = false;
		s->size += wanted;
		return 0;
	}
	if (done < 0)
		return errno;
	if (done > 0)
		take_back(s);
	return ENOSPC;
}

bool
event_sink_write(struct event_sink *s, const char *line, size_t len)
{
	const char *what;
	int error;

	if (s->path[0] == '\0')
		return true;
	error = append(s, line, len, &what);
	if (error == 0)
		mended(s);
	else
		broke(s, what, error);
	return error == 0;
}

bool
event_sink_try(struct event_sink *s, const char *line, size_t len)
{
	const char *what;

	if (append(s, line, len, &what) != 0)
		return false;
	mended(s);
	return true;
}
