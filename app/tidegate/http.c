/* SPDX-License-Identifier: BSD-3-Clause */
#include "http.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Milliseconds of the monotonic clock. */
static int64_t
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Let the next call on the socket end when the time is over. Returns 0 or -ETIMEDOUT. */
static int
limit(int fd, int64_t until_ms)
{
	const int64_t left = until_ms - clock_ms();
	const struct timeval t = { .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000 };

	if (left <= 0)
		return -ETIMEDOUT;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
	return 0;
}

/* What a call that took too long says, in one word. */
static int
failed(void)
{
	return errno == EAGAIN || errno == EINPROGRESS ? -ETIMEDOUT : -errno;
}

static int
connect_unix(const char *path, int64_t until_ms)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* A daemon that hangs lets its queue fill up, and then this waits. */
	limit(fd, until_ms);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	rc = failed();
	close(fd);
	return rc;
}

/* "host:port", "[::1]:port" or "host" into its two parts. */
static int
split(const char *where, char host[256], char port[8])
{
	const char *end =
		where[0] == '[' ? strchr(where, ']') : where + strcspn(where, ":/");
	const char *begin = where[0] == '[' ? where + 1 : where;
	size_t len;

	if (end == NULL || end == begin || end - begin > 255)
		return -EINVAL;
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = '\0';
	end += *end == ']';
	strcpy(port, "80");
	if (*end == ':') {
		len = strspn(++end, "0123456789");
		if (len == 0 || len > 5)
			return -EINVAL;
		memcpy(port, end, len);
		port[len] = '\0';
		end += len;
	}
	return *end == '\0' || strcmp(end, "/") == 0 ? 0 : -EINVAL;
}

static int
connect_tcp(const char *where, int64_t until_ms)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list, *a;
	char host[256], port[8];
	int fd = -1, rc = split(where, host, port);

	if (rc < 0)
		return rc;
	if (getaddrinfo(host, port, &hints, &list) != 0)
		return -EHOSTUNREACH;
	for (a = list; a != NULL && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
		if (fd >= 0)
			limit(fd, until_ms);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) == 0)
			break;
		rc = failed();
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	return fd >= 0 ? fd : rc;
}

static int
send_all(int fd, const char *text, size_t len, int64_t until_ms)
{
	while (len > 0) {
		ssize_t n;

		if (limit(fd, until_ms) < 0)
			return -ETIMEDOUT;
		n = send(fd, text, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed();
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
send_request(int fd, const char *host, const struct http_request *rq, int64_t until_ms)
{
	const size_t len = rq->body != NULL ? strlen(rq->body) : 0;
	const bool has_token = rq->token != NULL && rq->token[0] != '\0';
	char length[96] = "", *text;
	int n, rc;

	if (rq->body != NULL)
		snprintf(length, sizeof(length),
		         "Content-Type: application/json\r\nContent-Length: %zu\r\n",
		         len);
	n = asprintf(
		&text,
		"%s %s HTTP/1.1\r\nHost: %.*s\r\nConnection: close\r\n%s%s%s%s\r\n%s",
		rq->method, rq->path, (int)strcspn(host, "/"), host,
		has_token ? "Authorization: Bearer " : "", has_token ? rq->token : "",
		has_token ? "\r\n" : "", length, rq->body != NULL ? rq->body : "");
	if (n < 0)
		return -ENOMEM;
	rc = send_all(fd, text, (size_t)n, until_ms);
	free(text);
	return rc;
}

/* Everything until the server closes, with a NUL after it. */
static int
receive(int fd, char **text, size_t *len, int64_t until_ms)
{
	size_t room = 0;

	*text = NULL;
	*len = 0;
	for (;;) {
		ssize_t n;

		if (*len + 4096 > room) {
			char *grown = realloc(*text, room + 65536);

			if (grown == NULL || room > HTTP_ANSWER_MAX)
				return -ENOMEM;
			*text = grown;
			room += 65536;
		}
		if (limit(fd, until_ms) < 0)
			return -ETIMEDOUT;
		n = recv(fd, *text + *len, room - *len - 1, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed();
		*len += (size_t)n;
		(*text)[*len] = '\0';
		if (n == 0)
			return 0;
	}
}

/* Join the pieces of a chunked body in place. Returns its length or -EPROTO. */
static ssize_t
unchunk(char *body, size_t len)
{
	size_t in = 0, out = 0;

	for (;;) {
		char *end;
		const unsigned long n = strtoul(body + in, &end, 16);

		if (end == body + in)
			return -EPROTO;
		end = strstr(end, "\r\n");
		if (end == NULL)
			return -EPROTO;
		in = (size_t)(end + 2 - body);
		if (n == 0)
			break;
		if (n > len - in || len - in - n < 2)
			return -EPROTO;
		memmove(body + out, body + in, n);
		out += n;
		in += n + 2;
	}
	body[out] = '\0';
	return (ssize_t)out;
}

/* Whether the head has a line `name: value`. */
static bool
has_header(const char *head, const char *name, const char *value)
{
	const char *line = strcasestr(head, name);

	if (line == NULL)
		return false;
	line += strlen(name);
	line += strspn(line, " \t");
	return strncasecmp(line, value, strlen(value)) == 0;
}

static int
parse(char *text, size_t len, struct http_answer *out)
{
	char *body = strstr(text, "\r\n\r\n");
	ssize_t n;

	if (body == NULL || sscanf(text, "HTTP/1.%*1d %3d", &out->status) != 1)
		return -EPROTO;
	body[2] = '\0';
	body += 4;
	n = (ssize_t)(len - (size_t)(body - text));
	if (has_header(text, "\r\nTransfer-Encoding:", "chunked"))
		n = unchunk(body, (size_t)n);
	if (n < 0)
		return (int)n;
	memmove(text, body, (size_t)n + 1);
	out->body = text;
	out->len = (size_t)n;
	return 0;
}

int
http_ask(const char *api, const struct http_request *request, struct http_answer *out)
{
	const unsigned int ms =
		request->timeout_ms > 0 ? request->timeout_ms : HTTP_TIMEOUT_MS;
	const int64_t until_ms = clock_ms() + ms;
	const char *host = "localhost";
	char *text = NULL;
	size_t len;
	int fd, rc;

	if (strncmp(api, "unix:", 5) == 0) {
		fd = connect_unix(api + 5, until_ms);
	} else if (strncmp(api, "http://", 7) == 0) {
		host = api + 7;
		fd = connect_tcp(host, until_ms);
	} else {
		return -EINVAL;
	}
	if (fd < 0)
		return fd;
	rc = send_request(fd, host, request, until_ms);
	if (rc == 0)
		rc = receive(fd, &text, &len, until_ms);
	close(fd);
	if (rc == 0)
		rc = parse(text, len, out);
	if (rc < 0)
		free(text);
	return rc;
}

pid_t
http_listener(const char *path)
{
	struct ucred who = { 0 };
	socklen_t len = sizeof(who);
	const int fd = connect_unix(path, clock_ms() + 1000);

	if (fd < 0)
		return fd;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		who.pid = 0;
	close(fd);
	return who.pid;
}
