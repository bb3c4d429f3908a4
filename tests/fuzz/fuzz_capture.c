/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a capture file, read twice; both times the same frames come out. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/capture.h"
#include "packet/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t
read_all(struct capture *c)
{
	struct capture_frame frame;
	uint64_t sum = 0;

	while (capture_next(c, &frame) == 1) {
		size_t wire_len = frame.wire_len > 65535 ? 65535 : frame.wire_len;
		struct facts p;

		if (frame.wire_len < frame.len)
			abort();
		parse_frame(frame.bytes, frame.len > wire_len ? wire_len : frame.len,
		            wire_len, &p);
		for (uint32_t i = 0; i < frame.len; i++)
			sum = sum * 31 + frame.bytes[i];
		sum += frame.time_ns + p.fault;
	}
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("capture", 0);
	char path[64], why[CAPTURE_WHY];
	struct capture *c;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (capture_open(path, &c, why) == 0) {
		uint64_t first = read_all(c);

		if (capture_rewind(c) != 0 || read_all(c) != first)
			abort();
		capture_close(c);
	} else if (why[0] == '\0') {
		abort();
	}
	close(fd);
	return 0;
}
