/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy/settings_parts.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "meter/aggregate.h"

const char *const policy_mode_names[] = { "learn", "monitor", "mitigate", NULL };

static const char *const transmit_words[] = { "auto", "worker", "control", NULL };
static const char *const rss_words[] = { "addresses", "ports", NULL };
static const char *const link_down_words[] = { "propagate", "ignore", NULL };
static const char *const duplex_words[] = { "inline", "ingress", NULL };

/* The settings, and what is only needed while they are read. */
struct reading {
	struct settings s;
	uint64_t version;
	struct config_setting_t *policies;
};

#define AT(member) offsetof(struct reading, s.member)

static const struct conf_field node_fields[] = {
	{ .key = "name",
	  .kind = CONF_TEXT,
	  .offset = AT(node_name),
	  .absent = "tidegate",
	  .min = 1,
	  .max = SETTINGS_NAME_MAX,
	  .help = "What this box is called in events and metrics." },
	{ .key = NULL },
};

static const struct conf_field dataplane_fields[] = {
	{ .key = "transmit",
	  .kind = CONF_WORD,
	  .offset = AT(transmit),
	  .absent = "auto",
	  .words = transmit_words,
	  .help = "Who sends: each worker on its own queue of the second port, or "
	          "control for all." },
	{ .key = "workers",
	  .kind = CONF_TEXT,
	  .offset = AT(workers),
	  .absent = "auto",
	  .help = "How many workers judge packets, such as \"2\"; auto is one where the "
	          "kernel brings the frames of any end, else as many as the cores give. "
	          "A worker that receives what belongs to another hands it over." },
	{ .key = "cores",
	  .kind = CONF_TEXT,
	  .offset = AT(cores),
	  .absent = "auto",
	  .help = "Cores to run on, such as \"0-3\" or \"2,4,6\": the first is "
	          "control's, "
	          "the others are the workers'." },
	{ .key = "rss",
	  .kind = CONF_WORD,
	  .offset = AT(rss_ports),
	  .absent = "addresses",
	  .words = rss_words,
	  .help = "What decides which worker a packet belongs to; addresses keep "
	          "fragments with their flow, ports spread the flows of one pair of "
	          "addresses." },
	{ .key = "flow_entries",
	  .kind = CONF_COUNT,
	  .offset = AT(flow_entries),
	  .absent = "1M",
	  .min = 1000,
	  .max = 256 * MEGA,
	  .help = "Flows that each worker remembers, rounded up to a power of two." },
	{ .key = "source_entries",
	  .kind = CONF_COUNT,
	  .offset = AT(source_entries),
	  .absent = "256k",
	  .min = 1000,
	  .max = 64 * MEGA,
	  .help = "Sources that each worker meters, rounded up to a power of two." },
	{ .key = "addresses",
	  .kind = CONF_COUNT,
	  .offset = AT(addresses),
	  .absent = "64k",
	  .min = 1,
	  .max = 16 * MEGA,
	  .help = "Protected addresses that each worker counts one by one, at 128 bytes; "
	          "prefixes that do not fit are counted by network." },
	{ .key = "networks",
	  .kind = CONF_COUNT,
	  .offset = AT(networks),
	  .absent = "1k",
	  .min = 1,
	  .max = AGGREGATE_NETWORKS_MAX - 1,
	  .help = "Protected networks, /24 or IPv6 /48, that each worker counts and may "
	          "limit one by one, at 1.3 KiB." },
	{ .key = "link_down",
	  .kind = CONF_WORD,
	  .offset = AT(link_down_ignore),
	  .absent = "propagate",
	  .words = link_down_words,
	  .help = "Whether one end of a link that goes down takes the other down too." },
	{ .key = "duplex",
	  .kind = CONF_WORD,
	  .offset = AT(ingress),
	  .absent = "inline",
	  .words = duplex_words,
	  .help = "Whether both directions cross the box, or only what comes from "
	          "outside." },
	{ .key = NULL },
};

