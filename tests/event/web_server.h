/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * web_server - a small HTTP server on loopback that answers as the test wants it.
 *
 * One connection at a time; every body that was read whole is kept. What it answers is
 * `status`; 0 hangs up without an answer, -1 says nothing for as long as it stays so, and then hangs up.
 */
#ifndef TESTS_EVENT_WEB_SERVER_H
#define TESTS_EVENT_WEB_SERVER_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define WEB_BODIES 4096

static struct {
	int fd;
	unsigned int port;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	int status;
	char header[128]; /* one more, with its end of line */
	bool is_over;
	unsigned int requests;
	unsigned int bodies; /* of those that were answered 200 */
	char *body[WEB_BODIES];
	char head[2048]; /* of the last request */
} web;

static int
web_status(void)
{
	int status;

	pthread_mutex_lock(&web.lock);
	status = web.is_over ? 0 : web.status;
	pthread_mutex_unlock(&web.lock);
	return status;
}

static inline void
web_answer(int status, const char *header)
{
	pthread_mutex_lock(&web.lock);
	web.status = status;
	snprintf(web.header, sizeof(web.header), "%s", header);
	pthread_mutex_unlock(&web.lock);
}

/* Head and body of one request; false when the client went away. */
static bool
web_read(int fd, char *head, size_t size, char **body)
{
	size_t n = 0, len = 0, got = 0;
	const char *length;

	while (n < size - 1 && recv(fd, head + n, 1, 0) == 1) {
		head[++n] = '\0';
		if (n >= 4 && memcmp(head + n - 4, "\r\n\r\n", 4) == 0)
			break;
	}
	length = strcasestr(head, "content-length:");
	if (n == 0 || length == NULL)
		return false;
	len = strtoul(length + 15, NULL, 10);
	*body = calloc(1, len + 1);
	while (got < len) {
		const ssize_t r = recv(fd, *body + got, len - got, 0);

		if (r <= 0)
			break;
		got += (size_t)r;
	}
	if (got == len)
		return true;
	free(*body);
	return false;
}

static void
web_serve(int fd)
{
	char head[2048] = "", answer[512];
	char *body = NULL;
	int status;

	if (!web_read(fd, head, sizeof(head), &body))
		return;
	if (web_status() == -1) {
		while (web_status() == -1)
			usleep(5000);
		/* Who asked has long gone. */
		free(body);
		return;
	}
	status = web_status();
	pthread_mutex_lock(&web.lock);
	web.requests++;
	strcpy(web.head, head);
	snprintf(answer, sizeof(answer),
	         "HTTP/1.1 %d Said\r\nContent-Length: 2\r\n%sConnection: close\r\n\r\nok",
	         status, web.header);
	if (status == 200 && web.bodies < WEB_BODIES) {
		web.body[web.bodies++] = body;
		body = NULL;
	}
	pthread_mutex_unlock(&web.lock);
	free(body);
	if (status != 0)
		send(fd, answer, strlen(answer), MSG_NOSIGNAL);
}

static void *
web_run(void *arg)
{
	int fd;

	(void)arg;
	while ((fd = accept(web.fd, NULL, NULL)) >= 0) {
		static const struct timeval limit = { .tv_sec = 5 };

		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		web_serve(fd);
		close(fd);
	}
	return NULL;
}

static inline void
web_open(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);

	memset(&web, 0, sizeof(web));
	pthread_mutex_init(&web.lock, NULL);
	web.status = 200;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	web.fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(web.fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    getsockname(web.fd, (struct sockaddr *)&a, &len) < 0 ||
	    listen(web.fd, 16) < 0 ||
	    pthread_create(&web.thread, NULL, web_run, NULL) != 0)
		abort();
	web.port = ntohs(a.sin_port);
}

static inline void
web_close(void)
{
	pthread_mutex_lock(&web.lock);
	web.is_over = true;
	pthread_mutex_unlock(&web.lock);
	shutdown(web.fd, SHUT_RDWR);
	pthread_join(web.thread, NULL);
	close(web.fd);
	for (unsigned int i = 0; i < web.bodies; i++)
		free(web.body[i]);
	pthread_mutex_destroy(&web.lock);
}

#endif
