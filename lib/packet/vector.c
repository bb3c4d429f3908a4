/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet/vector.h"

#include <string.h>

const struct vector_info vector_info[VECTOR_COUNT] = {
	[VECTOR_TCP_SYN_FLOOD] = { "tcp_syn_flood", "TCP segments that ask for a "
	                                            "connection (SYN without ACK)" },
	[VECTOR_TCP_OTHER_FLOOD] = { "tcp_other_flood", "TCP segments other than a first "
	                                                "SYN: ACK, RST, FIN, data" },
	[VECTOR_UDP_FLOOD] = { "udp_flood", "UDP datagrams" },
	[VECTOR_ICMP_FLOOD] = { "icmp_flood", "ICMP and ICMPv6 messages" },
	[VECTOR_FRAGMENT_FLOOD] = { "fragment_flood", "IP fragments of any protocol" },
	[VECTOR_OTHER_FLOOD] = { "other_flood", "IP protocols other than TCP, UDP and "
	                                        "ICMP, such as GRE or ESP" },
};

enum vector
vector_by_name(const char *name)
{
	for (int v = 0; v < VECTOR_COUNT; v++)
		if (strcmp(vector_info[v].name, name) == 0)
			return (enum vector)v;
	return VECTOR_COUNT;
}
