/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/eal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "base/log.h"
#include "io/quiet.h"

#define ARGS_MAX  96
#define ARGS_TEXT 8192

struct args {
	int n;
	char *argv[ARGS_MAX + 1];
	size_t used;
	char text[ARGS_TEXT];
};

static void arg(struct args *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void
arg(struct args *a, const char *format, ...)
{
	size_t left = sizeof(a->text) - a->used;
	va_list list;
	int n;

	va_start(list, format);
	n = vsnprintf(a->text + a->used, left, format, list);
	va_end(list);
	/* 33 ends and 65 cores fit with room to spare; what would not is left out whole. */
	if (n < 0 || (size_t)n >= left || a->n == ARGS_MAX)
		return;
	a->argv[a->n++] = a->text + a->used;
	a->used += (size_t)n + 1;
}

static void
arg_cores(struct args *a, const struct eal_plan *plan)
{
	char map[2048];
	size_t used = 0;

	for (unsigned int i = 0; i < plan->n_cores && used < sizeof(map); i++)
		used += (size_t)snprintf(map + used, sizeof(map) - used, "%s%u@%u",
		                         i > 0 ? "," : "", i, plan->core[i]);
	arg(a, "--lcores=%s", map);
	arg(a, "--main-lcore=0");
}

static void
build(struct args *a, const struct eal_plan *plan)
{
	bool has_pci = false;

	memset(a, 0, sizeof(*a));
	arg(a, "tidegated");
	arg_cores(a, plan);
	arg(a, "--file-prefix=%s", plan->prefix);
	/* In DPDK 22.11 the two exclude each other. */
	if (plan->has_hugepages) {
		arg(a, "--in-memory");
	} else {
		arg(a, "--no-huge");
		arg(a, "--no-shconf");
		arg(a, "-m");
		arg(a, "%u", plan->memory_mib);
	}
	if (!plan->has_telemetry)
		arg(a, "--no-telemetry");
	for (unsigned int i = 0; i < plan->n_ends; i++) {
		char address[END_PCI_MAX];

		if (end_kind_of(plan->ends[i]) != END_PCI)
			continue;
		end_pci_address(plan->ends[i], address);
		arg(a, "--allow=%s", address);
		has_pci = true;
	}
	if (!has_pci) {
		arg(a, "--no-pci");
		/* AF_XDP maps a pool as one piece, which it is in virtual addresses only. */
		arg(a, "--iova-mode=va");
	}
}

/* Each line that DPDK logs becomes a debug line of ours. */
static ssize_t
log_line(void *cookie, const char *text, size_t len)
{
	size_t n = len;

	(void)cookie;
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\0'))
		n--;
	if (n > 0 && quiet_is_on())
		fprintf(stderr, "%.*s\n", (int)n, text); /* Heard there, and told once. */
	else if (n > 0)
		log_debug("%.*s", (int)n, text);
	return (ssize_t)len;
}

static void
own_log_stream(void)
{
	cookie_io_functions_t own = { .write = log_line };
	FILE *f = fopencookie(NULL, "w", own);

	if (f == NULL)
		return;
	setvbuf(f, NULL, _IOLBF, 512);
	rte_openlog_stream(f);
}

int
eal_start(const struct eal_plan *plan, char *why)
{
	struct quiet quiet;
	struct args *a;
	static struct args args; /* EAL keeps pointers into its arguments. */
	char last[256];
	int done, error;

	a = &args;
	build(a, plan);
	for (int i = 1; i < a->n; i++)
		log_debug("EAL argument %s", a->argv[i]);
	quiet_begin(&quiet);
	done = rte_eal_init(a->n, a->argv);
	error = rte_errno;
	quiet_end(&quiet, last, sizeof(last));
	if (done < 0)
		return io_fail(why, error > 0 ? -error : -EIO,
		               "DPDK does not start with %u MiB on %s: %s (%s)",
		               plan->memory_mib,
		               plan->has_hugepages ? "hugepages" : "4 KiB pages",
		               last[0] != '\0' ? last : "it gave no reason",
		               strerror(error));
	own_log_stream();
	return 0;
}

void
eal_stop(void)
{
	struct quiet quiet;

	quiet_begin(&quiet);
	rte_eal_cleanup();
	quiet_end(&quiet, NULL, 0);
}
