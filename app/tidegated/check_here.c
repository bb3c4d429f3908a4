/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check_here - what this machine would answer to a start, without starting.
 *
 * Each finding is an error or a warning at the path "here.WHAT", so that it stands
 * among those of the file. Nothing is taken: what is asked for is given back at once.
 *
 * Threads one.
 */
#include "check_here.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/listen.h"
#include "io/end.h"
#include "io/kernel.h"
#include "io/preflight.h"
#include "run.h"

#define ABOUT_MAX 64

static void
tell(struct conf_errors *errors, const char *about, bool is_error, const char *text)
{
	char path[ABOUT_MAX];
	const struct conf_place place = { .path = path };

	snprintf(path, sizeof(path), "here.%s", about);
	if (is_error)
		conf_fail(errors, &place, "%s", text);
	else
		conf_warn(errors, &place, "%s", text);
}

static void
look_at_machine(const struct settings *s, struct conf_errors *errors)
{
	struct preflight *found = calloc(1, sizeof(*found));

	if (found == NULL)
		return;
	run_preflight(s, found);
	for (unsigned int i = 0; i < found->n_notes; i++)
		tell(errors, found->note[i].about, found->note[i].is_error,
		     found->note[i].text);
	free(found);
}

/* The two ends of one link: taken by somebody, and of one length. */
static void
look_at_link(const struct settings_link *link, struct conf_errors *errors)
{
	const char *const end[2] = { link->external, link->internal };
	unsigned int mtu[2] = { 0 };
	char interface[2][64], text[512];

	for (unsigned int side = 0; side < 2; side++) {
		int fd;

		if (!end_interface(end[side], interface[side], sizeof(interface[0])) ||
		    kernel_mtu(interface[side], &mtu[side]) != 0)
			continue;
		fd = kernel_claim(interface[side]);
		if (fd >= 0)
			close(fd);
		snprintf(text, sizeof(text),
		         "%s is an end of another Tidegate that runs here",
		         interface[side]);
		if (fd == -EADDRINUSE)
			tell(errors, "taken", true, text);
		snprintf(text, sizeof(text),
		         "%s is down or has no carrier: `ip link set %s up`, and look at "
		         "the cable",
		         interface[side], interface[side]);
		if (!kernel_is_running(interface[side]))
			tell(errors, "link_down", false, text);
	}
	if (mtu[0] == 0 || mtu[1] == 0 || mtu[0] == mtu[1])
		return;
	snprintf(
		text, sizeof(text),
		"link %s: %s has MTU %u and %s has MTU %u; both ends must carry the same "
		"frames: `ip link set %s mtu %u`",
		link->name, interface[0], mtu[0], interface[1], mtu[1],
		interface[mtu[0] < mtu[1] ? 1 : 0], mtu[0] < mtu[1] ? mtu[0] : mtu[1]);
	tell(errors, "mtu_mismatch", true, text);
}

/* Whether somebody answers on the Unix socket. */
static bool
is_served(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) >= sizeof(address.sun_path))
		return false;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	rc = connect(fd, (const struct sockaddr *)&address, sizeof(address));
	rc = rc == 0 || errno == EAGAIN;
	close(fd);
	return rc != 0;
}

static void
look_at_listen(const char *entry, struct conf_errors *errors)
{
	char why[API_WHY], text[API_WHY + 128];
	struct api_listen at;

	if (strncmp(entry, "unix:", 5) == 0) {
		snprintf(text, sizeof(text),
		         "another process already serves %.200s: end it, or name another "
		         "place in api.listen",
		         entry);
		if (is_served(entry + 5))
			tell(errors, "port_in_use", true, text);
		return;
	}
	if (api_listen_open(entry, true, &at, why) == 0) {
		close(at.fd);
		return;
	}
	snprintf(text, sizeof(text), "%s; `ss -ltnp` tells whose it is", why);
	tell(errors, "port_in_use", true, text);
}

void
check_here(const struct settings *s, struct conf_errors *errors)
{
	const struct settings_link *link = s->links.element;

	look_at_machine(s, errors);
	for (size_t i = 0; i < s->links.count; i++)
		look_at_link(&link[i], errors);
	for (size_t i = 0; i < s->api_listen.count; i++)
		look_at_listen(s->api_listen.text[i], errors);
}
