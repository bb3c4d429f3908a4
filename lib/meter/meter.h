/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * meter - rate limiter that costs eight bytes per limited key.
 *
 * The Generic Cell Rate Algorithm in its virtual-scheduling form (ITU-T I.371).
 * No tokens are topped up: a key remembers only until when it has paid for what
 * it already sent. A packet pays `each` ticks plus `per_byte` ticks a byte; it
 * may pay at most `slack` into the future, which is the burst.
 *
 *     now          paid_until        now + slack
 *      |---------------|-----------------|-------> ticks
 *      '-- already used'---- still free -'
 *
 * Units   a tick is 1/64 ns: at most 0.8 % off at 1e9 packets/s, 0.001 % at 1e6,
 *         and 64 bits of it last nine years of uptime. A byte of a bit rate
 *         above 5 Gbit/s costs less than 102 ticks, so per_byte carries 8
 *         fraction bits more; a packet's price is cut to a whole tick, which lets
 *         60-byte packets pass 2.4 % too fast at 1 Tbit/s, and 0.03 % at 10 Gbit/s.
 * Threads none: a meter belongs to one worker. No locks, no atomics.
 */
#ifndef METER_METER_H
#define METER_METER_H

#include <stdbool.h>
#include <stdint.h>

#define METER_TICKS_PER_NS UINT64_C(64)
#define METER_BYTE_SHIFT   8
#define METER_MAX_PPS      UINT64_C(1000000000)
#define METER_MAX_BITS     UINT64_C(1000000000000)

/* What a rate counts. */
enum meter_unit { METER_PACKETS, METER_BITS };

/* A rate as configured. per_second == 0 means "no limit". */
struct meter_limit {
	uint64_t per_second; /* packets, connections, requests or bits */
	enum meter_unit unit;
};

/* The price list, shared by all keys of one policy; read-only while running. */
struct meter_rate {
	uint64_t each;     /* ticks one packet pays */
	uint64_t per_byte; /* ticks one byte pays, << METER_BYTE_SHIFT */
	uint64_t slack;    /* ticks a key may pay ahead */
};

/* One key. Zero is a valid, full meter, so tables need no init pass. */
struct meter {
	uint64_t paid_until; /* ticks */
};

/*
 * Fill a price list from a limit and a burst of `burst_ns` worth of the rate,
 * but never less than `least` packets (of 1,500 bytes where bits are metered).
 * A limit of 0 gives a price list that lets everything pass. Returns 0, or
 * -ERANGE when the limit is above METER_MAX_PPS or METER_MAX_BITS, burst_ns above
 * one hour, or the burst worth more than two years of the rate; rate is untouched
 * then. An idle key sends exactly its burst at once.
 */
int meter_rate_init(struct meter_rate *rate, const struct meter_limit *limit,
                    uint64_t burst_ns, unsigned int least);

static inline uint64_t
meter_ticks(uint64_t ns)
{
	return ns * METER_TICKS_PER_NS;
}

/* Ticks that a packet of `bytes` pays. */
static inline uint64_t
meter_price(const struct meter_rate *rate, uint32_t bytes)
{
	return rate->each + ((rate->per_byte * bytes) >> METER_BYTE_SHIFT);
}

/* Ticks that so many packets of so many bytes together pay. */
static inline uint64_t
meter_price_all(const struct meter_rate *rate, uint64_t packets, uint64_t bytes)
{
	return rate->each * packets + ((rate->per_byte * bytes) >> METER_BYTE_SHIFT);
}

/* How far the key has paid ahead, in ticks: 0 is idle, above slack is over its rate. */
static inline uint64_t
meter_ahead(const struct meter *m, uint64_t now)
{
	return m->paid_until > now ? m->paid_until - now : 0;
}

/*
 * Charge `price` when the key may still send, i.e. has paid at most `slack`
 * ahead. Returns true and charges, or false and charges nothing.
 */
static inline bool
meter_take(struct meter *m, uint64_t price, uint64_t slack, uint64_t now)
{
	uint64_t from = m->paid_until > now ? m->paid_until : now;

	if (from - now > slack)
		return false;
	m->paid_until = from + price;
	return true;
}

#endif
