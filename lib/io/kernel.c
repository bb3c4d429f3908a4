/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define DESCRIPTION 32768 /* bytes of what rtnetlink says of one interface, at most */

/* One ioctl on a socket of its own: nothing here is called often. */
static int
ask(const char *interface, unsigned long what, struct ifreq *req)
{
	int fd, failed;

	if (strlen(interface) >= IFNAMSIZ)
		return -ENODEV;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	strncpy(req->ifr_name, interface, IFNAMSIZ - 1);
	failed = ioctl(fd, what, req) < 0 ? -errno : 0;
	close(fd);
	return failed;
}

static int
ethtool(const char *interface, void *command)
{
	struct ifreq req = { .ifr_data = command };

	return ask(interface, SIOCETHTOOL, &req);
}

int
kernel_mtu(const char *interface, unsigned int *mtu)
{
	struct ifreq req = { 0 };
	int failed = ask(interface, SIOCGIFMTU, &req);

	if (failed == 0)
		*mtu = (unsigned int)req.ifr_mtu;
	return failed;
}

bool
kernel_is_running(const char *interface)
{
	const int both = IFF_UP | IFF_RUNNING;
	struct ifreq req = { 0 };

	return ask(interface, SIOCGIFFLAGS, &req) == 0 && (req.ifr_flags & both) == both;
}

int
kernel_set_up(const char *interface, bool up)
{
	struct ifreq req = { 0 };
	int failed = ask(interface, SIOCGIFFLAGS, &req);

	if (failed != 0)
		return failed;
	if (((req.ifr_flags & IFF_UP) != 0) == up)
		return 0;
	req.ifr_flags = (short)(up ? req.ifr_flags | IFF_UP : req.ifr_flags & ~IFF_UP);
	return ask(interface, SIOCSIFFLAGS, &req);
}

uint64_t
kernel_speed(const char *interface)
{
	struct ethtool_cmd cmd = { .cmd = ETHTOOL_GSET };
	uint32_t mbit;

	if (ethtool(interface, &cmd) != 0)
		return 0;
	mbit = ethtool_cmd_speed(&cmd);
	return mbit == 0 || mbit == (uint32_t)SPEED_UNKNOWN || mbit == UINT16_MAX
	               ? 0
	               : (uint64_t)mbit * 1000000;
}

bool
kernel_has_combined_channels(const char *interface)
{
	struct ethtool_channels ch = { .cmd = ETHTOOL_GCHANNELS };

	return ethtool(interface, &ch) == 0 && ch.max_combined > 0;
}

static unsigned int
most_channels(const struct ethtool_channels *ch)
{
	unsigned int most = ch->max_combined > 0      ? ch->max_combined
	                    : ch->max_rx < ch->max_tx ? ch->max_rx
	                                              : ch->max_tx;

	return most == 0 ? 1 : most;
}

unsigned int
kernel_channels(const char *interface)
{
	struct ethtool_channels ch = { .cmd = ETHTOOL_GCHANNELS };

	return ethtool(interface, &ch) == 0 ? most_channels(&ch) : 1;
}

int
kernel_set_channels(const char *interface, unsigned int queues, unsigned int *most)
{
	struct ethtool_channels ch = { .cmd = ETHTOOL_GCHANNELS };
	bool combined;
	int failed = ethtool(interface, &ch);

	*most = 1;
	if (failed != 0) /* A device that knows no channels has one. */
		return queues == 1 ? 0 : failed;
	combined = ch.max_combined > 0;
	*most = most_channels(&ch);
	if (combined ? ch.combined_count == queues && ch.rx_count == 0
	             : ch.rx_count == queues && ch.tx_count == queues)
		return 0;
	if (queues > *most)
		return -ERANGE;
	ch.cmd = ETHTOOL_SCHANNELS;
	if (combined) {
		ch.combined_count = queues;
		ch.rx_count = ch.tx_count = 0;
	} else {
		ch.rx_count = ch.tx_count = queues;
	}
	return ethtool(interface, &ch);
}

/* Old-style switches: every driver since 2.6 answers them. */
static int
switch_off(const char *interface, uint32_t get, uint32_t set)
{
	struct ethtool_value value = { .cmd = get };
	int failed;

	if (ethtool(interface, &value) != 0 || value.data == 0)
		return 0; /* Not there, or off already. */
	value.cmd = set;
	value.data = 0;
	failed = ethtool(interface, &value);
	if (failed != 0)
		return failed;
	value.cmd = get;
	return ethtool(interface, &value) == 0 && value.data != 0 ? -EPERM : 0;
}

int
kernel_plain_frames(const char *interface)
{
	static const struct {
		uint32_t get, set;
	} features[] = {
		{ ETHTOOL_GTSO, ETHTOOL_STSO },
		{ ETHTOOL_GGSO, ETHTOOL_SGSO },
		{ ETHTOOL_GGRO, ETHTOOL_SGRO },
		{ ETHTOOL_GTXCSUM, ETHTOOL_STXCSUM },
		{ ETHTOOL_GRXCSUM, ETHTOOL_SRXCSUM },
	};
	const uint32_t unwanted = ETH_FLAG_LRO | ETH_FLAG_RXVLAN | ETH_FLAG_TXVLAN;
	struct ethtool_value flags = { .cmd = ETHTOOL_GFLAGS };
	int failed = 0, one;

	for (unsigned int i = 0; i < sizeof(features) / sizeof(*features); i++) {
		one = switch_off(interface, features[i].get, features[i].set);
		if (one != 0)
			failed = one;
	}
	if (ethtool(interface, &flags) == 0 && (flags.data & unwanted) != 0) {
		flags.cmd = ETHTOOL_SFLAGS;
		flags.data &= ~unwanted;
		one = ethtool(interface, &flags);
		if (one != 0)
			failed = one;
	}
	return failed;
}

