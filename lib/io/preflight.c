/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/preflight.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/look.h"

#define CORES_MAX 1024

static void note(struct preflight *p, bool is_error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void
note(struct preflight *p, bool is_error, const char *format, ...)
{
	va_list args;

	p->errors += is_error;
	if (p->n_notes == PREFLIGHT_NOTES)
		return;
	p->note[p->n_notes].is_error = is_error;
	p->note[p->n_notes].about = p->about != NULL ? p->about : "machine";
	va_start(args, format);
	vsnprintf(p->note[p->n_notes].text, IO_WHY, format, args);
	va_end(args);
	p->n_notes++;
}

unsigned int
preflight_processor(const struct preflight_world *world, struct preflight *out)
{
	/* x86-64-v3 as the System V ABI lists it (lzcnt is called abm here). */
	static const char *const wanted[] = { "avx", "avx2", "bmi1",  "bmi2", "f16c",
		                              "fma", "abm",  "movbe", "xsave" };
	char path[256], flags[8192], missing[128] = "";
	unsigned int before = out->errors;

	out->about = "processor";
	snprintf(path, sizeof(path), "%s/cpuinfo", world->proc);
	if (!look_value(path, "flags", flags, sizeof(flags)))
		return 0;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		size_t used = strlen(missing);

		if (!look_has_word(flags, wanted[i]))
			snprintf(missing + used, sizeof(missing) - used, " %s",
			         wanted[i]);
	}
	if (missing[0] != '\0')
		note(out, true,
		     "this processor lacks%s: Tidegate needs an x86-64-v3 machine "
		     "(Intel Haswell or AMD Zen and later; in a virtual machine choose "
		     "the CPU "
		     "type \"host\")",
		     missing);
	if (!look_has_word(flags, "aes"))
		note(out, false,
		     "this processor lacks aes: every packet's hash is computed "
		     "without it, the same at some 160 cycles more (in a "
		     "virtual machine choose the CPU type \"host\")");
	return out->errors - before;
}

/* The cores asked for must be among those that this process may use. */
static int
choose_cores(const struct preflight_ask *ask, struct preflight *out,
             const unsigned int *allowed, unsigned int n_allowed)
{
	unsigned int asked[PREFLIGHT_CORES];
	int n;

	if (strcmp(ask->cores, "auto") == 0) {
		n = n_allowed < PREFLIGHT_CORES ? (int)n_allowed : PREFLIGHT_CORES;
		memcpy(out->core, allowed, (size_t)n * sizeof(*allowed));
		return n;
	}
	n = look_list(ask->cores, asked, PREFLIGHT_CORES);
	if (n < 0) {
		note(out, true,
		     "dataplane.cores: \"%s\" is no list of cores such as \"0-3\"",
		     ask->cores);
		return -1;
	}
	for (int i = 0; i < n; i++) {
		bool is_there = false;

		for (unsigned int k = 0; k < n_allowed; k++)
			is_there |= allowed[k] == asked[i];
		for (int k = 0; k < i; k++)
			if (asked[k] == asked[i]) {
				note(out, true, "dataplane.cores names core %u twice",
				     asked[i]);
				return -1;
			}
		if (!is_there) {
			note(out, true,
			     "dataplane.cores asks for core %u, but this process may use "
			     "%u "
			     "core%s (see `taskset -p $$` and `nproc`)",
			     asked[i], n_allowed, n_allowed == 1 ? "" : "s");
			return -1;
		}
		out->core[i] = asked[i];
	}
	return n;
}

/* The first core is control's; where workers are as many as cores, one of them shares it. */
static void
check_cores(const struct preflight_world *world, const struct preflight_ask *ask,
            struct preflight *out)
{
	unsigned int allowed[CORES_MAX];
	char path[256], list[4096], *end;
	unsigned long workers;
	int n, n_allowed;

	out->about = "cores";
	snprintf(path, sizeof(path), "%s/self/status", world->proc);
	if (!look_value(path, "Cpus_allowed_list", list, sizeof(list)) ||
	    (n_allowed = look_list(list, allowed, CORES_MAX)) < 1) {
		note(out, true, "%s does not say which cores this process may use", path);
		return;
	}
	n = choose_cores(ask, out, allowed, (unsigned int)n_allowed);
	if (n < 0)
		return;
	workers = strtoul(ask->workers, &end, 10);
	if (strcmp(ask->workers, "auto") == 0) {
		workers = n > 1 ? (unsigned long)n - 1 : 1;
		if (workers > ask->workers_auto)
			workers = ask->workers_auto;
	} else if (end == ask->workers || *end != '\0' || workers < 1 ||
	           workers >= PREFLIGHT_CORES) {
		note(out, true,
		     "dataplane.workers: \"%s\" is neither \"auto\" nor 1 to %d",
		     ask->workers, PREFLIGHT_CORES - 1);
		return;
	}
	if (workers > (unsigned long)n) {
		note(out, true,
		     "%lu workers need as many cores and control one more, and there are "
		     "%d: "
		     "lower dataplane.workers to %d or give more cores",
		     workers, n, n > 1 ? n - 1 : 1);
		return;
	}
	if (workers == (unsigned long)n) {
		memmove(out->core + 1, out->core,
		        (size_t)(n < PREFLIGHT_CORES - 1 ? n : PREFLIGHT_CORES - 1) *
		                sizeof(out->core[0]));
		note(out, false,
		     "control and a worker share core %u and will wait for each other: "
		     "%d worker%s "
		     "need%s %d cores",
		     out->core[0], n, n == 1 ? "" : "s", n == 1 ? "s" : "", n + 1);
	}
	out->workers = (unsigned int)workers;
	out->n_cores = out->workers + 1;
}

