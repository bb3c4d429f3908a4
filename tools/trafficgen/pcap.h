/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pcap - classic capture files, written and read.
 *
 * The format is that of libpcap's savefiles (pcap-savefile(5)): a header of 24 bytes,
 * then 16 bytes before each packet. Both byte orders and both resolutions are read;
 * written is the little-endian order everywhere, so that the same seed gives the same
 * bytes.
 */
#ifndef TRAFFICGEN_PCAP_H
#define TRAFFICGEN_PCAP_H

#include <stdio.h>

#include "frame.h"

struct pcap {
	FILE *file;
	const char *path;
	uint64_t epoch_ns; /* what time 0 of the traffic is in the file */
	bool is_micro;
	bool is_swapped; /* big-endian file */
	bool has_first;  /* epoch_ns is known when reading */
	uint64_t packets;
};

/* Each returns 0, or -errno after complaining. path must outlive p. */
int pcap_create(struct pcap *p, const char *path, uint64_t epoch_ns, bool is_micro);
int pcap_write(struct pcap *p, const struct frame *f);
int pcap_open(struct pcap *p, const char *path);

/* Go back to the first packet. */
int pcap_rewind(struct pcap *p);

/*
 * Read the next packet; its time counts from the first. Returns 1, 0 at the end, -errno.
 */
int pcap_read(struct pcap *p, struct frame *f);

/* Returns 0, or -errno after complaining if what was written did not reach the disk. */
int pcap_close(struct pcap *p);

#endif
