/* SPDX-License-Identifier: BSD-3-Clause */
#include "evidence/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "evidence/parts.h"

#define RETRY_NS UINT64_C(10000000000)
/* Samples that a full disk may cost at once. */
#define FLUSH 32
#define NAME  "samples-%08" PRIu64 ".pcapng"

/* --- the folder ------------------------------------------------------------- */

/* The number in a name of ours; 0 when it is none. */
static uint64_t
number_of(const char *name)
{
	uint64_t number;
	char again[64];

	if (sscanf(name, "samples-%" SCNu64 ".pcapng", &number) != 1)
		return 0;
	snprintf(again, sizeof(again), NAME, number);
	return strcmp(name, again) == 0 ? number : 0;
}

/* Remove files up to `last`; returns the highest number there is. */
static uint64_t
sweep(const struct files *f, uint64_t last)
{
	DIR *d = opendir(f->folder);
	uint64_t highest = 0;

	for (struct dirent *at; d != NULL && (at = readdir(d)) != NULL;) {
		const uint64_t number = number_of(at->d_name);

		if (number > highest)
			highest = number;
		if (number != 0 && number <= last)
			unlinkat(dirfd(d), at->d_name, 0);
	}
	if (d != NULL)
		closedir(d);
	return highest;
}

/* --- when it fails ---------------------------------------------------------- */

static void
give_up(struct files *f, int error, uint64_t now_ns)
{
	const bool is_news = f->retry_ns == 0;

	snprintf(f->error, sizeof(f->error), "%.150s: %s", f->path, strerror(error));
	f->retry_ns = now_ns + RETRY_NS;
	if (is_news)
		log_warning("samples cannot be written to %s; they stay in memory, and "
		            "it is tried again every ten seconds",
		            f->error);
}

/* Close what cannot be written any more; what was flushed before stays whole. */
static void
abandon(struct files *f, int error, uint64_t now_ns)
{
	capture_finish(f->w);
	f->w = NULL;
	f->unwritten += f->pending;
	f->pending = 0;
	/* An empty file is not worth its number, for which an old one would have to go. */
	if (f->inside == 0) {
		unlink(f->path);
		f->number--;
	} else if (truncate(f->path, (off_t)f->flushed) != 0) {
		log_warning("%s ends inside a packet: %s", f->path, strerror(errno));
	}
	give_up(f, error, now_ns);
}

/* --- one file --------------------------------------------------------------- */

static int
create(struct files *f)
{
	FILE *stream;
	int fd;

	snprintf(f->path, sizeof(f->path), "%s", f->folder);
	if (mkdir(f->folder, 0750) != 0 && errno != EEXIST)
		return -errno;
	if (f->number == 0)
		f->number = sweep(f, 0);
	f->number++;
	if (f->number > f->files)
		sweep(f, f->number - f->files);
	snprintf(f->path, sizeof(f->path), "%s/" NAME, f->folder, f->number);
	fd = open(f->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0) {
		const int error = errno;

		/* Somebody else's by now: look anew what there is. */
		f->number = error == EEXIST ? 0 : f->number - 1;
		return -error;
	}
	stream = fdopen(fd, "w");
	if (stream == NULL) {
		close(fd);
		return -ENOMEM;
	}
	return capture_to(stream, &f->w);
}

/* Returns whether there is a file to write to. */
static bool
begin(struct files *f, uint64_t now_ns)
{
	int rc;

	if (f->w != NULL)
		return true;
	if (f->retry_ns != 0 && now_ns < f->retry_ns)
		return false;
	f->flushed = f->inside = 0;
	rc = create(f);
	if (rc < 0) {
		give_up(f, -rc, now_ns);
		return false;
	}
	evidence_name_interfaces(f->w, f->links, f->link);
	rc = capture_flush(f->w);
	if (rc < 0) {
		abandon(f, -rc, now_ns);
		return false;
	}
	f->flushed = capture_size(f->w);
	return true;
}

void
files_init(struct files *f, unsigned int links, const char *const *link)
{
	memset(f, 0, sizeof(*f));
	f->links = links;
	f->link = link;
}

void
files_set(struct files *f, const struct evidence_settings *s)
{
	if (strcmp(f->folder, s->folder) == 0 && f->files == s->files &&
	    f->file_size == s->file_size)
		return;
	files_close(f);
	if (strcmp(f->folder, s->folder) != 0)
		f->number = 0;
	memcpy(f->folder, s->folder, sizeof(f->folder));
	f->files = s->files;
	f->file_size = s->file_size;
	f->retry_ns = 0;
	f->error[0] = '\0';
}

void
files_put(struct files *f, unsigned int interface, const struct capture_frame *frame,
          const char *comment, uint64_t now_ns)
{
	if (f->folder[0] == '\0')
		return;
	if (f->w != NULL &&
	    capture_size(f->w) + capture_block_size(frame, comment) > f->file_size) {
		files_flush(f, now_ns);
		files_close(f);
	}
	if (!begin(f, now_ns)) {
		f->unwritten++;
		return;
	}
	capture_put(f->w, interface, frame, comment);
	f->pending++;
	if (f->pending == FLUSH)
		files_flush(f, now_ns);
}

void
files_flush(struct files *f, uint64_t now_ns)
{
	int rc;

	if (f->w == NULL || f->pending == 0)
		return;
	rc = capture_flush(f->w);
	if (rc < 0) {
		abandon(f, -rc, now_ns);
		return;
	}
	f->flushed = capture_size(f->w);
	f->written += f->pending;
	f->inside += f->pending;
	f->pending = 0;
	if (f->retry_ns != 0)
		log_info("samples are written again, to %s", f->path);
	f->retry_ns = 0;
	f->error[0] = '\0';
}

void
files_close(struct files *f)
{
	if (f->w == NULL)
		return;
	/* Errors were told at the flush before, or will be at the next file. */
	if (capture_finish(f->w) == 0)
		f->written += f->pending;
	else
		f->unwritten += f->pending;
	f->pending = 0;
	f->w = NULL;
}
