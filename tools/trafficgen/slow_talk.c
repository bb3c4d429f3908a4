/* SPDX-License-Identifier: BSD-3-Clause */
#include "slow_talk.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel makes of it the least that it allows. */
#define SMALLEST_BUFFER 1

const char *const slow_kind_names[SLOW_KINDS] = { [SLOW_IDLE] = "idle",
	                                          [SLOW_HEADERS] = "headers",
	                                          [SLOW_BODY] = "body",
	                                          [SLOW_READ] = "read" };

/* What is said when the connection opens; then byte by byte, once, and over and over. */
static const struct {
	const char *at_once, *slowly, *for_ever;
} scripts[SLOW_KINDS] = {
	[SLOW_IDLE] = { "", "", "" },
	[SLOW_HEADERS] = { "", "GET / HTTP/1.1\r\nHost: shop.example\r\n",
	                   "X-Patience: please wait\r\n" },
	[SLOW_BODY] = { "POST / HTTP/1.1\r\nHost: shop.example\r\n"
	                "Content-Type: application/x-www-form-urlencoded\r\n"
	                "Content-Length: 1000000\r\n\r\n",
	                "", "a" },
	[SLOW_READ] = { "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n", "", "" },
};

/* Returns the length of the socket address; with family 0 of the address there is none. */
static socklen_t
socket_address(struct sockaddr_storage *out, const struct slow_end *end)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(end->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		                   .sin6_port = htons(end->port) };

	memset(out, 0, sizeof(*out));
	if (end->address.family == 4) {
		memcpy(&v4.sin_addr, end->address.bytes, 4);
		memcpy(out, &v4, sizeof(v4));
		return sizeof(v4);
	}
	memcpy(&v6.sin6_addr, end->address.bytes, 16);
	memcpy(out, &v6, sizeof(v6));
	return sizeof(v6);
}

static int
set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0 ? 0 : -errno;
}

/*
 * Bind to the address alone: the port is chosen when the other end is known, so that an
 * address has all its ports once for each target. Addresses that only a local route
 * brings here are as good as those of an interface.
 */
static int
bind_source(int fd, const struct slow_end *from)
{
	const bool is_ipv4 = from->address.family == 4;
	struct sockaddr_storage at;
	const socklen_t len = socket_address(&at, from);

	(void)set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	(void)set(fd, is_ipv4 ? IPPROTO_IP : IPPROTO_IPV6,
	          is_ipv4 ? IP_FREEBIND : IPV6_FREEBIND, 1);
	return bind(fd, (const struct sockaddr *)&at, len) == 0 ? 0 : -errno;
}

/* Errors of a connection that was never open. */
static enum slow_state
state_of_failure(int err)
{
	return err == ECONNREFUSED ? SLOW_REFUSED : SLOW_FAILED;
}

/* Errors of one that was. */
static enum slow_state
state_of_end(int err)
{
	return err == ETIMEDOUT || err == EHOSTUNREACH || err == ENETUNREACH ? SLOW_SILENT
	                                                                     : SLOW_RESET;
}

int
slow_talk_begin(struct slow_talk *t, enum slow_kind kind, const struct slow_end *from,
                const struct slow_end *to)
{
	const int family = to->address.family == 4 ? AF_INET : AF_INET6;
	struct sockaddr_storage at;
	const socklen_t len = socket_address(&at, to);
	int err = 0;

	t->said = 0;
	t->state = SLOW_FAILED;
	t->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd < 0)
		return -errno;
	/* The window is agreed in the handshake, so the buffer must be small before. */
	if (kind == SLOW_READ)
		(void)set(t->fd, SOL_SOCKET, SO_RCVBUF, SMALLEST_BUFFER);
	(void)set(t->fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (from->address.family != 0)
		err = bind_source(t->fd, from);
	if (err == 0 && connect(t->fd, (const struct sockaddr *)&at, len) != 0 &&
	    errno != EINPROGRESS) {
		err = -errno;
		t->state = state_of_failure(errno);
	}
	if (err == 0)
		t->state = SLOW_CONNECTING;
	return err;
}

uint32_t
slow_talk_events(const struct slow_talk *t, enum slow_kind kind)
{
	if (t->state == SLOW_CONNECTING)
		return EPOLLOUT;
	/* Errors are told always; a slow reader must not be woken by what it leaves. */
	return kind == SLOW_READ ? 0 : EPOLLIN;
}

static void
say(struct slow_talk *t, const char *bytes, size_t len, struct slow_bytes *sum)
{
	const ssize_t n = send(t->fd, bytes, len, MSG_NOSIGNAL);

	if (n >= 0) {
		sum->sent += (uint64_t)n;
		return;
	}
	if (errno != EAGAIN)
		t->state = state_of_end(errno);
}

/* Take up to `most` bytes that came. */
static void
take(struct slow_talk *t, size_t most, struct slow_bytes *sum)
{
	char buf[4096];
	const ssize_t n = recv(t->fd, buf, most < sizeof(buf) ? most : sizeof(buf), 0);

	if (n > 0)
		sum->received += (uint64_t)n;
	else if (n == 0)
		t->state = SLOW_CLOSED;
	else if (errno != EAGAIN)
		t->state = state_of_end(errno);
}

static void
hear_connecting(struct slow_talk *t, enum slow_kind kind, struct slow_bytes *sum)
{
	const char *at_once = scripts[kind].at_once;
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0 || err != 0) {
		t->state = state_of_failure(err);
		return;
	}
	t->state = SLOW_OPEN;
	if (*at_once != '\0')
		say(t, at_once, strlen(at_once), sum);
}

void
slow_talk_hear(struct slow_talk *t, enum slow_kind kind, struct slow_bytes *sum)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (t->state == SLOW_CONNECTING) {
		hear_connecting(t, kind, sum);
		return;
	}
	if (kind != SLOW_READ) {
		take(t, SIZE_MAX, sum);
		return;
	}
	/* Only an error or the end of both ways wakes a slow reader. */
	if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 && err != 0)
		t->state = state_of_end(err);
	else
		t->state = SLOW_CLOSED;
}

void
slow_talk_step(struct slow_talk *t, enum slow_kind kind, struct slow_bytes *sum)
{
	const char *slowly = scripts[kind].slowly, *for_ever = scripts[kind].for_ever;
	const size_t len = strlen(slowly);

	if (kind == SLOW_READ) {
		take(t, 1, sum);
		return;
	}
	if (*for_ever == '\0')
		return;
	if (t->said < len)
		say(t, &slowly[t->said], 1, sum);
	else
		say(t, &for_ever[(t->said - len) % strlen(for_ever)], 1, sum);
	t->said++;
}

void
slow_talk_end(struct slow_talk *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}
