/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rss - which worker gets which packet, as far as the device can help.
 *
 * Both directions of a flow must meet the same worker. A Toeplitz key with a
 * period of 16 bits gives the same hash when source and destination are
 * swapped; spreading by addresses alone also keeps all fragments together.
 *
 * Source  S. Woo, K. Park: Scalable TCP Session Monitoring with Symmetric
 *         Receive-side Scaling (2012).
 * Threads control side.
 */
#ifndef IO_RSS_H
#define IO_RSS_H

struct port;
struct port_ask;
struct rte_eth_conf;
struct rte_eth_dev_info;

/* Fill the spread into conf, before the device is configured. 0, or -errno with a sentence. */
int rss_choose(struct port *p, const struct rte_eth_dev_info *info,
               const struct port_ask *ask, struct rte_eth_conf *conf, char *why);

/* Give the started device the same table as its other end. */
void rss_spread(const struct port *p);

/* What was chosen, for the log. */
const char *rss_sentence(const struct port *p);

#endif
