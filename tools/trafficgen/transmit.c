/* SPDX-License-Identifier: BSD-3-Clause */
#include "transmit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "args.h"

enum { SLOT_LEN = 2048, SLOTS = 512, BLOCK_LEN = 65536 };
/*
 * Data follows the slot's header, aligned as TPACKET_ALIGN does, which is a signed macro.
 */
#define DATA_AT ((uint32_t)((sizeof(struct tpacket2_hdr) + 15u) & ~(size_t)15u))

int
transmit_socket(const char *interface, unsigned int protocol)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET };
	const unsigned int index = if_nametoindex(interface);
	int fd, err;

	if (index == 0) {
		complain("no interface '%s' in this network namespace; 'ip link' lists "
		         "them",
		         interface);
		return -ENODEV;
	}
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		err = errno;
		complain("cannot open a packet socket: %s%s", strerror(err),
		         err == EPERM ? "; run as root or with CAP_NET_RAW" : "");
		return -err;
	}
	at.sll_ifindex = (int)index;
	at.sll_protocol = htons((uint16_t)protocol);
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
		err = errno;
		complain("cannot bind to %s: %s", interface, strerror(err));
		close(fd);
		return -err;
	}
	return fd;
}

static int
make_ring(struct transmit *t)
{
	const int version = TPACKET_V2;
	const struct tpacket_req req = {
		.tp_block_size = BLOCK_LEN,
		.tp_block_nr = SLOT_LEN * SLOTS / BLOCK_LEN,
		.tp_frame_size = SLOT_LEN,
		.tp_frame_nr = SLOTS,
	};

	if (setsockopt(t->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) !=
	            0 ||
	    setsockopt(t->fd, SOL_PACKET, PACKET_TX_RING, &req, sizeof(req)) != 0)
		return -errno;
	t->ring_len = (size_t)SLOT_LEN * SLOTS;
	t->ring = mmap(NULL, t->ring_len, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, 0);
	if (t->ring == MAP_FAILED) {
		t->ring = NULL;
		return -errno;
	}
	t->has_ring = true;
	return 0;
}

static int
make_batch(struct transmit *t)
{
	t->buffers = malloc(TRANSMIT_BATCH * sizeof(*t->buffers));
	if (t->buffers == NULL) {
		complain("out of memory");
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < TRANSMIT_BATCH; i++) {
		t->parts[i].iov_base = t->buffers[i];
		t->messages[i].msg_hdr.msg_iov = &t->parts[i];
		t->messages[i].msg_hdr.msg_iovlen = 1;
	}
	return 0;
}

int
transmit_open(struct transmit *t, const char *interface, enum transmit_method method)
{
	const int one = 1, room = 4 << 20;
	int err;

	memset(t, 0, sizeof(*t));
	t->interface = interface;
	t->fd = transmit_socket(interface, 0);
	if (t->fd < 0)
		return t->fd;
	/* Without these two it works too, only slower. */
	(void)setsockopt(t->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
	(void)setsockopt(t->fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	err = make_batch(t);
	if (err == 0 && method == TRANSMIT_RING) {
		err = make_ring(t);
		if (err != 0)
			complain("no transmit ring on %s: %s; use --method calls",
			         interface, strerror(-err));
	}
	if (err != 0) {
		free(t->buffers);
		close(t->fd);
	}
	return err;
}

/* A frame was refused; say so the first time, because the reason is mostly the set-up. */
static void
refuse(struct transmit *t, int err)
{
	t->errors++;
	/*
	 * A full device is what a flood is for; it is counted and no reason to complain.
	 */
	if (err == ENOBUFS) {
		t->full++;
		return;
	}
	if (t->last_errno == err)
		return;
	t->last_errno = err;
	complain("%s refused a frame: %s%s", t->interface, strerror(err),
	         err == ENETDOWN   ? "; set it up with 'ip link set dev IF up'"
	         : err == EMSGSIZE ? "; raise its MTU, tags count too"
	         : err == EFBIG ? "; longer than a slot of the ring, use --method calls"
	                        : "");
}

static void
flush_calls(struct transmit *t)
{
	unsigned int at = 0;

	while (at < t->queued) {
		const int n = sendmmsg(t->fd, t->messages + at, t->queued - at, 0);

		if (n > 0) {
			for (int i = 0; i < n; i++)
				t->bytes += t->messages[at + (unsigned int)i].msg_len;
			t->sent += (unsigned int)n;
			at += (unsigned int)n;
		} else if (errno != EINTR) {
			refuse(t, errno);
			at++;
		}
	}
	t->queued = 0;
}

static void
flush_ring(struct transmit *t)
{
	/*
	 * What the kernel refuses it leaves in the slot; the slot's next user counts it.
	 */
	if (t->queued > 0 && send(t->fd, NULL, 0, MSG_DONTWAIT) < 0 && errno != EAGAIN &&
	    errno != EINTR)
		refuse(t, errno);
	t->queued = 0;
}

void
transmit_flush(struct transmit *t)
{
	if (t->has_ring)
		flush_ring(t);
	else
		flush_calls(t);
}

static struct tpacket2_hdr *
slot_of(struct transmit *t, unsigned int n)
{
	return (struct tpacket2_hdr *)(void *)(t->ring + (size_t)n * SLOT_LEN);
}

static bool
is_busy(const struct tpacket2_hdr *slot)
{
	const uint32_t status = __atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE);

	return (status & (TP_STATUS_SEND_REQUEST | TP_STATUS_SENDING)) != 0;
}

static void
queue_ring(struct transmit *t, const uint8_t *bytes, uint32_t len)
{
	struct tpacket2_hdr *slot = slot_of(t, t->head);

	if (is_busy(slot)) {
		struct pollfd p = { .fd = t->fd, .events = POLLOUT };

		flush_ring(t);
		(void)poll(&p, 1, 1);
	}
	if (is_busy(slot)) {
		refuse(t, ENOBUFS);
		return;
	}
	memcpy((uint8_t *)slot + DATA_AT, bytes, len);
	slot->tp_len = len;
	__atomic_store_n(&slot->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
	t->head = (t->head + 1) % SLOTS;
	t->sent++;
	t->bytes += len;
	if (++t->queued == TRANSMIT_BATCH)
		flush_ring(t);
}

void
transmit_queue(struct transmit *t, const uint8_t *bytes, uint32_t len)
{
	t->offered++;
	if (t->has_ring) {
		if (len <= SLOT_LEN - DATA_AT)
			queue_ring(t, bytes, len);
		else
			refuse(t, EFBIG);
		return;
	}
	memcpy(t->buffers[t->queued], bytes, len);
	t->parts[t->queued].iov_len = len;
	if (++t->queued == TRANSMIT_BATCH)
		flush_calls(t);
}

void
transmit_close(struct transmit *t)
{
	transmit_flush(t);
	if (t->has_ring) {
		/* A blocking send returns when the last slot is free. */
		(void)send(t->fd, NULL, 0, 0);
		(void)munmap(t->ring, t->ring_len);
	}
	free(t->buffers);
	t->buffers = NULL;
	close(t->fd);
}
