/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_options.h"

#include <string.h>

enum { END = 0, NOP = 1, MSS = 2, SCALE = 3, SACK_OK = 4, STAMP = 8 };

uint16_t
tcp_options_mss(unsigned int family)
{
	return family == 4 ? 1460 : 1440;
}

static void
add(struct tcp_fields *t, const uint8_t *bytes, uint8_t len)
{
	memcpy(t->options + t->option_len, bytes, len);
	t->option_len = (uint8_t)(t->option_len + len);
}

static void
add_mss(struct tcp_fields *t, unsigned int family)
{
	uint8_t o[4] = { MSS, 4 };

	put16(o + 2, tcp_options_mss(family));
	add(t, o, sizeof(o));
}

static void
add_stamp(struct tcp_fields *t, const uint32_t *stamps)
{
	uint8_t o[10] = { STAMP, 10 };

	put32(o + 2, stamps[0]);
	put32(o + 6, stamps[1]);
	add(t, o, sizeof(o));
}

void
tcp_options_syn(struct tcp_fields *t, enum tcp_stack stack, unsigned int family,
                uint32_t tsval)
{
	static const uint8_t sack[] = { SACK_OK, 2 },
			     linux_scale[] = { NOP, SCALE, 3, 7 };
	static const uint8_t windows[] = { NOP, SCALE, 3, 8, NOP, NOP, SACK_OK, 2 };
	static const uint8_t mac_scale[] = { NOP, SCALE, 3, 6, NOP, NOP };
	static const uint8_t mac_end[] = { SACK_OK, 2, END, END };
	const uint32_t stamps[2] = { tsval, 0 };

	const uint16_t mss = tcp_options_mss(family);
	const uint16_t whole_segments = (uint16_t)(UINT16_MAX / mss * mss);

	t->option_len = 0;
	if (stack == STACK_NONE)
		return;
	/* Linux and Windows offer as many whole segments as 16 bits hold. */
	t->window = stack == STACK_MACOS ? UINT16_MAX : whole_segments;
	add_mss(t, family);
	switch (stack) {
	case STACK_NONE:
		break;
	case STACK_LINUX:
		add(t, sack, sizeof(sack));
		add_stamp(t, stamps);
		add(t, linux_scale, sizeof(linux_scale));
		break;
	case STACK_WINDOWS:
		add(t, windows, sizeof(windows));
		break;
	case STACK_MACOS:
		add(t, mac_scale, sizeof(mac_scale));
		add_stamp(t, stamps);
		add(t, mac_end, sizeof(mac_end));
		break;
	}
}

void
tcp_options_syn_ack(struct tcp_fields *t, unsigned int family, const uint32_t *stamps)
{
	static const uint8_t sack[] = { SACK_OK, 2 }, two_nops[] = { NOP, NOP };
	static const uint8_t scale[] = { NOP, SCALE, 3, 7 };

	t->option_len = 0;
	t->window = 65160;
	add_mss(t, family);
	if (stamps != NULL) {
		add(t, sack, sizeof(sack));
		add_stamp(t, stamps);
	} else {
		add(t, two_nops, sizeof(two_nops));
		add(t, sack, sizeof(sack));
	}
	add(t, scale, sizeof(scale));
}

void
tcp_options_stamp(struct tcp_fields *t, const uint32_t *stamps)
{
	static const uint8_t two_nops[] = { NOP, NOP };

	t->option_len = 0;
	add(t, two_nops, sizeof(two_nops));
	add_stamp(t, stamps);
}
