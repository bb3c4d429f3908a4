/* SPDX-License-Identifier: BSD-3-Clause */
/* test_preflight - machines made of files, and what preflight says of them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/look.h"
#include "io/preflight.h"
#include "suite.h"

static char root[64], sys[80], proc[80];
static struct preflight found;

static void file(const char *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Write one file below root, with the folders on the way. */
static void
file(const char *text, const char *format, ...)
{
	char path[512];
	va_list args;
	int n = snprintf(path, sizeof(path), "%s/", root);
	FILE *f;

	va_start(args, format);
	vsnprintf(path + n, sizeof(path) - (size_t)n, format, args);
	va_end(args);
	for (char *at = strchr(path + n, '/'); at != NULL; at = strchr(at + 1, '/')) {
		*at = '\0';
		mkdir(path, 0700);
		*at = '/';
	}
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static void
link_to(const char *target, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	unlink(path);
	CU_ASSERT_EQUAL_FATAL(symlink(target, path), 0);
}

static void
status(const char *cores, const char *caps)
{
	char text[256];

	snprintf(text, sizeof(text), "Name:\tx\nCapEff:\t%s\nCpus_allowed_list:\t%s\n",
	         caps, cores);
	file(text, "proc/self/status");
}

#define GOOD_FLAGS "fpu aes avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"
#define ALL_CAPS   "000001ffffffffff"

/* A machine with four cores, 512 hugepages, eth1, eth2 and one PCI device for DPDK. */
static void
good_machine(void)
{
	static const char hugepages[] = "sys/kernel/mm/hugepages/hugepages-2048kB";

	strcpy(root, "/tmp/preflight.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
	snprintf(sys, sizeof(sys), "%s/sys", root);
	snprintf(proc, sizeof(proc), "%s/proc", root);
	file("processor\t: 0\nflags\t\t: " GOOD_FLAGS "\n", "proc/cpuinfo");
	file("512\n", "%s/nr_hugepages", hugepages);
	file("512\n", "%s/free_hugepages", hugepages);
	file("Inter-|\n face |\n    lo: 1\n  eth0: 1 2\n  eth1: 1 2\n  eth2: 0 0\n",
	     "proc/net/dev");
	file("Iface\tDestination\neth0\t00000000\t0100A8C0\neth1\t0000A8C0\t0\n",
	     "proc/net/route");
	file("", "sys/class/net/eth1/mtu");
	file("", "sys/class/net/eth2/mtu");
	file("", "sys/bus/pci/devices/0000:03:00.0/x");
	file("", "sys/bus/pci/devices/0000:03:00.1/x");
	file("", "sys/bus/pci/devices/0000:03:00.2/x");
	link_to("../../drivers/vfio-pci", "sys/bus/pci/devices/0000:03:00.0/driver");
	link_to("../../drivers/ixgbe", "sys/bus/pci/devices/0000:03:00.1/driver");
	status("0-3", ALL_CAPS);
}

static void
remove_machine(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", root);
	CU_ASSERT_EQUAL(system(command), 0);
}

static const char *const good_ends[] = { "eth1", "eth2" };

static unsigned int
check(const char *cores, const char *workers, unsigned int n, const char *const *ends)
{
	const struct preflight_world world = { sys, proc };
	const struct preflight_ask ask = { .cores = cores,
		                           .workers = workers,
		                           .workers_auto = 64,
		                           .n_ends = n,
		                           .ends = ends,
		                           .memory_mib = 200 };

	return preflight_check(&world, &ask, &found);
}

/* Whether one note says it; a sentence without remedy is no note of ours. */
static bool
says(bool is_error, const char *words)
{
	for (unsigned int i = 0; i < found.n_notes; i++)
		if (found.note[i].is_error == is_error &&
		    strstr(found.note[i].text, words) != NULL)
			return true;
	return false;
}

static void
good_machine_has_nothing_to_say(void)
{
	good_machine();
	CU_ASSERT_EQUAL(check("auto", "auto", 2, good_ends), 0);
	CU_ASSERT_EQUAL(found.n_notes, 0);
	CU_ASSERT_TRUE(found.has_hugepages);
	CU_ASSERT_EQUAL(found.workers, 3);
	CU_ASSERT_EQUAL(found.n_cores, 4);
	CU_ASSERT_EQUAL(found.core[0], 0);
	CU_ASSERT_EQUAL(found.core[3], 3);
	remove_machine();
}

static void
cores_are_compared_with_those_there(void)
{
	good_machine();
	CU_ASSERT_EQUAL(check("3,1", "auto", 2, good_ends), 0);
	CU_ASSERT_EQUAL(found.core[0], 3);
	CU_ASSERT_EQUAL(found.core[1], 1);
	CU_ASSERT_EQUAL(found.workers, 1);

	CU_ASSERT_EQUAL(check("2-5", "auto", 2, good_ends), 1);
	CU_ASSERT_TRUE(says(true, "asks for core 4"));
	CU_ASSERT_EQUAL(check("0,0", "auto", 2, good_ends), 1);
	CU_ASSERT_TRUE(says(true, "twice"));
	CU_ASSERT_EQUAL(check("zero", "auto", 2, good_ends), 1);
	CU_ASSERT_TRUE(says(true, "no list of cores"));
	CU_ASSERT_EQUAL(check("auto", "5", 2, good_ends), 1);
	CU_ASSERT_TRUE(says(true, "5 workers need"));
	CU_ASSERT_EQUAL(check("auto", "none", 2, good_ends), 1);
	CU_ASSERT_TRUE(says(true, "dataplane.workers"));
	CU_ASSERT_EQUAL(check("auto", "2", 2, good_ends), 0);
	CU_ASSERT_EQUAL(found.workers, 2);
	CU_ASSERT_EQUAL(found.n_cores, 3);
	remove_machine();
}

static void
a_shared_core_is_said_so(void)
{
	good_machine();
	status("2", ALL_CAPS);
	CU_ASSERT_EQUAL(check("auto", "auto", 2, good_ends), 0);
	CU_ASSERT_EQUAL(found.workers, 1);
	CU_ASSERT_EQUAL(found.core[0], 2);
	CU_ASSERT_EQUAL(found.core[1], 2);
	CU_ASSERT_TRUE(says(false, "control and a worker share core 2"));

	/* So may several, when asked for as many workers as cores. */
	status("1-3", ALL_CAPS);
	CU_ASSERT_EQUAL(check("auto", "3", 2, good_ends), 0);
	CU_ASSERT_EQUAL(found.n_cores, 4);
	CU_ASSERT_EQUAL(found.core[0], 1);
	CU_ASSERT_EQUAL(found.core[1], 1);
	CU_ASSERT_EQUAL(found.core[3], 3);
	CU_ASSERT_TRUE(says(false, "share core 1"));
	remove_machine();
}

static void
missing_hugepages_are_a_warning_with_the_remedy(void)
{
	static const char folder[] = "sys/kernel/mm/hugepages/hugepages-2048kB";

	good_machine();
	file("99\n", "%s/free_hugepages", folder);
	CU_ASSERT_EQUAL(check("auto", "auto", 2, good_ends), 0);
	CU_ASSERT_FALSE(found.has_hugepages);
	CU_ASSERT_TRUE(says(false, "99 of 512 hugepages are free and 100 are needed"));
	CU_ASSERT_TRUE(says(false, "sysctl vm.nr_hugepages="));
	file("0\n", "%s/free_hugepages", folder);
	file("0\n", "%s/nr_hugepages", folder);
	CU_ASSERT_EQUAL(check("auto", "auto", 2, good_ends), 0);
	CU_ASSERT_TRUE(says(false, "no hugepages are reserved"));
	file("100\n", "%s/free_hugepages", folder);
	file("100\n", "%s/nr_hugepages", folder);
	CU_ASSERT_EQUAL(check("auto", "auto", 2, good_ends), 0);
	CU_ASSERT_TRUE(found.has_hugepages);
	remove_machine();
}

static void
old_processor_is_named_with_what_it_lacks(void)
{
	good_machine();
	file("flags : fpu avx sse aes bmi1 bmi2 f16c fma movbe xsave\n", "proc/cpuinfo");
	CU_ASSERT_EQUAL(check("auto", "auto", 2, good_ends), 1);
	CU_ASSERT_TRUE(says(true, "lacks avx2 abm:"));
	remove_machine();
}

static void
a_processor_without_aes_is_slower_and_good_enough(void)
{
	good_machine();
	CU_ASSERT_EQUAL(check("auto", "auto", 2, good_ends), 0);
	CU_ASSERT_FALSE(says(false, "lacks aes:"));
	file("flags : fpu avx avx2 bmi1 bmi2 f16c fma abm movbe xsave\n", "proc/cpuinfo");
	CU_ASSERT_EQUAL(check("auto", "auto", 2, good_ends), 0);
	CU_ASSERT_TRUE(says(false, "lacks aes:"));
	remove_machine();
}

static void
each_bad_end_has_its_sentence(void)
{
	static const struct {
		const char *end, *words;
	} rows[] = {
		{ "eth9", "no network interface \"eth9\"" },
		{ "lo", "loopback" },
		{ "eth0", "default route" },
		{ "eth2", "ip link set eth2 nomaster" },
		{ "0000:04:00.0", "no PCI device 0000:04:00.0" },
		{ "03:00.1", "dpdk-devbind.py --bind=vfio-pci 0000:03:00.1" },
		{ "03:00.2", "bound to no driver" },
		{ "net_af_xpd0,iface=eth3", "no virtual device" },
		{ "net_af_xdp0", "names no interface" },
		{ "net_af_packet0,iface=eth8", "no network interface \"eth8\"" },
	};

	good_machine();
	link_to("../br0", "sys/class/net/eth2/master");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *const ends[] = { "eth1", rows[i].end };

		CU_ASSERT_EQUAL(check("auto", "auto", 2, ends), 1);
		CU_ASSERT_TRUE(says(true, rows[i].words));
	}
	remove_machine();
}

static void
good_ends_of_every_kind_pass(void)
{
	static const char *const ends[] = { "0000:03:00.0", "net_null0",
		                            "net_pcap0,iface=eth1",
		                            "net_af_xdp7,iface=eth2" };

	good_machine();
	CU_ASSERT_EQUAL(check("auto", "auto", 4, ends), 0);
	CU_ASSERT_EQUAL(found.n_notes, 0);
	remove_machine();
}

static void
an_end_can_be_used_once(void)
{
	static const char *const same[] = { "eth1", "eth1" };
	static const char *const hidden[] = { "eth1", "net_af_packet0,iface=eth1" };

	good_machine();
	CU_ASSERT_EQUAL(check("auto", "auto", 2, same), 1);
	CU_ASSERT_TRUE(says(true, "named twice"));
	CU_ASSERT_EQUAL(check("auto", "auto", 2, hidden), 1);
	CU_ASSERT_TRUE(says(true, "named twice"));
	remove_machine();
}

static void
missing_permissions_are_named(void)
{
	static const char *const files[] = { "net_null0", "net_null1" };
	static const char *const packet_ends[] = { "net_af_packet0,iface=eth1",
		                                   "net_af_packet1,iface=eth2" };

	good_machine();
	status("0-3", "0000000000000000");
	CU_ASSERT_EQUAL(check("auto", "auto", 2, good_ends), 1);
	CU_ASSERT_TRUE(says(true, "CAP_NET_ADMIN, CAP_NET_RAW:"));
	CU_ASSERT_EQUAL(check("auto", "auto", 2, files), 0);
	/* NET_ADMIN (12) and NET_RAW (13): enough for AF_PACKET, which is what it gets. */
	status("0-3", "0000000000003000");
	CU_ASSERT_EQUAL(check("auto", "auto", 2, good_ends), 0);
	CU_ASSERT_TRUE(says(false, "AF_XDP needs CAP_SYS_ADMIN as well"));
	CU_ASSERT_EQUAL(check("auto", "auto", 2, packet_ends), 0);
	CU_ASSERT_FALSE(says(false, "AF_XDP needs"));
	/* And SYS_ADMIN (21). */
	status("0-3", "0000000000203000");
	CU_ASSERT_EQUAL(check("auto", "auto", 2, good_ends), 0);
	CU_ASSERT_FALSE(says(false, "AF_XDP needs"));
	remove_machine();
}

static void
all_faults_are_told_at_once(void)
{
	static const char *const ends[] = { "eth7", "eth8" };

	good_machine();
	file("flags : fpu aes\n", "proc/cpuinfo");
	status("0-3", "0");
	CU_ASSERT_EQUAL(check("9", "auto", 2, ends), 5);
	CU_ASSERT_EQUAL(found.n_notes, 5);
	remove_machine();
}

static void
ends_are_told_apart(void)
{
	static const struct {
		const char *end;
		enum end_kind kind;
		const char *interface, *driver;
	} rows[] = {
		{ "eth0", END_KERNEL, "eth0", "eth" },
		{ "enp3s0f1", END_KERNEL, "enp3s0f1", "enp3s0f" },
		{ "0000:03:00.0", END_PCI, "", NULL },
		{ "af:00.1", END_PCI, "", NULL },
		{ "net_af_xdp0,iface=veth0,queue_count=2", END_VDEV, "veth0",
		  "net_af_xdp" },
		{ "net_pcap0,rx_pcap=a.pcap,tx_pcap=b.pcap", END_VDEV, "", "net_pcap" },
		{ "net_null12", END_VDEV, "", "net_null" },
	};
	char text[64];

	/* All but PCI devices and such as other programs or we ourselves feed. */
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CU_ASSERT_EQUAL(end_is_by_kernel(rows[i].end),
		                rows[i].kind != END_PCI &&
		                        strcmp(rows[i].end, "net_null12") != 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CU_ASSERT_EQUAL(end_kind_of(rows[i].end), rows[i].kind);
		CU_ASSERT_EQUAL(end_interface(rows[i].end, text, sizeof(text)),
		                rows[i].interface[0] != '\0');
		CU_ASSERT_STRING_EQUAL(text, rows[i].interface);
		if (rows[i].driver == NULL)
			continue;
		end_vdev_driver(rows[i].end, text, sizeof(text));
		CU_ASSERT_STRING_EQUAL(text, rows[i].driver);
	}
	end_pci_address("af:00.1", text);
	CU_ASSERT_STRING_EQUAL(text, "0000:af:00.1");
}

static void
lists_of_cores_are_read_strictly(void)
{
	static const char *const bad[] = { "",   "a",  "1-",  "3-1", "1,,2",
		                           "1,", "-1", "1 2", "0-9" };
	unsigned int out[8];

	CU_ASSERT_EQUAL(look_list("0-2,7", out, 8), 4);
	CU_ASSERT_EQUAL(out[2], 2);
	CU_ASSERT_EQUAL(out[3], 7);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_EQUAL(look_list(bad[i], out, 8), -1);
}

SUITE_MAIN("preflight", TEST(good_machine_has_nothing_to_say),
           TEST(cores_are_compared_with_those_there), TEST(a_shared_core_is_said_so),
           TEST(missing_hugepages_are_a_warning_with_the_remedy),
           TEST(old_processor_is_named_with_what_it_lacks),
           TEST(a_processor_without_aes_is_slower_and_good_enough),
           TEST(each_bad_end_has_its_sentence), TEST(good_ends_of_every_kind_pass),
           TEST(an_end_can_be_used_once), TEST(missing_permissions_are_named),
           TEST(all_faults_are_told_at_once), TEST(ends_are_told_apart),
           TEST(lists_of_cores_are_read_strictly))
