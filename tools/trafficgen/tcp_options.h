/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp_options - the option layouts of well-known TCP stacks.
 *
 * A SYN's options, their order, the window and the initial TTL tell the system that sent
 * it; a scrubber may look at them, so traffic that claims to be real must have them
 * right.
 */
#ifndef TRAFFICGEN_TCP_OPTIONS_H
#define TRAFFICGEN_TCP_OPTIONS_H

#include "frame.h"

enum tcp_stack { STACK_LINUX, STACK_WINDOWS, STACK_MACOS, STACK_NONE };

/*
 * Options and window of a SYN; tsval is left out by stacks that send no timestamps.
 * STACK_NONE is a tool that writes no options; its window stays as it is.
 */
void tcp_options_syn(struct tcp_fields *t, enum tcp_stack stack, unsigned int family,
                     uint32_t tsval);

/* Options and window of a Linux server's SYN-ACK; with echoing tsecr if is_stamped. */
void tcp_options_syn_ack(struct tcp_fields *t, unsigned int family,
                         const uint32_t *stamps);

/* The padded timestamp option of an established connection; stamps are value and echo. */
void tcp_options_stamp(struct tcp_fields *t, const uint32_t *stamps);

/* The largest segment that the stack announces. */
uint16_t tcp_options_mss(unsigned int family);

static inline bool
tcp_options_has_stamps(enum tcp_stack stack)
{
	return stack == STACK_LINUX || stack == STACK_MACOS;
}

static inline uint8_t
tcp_options_ttl(enum tcp_stack stack)
{
	return stack == STACK_WINDOWS ? 128 : 64;
}

#endif
