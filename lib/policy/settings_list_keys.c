/* SPDX-License-Identifier: BSD-3-Clause */
/* settings_list_keys - what stands in one element of the group lists. */
#include "policy/settings_parts.h"

static const char *const format_words[] = { "auto", "plain", "csv", "mmdb", NULL };
static const char *const on_error_words[] = { "refuse", "skip", NULL };
static const char *const action_words[] = { "allow", "deny", "tag", "never_block", NULL };

const struct conf_field settings_list_fields[] = {
	{ NAME_OF(struct settings_list), .min = 1, .max = SETTINGS_NAME_MAX,
	  .example = "monitors", .help = "What the list is called where it decides." },
	{ .key = "action",
	  .kind = CONF_WORD,
	  .offset = offsetof(struct settings_list, action),
	  .words = action_words,
	  .example = "allow",
	  .help = "What happens to packets from these prefixes: allow and deny decide, "
	          "tag "
	          "leaves it to the policies, never_block keeps them off every block." },
	{ .key = "prefixes",
	  .kind = CONF_PREFIXES,
	  .offset = offsetof(struct settings_list, prefixes),
	  .absent = "",
	  .example = "192.0.2.10/32",
	  .help = "Source prefixes, IPv4 and IPv6, beside those of the file." },
	{ .key = "file",
	  .kind = CONF_TEXT,
	  .offset = offsetof(struct settings_list, file),
	  .absent = "",
	  .min = 0,
	  .max = SETTINGS_PATH_MAX,
	  .example = "lists/drop.txt",
	  .help = "A file with more prefixes; a path without / in front starts from the "
	          "folder of this configuration." },
	{ .key = "format",
	  .kind = CONF_WORD,
	  .offset = offsetof(struct settings_list, format),
	  .absent = "auto",
	  .words = format_words,
	  .help = "plain is a prefix a line, csv is prefix,until,remark, mmdb is a "
	          "MaxMind database; auto goes by the name's end: .csv, .mmdb, else "
	          "plain." },
	{ .key = "on_error",
	  .kind = CONF_WORD,
	  .offset = offsetof(struct settings_list, on_error),
	  .absent = "refuse",
	  .words = on_error_words,
	  .help = "What a broken line does: refuse leaves the old content in force, and "
	          "at the start refuses to start; skip leaves the line out." },
	{ .key = "select",
	  .kind = CONF_TEXTS,
	  .offset = offsetof(struct settings_list, select),
	  .absent = "",
	  .min = 2,
	  .max = 12,
	  .example = "NL, AS64496",
	  .help = "Countries and autonomous systems to take from a database; empty is "
	          "every network in it." },
	{ .key = "refresh",
	  .kind = CONF_TIME,
	  .offset = offsetof(struct settings_list, refresh_ns),
	  .absent = "0s",
	  .min = 0,
	  .max = UINT64_C(31) * 86400 * 1000000000,
	  .help = "How often to look whether the file has changed; 0s is only by call "
	          "and at a reload." },
	{ .key = "max_prefixes",
	  .kind = CONF_COUNT,
	  .offset = offsetof(struct settings_list, max_prefixes),
	  .absent = "5M",
	  .min = 1,
	  .max = 64 * MEGA,
	  .help = "A file with more prefixes is refused." },
	{ .key = "allow_empty",
	  .kind = CONF_BOOL,
	  .offset = offsetof(struct settings_list, allow_empty),
	  .absent = "false",
	  .help = "Whether a file may be empty after it was full." },
	{ .key = "scale",
	  .kind = CONF_COUNT,
	  .offset = offsetof(struct settings_list, scale),
	  .absent = "1",
	  .min = 1,
	  .max = MEGA,
	  .help = "Of never_block: for how many customers one of these sources stands, "
	          "such as a proxy; its limits count so many times." },
	{ .key = NULL },
};
