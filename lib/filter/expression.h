/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * expression - a filter in tcpdump's syntax, as machine code.
 *
 * libpcap compiles the text to classic BPF, which becomes DPDK's and machine code. An
 * expression is about the IP packet: links and VLAN tags are not seen, so the same text
 * holds with and without tags, and `len` is the datagram's. It may read payload, of IPv6
 * too (tcp[13], udp[8:4]), where libpcap itself reads IPv4 alone. An IPv6 packet is seen
 * as if it had no extension headers, or one in front would hide its ports. As with
 * tcpdump, a packet of which bytes behind its end are read matches nothing. Names of
 * hosts, networks, services and protocols are refused before libpcap could ask anybody
 * for them.
 *
 * Without libpcap an expression cannot be made, and says so.
 *
 * Threads making: one control thread. Matching: any number of workers.
 */
#ifndef FILTER_EXPRESSION_H
#define FILTER_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct burst;
struct filter_expression;

#define FILTER_TEXT_MAX 1023 /* characters of an expression */

/*
 * Compile `text`. Returns 0 and *out, which the caller frees; -EINVAL with a sentence
 * in `error` that names the word that is wrong and says what to write; -ENOTSUP
 * without libpcap; -ENOMEM.
 */
int filter_expression_make(const char *text, struct filter_expression **out, char *error,
                           size_t room);
void filter_expression_free(struct filter_expression *e);

/* Whether it became machine code; else it is interpreted, which costs ten times as much. */
bool filter_expression_is_native(const struct filter_expression *e);

/*
 * The lanes among `lanes` whose packet matches; what is no IP never does. Later
 * fragments have no ports and match what names none. Worker.
 */
uint64_t filter_expression_match(const struct filter_expression *e, const struct burst *b,
                                 uint64_t lanes);

#endif
