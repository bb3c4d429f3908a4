/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define TOKEN_BYTES 32

static void
digest_of(const char *token, uint8_t digest[SHA256_BYTES])
{
	struct sha256 sha;

	sha256_begin(&sha);
	sha256_add(&sha, token, strlen(token));
	sha256_end(&sha, digest);
}

/* In one piece and never readable by others, not even for a moment. */
static int
write_file(const char *path, const char *text)
{
	const size_t len = strlen(text);
	int fd, rc = 0;

	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len)
		rc = -EIO;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc < 0)
		unlink(path);
	return rc;
}

int
api_session_open(struct api_session *s, const char *path)
{
	uint8_t random[TOKEN_BYTES];
	char text[2 * TOKEN_BYTES + 2];
	int n = snprintf(s->path, sizeof(s->path), "%s.token", path), rc;

	s->is_open = false;
	if (n < 0 || (size_t)n >= sizeof(s->path))
		return -ENAMETOOLONG;
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(text + 2 * i, 3, "%02x", random[i]);
	digest_of(text, s->digest);
	strcpy(text + 2 * sizeof(random), "\n");
	rc = write_file(s->path, text);
	s->is_open = rc == 0;
	explicit_bzero(text, sizeof(text));
	explicit_bzero(random, sizeof(random));
	return rc;
}

bool
api_session_is(const struct api_session *s, const char *token)
{
	uint8_t digest[SHA256_BYTES];
	volatile uint8_t differ = 0;

	digest_of(token, digest);
	for (size_t i = 0; i < SHA256_BYTES; i++)
		differ = (uint8_t)(differ | (digest[i] ^ s->digest[i]));
	return s->is_open && differ == 0;
}

void
api_session_close(struct api_session *s)
{
	if (s->is_open)
		unlink(s->path);
	s->is_open = false;
}
