/* SPDX-License-Identifier: BSD-3-Clause */
#include "meter/watch.h"

#include <errno.h>
#include <stddef.h>

#include "base/memory.h"

static size_t
bytes_of(unsigned int services)
{
	return (size_t)services * VECTOR_SLOTS * sizeof(struct watch_cell);
}

int
watch_open(struct watch *w, unsigned int services)
{
	struct watch_cell *cell = memory_take(bytes_of(services));

	if (cell == NULL)
		return -ENOMEM;
	*w = (struct watch){ .services = services, .cell = cell };
	return 0;
}

void
watch_close(struct watch *w)
{
	memory_give(w->cell, bytes_of(w->services));
	*w = (struct watch){ 0 };
}

static void
arm(struct watch_cell *c, uint64_t now_ns)
{
	if (watch_is_armed(c))
		return;
	counter_set(&c->surge_armed_ns, c->surge_ns);
	counter_set(&c->armed_ns, now_ns);
}

/*
 * The burst crosses the border of the meter. All its packets come at one moment,
 * so the first that is refused is followed by refused ones only.
 */
static uint64_t
cross(struct watch_cell *c, const struct watch_rule *rule, uint64_t lanes,
      const uint16_t *frame_len, uint64_t now)
{
	uint64_t taken = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		if (!meter_take(&c->activate,
		                watch_price(c, &rule->activate_rate, frame_len[i]),
		                rule->activate_rate.slack, now))
			break;
		taken |= lane_bit(i);
	}
	return taken;
}

uint64_t
watch_arrive(struct watch_cell *c, const struct watch_rule *rule, uint64_t lanes,
             const uint16_t frame_len[LANES_MAX], uint64_t now_ns)
{
	const struct meter_rate *rate = &rule->activate_rate;
	const uint64_t now = meter_ticks(now_ns), packets = lanes_count(lanes);
	const uint64_t bytes = lanes_sum16(frame_len, lanes);
	uint64_t ahead = meter_ahead(&c->activate, now), price, taken;

	counter_add(&c->packets, packets);
	counter_add(&c->bytes, bytes);
	if (rule->activate.per_second == 0)
		return 0;
	if (ahead == 0)
		counter_set(&c->surge_ns, now_ns);
	price = watch_share(c, meter_price_all(rate, packets, bytes));
	if (ahead <= rate->slack && price <= rate->slack - ahead) {
		c->activate.paid_until = now + ahead + price;
		return watch_is_armed(c) ? lanes : 0;
	}
	taken = cross(c, rule, lanes, frame_len, now);
	if (taken == lanes || watch_is_armed(c))
		return watch_is_armed(c) ? lanes : 0;
	arm(c, now_ns);
	return lanes & ~taken;
}
