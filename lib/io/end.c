/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/end.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Hexadecimal digits of PCI addresses, 'h' for one digit. */
static bool
matches(const char *text, const char *pattern)
{
	for (; *pattern != '\0'; text++, pattern++)
		if (*pattern == 'h' ? !isxdigit((unsigned char)*text) : *text != *pattern)
			return false;
	return *text == '\0';
}

enum end_kind
end_kind_of(const char *end)
{
	if (matches(end, "hhhh:hh:hh.h") || matches(end, "hh:hh.h"))
		return END_PCI;
	/* No interface name holds a comma; DPDK's drivers of networks all begin like this. */
	if (strncmp(end, "net_", 4) == 0 || strchr(end, ',') != NULL)
		return END_VDEV;
	return END_KERNEL;
}

void
end_pci_address(const char *end, char out[END_PCI_MAX])
{
	snprintf(out, END_PCI_MAX, "%s%.12s", matches(end, "hh:hh.h") ? "0000:" : "",
	         end);
}

void
end_vdev_name(const char *end, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)strcspn(end, ","), end);
}

void
end_vdev_driver(const char *end, char *out, size_t size)
{
	size_t n = strcspn(end, ",");

	while (n > 0 && isdigit((unsigned char)end[n - 1]))
		n--;
	snprintf(out, size, "%.*s", (int)n, end);
}

const char *
end_vdev_args(const char *end)
{
	const char *comma = strchr(end, ',');

	return comma == NULL ? "" : comma + 1;
}

bool
end_interface(const char *end, char *out, size_t size)
{
	const char *at;

	switch (end_kind_of(end)) {
	case END_KERNEL:
		snprintf(out, size, "%s", end);
		return true;
	case END_PCI:
		break;
	case END_VDEV:
		/* Only these two drivers own the interface they are given. */
		if (strncmp(end, "net_af_", 7) != 0)
			break;
		for (at = strchr(end, ','); at != NULL; at = strchr(at, ',')) {
			at++;
			if (strncmp(at, "iface=", 6) == 0) {
				at += 6;
				snprintf(out, size, "%.*s", (int)strcspn(at, ","), at);
				return true;
			}
		}
		break;
	}
	if (size > 0)
		out[0] = '\0';
	return false;
}

bool
end_is_by_kernel(const char *end)
{
	static const char *const drivers[] = { "net_af_xdp", "net_af_packet", "net_tap",
		                               "net_pcap" };
	char driver[64];

	if (end_kind_of(end) != END_VDEV)
		return end_kind_of(end) == END_KERNEL;
	end_vdev_driver(end, driver, sizeof(driver));
	for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++)
		if (strcmp(driver, drivers[i]) == 0)
			return true;
	return false;
}

int
io_fail(char *why, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, IO_WHY, format, args);
	va_end(args);
	return error;
}
