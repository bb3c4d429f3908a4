/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * credit - what a verified flow has prepaid, so that it need not visit its source.
 *
 * The limits of a customer belong to the source, but to read the source for every
 * packet of every flow costs three cache lines. So a flow buys wholesale: when a
 * packet of it is charged, the source may sell it a lot of packets on top, which
 * the flow then spends without asking. Lots are of 4, 16 and CREDIT_LOT packets,
 * so that short flows hold little. The flow comes back when its lot is spent, when
 * `until` has passed (so that the source stays verified) or when somebody was
 * blocked since (`epoch`): a block meets all flows of its source at once.
 *
 *   sold     the source's meters pay for the lot at once, and `lent` counts it
 *   spent    nothing but the flow's own record is touched
 *   settled  with the next purchase, or when the flow is closed, forgotten or
 *            unproven: what is left is paid back to the meters, `lent` falls
 *
 * Bounds, for a limit of rate r and burst b. `lent` never passes b / CREDIT_SHARE.
 *   - Nobody is refused whom exact counting would let pass: the meters are ahead
 *     of exact ones by at most what is lent, and a packet is refused only when
 *     its meter is ahead by more than b and what is lent.
 *   - In any time t at most r t + b + 2 b / CREDIT_SHARE is let through: what was
 *     lent before may be spent within it, and what is lent may be borrowed on.
 * A limit too small for a lot sells none and is counted packet by packet.
 *
 * The record of a flow keeps its credit in the spare bytes of its key.
 *
 * Units   packets; each lot carries CREDIT_BYTES for each of them, and is spent
 *         when either is. `until` counts TABLE_TICK_NS.
 * Threads one worker.
 */
#ifndef FLOW_CREDIT_H
#define FLOW_CREDIT_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define CREDIT_LOT   32u   /* packets of the largest lot, with the one that buys it */
#define CREDIT_BYTES 1518u /* per packet of a lot */
#define CREDIT_SHARE 16u   /* of a burst may be lent at a time */
#define CREDIT_TICKS 512u  /* a lot lasts no longer: 69 s */

struct credit {
	uint8_t left;   /* packets in the lower 5 bits; size of the lot above them */
	uint8_t epoch;  /* of the sources, when it was stamped */
	uint16_t bytes; /* left */
	uint16_t until; /* table_tick() it lasts to, inclusive */
};

#define CREDIT_LEFT 0x1f
#define CREDIT_SIZE 5 /* shift: 0 never bought, k + 1 for a lot of 2^k packets */
static_assert(CREDIT_LOT == CREDIT_LEFT + 1, "what is left after one packet fits");
static_assert(CREDIT_LEFT * CREDIT_BYTES <= UINT16_MAX, "and its bytes as well");

/* Packets of the lot in hand, with the one that bought it; 0: never bought. */
static inline unsigned int
credit_lot(const struct credit *c)
{
	return (1u << (c->left >> CREDIT_SIZE)) >> 1;
}

static inline unsigned int
credit_left(const struct credit *c)
{
	return c->left & CREDIT_LEFT;
}

/* The lot that is due after the one in hand: a flow that lives gets larger ones. */
static inline unsigned int
credit_next_lot(const struct credit *c)
{
	const unsigned int last = credit_lot(c);

	return last >= CREDIT_LOT / 2   ? CREDIT_LOT
	       : last >= CREDIT_LOT / 8 ? CREDIT_LOT / 2
	                                : CREDIT_LOT / 8;
}

/* Whether the source was seen lately and nobody was blocked since. */
static inline bool
credit_is_fresh(const struct credit *c, uint8_t epoch, uint16_t tick)
{
	return c->epoch == epoch && (int16_t)(c->until - tick) >= 0;
}

/* Whether the lot pays for a packet of so many bytes. */
static inline bool
credit_covers(const struct credit *c, uint16_t bytes)
{
	return credit_left(c) != 0 && c->bytes >= bytes;
}

/* Spend one packet of a fresh lot; false: the source must be asked. */
static inline bool
credit_spend(struct credit *c, uint16_t bytes, uint8_t epoch, uint16_t tick)
{
	if (!credit_is_fresh(c, epoch, tick) || !credit_covers(c, bytes))
		return false;
	c->left--;
	c->bytes = (uint16_t)(c->bytes - bytes);
	return true;
}

/*
 * Whether the next packet will need the source. Where nothing was ever bought
 * although the source was seen, nobody charges (a policy that learns).
 */
static inline bool
credit_needs_source(const struct credit *c, uint16_t bytes, uint8_t epoch, uint16_t tick)
{
	return !credit_is_fresh(c, epoch, tick) ||
	       (credit_lot(c) != 0 && !credit_covers(c, bytes));
}

/* The source was seen: what is in hand lasts `ticks` from now (up to CREDIT_TICKS). */
static inline void
credit_stamp(struct credit *c, uint8_t epoch, uint16_t tick, unsigned int ticks)
{
	c->epoch = epoch;
	c->until = (uint16_t)(tick + ticks);
}

/* Nothing is left of the lot; its size is remembered. */
static inline void
credit_spent(struct credit *c)
{
	c->left &= (uint8_t)~CREDIT_LEFT;
	c->bytes = 0;
}

/* A lot of `packets` (a power of two, 1..CREDIT_LOT) of which the first is spent already. */
static inline void
credit_fill(struct credit *c, unsigned int packets)
{
	const unsigned int size = (unsigned int)__builtin_ctz(packets) + 1;

	c->left = (uint8_t)(size << CREDIT_SIZE | (packets - 1));
	c->bytes = (uint16_t)((packets - 1) * CREDIT_BYTES);
}

#endif