static const struct conf_field link_fields[] = {
	{ NAME_OF(struct settings_link), .min = 1, .max = SETTINGS_NAME_MAX,
	  .example = "uplink", .help = "What the link is called in metrics." },
	{ .key = "external",
	  .kind = CONF_TEXT,
	  .offset = offsetof(struct settings_link, external),
	  .min = 1,
	  .max = 255,
	  .example = "0000:81:00.0",
	  .help = "The end towards the Internet: a PCI address, a DPDK device such as "
	          "net_af_xdp0,iface=eth1, or a kernel interface." },
	{ .key = "internal",
	  .kind = CONF_TEXT,
	  .offset = offsetof(struct settings_link, internal),
	  .min = 1,
	  .max = 255,
	  .example = "0000:81:00.1",
	  .help = "The end towards the protected network, written the same way." },
	{ .key = NULL },
};

static const struct conf_field api_fields[] = {
	{ .key = "listen",
	  .kind = CONF_TEXTS,
	  .offset = AT(api_listen),
	  .absent = "127.0.0.1:9686, unix:/run/tidegate/api.sock",
	  .min = 1,
	  .max = 255,
	  .help = "Where the API answers: ADDRESS:PORT or unix:PATH; an empty array "
	          "turns it off." },
	{ .key = "tokens_file",
	  .kind = CONF_TEXT,
	  .offset = AT(api_tokens_file),
	  .absent = "/etc/tidegate/tokens",
	  .min = 0,
	  .max = 4095,
	  .help = "Tokens that may write, one line NAME:SHA256 each; without it nobody "
	          "may." },
	{ .key = "remote",
	  .kind = CONF_BOOL,
	  .offset = AT(api_remote),
	  .absent = "false",
	  .help = "Whether `listen` may name addresses beyond loopback, where reading "
	          "needs "
	          "a token too; nothing is encrypted, so a proxy with TLS in front is "
	          "better." },
	{ .key = "names",
	  .kind = CONF_TEXTS,
	  .offset = AT(api_names),
	  .absent = "",
	  .min = 1,
	  .max = 253,
	  .example = "gate.example.net",
	  .help = "Names by which a proxy in front is called, so that requests and pages "
	          "with them are ours; without it, only loopback and `listen`." },
	{ .key = "dashboard",
	  .kind = CONF_BOOL,
	  .offset = AT(api_dashboard),
	  .absent = "true",
	  .help = "Whether the page for a browser is served at /; it shows what the API "
	          "tells and needs a token to change anything." },
	{ .key = NULL },
};

static const struct conf_field state_fields[] = {
	{ .key = "folder",
	  .kind = CONF_TEXT,
	  .offset = AT(state_folder),
	  .absent = "/var/lib/tidegate",
	  .min = 1,
	  .max = SETTINGS_PATH_MAX,
	  .help = "Where the box keeps what it must still know after a restart." },
	{ .key = "cookie_secret",
	  .kind = CONF_TEXT,
	  .offset = AT(cookie_secret),
	  .absent = "",
	  .min = 0,
	  .max = 4095,
	  .help = "File with the secret of the cookies, mode 0600; boxes with copies of "
	          "one file accept each other's cookies. Not set: cookie-secret in the "
	          "folder, which is made at the first start." },
	{ .key = NULL },
};

static const struct conf_field history_fields[] = {
	{ .key = "memory",
	  .kind = CONF_SIZE,
	  .offset = AT(history_memory),
	  .absent = "32MiB",
	  .min = 1 << 20,
	  .max = UINT64_C(4) << 30,
	  .help = "Memory for rates of the past, at most: half of it for the last ten "
	          "minutes second by second, half for minutes; the oldest go first." },
	{ .key = "on_disk",
	  .kind = CONF_BOOL,
	  .offset = AT(history_on_disk),
	  .absent = "true",
	  .help = "Whether attacks, minutes and events are also kept in history.db in "
	          "the state folder, so that they outlive a restart." },
	{ .key = "size",
	  .kind = CONF_SIZE,
	  .offset = AT(history_size),
	  .absent = "256MiB",
	  .min = 1 << 20,
	  .max = UINT64_C(1) << 40,
	  .help = "The size of that file, at most; the oldest goes first." },
	{ .key = "keep",
	  .kind = CONF_TIME,
	  .offset = AT(history_keep),
	  .absent = "90d",
	  .min = UINT64_C(3600) * 1000000000,
	  .max = UINT64_C(3660) * 86400 * 1000000000,
	  .help = "How long what is in that file is kept, at most." },
	{ .key = NULL },
};

