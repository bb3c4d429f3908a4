/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/expression.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bpf.h>

#include "filter/classic.h"
#include "filter/convert.h"
#include "filter/words.h"
#include "packet/burst.h"

#define IPV6_HEADER 40

struct program {
	struct rte_bpf *bpf;
	uint64_t (*native)(void *packet); /* NULL: it is interpreted */
};

struct filter_expression {
	/* The same twice where the text means the same; bpf NULL: it never holds. */
	struct program ipv4, ipv6;
};

/* --- making ------------------------------------------------------------------ */

static int
too_much(char *error, size_t room)
{
	snprintf(error, room,
	         "the expression becomes more than %d instructions: write several of a "
	         "few conditions each, or addresses and ports as 'match'",
	         CONVERT_MAX);
	return -EINVAL;
}

/* Machine code from `n` classic instructions. */
static int
load(const struct convert_insn *classic, unsigned int n, struct program *to, char *error,
     size_t room)
{
	struct rte_bpf_prm prm = {
		.prog_arg = { .type = RTE_BPF_ARG_PTR_MBUF,
		              .size = sizeof(struct rte_mbuf),
		              .buf_size = RTE_MBUF_DEFAULT_BUF_SIZE },
	};
	struct ebpf_insn *insn = NULL;
	struct rte_bpf_jit jit;
	int count;

	if (n > CONVERT_MAX)
		return too_much(error, room);
	count = convert_classic(classic, n, &insn);
	if (count == -ENOTSUP)
		snprintf(error, room, "the expression reads bytes that no packet has");
	if (count < 0)
		return count == -ENOTSUP ? -EINVAL : count;
	prm.ins = insn;
	prm.nb_ins = (uint32_t)count;
	to->bpf = rte_bpf_load(&prm);
	free(insn);
	if (to->bpf == NULL) {
		snprintf(error, room, "the expression cannot become machine code");
		return -EINVAL;
	}
	if (rte_bpf_get_jit(to->bpf, &jit) == 0)
		to->native = jit.func;
	return 0;
}

/*
 * One family's program from its text, or from the words themselves; *is_never where it
 * can hold for no packet.
 */
static int
make_one(const struct filter_words *words, const char *text, struct program *to,
         bool *is_never, char *error, size_t room)
{
	struct convert_insn *classic = NULL;
	int n = text == NULL ? classic_compile(words, &classic, error, room)
	                     : classic_compile_text(text, &classic, error, room);

	*is_never = n == -EINVAL && strstr(error, "rejects all packets") != NULL;
	if (n < 0)
		return n;
	n = load(classic, (unsigned int)n, to, error, room);
	free(classic);
	return n;
}

static int
make(const struct filter_words *words, struct filter_expression *e, char *error,
     size_t room)
{
	char ipv6[FILTER_WRITTEN];
	bool is_never;
	int status = make_one(words, NULL, &e->ipv4, &is_never, error, room);

	if (!words->has_read) {
		e->ipv6 = e->ipv4;
		return status;
	}
	if (status != 0 && !is_never)
		return status;
	if (filter_words_ipv6(words, ipv6, sizeof(ipv6)) != 0)
		return too_much(error, room);
	/* What is about one family beside the payload never holds for the other. */
	status = make_one(words, ipv6, &e->ipv6, &is_never, error, room);
	return is_never && e->ipv4.bpf != NULL ? 0 : status;
}

int
filter_expression_make(const char *text, struct filter_expression **out, char *error,
                       size_t room)
{
	struct filter_expression *e;
	struct filter_words *words;
	int status;

	if (strlen(text) > FILTER_TEXT_MAX) {
		snprintf(error, room, "an expression has at most %d characters",
		         FILTER_TEXT_MAX);
		return -EINVAL;
	}
	e = calloc(1, sizeof(*e));
	words = malloc(sizeof(*words));
	status = e == NULL || words == NULL ? -ENOMEM : 0;
	if (status != 0)
		snprintf(error, room, "no memory for an expression");
	else
		status = filter_words(text, words, error, room);
	if (status == 0)
		status = make(words, e, error, room);
	free(words);
	if (status != 0) {
		filter_expression_free(e);
		return status;
	}
	*out = e;
	return 0;
}

void
filter_expression_free(struct filter_expression *e)
{
	if (e == NULL)
		return;
	if (e->ipv6.bpf != e->ipv4.bpf) /* NULL is none */
		rte_bpf_destroy(e->ipv6.bpf);
	rte_bpf_destroy(e->ipv4.bpf);
	free(e);
}

bool
filter_expression_is_native(const struct filter_expression *e)
{
	return (e->ipv4.native != NULL || e->ipv4.bpf == NULL) &&
	       (e->ipv6.native != NULL || e->ipv6.bpf == NULL);
}

/* --- matching ----------------------------------------------------------------- */

