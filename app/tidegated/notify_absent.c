/* SPDX-License-Identifier: BSD-3-Clause */
/* notify_absent - the same without libsystemd: nobody is told anything. */
#include "notify.h"

#include <stdlib.h>

bool
notify_is_wanted(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

bool
notify_is_heard(void)
{
	return false;
}

uint64_t
notify_watchdog_ns(void)
{
	return 0;
}

void
notify_ready(void)
{
}

void
notify_status(const char *sentence)
{
	(void)sentence;
}

void
notify_reloading(void)
{
}

void
notify_stopping(void)
{
}

void
notify_alive(void)
{
}
