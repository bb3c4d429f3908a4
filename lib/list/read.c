/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * read - from a file to a content.
 *
 * Text is read in pieces and judged as it comes. A database is copied into memory
 * first, because libmaxminddb maps the file and would die with the process when somebody
 * cuts it short meanwhile. Either way what was hashed is what was read.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "list/parts.h"

#define PIECE (256 * 1024)

static_assert(PIECE > 2 * LIST_LINE_MAX, "a whole line fits behind the rest of another");

static void
mark_of(const struct stat *st, struct list_mark *mark)
{
	*mark = (struct list_mark){ .device = st->st_dev,
		                    .inode = st->st_ino,
		                    .size = (uint64_t)st->st_size,
		                    .time_s = st->st_mtim.tv_sec,
		                    .time_ns = st->st_mtim.tv_nsec };
}

int
list_look(const char *path, struct list_mark *mark)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	mark_of(&st, mark);
	return 0;
}

enum list_format
list_format_of(const char *path)
{
	const char *dot = strrchr(path, '.');

	if (dot != NULL && strcasecmp(dot, ".csv") == 0)
		return LIST_CSV;
	return dot != NULL && strcasecmp(dot, ".mmdb") == 0 ? LIST_MMDB : LIST_PLAIN;
}

bool
list_read_want(const char *word, struct list_want *want)
{
	static const char digits[] = "0123456789";

	*want = (struct list_want){ .as = 0 };
	if (strlen(word) == 2 && isalpha((unsigned char)word[0]) &&
	    isalpha((unsigned char)word[1])) {
		want->country[0] = (char)toupper((unsigned char)word[0]);
		want->country[1] = (char)toupper((unsigned char)word[1]);
		return true;
	}
	if (strncasecmp(word, "AS", 2) != 0 || word[2] < '1' || word[2] > '9' ||
	    strlen(word) > 12 || word[2 + strspn(word + 2, digits)] != '\0')
		return false;
	want->as = strtoull(word + 2, NULL, 10);
	return want->as <= UINT32_MAX;
}

bool
list_is_selectable(const char *word)
{
	struct list_want want;

	return list_read_want(word, &want);
}

/* What is no regular file, by its name. */
static const char *
kind_of(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a folder";
	if (S_ISFIFO(mode))
		return "a pipe";
	return S_ISSOCK(mode) ? "a socket" : "a device";
}

