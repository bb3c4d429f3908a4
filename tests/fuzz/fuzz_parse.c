/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes as a frame: the parser reads nothing outside, writes every fact and
 * agrees with its slow twin. The first two bytes choose how much is readable.
 */
#include <stdlib.h>
#include <string.h>

#include "../packet/twin.h"
#include "packet/build.h"
#include "packet/burst.h"
#include "packet/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
build_on(const struct facts *p, const uint8_t *bytes)
{
	struct burst_request want = { .options_len = 40 };
	uint8_t out[BUILD_MAX];
	struct facts made;
	size_t len;

	if (!build_ends(&want.ends, p, bytes, true))
		return;
	len = build_tcp(out, &want);
	parse_frame(out, len, len, &made);
	/* Forty zero bytes of options are an end of list, so the frame is sound. */
	if (made.fault != PACKET_SOUND || made.src_port != p->dst_port)
		abort();
}

/* Frames that are read together give what each gives alone: here one, cut in several places. */
static void
read_together(const uint8_t *bytes, size_t len, size_t frame_len)
{
	static struct burst b;

	burst_start(&b, 1, 0, SIDE_EXTERNAL);
	for (unsigned int i = 0; i < 11; i++) {
		const size_t cut = i * 5;

		b.bytes[i] = bytes;
		b.bytes_len[i] = (uint16_t)(len > cut ? len - cut : 0);
		b.frame_len[i] = (uint16_t)frame_len;
		b.count++;
	}
	parse_burst(&b);
	for (unsigned int i = 0; i < b.count; i++) {
		struct facts alone;

		parse_frame(bytes, b.bytes_len[i], frame_len, &alone);
		if (memcmp(&alone, &b.facts[i], sizeof(alone)) != 0)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct facts fast, slow;
	struct twin t;
	size_t beyond;

	if (size < 2 || size > 9002)
		return 0;
	beyond = data[0] == 0 ? data[1] : 0;
	memset(&fast, 0xa5, sizeof(fast));
	parse_frame(data + 2, size - 2, size - 2 + beyond, &fast);
	slow = twin_parse(&t, data + 2, size - 2, size - 2 + beyond);
	if (memcmp(&fast, &slow, sizeof(fast)) != 0)
		abort();
	read_together(data + 2, size - 2, size - 2 + beyond);
	build_on(&fast, data + 2);
	return 0;
}
