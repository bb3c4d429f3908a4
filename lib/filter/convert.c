/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/convert.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <rte_bpf.h>

/* What a load forgets is good for constants, so that nothing old is left in it. */
enum {
	A = EBPF_REG_0,
	K = EBPF_REG_1,
	PACKET = EBPF_REG_6,
	X = EBPF_REG_7,
	KEPT = EBPF_REG_8
};

#define WIDEST   8 /* instructions that one classic one becomes, at most */
#define PROLOGUE 4
#define MEMORY   16 /* words of scratch */

enum { LIVE_A = 1, LIVE_X = 2 };

struct writer {
	/*
	 * What is still read at a classic instruction, before it: LIVE_*. rte_bpf_load()
	 * walks all ways through a program that come to a jump with different contents of
	 * the registers. What nobody reads any more is cleared, or some hundred conditions
	 * would keep it busy for days.
	 */
	uint8_t live[CONVERT_MAX + 1];
	bool was_live_x[CONVERT_MAX +
	                1]; /* at the end of an instruction that leads here */
	struct ebpf_insn *out;
	unsigned int n;
	uint16_t start[CONVERT_MAX + 1]; /* where each classic instruction begins */
	bool is_aimed[CONVERT_MAX * WIDEST +
	              PROLOGUE]; /* jumps to a classic instruction */
};

static void
emit(struct writer *w, unsigned int code, unsigned int dst, unsigned int src, uint32_t k)
{
	w->out[w->n++] = (struct ebpf_insn){ .code = (uint8_t)code,
		                             .dst_reg = (uint8_t)(dst & 15),
		                             .src_reg = (uint8_t)(src & 15),
		                             .imm = (int32_t)k };
}

static void
move(struct writer *w, unsigned int dst, unsigned int src)
{
	emit(w, EBPF_ALU64 | EBPF_MOV | BPF_X, dst, src, 0);
}

static void
set(struct writer *w, unsigned int dst, uint32_t k)
{
	emit(w, BPF_ALU | EBPF_MOV | BPF_K, dst, 0, k);
}

/* Bytes below the frame's end where word k of the scratch memory lies. */
static int16_t
scratch(uint32_t k)
{
	return (int16_t)(-(int)(4 * (MEMORY - (k % MEMORY))));
}

static void
at_offset(struct writer *w, int16_t off)
{
	w->out[w->n - 1].off = off;
}

/* Jumps carry the classic target in off until all places are known. */
static void
jump(struct writer *w, unsigned int code, unsigned int src, uint32_t k, unsigned int to)
{
	emit(w, BPF_JMP | code | (src != 0 ? BPF_X : BPF_K), A, src, k);
	at_offset(w, (int16_t)to);
	w->is_aimed[w->n - 1] = true;
}

static void
put_length(struct writer *w, unsigned int dst)
{
	emit(w, BPF_LDX | BPF_MEM | BPF_W, dst, PACKET, 0);
	at_offset(w, (int16_t)offsetof(struct rte_mbuf, pkt_len));
}

static int
put_load(struct writer *w, const struct convert_insn *i, bool keep)
{
	const unsigned int to = BPF_CLASS(i->code) == BPF_LD ? A : X;

	switch (BPF_MODE(i->code)) {
	case BPF_IMM:
		set(w, to, i->k);
		return 0;
	case BPF_MEM:
		emit(w, BPF_LDX | BPF_MEM | BPF_W, to, EBPF_REG_10, 0);
		at_offset(w, scratch(i->k));
		return 0;
	case BPF_LEN:
		put_length(w, to);
		return 0;
	case BPF_ABS:
	case BPF_IND:
		if (to == X || (int32_t)i->k < 0)
			return -ENOTSUP;
		emit(w, i->code, A, BPF_MODE(i->code) == BPF_IND ? X : 0, i->k);
		return 0;
	case BPF_MSH: /* X = 4 * (byte k & 15), the length of an IPv4 header */
		if ((int32_t)i->k < 0)
			return -ENOTSUP;
		if (keep)
			move(w, KEPT, A);
		emit(w, BPF_LD | BPF_ABS | BPF_B, A, 0, i->k);
		emit(w, BPF_ALU | BPF_AND | BPF_K, A, 0, 15);
		emit(w, BPF_ALU | BPF_LSH | BPF_K, A, 0, 2);
		move(w, X, A);
		if (keep) {
			move(w, A, KEPT);
			set(w, KEPT, 0);
		}
		return 0;
	default:
		return -ENOTSUP;
	}
}

