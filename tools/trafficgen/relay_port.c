/* SPDX-License-Identifier: BSD-3-Clause */
#include "relay_port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "args.h"

#define TAG_LEN  4
#define MACS_LEN 12

static int
set_option(const struct relay_port *p, int option, const char *what)
{
	const int one = 1;

	if (setsockopt(p->fd, SOL_PACKET, option, &one, sizeof(one)) == 0)
		return 0;
	complain("%s: the kernel knows no %s for packet sockets: %s", p->interface, what,
	         strerror(errno));
	return -errno;
}

/* Promiscuous until the socket is closed. */
static int
join_all(const struct relay_port *p)
{
	struct packet_mreq req = { .mr_type = PACKET_MR_PROMISC };

	req.mr_ifindex = (int)if_nametoindex(p->interface);
	if (setsockopt(p->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &req, sizeof(req)) == 0)
		return 0;
	complain("%s cannot be made promiscuous: %s", p->interface, strerror(errno));
	return -errno;
}

int
relay_port_open(struct relay_port *p, const char *interface)
{
	const int room = 32 << 20;
	int err;

	p->interface = interface;
	p->last_errno = 0;
	/* Bound at last to all protocols, so that no frame comes before the options are
	 * set. */
	p->fd = transmit_socket(interface, 0);
	if (p->fd < 0)
		return p->fd;
	(void)setsockopt(p->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	(void)setsockopt(p->fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	err = set_option(p, PACKET_AUXDATA, "VLAN notes");
	if (err == 0)
		err = set_option(p, PACKET_VNET_HDR, "offload notes");
	if (err == 0)
		err = set_option(p, PACKET_IGNORE_OUTGOING, "one-way capture");
	if (err == 0)
		err = join_all(p);
	if (err == 0) {
		struct sockaddr_ll at = { .sll_family = AF_PACKET };

		at.sll_ifindex = (int)if_nametoindex(interface);
		at.sll_protocol = htons(ETH_P_ALL);
		if (bind(p->fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
			err = -errno;
			complain("cannot bind to %s: %s", interface, strerror(errno));
		}
	}
	if (err != 0) {
		close(p->fd);
		p->fd = -1;
	}
	return err;
}

/* Notes count from the start of the frame, so they move with it. */
static void
move_notes(struct virtio_net_hdr *offload, int by)
{
	if ((offload->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0)
		offload->csum_start = (uint16_t)(offload->csum_start + by);
	if (offload->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		offload->hdr_len = (uint16_t)(offload->hdr_len + by);
}

void
relay_push(struct relay_frame *f, uint16_t ethertype, uint16_t tci)
{
	f->start -= TAG_LEN;
	f->len += TAG_LEN;
	memmove(f->start, f->start + TAG_LEN, MACS_LEN);
	put16(f->start + MACS_LEN, ethertype);
	put16(f->start + MACS_LEN + 2, tci);
	move_notes(&f->offload, TAG_LEN);
}

bool
relay_pop(struct relay_frame *f, uint16_t vlan)
{
	const uint8_t *tag = f->start + MACS_LEN;
	uint16_t ethertype, tci;

	if (f->len < MACS_LEN + TAG_LEN + 2)
		return false;
	ethertype = (uint16_t)(tag[0] << 8 | tag[1]);
	tci = (uint16_t)(tag[2] << 8 | tag[3]);
	if ((ethertype != ETH_P_8021Q && ethertype != ETH_P_8021AD) ||
	    (tci & 0xfff) != vlan)
		return false;
	memmove(f->start + TAG_LEN, f->start, MACS_LEN);
	f->start += TAG_LEN;
	f->len -= TAG_LEN;
	move_notes(&f->offload, -TAG_LEN);
	return true;
}

/* Put back the tag that the kernel took out. */
static void
restore_tag(struct relay_frame *f, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if ((aux.tp_status & TP_STATUS_VLAN_VALID) == 0)
			continue;
		relay_push(f,
		           (aux.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0
		                   ? aux.tp_vlan_tpid
		                   : ETH_P_8021Q,
		           aux.tp_vlan_tci);
	}
}

int
relay_port_receive(struct relay_port *p, struct relay_frame *f)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct iovec parts[2] = {
		{ .iov_base = &f->offload, .iov_len = sizeof(f->offload) },
		{ .iov_base = f->buffer + RELAY_HEADROOM, .iov_len = RELAY_FRAME_MAX },
	};
	struct msghdr m = {
		.msg_iov = parts,
		.msg_iovlen = 2,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	const ssize_t got = recvmsg(p->fd, &m, MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if ((size_t)got < sizeof(f->offload) + ETH_HLEN)
		return -EBADMSG;
	f->start = f->buffer + RELAY_HEADROOM;
	f->len = (uint32_t)((size_t)got - sizeof(f->offload));
	restore_tag(f, &m);
	return 1;
}

/* Finish the checksum that a local sender left to its card. */
static void
complete_sum(uint8_t *bytes, uint32_t len, struct virtio_net_hdr *offload)
{
	const uint32_t start = offload->csum_start, at = start + offload->csum_offset;
	uint16_t sum;

	if ((offload->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0 ||
	    offload->gso_type != VIRTIO_NET_HDR_GSO_NONE || at + 2 > len)
		return;
	/* The field holds the sum of the pseudo header so far. */
	sum = (uint16_t)~frame_sum_bytes(bytes + start, len - start, 0);
	/* Zero is no sum in UDP and the same as all ones elsewhere. */
	put16(bytes + at, sum == 0 ? 0xffff : sum);
	memset(offload, 0, sizeof(*offload));
}

int
relay_port_send(struct relay_port *p, uint8_t *bytes, uint32_t len,
                struct virtio_net_hdr *offload)
{
	struct iovec parts[2] = {
		{ .iov_base = offload, .iov_len = sizeof(*offload) },
		{ .iov_base = bytes, .iov_len = len },
	};
	const struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };
	int err;

	complete_sum(bytes, len, offload);
	/* The receiver's view that a sum is right means nothing to a sender. */
	offload->flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
	if (sendmsg(p->fd, &m, 0) >= 0)
		return 0;
	err = errno;
	if (err != p->last_errno)
		complain("%s refused a frame of %u bytes: %s%s", p->interface, len,
		         strerror(err),
		         err == EMSGSIZE ? "; raise its MTU, tags count too" : "");
	p->last_errno = err;
	return -err;
}

uint32_t
relay_port_missed(const struct relay_port *p)
{
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof(stats);

	if (getsockopt(p->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) != 0)
		return 0;
	return stats.tp_drops;
}
