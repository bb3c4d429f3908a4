/* SPDX-License-Identifier: BSD-3-Clause */
#include "exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

/* Older userland headers lack some of these; the numbers are kernel ABI. */
#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

uint64_t
exchange_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

void
exchange_init(struct exchange *x)
{
	memset(x, 0, sizeof(*x));
	x->fd = -1;
}

void
exchange_close(struct exchange *x, bool reset)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	x->step = EXCHANGE_IDLE;
	if (x->fd < 0)
		return;
	/* A failed connection is torn down at once: its retransmissions would otherwise
	 * load the next phase of the measurement. */
	if (reset)
		setsockopt(x->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(x->fd);
	x->fd = -1;
}

/* A socket of the family that binds to an address no interface has. */
static int
socket_from(const struct address *source)
{
	const int family = source->at.any.sa_family;
	const int on = 1;
	const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	/* The port is chosen at connect, so that one source can hold 28 k of them per shop. */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
	else
		setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	if (bind(fd, &source->at.any, address_len(source)) == 0)
		return fd;
	close(fd);
	return -1;
}

static enum exchange_end
send_request(struct exchange *x, const struct exchange_plan *plan)
{
	const ssize_t sent = send(x->fd, plan->request, plan->request_len, MSG_NOSIGNAL);

	if (sent != (ssize_t)plan->request_len)
		return EXCHANGE_RESET;
	x->step = EXCHANGE_READING;
	return EXCHANGE_RUNNING;
}

enum exchange_end
exchange_begin(struct exchange *x, const struct exchange_plan *plan, int epoll,
               uint32_t cookie)
{
	struct epoll_event wish = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
		                    .data = { .u32 = cookie } };

	x->began_ns = exchange_now_ns();
	x->deadline_ns = x->began_ns + plan->timeout_ns;
	x->head_done = false;
	x->head_len = 0;
	x->body_left = 0;
	if (x->fd >= 0)
		return send_request(x, plan);

	x->fd = socket_from(&plan->source);
	if (x->fd < 0)
		return EXCHANGE_LOCAL;
	x->step = EXCHANGE_CONNECTING;
	if (connect(x->fd, &plan->shop->at.any, address_len(plan->shop)) != 0 &&
	    errno != EINPROGRESS)
		return errno == ENETUNREACH || errno == EHOSTUNREACH ? EXCHANGE_RESET
		                                                     : EXCHANGE_LOCAL;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, x->fd, &wish) != 0)
		return EXCHANGE_LOCAL;
	return EXCHANGE_RUNNING;
}

/* The head is complete: is it a 200 with a length, and how much body came with it? */
static enum exchange_end
read_head(struct exchange *x, size_t body_at)
{
	static const char name[] = "\r\nContent-Length:";
	const char *length;

	x->head[x->head_len < sizeof(x->head) ? x->head_len : sizeof(x->head) - 1] = '\0';
	length = strcasestr(x->head, name);
	if (strncmp(x->head, "HTTP/1.1 200", 12) != 0 || length == NULL)
		return EXCHANGE_SHORT;
	x->body_left = strtoull(length + sizeof(name) - 1, NULL, 10);
	x->head_done = true;
	if (x->head_len - body_at > x->body_left)
		return EXCHANGE_SHORT;
	x->body_left -= x->head_len - body_at;
	return x->body_left == 0 ? EXCHANGE_OK : EXCHANGE_RUNNING;
}

static enum exchange_end
take_bytes(struct exchange *x, const char *bytes, size_t len)
{
	const char *end;

	if (x->head_done) {
		if (len > x->body_left)
			return EXCHANGE_SHORT;
		x->body_left -= len;
		return x->body_left == 0 ? EXCHANGE_OK : EXCHANGE_RUNNING;
	}
	/* The buffer of a read is smaller than the head's, so that one read always fits a
	 * head that has not ended yet; a longer head is none of our shop's. */
	if (len >= sizeof(x->head) - x->head_len)
		return EXCHANGE_SHORT;
	memcpy(x->head + x->head_len, bytes, len);
	x->head_len += len;
	end = memmem(x->head, x->head_len, "\r\n\r\n", 4);
	return end == NULL ? EXCHANGE_RUNNING : read_head(x, (size_t)(end - x->head) + 4);
}

static enum exchange_end
read_answer(struct exchange *x)
{
	char bytes[16384];
	enum exchange_end end = EXCHANGE_RUNNING;

	while (end == EXCHANGE_RUNNING) {
		const size_t room = x->head_done ? sizeof(bytes) : sizeof(x->head) / 2;
		const ssize_t got = recv(x->fd, bytes, room, 0);

		if (got == 0)
			return EXCHANGE_SHORT;
		if (got < 0)
			return errno == EAGAIN ? EXCHANGE_RUNNING : EXCHANGE_RESET;
		end = take_bytes(x, bytes, (size_t)got);
	}
	return end;
}

static enum exchange_end
connect_ended(const struct exchange *x)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(x->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0)
		return error == ETIMEDOUT ? EXCHANGE_CONNECT_TIMEOUT : EXCHANGE_RESET;
	return EXCHANGE_OK;
}

enum exchange_end
exchange_go_on(struct exchange *x, const struct exchange_plan *plan)
{
	enum exchange_end end;

	if (x->step == EXCHANGE_IDLE) {
		char byte;

		/* Nobody asked: on a kept connection this is the shop's goodbye. */
		if (x->fd >= 0 &&
		    (recv(x->fd, &byte, 1, MSG_PEEK) >= 0 || errno != EAGAIN))
			exchange_close(x, false);
		return EXCHANGE_RUNNING;
	}
	if (x->step == EXCHANGE_CONNECTING) {
		end = connect_ended(x);
		if (end != EXCHANGE_OK)
			return end;
		end = send_request(x, plan);
		if (end != EXCHANGE_RUNNING)
			return end;
	}
	end = read_answer(x);
	if (end == EXCHANGE_OK && plan->keep_alive)
		x->step = EXCHANGE_IDLE;
	return end;
}

enum exchange_end
exchange_check_deadline(struct exchange *x, uint64_t now_ns)
{
	if (x->step == EXCHANGE_IDLE || now_ns < x->deadline_ns)
		return EXCHANGE_RUNNING;
	return x->step == EXCHANGE_CONNECTING ? EXCHANGE_CONNECT_TIMEOUT
	                                      : EXCHANGE_READ_TIMEOUT;
}
