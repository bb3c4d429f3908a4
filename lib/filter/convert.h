/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * convert - classic BPF, as libpcap writes it, to the instructions of DPDK's machine.
 *
 * rte_bpf_convert() does this too, but takes its memory from the EAL, which check,
 * replay and the tests do not start. The accumulator is r0, the index r7, the packet
 * (an mbuf that begins with its IP header) r6; all arithmetic is on 32 bits. Source:
 * S. McCanne and V. Jacobson, "The BSD Packet Filter", 1993.
 *
 * Threads any; nothing is shared.
 */
#ifndef FILTER_CONVERT_H
#define FILTER_CONVERT_H

#include <stdint.h>

#define CONVERT_MAX 1024 /* classic instructions of a program */

struct ebpf_insn;

/* One classic instruction, laid out as libpcap's struct bpf_insn. */
struct convert_insn {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};

/*
 * Returns how many instructions were written to *out, which the caller frees; -E2BIG
 * for more than CONVERT_MAX; -ENOTSUP for what reads no packet (the kernel's own
 * extensions) or jumps back; -ENOMEM.
 */
int convert_classic(const struct convert_insn *from, unsigned int n,
                    struct ebpf_insn **out);

#endif
