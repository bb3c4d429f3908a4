/* SPDX-License-Identifier: BSD-3-Clause */
#include "challenge/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS (2 * COOKIE_SECRET)

struct reason {
	char *text;
	size_t size;
};

__attribute__((format(printf, 3, 4))) static int
fail(const struct reason *why, int rc, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->text, why->size, format, args);
	va_end(args);
	return rc;
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* 64 digits, then the file or its only line ends. */
static bool
read_digits(const char *text, size_t len, uint8_t out[COOKIE_SECRET])
{
	if (len == DIGITS + 1 && text[DIGITS] == '\n')
		len--;
	if (len != DIGITS)
		return false;
	for (size_t i = 0; i < COOKIE_SECRET; i++) {
		const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* The whole file, or as much of it as shows that it is too long. Returns bytes or -errno. */
static ssize_t
read_whole(int fd, char *text, size_t size)
{
	size_t have = 0;

	while (have < size) {
		ssize_t got = read(fd, text + have, size - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

static int
read_from(int fd, const char *path, uint8_t out[COOKIE_SECRET], const struct reason *why)
{
	uint8_t secret[COOKIE_SECRET];
	char text[DIGITS + 2];
	struct stat st;
	ssize_t len;

	if (fstat(fd, &st) < 0)
		return fail(why, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(why, -EINVAL, "%s is not a regular file", path);
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return fail(why, -EINVAL,
		            "%s has mode %04o, so others may know the secret; remove it "
		            "to have a "
		            "new one made, or 'chmod 600' it if nobody has read it",
		            path, (unsigned int)st.st_mode & 07777);
	len = read_whole(fd, text, sizeof(text));
	if (len < 0)
		return fail(why, (int)len, "%s: %s", path, strerror((int)-len));
	if (!read_digits(text, (size_t)len, secret))
		return fail(why, -EINVAL,
		            "%s must hold %d hexadecimal digits and nothing else; "
		            "'openssl rand "
		            "-hex %d' makes them",
		            path, DIGITS, COOKIE_SECRET);
	memcpy(out, secret, sizeof(secret));
	return 0;
}

static int
read_file(const char *path, uint8_t out[COOKIE_SECRET], const struct reason *why)
{
	/* O_NONBLOCK: a FIFO must not stop the start; it is refused a moment later. */
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc;

	if (fd < 0)
		return fail(why, -errno, "%s: %s", path, strerror(errno));
	rc = read_from(fd, path, out, why);
	close(fd);
	return rc;
}

static int
draw(uint8_t out[COOKIE_SECRET], const struct reason *why)
{
	ssize_t got;

	do
		got = getrandom(out, COOKIE_SECRET, 0);
	while (got < 0 && errno == EINTR);
	if (got != COOKIE_SECRET)
		return fail(why, got < 0 ? -errno : -EIO, "getrandom: %s",
		            got < 0 ? strerror(errno) : "too few bytes");
	return 0;
}

/* Returns 0 or -errno. */
static int
write_digits(int fd, const uint8_t secret[COOKIE_SECRET])
{
	char text[DIGITS + 2];
	ssize_t put;

	for (size_t i = 0; i < COOKIE_SECRET; i++)
		snprintf(text + 2 * i, 3, "%02x", secret[i]);
	text[DIGITS] = '\n';
	/* So few bytes are written at once or not at all. */
	put = write(fd, text, DIGITS + 1);
	if (put != DIGITS + 1)
		return put < 0 ? -errno : -ENOSPC;
	return fsync(fd) < 0 ? -errno : 0;
}

/*
 * The name appears when the file is complete, and never in place of another: who starts at
 * the same time on the same folder finds it. mkostemp() makes the file with mode 0600.
 */
static int
write_file(const char *path, const uint8_t secret[COOKIE_SECRET])
{
	char made[PATH_MAX];
	int fd, rc;

	if ((size_t)snprintf(made, sizeof(made), "%s.XXXXXX", path) >= sizeof(made))
		return -ENAMETOOLONG;
	fd = mkostemp(made, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = write_digits(fd, secret);
	close(fd);
	if (rc == 0 && link(made, path) < 0)
		rc = -errno;
	unlink(made);
	return rc;
}

int
secret_open(const char *path, bool may_make, uint8_t out[COOKIE_SECRET], char *text,
            size_t size)
{
	const struct reason why = { text, size };
	int rc = read_file(path, out, &why);

	if (rc != -ENOENT)
		return rc;
	rc = draw(out, &why);
	if (rc < 0)
		return rc;
	if (!may_make)
		return fail(&why, -ENOENT,
		            "there is no %s, so cookies are sound until this process "
		            "ends, and "
		            "no other box knows them",
		            path);
	rc = write_file(path, out);
	if (rc == -EEXIST)
		return read_file(path, out, &why);
	if (rc < 0)
		return fail(&why, -ENOENT,
		            "%s cannot be written (%s), so cookies are sound until this "
		            "process ends, and no other box knows them",
		            path, strerror(-rc));
	return 0;
}