static int
put_jump(struct writer *w, const struct convert_insn *i, unsigned int at)
{
	const unsigned int op = BPF_OP(i->code), src = BPF_SRC(i->code) == BPF_X ? X : 0;
	const unsigned int yes = at + 1 + i->jt, no = at + 1 + i->jf;
	unsigned int with = src;
	uint32_t k = i->k;

	if (op == BPF_JA) {
		jump(w, BPF_JA, 0, 0, at + 1 + i->k);
		return 0;
	}
	if (yes == no) {
		jump(w, BPF_JA, 0, 0, yes);
		return 0;
	}
	/*
	 * Constants are extended by their sign there, and are unsigned here; and the
	 * machine code that DPDK 22.11 writes for a test of bits by a constant below
	 * 128 is none.
	 */
	if (src == 0 && ((int32_t)k < 0 || op == BPF_JSET)) {
		set(w, K, k);
		with = K;
	}
	k = with != 0 ? 0 : k;
	if (yes == at + 1 && op != BPF_JSET) {
		const unsigned int inverse = op == BPF_JEQ   ? EBPF_JNE
		                             : op == BPF_JGT ? EBPF_JLE
		                                             : EBPF_JLT;

		jump(w, inverse, with, k, no);
		return 0;
	}
	jump(w, op, with, k, yes);
	if (no != at + 1)
		jump(w, BPF_JA, 0, 0, no);
	return 0;
}

/* Shifted by 32 or more nothing is left; the processor would shift by that modulo 32. */
static void
put_sum(struct writer *w, const struct convert_insn *i)
{
	const bool is_shift = BPF_OP(i->code) == BPF_LSH || BPF_OP(i->code) == BPF_RSH;
	const bool has_x = BPF_SRC(i->code) == BPF_X;

	if (is_shift && !has_x && i->k > 31) {
		set(w, A, 0);
		return;
	}
	if (is_shift && has_x) {
		emit(w, BPF_JMP | EBPF_JLT | BPF_K, X, 0, 32);
		at_offset(w, 1);
		set(w, A, 0);
	}
	emit(w, i->code, A, has_x ? X : 0, has_x ? 0 : i->k);
}

static int
put_one(struct writer *w, const struct convert_insn *i, unsigned int at)
{
	switch (BPF_CLASS(i->code)) {
	case BPF_LD:
	case BPF_LDX:
		return put_load(w, i, (w->live[at + 1] & LIVE_A) != 0);
	case BPF_ST:
	case BPF_STX:
		emit(w, BPF_STX | BPF_MEM | BPF_W, EBPF_REG_10,
		     BPF_CLASS(i->code) == BPF_ST ? A : X, 0);
		at_offset(w, scratch(i->k));
		return 0;
	case BPF_ALU:
		put_sum(w, i);
		return 0;
	case BPF_JMP:
		return put_jump(w, i, at);
	case BPF_RET:
		if ((i->code & 0x18) == BPF_K)
			set(w, A, i->k);
		emit(w, BPF_JMP | EBPF_EXIT, 0, 0, 0);
		return 0;
	default: /* BPF_MISC: tax is 0, txa is 0x80 */
		if (i->code & 0x80)
			move(w, A, X);
		else
			move(w, X, A);
		return 0;
	}
}

