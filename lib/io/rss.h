/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rss - what a device can do that both directions of a flow meet one worker.
 *
 * A Toeplitz key with a period of 16 bits gives the same hash when source and
 * destination are swapped, because each input bit then meets the same key bits
 * at both places; spreading by addresses alone also keeps all fragments
 * together. Both ports of a link get the same key, the same table and the same
 * number of queues, so worker i polls queue i of both.
 *
 * The hash and the table are also computed here: for the few packets that the
 * device cannot know to belong elsewhere (see spread.h), and for the tests.
 *
 * Source  S. Woo, K. Park: Scalable TCP Session Monitoring with Symmetric
 *         Receive-side Scaling (2012). Microsoft: Introduction to Receive Side
 *         Scaling, Verifying the RSS Hash Calculation.
 * Threads control side; rss_hash() and rss_queue() any.
 */
#ifndef IO_RSS_H
#define IO_RSS_H

#include <stdbool.h>
#include <stdint.h>

struct port;
struct port_ask;
struct rte_eth_conf;
struct rte_eth_dev_info;

/* The longest input is two IPv6 addresses and two ports. */
#define RSS_INPUT_MAX 36
#define RSS_KEY_MAX   64 /* bytes; a hash of RSS_INPUT_MAX bytes reads the first 40 */

/* The key that every device gets, RSS_KEY_MAX bytes of which it takes as many as it has. */
const uint8_t *rss_key(void);

/*
 * Toeplitz hash of `len` bytes in wire order: addresses, then ports if any. `len`
 * is a multiple of 4, at most RSS_INPUT_MAX; `key` has len + 4 bytes at least.
 */
uint32_t rss_hash(const uint8_t *key, const void *input, unsigned int len);

/* Queue that a device with a table of `reta_size` entries, a power of two, gives a hash. */
static inline unsigned int
rss_queue(uint32_t hash, unsigned int reta_size, unsigned int queues)
{
	return (hash & (reta_size - 1)) % queues;
}

/*
 * Fill the spread into conf, before the device is configured, and say in `p` what
 * it is worth: rx_queues is lowered to 1 when the device cannot use more.
 */
void rss_choose(struct port *p, const struct rte_eth_dev_info *info,
                const struct port_ask *ask, struct rte_eth_conf *conf);

/* Give the started device the same table as its other end. */
void rss_spread(const struct port *p);

/* Whether a flow meets the same queue at both ports, whatever its direction. */
bool rss_agree(const struct port *a, const struct port *b);

/* What was chosen, for the log. */
const char *rss_sentence(const struct port *p);

#endif