static void
check_hugepages(const struct preflight_world *world, const struct preflight_ask *ask,
                struct preflight *out)
{
	static const char folder[] = "kernel/mm/hugepages";
	long large = look_number(0, "%s/%s/hugepages-1048576kB/free_hugepages",
	                         world->sys, folder);
	long all =
		look_number(0, "%s/%s/hugepages-2048kB/nr_hugepages", world->sys, folder);
	long is_free = look_number(0, "%s/%s/hugepages-2048kB/free_hugepages", world->sys,
	                           folder);
	long wanted = (long)(ask->memory_mib + 1) / 2;
	/* Pages are taken anonymously, so nothing has to be mounted. */
	char have[96];

	out->about = "no_hugepages";
	out->has_hugepages = is_free >= wanted || large * 1024 >= (long)ask->memory_mib;
	if (out->has_hugepages)
		return;
	if (all == 0 && large == 0)
		snprintf(have, sizeof(have), "no hugepages are reserved");
	else
		snprintf(have, sizeof(have),
		         "%ld of %ld hugepages are free and %ld are needed", is_free, all,
		         wanted);
	note(out, false,
	     "%s: running on 4 KiB pages, which makes every packet dearer; "
	     "`sysctl vm.nr_hugepages=%ld` before the start avoids it",
	     have, all - is_free + wanted + wanted / 4);
}

static bool
has_default_route(const struct preflight_world *world, const char *interface)
{
	char path[256], line[256], name[64], to[64];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/net/route", world->proc);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), f) != NULL)
		found = sscanf(line, "%63s %63s", name, to) == 2 &&
		        strcmp(name, interface) == 0 && strcmp(to, "00000000") == 0;
	fclose(f);
	return found;
}

/* An interface is free when nothing else lives on it that its loss would hurt. */
static void
check_interface(const struct preflight_world *world, const char *interface,
                struct preflight *out)
{
	char path[256], line[512], master[256];
	ssize_t n;

	out->about = "interface";
	snprintf(path, sizeof(path), "%s/net/dev", world->proc);
	if (!look_value(path, interface, line, sizeof(line))) {
		note(out, true,
		     "there is no network interface \"%s\" in this network namespace: "
		     "`ip link` "
		     "lists those there are",
		     interface);
		return;
	}
	if (strcmp(interface, "lo") == 0)
		note(out, true,
		     "lo is the loopback interface and cannot be the end of a wire");
	if (has_default_route(world, interface))
		note(out, true,
		     "%s carries this machine's default route: taking it would cut the "
		     "machine "
		     "off; choose another interface",
		     interface);
	snprintf(path, sizeof(path), "%s/class/net/%s/master", world->sys, interface);
	n = readlink(path, master, sizeof(master) - 1);
	if (n > 0) {
		master[n] = '\0';
		note(out, true,
		     "%s is a member of %s: free it with `ip link set %s nomaster`",
		     interface, strrchr(master, '/') ? strrchr(master, '/') + 1 : master,
		     interface);
	}
}