/* Whether all jumps lead forward to an instruction there is. */
static bool
is_sound(const struct convert_insn *from, unsigned int n)
{
	for (unsigned int at = 0; at < n; at++) {
		const struct convert_insn *i = &from[at];
		const unsigned int left = n - at - 1; /* instructions behind this one */

		if (BPF_CLASS(i->code) == BPF_RET)
			continue;
		if (left == 0)
			return false;
		if (BPF_CLASS(i->code) != BPF_JMP)
			continue;
		if (BPF_OP(i->code) == BPF_JA ? i->k >= left
		                              : i->jt >= left || i->jf >= left)
			return false;
	}
	return n > 0;
}

static unsigned int
reads(const struct convert_insn *i)
{
	const unsigned int x = BPF_SRC(i->code) == BPF_X ? LIVE_X : 0;

	switch (BPF_CLASS(i->code)) {
	case BPF_LD:
		return BPF_MODE(i->code) == BPF_IND ? LIVE_X : 0;
	case BPF_ST:
		return LIVE_A;
	case BPF_STX:
		return LIVE_X;
	case BPF_ALU:
		return LIVE_A | x;
	case BPF_JMP:
		return BPF_OP(i->code) == BPF_JA ? 0 : LIVE_A | x;
	case BPF_RET:
		return (i->code & 0x18) == BPF_K ? 0 : LIVE_A;
	case BPF_MISC:
		return i->code & 0x80 ? LIVE_X : LIVE_A;
	default:
		return 0;
	}
}

static unsigned int
writes(const struct convert_insn *i)
{
	switch (BPF_CLASS(i->code)) {
	case BPF_LD:
	case BPF_ALU:
		return LIVE_A;
	case BPF_LDX:
		return LIVE_X;
	case BPF_MISC:
		return i->code & 0x80 ? LIVE_A : LIVE_X;
	default:
		return 0;
	}
}

/* Jumps lead forward, so one walk from the end tells it. */
static void
find_live(struct writer *w, const struct convert_insn *from, unsigned int n)
{
	for (unsigned int at = n; at-- > 0;) {
		const struct convert_insn *i = &from[at];
		unsigned int after = 0, next[2] = { at + 1, at + 1 };

		if (BPF_CLASS(i->code) == BPF_JMP) {
			const bool is_ja = BPF_OP(i->code) == BPF_JA;

			next[0] += is_ja ? i->k : i->jt;
			next[1] += is_ja ? i->k : i->jf;
		}
		if (BPF_CLASS(i->code) != BPF_RET)
			after = w->live[next[0]] | w->live[next[1]];
		w->live[at] = (uint8_t)((after & ~writes(i)) | reads(i));
		for (unsigned int k = 0; k < 2; k++)
			w->was_live_x[next[k]] |=
				((after | writes(i) | reads(i)) & LIVE_X) != 0;
	}
}

static void
aim_jumps(struct writer *w)
{
	for (unsigned int i = 0; i < w->n; i++) {
		struct ebpf_insn *e = &w->out[i];

		if (w->is_aimed[i])
			e->off = (int16_t)(w->start[e->off] - i - 1);
	}
}

int
convert_classic(const struct convert_insn *from, unsigned int n, struct ebpf_insn **out)
{
	struct writer *w;
	int status = 0;

	if (n > CONVERT_MAX)
		return -E2BIG;
	if (!is_sound(from, n))
		return -ENOTSUP;
	w = calloc(1, sizeof(*w));
	if (w != NULL)
		w->out = calloc(n * WIDEST + PROLOGUE, sizeof(*w->out));
	if (w == NULL || w->out == NULL) {
		free(w);
		return -ENOMEM;
	}
	find_live(w, from, n);
	move(w, PACKET, EBPF_REG_1);
	set(w, A, 0);
	set(w, X, 0);
	set(w, KEPT, 0);
	for (unsigned int at = 0; at < n && status == 0; at++) {
		w->start[at] = (uint16_t)w->n;
		if (w->was_live_x[at] && !(w->live[at] & LIVE_X) &&
		    !(writes(&from[at]) & LIVE_X))
			set(w, X, 0);
		status = put_one(w, &from[at], at);
	}
	if (status == 0) {
		aim_jumps(w);
		status = (int)w->n;
		*out = w->out;
	} else {
		free(w->out);
	}
	free(w);
	return status;
}
