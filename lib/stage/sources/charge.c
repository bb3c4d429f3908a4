/* SPDX-License-Identifier: BSD-3-Clause */
#include "stage/sources/charge.h"

#define LENT_MOST (UINT32_C(1) << 30)

/* Lots that may be lent of this meter's burst, in packets. */
static uint64_t
share_of(const struct meter_rate *rate)
{
	const uint64_t price = meter_price(rate, CREDIT_BYTES);

	return price == 0 ? LENT_MOST : rate->slack / CREDIT_SHARE / price;
}

void
charge_prepare(struct sources_params *p)
{
	uint64_t packets = share_of(&p->rate[SOURCE_VERIFIED_PACKETS]);
	uint64_t bits = share_of(&p->rate[SOURCE_VERIFIED_BITS]);
	uint64_t least = packets < bits ? packets : bits;

	p->lent_most = (uint32_t)(least < LENT_MOST ? least : LENT_MOST);
	for (unsigned int m = 0; m < 2; m++)
		p->crowd_most[m] = p->rate[SOURCE_PACKETS + m].slack / 2;
}

static inline void
pay(struct source *source, enum source_meter m, uint64_t price, uint64_t now)
{
	meter_take(sources_meter(source, m), price, UINT64_MAX, now);
}

enum source_meter
charge_stranger(struct source *source, const struct sources_params *p, uint32_t bytes,
                uint64_t now)
{
	for (enum source_meter m = SOURCE_PACKETS; m <= SOURCE_BITS; m++)
		if (sources_is_over(source, p, m, now))
			return m;
	for (enum source_meter m = SOURCE_PACKETS; m <= SOURCE_BITS; m++)
		pay(source, m, meter_price(&p->rate[m], bytes), now);
	return SOURCE_METERS;
}

static inline void
refund(struct source *source, const struct meter_rate *rate, enum source_meter m)
{
	const uint64_t price =
		meter_price_all(rate, source->key.back_packets, source->key.back_bytes);
	uint64_t *paid = &source->meter[m];

	*paid -= price < *paid ? price : *paid;
}

/* What flows of this source have returned goes back to its meters. */
static void
take_back(struct source *source, const struct sources_params *p)
{
	if (source->key.back_packets == 0 && source->key.back_bytes == 0)
		return;
	refund(source, &p->rate[SOURCE_VERIFIED_PACKETS], SOURCE_VERIFIED_PACKETS);
	refund(source, &p->rate[SOURCE_VERIFIED_BITS], SOURCE_VERIFIED_BITS);
	source->key.back_packets = source->key.back_bytes = 0;
}

/* How far ahead the meter may be: its burst, and what is lent and may be unspent. */
static inline bool
is_spent(struct source *source, const struct sources_params *p, enum source_meter m,
         uint64_t now)
{
	const struct meter_rate *rate = &p->rate[m];
	const uint64_t lent = meter_price_all(rate, source->key.lent,
	                                      (uint64_t)source->key.lent * CREDIT_BYTES);

	return meter_ahead(sources_meter(source, m), now) > rate->slack &&
	       meter_ahead(sources_meter(source, m), now) - rate->slack > lent;
}

/* Whether the meter has room for so many packets more without borrowing. */
static inline bool
has_room(struct source *source, const struct sources_params *p, enum source_meter m,
         uint32_t packets, uint64_t now)
{
	const struct meter_rate *rate = &p->rate[m];
	const uint64_t price = meter_price_all(rate, packets, packets * CREDIT_BYTES);

	return price == 0 ||
	       meter_ahead(sources_meter(source, m), now) + price <= rate->slack;
}

/* Sell the flow its next lot, if its source may still lend so much. */
static void
sell(struct source *source, struct credit *credit, const struct sources_params *p,
     uint64_t now)
{
	const unsigned int lot = credit_next_lot(credit);
	const uint32_t extra = lot - 1;

	if (source->key.lent > p->lent_most || extra > p->lent_most - source->key.lent ||
	    !has_room(source, p, SOURCE_VERIFIED_PACKETS, extra, now) ||
	    !has_room(source, p, SOURCE_VERIFIED_BITS, extra, now)) {
		credit_fill(credit, 1);
		return;
	}
	for (enum source_meter m = SOURCE_VERIFIED_PACKETS; m <= SOURCE_VERIFIED_BITS;
	     m++)
		pay(source, m, meter_price_all(&p->rate[m], extra, extra * CREDIT_BYTES),
		    now);
	source->key.lent += extra;
	credit_fill(credit, lot);
}

enum source_meter
charge_flow(struct source *source, struct credit *credit, const struct sources_params *p,
            uint32_t bytes, uint64_t now)
{
	if (credit != NULL) {
		source_settle(source, credit);
		credit_spent(credit);
	}
	take_back(source, p);
	for (enum source_meter m = SOURCE_VERIFIED_PACKETS; m <= SOURCE_VERIFIED_BITS;
	     m++)
		if (is_spent(source, p, m, now)) {
			if (credit != NULL)
				credit_fill(credit, 1);
			return m;
		}
	for (enum source_meter m = SOURCE_VERIFIED_PACKETS; m <= SOURCE_VERIFIED_BITS;
	     m++)
		pay(source, m, meter_price(&p->rate[m], bytes), now);
	if (credit != NULL)
		sell(source, credit, p, now);
	return SOURCE_METERS;
}
