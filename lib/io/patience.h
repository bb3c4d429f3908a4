/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * patience - how long an idle worker may sleep without losing a packet.
 *
 * A ring that is empty when the worker falls asleep must not be full before it
 * wakes, at the shortest frames its device can bring: 84 bytes of wire each. Half
 * of the ring is slept away; the other half covers a timer that rings late and
 * the burst that is then still to be judged.
 *
 *     descriptors   speed       full after   sleep
 *     1,024         10 Gbit/s   69 us        34 us
 *     2,048         10 Gbit/s   138 us       50 us: longer would be felt
 *     1,024         25 Gbit/s   28 us        none: not worth a timer
 *     1,024         kernel      256 us       50 us
 *
 * Where the kernel brings the frames (AF_XDP, AF_PACKET, tap), its own work on
 * each bounds the rate, whatever the speed of the link; packets that wait for
 * the kernel wait in rings of its own. The pipes between workers count like the
 * ring of the fastest port: what fills them came in there.
 *
 * Units   ns, bits/s.
 * Threads control side.
 */
#ifndef IO_PATIENCE_H
#define IO_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

struct io_wire;

#define PATIENCE_LEAST_NS   UINT64_C(20000) /* a shorter sleep costs more than it saves */
#define PATIENCE_MOST_NS    UINT64_C(50000) /* longer would be felt after silence */
#define PATIENCE_KERNEL_PPS UINT64_C(4000000) /* one core of the kernel brings no more */

/*
 * Sleep that a ring of `descriptors` allows behind a device of `speed_bits` (0:
 * unknown, taken for 10 Gbit/s). 0 when it allows none.
 */
uint64_t patience_of(unsigned int descriptors, uint64_t speed_bits, bool is_by_kernel);

/* Sleep that every ring of an open wire allows; 0: its workers must not sleep. */
uint64_t patience_of_wire(const struct io_wire *w);

#endif