/* A packet as the machine sees it: an mbuf whose data begins with the IP header. */
struct sight {
	struct rte_mbuf first, payload, more;
	uint8_t header[IPV6_HEADER];
};

static inline void
point(struct rte_mbuf *m, const uint8_t *at, uint32_t len, struct rte_mbuf *next)
{
	m->buf_addr = (void *)(uintptr_t)at;
	m->data_off = 0;
	m->data_len = (uint16_t)len;
	m->next = next;
}

/* Bytes of the datagram as its header says, without the padding of the link. */
static inline uint32_t
datagram(const uint8_t *ip, bool is_ipv6, uint32_t in_frame)
{
	const uint32_t says = is_ipv6 ? IPV6_HEADER + ((uint32_t)ip[4] << 8 | ip[5])
	                              : ((uint32_t)ip[2] << 8 | ip[3]);

	/* A jumbogram says 0, and what says more than there is ends with the frame. */
	if (says > in_frame || (is_ipv6 && says == IPV6_HEADER))
		return in_frame;
	return says;
}

/*
 * Let what lies in further segments, from byte `from` of the frame on, follow `last`.
 * Returns false when it is not here at all (a capture that was cut).
 */
static bool
go_on(struct sight *s, struct rte_mbuf *last, const struct rte_mbuf *m,
      const struct facts *f, uint32_t from)
{
	if (m == NULL || m->pkt_len < f->frame_len)
		return false;
	while (m != NULL && from >= m->data_len) {
		from -= m->data_len;
		m = m->next;
	}
	if (m == NULL)
		return false;
	point(&s->more, rte_pktmbuf_mtod(m, const uint8_t *) + from, m->data_len - from,
	      m->next);
	last->next = &s->more;
	return true;
}

/*
 * An IPv6 packet as if it had no extension headers, so that nobody walks past a port
 * by putting one in front: its fixed header tells the payload's protocol and length.
 */
static bool
look_through(struct sight *s, const struct burst *b, unsigned int i, uint32_t whole)
{
	const struct facts *f = &b->facts[i];
	const uint32_t readable = b->bytes_len[i];
	const uint32_t before = (uint32_t)f->l4_off - f->l3_off;
	uint32_t payload, here;

	if (readable < f->l4_off || whole < before)
		return false;
	payload = whole - before;
	here = readable - f->l4_off;
	memcpy(s->header, b->bytes[i] + f->l3_off, IPV6_HEADER);
	s->header[4] = (uint8_t)(payload >> 8);
	s->header[5] = (uint8_t)payload;
	s->header[6] = f->proto;
	point(&s->first, s->header, IPV6_HEADER, &s->payload);
	point(&s->payload, b->bytes[i] + f->l4_off, payload < here ? payload : here,
	      NULL);
	if (payload > here && !go_on(s, &s->payload, b->mbuf[i], f, readable))
		payload = here;
	s->first.pkt_len = IPV6_HEADER + payload;
	return true;
}

/* Returns false when not even the fixed header can be read. */
static inline bool
look(struct sight *s, const struct burst *b, unsigned int i)
{
	const struct facts *f = &b->facts[i];
	const uint8_t *ip = b->bytes[i] + f->l3_off;
	const bool is_ipv6 = (f->flags & FACT_IPV6) != 0;
	const uint32_t readable = b->bytes_len[i];
	uint32_t whole, here;

	if (readable < (uint32_t)f->l3_off + (is_ipv6 ? IPV6_HEADER : 20))
		return false;
	whole = datagram(ip, is_ipv6, (uint32_t)f->frame_len - f->l3_off);
	if (is_ipv6 && f->l4_off > f->l3_off + IPV6_HEADER &&
	    look_through(s, b, i, whole))
		return true;
	here = readable - f->l3_off;
	point(&s->first, ip, whole < here ? whole : here, NULL);
	s->first.pkt_len = whole;
	if (whole <= here)
		return true;
	if (!go_on(s, &s->first, b->mbuf[i], f, readable))
		s->first.pkt_len = here;
	return true;
}

static inline uint64_t
run(const struct program *p, struct sight *s)
{
	return p->native != NULL ? p->native(&s->first) : rte_bpf_exec(p->bpf, &s->first);
}

uint64_t
filter_expression_match(const struct filter_expression *e, const struct burst *b,
                        uint64_t lanes)
{
	struct sight s;
	uint64_t found = 0;
	unsigned int i;

	LANES_FOREACH (i, e->ipv4.bpf != NULL ? lanes & b->ipv4 : 0)
		if (look(&s, b, i) && run(&e->ipv4, &s) != 0)
			found |= lane_bit(i);
	LANES_FOREACH (i, e->ipv6.bpf != NULL ? lanes & b->ipv6 : 0)
		if (look(&s, b, i) && run(&e->ipv6, &s) != 0)
			found |= lane_bit(i);
	return found;
}