/* Open it without waiting for anybody. Returns a descriptor, or -errno with an error. */
static int
open_file(struct list_reading *r, struct stat *st)
{
	const int fd = open(r->spec->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc = fd < 0 ? -errno : 0;

	if (rc == 0 && fstat(fd, st) < 0)
		rc = -errno;
	if (rc == -EACCES)
		list_refuse(r, rc,
		            "this file may not be read by the daemon; give its "
		            "user the right to read it");
	else if (rc < 0)
		list_refuse(r, rc, "this file cannot be opened: %s", strerror(-rc));
	else if (!S_ISREG(st->st_mode))
		rc = list_refuse(r, -EINVAL, "this is %s and no file",
		                 kind_of(st->st_mode));
	else if ((uint64_t)st->st_size > LIST_FILE_MAX)
		rc = list_refuse(r, -EFBIG,
		                 "this file has %jd bytes; a list has at most %" PRIu64,
		                 (intmax_t)st->st_size, LIST_FILE_MAX);
	if (rc < 0 && fd >= 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

/* Was it written to while we read? Who replaces it by rename does not disturb us. */
static int
check_unchanged(struct list_reading *r, int fd, const struct stat *before)
{
	struct list_mark was, is;
	struct stat now;

	if (fstat(fd, &now) < 0)
		return list_refuse(r, -errno, "this file cannot be looked at: %s",
		                   strerror(errno));
	mark_of(before, &was);
	mark_of(&now, &is);
	if (memcmp(&was, &is, sizeof(was)) == 0)
		return 0;
	return list_refuse(r, -EAGAIN,
	                   "this file changed while it was read; write the "
	                   "new one beside it and rename it over the old");
}

/* The next bytes of the file. Returns how many, 0 at the end, or -errno with an error. */
static ssize_t
take_piece(struct list_reading *r, int fd, void *to, size_t room)
{
	ssize_t n;

	do
		n = read(fd, to, room);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return list_refuse(r, -errno, "this file cannot be read: %s",
		                   strerror(errno));
	sha256_add(&r->hash, to, (size_t)n);
	return n;
}

/* --- text --- */

/* A mark of UTF-8 in front means nothing; other encodings are not read. */
static int
skip_mark(struct list_reading *r, const char *text, size_t len)
{
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		return 3;
	if (len >= 2 &&
	    (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
		return list_refuse(r, -EINVAL,
		                   "this file is written in UTF-16; save it "
		                   "as UTF-8 or plain ASCII");
	if (len >= 2 && memcmp(text, "\x1f\x8b", 2) == 0)
		return list_refuse(r, -EINVAL, "this file is packed; unpack it (gunzip)");
	return 0;
}

static int
read_pieces(struct list_reading *r, int fd, char *piece)
{
	size_t have = 0;
	bool is_first = true;
	ssize_t n, used;

	do {
		n = take_piece(r, fd, piece + have, PIECE - have);
		if (n < 0)
			return (int)n;
		have += (size_t)n;
		/* Short reads are no reason to miss the mark in front. */
		if (is_first && have < 4 && n > 0)
			continue;
		used = is_first ? skip_mark(r, piece, have) : 0;
		is_first = false;
		if (used >= 0) {
			const ssize_t mark = used;

			used = list_lines(r, piece + mark, have - (size_t)mark, n == 0);
			used = used < 0 ? used : used + mark;
		}
		if (used < 0)
			return (int)used;
		have -= (size_t)used;
		memmove(piece, piece + used, have);
	} while (n > 0);
	return 0;
}

static int
read_text_file(struct list_reading *r, int fd)
{
	char *piece = malloc(PIECE);
	int rc;

	if (piece == NULL)
		return list_refuse(r, -ENOMEM, "there is no memory to read it");
	rc = read_pieces(r, fd, piece);
	free(piece);
	return rc;
}

/* --- databases --- */

static int
write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		const ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* Our own copy, which nobody else can cut. */
static int
copy_file(struct list_reading *r, int fd, int copy)
{
	char *piece = malloc(PIECE);
	uint64_t bytes = 0;
	ssize_t n = -ENOMEM;
	int rc = 0;

	if (piece == NULL)
		return list_refuse(r, -ENOMEM, "there is no memory to read it");
	do {
		n = take_piece(r, fd, piece, PIECE);
		if (n < 0)
			rc = (int)n;
		else
			rc = write_all(copy, piece, (size_t)n);
		if (n > 0 && rc < 0)
			list_refuse(r, rc, "there is no memory to read it: %s",
			            strerror(-rc));
		bytes += n > 0 ? (uint64_t)n : 0;
		if (rc == 0 && bytes > LIST_FILE_MAX)
			rc = list_refuse(r, -EFBIG, "this file grows without an end");
	} while (rc == 0 && n > 0);
	free(piece);
	return rc;
}

/* `fd` < 0: from the text in memory. */
static int
read_database(struct list_reading *r, int fd, const char *text, size_t len)
{
	const int copy = memfd_create("tidegate-list", MFD_CLOEXEC);
	int rc;

	if (copy < 0)
		return list_refuse(r, -errno, "there is no memory to read it: %s",
		                   strerror(errno));
	if (fd >= 0) {
		rc = copy_file(r, fd, copy);
	} else {
		rc = write_all(copy, text, len);
		if (rc < 0)
			list_refuse(r, rc, "there is no memory to read it");
	}
	if (rc == 0)
		rc = list_mmdb(r, copy);
	close(copy);
	return rc;
}

/* --- both --- */

static int
begin(struct list_reading *r, const struct list_spec *spec, int64_t now_s,
      struct conf_errors *errors)
{
	struct timespec now;

	*r = (struct list_reading){ .spec = spec, .now_s = now_s, .errors = errors };
	r->content = calloc(1, sizeof(*r->content));
	if (r->content == NULL)
		return -ENOMEM;
	clock_gettime(CLOCK_REALTIME, &now);
	r->content->read_unix_ns =
		(uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
	sha256_begin(&r->hash);
	return 0;
}

static int
count_broken(struct list_reading *r)
{
	const bool is_skipped = r->spec->on_error == LIST_SKIP;
	const uint64_t named = is_skipped ? LIST_WARNINGS : LIST_ERRORS;

	if (r->broken == 0)
		return 0;
	if (!is_skipped) {
		if (r->broken > named)
			list_refuse(r, -EINVAL, "%" PRIu64 " more lines are broken",
			            r->broken - named);
		return -EINVAL;
	}
	r->content->skipped = r->broken;
	if (r->broken > named)
		list_warn(r, "%" PRIu64 " more lines are broken and left out",
		          r->broken - named);
	return 0;
}

/* Everything is read: judge the whole. */
static int
finish(struct list_reading *r)
{
	static const char digits[] = "0123456789abcdef";
	struct list_content *c = r->content;
	uint8_t digest[SHA256_BYTES];
	int rc = count_broken(r);

	sha256_end(&r->hash, digest);
	for (unsigned int i = 0; i < SHA256_BYTES; i++) {
		c->sha256[2 * i] = digits[digest[i] >> 4];
		c->sha256[2 * i + 1] = digits[digest[i] & 15];
	}
	if (rc < 0)
		return rc;
	if (c->count == 0 && !r->spec->allow_empty)
		return list_refuse(r, -EINVAL,
		                   "there is no prefix in it (%" PRIu64 " read, %" PRIu64
		                   " broken, %" PRIu64
		                   " over); where that is right, write "
		                   "allow_empty = true",
		                   c->lines, c->skipped, c->ended);
	if (list_sort(c) < 0)
		return list_refuse(r, -ENOMEM, "there is no memory to sort %zu prefixes",
		                   c->count);
	return 0;
}

static int
hand_over(struct list_reading *r, int rc, struct list_content **out)
{
	if (rc < 0)
		list_free(r->content);
	else
		*out = r->content;
	return rc;
}

int
list_read(const struct list_spec *spec, int64_t now_s, struct list_content **out,
          struct conf_errors *errors)
{
	struct list_reading r;
	struct stat st;
	int fd, rc;

	*out = NULL;
	if (begin(&r, spec, now_s, errors) < 0)
		return list_refuse(&r, -ENOMEM, "there is no memory to read it");
	fd = open_file(&r, &st);
	rc = fd < 0 ? fd : 0;
	if (rc == 0 && spec->format == LIST_MMDB)
		rc = read_database(&r, fd, NULL, 0);
	else if (rc == 0)
		rc = read_text_file(&r, fd);
	if (fd >= 0) {
		const int changed = rc == -ENOMEM ? 0 : check_unchanged(&r, fd, &st);

		rc = rc < 0 ? rc : changed;
		close(fd);
		r.content->file_time_s = st.st_mtim.tv_sec;
	}
	if (rc == 0)
		rc = finish(&r);
	return hand_over(&r, rc, out);
}

int
list_read_text(const struct list_spec *spec, const char *text, size_t len, int64_t now_s,
               struct list_content **out, struct conf_errors *errors)
{
	struct list_reading r;
	ssize_t used;
	int rc;

	*out = NULL;
	if (begin(&r, spec, now_s, errors) < 0)
		return list_refuse(&r, -ENOMEM, "there is no memory to read it");
	sha256_add(&r.hash, text, len);
	if (spec->format == LIST_MMDB) {
		rc = read_database(&r, -1, text, len);
	} else {
		rc = skip_mark(&r, text, len);
		if (rc >= 0) {
			used = list_lines(&r, text + rc, len - (size_t)rc, true);
			rc = used < 0 ? (int)used : 0;
		}
	}
	if (rc == 0)
		rc = finish(&r);
	return hand_over(&r, rc, out);
}
