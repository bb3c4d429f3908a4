/* SPDX-License-Identifier: BSD-3-Clause */
#include "pcap.h"

#include <errno.h>
#include <string.h>

#include "args.h"

#define MAGIC_MICRO 0xa1b2c3d4u
#define MAGIC_NANO  0xa1b23c4du
#define MAGIC_NG    0x0a0d0d0au
#define LINK_ETHER  1u

enum { FILE_HEADER = 24, PACKET_HEADER = 16 };

static void
store32(uint8_t *to, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t
load32(const struct pcap *p, const uint8_t *from)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v |= (uint32_t)from[p->is_swapped ? 3 - i : i] << (8 * i);
	return v;
}

static int
failed(const struct pcap *p, const char *what)
{
	const int err = errno != 0 ? errno : EIO;

	complain("cannot %s %s: %s", what, p->path, strerror(err));
	return -err;
}

int
pcap_create(struct pcap *p, const char *path, uint64_t epoch_ns, bool is_micro)
{
	uint8_t head[FILE_HEADER] = { 0 };

	memset(p, 0, sizeof(*p));
	p->path = path;
	p->epoch_ns = epoch_ns;
	p->is_micro = is_micro;
	p->file = strcmp(path, "-") == 0 ? stdout : fopen(path, "wb");
	if (p->file == NULL)
		return failed(p, "create");
	store32(head, is_micro ? MAGIC_MICRO : MAGIC_NANO);
	store32(head + 4, 2 | 4 << 16);
	store32(head + 16, 65535);
	store32(head + 20, LINK_ETHER);
	errno = 0;
	return fwrite(head, sizeof(head), 1, p->file) == 1 ? 0 : failed(p, "write");
}

int
pcap_write(struct pcap *p, const struct frame *f)
{
	const uint64_t at = p->epoch_ns + f->at_ns;
	const uint64_t part = at % NS_PER_S;
	uint8_t head[PACKET_HEADER];

	store32(head, (uint32_t)(at / NS_PER_S));
	store32(head + 4, (uint32_t)(p->is_micro ? part / NS_PER_US : part));
	store32(head + 8, f->len);
	store32(head + 12, f->len);
	errno = 0;
	if (fwrite(head, sizeof(head), 1, p->file) != 1 ||
	    fwrite(f->bytes, f->len, 1, p->file) != 1)
		return failed(p, "write");
	p->packets++;
	return 0;
}

static int
read_header(struct pcap *p)
{
	uint8_t head[FILE_HEADER];
	uint32_t magic;

	errno = 0;
	if (fread(head, sizeof(head), 1, p->file) != 1)
		return failed(p, "read the header of");
	magic = load32(p, head);
	if (magic != MAGIC_MICRO && magic != MAGIC_NANO) {
		p->is_swapped = true;
		magic = load32(p, head);
	}
	if (magic != MAGIC_MICRO && magic != MAGIC_NANO) {
		complain("%s is %s; convert it with 'editcap -F nsecpcap %s OUT'",
		         p->path,
		         magic == MAGIC_NG ? "a pcapng file" : "no classic capture",
		         p->path);
		return -EINVAL;
	}
	p->is_micro = magic == MAGIC_MICRO;
	if ((load32(p, head + 20) & 0xffff) != LINK_ETHER) {
		complain("%s has link type %u, only Ethernet (1) can be sent", p->path,
		         load32(p, head + 20) & 0xffff);
		return -EINVAL;
	}
	return 0;
}

int
pcap_open(struct pcap *p, const char *path)
{
	int err;

	memset(p, 0, sizeof(*p));
	p->path = path;
	p->file = fopen(path, "rb");
	if (p->file == NULL)
		return failed(p, "open");
	err = read_header(p);
	if (err != 0) {
		fclose(p->file);
		p->file = NULL;
	}
	return err;
}

int
pcap_rewind(struct pcap *p)
{
	errno = 0;
	return fseek(p->file, FILE_HEADER, SEEK_SET) == 0 ? 0 : failed(p, "rewind");
}

int
pcap_read(struct pcap *p, struct frame *f)
{
	uint8_t head[PACKET_HEADER];
	uint64_t at;
	size_t got;

	errno = 0;
	got = fread(head, 1, sizeof(head), p->file);
	if (got == 0 && ferror(p->file) == 0)
		return 0;
	if (got != sizeof(head))
		return failed(p, "read all of");
	f->len = load32(p, head + 8);
	if (f->len < 14 || f->len > sizeof(f->bytes)) {
		complain("%s: packet %llu has %u bytes, allowed are 14 to %zu", p->path,
		         (unsigned long long)p->packets + 1, f->len, sizeof(f->bytes));
		return -EINVAL;
	}
	if (fread(f->bytes, f->len, 1, p->file) != 1)
		return failed(p, "read all of");
	at = load32(p, head) * NS_PER_S +
	     load32(p, head + 4) * (p->is_micro ? NS_PER_US : 1);
	if (!p->has_first)
		p->epoch_ns = at;
	p->has_first = true;
	/* Captures of several queues may step back a little. */
	f->at_ns = at > p->epoch_ns ? at - p->epoch_ns : 0;
	p->packets++;
	return 1;
}

int
pcap_close(struct pcap *p)
{
	int err = 0;

	if (p->file == NULL)
		return 0;
	errno = 0;
	if (ferror(p->file) != 0 || fflush(p->file) != 0)
		err = failed(p, "write");
	if (p->file != stdout && fclose(p->file) != 0 && err == 0)
		err = failed(p, "close");
	p->file = NULL;
	return err;
}
