/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/port_make.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "base/log.h"
#include "io/kernel.h"
#include "io/port.h"

/*
 * The kernel puts its header and padding before the frame and cuts what does
 * not fit (tpacket_rcv in net/packet/af_packet.c): 52 bytes of header and
 * address, then 16 for the link header, rounded to 16, less the 14 of Ethernet.
 */
#define PACKET_HEADER 66

/* A tag that the kernel took out of the frame is put back after the cut. */
#define PACKET_TAG 4

uint32_t
port_packet_frame(const struct port *p)
{
	uint32_t frame = 2048;

	/* A power of two, because the driver expects frames to fill blocks without a gap. */
	while (frame < p->longest + PACKET_HEADER + 2 * PACKET_TAG)
		frame *= 2;
	return frame;
}

int
port_make(struct port *p, const char *device, const char *args, char *why)
{
	char whole[END_NAME_MAX + 64];
	int failed;

	snprintf(whole, sizeof(whole), "%s%s%s", device, args[0] != '\0' ? "," : "",
	         args);
	failed = rte_dev_probe(whole);
	if (failed == 0) {
		p->is_made = true;
		if (device != p->device)
			snprintf(p->device, sizeof(p->device), "%s", device);
		failed = rte_eth_dev_get_port_by_name(device, &p->id);
	}
	if (failed != 0)
		return io_fail(why, failed, "\"%s\" cannot be made: %s", p->name,
		               rte_strerror(-failed));
	/* An AF_PACKET ring that the operator described cuts where its frames end. */
	if (strncmp(device, "net_af_packet", 13) == 0) {
		const char *size = strstr(args, "framesz=");
		uint32_t frame =
			size == NULL ? 2048 : (uint32_t)strtoul(size + 8, NULL, 10);

		p->cut_at = frame > PACKET_HEADER ? frame - PACKET_HEADER : 0;
		if (p->longest >= p->cut_at)
			log_warning("%s: frames of MTU %u do not fit into %u bytes and "
			            "will be "
			            "dropped; write framesz=%u,blocksz=%u",
			            p->name, p->mtu, frame, port_packet_frame(p),
			            port_packet_frame(p));
	}
	return 0;
}

unsigned int
port_channels(const struct port *p, unsigned int workers)
{
	unsigned int most = kernel_channels(p->interface);
	const char *written = strstr(p->name, "queue_count=");

	if (most > workers)
		most = workers;
	/* A device that the operator described has what is written, or one. */
	if (p->kind == END_VDEV) {
		unsigned int count =
			written == NULL ? 1
					: (unsigned int)strtoul(written + 12, NULL, 10);

		if (count >= 1 && count < most)
			most = count;
	}
	return most;
}

static int
prepare_channels(struct port *p, char *why)
{
	unsigned int most;
	int failed;

	/* AF_PACKET sees the frames of every channel. */
	if (p->use_packet || strncmp(p->name, "net_af_packet", 13) == 0 ||
	    strstr(p->name, "start_queue=") != NULL)
		return 0;
	failed = kernel_set_channels(p->interface, p->channels, &most);
	if (failed == 0)
		return 0;
	return io_fail(
		why, failed,
		"the channels of %s cannot be set to %u (%s), and frames of the others "
		"would vanish: `ethtool -L %s combined %u`, or `rx %u tx %u`",
		p->interface, p->channels, strerror(-failed), p->interface, p->channels,
		p->channels, p->channels);
}

int
port_prepare_interface(struct port *p, char *why)
{
	int failed;

	if (p->claim < 0)
		p->claim = kernel_claim(p->interface);
	if (p->claim == -EADDRINUSE)
		return io_fail(why, -EBUSY,
		               "%s is an end of another Tidegate that runs here",
		               p->interface);
	/* AF_XDP would fail and, when closed, remove it; AF_PACKET sees what it lets pass. */
	if (kernel_has_foreign_xdp(p->interface))
		return io_fail(
			why, -EBUSY,
			"another program holds %s with an XDP program of its own (`ip "
			"link show %s`): end it, or `ip link set %s xdp off`",
			p->interface, p->interface, p->interface);
	failed = prepare_channels(p, why);
	if (failed != 0)
		return failed;
	if (kernel_plain_frames(p->interface) != 0)
		log_warning("%s: some offloads stay on and may change frames: `ethtool "
		            "-K %s rx "
		            "off tx off tso off gso off gro off rxvlan off txvlan off`",
		            p->name, p->interface);
	if (p->ipv6_before < 0)
		kernel_silence_ipv6(p->interface, &p->ipv6_before);
	failed = kernel_set_up(p->interface, true);
	if (failed != 0)
		return io_fail(why, failed, "%s cannot be brought up: %s", p->interface,
		               strerror(-failed));
	return 0;
}

static int
make_xdp(struct port *p, const char *device, char *why)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	char args[160];

	/* Buffers shared with the kernel count as locked memory; root may raise the limit. */
	setrlimit(RLIMIT_MEMLOCK, &all);
	snprintf(args, sizeof(args), "iface=%s,start_queue=0,queue_count=%u",
	         p->interface, p->channels);
	return port_make(p, device, args, why);
}

static int
make_packet(struct port *p, const char *device, unsigned int workers, char *why)
{
	uint32_t frame = port_packet_frame(p), block = frame < 4096 ? 4096 : frame;
	char args[200];

	snprintf(args, sizeof(args),
	         "iface=%s,qpairs=%u,framesz=%u,blocksz=%u,framecnt=%d", p->interface,
	         workers, frame, block, PORT_DESCRIPTORS);
	return port_make(p, device, args, why);
}

int
port_make_interface(struct port *p, unsigned int workers, char *why)
{
	char device[64];

	snprintf(device, sizeof(device), "net_af_%s_%.40s",
	         p->use_packet ? "packet" : "xdp", p->interface);
	return p->use_packet ? make_packet(p, device, workers, why)
	                     : make_xdp(p, device, why);
}
