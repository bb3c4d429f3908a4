/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/patience.h"

#include <string.h>

#include "io/wire.h"

#define SECOND_NS     UINT64_C(1000000000)
#define SHORTEST_BITS 672 /* 64 bytes with FCS, preamble and gap: 84 bytes */
#define SPEED_UNKNOWN UINT64_C(10000000000)

/* DPDK's driver has rings of its own size, whatever is asked for. */
#define XDP_DESCRIPTORS 2048

uint64_t
patience_of(unsigned int descriptors, uint64_t speed_bits, bool is_by_kernel)
{
	uint64_t pps = (speed_bits == 0 ? SPEED_UNKNOWN : speed_bits) / SHORTEST_BITS;
	uint64_t half;

	if (is_by_kernel && pps > PATIENCE_KERNEL_PPS)
		pps = PATIENCE_KERNEL_PPS;
	half = descriptors / 2 * SECOND_NS / (pps == 0 ? 1 : pps);
	if (half < PATIENCE_LEAST_NS)
		return 0;
	return half > PATIENCE_MOST_NS ? PATIENCE_MOST_NS : half;
}

static uint64_t
of_port(const struct io_wire *w, const struct port *p)
{
	const bool is_xdp = strcmp(p->driver, "net_af_xdp") == 0;
	unsigned int least = is_xdp ? XDP_DESCRIPTORS : p->rx_descriptors;

	if (handoff_is_on(&w->handoff) && handoff_room(w->workers) < least)
		least = handoff_room(w->workers);
	if (w->control_transmits && IO_RING < least)
		least = IO_RING;
	return patience_of(least, p->speed_bits, end_is_by_kernel(p->name));
}

uint64_t
patience_of_wire(const struct io_wire *w)
{
	uint64_t least = PATIENCE_MOST_NS;

	for (unsigned int l = 0; l < w->n_links; l++)
		for (unsigned int side = 0; side < 2; side++) {
			uint64_t one = of_port(w, &w->link[l].port[side]);

			least = one < least ? one : least;
		}
	return least;
}