/* The attribute of a link's description, or NULL. */
static const struct rtattr *
find_attribute(const void *from, size_t len, unsigned short type)
{
	const char *at = from;

	while (len >= sizeof(struct rtattr)) {
		const struct rtattr *a = (const void *)at;
		size_t step = RTA_ALIGN(a->rta_len);

		if (a->rta_len < sizeof(*a) || a->rta_len > len)
			return NULL;
		if ((a->rta_type & NLA_TYPE_MASK) == type)
			return a;
		at += step;
		len = step < len ? len - step : 0;
	}
	return NULL;
}

/* Number of the XDP program that a link's description names, 0 without. */
static uint32_t
xdp_program(const struct nlmsghdr *answer)
{
	const struct ifinfomsg *info = NLMSG_DATA(answer);
	const struct rtattr *xdp, *id;

	if (answer->nlmsg_type != RTM_NEWLINK)
		return 0;
	xdp = find_attribute(IFLA_RTA(info), IFLA_PAYLOAD(answer), IFLA_XDP);
	if (xdp == NULL)
		return 0;
	id = find_attribute(RTA_DATA(xdp), RTA_PAYLOAD(xdp), IFLA_XDP_PROG_ID);
	return id == NULL ? 0 : *(const uint32_t *)RTA_DATA(id);
}

/* Whether it is what libxdp loads for every AF_XDP socket: one that was killed leaves it. */
static bool
is_for_sockets(uint32_t program)
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr attr = { .prog_id = program };
	bool is_it;
	int fd = (int)syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));

	if (fd < 0)
		return false;
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	is_it = syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)) == 0 &&
	        strcmp(info.name, "xsk_def_prog") == 0;
	close(fd);
	return is_it;
}

/* The kernel's description of the interface in answer[size], or NULL. */
static const struct nlmsghdr *
describe(const char *interface, void *answer, size_t size)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} ask_link = { .head = { .nlmsg_len = sizeof(ask_link),
		                 .nlmsg_type = RTM_GETLINK,
		                 .nlmsg_flags = NLM_F_REQUEST },
		       .info = { .ifi_index = (int)if_nametoindex(interface) } };
	ssize_t n = -1;
	int fd;

	if (ask_link.info.ifi_index == 0)
		return NULL;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return NULL;
	if (send(fd, &ask_link, sizeof(ask_link), 0) == (ssize_t)sizeof(ask_link))
		n = recv(fd, answer, size, 0);
	close(fd);
	return n > 0 && NLMSG_OK((struct nlmsghdr *)answer, (size_t)n) ? answer : NULL;
}

bool
kernel_has_foreign_xdp(const char *interface)
{
	_Alignas(struct nlmsghdr) char answer[DESCRIPTION];
	const struct nlmsghdr *link = describe(interface, answer, sizeof(answer));
	const uint32_t program = link != NULL ? xdp_program(link) : 0;

	return program != 0 && !is_for_sockets(program);
}

uint64_t
kernel_dropped(const char *interface)
{
	_Alignas(struct nlmsghdr) char answer[DESCRIPTION];
	const struct nlmsghdr *link = describe(interface, answer, sizeof(answer));
	struct rtnl_link_stats64 stats;
	const struct rtattr *found;

	if (link == NULL || link->nlmsg_type != RTM_NEWLINK)
		return 0;
	found = find_attribute(IFLA_RTA((struct ifinfomsg *)NLMSG_DATA(link)),
	                       IFLA_PAYLOAD(link), IFLA_STATS64);
	memset(&stats, 0, sizeof(stats));
	if (found != NULL)
		memcpy(&stats, RTA_DATA(found),
		       RTA_PAYLOAD(found) < sizeof(stats) ? RTA_PAYLOAD(found)
		                                          : sizeof(stats));
	return stats.rx_dropped;
}

int
kernel_claim(const char *interface)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd, n, error;

	/* Names that begin with a NUL byte live in the network namespace, in no folder. */
	n = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "tidegate/%s",
	             interface);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&name,
	         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) ==
	    0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static int
open_disable_ipv6(const char *interface, int flags)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6",
	         interface);
	return open(path, flags | O_CLOEXEC);
}

static void
write_disable_ipv6(const char *interface, char digit)
{
	int fd = open_disable_ipv6(interface, O_WRONLY);

	if (fd < 0)
		return;
	/* A kernel that refuses keeps its few multicast frames; the wire works with them. */
	if (write(fd, &digit, 1) != 1)
		errno = 0;
	close(fd);
}

void
kernel_silence_ipv6(const char *interface, int *before)
{
	int fd = open_disable_ipv6(interface, O_RDONLY);
	char digit = '1';

	*before = -1;
	if (fd < 0)
		return;
	if (read(fd, &digit, 1) == 1 && digit == '0') {
		write_disable_ipv6(interface, '1');
		*before = 0;
	}
	close(fd);
}

void
kernel_restore_ipv6(const char *interface, int before)
{
	if (before >= 0)
		write_disable_ipv6(interface, (char)('0' + before));
}