static const struct conf_field service_fields[] = {
	{ NAME_OF(struct settings_service), .min = 1, .max = SETTINGS_NAME_MAX,
	  .example = "shop",
	  .help = "What the service is called; meters survive a reload that keeps the "
	          "name." },
	{ .key = "prefixes",
	  .kind = CONF_PREFIXES,
	  .offset = offsetof(struct settings_service, prefixes),
	  .example = "203.0.113.10/32",
	  .help = "Protected prefixes, IPv4 and IPv6; of several services the most "
	          "specific wins." },
	{ .key = "protocol",
	  .kind = CONF_TEXT,
	  .offset = offsetof(struct settings_service, protocol),
	  .absent = "any",
	  .help = "any, tcp, udp, icmp (both families), or the number of an IP "
	          "protocol." },
	{ .key = "ports",
	  .kind = CONF_PORTS,
	  .offset = offsetof(struct settings_service, ports),
	  .absent = "",
	  .help = "Ports of tcp or udp, alone or as ranges; empty is all." },
	{ .key = "policy",
	  .kind = CONF_TEXT,
	  .offset = offsetof(struct settings_service, policy),
	  .absent = "default",
	  .min = 1,
	  .max = SETTINGS_NAME_MAX,
	  .help = "The policy that judges packets to this service." },
	{ .key = NULL },
};

enum { TOP_POLICIES = 12 };

static const struct conf_field top_fields[] = {
	{ .key = "version",
	  .kind = CONF_INT,
	  .offset = offsetof(struct reading, version),
	  .min = 1,
	  .max = 1,
	  .example = "1",
	  .help = "The version of this grammar." },
	{ .key = "node", .kind = CONF_GROUP, .fields = node_fields, .help = "This box." },
	{ .key = "dataplane",
	  .kind = CONF_GROUP,
	  .fields = dataplane_fields,
	  .help = "How packets are moved; changes need a restart." },
	{ .key = "links",
	  .kind = CONF_LIST,
	  .offset = AT(links),
	  .absent = "",
	  .fields = link_fields,
	  .size = sizeof(struct settings_link),
	  .help = "Pairs of ports that form a wire." },
	{ .key = "api",
	  .kind = CONF_GROUP,
	  .fields = api_fields,
	  .help = "The HTTP API and the metrics." },
	{ .key = "state",
	  .kind = CONF_GROUP,
	  .fields = state_fields,
	  .help = "Files that the box keeps; changes need a restart." },
	{ .key = "events",
	  .kind = CONF_GROUP,
	  .offset = AT(events),
	  .fields = settings_event_fields,
	  .help = "Attacks, reloads and blocks as they happen." },
	{ .key = "samples",
	  .kind = CONF_GROUP,
	  .fields = settings_sample_fields,
	  .help = "Packets that are kept to show why they were stopped." },
	{ .key = "history",
	  .kind = CONF_GROUP,
	  .fields = history_fields,
	  .help = "What the box remembers of its past; changes need a restart." },
	{ .key = "routers",
	  .kind = CONF_PREFIXES,
	  .offset = AT(routers),
	  .absent = "",
	  .help = "BGP and OSPF neighbours on the wire, whose talk is never dropped." },
	{ .key = "lists",
	  .kind = CONF_LIST,
	  .offset = AT(lists),
	  .absent = "",
	  .fields = settings_list_fields,
	  .size = sizeof(struct settings_list),
	  .help = "Sources that are always let through or never." },
	{ .key = "filters",
	  .kind = CONF_LIST,
	  .offset = AT(filters),
	  .absent = "",
	  .fields = filter_fields,
	  .size = sizeof(struct filter_spec),
	  .help = "Rules of your own, asked in this order: the first that drops, passes "
	          "or meters a packet decides it." },
	[TOP_POLICIES] = { .key = "policies",
	                   .kind = CONF_SECTIONS,
	                   .offset = offsetof(struct reading, policies),
	                   .absent = "",
	                   .help = "What is done about which flood; the one named "
	                           "default is for "
	                           "what no service claims." },
	{ .key = "services",
	  .kind = CONF_LIST,
	  .offset = AT(services),
	  .absent = "",
	  .fields = service_fields,
	  .size = sizeof(struct settings_service),
	  .help = "What is protected." },
	{ .key = NULL },
};

