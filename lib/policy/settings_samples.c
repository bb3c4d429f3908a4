/* SPDX-License-Identifier: BSD-3-Clause */
/* settings_samples - the keys of what is kept of packets to show why they were stopped. */
#include "policy/settings_parts.h"

#define OF(member) offsetof(struct settings, member)

static const char *const bytes_words[] = { "128", "whole", NULL };

const struct conf_field settings_sample_fields[] = {
	{ .key = "rate",
	  .kind = CONF_PACKETS,
	  .offset = OF(samples_rate),
	  .absent = "10pps",
	  .min = 0,
	  .max = 1000,
	  .help = "How many packets each worker keeps of each reason to stop one; every "
	          "service has one a second of each besides. \"off\" keeps none." },
	{ .key = "bytes",
	  .kind = CONF_WORD,
	  .offset = OF(samples_whole),
	  .absent = "128",
	  .words = bytes_words,
	  .help = "How much of each: the first 128 bytes, or the whole packet, in "
	          "which a customer's data may stand." },
	{ .key = "folder",
	  .kind = CONF_TEXT,
	  .offset = OF(samples_folder),
	  .absent = "",
	  .min = 0,
	  .max = SETTINGS_PATH_MAX,
	  .help = "Where they are written as pcapng, which Wireshark and tshark read, "
	          "with verdict, reason and service as comments; empty keeps the last "
	          "in memory only." },
	{ .key = "files",
	  .kind = CONF_COUNT,
	  .offset = OF(samples_files),
	  .absent = "16",
	  .min = 1,
	  .max = 10000,
	  .help = "So many files at most; then the oldest is removed." },
	{ .key = "file_size",
	  .kind = CONF_SIZE,
	  .offset = OF(samples_file_size),
	  .absent = "8MiB",
	  .min = 256 << 10,
	  .max = UINT64_C(1) << 30,
	  .help = "No file grows beyond this." },
	{ .key = NULL },
};
