/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64

static int
fail(char why[API_WHY], const char *entry, const char *what, int error)
{
	snprintf(why, API_WHY, "api.listen \"%s\": %s%s%s", entry, what,
	         error != 0 ? ": " : "", error != 0 ? strerror(error) : "");
	return error != 0 ? -error : -EINVAL;
}

/* Whether somebody answers on the socket. */
static bool
is_alive(const struct sockaddr_un *address)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive;

	if (fd < 0)
		return true;
	/* EAGAIN is a full queue in front of somebody alive. */
	alive = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	        errno == EAGAIN;
	close(fd);
	return alive;
}

/* Make room for the socket: its folder, and no leftover in its place. */
static int
prepare(const char *entry, const struct sockaddr_un *address, char why[API_WHY])
{
	char folder[sizeof(address->sun_path)];
	struct stat st;
	char *slash;

	strcpy(folder, address->sun_path);
	slash = strrchr(folder, '/');
	if (slash != NULL && slash != folder) {
		*slash = '\0';
		if (mkdir(folder, 0755) < 0 && errno != EEXIST)
			return fail(why, entry, "cannot make its folder", errno);
	}
	if (lstat(address->sun_path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return fail(why, entry, "something else has that name", EEXIST);
	if (is_alive(address))
		return fail(why, entry, "another process answers there", EADDRINUSE);
	if (unlink(address->sun_path) < 0)
		return fail(why, entry, "cannot remove the leftover", errno);
	return 0;
}

static int
open_unix(const char *entry, struct api_listen *out, char why[API_WHY])
{
	const char *path = entry + strlen("unix:");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int rc;

	if (path[0] != '/' || strlen(path) >= sizeof(address.sun_path))
		return fail(why, entry, "must be unix:/PATH of at most 107 bytes", 0);
	strcpy(address.sun_path, path);
	strcpy(out->path, path);
	out->is_unix = out->is_local = true;
	rc = prepare(entry, &address, why);
	if (rc < 0)
		return rc;
	out->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (out->fd < 0)
		return fail(why, entry, "no socket", errno);
	/* Linux gives the name the mode of the socket: there is no moment with a wider one. */
	if (fchmod(out->fd, 0660) < 0 ||
	    bind(out->fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(path, 0660) < 0 || listen(out->fd, BACKLOG) < 0) {
		rc = fail(why, entry, "cannot listen", errno);
		close(out->fd);
		return rc;
	}
	return 0;
}

/* Split "ADDRESS:PORT" into a socket address. Returns its length or 0. */
static socklen_t
read_address(const char *entry, struct sockaddr_storage *to, struct api_listen *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
	const char *colon = strrchr(entry, ':');
	const size_t len = colon != NULL ? (size_t)(colon - entry) : 0;
	char *end;
	unsigned long port;

	if (len == 0 || len >= sizeof(out->host) || colon[1] < '0' || colon[1] > '9')
		return 0;
	port = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || port > 65535)
		return 0;
	memcpy(out->host, entry, len);
	out->host[len] = '\0';
	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, out->host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		out->is_local = (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
		return sizeof(*v4);
	}
	if (out->host[0] != '[' || out->host[len - 1] != ']')
		return 0;
	out->host[len - 1] = '\0';
	if (inet_pton(AF_INET6, out->host + 1, &v6->sin6_addr) != 1)
		return 0;
	out->host[len - 1] = ']';
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)port);
	out->is_local = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) != 0;
	return sizeof(*v6);
}

static int
open_address(const char *entry, bool allow_remote, struct api_listen *out,
             char why[API_WHY])
{
	struct sockaddr_storage address;
	const socklen_t len = read_address(entry, &address, out);
	const int one = 1;
	int rc;

	if (len == 0)
		return fail(why, entry,
		            "must be unix:/PATH, ADDRESS:PORT or [IPv6-ADDRESS]:PORT", 0);
	if (!out->is_local && !allow_remote) {
		fail(why, entry,
		     "only loopback addresses are allowed; let a proxy with TLS face "
		     "others",
		     0);
		return -EACCES;
	}
	out->fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (out->fd < 0)
		return fail(why, entry, "no socket", errno);
	setsockopt(out->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (address.ss_family == AF_INET6)
		setsockopt(out->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(out->fd, (const struct sockaddr *)&address, len) < 0 ||
	    listen(out->fd, BACKLOG) < 0) {
		rc = fail(why, entry, "cannot listen", errno);
		close(out->fd);
		return rc;
	}
	return 0;
}

int
api_listen_open(const char *entry, bool allow_remote, struct api_listen *out,
                char why[API_WHY])
{
	memset(out, 0, sizeof(*out));
	out->fd = -1;
	if (strncmp(entry, "unix:", 5) == 0)
		return open_unix(entry, out, why);
	return open_address(entry, allow_remote, out, why);
}

void
api_listen_remove(const struct api_listen *l)
{
	if (l->path[0] != '\0')
		unlink(l->path);
}
