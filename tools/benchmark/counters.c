/* SPDX-License-Identifier: BSD-3-Clause */
#include "counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

int
counters_open(void)
{
	struct perf_event_attr want = { .type = PERF_TYPE_HARDWARE,
		                        .size = sizeof(want),
		                        .config = PERF_COUNT_HW_INSTRUCTIONS,
		                        .exclude_kernel = 1,
		                        .exclude_hv = 1 };
	long fd = syscall(SYS_perf_event_open, &want, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

uint64_t
counters_read(int descriptor)
{
	uint64_t n = 0;

	return read(descriptor, &n, sizeof(n)) == (ssize_t)sizeof(n) ? n : 0;
}
