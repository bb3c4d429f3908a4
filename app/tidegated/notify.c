/* SPDX-License-Identifier: BSD-3-Clause */
#include "notify.h"

#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

bool
notify_is_wanted(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

bool
notify_is_heard(void)
{
	return notify_is_wanted();
}

uint64_t
notify_watchdog_ns(void)
{
	uint64_t us = 0;

	return sd_watchdog_enabled(0, &us) > 0 ? us * 1000 : 0;
}

void
notify_ready(void)
{
	sd_notify(0, "READY=1");
}

void
notify_status(const char *sentence)
{
	sd_notifyf(0, "STATUS=%.400s", sentence);
}

/* Newer managers order a reload and its end by this clock, and wait for ever without it. */
void
notify_reloading(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
	           (unsigned long long)t.tv_sec * 1000000ULL +
	                   (unsigned long long)t.tv_nsec / 1000);
}

void
notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void
notify_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}