static_assert(offsetof(struct reading, s) == 0,
              "offsets in a reading are those in settings");

const struct conf_field *
settings_fields(void)
{
	return top_fields;
}

/* --- read and free --- */

static int
read_doc(struct conf_doc *doc, const char *name, struct settings **out,
         struct conf_errors *errors)
{
	struct reading *r = calloc(1, sizeof(*r));
	size_t before = errors->count, len;
	const char *text;

	if (r == NULL) {
		conf_fail(errors, NULL, "out of memory");
		return -EINVAL;
	}
	text = conf_source(doc, &len);
	sha256_text(text, len, r->s.sha256);
	r->s.file = strdup(name);
	conf_read_group(conf_root(doc), top_fields, r, errors);
	settings_read_policies(&r->s, r->policies, errors);
	settings_check(&r->s, errors);
	r->policies = NULL;
	if (errors->count > before || r->s.file == NULL) {
		settings_free(&r->s);
		return -EINVAL;
	}
	*out = &r->s;
	return 0;
}

static int
read_opened(int opened, struct conf_doc *doc, const char *name, struct settings **out,
            struct conf_errors *errors)
{
	int rc = opened;

	*out = NULL;
	if (doc != NULL && read_doc(doc, name, out, errors) < 0)
		rc = -EINVAL;
	conf_close(doc);
	if (rc < 0) {
		settings_free(*out);
		*out = NULL;
	}
	return rc;
}

int
settings_read(const char *path, struct settings **out, struct conf_errors *errors)
{
	struct conf_doc *doc;
	int rc = conf_open_file(path, &doc, errors);

	return read_opened(rc, doc, path, out, errors);
}

int
settings_read_text(const char *text, size_t len, const char *name, struct settings **out,
                   struct conf_errors *errors)
{
	struct conf_doc *doc;
	int rc = conf_open_text(text, len, name, &doc, errors);

	return read_opened(rc, doc, name, out, errors);
}

void
settings_free(struct settings *s)
{
	/* The settings are the first member of what was taken to read them. */
	struct reading *r = (struct reading *)s;

	if (s == NULL)
		return;
	settings_free_policies(s);
	conf_release(top_fields, r);
	free(s->file);
	free(r);
}

/* --- print --- */

/* The top level with the tables that only exist at run time hung in. */
static void
whole_table(struct settings_tables *t, struct conf_field *top)
{
	settings_tables_fill(t);
	memcpy(top, top_fields, sizeof(top_fields));
	top[TOP_POLICIES].fields = t->policy;
}

void
settings_print_defaults(FILE *to)
{
	struct conf_field top[sizeof(top_fields) / sizeof(*top_fields)];
	struct settings_tables t;

	whole_table(&t, top);
	conf_print_defaults(top, to);
}

void
settings_print_manual(FILE *to)
{
	struct conf_field top[sizeof(top_fields) / sizeof(*top_fields)];
	struct settings_tables t;

	whole_table(&t, top);
	conf_print_manual(top, to);
}