static void
check_pci(const struct preflight_world *world, const char *end, struct preflight *out)
{
	/* The last two keep their kernel driver while DPDK uses them. */
	static const char *const good[] = { "vfio-pci", "uio_pci_generic", "igb_uio",
		                            "mlx5_core", "mlx4_core" };
	char address[END_PCI_MAX], path[256], link[256];
	const char *driver;
	ssize_t n;

	out->about = "device";
	end_pci_address(end, address);
	if (!look_exists("%s/bus/pci/devices/%s", world->sys, address)) {
		note(out, true,
		     "there is no PCI device %s: `dpdk-devbind.py --status` lists them",
		     address);
		return;
	}
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/driver", world->sys, address);
	n = readlink(path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	driver = strrchr(link, '/') != NULL ? strrchr(link, '/') + 1 : link;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (strcmp(driver, good[i]) == 0)
			return;
	note(out, true,
	     "PCI device %s is %s%s, not to a driver for DPDK: `dpdk-devbind.py "
	     "--bind=vfio-pci %s` gives it to Tidegate",
	     address, driver[0] == '\0' ? "bound to no driver" : "bound to ", driver,
	     address);
}

static void
check_vdev(const struct preflight_world *world, const char *end, struct preflight *out)
{
	static const char *const known[] = { "net_af_xdp", "net_af_packet",   "net_pcap",
		                             "net_null",   "net_memif",       "net_ring",
		                             "net_tap",    "net_virtio_user", "net_vhost",
		                             "net_bonding" };
	char driver[64], interface[64];
	bool is_known = false;

	out->about = "device";
	end_vdev_driver(end, driver, sizeof(driver));
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		is_known |= strcmp(driver, known[i]) == 0;
	if (!is_known)
		note(out, true,
		     "\"%s\" names no virtual device that Tidegate knows (net_af_xdp, "
		     "net_af_packet, net_pcap, net_null, net_memif, net_ring, net_tap, "
		     "net_virtio_user, net_vhost, net_bonding)",
		     end);
	else if (end_interface(end, interface, sizeof(interface)))
		check_interface(world, interface, out);
	else if (strncmp(driver, "net_af_", 7) == 0)
		note(out, true, "\"%s\" names no interface: write \"%s0,iface=NAME\"",
		     end, driver);
}

static void
check_ends(const struct preflight_world *world, const struct preflight_ask *ask,
           struct preflight *out)
{
	char mine[64], other[64];

	for (unsigned int i = 0; i < ask->n_ends; i++) {
		const char *end = ask->ends[i];
		enum end_kind kind = end_kind_of(end);

		if (kind == END_PCI)
			check_pci(world, end, out);
		else if (kind == END_VDEV)
			check_vdev(world, end, out);
		else
			check_interface(world, end, out);

		for (unsigned int k = 0; k < i; k++) {
			bool is_same =
				strcmp(end, ask->ends[k]) == 0 ||
				(end_interface(end, mine, sizeof(mine)) &&
			         end_interface(ask->ends[k], other, sizeof(other)) &&
			         strcmp(mine, other) == 0);

			if (is_same)
				note(out, true,
				     "\"%s\" is named twice: each end of each link needs "
				     "a port of its own",
				     end);
		}
	}
}

struct capability {
	unsigned int bit;
	const char *name;
};

/* The names of those of n capabilities that `held` lacks, or "". */
static void
lacking(unsigned long long held, const struct capability *of, size_t n, char out[128])
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n; i++)
		if ((held >> of[i].bit & 1) == 0 && used < 128)
			used += (size_t)snprintf(out + used, 128 - used, "%s%s",
			                         used > 0 ? ", " : "", of[i].name);
}

/*
 * What the process may do, against what its kinds of ends need. The library of AF_XDP asks
 * the kernel for maps by number, which takes SYS_ADMIN; AF_PACKET does without.
 */
static void
check_permissions(const struct preflight_world *world, const struct preflight_ask *ask,
                  struct preflight *out)
{
	static const struct capability any[] = { { CAP_NET_ADMIN, "CAP_NET_ADMIN" },
		                                 { CAP_NET_RAW, "CAP_NET_RAW" } };
	static const struct capability xdp[] = { { CAP_SYS_ADMIN, "CAP_SYS_ADMIN" } };
	char path[256], text[64], missing[128], interface[64];
	unsigned long long caps;
	bool takes_interfaces = false, tries_xdp = false;

	for (unsigned int i = 0; i < ask->n_ends; i++) {
		takes_interfaces |=
			end_interface(ask->ends[i], interface, sizeof(interface));
		tries_xdp |= end_kind_of(ask->ends[i]) == END_KERNEL;
	}
	out->about = "permission";
	snprintf(path, sizeof(path), "%s/self/status", world->proc);
	if (!takes_interfaces || !look_value(path, "CapEff", text, sizeof(text)))
		return;
	caps = strtoull(text, NULL, 16);
	lacking(caps, any, 2, missing);
	if (missing[0] != '\0') {
		note(out, true,
		     "taking a network interface needs %s: start as root, or give the "
		     "service these with AmbientCapabilities=",
		     missing);
		return;
	}
	lacking(caps, xdp, 1, missing);
	if (tries_xdp && missing[0] != '\0')
		note(out, false,
		     "AF_XDP needs %s as well: without, interfaces are taken by "
		     "AF_PACKET, about half as fast",
		     missing);
}

unsigned int
preflight_check(const struct preflight_world *world, const struct preflight_ask *ask,
                struct preflight *out)
{
	memset(out, 0, sizeof(*out));
	preflight_processor(world, out);
	check_cores(world, ask, out);
	check_hugepages(world, ask, out);
	check_ends(world, ask, out);
	check_permissions(world, ask, out);
	return out->errors;
}
