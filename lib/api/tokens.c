/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sha256.h"

#define TOKENS_MAX  65536
#define TOKENS_LINE 256

struct entry {
	const char *name;
	uint8_t digest[SHA256_BYTES];
	int role;
};

static int
digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c | (c >= 'A' ? 0x20 : 0)) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* 64 digits and nothing else. */
static int
read_digest(const char *text, uint8_t digest[SHA256_BYTES])
{
	if (strlen(text) != 64)
		return -EINVAL;
	for (size_t i = 0; i < SHA256_BYTES; i++) {
		const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		digest[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

/* Cut `line` into its parts. Returns 0, or -EINVAL when it is no token's line. */
static int
read_entry(char *line, struct entry *e)
{
	static const char *const roles[] = { NULL, "read", "operate", "admin" };
	char *digest, *role;

	e->name = line;
	digest = strchr(line, ':');
	if (digest == NULL || digest == line || digest - line >= API_TOKEN_NAME)
		return -EINVAL;
	*digest++ = '\0';
	role = strchr(digest, ':');
	if (role != NULL)
		*role++ = '\0';
	e->role = role == NULL ? API_ROLE_ADMIN : API_ROLE_NONE;
	for (int i = API_ROLE_READ; role != NULL && i <= API_ROLE_ADMIN; i++) {
		if (strcmp(role, roles[i]) == 0)
			e->role = i;
	}
	return e->role == API_ROLE_NONE ? -EINVAL : read_digest(digest, e->digest);
}

/* Compares every byte whatever the first ones say. */
static bool
is_same(const uint8_t a[SHA256_BYTES], const uint8_t b[SHA256_BYTES])
{
	volatile uint8_t differ = 0;

	for (size_t i = 0; i < SHA256_BYTES; i++)
		differ = (uint8_t)(differ | (a[i] ^ b[i]));
	return differ == 0;
}

int
api_tokens_find_in(const char *text, size_t len, const char *token,
                   char name[API_TOKEN_NAME], unsigned int *line)
{
	struct sha256 sha;
	uint8_t wanted[SHA256_BYTES];
	const char *end = text + len;
	int found = API_ROLE_NONE;

	sha256_begin(&sha);
	sha256_add(&sha, token, strlen(token));
	sha256_end(&sha, wanted);
	*line = 0;
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((stop != NULL ? stop : end) - text);
		char copy[TOKENS_LINE];
		struct entry e;

		++*line;
		if (n >= sizeof(copy))
			return -EINVAL;
		memcpy(copy, text, n);
		text += n + 1;
		while (n > 0 &&
		       (copy[n - 1] == ' ' || copy[n - 1] == '\r' || copy[n - 1] == '\t'))
			n--;
		copy[n] = '\0';
		if (n == 0 || copy[0] == '#')
			continue;
		if (strlen(copy) != n || read_entry(copy, &e) < 0)
			return -EINVAL;
		if (is_same(e.digest, wanted)) {
			found = e.role;
			strcpy(name, e.name);
		}
	}
	return found;
}

/* The whole file in *text, free() it. Returns its length or -errno. */
static ssize_t
read_all(const char *file, char **text)
{
	const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	ssize_t len = 0, n = 1;

	if (fd < 0)
		return -errno;
	*text = malloc(TOKENS_MAX);
	if (*text == NULL) {
		len = -ENOMEM;
	} else if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	           st.st_size >= TOKENS_MAX) {
		len = -EFBIG;
	} else if ((st.st_mode & S_IWOTH) != 0) {
		len = -EPERM;
	}
	while (len >= 0 && n > 0 && len < TOKENS_MAX) {
		n = read(fd, *text + len, (size_t)(TOKENS_MAX - len));
		len = n < 0 ? -errno : len + n;
	}
	close(fd);
	return len;
}

int
api_tokens_find(const char *file, const char *token, char name[API_TOKEN_NAME],
                unsigned int *line)
{
	char *text = NULL;
	ssize_t len = read_all(file, &text);
	int rc;

	*line = 0;
	rc = len < 0 ? (int)len
	             : api_tokens_find_in(text, (size_t)len, token, name, line);
	free(text);
	return rc;
}
